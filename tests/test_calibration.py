"""The map beside a checkpoint: never falling, the identity outside its knots, and read as data from strangers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticrafter.calibration import AxisMap, Calibration
from emoticrafter.emotion import Emotion
from emoticrafter.errors import CheckpointError, InputError, OutputError

BENT = AxisMap(requested=(-3.0, 0.0, 2.0, 3.0), asked=(-3.0, 0.5, 3.0, 3.0))
INNER = AxisMap(requested=(-1.0, 0.0, 1.0), asked=(-0.5, 0.0, 0.5))
MADE = Calibration(
    valence=BENT, arousal=INNER, checkpoint="c" * 64, judge="j" * 64, strength=1.1, figures={"with": {"error": 0.3}}
)


def test_between_knots_the_map_is_linear() -> None:
    assert [BENT(x) for x in (-3, -1.5, 0, 1, 2, 2.5, 3)] == [-3, -1.25, 0.5, 1.75, 3, 3, 3]


def test_outside_its_knots_it_is_the_identity() -> None:
    assert [INNER(x) for x in (-3, -1.01, -1, 0.5, 1, 1.01, 3)] == [-3, -1.01, -0.5, 0.25, 0.5, 1.01, 3]


def test_each_axis_has_its_own() -> None:
    assert MADE(Emotion(valence=1, arousal=0.5)) == Emotion(valence=1.75, arousal=0.25)
    assert MADE.many([Emotion(valence=0, arousal=0)] * 2) == [Emotion(valence=0.5, arousal=0)] * 2


@pytest.mark.parametrize(
    ("requested", "asked"),
    [
        ((0.0,), (0.0,)),
        ((-3.0, 3.0), (-3.0, 0.0, 3.0)),
        ((-3.0, 0.0, 0.0, 3.0), (-3.0, 0.0, 1.0, 3.0)),
        ((-3.0, 0.0, 3.0), (-3.0, 2.0, 1.0)),
        ((-3.0, 4.0), (-3.0, 3.0)),
        ((-3.0, float("nan")), (-3.0, 3.0)),
        ((-3.0, True), (-3.0, 3.0)),
        ((-1.0, 1.0), (-1.5, 0.5)),  # would fall at -1, from the identity to what is below it
        ((-1.0, 1.0), (-0.5, 1.5)),
    ],
)
def test_maps_that_fall_or_are_no_maps_are_refused(requested: Any, asked: Any) -> None:
    with pytest.raises(InputError, match="calibration"):
        AxisMap(requested=requested, asked=asked)


@given(
    st.lists(st.floats(-3, 3), min_size=3, max_size=8, unique=True), st.lists(st.floats(-3, 3), min_size=8, max_size=8),
    st.lists(st.floats(-3, 3), min_size=2, max_size=20),
)  # fmt: skip
def test_a_map_that_is_accepted_never_falls(requested: list[float], asked: list[float], points: list[float]) -> None:
    try:
        made = AxisMap(requested=tuple(sorted(requested)), asked=tuple(sorted(asked[: len(requested)])))
    except InputError:
        return
    values = [made(x) for x in sorted(points)]
    assert all(-3 <= value <= 3 for value in values)
    assert all(a <= b + 1e-9 for a, b in zip(values, values[1:], strict=False))


def test_a_saved_calibration_comes_back(tmp_path: Path) -> None:
    assert Calibration.beside(tmp_path, "c" * 64) is None
    path = MADE.save(tmp_path)
    assert path.name == "calibration.json"
    assert Calibration.beside(tmp_path, "c" * 64) == MADE
    with pytest.raises(OutputError, match="exists"):
        MADE.save(tmp_path)
    MADE.save(tmp_path, force=True)


def test_the_hash_is_that_of_the_map() -> None:
    assert replace(MADE, figures={}, judge="").hash == MADE.hash
    assert replace(MADE, arousal=BENT).hash != MADE.hash


def test_it_belongs_to_one_checkpoint(tmp_path: Path) -> None:
    MADE.save(tmp_path)
    with pytest.raises(CheckpointError, match=r"other weights.*--no-calibration"):
        Calibration.beside(tmp_path, "d" * 64)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "other"},
        {"version": 2},
        {"strength": "strong"},
        {"strength": None},
        {"strength": 0},
        {"strength": -1},
        {"valence": None},
        {"valence": {"requested": [-3, 3]}},
        {"valence": {"requested": [3, -3], "asked": [-3, 3]}},
        {"arousal": {"requested": [-3, "3"], "asked": [-3, 3]}},
        {"figures": 3},
        {"figures": {"long": "x" * 300_000}},
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = MADE.save(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(CheckpointError, match="cannot be read"):
        Calibration.beside(tmp_path, "c" * 64)


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, "nothing"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "calibration.json").write_text(text)
    with pytest.raises(CheckpointError, match="emoticrafter calibrate"):
        Calibration.beside(tmp_path, "c" * 64)
