"""Prompt features: streams of tokens with masks, with and without a pooled part."""

from __future__ import annotations

import pytest
import torch

from emoticrafter.backbones.features import PromptFeatures, TokenStream

LENGTHS = torch.tensor([2, 5, 3])


def stream(tokens: int = 6, channels: int = 4, seed: int = 0) -> TokenStream:
    drawn = torch.randn(3, tokens, channels, generator=torch.Generator().manual_seed(seed))
    return TokenStream(drawn, torch.arange(tokens)[None, :] < LENGTHS[:, None])


def two_streams() -> PromptFeatures:
    """As a model with CLIP and T5 has them: other lengths, other channels, one without a mask."""
    return PromptFeatures((TokenStream(torch.ones(3, 2, 8)), stream()), torch.arange(6.0).view(3, 2))


def test_a_single_stream_is_reached_by_its_own_names() -> None:
    one = stream()
    features = PromptFeatures.of(one.tokens, mask=one.mask)
    assert features.tokens is one.tokens
    assert features.mask is one.mask
    assert features.pooled is None
    assert (len(features), features.lengths()) == (3, [2, 5, 3])
    moved = features.with_tokens(one.tokens + 1)
    assert torch.equal(moved.tokens, one.tokens + 1)
    assert moved.mask is one.mask


def test_of_several_streams_one_must_be_named() -> None:
    features = two_streams()
    with pytest.raises(AssertionError, match="there are 2 streams"):
        features.tokens  # noqa: B018
    with pytest.raises(AssertionError, match="there are 2 streams"):
        features.lengths()
    assert [one.lengths() for one in features.streams] == [[2, 2, 2], [2, 5, 3]]


def test_rows_are_taken_of_every_part() -> None:
    features = two_streams().rows([2, 0, 2])
    assert features.pooled is not None
    assert features.pooled.tolist() == [[4, 5], [0, 1], [4, 5]]
    assert features.streams[1].lengths() == [3, 2, 3]
    assert torch.equal(features.streams[1].tokens[1], stream().tokens[0])
    assert features.streams[0].mask is None


def test_trimming_cuts_each_stream_to_its_longest_prompt() -> None:
    trimmed = two_streams().trimmed()
    assert [one.tokens.shape[1] for one in trimmed.streams] == [2, 5]
    one = two_streams().rows([0]).trimmed().streams[1]
    assert one.tokens.shape[1] == 2
    assert one.mask is None  # all that is left counts


def test_a_change_reaches_tokens_and_pooled_part_and_no_mask() -> None:
    zero = two_streams().map(torch.zeros_like)
    assert zero.pooled is not None
    assert float(zero.pooled.abs().sum() + sum(one.tokens.abs().sum() for one in zero.streams)) == 0
    assert zero.streams[1].lengths() == [2, 5, 3]


def test_joined_features_are_one_batch() -> None:
    masked, plain = PromptFeatures.of(stream().tokens, mask=stream().mask), PromptFeatures.of(torch.zeros(2, 6, 4))
    assert PromptFeatures.joined([plain, plain]).mask is None
    both = PromptFeatures.joined([masked, plain])
    assert both.lengths() == [2, 5, 3, 6, 6]
    assert torch.equal(both.tokens[:3], masked.tokens)
    with pytest.raises(AssertionError, match="pooled"):
        PromptFeatures.joined([PromptFeatures.of(plain.tokens, torch.zeros(2, 1)), plain])


def test_parts_of_different_batches_are_no_features() -> None:
    with pytest.raises(AssertionError):
        PromptFeatures((TokenStream(torch.zeros(3, 2, 8)), TokenStream(torch.zeros(2, 2, 8))))
    with pytest.raises(AssertionError):
        PromptFeatures((TokenStream(torch.zeros(3, 2, 8)),), torch.zeros(2, 4))
    with pytest.raises(AssertionError, match="without a stream"):
        PromptFeatures(())
