"""From clean latents to noisy ones and what the network is to predict of them, by a scheduler's config.

flow (`flow_prediction`; Liu et al. 2022, arXiv 2209.03003): x_t = (1 - t) x + t n, and the network predicts n - x. Times are
drawn as in Esser et al. 2024 (arXiv 2403.03206): t = sigmoid(normal).
epsilon, v_prediction, sample (Ho et al. 2020, arXiv 2006.11239): x_t = sqrt(a_t) x + sqrt(1 - a_t) n with the scheduler's betas,
and the network predicts n, sqrt(a_t) n - sqrt(1 - a_t) x, or x; times are uniform.
"""

# B pictures, L latent channels, h and w sides of latents

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

__all__ = ["Noised", "Noising"]


class Noised(NamedTuple):
    """latents, target: (B, L, h, w). timesteps: (B,), as the network takes them."""

    latents: Tensor
    timesteps: Tensor
    target: Tensor


class Noising:
    """What a model with this scheduler is trained on. config: as diffusers' schedulers have it."""

    def __init__(self, config: Any) -> None:
        self.flow = config.prediction_type == "flow_prediction"
        self._times = int(config.num_train_timesteps)
        self._shift = float(config.get("flow_shift") or 1.0)
        self._schedule: Any = None
        if not self.flow:
            from diffusers import DDPMScheduler

            self._schedule = DDPMScheduler.from_config(config)

    def noised(self, latents: Tensor, generator: torch.Generator) -> Noised:
        """Clean latents (B, L, h, w) at times and with noise from the generator, which is on the CPU."""
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        if self.flow:
            t = torch.sigmoid(torch.randn(len(latents), generator=generator)).to(latents)
            t = self._shift * t / (1 + (self._shift - 1) * t)
            t_B111 = t[:, None, None, None]
            return Noised((1 - t_B111) * latents + t_B111 * noise, t * self._times, noise - latents)
        timesteps = torch.randint(self._times, (len(latents),), generator=generator).to(latents.device)
        noisy = self._schedule.add_noise(latents, noise, timesteps)
        kind = self._schedule.config.prediction_type
        if kind == "v_prediction":
            return Noised(noisy, timesteps, self._schedule.get_velocity(latents, noise, timesteps))
        return Noised(noisy, timesteps, noise if kind == "epsilon" else latents)
