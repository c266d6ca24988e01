"""The map beside a checkpoint: bilinear, never falling along its axis, and read as data from strangers."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticrafter.calibration import AxisMap, Calibration
from emoticrafter.emotion import Emotion
from emoticrafter.errors import CheckpointError, InputError, OutputError

LEVELS = (-3.0, 0.0, 3.0)
BENT = AxisMap(levels=LEVELS, asked=((-3.0, 0.5, 3.0),) * 3)  # whatever the other axis
LEANING = AxisMap(levels=LEVELS, asked=((-3.0, -1.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 1.0, 3.0)))  # more where the other is more
MADE = Calibration(
    valence=BENT, arousal=LEANING, checkpoint="c" * 64, judge="j" * 64, strength=1.1, figures={"with": {"error": 0.3}}
)


def test_between_nodes_the_map_is_bilinear() -> None:
    assert [BENT(x, 2.2) for x in (-3, -1.5, 0, 1.5, 3)] == pytest.approx([-3, -1.25, 0.5, 1.75, 3])
    assert [LEANING(0, other) for other in (-3, -1.5, 0, 3)] == pytest.approx([-1, -0.5, 0, 1])
    assert LEANING(1.5, 1.5) == pytest.approx((0 + 2 + 1 + 3) / 4)


def test_each_axis_has_its_own_and_hears_the_other() -> None:
    found = MADE(Emotion(valence=1.5, arousal=-3))
    assert (found.valence, found.arousal) == pytest.approx((1.75, -1.5))
    assert MADE.many([Emotion(valence=0, arousal=0)] * 2) == [Emotion(valence=0.5, arousal=0)] * 2


@pytest.mark.parametrize(
    ("levels", "asked"),
    [
        ((0.0,), ((0.0,),)),
        ((-3.0, 3.0), ((-3.0, 3.0),)),
        ((-3.0, 3.0), ((-3.0, 0.0, 3.0),) * 2),
        ((-3.0, 0.0, 0.0, 3.0), ((-3.0, 0.0, 1.0, 3.0),) * 4),
        ((-3.0, 0.0, 3.0), ((-3.0, 2.0, 1.0),) * 3),
        ((-3.0, 3.0), ((-3.0, 4.0),) * 2),
        ((-3.0, 3.0), ((float("nan"), 3.0),) * 2),
        ((-3.0, 3.0), ((-3.0, True),) * 2),
        ((-1.0, 1.0), ((-1.0, 1.0),) * 2),  # not the whole plane
        (tuple(-3 + i * 6 / 64 for i in range(65)), ((0.0,) * 65,) * 65),
    ],
)
def test_maps_that_fall_or_are_no_maps_are_refused(levels: Any, asked: Any) -> None:
    with pytest.raises(InputError, match="calibration"):
        AxisMap(levels=levels, asked=asked)


@given(st.lists(st.lists(st.floats(-3, 3), min_size=4, max_size=4), min_size=4, max_size=4), st.floats(-3, 3), st.floats(-3, 3),
       st.lists(st.floats(-3, 3), min_size=2, max_size=20))  # fmt: skip
def test_a_map_never_falls_along_its_axis(rows: list[list[float]], level: float, other: float, points: list[float]) -> None:
    levels = (-3.0, *sorted({min(max(level, -2.9), 1.0), 1.5}), 3.0)
    made = AxisMap(levels=levels, asked=tuple(tuple(sorted(row)) for row in rows))
    values = [made(x, other) for x in sorted(points)]
    assert all(-3 <= value <= 3 for value in values)
    assert all(a <= b + 1e-9 for a, b in pairwise(values))


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
        {"version": 1},
        {"strength": "strong"},
        {"strength": 10**400},
        {"strength": True},
        {"checkpoint": None},
        {"judge": 3},
        {"strength": None},
        {"strength": 0},
        {"strength": -1},
        {"valence": None},
        {"valence": {"levels": [-3, 3]}},
        {"valence": {"levels": [3, -3], "asked": [[-3, 3]] * 2}},
        {"valence": {"levels": [-3, 3], "asked": [-3, 3]}},
        {"arousal": {"levels": [-3, "3"], "asked": [[-3, 3]] * 2}},
        {"figures": 3},
        {"figures": {"long": "x" * 300_000}},
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = MADE.save(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(CheckpointError, match=r"calibration.* (is damaged|is not a calibration|has version|is longer)"):
        Calibration.beside(tmp_path, "c" * 64)


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, "nothing"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "calibration.json").write_text(text)
    with pytest.raises(CheckpointError, match="emoticrafter calibrate"):
        Calibration.beside(tmp_path, "c" * 64)
