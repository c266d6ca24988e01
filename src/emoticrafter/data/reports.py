"""What an import dropped or changed: written row by row beside the table, and counted for the summary."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from emoticrafter.data.tables import Kind, write_table
from emoticrafter.errors import EmotiCrafterError, InputError
from emoticrafter.escapes import csv_text
from emoticrafter.files import atomic_path, check_writable, user_path
from emoticrafter.inputs.named import open_file

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Entry", "ImportLedger", "check_report", "report_path", "save_import", "save_with_report", "without_table"]

COLUMNS = ("line", "id", "what", "reason", "column", "before", "after")
_SHOWN = 80  # characters of a value in a message


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row that is not in the table as it was in the source.

    line: where it stands in the source, from 1 (a line of a text file, a row of a parquet file, an image of a `.mat`).
    what: "dropped", "changed", or "kept" for a row that is doubtful and stayed as it was.
    reason: one or several, split by "; ". column, before, after: of the source; empty where the whole row is meant.
    """

    line: int
    id: str
    what: Literal["dropped", "changed", "kept"]
    reason: str
    column: str = ""
    before: str = ""
    after: str = ""


@dataclass(kw_only=True)
class ImportLedger:
    """The entries of one import. With `strict`, the first one raises InputError instead.

    unit: what `line` counts. read: rows that the source holds, set by the importer. notes: what else the user should know.
    """

    source: str
    unit: str = "line"
    strict: bool = False
    entries: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    read: int = 0

    def add(self, entry: Entry) -> None:
        if self.strict:
            where = f"{self.unit.capitalize()} {entry.line} of {self.source!r}" + (
                f" (id {_short(entry.id)})" if entry.id else ""
            )
            value = f", in column {entry.column!r}" if entry.column else ""
            value += f": {_short(entry.before)}" if entry.before else ""
            raise InputError(
                f"{where}: {entry.reason}{value}. With --strict every row must be right as it stands.",
                "Mend it there, or leave out --strict: such rows are then mended or dropped, and reported.",
            )
        self.entries.append(entry)

    def drop(self, line: int, id: str, reason: str, column: str = "", before: object = "") -> None:
        self.add(Entry(line=line, id=id, what="dropped", reason=reason, column=column, before=str(before)))

    def change(self, line: int, id: str, reason: str, column: str = "", before: object = "", after: object = "") -> None:
        self.add(Entry(line=line, id=id, what="changed", reason=reason, column=column, before=str(before), after=str(after)))

    def counts(self, what: str) -> dict[str, int]:
        """How many rows each reason met, the most frequent first; a row may have several reasons."""
        met = {(reason, e.line, e.id) for e in self.entries if e.what == what for reason in e.reason.split("; ")}
        found = Counter(reason for reason, _, _ in met)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def rows(self, what: str) -> int:
        """How many rows have such an entry."""
        return len({(e.line, e.id) for e in self.entries if e.what == what})

    def summary(self) -> dict[str, Any]:
        """JSON values: rows read, and for each kind of entry the rows and their reasons."""
        kinds = {what: {"rows": self.rows(what), "reasons": self.counts(what)} for what in ("dropped", "changed", "kept")}
        return {"source": self.source, "read": self.read, **kinds, "notes": self.notes}

    def about(self) -> dict[str, Any]:
        """What the table says of its making."""
        dropped, changed = self.counts("dropped"), self.counts("changed")
        return {"source": self.source, "read": self.read, "dropped": dropped, "changed": changed}

    def write(self, path: str | os.PathLike[str], force: bool = False) -> Path:
        """Write the entries as CSV (UTF-8), whole or not at all; raises OutputError as `files.atomic_path` does."""
        with atomic_path(path, force) as temporary:
            self.fill(temporary)
        return user_path(path)

    def fill(self, path: Path) -> None:
        text = csv_text([COLUMNS, *([getattr(entry, name) for name in COLUMNS] for entry in self.entries)])
        path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")


def save_import(
    table: pd.DataFrame, ledger: ImportLedger, kind: Kind, out: Path, report: Path, about: dict[str, Any], *, force: bool = False
) -> None:
    """Write the report and the table, with what is to be known of its making; or raise `without_table`'s error."""
    if not len(table):
        reasons = "; ".join(f"{reason}: {count}" for reason, count in ledger.counts("dropped").items())
        told = f" ({reasons})" if reasons else ""
        problem = f"Of the {ledger.read} {ledger.unit}s of {ledger.source!r} nothing is left{told}."
        raise without_table(problem, ledger, out, report, force=force)
    save_with_report(table, ledger, kind, out, report, {**ledger.about(), **about}, force=force)


def save_with_report(
    table: pd.DataFrame, ledger: ImportLedger, kind: Kind, out: Path, report: Path, about: dict[str, Any], *, force: bool = False
) -> None:
    """Write a table and its report, both or neither. Raises OutputError as `check_report` and `files.atomic_path` do."""
    with atomic_path(report, force or _is_left_over(report, out)) as temporary:
        ledger.fill(temporary)
        write_table(table, out, kind, about, force=force)


def without_table(problem: str, ledger: ImportLedger, out: Path, report: Path, *, force: bool = False) -> InputError:
    """The error for a table without rows, which is not written; its report is, and the error points to it."""
    ledger.write(report, force or _is_left_over(report, out))
    return InputError(problem, f"{str(report)!r} has the reason for each.")


def check_report(report: Path, out: Path, force: bool = False) -> None:
    """Refuse early a report that could not be written. One that a run without a table left is taken over by the next run."""
    check_writable(report, force or _is_left_over(report, out))


def _is_left_over(report: Path, out: Path) -> bool:
    try:
        if out.exists():
            return False
        with open_file(report) as stream:
            return stream.readline(1000).rstrip(b"\r\n") == ",".join(COLUMNS).encode()
    except (OSError, EmotiCrafterError):
        return False


def report_path(out: str | os.PathLike[str]) -> Path:
    """Where the report of a table goes unless the user says otherwise: `pairs.parquet` has `pairs.report.csv` beside it."""
    return user_path(out).with_suffix(".report.csv")


def _short(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
