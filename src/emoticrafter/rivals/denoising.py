"""The base of the methods that learn from the backbone's own training loss."""

# B pairs, L latent channels

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from emoticrafter.backbones.denoiser import denoiser_of
from emoticrafter.backbones.finite import is_finite
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.rivals.budget import Budget, Learned
from emoticrafter.rivals.learning import learn
from emoticrafter.rivals.rival import Rival, plain
from emoticrafter.settings import Section, key

if TYPE_CHECKING:
    from emoticrafter.rivals.material import RivalMaterial

__all__ = ["DenoisingRival", "DenoisingSection", "frozen"]


@dataclass(frozen=True, kw_only=True)
class DenoisingSection(Section):
    """Settings of every method that learns from the denoising loss."""

    rate: float = key(1e-3, "learning rate", above=0, most=1)
    batch: int = key(32, "pictures per step", least=1, most=65_536)


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

    def loss(self, material: RivalMaterial, batch: int) -> Callable[[torch.Generator], Tensor]:
        """The loss on a batch that is drawn from a generator."""
        assert material.latents is not None
        latents, denoiser, device = material.latents, denoiser_of(self.backbone), self.backbone.device
        emotions = torch.from_numpy(material.emotions)

        def loss(generator: torch.Generator) -> Tensor:
            rows = torch.randint(len(material), (batch,), generator=generator)
            prompts = [material.neutral[row] for row in rows.tolist()]
            clean = torch.stack([torch.from_numpy(latents[row].copy()) for row in rows.tolist()]).float().to(device)
            points = emotions[rows].to(device)
            told = self.features(denoiser.text.encode(prompts), prompts, points, 1.0)
            with self.steered(points, 1.0) as steering:
                if steering is not None:
                    steering.rows = range(batch)
                value = denoiser.loss(clean, told, generator, size=material.size)
            if not is_finite(value.detach()):
                broken = denoiser.not_finite("The loss overflowed")
                if isinstance(broken, CheckpointError):
                    raise broken
            return value

        return loss

    def check_trainable(self) -> None:
        if self.backbone.describe().get("offload"):
            raise InputError("A method cannot be trained on a model that is moved in and out of memory.", "Leave --offload out.")
        if denoiser_of(self.backbone).dtype == torch.float16:
            raise InputError("Gradients vanish in float16.", "Train with --dtype bfloat16 or float32.")

    def learn(self, material: RivalMaterial, budget: Budget, folder: Path, *, seed: int, quiet: bool) -> Learned:
        assert self.module is not None
        self.check_trainable()
        batch, rate = min(self.config.batch, len(material)), self.config.rate
        loss = self.loss(material, batch)
        origin = {"method": self.name, "config": plain(self.config), "material": dict(material.about), "budget": budget.as_dict()}
        with frozen(*denoiser_of(self.backbone).networks):
            return learn(self.module, loss, budget, folder, rate=rate, batch=batch, seed=seed, origin=origin, quiet=quiet)
