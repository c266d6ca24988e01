"""Tables as others keep them (CSV, TSV, JSONL, parquet) read row by row, each with the line where it stands.

Every cell is text, and nothing is thrown away here: a row that cannot be read comes along with its fault.
"""

from __future__ import annotations

import csv
import math
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from emoticrafter.data.parquet import read_parquet
from emoticrafter.data.values import number
from emoticrafter.errors import InputError, MissingError
from emoticrafter.escapes import unmarked
from emoticrafter.inputs.lines import read_table_lines
from emoticrafter.inputs.named import check_file
from emoticrafter.inputs.records import damaged, parse_json

__all__ = ["Sheet", "SheetRow", "SheetWarning", "find_file", "key_of", "read_sheet", "warn_of_sheet"]

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_NAMED = re.compile(r'"?sep=(\t|[^\s"])"?\s*', re.IGNORECASE)  # what Excel takes as the first line: the separator, and no header
_TOO_MANY = "row has too many cells"
_UNCLOSED = "a quote is opened and never closed"
_LONGEST_ROW = 200  # lines that one quoted row may span; more is a quote that was never closed


class SheetWarning(UserWarning):
    """A table was read in another way than its writer may have meant."""


class SheetRow(NamedTuple):
    """A row of a sheet.

    line: of the file, from 1; of a parquet file the row. cells: one per column, () where there is a fault.
    fault: why the row cannot be read. raw: the line as it stands, where there is a fault, or where quotes that do not close
    were taken as a part of the text.
    """

    line: int
    cells: tuple[str, ...]
    fault: str = ""
    raw: str = ""

    @property
    def unclosed(self) -> bool:
        """Whether it has a quote that is opened and never closed."""
        return self.raw.count('"') % 2 == 1


@dataclass(kw_only=True)
class Sheet:
    """A file with named columns.

    unit: what the `line` of a row counts. notes: what was unusual about the whole file. separator: of cells, "" if there is none.
    """

    path: Path
    columns: tuple[str, ...]
    rows: list[SheetRow]
    unit: str = "line"
    notes: list[str] = field(default_factory=list)
    separator: str = ""

    def fault(self, row: SheetRow) -> InputError:
        """Why a row cannot be read, or is not to be where quotes matter, for commands that go no further then."""
        hint = "Mend it or take it out."
        if not row.fault:
            hint = 'Close it; a quote that belongs to the text is written twice, in a cell within quotes: "a 5"" disk".'
        elif row.fault == _TOO_MANY and self.separator:
            name = _SEPARATORS.get(self.separator, repr(self.separator))
            hint = f'Put quotes around a cell that holds a {name}: "a dog{self.separator} on a beach".'
        raw = f": {row.raw.strip()[:80]!r}" if row.raw else ""
        return InputError(f"{self.path.name!r}: {self.unit} {row.line} cannot be read: {row.fault or _UNCLOSED}{raw}.", hint)

    def find(self, wanted: Iterable[str], mapped: Mapping[str, str] | None = None) -> dict[str, int]:
        """Where each wanted column is; those that the file lacks are left out.

        Names agree when their letters and digits do, whatever the case. mapped: names of the file by wanted name, which must
        be there to the letter. Raises InputError for a mapped column that is not there and for two that fit one name.
        """
        found: dict[str, int] = {}
        for name in wanted:
            theirs = (mapped or {}).get(name)
            if theirs is not None:
                fitting = [i for i, column in enumerate(self.columns) if column == theirs.strip()]
            else:
                fitting = [i for i, column in enumerate(self.columns) if key_of(column) == key_of(name)]
            if theirs is not None and not fitting:
                raise InputError(f"{self.path.name!r} has no column {theirs!r}; it has {self._names()}.", "Name one of these.")
            if len(fitting) > 1:
                which = " and ".join(repr(self.columns[i]) for i in fitting)
                raise InputError(
                    f"{self.path.name!r} has several columns for {name!r}: {which}.", "Rename or remove all but one of them."
                )
            if fitting:
                found[name] = fitting[0]
        return found

    def require(self, wanted: Sequence[str], found: Mapping[str, int], hint: str) -> None:
        """Raise InputError, which lists the columns that there are, unless all wanted ones were found."""
        if lacking := [name for name in wanted if name not in found]:
            raise InputError(f"{self.path.name!r} has no column for {', '.join(lacking)}; it has {self._names()}.", hint)

    def _names(self) -> str:
        shown = [repr(column[:40]) for column in self.columns[:30]]
        return ", ".join(shown) + (", ..." if len(self.columns) > 30 else "") if shown else "none"


def key_of(name: str) -> str:
    """A column's name without case, spaces and punctuation: "Neutral_Prompt" and "neutral prompt" are one."""
    return re.sub(r"[\W_]+", "", name).casefold()


def find_file(source: Path, names: Sequence[str], what: str) -> Path:
    """The file itself, or the one of these names in a folder; raises MissingError where there is none."""
    if os.path.isdir(source):
        if found := [source / name for name in names if os.path.exists(source / name)]:
            return found[0]
        raise MissingError(f"The folder {str(source)!r} holds no {' or '.join(names)}.", f"Give {what}.")
    return check_file(source, cure=f"Give {what}.")


def warn_of_sheet(text: str) -> None:
    """What a table is warned of by where its caller has no other way."""
    warnings.warn(text, SheetWarning, stacklevel=3)


def read_sheet(
    path: Path, form: str | None = None, *, marked: bool = False, warn: Callable[[str], None] | None = warn_of_sheet
) -> Sheet:
    """Read a file by its suffix, or by `form`, a suffix that overrules it.

    marked: the file may be one that `escapes.csv_text` wrote, whose marks are taken off. warn: called with a sentence for each
    of the notes; None where the caller tells them itself.
    Raises MissingError if there is no such file, InputError if it is no table that can be read.
    """
    if not os.path.exists(path) or os.path.isdir(path):
        raise MissingError(f"There is no file {str(path)!r}.", f"Give a file that ends in {', '.join(_READERS)}.")
    form = form or path.suffix.lower()
    if form not in _READERS:
        ending = path.suffix or "no suffix"
        raise InputError(f"{path.name!r} ends in {ending!r}.", f"Give a file that ends in {', '.join(_READERS)}.")
    sheet = _READERS[form](path)
    if marked and sheet.separator:
        sheet.rows = [row._replace(cells=tuple(map(unmarked, row.cells))) for row in sheet.rows]
    if warn is not None:
        for text in sheet.notes:
            warn(f"{path.name!r}: {text}.")
    return sheet


def _read_csv(path: Path) -> Sheet:
    lines, notes = read_table_lines(path)
    filled = (i for i, line in enumerate(lines) if line.strip())
    first = next(filled, None)
    named = None if first is None else _NAMED.fullmatch(lines[first])
    if named:
        first = next(filled, None)
    if first is None:
        raise InputError(f"{path.name!r} is empty.", "Give a file with a row of column names and rows below it.")
    header_line = lines[first]
    if named:
        separator = named[1]
    elif path.suffix.lower() in (".tsv", ".tab"):
        separator = "\t"
    else:
        separator = max(_SEPARATORS, key=lambda one: (header_line.count(one), one == ","))
    header, used = _record(lines, first, separator)
    columns = tuple(cell.strip() for cell in header or header_line.split(separator))
    while len(columns) > 1 and not columns[-1]:  # separators behind the last name
        columns = columns[:-1]
    rows = list(_csv_rows(lines, first + used, separator, len(columns)))
    return Sheet(path=path, columns=columns, rows=rows, notes=notes, separator=separator)


def _csv_rows(lines: list[str], start: int, separator: str, width: int) -> Iterator[SheetRow]:
    """Strict CSV where the file keeps to it. Where it does not, the damage is held to the line in which it stands."""
    at = start
    while at < len(lines):
        line, cells, used = at + 1, None, 1
        if lines[at].strip():
            strict, used = _record(lines, at, separator)
            cells = strict and _fitted(strict, width)
            if cells and used > 1 and _swallows(lines[at + 1 : at + used], cells, separator):
                cells = None
            if not cells:
                closed = strict is not None and used == 1
                used = 1
                yield _alone(line, lines[at].rstrip("\r\n"), separator, width, closed)
            elif any(map(str.strip, cells)):
                yield SheetRow(line, cells)
        at += used


