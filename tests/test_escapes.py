"""What a text of somebody becomes where it could mean something."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from emoticrafter.escapes import code, csv_text, markdown, plain, script, unmarked

TEXTS = st.text(
    alphabet=st.one_of(st.sampled_from("=+-@'\t\r\n\"_*`[]()<>|~$&#;!\\ ab1.:\uff1d"), st.characters(exclude_categories=["Cs"])),
    max_size=20,
)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1 for him", "'+1 for him"),
        ("-dog", "'-dog"),
        ("@cat", "'@cat"),
        ("\t=1", "'\t=1"),
        ("\uff1d1", "'\uff1d1"),
        ("'=1", "''=1"),
        ("-3.5", "-3.5"),
        ("-3,5", "-3,5"),
        ("+1e-06", "+1e-06"),
        ("a = b", "a = b"),
        ("'tis", "'tis"),
        ("", ""),
    ],
)
def test_cells_that_a_spreadsheet_would_compute_are_marked(cell: str, written: str) -> None:
    assert list(csv.reader(io.StringIO(csv_text([[cell, "x"]]), newline=""))) == [[written, "x"]]
    assert unmarked(written) == cell


def test_values_that_are_no_texts_are_written_as_they_are() -> None:
    assert csv_text([["a", "b"], [-1.5, None], [-2, True]]) == "a,b\n-1.5,\n-2,True\n"


@given(TEXTS)
def test_a_cell_comes_back_as_it_was(text: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_text([[text, "x"]]), newline=""))
    assert unmarked(row[0]) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("our own | data<script>", "our own \\| data&lt;script>"),
        ("[x](http://y) ![](z)", "\\[x\\](http://y) !\\[\\](z)"),
        ("*bold* _it_ `code` ~~no~~ $x$", "\\*bold\\* \\_it\\_ \\`code\\` \\~\\~no\\~\\~ \\$x\\$"),
        ("time_embedding", "time_embedding"),
        ("one\nof two\x07", "one of two "),
        ("&lt;b&gt; & co", "&amp;lt;b&amp;gt; & co"),
        (0.5, "0.5"),
    ],
)
def test_markdown_shows_the_text_and_nothing_else(text: object, written: str) -> None:
    assert markdown(text) == written


@given(TEXTS)
def test_no_text_means_anything_to_a_reader_of_markdown(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(f"| x | y |\n|---|---|\n| a: {markdown(text)}. | b |\n")
    shown = [token for token in tokens if token.type == "inline"]
    assert len(shown) == 4
    assert {child.type for child in shown[2].children or []} <= {"text", "text_special"}
    assert "".join(child.content for child in shown[2].children or []) == f"a: {plain(text)}."


def test_code_stays_code() -> None:
    assert code("a`b|c") == "`a'b\\|c`"


def test_a_plain_text_is_one_line_of_what_can_be_shown() -> None:
    assert plain("a\nb\0\x1b[31m\u202e") == "a b  [31m "
    assert plain("abc", 2) == "ab"


@given(TEXTS)
def test_a_value_in_a_script_is_itself_and_ends_nothing(text: str) -> None:
    made = script([text, {"a": text}])
    assert json.loads(made) == [text, {"a": text}]
    assert "<" not in made
    assert made.isascii()
