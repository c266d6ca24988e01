"""A method with a known distortion is straightened out."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.evaluation.calibration import (
    collect,
    figures_of,
    fit_axes,
    fit_calibration,
    latin_points,
    storybook_prompts,
)
from emoticrafter.judges.trust import Trust
from emoticrafter.picture import Picture
from emoticrafter.storybook.scenes import is_held_out
from emoticrafter.storybook.world import Scene
from emoticrafter.watch import Watch

LEVELS = np.linspace(-3, 3, 25)


class Distorted:
    """Pictures whose two colours are a bent valence and a weak arousal, with noise from the seed."""

    noise = 0.1

    def __init__(self) -> None:
        self.seeds: list[int] = []
        self.strengths: set[float | None] = set()

    def generate(
        self, prompt: str, emotion: Sequence[Emotion], *, seed: int, strength: float | None, steps: int | None
    ) -> list[Picture]:
        self.seeds.append(seed)
        self.strengths.add(strength)
        rng = np.random.default_rng(seed)
        made = []
        for one in emotion:
            shown = np.array([3 * np.tanh(one.valence), 0.7 * one.arousal + 0.3]) + rng.normal(0, self.noise, 2)
            red, green = np.round((np.clip(shown, -3, 3) + 3) * 42).astype(int).tolist()
            made.append(Picture(image=Image.new("RGB", (2, 2), (red, green, 0))))
        return made


class Colours:
    """The judge of such pictures."""

    name = "colours"
    trust = Trust(validated_on="nothing", pictures=0)

    def emotions(self, pictures: Sequence[Any]) -> np.ndarray:
        return np.array([np.asarray(picture.image)[0, 0, :2] / 42 - 3 for picture in pictures], np.float32)

    def describe(self) -> Mapping[str, Any]:
        return {"judge": self.name, "sha256": "j" * 64}


def test_points_are_a_latin_square() -> None:
    points = [(p.valence, p.arousal) for number in range(5) for p in latin_points(5, number)]
    assert len(set(points)) == 25
    for number in range(7):
        for axis in ("valence", "arousal"):
            assert sorted(getattr(p, axis) for p in latin_points(5, number)) == [-3, -1.5, 0, 1.5, 3]


def square(times: int = 1) -> np.ndarray:
    return np.array([(v, a) for v in LEVELS for a in LEVELS] * times)


def test_the_map_is_the_inverse_of_what_was_judged() -> None:
    asked = square()
    valence, arousal = fit_axes(asked, 0.5 * asked + [0.5, 0])
    assert [valence(x, 0) for x in (0.5, 1.25, -0.6)] == pytest.approx([0, 1.5, -2.2], abs=0.1)
    assert [arousal(x, 0.5) for x in (0, 0.75, -1.1)] == pytest.approx([0, 1.5, -2.2], abs=0.15)


def test_an_axis_that_leaks_into_the_other_is_held_back() -> None:
    asked = square()
    judged = np.stack([asked[:, 0], 0.8 * asked[:, 1] + 0.3 * asked[:, 0]], axis=1)  # pleasant looks excited
    valence, arousal = fit_axes(asked, judged)
    assert arousal(0, 1.5) == pytest.approx(-0.45 / 0.8, abs=0.1)
    assert arousal(0, -1.5) == pytest.approx(0.45 / 0.8, abs=0.1)
    assert valence(1.5, 2) == pytest.approx(1.5, abs=0.1)


def test_beyond_the_reach_every_step_still_shows() -> None:
    asked = square()
    made, _ = fit_axes(asked, 0.8 * asked)
    assert (made(-3, 0), made(3, 0)) == (-3, 3)
    steps = np.diff([made(x, 0) for x in np.arange(-3, 3.01, 0.2)])
    assert steps.min() > 0.01
    assert made(2.9, 0) > 2.8  # judged 2.4 if it were asked for 3


def test_noise_does_not_make_the_map_fall_and_strong_answers_are_toned_down() -> None:
    rng = np.random.default_rng(0)
    asked = square(3)
    made, _ = fit_axes(asked, np.clip(1.6 * asked + rng.normal(0, 0.5, asked.shape), -3, 3))
    values = [made(x, 1) for x in np.linspace(-3, 3, 61)]
    assert values == sorted(values)
    assert made(1.6, 1) == pytest.approx(1, abs=0.25)
    assert made(2.5, 1) < 2


def test_flat_answers_are_nothing_to_calibrate() -> None:
    asked = square()
    for judged in (np.zeros_like(asked), -asked, asked * [1, 0]):
        with pytest.raises(InputError, match="does not rise"):
            fit_axes(asked, judged)


def test_a_distorted_method_is_straightened_out_and_reported_with_and_without() -> None:
    drawer, steps = Distorted(), list[tuple[int, int]]()
    made = fit_calibration(
        drawer, Colours(), [f"prompt {i}" for i in range(16)], checkpoint="c" * 64, strength=1.1, levels=25, seed=100,
        watch=Watch(stage=lambda name: lambda *step: steps.append(step)),
    )  # fmt: skip
    without, fitted = made.figures["without"], made.figures["with"]
    assert without["valence"]["error"] > 0.6
    assert fitted["valence"]["error"] < 0.3
    assert fitted["arousal"]["error"] < without["arousal"]["error"]  # its ends stay out of reach
    assert fitted["valence"]["slope"] == pytest.approx(1, abs=0.08)
    assert (made.checkpoint, made.judge, made.strength) == ("c" * 64, "j" * 64, 1.1)
    assert (made.figures["prompts"], made.figures["prompts kept out"]) == (12, 4)
    assert drawer.strengths == {1.1}
    assert drawer.seeds == [*range(100, 116), *range(112, 116)]  # the kept-out prompts twice, with the same seeds
    assert steps[-1] == (500, 500)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert abs(made.arousal(0, 0) - (-0.3 / 0.7)) < 0.15


def test_what_is_recorded_is_what_was_requested() -> None:
    drawer, judge = Distorted(), Colours()
    plain = collect(drawer, judge, ["a", "b"], levels=3)
    assert plain.requested.tolist() == [[-3, -3], [0, 0], [3, 3], [-3, 0], [0, 3], [3, -3]]
    assert plain.prompts.tolist() == [0, 0, 0, 1, 1, 1]
    made = fit_calibration(drawer, judge, list("abcdefgh"), checkpoint="", strength=1.0)
    mapped = collect(drawer, judge, ["a", "b"], levels=3, calibration=made)
    assert np.array_equal(mapped.requested, plain.requested)
    assert not np.array_equal(mapped.judged, plain.judged)


def test_figures_that_are_not_defined_are_none() -> None:
    reading = collect(Distorted(), Colours(), ["a"], levels=3)
    flat = figures_of(type(reading)(requested=reading.requested, judged=0 * reading.judged, prompts=reading.prompts))
    assert flat["valence"]["spearman"] is None
    assert flat["valence"]["error"] == 2


def test_few_prompts_are_refused() -> None:
    with pytest.raises(InputError, match="at least 4"):
        fit_calibration(Distorted(), Colours(), ["a"] * 3, checkpoint="", strength=1.0)


def test_prompts_tell_of_contents_that_are_not_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from emoticrafter.storybook import captions

    told: list[Scene] = []
    caption = captions.neutral_caption

    def kept(scene: Scene, rng: random.Random) -> str:
        told.append(scene)
        return caption(scene, rng)

    monkeypatch.setattr(captions, "neutral_caption", kept)
    prompts = storybook_prompts(30, seed=2)
    assert len(prompts) == len(told) == 30
    assert not any(is_held_out(scene.place, one.kind, one.action) for scene in told for one in scene.subjects)
    assert storybook_prompts(30, seed=2) == prompts != storybook_prompts(30, seed=3)
