"""The ends of the plane and the writing of its numbers: one rule, behind every door."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from emoticrafter.batch import read_emotions
from emoticrafter.coordinates import coordinate, on_plane, parse_number
from emoticrafter.data.counts import read_any
from emoticrafter.data.tables import write_table
from emoticrafter.data.values import on_scale
from emoticrafter.emotion import Emotion, grid, parse_axis
from emoticrafter.errors import InputError
from emoticrafter.evaluation.cases import Case
from emoticrafter.evaluation.pictures import find_pictures
from emoticrafter.evaluation.suite import Emotions
from emoticrafter.features.index import check_pairs, write_index
from emoticrafter.recipe import check_recipe

SINGLE = 3.0000002384185791  # the float32 after 3
CASE = Case(prompt="a cat")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (3.0, 3.0),
        (SINGLE, 3.0),
        (-SINGLE, -3.0),
        (3.0000009, 3.0),
        (3.0000011, None),
        (-3.1, None),
        (float("nan"), None),
        (1.5, 1.5),
    ],
)
def test_what_misses_an_end_by_rounding_is_that_end(value: float, found: float | None) -> None:
    assert on_plane(value) == found


@pytest.mark.parametrize(
    ("value", "told"),
    [(3.0000012, "3.0000012"), (4, "4"), (-3.5, "-3.5"), (3.00001, "3.00001"), (1e300, "1e+300"), (10**400, "inf")],
)
def test_a_message_shows_the_number_that_is_none(value: float, told: str) -> None:
    with pytest.raises(InputError) as caught:
        coordinate("valence", value)
    assert caught.value.problem == f"The valence is {told}; it must lie from -3 to 3."


@pytest.mark.parametrize("minus", "-\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d")
def test_every_minus_sign_is_one(minus: str) -> None:
    assert parse_number(f" {minus}1.5") == -1.5
    assert Emotion.parse(f"{minus}1.5,1") == Emotion(valence=-1.5, arousal=1)
    assert parse_axis(f"{minus}3:3:3") == [-3, 0, 3]
    assert on_scale(f"{minus}1.5").value == -1.5


# The doors


def table(path: Path, **columns: Any) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def pairs_at(*valences: float) -> pd.DataFrame:
    n = len(valences)
    texts = ("id", "content", "neutral_prompt", "emotional_prompt", "dataset", "tag")
    rows: dict[str, Any] = {name: [f"{name} {i}" for i in range(n)] for name in texts}
    rows |= {"valence": valences, "arousal": [0.0] * n, "split": ["train"] * n, "doubts": [""] * n, "picture": [None] * n}
    return pd.DataFrame(rows)


def from_single(folder: Path) -> float:
    return Emotion(valence=np.float32(struct.unpack("f", struct.pack("f", SINGLE))[0]), arousal=0).valence  # type: ignore[arg-type]


def from_parquet(folder: Path) -> float:
    frame = pd.DataFrame({"valence": np.array([SINGLE], np.float32), "arousal": np.zeros(1, np.float32)})
    frame.to_parquet(folder / "emotions.parquet")
    return read_emotions(folder / "emotions.parquet")[0].emotion.valence


def from_picture_names(folder: Path) -> float:
    (folder / "0_3.0000002_\u22121_0.png").write_bytes(b"x")
    [row] = find_pictures(folder, None, [CASE], 0)
    assert row.arousal == -1
    return float(row.valence)


def from_index(folder: Path) -> float:
    (folder / "a.png").write_bytes(b"x")
    index = table(folder / "index.csv", prompt=["a cat"], valence=["3.0000002"], arousal=["\u22121"], file=["a.png"])
    [row] = find_pictures(index, None, [CASE], 0)
    assert row.arousal == -1
    return float(row.valence)


def from_pairs(folder: Path) -> float:
    pairs = pairs_at(SINGLE, -3.0)
    check_pairs(pairs)
    write_index(pairs, folder / "index.parquet")
    return float(pd.read_parquet(folder / "index.parquet")["valence"][0])


def from_shown_table(folder: Path) -> float:
    write_table(pairs_at(SINGLE), folder / "pairs.parquet", "pairs", {})
    return float(read_any(folder / "pairs.parquet")[0]["valence"][0])


@pytest.mark.parametrize(
    "door",
    [
        from_single,
        lambda _: grid([SINGLE], [0])[0].valence,
        lambda _: parse_axis("0,3.0000002")[1],
        lambda _: parse_axis("-3.0000002:3.0000002:2")[1],
        lambda _: Emotion.parse("3.0000002,0").valence,
        lambda _: on_scale("3.0000002").value,
        lambda _: check_recipe({"valence": SINGLE})["valence"],
        lambda _: Emotions(valences=(0.0, SINGLE)).valences[1],
        from_parquet,
        from_picture_names,
        from_index,
        from_pairs,
        from_shown_table,
    ],
    ids=["float32", "grid", "axis", "range", "parse", "import", "recipe", "suite", "batch", "names", "index", "encode", "show"],
)
def test_behind_every_door_the_end_is_the_end(door: Callable[[Path], float], tmp_path: Path) -> None:
    assert door(tmp_path) == 3.0


def test_a_recipe_keeps_its_whole_numbers() -> None:
    assert json.dumps(check_recipe({"valence": -2, "arousal": 0})) == '{"valence": -2, "arousal": 0}'


def test_what_lies_farther_out_is_refused_with_its_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is '3\.00001'; it must be a number from -3 to 3"):
        check_pairs(pairs_at(3.00001))
    with pytest.raises(InputError, match=r"valence is 3\.00001; it must be a number from -3 to 3"):
        check_recipe({"valence": 3.00001})
    with pytest.raises(InputError, match=r"valences is 3\.00001; it must be a number from -3 to 3"):
        Emotions(valences=(0.0, 3.00001))
