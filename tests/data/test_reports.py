from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from emoticrafter.data.reports import Entry, ImportLedger, report_path, save_import
from emoticrafter.data.tables import read_table
from emoticrafter.errors import InputError, OutputError

ROWS = pd.DataFrame({"id": ["a/1"], "picture": ["1.jpg"], "valence": [1.0], "arousal": [0.0], "dataset": ["a"]})


def ledger(**settings: Any) -> ImportLedger:
    return ImportLedger(source="a.csv", **settings)


def test_rows_and_their_reasons_are_counted() -> None:
    made = ledger()
    made.change(2, "a/1", "wrapper; stray quotes", "Prompt", '"x', "x")
    made.change(2, "a/1", "wrapper", "Other", "y", "z")
    made.change(3, "a/2", "wrapper", "Prompt", "y", "z")
    made.drop(4, "a/3", "prompt is empty", "Prompt")
    assert made.rows("changed") == 2
    assert made.counts("changed") == {"wrapper": 2, "stray quotes": 1}
    assert made.summary()["dropped"] == {"rows": 1, "reasons": {"prompt is empty": 1}}


def test_the_report_holds_what_was_there_to_the_letter(tmp_path: Path) -> None:
    made = ledger()
    made.change(2, "a/é", "wrapper", "Prompt", 'Title: "x",\r\ny\ud83d', "x")
    made.add(Entry(line=3, id="a/2", what="kept", reason="long"))
    path = made.write(tmp_path / "new" / "a.report.csv")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["line", "id", "what", "reason", "column", "before", "after"]
    assert rows[0] == {
        "line": "2", "id": "a/é", "what": "changed", "reason": "wrapper", "column": "Prompt",
        "before": 'Title: "x",\r\ny\\ud83d', "after": "x",
    }  # fmt: skip
    assert rows[1]["what"] == "kept"
    with pytest.raises(OutputError, match="exists"):
        made.write(path)
    ledger().write(path, force=True)
    assert path.read_text() == "line,id,what,reason,column,before,after\n"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_a_spreadsheet_would_compute_is_marked(tmp_path: Path) -> None:
    made = ledger()
    made.change(2, "a/1", "wrapper", "Valence", "-3,5", "=HYPERLINK(0)")
    made.change(3, "@2", "wrapper", "Prompt", "+x", "x")
    lines = made.write(tmp_path / "a.report.csv").read_text().splitlines()
    assert lines[1:] == ['2,a/1,changed,wrapper,Valence,"-3,5",\'=HYPERLINK(0)', "3,'@2,changed,wrapper,Prompt,'+x,x"]


def test_strict_stops_at_the_first_and_names_it() -> None:
    with pytest.raises(InputError) as raised:
        ledger(strict=True).drop(12, "a/7", "valence is outside -3 to 3", "Valence", "9" * 200)
    for part in ("Line 12 of 'a.csv'", "'a/7'", "valence is outside -3 to 3", "'Valence'", "9...", "--strict"):
        assert part in str(raised.value)
    assert len(str(raised.value)) < 500


def test_table_and_report_are_written_together(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    made = ledger()
    made.read = 2
    made.drop(3, "a/2", "prompt is empty")
    save_import(ROWS, made, "annotations", out, report_path(out), {"importer": "a"})
    table, about = read_table(out, "annotations")
    assert table["id"].tolist() == ["a/1"]
    assert (about["source"], about["read"], about["dropped"]) == ("a.csv", 2, {"prompt is empty": 1})
    assert (tmp_path / "a.report.csv").is_file()


def test_an_empty_table_is_an_error_and_its_report_is_there(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    made = ledger()
    made.read = 1
    made.drop(2, "a/1", "prompt is empty")
    with pytest.raises(InputError, match=r"nothing is left \(prompt is empty: 1\)"):
        save_import(ROWS.iloc[:0], made, "annotations", out, report_path(out), {})
    assert [path.name for path in tmp_path.iterdir()] == ["a.report.csv"]


@pytest.mark.parametrize(
    ("out", "report"), [("a.parquet", "a.report.csv"), ("x/a.b.parquet", "x/a.b.report.csv"), ("a", "a.report.csv")]
)
def test_the_report_lies_beside_the_table(out: str, report: str) -> None:
    assert report_path(out) == Path(report)
