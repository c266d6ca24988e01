"""Placeholder words: where they stand, what they replace, and how sets of them are mixed."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.emotion import MOODS
from emoticrafter.rivals.discrete import CATEGORIES, nearest_category
from emoticrafter.rivals.placeholders import Placeholders, between, encode_together
from emoticrafter.rivals.textual_inversion import bilinear
from tests.tiny import SECTION

LONG = "a child playing in the forest, a red ball, a dog on the beach"
axis = st.floats(-3, 3)


def encoded(backbone: SDXLBackbone, prompts: list[str], mix: list[list[float]], words: int = 2, sets: int = 2) -> PromptFeatures:
    with torch.no_grad():
        return Placeholders(backbone, sets, words, "cat").encode(backbone, prompts, torch.tensor(mix))


def test_words_with_an_ordinary_words_vectors_are_that_word(backbone: SDXLBackbone) -> None:
    """The embedding of "red" in the place of both words gives what the prompt with "red red" behind it gives."""
    made = Placeholders(backbone, 1, 2, "cat")
    pipeline = backbone.pipeline
    with torch.no_grad():
        for vectors, tokenizer, encoder in zip(
            made.vectors,
            (pipeline.tokenizer, pipeline.tokenizer_2),
            (pipeline.text_encoder, pipeline.text_encoder_2),
            strict=True,
        ):
            number = tokenizer("red", add_special_tokens=False).input_ids[0]
            vectors[:] = encoder.get_input_embeddings().weight[number]
        found = made.encode(backbone, ["a dog"], torch.ones(1, 1))
    expected = backbone.encode(["a dog red red"])
    torch.testing.assert_close(found.tokens, expected.tokens)
    torch.testing.assert_close(found.pooled, expected.pooled)


def test_what_stands_before_the_words_stays(backbone: SDXLBackbone) -> None:
    found, plain = encoded(backbone, ["a dog"], [[1.0, 0.0]]), backbone.encode(["a dog"])
    assert torch.equal(found.tokens[0, :3], plain.tokens[0, :3])  # start, a, dog
    assert not torch.allclose(found.tokens[0, 3], plain.tokens[0, 3])


def test_a_prompt_without_room_gets_a_section_for_the_words(backbone: SDXLBackbone) -> None:
    full = "a dog a dog a dog a dog a dog"  # ten tokens of the ten that a section takes
    found = encoded(backbone, [full, "dog"], [[1.0, 0.0], [0.0, 1.0]])
    assert found.tokens.shape[1] == 2 * SECTION
    assert found.lengths() == [2 * SECTION, SECTION]
    torch.testing.assert_close(found.tokens[0, :SECTION], backbone.encode([full]).tokens[0])
    torch.testing.assert_close(found.rows([0]).pooled, backbone.encode([full]).pooled)
    torch.testing.assert_close(found.tokens[1, :SECTION], encoded(backbone, ["dog"], [[0.0, 1.0]]).tokens[0])


def test_each_prompt_gets_its_own_mixture_also_in_a_large_batch(backbone: SDXLBackbone) -> None:
    mix = [[share / 69, 1 - share / 69] for share in range(70)]
    made = Placeholders(backbone, 2, 2, "cat")
    together = made.encode(backbone, ["a cat"] * 70, torch.tensor(mix))  # with gradients: many at once
    assert together.tokens.requires_grad
    for row in (0, 63, 64, 69):
        torch.testing.assert_close(together.tokens[row].detach(), encoded(backbone, ["a cat"], [mix[row]]).tokens[0])
    assert not torch.allclose(together.tokens[0], together.tokens[69])


def test_prompts_encoded_together_are_those_encoded_one_by_one(backbone: SDXLBackbone) -> None:
    prompts = [LONG, "dog", ""]
    found, expected = encode_together(backbone, prompts), backbone.encode(prompts)
    torch.testing.assert_close(found.tokens, expected.tokens)
    torch.testing.assert_close(found.pooled, expected.pooled)
    assert found.lengths() == expected.lengths()


def test_between_goes_from_neutral_to_emotional_and_past() -> None:
    neutral = PromptFeatures.of(torch.zeros(2, 3, 4), torch.zeros(2, 5))
    emotional = PromptFeatures.of(torch.ones(2, 6, 4), torch.ones(2, 5), torch.ones(2, 6, dtype=torch.bool))
    assert between(neutral, emotional, 1.0) is emotional
    made = between(neutral, emotional, torch.tensor([0.0, 1.5]))
    assert made.tokens[:, :3].mean(dim=(1, 2)).tolist() == [0.0, 1.5]
    assert made.pooled is not None
    assert made.pooled.mean(dim=1).tolist() == [0.0, 1.5]
    assert made.tokens.shape == emotional.tokens.shape


@given(v=axis, a=axis, nodes=st.integers(2, 9))
def test_bilinear_shares_are_a_mixture_that_means_the_point(v: float, a: float, nodes: int) -> None:
    shares = bilinear(torch.tensor([[v, a]]), nodes)[0].double()
    places = torch.linspace(-3, 3, nodes, dtype=torch.float64)
    assert float(shares.min()) >= 0
    assert int((shares > 1e-6).sum()) <= 4
    assert float(shares.sum()) == pytest.approx(1, abs=1e-5)
    grid = shares.view(nodes, nodes)
    assert float((grid.sum(dim=1) * places).sum()) == pytest.approx(v, abs=1e-4)
    assert float((grid.sum(dim=0) * places).sum()) == pytest.approx(a, abs=1e-4)


def test_a_node_has_its_own_words_alone() -> None:
    shares = bilinear(torch.tensor([[-3.0, 3.0], [1.5, 0.0]]), 5)
    assert shares.argmax(dim=1).tolist() == [4, 3 * 5 + 2]
    assert shares.max(dim=1).values.tolist() == [1, 1]


def test_a_category_is_nearest_at_its_own_place() -> None:
    places = [MOODS[mood].emotion for mood in CATEGORIES.values()]
    points = torch.tensor([(place.valence, place.arousal) for place in places] + [(0.0, 0.0), (0.1, -0.4)])
    assert nearest_category(points).tolist() == [*range(8), 8, 8]


@given(v=axis, a=axis)
def test_no_category_is_nearer_than_the_nearest(v: float, a: float) -> None:
    number = int(nearest_category(torch.tensor([[v, a]]))[0])
    moods = [MOODS[mood].emotion for mood in CATEGORIES.values()]
    places = [*((mood.valence, mood.arousal) for mood in moods), (0.0, 0.0)]
    distances = [math.dist(place, (v, a)) for place in places]
    assert distances[number] == pytest.approx(min(distances), abs=1e-5)
