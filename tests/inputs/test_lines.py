"""Lines of text as files have them, and the names of encodings that are not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from emoticrafter.errors import InputError
from emoticrafter.inputs.lines import cut_lines, read_lines, read_table_lines

# What `str.splitlines` takes for ends of lines, too.
INSIDE = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_end_with_lf_crlf_and_cr_alone(tmp_path: Path, end: str, mark: str) -> None:
    lines = ["a cat", *(f"a{one}dog" for one in INSIDE), "", "the last"]
    for last in ("", end):
        (tmp_path / "a.txt").write_bytes((mark + end.join(lines) + last).encode())
        assert read_lines(tmp_path / "a.txt") == lines
        assert read_table_lines(tmp_path / "a.txt") == ([line + end for line in lines[:-1]] + [lines[-1] + last], [])


def test_ends_may_be_mixed() -> None:
    assert cut_lines("a\nb\r\nc\rd\n\re") == ["a", "b", "c", "d", "", "e"]
    assert cut_lines("") == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("a café\n".encode("utf-16"), "it is UTF-16"),
        ("a café\n".encode("utf-32"), "it is UTF-32"),
        ("a cat, and a dog\n".encode("utf-16-le"), "it is UTF-16 without a byte order mark"),
        ("a cat, and a dog\n".encode("utf-16-be"), "it is UTF-16 without a byte order mark"),
        (b"a cat\n\xe9t\xe9 \x93hot\x94\n", "line 2 reads as Windows-1252: 'été “hot”'"),
        (b"a cat\r\x81\xff\x90", "line 2 is in another encoding"),
        (b"\x7fELF\0\0\0\1", "holds null bytes: it is no text file"),
    ],
)
def test_another_encoding_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(InputError, match=r"'a\.txt' .*" + words):
        read_lines(tmp_path / "a.txt")


def test_a_table_in_utf_32_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("x,y\n1,2\n".encode("utf-32"))
    with pytest.raises(InputError, match=r"'a\.csv' .*it is UTF-32"):
        read_table_lines(tmp_path / "a.csv")
