"""The denoising loss of a backbone, by its scheduler's config, and the training of a method's parameters with it.

flow (`flow_prediction`; Liu et al. 2022, arXiv 2209.03003): x_t = (1 - t) x + t n, and the network predicts n - x. Times are
drawn as in Esser et al. 2024 (arXiv 2403.03206): t = sigmoid(normal).
epsilon, v_prediction, sample (Ho et al. 2020, arXiv 2006.11239): x_t = sqrt(a_t) x + sqrt(1 - a_t) n with the scheduler's betas,
and the network predicts n, sqrt(a_t) n - sqrt(1 - a_t) x, or x; times are uniform.
"""

# B pairs, L latent channels, T prompt tokens, C prompt channels

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from emoticrafter.backbones.finite import is_finite
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.rivals.base import Rival, plain
from emoticrafter.rivals.budget import Budget, Learned
from emoticrafter.rivals.learning import learn
from emoticrafter.rivals.placeholders import encode_together
from emoticrafter.rivals.steering import inside
from emoticrafter.settings import Section, key

if TYPE_CHECKING:
    from emoticrafter.backbones.features import PromptFeatures
    from emoticrafter.rivals.material import Material

__all__ = ["Denoising", "DenoisingRival", "DenoisingSection", "frozen"]


@dataclass(frozen=True, kw_only=True)
class DenoisingSection(Section):
    """Settings of every method that learns from the denoising loss."""

    rate: float = key(1e-3, "learning rate", above=0, most=1)
    batch: int = key(32, "pictures per step", least=1, most=65_536)


class Denoising:
    """The loss of a backbone's frozen network. size: (width, height) that it is told of the pictures, in pixels."""

    def __init__(self, pipeline: Any, size: tuple[int, int], autocast: Any) -> None:
        self.unet, self.size, self._autocast = pipeline.unet, size, autocast
        config = pipeline.scheduler.config
        self.flow = config.prediction_type == "flow_prediction"
        self._times = int(config.num_train_timesteps)
        self._shift = float(config.get("flow_shift") or 1.0)
        self._schedule: Any = None
        if not self.flow:
            from diffusers import DDPMScheduler

            self._schedule = DDPMScheduler.from_config(config)

    def noised(self, clean: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """(noisy, times as the network takes them, what it is to predict) of latents (B, L, h, w). generator: on the CPU."""
        noise = torch.randn(clean.shape, generator=generator).to(clean)
        if self.flow:
            t = torch.sigmoid(torch.randn(len(clean), generator=generator)).to(clean)
            t = self._shift * t / (1 + (self._shift - 1) * t)
            t_B111 = t[:, None, None, None]
            return (1 - t_B111) * clean + t_B111 * noise, t * self._times, noise - clean
        times = torch.randint(self._times, (len(clean),), generator=generator).to(clean.device)
        noisy = self._schedule.add_noise(clean, noise, times)
        kind = self._schedule.config.prediction_type
        if kind == "v_prediction":
            return noisy, times, self._schedule.get_velocity(clean, noise, times)
        return noisy, times, noise if kind == "epsilon" else clean

    def loss(self, clean: Tensor, told: PromptFeatures, generator: torch.Generator) -> Tensor:
        """The mean squared error of the prediction, told these features."""
        noisy, times, target = self.noised(clean, generator)
        width, height = self.size
        assert told.pooled is not None
        sizes = torch.tensor([[height, width, 0, 0, height, width]] * len(clean), dtype=told.pooled.dtype, device=clean.device)
        dtype = self.unet.dtype
        with self._autocast():
            predicted = self.unet(
                noisy.to(dtype),
                times,
                told.tokens.to(dtype),
                added_cond_kwargs={"text_embeds": told.pooled.to(dtype), "time_ids": sizes.to(dtype)},
                return_dict=False,
            )[0]
        return (predicted.float() - target).square().mean()


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Inside, no gradient reaches these modules' parameters."""
    wanted = [parameter for module in modules for parameter in module.parameters() if parameter.requires_grad]
    for parameter in wanted:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in wanted:
            parameter.requires_grad_(True)


class DenoisingRival(Rival):
    """A method whose parameters are learned with the backbone's own loss: the frozen network, told the neutral prompts and the
    emotions, is to draw the emotional pictures.
    """

    Config: ClassVar[type[Section]] = DenoisingSection

    def loss(self, material: Material, batch: int) -> Callable[[torch.Generator], Tensor]:
        """The loss on a batch that is drawn from a generator."""
        assert material.latents is not None
        backbone, latents = self.backbone, material.latents
        network: Any = backbone  # `told_size` and `autocast` are not in the protocol
        denoising = Denoising(inside(backbone), network.told_size(material.size), network.autocast)
        emotions = torch.from_numpy(material.emotions)

        def loss(generator: torch.Generator) -> Tensor:
            rows = torch.randint(len(material), (batch,), generator=generator)
            prompts = [material.neutral[row] for row in rows.tolist()]
            clean = torch.stack([torch.from_numpy(latents[row].copy()) for row in rows.tolist()]).float().to(backbone.device)
            points = emotions[rows].to(backbone.device)
            told = self.features(encode_together(backbone, prompts), prompts, points, 1.0)
            with self.steered(points, 1.0) as steering:
                if steering is not None:
                    steering.rows = range(batch)
                value = denoising.loss(clean, told, generator)
            if not is_finite(value.detach()):
                broken = getattr(backbone, "not_finite")("The loss overflowed")  # noqa: B009 (not in the protocol)
                if isinstance(broken, CheckpointError):
                    raise broken
            return value

        return loss

    def check_trainable(self) -> None:
        if self.backbone.describe().get("offload"):
            raise InputError("A method cannot be trained on a model that is moved in and out of memory.", "Leave --offload out.")
        if inside(self.backbone).unet.dtype == torch.float16:
            raise InputError("Gradients vanish in float16.", "Train with --dtype bfloat16 or float32.")

    def learn(self, material: Material, budget: Budget, folder: Path, *, seed: int, quiet: bool) -> Learned:
        assert self.module is not None
        pipeline = inside(self.backbone)
        self.check_trainable()
        batch, rate = min(self.config.batch, len(material)), self.config.rate
        loss = self.loss(material, batch)
        origin = {"method": self.name, "config": plain(self.config), "material": dict(material.about), "budget": budget.as_dict()}
        with frozen(pipeline.unet, pipeline.text_encoder, pipeline.text_encoder_2):
            return learn(self.module, loss, budget, folder, rate=rate, batch=batch, seed=seed, origin=origin, quiet=quiet)