def _record(lines: list[str], at: int, separator: str) -> tuple[tuple[str, ...] | None, int]:
    """The row that begins on a line, by the letter of CSV, and how many lines it takes; None where it breaks the rules."""
    for count in (1, _LONGEST_ROW):  # nearly all rows are one line
        reader = csv.reader(lines[at : at + count], delimiter=separator, strict=True)
        try:
            return tuple(next(reader, [])), max(reader.line_num, 1)
        except csv.Error:
            continue
    return None, 1


def _swallows(inner: list[str], cells: tuple[str, ...], separator: str) -> bool:
    """Whether a row of several lines has taken in whole rows, because a quote was not closed and another one, further down, was.

    Those lines then are rows by themselves, with numbers where this one has numbers.
    """
    numeric = [i for i, cell in enumerate(cells) if not math.isnan(number(cell))]
    alone = (_alone(0, line.rstrip("\r\n"), separator, len(cells)).cells for line in inner)
    return bool(numeric) and any(row and not any(math.isnan(number(row[i])) for i in numeric) for row in alone)


def _alone(line: int, raw: str, separator: str, width: int, closed: bool = False) -> SheetRow:
    """A line read by itself: unless its quotes are closed, first with the quotes as plain characters, then leniently."""
    try:
        lenient = tuple(next(csv.reader([raw], delimiter=separator), ()))
    except csv.Error:  # a cell larger than the reader takes
        return SheetRow(line, (), "row cannot be read", raw[:1000])
    cells = None if closed else _fitted(tuple(raw.split(separator)), width) or _fitted(lenient, width)
    if cells:
        return SheetRow(line, cells, raw=raw)
    return SheetRow(line, (), "row has too few cells" if len(lenient) < width else _TOO_MANY, raw)


def _fitted(cells: Sequence[str], width: int) -> tuple[str, ...] | None:
    """The cells if they are as many as columns, or if those beyond are empty."""
    return tuple(cells[:width]) if len(cells) >= width and not any(map(str.strip, cells[width:])) else None


def _read_jsonl(path: Path) -> Sheet:
    lines, notes = read_table_lines(path)
    found: list[tuple[int, Any, str]] = []
    columns: dict[str, None] = {}
    for i, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            entry = parse_json(text)
        except ValueError:
            entry = None
        if isinstance(entry, dict):
            columns |= dict.fromkeys(_text(name).strip() for name in entry)
            entry = {_text(name).strip(): _text(value) for name, value in entry.items()}
        found.append((i, entry, text.strip()))
    if not columns:
        raise InputError(f"{path.name!r} holds no JSON object on any line.", "Give one object per line.")
    rows = [
        SheetRow(i, tuple(entry.get(name, "") for name in columns))
        if isinstance(entry, dict)
        else SheetRow(i, (), "line is no JSON object", raw)
        for i, entry, raw in found
    ]
    return Sheet(path=path, columns=tuple(columns), rows=rows, notes=notes)


def _read_parquet(path: Path) -> Sheet:
    import pyarrow as pa

    table, _ = read_parquet(path, "parquet file", "Write it again.")
    try:
        columns = [column.to_pylist() for column in table.columns]
    except (pa.ArrowException, ValueError, OverflowError) as error:  # values that Python has no type for
        raise damaged(path, "parquet file", "Write it again.", error) from error
    rows = [SheetRow(i, tuple(map(_text, cells))) for i, cells in enumerate(zip(*columns, strict=True), 1)]
    return Sheet(path=path, columns=tuple(map(str.strip, table.column_names)), rows=rows, unit="row")


def _text(value: Any) -> str:
    """A value of JSON or parquet as a cell; halves of surrogate pairs, which no file can hold, are replaced."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_READERS: dict[str, Callable[[Path], Sheet]] = {
    ".csv": _read_csv, ".tsv": _read_csv, ".tab": _read_csv, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
}  # fmt: skip
