"""Prompt features: what text encoders make of prompts, and what an EIT changes."""

# B batch, T prompt tokens, C prompt channels, P pooled channels

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from emoticrafter.masks import none_if_full

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

__all__ = ["PromptFeatures", "TokenStream"]


@dataclass(frozen=True, eq=False)
class TokenStream:
    """The tokens of B prompts by one text encoder, or by several that are joined channel by channel.

    tokens: (B, T, C), one row per token. mask: (B, T), true where a row is the prompt's own, false where a shorter prompt was
    filled up behind it; None where all rows count. A model that was trained to look at the padding has no mask.
    """

    tokens: Float[Tensor, "B T C"]
    mask: Bool[Tensor, "B T"] | None = None

    def __post_init__(self) -> None:
        assert self.tokens.ndim == 3, f"tokens of the shape {tuple(self.tokens.shape)}, not (B, T, C)"
        assert self.mask is None or self.mask.shape == self.tokens.shape[:2]

    def __len__(self) -> int:
        return len(self.tokens)

    def with_tokens(self, tokens: Float[Tensor, "B T C"]) -> TokenStream:
        """Other tokens under the same mask."""
        return replace(self, tokens=tokens)

    def rows(self, indices: Sequence[int] | Tensor) -> TokenStream:
        """The tokens of some prompts, repeated or reordered."""
        index = torch.as_tensor(indices, dtype=torch.long, device=self.tokens.device)
        return TokenStream(self.tokens[index], None if self.mask is None else self.mask[index])

    def lengths(self) -> list[int]:
        """How many tokens of each prompt are its own."""
        return [self.tokens.shape[1]] * len(self) if self.mask is None else [int(n) for n in self.mask.sum(dim=1)]

    def sections(self, length: int) -> list[TokenStream]:
        """The stream cut into sections of so many tokens."""
        tokens = self.tokens.split(length, dim=1)
        masks = [None] * len(tokens) if self.mask is None else self.mask.split(length, dim=1)
        return [TokenStream(part, mask) for part, mask in zip(tokens, masks, strict=True)]

    def trimmed(self) -> TokenStream:
        """The same without the columns that belong to no prompt."""
        length = max(self.lengths())
        return TokenStream(self.tokens[:, :length], none_if_full(None if self.mask is None else self.mask[:, :length]))


@dataclass(frozen=True, eq=False)
class PromptFeatures:
    """The features of B prompts: one or more streams of tokens, each of its own length and channels, and a pooled part.

    pooled: (B, P), one row per prompt; None where a model has none. `of` makes those of a single stream, whose tokens and mask
    are `tokens` and `mask`.
    """

    streams: tuple[TokenStream, ...]
    pooled: Float[Tensor, "B P"] | None = None

    def __post_init__(self) -> None:
        assert self.streams, "prompt features without a stream of tokens"
        assert all(len(stream) == len(self) for stream in self.streams)
        assert self.pooled is None or (self.pooled.ndim == 2 and len(self.pooled) == len(self))

    @classmethod
    def of(
        cls, tokens: Float[Tensor, "B T C"], pooled: Float[Tensor, "B P"] | None = None, mask: Bool[Tensor, "B T"] | None = None
    ) -> PromptFeatures:
        """Features of one stream."""
        return cls((TokenStream(tokens, mask),), pooled)

    @classmethod
    def joined(cls, parts: Sequence[PromptFeatures]) -> PromptFeatures:
        """Several features as those of one batch, one after the other; their streams are of the same lengths."""
        streams = tuple(_joined(streams) for streams in zip(*(part.streams for part in parts), strict=True))
        pooled = [part.pooled for part in parts if part.pooled is not None]
        assert len(pooled) in (0, len(parts)), "some have a pooled part, others none"
        return cls(streams, torch.cat(pooled) if pooled else None)

    def __len__(self) -> int:
        return len(self.streams[0])

    @property
    def tokens(self) -> Float[Tensor, "B T C"]:
        """The tokens of the only stream."""
        return self._only.tokens

    @property
    def mask(self) -> Bool[Tensor, "B T"] | None:
        """The mask of the only stream."""
        return self._only.mask

    @property
    def _only(self) -> TokenStream:
        assert len(self.streams) == 1, f"there are {len(self.streams)} streams of tokens: say which of `streams` is meant"
        return self.streams[0]

    def with_tokens(self, tokens: Float[Tensor, "B T C"]) -> PromptFeatures:
        """These features with other tokens in their only stream; pooled and mask stay."""
        return replace(self, streams=(self._only.with_tokens(tokens),))

    def rows(self, indices: Sequence[int]) -> PromptFeatures:
        """The features of some prompts, repeated or reordered."""
        index = torch.as_tensor(indices, dtype=torch.long, device=self.streams[0].tokens.device)
        streams = tuple(stream.rows(index) for stream in self.streams)
        return PromptFeatures(streams, None if self.pooled is None else self.pooled[index])

    def map(self, change: Callable[[Tensor], Tensor]) -> PromptFeatures:
        """The same with tokens and pooled part changed, for instance moved; the shapes stay."""
        streams = tuple(stream.with_tokens(change(stream.tokens)) for stream in self.streams)
        return PromptFeatures(streams, None if self.pooled is None else change(self.pooled))

    def sections(self, length: int) -> list[TokenStream]:
        """The only stream, cut into sections of so many tokens."""
        return self._only.sections(length)

    def lengths(self) -> list[int]:
        """How many tokens of each prompt are its own, in the only stream."""
        return self._only.lengths()

    def trimmed(self) -> PromptFeatures:
        """The same without the columns of any stream that belong to no prompt."""
        return replace(self, streams=tuple(stream.trimmed() for stream in self.streams))


def _joined(streams: Sequence[TokenStream]) -> TokenStream:
    tokens = torch.cat([stream.tokens for stream in streams])
    if all(stream.mask is None for stream in streams):
        return TokenStream(tokens)
    whole = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
    masks = [
        part if stream.mask is None else stream.mask
        for stream, part in zip(streams, whole.split([*map(len, streams)]), strict=True)
    ]
    return TokenStream(tokens, torch.cat(masks))
