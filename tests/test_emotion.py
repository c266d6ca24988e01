from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticrafter.emotion import MOODS, Emotion, grid, nearest_mood, parse_axis, path
from emoticrafter.errors import InputError

coordinates = st.floats(-3, 3)


def test_an_emotion_is_frozen_keyword_only_and_hashable() -> None:
    emotion = Emotion(valence=-2, arousal=1)
    assert isinstance(emotion.valence, float)
    with pytest.raises(dataclasses.FrozenInstanceError):
        emotion.valence = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        Emotion(-2, 1)  # type: ignore[misc]
    assert {emotion, Emotion(valence=-2.0, arousal=1.0)} == {emotion}
    assert Emotion.neutral() == Emotion(valence=0, arousal=0)


@pytest.mark.parametrize("value", [3, -3, 0.5, np.float32(0.5), np.int64(2), Fraction(1, 2)])
def test_numbers_of_any_kind_are_taken(value: Any) -> None:
    assert Emotion(valence=value, arousal=0).valence == float(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3.0001, -4, 10**400])
@pytest.mark.parametrize("axis", ["valence", "arousal"])
def test_numbers_outside_the_plane_are_refused(axis: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"The {axis} is .*; it must lie from -3 to 3\."):
        Emotion(**{"valence": 0, "arousal": 0, axis: value})


@pytest.mark.parametrize("value", ["1", None, True, 1j, [1]])
def test_what_is_not_a_number_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="not a number"):
        Emotion(valence=value, arousal=0)


def test_minus_zero_is_zero() -> None:
    assert str(Emotion(valence=-0.0, arousal=-0.0)) == "0,0"


@pytest.mark.parametrize("text", ["-2,1", "\u22122,1", "\u20132 , +1", " (-2; 1) ", "-2 1", "-2.0,1e0"])
def test_parse_reads_pairs(text: str) -> None:
    assert Emotion.parse(text) == Emotion(valence=-2, arousal=1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1", "reads as 1"),
        ("1,2,3", "reads as 3"),
        ("a,1", "'a' in 'a,1' is not a number"),
        ("nan,1", "valence is nan"),
        ("1,4", "arousal is 4"),
        ("", "Unknown mood ''"),
        ("1," + "9" * 9999, "arousal is inf"),
    ],
)
def test_parse_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        Emotion.parse(text)
    assert len(str(caught.value)) < 300
    assert caught.value.hint


@given(coordinates, coordinates)
def test_repr_of_the_numbers_is_read_back(v: float, a: float) -> None:
    assert Emotion.parse(f"{v!r},{a!r}") == Emotion(valence=v, arousal=a)


@pytest.mark.parametrize("name", ["melancholic", "Melancholic", " MELANCHOLIC "])
def test_moods_are_found_in_any_case(name: str) -> None:
    assert Emotion.named(name) == Emotion.parse(name) == MOODS["melancholic"].emotion


@pytest.mark.parametrize("name", ["at ease", "At-Ease", "at_ease", "at  ease"])
def test_moods_of_two_words(name: str) -> None:
    assert Emotion.named(name) == MOODS["at ease"].emotion


def test_an_unknown_mood_offers_the_nearest_names() -> None:
    with pytest.raises(InputError, match=r"Unknown mood 'melancolic'\. Did you mean melancholic or "):
        Emotion.named("melancolic")
    with pytest.raises(InputError, match="For instance: happy"):
        Emotion.named("qqqq")
    with pytest.raises(InputError) as caught:
        Emotion.named("x\x1b[31m" * 3000)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_moods_lie_on_the_angles_of_their_source() -> None:
    assert len(MOODS) >= 60
    russell = [m for m in MOODS.values() if "Russell" in m.source]
    assert len(russell) == 28
    angles = {m.name: math.degrees(math.atan2(m.emotion.arousal, m.emotion.valence)) % 360 for m in russell}
    expected = {"happy": 7.8, "angry": 99.0, "sad": 207.5, "sleepy": 271.9, "pleased": 353.2}
    assert {name: angles[name] for name in expected} == pytest.approx(expected, abs=0.3)
    assert {m.source for m in MOODS.values()} - {russell[0].source} == {
        "placed by us between the circumplex's terms",
        "the origin of the plane",
    }
    assert len({m.emotion for m in MOODS.values()}) == len(MOODS)
    assert all(m.name == name for name, m in MOODS.items())


def test_moods_fill_all_four_quarters() -> None:
    quarters = [(m.emotion.valence > 0, m.emotion.arousal > 0) for m in MOODS.values()]
    assert min(quarters.count(q) for q in set(quarters)) >= 10
    with pytest.raises(TypeError):
        MOODS["mine"] = MOODS["sad"]  # type: ignore[index]


@pytest.mark.parametrize("name", MOODS)
def test_the_nearest_mood_of_a_mood_is_itself(name: str) -> None:
    assert nearest_mood(MOODS[name].emotion).name == name


def test_a_grid_is_in_reading_order() -> None:
    points = [(e.valence, e.arousal) for e in grid([3, -3], [-1, 2])]
    assert points == [(-3, 2), (3, 2), (-3, -1), (3, -1)]
    assert grid([1, 1], [0]) == [Emotion(valence=1, arousal=0)]


def test_a_grid_needs_two_axes_in_the_plane() -> None:
    with pytest.raises(InputError, match="empty axis"):
        grid([], [1])
    with pytest.raises(InputError, match="arousal is 5"):
        grid([1], [5])


@given(coordinates, coordinates, coordinates, coordinates, st.integers(2, 60))
def test_a_path_keeps_its_ends_and_equal_steps(v0: float, a0: float, v1: float, a1: float, frames: int) -> None:
    start, end = Emotion(valence=v0, arousal=a0), Emotion(valence=v1, arousal=a1)
    line = path(start, end, frames)
    assert (len(line), line[0], line[-1]) == (frames, start, end)
    steps = np.diff([(e.valence, e.arousal) for e in line], axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-8)


@pytest.mark.parametrize("frames", [1, 0, -1, 1001, 2.5, True])
def test_an_impossible_number_of_frames_is_refused(frames: int) -> None:
    with pytest.raises(InputError, match="whole number from 2 to 1000"):
        path(Emotion.neutral(), Emotion.neutral(), frames)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("-3:3:5", [-3, -1.5, 0, 1.5, 3]),
        ("\u22123:3:3", [-3, 0, 3]),
        ("3:-3:2", [3, -3]),
        ("-0.3:0.3:7", [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]),
        ("-3,0,3", [-3, 0, 3]),
        ("1", [1]),
    ],
)
def test_parse_axis(text: str, values: list[float]) -> None:
    assert parse_axis(text) == values


@pytest.mark.parametrize(
    "text", ["", "a", "1:2", "1:2:x", "1:2:1", "1:2:2.5", "1:2:-3", "-4:3:5", "nan:1:3", "0,9", "1,,2", "0:1:99999"]
)
def test_bad_axes_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_axis(text)
