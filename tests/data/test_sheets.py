"""Tables with every quirk of real files, written here byte by byte."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from emoticrafter.data.sheets import Sheet, find_file, read_sheet
from emoticrafter.errors import InputError, MissingError


def sheet(folder: Path, data: bytes | str, name: str = "a.csv") -> Sheet:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_sheet(path)


def cells(read: Sheet) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.line, row.cells) for row in read.rows]


PLAIN = [(2, ("1", "a, b")), (3, ("2", "café"))]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark(tmp_path: Path, end: str, mark: str) -> None:
    read = sheet(tmp_path, f'{mark}x,y{end}1,"a, b"{end}2,café'.encode())
    assert read.columns == ("x", "y")
    assert cells(read) == PLAIN
    assert read.notes == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "x;y\n1;a, b\n2;café\n"),
        ("a.tsv", "x\ty\n1\ta, b\n2\tcafé\n"),
        ("a.csv", "x\ty\n1\ta, b\n2\tcafé\n"),
        ("a.CSV", 'x,y\n1,"a, b"\n2,café'),
    ],
)
def test_separators(tmp_path: Path, name: str, text: str) -> None:
    assert cells(sheet(tmp_path, text, name)) == PLAIN


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;\r", "\nsep=;"])
def test_excel_s_first_line_names_the_separator_and_is_no_header(tmp_path: Path, first: str) -> None:
    read = sheet(tmp_path, f"{first}\nx;y\n1;a, b\n2;café\n")
    assert (read.columns, read.separator) == (("x", "y"), ";")
    assert [row.cells for row in read.rows] == [("1", "a, b"), ("2", "café")]
    assert read.rows[0].line == first.count("\n") + 3
    assert cells(sheet(tmp_path, "sep=\t\nx\ty\n1\ta, b\n"))[0] == (3, ("1", "a, b"))
    with pytest.raises(InputError, match="is empty"):
        sheet(tmp_path, "sep=;\n")


def test_other_encodings_are_noted(tmp_path: Path) -> None:
    utf16 = sheet(tmp_path, 'x,y\n1,"a, b"\n2,café\n'.encode("utf-16"))
    assert (cells(utf16), utf16.notes) == (PLAIN, ["the file is UTF-16"])
    mixed = sheet(tmp_path, b'x,y\n1,"a, b"\n2,caf\xe9\n3,\x93caf\xc3\xa9\n4,\xe2\x80\x93\n')
    assert [row.cells[1] for row in mixed.rows] == ["a, b", "café", "“cafÃ©", "–"]
    assert mixed.notes == ["2 lines are not UTF-8 and were read as Windows-1252"]


def test_blank_lines_and_cells_over_several_lines_keep_the_count_of_lines(tmp_path: Path) -> None:
    read = sheet(tmp_path, 'x,y\n\n1,"a\nb, c"\n,\n  \n2,d\n')
    assert cells(read) == [(3, ("1", "a\nb, c")), (7, ("2", "d"))]


def test_a_quote_that_is_not_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    read = sheet(tmp_path, 'x,y,z\n1,"a,b\n2,c,d\n3,e,"f"\n')
    assert [(row.line, row.cells, bool(row.raw)) for row in read.rows] == [
        (2, ("1", '"a', "b"), True),
        (3, ("2", "c", "d"), False),
        (4, ("3", "e", "f"), False),
    ]


def test_two_stray_quotes_do_not_swallow_the_rows_between_them(tmp_path: Path) -> None:
    read = sheet(tmp_path, 'x,y\n1,"a\n2,b\n3,c"\n4,d\n')
    assert cells(read) == [(2, ("1", '"a')), (3, ("2", "b")), (4, ("3", 'c"')), (5, ("4", "d"))]


def test_quotes_inside_a_quoted_cell(tmp_path: Path) -> None:
    read = sheet(tmp_path, 'x,y\n1,"say ""hi"""\n2,"a "big" dog"\n3,"a "big, dog"\n')
    assert [row.cells for row in read.rows] == [("1", 'say "hi"'), ("2", '"a "big" dog"'), ()]
    assert read.rows[2].fault == "row has too many cells"
    assert read.rows[2].raw == '3,"a "big, dog"'


def test_rows_of_another_width_come_with_their_fault(tmp_path: Path) -> None:
    read = sheet(tmp_path, 'x,y,,\n1,a,,\n2\n3,b,c\n"4,b"\n')
    assert read.columns == ("x", "y")
    assert [(row.cells, row.fault) for row in read.rows] == [
        (("1", "a"), ""),
        ((), "row has too few cells"),
        ((), "row has too many cells"),
        ((), "row has too few cells"),
    ]


