"""Texts of others in places where they could mean something: one escape for each such place.

    plain       anywhere: one line of characters that can be shown
    markdown    cards and pages
    csv_text    tables that people open in spreadsheets
    script      values in a script
    PLOT        settings of matplotlib under which a label is a label

HTML comes from templates that escape by themselves (`evaluation.report.page`).
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

__all__ = ["PLOT", "code", "csv_text", "markdown", "plain", "script", "unmarked"]

PLOT: dict[str, Any] = {"text.parse_math": False, "text.usetex": False}  # a dollar sign begins no formula

_MEANINGFUL = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")  # an underscore within a word means nothing
_ENTITY = re.compile(r"&(?=#?\w+;)")
# What spreadsheets take for the beginning of a formula, also behind marks that are there.
_FORMULA = re.compile(
    "'*[=+\\-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}]"
)
_NUMBER = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?", re.ASCII)


def plain(value: Any, most: int | None = None) -> str:
    """The value as one line of printable characters, cut after `most` of them."""
    return "".join(c if c.isprintable() else " " for c in str(value))[:most]


def markdown(value: Any, most: int | None = 300) -> str:
    """The value, up to `most` characters, as Markdown that shows just it, also in a cell of a table.

    No tag, link, emphasis or code begins in it; it must not stand at the beginning of a line, where more has a meaning.
    """
    text = _MEANINGFUL.sub(r"\\\g<0>", _ENTITY.sub("&amp;", plain(value, most)))
    return text.replace("<", "&lt;")


def code(value: Any) -> str:
    """The value as Markdown's code, in a cell of a table."""
    return f"`{plain(value, 300).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def script(value: Any) -> str:
    """The value as JavaScript, which JSON is; in ASCII, and without the character that could end the script on a page."""
    return json.dumps(value, indent=1, allow_nan=False).replace("<", "\\u003c")


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Rows as CSV, each on a line that ends in LF. A text that a spreadsheet would compute has an apostrophe before it.

    Numbers are left as they are. `unmarked` takes the apostrophe off again.
    """
    lines: list[str] = []
    # Its own ends of lines, CRLF, have it put quotes around a cell with either of the two.
    csv.writer(SimpleNamespace(write=lines.append)).writerows([_marked(cell) for cell in row] for row in rows)
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


def unmarked(cell: str) -> str:
    """The text of a cell that `csv_text` wrote."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _marked(cell: Any) -> Any:
    is_formula = isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell
