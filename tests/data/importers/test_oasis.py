"""OASIS.csv as its authors publish it, and as it looks after a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from emoticrafter.data.importers.oasis import load
from emoticrafter.data.reports import ImportLedger
from emoticrafter.data.tables import read_table, write_table
from emoticrafter.errors import InputError, MissingError

HEADER = ",Theme,Category,Source,Valence_mean,Valence_SD,Valence_N,Arousal_mean,Arousal_SD,Arousal_N"
ROWS = [
    "I1,Acorns 1,Object,Pixabay,4.68627451,0.90987654,102,2.346534653,1.607802785,101",
    "I2,Dog 12 ,Animal,Internet,6.5,0.8,110,1,0.5,98",
    'I3,"Car  crash 3",Scene,"Web, 2015",1,1.2,100,7,0.1,100',
]


def imported(folder: Path, data: str | bytes, strict: bool = False) -> tuple[pd.DataFrame, ImportLedger]:
    path = folder / "OASIS.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    ledger = ImportLedger(source=path.name, strict=strict)
    return load(folder, ledger), ledger


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_scale_pictures_and_stray_spaces(tmp_path: Path, end: str) -> None:
    table, ledger = imported(tmp_path, b"\xef\xbb\xbf" + end.join([HEADER, *ROWS, ""]).encode())
    assert table["id"].tolist() == ["oasis/Acorns 1", "oasis/Dog 12", "oasis/Car crash 3"]
    assert table["picture"].tolist() == ["Acorns 1.jpg", "Dog 12.jpg", "Car crash 3.jpg"]
    assert table["valence"].tolist() == [0.68627451, 2.5, -3]
    assert table["arousal"].tolist() == [-1.653465347, -3, 3]
    assert table["valence_sd"].tolist() == [0.90987654, 0.8, 1.2]
    assert table["raters"].tolist() == [101, 98, 100]
    assert table["tag"].tolist() == ["Acorns", "Dog", "Car crash"]
    assert table["category"].tolist() == ["Object", "Animal", "Scene"]
    assert [(e.line, e.id, e.what, e.reason, e.column, e.before, e.after) for e in ledger.entries] == [
        (3, "oasis/Dog 12", "changed", "stray spaces", "Theme", "Dog 12 ", "Dog 12"),
        (4, "oasis/Car crash 3", "changed", "stray spaces", "Theme", "Car  crash 3", "Car crash 3"),
    ]
    assert ledger.read == 3


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("I4,,Object,x,4,1,9,4,1,9", "theme is empty"),
        ("I4,Acorns 1 ,Object,x,4,1,9,4,1,9", "theme comes twice"),
        ("I4,a/../b,Object,x,4,1,9,4,1,9", "theme is no file name"),
        ("I4,Cat 1,Object,x,7.01,1,9,4,1,9", "valence is outside 1 to 7"),
        ("I4,Cat 1,Object,x,4,1,9,0,1,9", "arousal is outside 1 to 7"),
        ("I4,Cat 1,Object,x,NA,1,9,4,1,9", "valence is not a number"),
        ("I4,Cat 1,Object,x,4,1,9", "row has too few cells"),
    ],
)
def test_what_is_dropped(tmp_path: Path, row: str, reason: str) -> None:
    table, ledger = imported(tmp_path, "\n".join([HEADER, ROWS[0], row]))
    assert table["id"].tolist() == ["oasis/Acorns 1"]
    assert [(e.line, e.what, e.reason) for e in ledger.entries] == [(3, "dropped", reason)]
    with pytest.raises(InputError, match=f"Line 3 .*{reason}"):
        imported(tmp_path, "\n".join([HEADER, ROWS[0], row]), strict=True)


def test_without_index_spreads_and_counts(tmp_path: Path) -> None:
    table, ledger = imported(tmp_path, 'Theme;Arousal_mean;Valence_mean\nCat 1;"3,5";6\n')
    write_table(table, tmp_path / "a.parquet", "annotations", {})
    row = read_table(tmp_path / "a.parquet", "annotations")[0].loc[0]
    assert (row["arousal"], row["valence"], row["dataset"]) == (-0.5, 2, "oasis")
    assert row[["valence_sd", "arousal_sd", "raters", "dominance", "split", "category"]].isna().all()
    assert [(e.reason, e.before, e.after) for e in ledger.entries] == [("number written another way", "3,5", "3.5")]


def test_another_file_and_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column for theme, valence_mean, arousal_mean"):
        imported(tmp_path, "a,b\n1,2\n")
    with pytest.raises(InputError, match="is empty"):
        imported(tmp_path, "")
    (tmp_path / "OASIS.csv").unlink()
    with pytest.raises(MissingError, match=r"holds no OASIS\.csv"):
        load(tmp_path, ImportLedger(source="x"))
