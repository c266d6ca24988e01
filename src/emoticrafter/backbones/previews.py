"""What a picture will look like, told from its latents between two steps of the sampling."""

# B pictures, L latent channels

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Forecast", "reduced"]

SIDE = 32  # latents of a preview's longer side, at most
_NOISY = ("Ancestral", "SDE", "LCM", "TCD", "DDPM")  # schedulers that add noise in every step


class Forecast:
    """The clean latents that a sampling goes to, by the way between its last two points.

    Of a flow, and of a schedule of noise in units of its picture, a latent is x = a + s n with the noise's level s, so that the
    line through two points meets s = 0 where the picture is. Schedulers that keep the variance divide x by sqrt(1 + s^2). Where a
    scheduler has no levels, or adds noise in every step, the latents themselves must do.
    """

    def __init__(self, scheduler: Any, latents_BLHW: Tensor) -> None:
        config, name = scheduler.config, type(scheduler).__name__
        self.levels = [float(level) for level in getattr(scheduler, "sigmas", ())]
        noisy = any(word in name for word in _NOISY) or "sde" in str(config.get("algorithm_type"))
        self.straight = bool(self.levels) and not noisy
        flow = config.get("use_flow_sigmas") or "FlowMatch" in name or config.get("prediction_type") == "flow_prediction"
        self.keeps_variance = hasattr(scheduler, "_sigma_to_alpha_sigma_t") and not flow
        self._before = self._scaled(latents_BLHW, 0)

    def after(self, index: int, latents_BLHW: Tensor) -> Tensor:
        """The forecast from the latents after the step of this number."""
        if not self.straight or index + 1 >= len(self.levels):
            return latents_BLHW
        now, before = self._scaled(latents_BLHW, index + 1), self._before
        self._before = now
        level, last = self.levels[index + 1], self.levels[index]
        return now if level == last else now - (now - before) * (level / (level - last))

    def _scaled(self, latents_BLHW: Tensor, number: int) -> Tensor:
        latents_BLHW = latents_BLHW.float()
        if not self.straight or not self.keeps_variance:
            return latents_BLHW
        return latents_BLHW * float(torch.tensor(1 + self.levels[number] ** 2).sqrt())


def reduced(latents_BLHW: Tensor) -> Tensor:
    """The latents of a picture of half the size, or less: small enough to be decoded after every step."""
    longest = max(latents_BLHW.shape[-2:])
    share = min(0.5, SIDE / longest)
    size = [max(1, round(side * share)) for side in latents_BLHW.shape[-2:]]
    return F.interpolate(latents_BLHW.float(), size, mode="area")
