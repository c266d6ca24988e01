"""Emotion tokens in decoupled cross-attention, as IP-Adapter does it with pictures (Ye et al. 2023, arXiv 2308.06721).

In every cross-attention of the UNet, with the query Q of the picture and the layer's own output projection O,

    O(softmax(Q K_text) V_text) + s O'(softmax(Q K_e) V_e),   K_e = W_k e,  V_e = W_v e,  e = LN(MLP_v(v), MLP_a(a))

where O' is O without its bias, so that the sum is IP-Adapter's. New are W_k, W_v and the MLPs; W_v starts at zero, so that an
untrained method draws the neutral picture. The unconditional half of the guidance is told nothing.
"""

# B pairs, R rows of one call, N places of the picture, K emotion tokens, C prompt channels

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emoticrafter.rivals.denoising import DenoisingRival, DenoisingSection
from emoticrafter.rivals.steering import Steering, axis_embeddings, inside
from emoticrafter.settings import key

__all__ = ["CrossAttention"]


@dataclass(frozen=True, kw_only=True)
class Settings(DenoisingSection):
    """See `CrossAttention`."""

    tokens: int = key(4, "emotion tokens per axis", least=1, most=64)
    hidden: int = key(64, "hidden units of the MLP of an axis", least=1, most=4096)


class CrossAttention(DenoisingRival):
    """See the module."""

    name = "cross_attention"
    Config = Settings

    def build(self) -> nn.Module:
        layers = [layer for _, layer in _cross_attentions(inside(self.backbone).unet)]
        return _Parameters(self.backbone.prompt_channels, self.config, [layer.to_q.out_features for layer in layers])

    @contextmanager
    def steered(self, points_B2: Tensor, strength: float) -> Iterator[Steering]:
        assert isinstance(self.module, _Parameters)
        unet = inside(self.backbone).unet
        steering = Steering(self.module.emotion(points_B2))
        before = dict(unet.attn_processors)
        new = dict(before)
        for (name, _), keys, values in zip(_cross_attentions(unet), self.module.keys, self.module.values, strict=True):
            new[f"{name}.processor"] = _Decoupled(before[f"{name}.processor"], steering, keys, values, strength)
        unet.set_attn_processor(new)
        try:
            yield steering
        finally:
            unet.set_attn_processor(before)


class _Parameters(nn.Module):
    def __init__(self, channels: int, config: Settings, widths: list[int]) -> None:
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
    """An attention processor: what the layer had, and what its queries read from the emotion."""

    def __init__(self, before: Any, steering: Steering, keys: nn.Module, values: nn.Module, strength: float) -> None:
        self.before, self.steering, self.keys, self.values, self.strength = before, steering, keys, values, strength

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        output: Tensor = self.before(attn, hidden_states, encoder_hidden_states, attention_mask, temb=temb)

        def read(told_BKC: Tensor, first: int) -> Tensor:
            query = attn.to_q(hidden_states[first:])
            queries, keys, values = (
                part.to(query.dtype).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
                for part in (query, self.keys(told_BKC), self.values(told_BKC))
            )
            found = F.scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2)
            return self.strength * F.linear(found, attn.to_out[0].weight.to(found.dtype)) / attn.rescale_output_factor

        return self.steering.add(output, read)


def _cross_attentions(unet: nn.Module) -> list[tuple[str, Any]]:
    """The cross-attentions of a UNet by name, in its own order."""
    return [(name, layer) for name, layer in unet.named_modules() if getattr(layer, "is_cross_attention", False)]
