"""Masks of tokens, true where a token is the prompt's own and false where a batch was filled up behind it.

None stands for a mask that leaves nothing out, everywhere: what is computed then is what is computed without masks, bit for bit.
"""

# B prompts, T tokens, C channels

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["both", "mask_of", "mean_over_own", "none_if_full", "pad_mask", "pad_tokens", "token_mean", "zero_padding"]


def mask_of(lengths_B: Tensor, tokens: int) -> Tensor:
    """The mask (B, T) of prompts that have so many tokens of their own, in T columns."""
    return torch.arange(tokens, device=lengths_B.device)[None, :] < lengths_B[:, None]


def none_if_full(mask_BT: Tensor | None) -> Tensor | None:
    """The mask, or None where it leaves nothing out."""
    return None if mask_BT is None or bool(mask_BT.all()) else mask_BT


def both(one_BT: Tensor | None, other_BT: Tensor | None) -> Tensor | None:
    """Where both have a token."""
    if one_BT is None or other_BT is None:
        return other_BT if one_BT is None else one_BT
    return one_BT & other_BT


def pad_tokens(x_BTC: Tensor, tokens: int) -> Tensor:
    """The same in so many columns, filled up with zeros."""
    return functional.pad(x_BTC, (0, 0, 0, tokens - x_BTC.shape[-2]))


def pad_mask(mask_BT: Tensor | None, x_BTC: Tensor, tokens: int) -> Tensor | None:
    """The mask of `x` when it is filled up to so many columns."""
    if x_BTC.shape[1] == tokens:
        return mask_BT
    whole_BT = torch.ones(x_BTC.shape[:2], dtype=torch.bool, device=x_BTC.device)
    return functional.pad(whole_BT if mask_BT is None else mask_BT, (0, tokens - x_BTC.shape[1]))


def zero_padding(x_BTC: Tensor, mask_BT: Tensor | None) -> Tensor:
    """The same with zeros where the mask is false, whatever stood there."""
    return x_BTC if mask_BT is None else x_BTC.masked_fill(~mask_BT[..., None], 0)


def mean_over_own(x_BTC: Tensor, mask_BT: Tensor | None) -> Tensor:
    """The mean (B,) over tokens and channels, padding left out; 0 for a prompt without a token."""
    return x_BTC.mean(dim=(1, 2)) if mask_BT is None else token_mean(x_BTC, mask_BT).mean(dim=1)


def token_mean(x_BTC: Tensor, mask_BT: Tensor | None) -> Tensor:
    """The mean (B, C) over tokens, padding left out; 0 for a prompt without a token."""
    if mask_BT is None:
        return x_BTC.mean(dim=1)
    return zero_padding(x_BTC, mask_BT).sum(dim=1) / mask_BT.sum(dim=1, keepdim=True).clamp_min(1)
