"""Masks of tokens, true where a token is the prompt's own and false where a batch was filled up behind it.

None stands for a mask that leaves nothing out, everywhere: what is computed then is what is computed without masks, bit for bit.
"""

# B prompts, T tokens, C channels

from __future__ import annotations

from torch import Tensor, arange

__all__ = ["both", "mask_of", "mean_over_own", "none_if_full", "zero_padding"]


def mask_of(lengths_B: Tensor, tokens: int) -> Tensor:
    """The mask (B, T) of prompts that have so many tokens of their own, in T columns."""
    return arange(tokens, device=lengths_B.device)[None, :] < lengths_B[:, None]


def none_if_full(mask_BT: Tensor | None) -> Tensor | None:
    """The mask, or None where it leaves nothing out."""
    return None if mask_BT is None or bool(mask_BT.all()) else mask_BT


def both(one_BT: Tensor | None, other_BT: Tensor | None) -> Tensor | None:
    """Where both have a token."""
    if one_BT is None or other_BT is None:
        return other_BT if one_BT is None else one_BT
    return one_BT & other_BT


def zero_padding(x_BTC: Tensor, mask_BT: Tensor | None) -> Tensor:
    """The same with zeros where the mask is false, whatever stood there."""
    return x_BTC if mask_BT is None else x_BTC.masked_fill(~mask_BT[..., None], 0)


def mean_over_own(x_BTC: Tensor, mask_BT: Tensor | None) -> Tensor:
    """The mean (B,) over tokens and channels, padding left out; 0 for a prompt without a token."""
    if mask_BT is None:
        return x_BTC.mean(dim=(1, 2))
    count_B = mask_BT.sum(dim=1).clamp_min(1) * x_BTC.shape[2]
    return zero_padding(x_BTC, mask_BT).sum(dim=(1, 2)) / count_B
