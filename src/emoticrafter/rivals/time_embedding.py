"""Emotions added to the time embedding of the UNet: what every residual block is told beside the text.

    t <- t + s (MLP_v(v) + MLP_a(a))

The last layers of the MLPs start at zero, so that an untrained method draws the neutral picture. The unconditional half of the
guidance is told nothing.
"""

# B pairs, D width of the time embedding

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from emoticrafter.backbones.denoiser import denoiser_of
from emoticrafter.eit import VAEncoder
from emoticrafter.errors import InputError
from emoticrafter.rivals.denoising import DenoisingRival, DenoisingSection
from emoticrafter.rivals.steering import Steering, axis_embeddings
from emoticrafter.settings import key

__all__ = ["TimeEmbedding"]


@dataclass(frozen=True, kw_only=True)
class TimeEmbeddingSettings(DenoisingSection):
    """See `TimeEmbedding`."""

    hidden: int = key(64, "hidden units of the MLP of an axis", least=1, most=4096)


class TimeEmbedding(DenoisingRival):
    """See the module."""

    name = "time_embedding"
    Config = TimeEmbeddingSettings

    def build(self) -> nn.Module:
        width = denoiser_of(self.backbone).time_width
        if width is None:
            raise InputError(f"The network of {self.backbone.name} has no time embedding to add to.", "Use another method.")
        axes = axis_embeddings(1, width, self.config.hidden)
        for axis in (axes.valence, axes.arousal):
            nn.init.zeros_(axis[-1].weight)  # type: ignore[arg-type]
            nn.init.zeros_(axis[-1].bias)  # type: ignore[arg-type]
        return axes

    @contextmanager
    def steered(self, points_B2: Tensor, strength: float) -> Iterator[Steering]:
        assert isinstance(self.module, VAEncoder)
        valence_B1D, arousal_B1D = self.module(*points_B2.float().unbind(dim=1))
        steering = Steering(strength * (valence_B1D + arousal_B1D)[:, 0])
        with denoiser_of(self.backbone).time_changed(lambda output: steering.add(output, lambda told_BD, first: told_BD)):
            yield steering
