from __future__ import annotations

import torch

from emoticrafter.masks import both, mask_of, mean_over_own, none_if_full, pad_mask, pad_tokens, token_mean, zero_padding

MASK = torch.tensor([[True, True, False], [True, True, True]])


def test_a_mask_is_made_of_lengths() -> None:
    assert torch.equal(mask_of(torch.tensor([2, 3]), 3), MASK)
    assert mask_of(torch.tensor([5, 0]), 2).tolist() == [[True, True], [False, False]]


def test_a_mask_that_leaves_nothing_out_is_none() -> None:
    assert none_if_full(torch.ones(2, 3, dtype=torch.bool)) is None
    assert none_if_full(None) is None
    assert none_if_full(MASK) is MASK


def test_both_is_where_both_have_a_token() -> None:
    other = torch.tensor([[True, False, False], [True, True, False]])
    assert both(None, None) is None
    assert both(MASK, None) is MASK
    assert both(None, MASK) is MASK
    found = both(MASK, other)
    assert found is not None
    assert found.tolist() == [[True, False, False], [True, True, False]]


def test_means_leave_padding_out_whatever_stands_there() -> None:
    x = torch.arange(12.0).view(2, 3, 2)
    x[0, 2] = torch.nan
    assert token_mean(x, MASK).tolist() == [[1, 2], [8, 9]]
    assert mean_over_own(x, MASK).tolist() == [1.5, 8.5]
    assert mean_over_own(x, torch.zeros_like(MASK)).tolist() == [0, 0]
    assert zero_padding(x, MASK)[0].tolist() == [[0, 1], [2, 3], [0, 0]]
    assert zero_padding(x, None) is x


def test_without_a_mask_the_mean_is_the_plain_one_to_the_bit() -> None:
    x = torch.randn(5, 7, 9, generator=torch.Generator().manual_seed(0))
    assert torch.equal(mean_over_own(x, None), x.mean(dim=(1, 2)))
    assert torch.equal(token_mean(x, None), x.mean(dim=1))


def test_filling_up_puts_zeros_under_the_mask() -> None:
    x = torch.ones(2, 3, 4)
    assert pad_tokens(x, 5).sum(dim=(0, 2)).tolist() == [8, 8, 8, 0, 0]
    assert pad_mask(None, x, 3) is None
    assert pad_mask(None, x, 5).tolist() == [[True, True, True, False, False]] * 2  # type: ignore[union-attr]
    assert pad_mask(MASK, x, 4)[0].tolist() == [True, True, False, False]  # type: ignore[index]
