from __future__ import annotations

import itertools

import pytest

from emoticrafter.emotion import Emotion
from emoticrafter.storybook.world.mood import Mood

NUMBERS = (
    "joy", "gloom", "thrill", "calm", "elation", "serenity", "terror", "sorrow", "wind", "wave", "mist", "rain", "decay",
    "bloom", "motion",
)  # fmt: skip
COLORS = ("sky_top", "sky_low", "accent")
STEPS = [i / 10 - 3 for i in range(61)]


def test_every_share_stays_between_none_and_all() -> None:
    for v, a in itertools.product(STEPS[::5], repeat=2):
        mood = Mood.of(Emotion(valence=v, arousal=a))
        for name in NUMBERS:
            assert 0 <= getattr(mood, name) <= 1, (name, v, a)


@pytest.mark.parametrize("other", [-3, -1.3, 0, 2.2, 3])
@pytest.mark.parametrize("axis", ["valence", "arousal"])
def test_nothing_jumps_along_an_axis(axis: str, other: float) -> None:
    fixed = "arousal" if axis == "valence" else "valence"
    moods = [Mood.of(Emotion(**{axis: x, fixed: other})) for x in STEPS]
    for near, far in itertools.pairwise(moods):
        for name in NUMBERS:
            assert abs(getattr(near, name) - getattr(far, name)) < 0.1, name
        for name in COLORS:
            assert max(abs(x - y) for x, y in zip(getattr(near, name), getattr(far, name), strict=True)) < 14, name


def test_the_four_corners_are_four_moods() -> None:
    points = {"elation": (3, 3), "serenity": (3, -3), "terror": (-3, 3), "sorrow": (-3, -3)}
    corners = {name: Mood.of(Emotion(valence=v, arousal=a)) for name, (v, a) in points.items()}
    for name, mood in corners.items():
        assert getattr(mood, name) == pytest.approx(1)
        for other in corners.keys() - {name}:
            assert getattr(mood, other) == pytest.approx(0, abs=1e-9)


def test_neutral_is_still_and_whole() -> None:
    mood = Mood.of(Emotion(valence=0, arousal=0))
    assert mood.decay == mood.rain == mood.bloom == mood.mist == 0
    assert mood.foliage((80, 160, 70)) == (80, 160, 70)
