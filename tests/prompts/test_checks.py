from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest

from emoticrafter.prompts.checks import LengthEstimate, about_tokens, find_doubts
from emoticrafter.prompts.lengths import PromptRuler

NEUTRAL = "A dog runs across a field near a house"
SAD = "A dog runs across a field near a house, under a leaden sky, in bleak light"


def doubts(neutral: str, emotional: str, valence: float = -2, arousal: float = -1, ruler: LengthEstimate | None = None) -> str:
    row = {"id": "a", "neutral_prompt": neutral, "emotional_prompt": emotional, "valence": valence, "arousal": arousal}
    return find_doubts(pd.DataFrame([row]), ruler or LengthEstimate())[0]


@pytest.mark.parametrize(
    ("emotional", "valence"),
    [
        (SAD, -2),
        ("A weeping house: the dogs ran across the fields, a gray house nearby", -2),
        ("Joyful dogs running across fields by a house", 2),
        ("A dog runs across a field near a house, the sun shining", 2),
        ("A dog runs across a field near a house without joy", -2),
    ],
)
def test_good_pairs_are_not_doubted(emotional: str, valence: float) -> None:
    assert doubts(NEUTRAL, emotional, valence) == ""


@pytest.mark.parametrize(
    ("neutral", "emotional", "expected"),
    [
        ("A sad dog in a lonely field", SAD, "the neutral prompt has words of feeling: sad, lonely"),
        (NEUTRAL, f"{NEUTRAL}.", "the two prompts are the same"),
        (NEUTRAL, "A cat sleeps in a gloomy room", "the emotional prompt lost content: dog, runs, field, house"),
        (NEUTRAL, f"{NEUTRAL} beside a fence", "nothing in the emotional prompt tells of a feeling"),
        (NEUTRAL, f"{NEUTRAL}, full of joy", "the emotional prompt reads pleasant, and its valence is -2"),
        (NEUTRAL, "Ein Hund läuft über das Feld und ist nicht allein", "the emotional prompt reads as German"),
        ("Un chien court dans le champ avec une balle", SAD, "the neutral prompt reads as French"),
        ("Un perro corre por el campo con los niños", SAD, "the neutral prompt reads as Spanish"),
        (NEUTRAL, "一只狗在田野上奔跑", "the emotional prompt is not in Latin letters but in Cjk"),
        (NEUTRAL, "Собака бежит по полю", "the emotional prompt is not in Latin letters but in Cyrillic"),
        ("123 !!", SAD, "the neutral prompt has no words"),
    ],
)
def test_doubts(neutral: str, emotional: str, expected: str) -> None:
    assert doubts(neutral, emotional) == expected


def test_several_doubts_are_split() -> None:
    found = doubts("A happy dog; a field", "a cat by the sea")
    assert found.split("; ") == [
        "the neutral prompt has words of feeling: happy", "the emotional prompt lost content: dog, field",
        "nothing in the emotional prompt tells of a feeling",
    ]  # fmt: skip


def test_near_neutral_no_feeling_is_asked_for() -> None:
    assert doubts(NEUTRAL, f"{NEUTRAL} beside a fence", 0.5, -0.5) == ""


def test_names_and_accents_are_english_enough() -> None:
    assert doubts("A café in Málaga", "A gloomy café in Málaga under dark clouds") == ""


def test_twins_with_another_feeling() -> None:
    rows = [("a", 2, 2), ("b", 2.2, 2), ("c", -1, 2), ("d", 2, 2)]
    table = pd.DataFrame(
        {
            "id": [name for name, _, _ in rows], "neutral_prompt": "A dog", "valence": [v for _, v, _ in rows],
            "emotional_prompt": ["A wild dog in a storm."] * 3 + ["A dog in a bright storm"], "arousal": [a for _, _, a in rows],
        }
    )  # fmt: skip
    found = find_doubts(table, LengthEstimate())
    assert found[0] == "c has the same emotional prompt for another feeling"
    assert found[2] == "a has the same emotional prompt for another feeling"
    assert found[3] == ""


class Letters:
    limit = 40

    def count(self, prompts: Sequence[str]) -> list[int]:
        return [len(prompt) for prompt in prompts]


def test_lengths_are_those_of_the_ruler() -> None:
    assert doubts(NEUTRAL, SAD, ruler=Letters()) == f"the emotional prompt has {len(SAD)} tokens, and 40 are read"  # type: ignore[arg-type]
    long = " ".join([SAD] * 5)
    assert doubts(NEUTRAL, long).startswith("the emotional prompt has about 9")


def test_the_estimate_is_near_a_real_tokenizer_of_clips_form() -> None:
    assert about_tokens("") == 2
    assert about_tokens("a dog, 12 cats!") == 2 + 7
    assert about_tokens("一只狗") >= 5
    ruler = PromptRuler.of("storybook")  # a smaller vocabulary: rare words are cut finer
    common = "a dog and a cat in a street with a red house, in the rain"
    assert abs(ruler.count([common])[0] - about_tokens(common)) <= 1


def test_an_empty_table() -> None:
    names = ["id", "neutral_prompt", "emotional_prompt", "valence", "arousal"]
    assert find_doubts(pd.DataFrame({name: [] for name in names}), LengthEstimate()) == []
