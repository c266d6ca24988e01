"""Sky, mist, weather and grade: continuous in the mood, the same layout at every mood, each where it belongs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from emoticrafter.storybook.world import atmosphere
from emoticrafter.storybook.world.canvas import Canvas
from emoticrafter.storybook.world.mood import Mood
from emoticrafter.storybook.world.scene import TIMES, Scene
from emoticrafter.storybook.world.sprites import CodeSprites
from emoticrafter.storybook.world.stage import Stage

GROUND = (120, 150, 110)


def stage(v: float, a: float, time: str = "day", seed: int = 1) -> Stage:
    canvas = Canvas(96)
    canvas.fill(GROUND)
    return Stage(canvas, Scene(place="park", time=time, seed=seed), Mood(v, a), CodeSprites(), 0.6)


def sky(v: float, a: float, time: str = "day", seed: int = 1) -> np.ndarray:
    on = stage(v, a, time, seed)
    atmosphere.draw_sky(on)
    return on.canvas.image().astype(np.int16)


def weather(v: float, a: float, indoor: bool = False, cold: bool = False) -> np.ndarray:
    on = stage(v, a)
    atmosphere.draw_weather(on, indoor, cold)
    return on.canvas.image().astype(np.int16)


def touched(picture: np.ndarray) -> float:
    """Share of pixels that are no longer ground."""
    return float((np.abs(picture - np.array(GROUND)).max(axis=2) > 12).mean())


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("fixed", [-0.9, 0.0, 0.9])
def test_nothing_pops_into_the_sky(time: str, fixed: float) -> None:
    steps = np.linspace(-1, 1, 41)
    for pictures in ([sky(s, fixed, time) for s in steps], [sky(fixed, s, time) for s in steps]):
        for one, other in pairwise(pictures):
            assert np.abs(one - other).mean() < 7


def test_displeasure_darkens_the_sky_and_night_more() -> None:
    bright = {(v, time): sky(v, 0, time)[:50].mean() for v in (-1, 1) for time in ("day", "night")}
    assert bright[1, "day"] > bright[-1, "day"] + 40
    assert bright[1, "day"] > bright[1, "night"] + 20


def test_the_four_corners_have_four_skies_and_seeds_vary_them() -> None:
    skies = [sky(v, a) for v, a in ((1, 1), (1, -1), (-1, -1), (-1, 1), (0, 0))]
    for i, one in enumerate(skies):
        for other in skies[i + 1 :]:
            assert np.abs(one - other).mean() > 20
    assert np.array_equal(sky(0.3, 0.2), sky(0.3, 0.2))
    assert np.abs(sky(0, 0, seed=1) - sky(0, 0, seed=2)).mean() > 2


def test_mist_belongs_to_calm_and_is_thinner_indoors() -> None:
    def haze(a: float, indoor: bool = False) -> float:
        on = stage(0, a)
        atmosphere.draw_haze(on, indoor)
        return float(np.abs(on.canvas.image().astype(np.int16) - np.array(GROUND)).mean())

    assert haze(1) == haze(0) == 0
    assert haze(-1) > haze(-0.5) > 2
    assert 0 < haze(-1, indoor=True) < haze(-1)


def test_what_falls_and_flies() -> None:
    assert touched(weather(0, 0)) == 0
    assert touched(weather(-0.3, -0.3)) < touched(weather(-1, -0.3))  # rain
    assert touched(weather(0, 0, cold=True)) > 0.005  # snow, in every mood
    assert touched(weather(-1, 0, cold=True)) > 1.5 * touched(weather(0, 0, cold=True))
    assert touched(weather(-1, -1, indoor=True)) < 0.3 * touched(weather(-1, -1))  # no rain in a room
    confetti = weather(1, 1)
    assert touched(confetti) > 0.01
    changed = confetti[np.abs(confetti - np.array(GROUND)).max(axis=2) > 60]
    assert (np.ptp(changed, axis=1) > 100).mean() > 0.3  # vivid


def test_grade_moves_colour_as_the_mood_asks() -> None:
    picture = np.random.default_rng(0).integers(60, 200, (48, 48, 3)).astype(np.uint8)

    def graded(v: float, a: float, time: str = "day") -> np.ndarray:
        return atmosphere.grade(picture, Mood(v, a), time).astype(float)

    def saturation(image: np.ndarray) -> float:
        return float(np.ptp(image, axis=2).mean())

    assert np.abs(graded(0, 0) - picture).max() <= 1
    assert saturation(graded(0, 1)) > saturation(graded(0, 0)) > saturation(graded(0, -1))
    assert saturation(graded(-1, -1)) < 0.8 * saturation(graded(0, 0))
    assert graded(1, 0).mean() > graded(0, 0).mean() > graded(-1, 0).mean()
    sorrow, terror = (graded(-1, a).mean(axis=(0, 1)) for a in (-1, 1))
    assert sorrow[2] > sorrow[0]  # blue
    assert terror[0] > terror[2]  # red
    night = graded(0, 0, "night").mean(axis=(0, 1))
    assert night[2] > night[0]
    corners, middle = graded(-1, 0)[[0, 0, -1, -1], [0, -1, 0, -1]].mean(), graded(-1, 0)[20:28, 20:28].mean()
    assert corners < middle