def test_a_huge_cell(tmp_path: Path) -> None:
    read = sheet(tmp_path, f'x,y\n1,"{"a" * 200_000},z,z\n2,b\n')
    assert [(row.line, row.fault) for row in read.rows] == [(2, "row cannot be read"), (3, "")]
    assert len(read.rows[0].raw) == 1000


def test_many_rows_with_open_quotes_do_not_take_for_ever(tmp_path: Path) -> None:
    read = sheet(tmp_path, "x,y\n" + '1,"a\n' * 4000)
    assert {row.cells for row in read.rows} == {("1", '"a')}
    assert len(read.rows) == 4000


def test_jsonl(tmp_path: Path) -> None:
    lines = ['{"x": 1, "y": "a\\ud83d"}', "", "nonsense", "[1]", '{"y": null, "x": 0.1, "z": [2, "b"]}', '{"x": NaN, "y": true}']
    read = sheet(tmp_path, "\ufeff" + "\r\n".join(lines), "a.jsonl")
    assert read.columns == ("x", "y", "z")
    assert [(row.line, row.cells, row.fault) for row in read.rows] == [
        (1, ("1", "a\ufffd", ""), ""),
        (3, (), "line is no JSON object"),
        (4, (), "line is no JSON object"),
        (5, ("0.1", "", "[2, 'b']"), ""),
        (6, ("nan", "True", ""), ""),
    ]


def test_parquet(tmp_path: Path) -> None:
    pd.DataFrame({"x": [0.1, None], "y": ["a", None]}).to_parquet(tmp_path / "a.parquet")
    read = read_sheet(tmp_path / "a.parquet")
    assert (read.unit, [row.line for row in read.rows]) == ("row", [1, 2])
    assert read.rows[0].cells == ("0.1", "a")
    assert read.rows[1].cells[1] == ""


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\xef\xbb\xbf\r\n\r\n", "is empty"),
        ("a.csv", b"x,y\n\0", "null bytes"),
        ("a.csv", b"\xff\xfea", "UTF-16"),
        ("a.jsonl", b"1\n2\n", "no JSON object"),
        ("a.jsonl", b"[" * 100_000, "no JSON object"),
        ("a.parquet", b"PAR1", "parquet"),
        ("a.parquet", b"", "parquet"),
        ("a.xlsx", b"PK", "'.xlsx'"),
        ("a", b"x,y", "no suffix"),
    ],
)
def test_files_that_are_no_tables(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        sheet(tmp_path, data, name)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="There is no file"):
        read_sheet(tmp_path / "a.csv")
    with pytest.raises(MissingError, match="There is no file"):
        read_sheet(tmp_path)
    with pytest.raises(MissingError, match=r"holds no OASIS\.csv"):
        find_file(tmp_path, ["OASIS.csv"], "OASIS.csv")
    (tmp_path / "OASIS.csv").write_text("x")
    assert find_file(tmp_path, ["OASIS.csv"], "OASIS.csv") == tmp_path / "OASIS.csv"


def test_columns_are_found_by_name_whatever_the_case(tmp_path: Path) -> None:
    read = sheet(tmp_path, " Neutral_Prompt ,NEUTRAL-prompt 2,v,v\na,b,c,d")
    assert read.find(["neutral_prompt", "absent"]) == {"neutral_prompt": 0}
    assert read.find(["neutral_prompt"], {"neutral_prompt": "NEUTRAL-prompt 2"}) == {"neutral_prompt": 1}
    with pytest.raises(InputError, match="no column 'V'; it has 'Neutral_Prompt', 'NEUTRAL-prompt 2', 'v', 'v'"):
        read.find(["valence"], {"valence": "V"})
    with pytest.raises(InputError, match="several columns for 'v'"):
        read.find(["v"])
    with pytest.raises(InputError, match="no column for valence, arousal; it has"):
        read.require(["valence", "arousal"], {}, "Map them.")


def test_numbers_of_json_survive_the_way_through_text(tmp_path: Path) -> None:
    values = [0.1 + 0.2, 1e-12, -3, 2**60]
    read = sheet(tmp_path, "\n".join(json.dumps({"x": value}) for value in values), "a.ndjson")
    assert [float(row.cells[0]) for row in read.rows] == values
