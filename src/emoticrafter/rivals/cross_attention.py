"""Emotion tokens in decoupled cross-attention, as IP-Adapter does it with pictures (Ye et al. 2023, arXiv 2308.06721).

In every cross-attention of the UNet, with the query Q of the picture and the layer's own output projection O,

    O(softmax(Q K_text) V_text) + s O'(softmax(Q K_e) V_e),   K_e = W_k e,  V_e = W_v e,  e = LN(MLP_v(v), MLP_a(a))

where O' is O without its bias, so that the sum is IP-Adapter's. New are W_k, W_v and the MLPs; W_v starts at zero, so that an
untrained method draws the neutral picture. The unconditional half of the guidance is told nothing.
"""

# B pairs, R rows of one call, N places of the picture, K emotion tokens, C prompt channels

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emoticrafter.backbones.denoiser import AttentionCall, denoiser_of
from emoticrafter.errors import InputError
from emoticrafter.rivals.denoising import DenoisingRival, DenoisingSection
from emoticrafter.rivals.steering import Steering, axis_embeddings
from emoticrafter.settings import key

__all__ = ["CrossAttention"]


@dataclass(frozen=True, kw_only=True)
class CrossAttentionSettings(DenoisingSection):
    """See `CrossAttention`."""

    tokens: int = key(4, "emotion tokens per axis", least=1, most=64)
    hidden: int = key(64, "hidden units of the MLP of an axis", least=1, most=4096)


class CrossAttention(DenoisingRival):
    """See the module."""

    name = "cross_attention"
    Config = CrossAttentionSettings

    def build(self) -> nn.Module:
        widths = denoiser_of(self.backbone).attention_widths
        if not widths:
            raise InputError(f"The network of {self.backbone.name} has no cross-attention to add to.", "Use another method.")
        return _Parameters(self.backbone.prompt_channels, self.config, widths)

    @contextmanager
    def steered(self, points_B2: Tensor, strength: float) -> Iterator[Steering]:
        assert isinstance(self.module, _Parameters)
        steering = Steering(self.module.emotion(points_B2))
        layers = zip(self.module.keys, self.module.values, strict=True)
        changes = [_Decoupled(steering, keys, values, strength) for keys, values in layers]
        with denoiser_of(self.backbone).attention_changed(changes):
            yield steering


class _Parameters(nn.Module):
    def __init__(self, channels: int, config: CrossAttentionSettings, widths: Sequence[int]) -> None:
        super().__init__()
        self.axes = axis_embeddings(config.tokens, channels, config.hidden)
        self.norm = nn.LayerNorm(channels)
        self.keys = nn.ModuleList(nn.Linear(channels, width, bias=False) for width in widths)
        self.values = nn.ModuleList(nn.Linear(channels, width, bias=False) for width in widths)
        for values in self.values:
            nn.init.zeros_(values.weight)  # type: ignore[arg-type]

    def emotion(self, points_B2: Tensor) -> Tensor:
        """(B, 2 K, C)."""
        valence_B, arousal_B = points_B2.float().unbind(dim=1)
        return self.norm(torch.cat(self.axes(valence_B, arousal_B), dim=1))


class _Decoupled:
    """What the queries of a layer read from the emotion, added to its output; an `AttentionChange`."""

    def __init__(self, steering: Steering, keys: nn.Module, values: nn.Module, strength: float) -> None:
        self.steering, self.keys, self.values, self.strength = steering, keys, values, strength

    def __call__(self, output: Tensor, call: AttentionCall) -> Tensor:
        def read(told_BKC: Tensor, first: int) -> Tensor:
            queries = call.queries(first)
            keys, values = (
                part.to(queries.dtype).unflatten(-1, (call.heads, -1)).transpose(1, 2)
                for part in (self.keys(told_BKC), self.values(told_BKC))
            )
            found = F.scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2)
            return self.strength * call.project(found)

        return self.steering.add(output, read)
