"""Annotated scenes and the writer that knows the captions' grammar."""

from __future__ import annotations

import numpy as np
import pytest

from emoticrafter.emotion import Emotion
from emoticrafter.prompts.writer import Failure, Pair, PairTask
from emoticrafter.storybook import captions
from emoticrafter.storybook.annotated import CaptionWriter, annotated_scenes, imagined
from emoticrafter.storybook.feelings import beings
from emoticrafter.storybook.words import words_of


def written(rows: list[tuple[str, str, float, float]], seed: int = 0) -> list[Pair | Failure]:
    tasks = [PairTask(id=id, caption=text, emotion=Emotion(valence=v, arousal=a)) for id, text, v, a in rows]
    return CaptionWriter(seed=seed).write(tasks, lambda progress: None)


def test_scenes_are_a_function_of_the_seed_and_as_unbalanced_as_annotations() -> None:
    rows = annotated_scenes(400, seed=1)
    assert rows[:20] == annotated_scenes(20, seed=1)
    assert rows[:20] != annotated_scenes(20, seed=2)
    valence, arousal = (np.array([row[axis] for row in rows], float) for axis in ("valence", "arousal"))
    assert np.abs(valence).max() <= 3
    assert np.mean((valence > 0) & (arousal < 0)) > 1.4 * np.mean((valence < 0) & (arousal < 0))
    assert 5 < sum(row["split"] == "val" for row in rows) < 60
    assert len({row["id"] for row in rows}) == 400


def test_a_pair_keeps_the_caption_in_front_and_says_the_feeling_behind_it() -> None:
    rows = [(f"s/{n}", "a dog on a beach", 2.5, 2.0) for n in range(20)]
    pairs = written(rows)
    assert pairs == written(rows)
    assert pairs != written(rows, seed=1)
    known = set(captions.vocabulary())
    for pair in pairs:
        assert isinstance(pair, Pair)
        assert pair.neutral == "a dog on a beach"
        assert pair.emotional.startswith("a dog on a beach")
        assert len(pair.emotional) > len(pair.neutral) + 3
        assert set(words_of(pair.emotional)) <= known
    assert len({pair.emotional for pair in pairs if isinstance(pair, Pair)}) > 10


def test_without_a_caption_there_is_a_reason() -> None:
    assert isinstance(written([("s/1", " ", 1, 1)])[0], Failure)


@pytest.mark.parametrize(
    ("caption", "somebody", "time"),
    [
        ("two girls on a bench at night", "people", "night"),
        ("a family in a park", "people", "day"),
        ("puppies at sunset", "animals", "night"),
        ("an empty harbour, no people", "", "day"),
        ("a lantern under the stars", "", "night"),
    ],
)
def test_what_a_caption_is_taken_to_show(caption: str, somebody: str, time: str) -> None:
    scene = imagined(caption)
    assert (beings(scene), scene.time) == (somebody, time)
