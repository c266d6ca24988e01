"""annotations_single.ann with the columns of the published file, in another order too."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from emoticrafter.data.importers.findingemo import load
from emoticrafter.data.reports import ImportLedger
from emoticrafter.errors import InputError

COLUMNS = [
    "user",
    "image_path",
    "reject",
    "age",
    "valence",
    "arousal",
    "emotion",
    "dec_factors",
    "ambiguity",
    "fmri_candidate",
    "datetime",
]


def vote(user: str, path: str, valence: Any = 1, arousal: Any = 4, **other: Any) -> dict[str, Any]:
    plain = {
        "user": user, "image_path": path, "reject": "Keep", "age": "Adult", "valence": valence, "arousal": arousal,
        "emotion": "Joy", "dec_factors": "Facial expression, Body language", "ambiguity": 2, "fmri_candidate": True,
        "datetime": "2022-08-30 17:23:14",
    }  # fmt: skip
    return {**plain, **other}


def imported(
    folder: Path, votes: list[dict[str, Any]], columns: list[str] = COLUMNS, end: str = "\n"
) -> tuple[pd.DataFrame, ImportLedger]:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator=end)
    writer.writeheader()
    writer.writerows(votes)
    path = folder / "annotations_single.ann"
    path.write_bytes(stream.getvalue().encode())
    ledger = ImportLedger(source=path.name)
    return load(path, ledger), ledger


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("columns", [COLUMNS, COLUMNS[::-1], ["more", *COLUMNS[:7]]])
def test_annotators_of_a_picture_are_averaged(tmp_path: Path, columns: list[str], end: str) -> None:
    votes = [
        vote("u1", "/Run_1/happy, or not/1.jpg", 3, 6),
        vote("u2", "/Run_1/2.jpg", -3, 0, emotion="Fear"),
        vote("u2", "/Run_1/happy, or not/1.jpg", 0, 3, emotion="Trust"),
        vote("u3", "/Run_1/happy, or not/1.jpg", 0, 6, emotion="Trust"),
    ]
    table, ledger = imported(tmp_path, votes, columns, end)
    assert table["picture"].tolist() == ["Run_1/happy, or not/1.jpg", "Run_1/2.jpg"]
    assert table["id"].tolist() == [f"findingemo/{picture}" for picture in table["picture"]]
    assert table["valence"].tolist() == [1, -3]
    assert table["arousal"].tolist() == [2, -3]
    assert table["valence_sd"].tolist() == [pytest.approx(3**0.5), pytest.approx(float("nan"), nan_ok=True)]
    assert table.loc[0, "arousal_sd"] == pytest.approx(3**0.5)
    assert table["raters"].tolist() == [3, 1]
    assert table["tag"].tolist() == ["Trust", "Fear"]
    assert ledger.entries == []
    assert ledger.notes == ["4 annotations of 2 pictures, 1 with several annotators"]


def test_rejected_rows_are_dropped_and_counted(tmp_path: Path) -> None:
    votes = [vote("u1", "a.jpg", reject=word) for word in ("Reject", "Keep", "reject ", "True")] + [
        vote("u2", "b.jpg", reject="maybe")
    ]
    table, ledger = imported(tmp_path, votes)
    assert table["id"].tolist() == ["findingemo/a.jpg"]
    assert table["raters"].tolist() == [1]
    assert ledger.counts("dropped") == {"rejected by the annotator": 3, "reject says neither Keep nor Reject": 1}
    assert [e.line for e in ledger.entries] == [2, 4, 5, 6]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"valence": 4}, "valence is outside -3 to 3"),
        ({"arousal": -1}, "arousal is outside 0 to 6"),
        ({"arousal": ""}, "arousal is not a number"),
        ({"image_path": ""}, "path is empty or leads out of the data set's folder"),
        ({"image_path": "/../../a.jpg"}, "path is empty or leads out of the data set's folder"),
    ],
)
def test_what_is_dropped(tmp_path: Path, other: dict[str, Any], reason: str) -> None:
    table, ledger = imported(tmp_path, [{**vote("u1", "b.jpg"), **other}, vote("u1", "a.jpg")])
    assert table["id"].tolist() == ["findingemo/a.jpg"]
    assert [(e.line, e.what, e.reason) for e in ledger.entries] == [(2, "dropped", reason)]


def test_the_latest_word_of_a_user_counts(tmp_path: Path) -> None:
    votes = [
        vote("u1", "a.jpg", 3, datetime="2023-01-02"),
        vote("u2", "a.jpg", 1),
        vote("u1", "/a.jpg", -3, datetime="2023-01-01"),
    ]
    table, ledger = imported(tmp_path, votes)
    assert (table.loc[0, "valence"], table.loc[0, "raters"]) == (2, 2)
    assert [(e.line, e.reason, e.before) for e in ledger.entries] == [(4, "user annotated the picture again", "u1")]


def test_a_file_without_the_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column for reject, valence; it has 'user', 'image_path'"):
        imported(tmp_path, [vote("u1", "a.jpg")], ["user", "image_path", "arousal"])
