"""Annotations.mat made by scipy in the shapes that MATLAB gives it: records alone, in arrays, and empty."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from emoticrafter.data.importers.emotic import load
from emoticrafter.data.reports import ImportLedger
from emoticrafter.errors import InputError, MissingError


def records(*rows: dict[str, Any]) -> np.ndarray:
    """A MATLAB struct array, 1 x n."""
    made = np.empty((1, len(rows)), dtype=[(name, "O") for name in rows[0]])
    for i, row in enumerate(rows):
        for name, value in row.items():
            made[0, i][name] = value
    return made


def ratings(valence: Any, arousal: Any, dominance: Any = 5.5) -> dict[str, Any]:
    return {"valence": valence, "arousal": arousal, "dominance": dominance}


def trained(valence: Any, arousal: Any, dominance: Any = 5.5, words: tuple[str, ...] = ("Peace",)) -> dict[str, Any]:
    """A person as train has it."""
    return {
        "body_bbox": np.array([1.0, 2, 3, 4]),
        "annotations_categories": {"categories": np.array(words, dtype=object)},
        "annotations_continuous": ratings(valence, arousal, dominance),
        "gender": "Male",
        "age": "Adult",
    }


def combined(valence: Any, arousal: Any, dominance: Any = 5.5) -> dict[str, Any]:
    """A person as val and test have it: several annotators, and what became of them."""
    return {
        "body_bbox": np.array([1.0, 2, 3, 4]),
        "annotations_categories": records({"categories": "Anger"}, {"categories": "Fear"}),
        "combined_categories": np.array(["Engagement", "Pleasure"], dtype=object),
        "annotations_continuous": records(ratings(1, 1, 1), ratings(2, 2, 2)),
        "combined_continuous": ratings(valence, arousal, dominance),
        "gender": "Female",
        "age": "Kid",
    }


def image(name: str, *people: dict[str, Any], folder: str = "mscoco/images") -> dict[str, Any]:
    return {
        "filename": name,
        "folder": folder,
        "image_size": {"n_col": 640, "n_row": 480},
        "original_database": {"name": "mscoco", "info": {"image_id": 7}},
        "person": people[0] if len(people) == 1 else records(*people) if people else np.empty((0, 0)),
    }


def imported(folder: Path, strict: bool = False, **splits: Any) -> tuple[pd.DataFrame, ImportLedger]:
    savemat(folder / "Annotations.mat", {"unrelated": 1.0, **splits})
    ledger = ImportLedger(source="Annotations.mat", strict=strict)
    return load(folder, ledger), ledger


def test_one_person_or_many_in_all_three_splits(tmp_path: Path) -> None:
    table, ledger = imported(
        tmp_path,
        train=records(
            image("a.jpg", trained(10, 1, 7)), image("b.jpg", trained(7, 4, words=("Joy", "Peace")), trained(4, 1, math.nan))
        ),
        val=records(image("c.jpg", combined(5.5, 8.5))),
        test=records(image("d.jpg", combined(1, 10), combined(10, 10)), image("a.jpg", combined(4, 4), folder="ade20k/images")),
    )
    assert table["id"].tolist() == [
        "emotic/mscoco/images/a.jpg", "emotic/mscoco/images/b.jpg", "emotic/mscoco/images/c.jpg", "emotic/mscoco/images/d.jpg",
        "emotic/ade20k/images/a.jpg",
    ]  # fmt: skip
    assert table["picture"].tolist() == table["id"].tolist()
    assert table["split"].tolist() == ["train", "train", "val", "test", "test"]
    assert table["valence"].tolist() == [3, 0, 0, 0, -1]
    assert table["arousal"].tolist() == [-3, -2, 2, 3, -1]
    assert table["dominance"].tolist() == [1, 0, 0, 0, 0]
    assert table["people"].tolist() == [1, 2, 1, 2, 1]
    assert table["tag"].tolist() == ["Peace", "Joy; Peace", *["Engagement; Pleasure"] * 3]
    assert (ledger.entries, ledger.read, ledger.unit) == ([], 5, "image")
    assert ledger.notes == ["2 pictures with several people, who were averaged"]


def test_a_split_of_one_image_and_empty_ones(tmp_path: Path) -> None:
    table, _ = imported(tmp_path, train=image("a.jpg", trained(7, 7)), val=np.empty((0, 0)))
    assert table[["id", "valence", "split"]].values.tolist() == [["emotic/mscoco/images/a.jpg", 1, "train"]]


def test_integers_as_matlab_saves_them(tmp_path: Path) -> None:
    table, _ = imported(tmp_path, train=records(image("a.jpg", trained(np.uint8(7), np.uint8(4))), image("b.jpg", trained(7, 7))))
    assert table["arousal"].tolist() == [-1, 1]


def test_several_annotators_that_nobody_combined_are_averaged(tmp_path: Path) -> None:
    person = trained(0, 0) | {"annotations_continuous": records(ratings(4, 7), ratings(7, 7))}
    table, _ = imported(tmp_path, train=image("a.jpg", person))
    assert table[["valence", "arousal"]].values.tolist() == [[0, 1]]


def test_people_without_valid_ratings_are_left_out(tmp_path: Path) -> None:
    train = records(
        image("a.jpg", trained(7, 7), trained(math.nan, 5), trained(11, 5)),
        image("b.jpg", trained(7, 0.5)),
        image("c.jpg"),
        image("a.jpg", trained(4, 4)),
        image("", trained(4, 4)),
        image("../../../d.jpg", trained(4, 4)),
    )
    table, ledger = imported(tmp_path, train=train)
    assert table[["id", "valence", "people"]].values.tolist() == [["emotic/mscoco/images/a.jpg", 1, 1]]
    assert [(e.line, e.what, e.reason, e.column, e.before) for e in ledger.entries] == [
        (1, "changed", "person left out: valence is not a number", "train.person(2)", "nan"),
        (1, "changed", "person left out: valence is outside 1 to 10", "train.person(3)", "11"),
        (2, "dropped", "arousal is outside 1 to 10", "train.person(1)", "0.5"),
        (3, "dropped", "image has no person", "train.person", ""),
        (4, "dropped", "image comes twice", "train", ""),
        (5, "dropped", "image has no folder and filename below the data set's folder", "train", "mscoco/images/"),
        (6, "dropped", "image has no folder and filename below the data set's folder", "train", "mscoco/images/../../../d.jpg"),
    ]
    with pytest.raises(InputError, match=r"Image 1 of 'Annotations.mat' \(id 'emotic/mscoco/images/a.jpg'\): person left out"):
        imported(tmp_path, strict=True, train=train)


def test_files_that_are_not_emotics(tmp_path: Path) -> None:
    path = tmp_path / "Annotations.mat"
    with pytest.raises(InputError, match="none of the arrays train, val, test"):
        imported(tmp_path)
    whole = path.read_bytes()
    modern = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n" + bytes(400)
    imported(tmp_path, train=image("a.jpg", trained(7, 7)))
    for data in (b"", b"abc", whole[:60], path.read_bytes()[:900], bytes(2000), b"x" * 2000):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"cannot be read as a MATLAB file|none of the arrays"):
            load(path, ImportLedger(source="x"))
    path.write_bytes(modern)
    with pytest.raises(InputError, match=r"7\.3"):
        load(path, ImportLedger(source="x"))
    path.unlink()
    with pytest.raises(MissingError, match=r"Annotations\.mat"):
        load(tmp_path, ImportLedger(source="x"))
