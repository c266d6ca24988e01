"""Rows and their ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticrafter import Emotion
from emoticrafter.batch import Feeling, Prompt, Row, plan_rows
from emoticrafter.errors import InputError
from emoticrafter.guidance import EVERYWHERE, GuidanceRange

SAD, GLAD = Emotion(valence=-2, arousal=1), Emotion(valence=2, arousal=0)
METHOD: dict[str, Any] = {
    "method": "ours", "emotion_hash": "1" * 16,
    "defaults": {"strength": 0.8, "steps": 12, "preview_steps": 5, "guidance": 3.0, "width": 128, "height": 128, "start": 0.0},
}  # fmt: skip
ROW = Row(prompt="a cat", valence=-2.0, arousal=1.0, seed=3)


def test_every_prompt_with_every_seed_and_emotion_in_reading_order() -> None:
    rows = plan_rows(["a  cat\n", "dog"], [SAD, GLAD], [5, 6], {"strength": 1.5, "size": (96, 64)})
    assert [(row.prompt, row.seed, row.valence) for row in rows] == [
        ("a cat", 5, -2), ("a cat", 5, 2), ("a cat", 6, -2), ("a cat", 6, 2),
        ("dog", 5, -2), ("dog", 5, 2), ("dog", 6, -2), ("dog", 6, 2),
    ]  # fmt: skip
    assert {(row.strength, row.width, row.height, row.steps) for row in rows} == {(1.5, 96, 64, None)}
    assert rows[0].emotion == SAD


def test_columns_of_prompt_and_emotion_go_along_and_repeats_are_one() -> None:
    cats = [Prompt(text=text, columns={"place": "room"}) for text in ("a cat", " a  cat")]
    prompts: list[str | Prompt] = [*cats, "dog"]
    rows = plan_rows(prompts, [Feeling(emotion=SAD, columns={"mood": "sad"}), GLAD], [1, 1])
    assert [dict(row.columns) for row in rows] == [{"place": "room", "mood": "sad"}, {"place": "room"}, {"mood": "sad"}, {}]


def test_what_a_prompt_or_an_emotion_has_of_its_own_comes_first() -> None:
    own = Prompt(text="a cat", emotion=GLAD, settings={"seed": 9, "size": (32, 64)})
    rows = plan_rows(["dog", own], [Feeling(emotion=SAD, settings={"strength": 2.0})], [0, 1], {"size": 128, "strength": 1.0})
    assert [(row.prompt, row.valence, row.seed, row.strength, row.width, row.height) for row in rows] == [
        ("dog", -2, 0, 2.0, 128, 128), ("dog", -2, 1, 2.0, 128, 128), ("a cat", 2, 9, 1.0, 32, 64),
    ]  # fmt: skip


def test_a_prompt_may_come_with_many_emotions_of_its_own() -> None:
    own = [Prompt(text="a cat", emotion=emotion, settings={"seed": seed}) for emotion in (SAD, GLAD) for seed in (0, 1, 1)]
    assert [(row.valence, row.seed) for row in plan_rows(own, [])] == [(-2, 0), (-2, 1), (2, 0), (2, 1)]
    twice = [Prompt(text="a cat", emotion=SAD, columns={"x": x}) for x in "12"]
    with pytest.raises(InputError, match="'a cat' comes twice, with x '1' and '2'"):
        plan_rows(twice, [])
    meet = [Prompt(text="a cat", columns={"x": "1"}), Prompt(text="a cat", settings={"seed": 1}, columns={"x": "2"})]
    with pytest.raises(InputError, match="'a cat' with emotion -2,1 and seed 1 comes twice, with x '1' and '2'"):
        plan_rows(meet, [SAD], [0, 1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([], [SAD]), "0 prompts"),
        ((["a"], []), "0 emotions"),
        ((["a"], [SAD], []), "0 seeds"),
        ((["a"], [SAD], range(2_000_000)), "2,000,000 pictures"),
        ((["a"], [SAD], [0], {"colour": "red"}), "Unknown settings: colour"),
        ((["a"], [SAD], [0], {"size": (1, 2, 3)}), "neither a number of pixels"),
        ((["a"], [SAD], [0], {"guidance_range": (0.85, 0.3)}), r"guidance range is 0\.85:0\.3"),
        ((["a"], [(1, 2)]), "An emotion is a tuple"),
        (([7], [SAD]), "not a text"),
        ((["\ud800"], [SAD]), "half a character"),
        (([Prompt(text="a", columns={"x": "1"}), Prompt(text="a", columns={"x": "2"})], [SAD]), "with x '1' and '2'"),
        (([Prompt(text="a", columns={"x": "1"})], [Feeling(emotion=SAD, columns={"x": "1"})]), "both have a column 'x'"),
        (
            ([Prompt(text="a", settings={"steps": 1})], [Feeling(emotion=SAD, settings={"steps": 2})]),
            "both have a column 'steps'",
        ),
    ],
)
def test_rows_that_cannot_be_planned(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan_rows(*arguments)


def test_the_method_s_own_settings_take_the_place_of_none() -> None:
    assert ROW.resolved(METHOD).settings == {
        "strength": 0.8, "start": 0.0, "steps": 12, "guidance": 3.0, "guidance_range": None, "width": 128,
        "height": 128, "negative": None,
    }  # fmt: skip
    assert replace(ROW, preview=True).resolved(METHOD).steps == 5
    assert replace(ROW, preview=True, steps=9).resolved(METHOD).steps == 9
    assert replace(ROW, preview=True).resolved({"method": "other"}).preview  # which then decides itself
    assert replace(ROW, strength=1.0).resolved({}).settings["strength"] == 1.0


def test_an_id_is_of_what_decides_the_pixels_and_of_nothing_else() -> None:
    def id_of(row: Row, **method: Any) -> str:
        return row.resolved({**METHOD, **method}).id({**METHOD, **method})

    plain = id_of(ROW)
    assert len(plain) == 16
    assert plain == id_of(replace(ROW, strength=0.8, steps=12, columns={"place": "room"}))  # the same, said in words
    assert plain == id_of(replace(ROW, valence=-2, guidance=3, prompt=" a cat "))
    assert plain == id_of(replace(ROW, strength=0.8), defaults={**METHOD["defaults"], "strength": 0.9})
    others = [
        id_of(replace(ROW, **change))
        for change in (
            {"prompt": "a dog"}, {"valence": -1.0}, {"arousal": 2.0}, {"seed": 4}, {"strength": 1.0}, {"start": 0.5},
            {"steps": 13}, {"guidance": 4.0}, {"width": 64}, {"height": 64}, {"negative": ""},
        )
    ]  # fmt: skip
    others += [id_of(ROW, emotion_hash="2" * 16), id_of(ROW, defaults={**METHOD["defaults"], "strength": 0.9})]
    assert len({plain, *others}) == 1 + len(others)


def test_a_range_of_guidance_is_the_method_s_own_or_the_row_s_and_part_of_the_id() -> None:
    limited = {**METHOD, "defaults": {**METHOD["defaults"], "guidance_range": [0.3, 0.85]}}
    asked = replace(ROW, guidance_range=GuidanceRange(0.2, 0.9))
    assert ROW.resolved(limited).guidance_range == (0.3, 0.85)
    assert asked.resolved(limited).guidance_range == asked.resolved(METHOD).guidance_range == (0.2, 0.9)
    everywhere = replace(ROW, guidance_range=EVERYWHERE)
    assert everywhere.resolved(limited).guidance_range == (0, 1)  # drawn otherwise than the maker would by itself
    assert everywhere.resolved(METHOD).guidance_range is ROW.resolved(METHOD).guidance_range is None
    assert ROW.resolved(limited).id(limited) == replace(ROW, guidance_range=GuidanceRange(0.3, 0.85)).resolved(METHOD).id(METHOD)
    assert len({row.resolved(METHOD).id(METHOD) for row in (ROW, asked, everywhere)}) == 2
    assert {row.guidance_range for row in plan_rows(["a"], [SAD], [0], {"guidance_range": [0.3, 0.85]})} == {(0.3, 0.85)}


def test_ids_stay_what_they_are() -> None:
    """A changed id would have every picture of every folder drawn again."""
    assert ROW.resolved(METHOD).id(METHOD) == "9e4c367bb295cfa9"
    assert ROW.prompt_id == "51e4674156"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300), st.floats(-3, 3), st.integers(0, 2**62))
def test_a_file_s_name_is_one_that_every_disk_takes(prompt: str, valence: float, seed: int) -> None:
    row = Row(prompt=prompt, valence=valence, arousal=0.0, seed=seed)
    file = row.file("0" * 16, ".png")
    assert all(0 < len(part.encode()) < 255 and part not in (".", "..") for part in file.split("/"))
    assert len(file.split("/")) == 3
    assert not set(file) & set('\\:*?"<>|\0')
