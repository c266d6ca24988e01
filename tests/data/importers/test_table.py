"""One's own annotations: any columns, any scale, every change reported."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from emoticrafter.data.importers.table import NEEDED, OPTIONAL, Scale, load
from emoticrafter.data.reports import ImportLedger
from emoticrafter.data.tables import read_table, write_table
from emoticrafter.errors import InputError
from emoticrafter.prompts.pairs import parse_columns


def imported(folder: Path, text: str | bytes, **settings: object) -> tuple[pd.DataFrame, ImportLedger]:
    path = folder / "mine.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    ledger = ImportLedger(source=path.name, strict=bool(settings.pop("strict", False)))
    return load(path, ledger, **settings), ledger  # type: ignore[arg-type]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_scale_from_1_to_9_with_columns_of_other_names(tmp_path: Path, end: str) -> None:
    lines = ["file,pleasure,arousal,pleasure SD,caption,split", "a/1.jpg,1,9,1.2,A dog.,Train", "2.jpg,5,6,,,val", ""]
    columns = parse_columns(["valence=pleasure", "picture=file", "valence_sd=pleasure SD"], (*NEEDED, *OPTIONAL))
    table, ledger = imported(tmp_path, b"\xef\xbb\xbf" + end.join(lines).encode(), columns=columns, scale=Scale.parse("1:9"))
    assert table["id"].tolist() == ["mine/2", "mine/3"]
    assert table["valence"].tolist() == [-3, 0]
    assert table["arousal"].tolist() == [3, 0.75]
    assert table["valence_sd"][0] == pytest.approx(1.2 / (8 / 6))
    assert math.isnan(table["valence_sd"][1])
    assert table["picture"].tolist() == ["a/1.jpg", "2.jpg"]
    assert table["split"].tolist() == ["train", "val"]
    assert table["caption"][0] == "A dog."
    assert ledger.entries == []
    path = write_table(table, tmp_path / "made.parquet", "annotations", ledger.about())
    back, about = read_table(path, "annotations")
    assert back["caption"][0] == "A dog."
    assert about["read"] == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("b,3.1,0,x.jpg,train", "valence is outside -3 to 3"),
        ("b,1,much,x.jpg,train", "arousal is not a number"),
        ("b,1,nan,x.jpg,train", "arousal is not a number"),
        ("b,1,0,../x.jpg,train", "picture is no path below a folder"),
        ("b,1,0,x.jpg,some", "split is none of train, val, test"),
        ("a,1,0,x.jpg,train", "id comes twice"),
        ("b,1,0", "row has too few cells"),
    ],
)
def test_what_is_dropped(tmp_path: Path, row: str, reason: str) -> None:
    text = f"id,valence,arousal,picture,split\na,0,0,a.jpg,\n{row}\n"
    table, ledger = imported(tmp_path, text)
    assert table["id"].tolist() == ["mine/a"]
    assert [(entry.line, entry.what, entry.reason) for entry in ledger.entries] == [(3, "dropped", reason)]
    with pytest.raises(InputError, match="strict"):
        imported(tmp_path, text, strict=True)


def test_stray_spaces_of_a_caption_are_mended_and_reported(tmp_path: Path) -> None:
    table, ledger = imported(tmp_path, "valence,arousal,caption\n1,2,a  dog \n")
    assert table["caption"].tolist() == ["a dog"]
    assert [(entry.what, entry.reason, entry.column) for entry in ledger.entries] == [("changed", "stray spaces", "caption")]


@pytest.mark.parametrize("text", ["1", "9:1", "1:1", "a:b", "1:2:3", "nan:3", "", "0:inf"])
def test_a_scale_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="scale"):
        Scale.parse(text)


def test_columns_that_lack_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="arousal"):
        imported(tmp_path, "valence,caption\n1,a\n")
