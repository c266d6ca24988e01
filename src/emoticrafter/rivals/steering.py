"""What methods share that change the network itself: which rows of a call are told, and the axes' embeddings."""

# B pairs, R rows of one call of the network, D width

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from emoticrafter.eit import EITConfig, VAEncoder

__all__ = ["Steering", "axis_embeddings"]


class Steering:
    """What the pairs are told (B, ...), and the rows of it that the network draws now; rows of None leave it as it is.

    Where there is guidance a call has the unconditional rows first; these are never told anything.
    """

    def __init__(self, told: Tensor) -> None:
        self.told = told
        self.rows: Sequence[int] | None = None

    def add(self, output: Tensor, change: Any) -> Tensor:
        """A layer's output (R, ...) plus `change(told, first)` on its last rows; `first` is the number of rows before these."""
        if self.rows is None:
            return output
        first = len(output) - len(self.rows)
        assert first in (0, len(self.rows)), (len(output), len(self.rows))
        told = self.told[torch.as_tensor(self.rows, device=self.told.device)]
        changed = output[first:] + change(told, first).to(output.dtype)
        return torch.cat([output[:first], changed]) if first else changed


def axis_embeddings(tokens: int, width: int, hidden: int) -> VAEncoder:
    """An MLP for each axis to `tokens` vectors of a width, as EmotiCrafter's own V-A encoder."""
    sizes = EITConfig(prompt_channels=1, width=width, heads=1, blocks=1, emotion_tokens=tokens, encoder_width=hidden, positions=1)
    return VAEncoder(sizes)
