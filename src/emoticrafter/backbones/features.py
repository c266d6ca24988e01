"""Prompt features: what a text encoder makes of prompts, and what an EIT changes."""

# B batch, T prompt tokens, C prompt channels, P pooled channels

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

__all__ = ["PromptFeatures"]


@dataclass(frozen=True, eq=False)
class PromptFeatures:
    """The features of B prompts.

    tokens: (B, T, C), one row per token, in sections of the text encoder's length. pooled: (B, P), one row per prompt.
    mask: (B, T), true where a row belongs to the prompt, or None where all do: prompts of fewer sections than the longest
    one of the batch are filled up.
    """

    tokens: Float[Tensor, "B T C"]
    pooled: Float[Tensor, "B P"]
    mask: Bool[Tensor, "B T"] | None = None

    def __post_init__(self) -> None:
        assert self.tokens.ndim == 3 and self.pooled.ndim == 2 and len(self.tokens) == len(self.pooled)
        assert self.mask is None or self.mask.shape == self.tokens.shape[:2]

    def __len__(self) -> int:
        return len(self.tokens)

    def with_tokens(self, tokens: Float[Tensor, "B T C"]) -> PromptFeatures:
        """These features with other tokens; pooled and mask stay."""
        return replace(self, tokens=tokens)

    def rows(self, indices: Sequence[int]) -> PromptFeatures:
        """The features of some prompts, repeated or reordered."""
        index = torch.as_tensor(indices, dtype=torch.long, device=self.tokens.device)
        mask = None if self.mask is None else self.mask[index]
        return PromptFeatures(self.tokens[index], self.pooled[index], mask)

    def lengths(self) -> list[int]:
        """How many tokens of each prompt are its own."""
        return [self.tokens.shape[1]] * len(self) if self.mask is None else [int(n) for n in self.mask.sum(dim=1)]

    def trimmed(self) -> PromptFeatures:
        """The same without the columns that belong to no prompt."""
        length = max(self.lengths())
        mask = None if self.mask is None or bool(self.mask[:, :length].all()) else self.mask[:, :length]
        return PromptFeatures(self.tokens[:, :length], self.pooled, mask)
