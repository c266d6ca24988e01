"""The shipped weights: complete, small enough, and able to do what they are for. `benchmarks/` has the whole measurement."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

import emoticrafter
from emoticrafter import Emotion
from emoticrafter.crafter import EmotiCrafter, Grid
from emoticrafter.judges.storybook import SHIPPED
from emoticrafter.storybook.judge import JudgeNetwork, load_judge
from emoticrafter.watch import Watch

WEIGHTS = Path(emoticrafter.__file__).parent / "storybook" / "weights"
AXIS = (-3, 0, 3)
PROMPTS = ("a girl on a playground", "a dog on a beach")


@pytest.fixture(scope="module")
def crafter() -> EmotiCrafter:
    return EmotiCrafter.from_pretrained("storybook")


@pytest.fixture(scope="module")
def judges() -> tuple[JudgeNetwork, JudgeNetwork]:
    return load_judge(SHIPPED / "emotion.safetensors"), load_judge(SHIPPED / "content.safetensors")


@pytest.fixture(scope="module")
def grids(crafter: EmotiCrafter) -> list[Grid]:
    return [crafter.grid(prompt, valences=AXIS, arousals=AXIS, seed=7) for prompt in PROMPTS]


def pixels(grid: Grid) -> np.ndarray:
    return np.stack([np.asarray(picture.image) for picture in grid.pictures])


def test_the_folder_is_complete_and_small_enough() -> None:
    sizes = [path.stat().st_size for path in WEIGHTS.rglob("*.safetensors")]
    assert sum(sizes) <= 60e6
    assert max(sizes) < 16e6
    for name in ("model_index.json", "defaults.json", "vocabulary.json", "card.json", "emotion/config.json"):
        json.loads((WEIGHTS / name).read_text(encoding="utf-8"))


def test_the_asked_feeling_can_be_read_from_the_pictures(grids: list[Grid], judges: tuple[JudgeNetwork, JudgeNetwork]) -> None:
    asked = np.array([(p.recipe["valence"], p.recipe["arousal"]) for grid in grids for p in grid.pictures])
    read = judges[0].emotions(np.concatenate([pixels(grid) for grid in grids]))
    for axis in range(2):
        assert spearmanr(asked[:, axis], read[:, axis]).statistic > 0.8


def test_the_place_stays_at_every_feeling(grids: list[Grid], judges: tuple[JudgeNetwork, JudgeNetwork]) -> None:
    for grid, place in zip(grids, ("playground", "beach"), strict=True):
        found = [where for where, _ in judges[1].contents(pixels(grid))]
        assert found.count(place) >= 7, found


def test_every_point_is_a_picture_of_its_own(grids: list[Grid]) -> None:
    for grid in grids:
        for first, second in itertools.combinations(pixels(grid).astype(int), 2):
            assert np.abs(first - second).mean() > 4


def test_a_step_of_a_fifth_changes_the_picture(crafter: EmotiCrafter) -> None:
    pictures = crafter.sweep(PROMPTS[0], Emotion(valence=0.4, arousal=0), Emotion(valence=1.0, arousal=0), frames=4, seed=3)
    frames = [np.asarray(picture.image).astype(int) for picture in pictures]
    for near, far in itertools.pairwise(frames):
        assert 0.2 < np.abs(near - far).mean() < 20


def test_the_same_call_gives_the_same_pixels(crafter: EmotiCrafter) -> None:
    first, again = (crafter.generate(PROMPTS[1], Emotion(valence=2, arousal=-1), seed=5)[0].image for _ in range(2))
    assert first.tobytes() == again.tobytes()


def test_guidance_in_the_middle_saves_calls_and_everywhere_is_what_it_was(crafter: EmotiCrafter) -> None:
    happy, rows = Emotion(valence=2, arousal=-1), []
    plain, everywhere = (
        crafter.generate(PROMPTS[1], happy, seed=5, guidance=3.0, guidance_range=limits)[0].image for limits in (None, (0, 1))
    )
    assert plain.tobytes() == everywhere.tobytes()
    hook = crafter.backbone.pipeline.unet.register_forward_hook(lambda _, given, __: rows.append(len(given[0])))  # type: ignore[attr-defined]
    try:
        middle = crafter.generate(PROMPTS[1], happy, seed=5, steps=12, guidance=3.0, guidance_range=(0.3, 0.85))[0].image
    finally:
        hook.remove()
    assert rows == [1, 1, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1]
    assert 1 < np.abs(np.asarray(middle).astype(int) - np.asarray(plain).astype(int)).mean() < 40


def test_the_empty_prompt_makes_a_picture_of_the_feeling(
    crafter: EmotiCrafter, judges: tuple[JudgeNetwork, JudgeNetwork]
) -> None:
    pictures = [crafter.generate("", Emotion(valence=v, arousal=0), seed=2)[0].image for v in AXIS]
    read = judges[0].emotions(np.stack([np.asarray(picture) for picture in pictures]))
    assert read[0, 0] < read[2, 0] - 1


def test_a_word_of_another_world_draws_a_warning() -> None:
    heard: list[str] = []
    crafter = EmotiCrafter.from_pretrained("storybook")
    crafter.generate("a girl with a zeppelin", Emotion(valence=0, arousal=0), steps=1, watch=Watch(warn=heard.append))
    assert len(heard) == 1
    assert "zeppelin" in heard[0]
