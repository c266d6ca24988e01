"""The plan of a folder: every row that it is to hold, and which of them are drawn together.

A picture's last bits depend on the pictures that are computed with it, so a row stays in the batch that it was planned in:
whatever is missing is drawn again in the same company, and comes out the same. Rows that are added later make batches of their
own.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from emoticrafter.batch.columns import COLUMNS_OF_SETTINGS
from emoticrafter.batch.files import SUFFIXES, write_changed
from emoticrafter.batch.rows import SETTINGS, Row
from emoticrafter.data.parquet import KEY, check_columns, read_parquet
from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.guidance import GuidanceRange
from emoticrafter.inputs.records import damaged, parse_json
from emoticrafter.inputs.typed import shown, typed
from emoticrafter.method import USUAL_CELL

__all__ = ["PLAN", "Plan", "default_batch", "new_plan", "read_plan"]

PLAN = "plan.parquet"
VERSION = 1
_AGAIN = "Make the folder anew, or delete the plan."
_ID = re.compile("[0-9a-f]{16}")  # it becomes a part of a file's name
_NEVER_NULL = {"batch", "id", "prompt", "valence", "arousal", "seed", "preview", "columns"}
_TYPES = {
    "prompt": "string", "valence": "double", "arousal": "double", "seed": "int64",
    **{name: column.alias for name, column in COLUMNS_OF_SETTINGS.items() if column.setting.always}, "preview": "bool",
}  # fmt: skip
# Columns only where a row has one: plans of older programs lack them.
_LATER = {name: column for name, column in COLUMNS_OF_SETTINGS.items() if not column.setting.always}
_PYTHON: Mapping[str, Any] = {"double": float, "int64": int, "string": str, "bool": bool}
_MOST, _LATENTS = 32, 32 * 16**2  # pictures of a batch: what a CPU draws best at once, and a GPU in some seconds


@dataclass(frozen=True, kw_only=True)
class Plan:
    """method: what it described of itself. suffix: of the files. batch: the most rows drawn together. rows: by id, in the
    index's order. batches: the number of the batch of each."""

    method: Mapping[str, Any]
    suffix: str
    batch: int
    rows: Mapping[str, Row]
    batches: Mapping[str, int]

    def file(self, id: str) -> str:
        return self.rows[id].file(id, self.suffix)

    def members(self) -> dict[int, list[str]]:
        """The ids of every batch, in the order in which they are drawn."""
        found: dict[int, list[str]] = {}
        for id, number in self.batches.items():
            found.setdefault(number, []).append(id)
        return found

    def extended(self, rows: Mapping[str, Row]) -> Plan:
        """With these rows too; those that are there get the columns of these."""
        columns = {id: replace(row, columns=rows[id].columns) if id in rows else row for id, row in self.rows.items()}
        new = {id: row for id, row in rows.items() if id not in self.rows}
        first = 1 + max(self.batches.values(), default=-1)
        return replace(
            self,
            rows={**columns, **new},
            batches={**self.batches, **{id: first + number for id, number in _batches(new, self.batch)}},
        )

    def check_same(self, new: Plan, folder: Path) -> None:
        """Raise InputError, naming both values, where another method, format, batch or other settings are asked for now.

        Prompts, emotions and seeds may be others; further settings may be added to those that the folder was begun with.
        """
        differing = [
            (name.replace("_", " "), self.method.get(name), new.method.get(name))
            for name in dict.fromkeys([*self.method, *new.method])
            if name != "defaults" and self.method.get(name) != new.method.get(name)
        ]
        differing += [("format", self.suffix, new.suffix)] * (self.suffix != new.suffix)
        differing += [("batch size", self.batch, new.batch)] * (self.batch != new.batch)
        ours, theirs = ([*dict.fromkeys(map(_settings_of, plan.rows.values()))] for plan in (self, new))
        if lacking := [settings for settings in ours if settings not in theirs]:
            nearest = max(theirs, key=lambda settings: sum(a == b for a, b in zip(settings, lacking[0], strict=True)))
            names = (*SETTINGS, "preview")
            differing += [(name, a, b) for name, a, b in zip(names, lacking[0], nearest, strict=True) if a != b]
        if differing:
            name, before, now = differing[0]
            raise InputError(
                f"{str(folder)!r} was begun with the {name} {_shown(before)}; now it is {_shown(now)}.",
                "Give another folder with --out, or what the folder was begun with.",
            )

    def write(self, path: Path) -> None:
        """Write the plan, unless the file says the same already."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        later = {name: [column.cell(getattr(row, name)) for row in self.rows.values()] for name, column in _LATER.items()}
        arrays = {
            "batch": pa.array([self.batches[id] for id in self.rows], pa.int64()),
            "id": pa.array(list(self.rows), pa.string()),
            **{
                name: pa.array([getattr(row, name) for row in self.rows.values()], pa.type_for_alias(alias))
                for name, alias in _TYPES.items()
            },
            **{
                name: pa.array(cells, pa.type_for_alias(_LATER[name].alias))
                for name, cells in later.items()
                if any(cell is not None for cell in cells)
            },
            "columns": pa.array([json.dumps(dict(row.columns), ensure_ascii=False) for row in self.rows.values()], pa.string()),
        }
        about = {"kind": "batch plan", "version": VERSION, "maker": dict(self.method), "suffix": self.suffix, "batch": self.batch}
        buffer = io.BytesIO()
        pq.write_table(pa.table(arrays).replace_schema_metadata({KEY: json.dumps(about).encode()}), buffer)
        write_changed(path, buffer.getvalue())


def new_plan(method: Mapping[str, Any], suffix: str, batch: int, rows: Mapping[str, Row]) -> Plan:
    """The plan of a folder that holds nothing yet."""
    return Plan(method=method, suffix=suffix, batch=batch, rows={}, batches={}).extended(rows)


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises InputError if it is damaged or of another version."""
    table, entries = read_parquet(path, "plan", _AGAIN)
    if entries.get("kind") == "batch plan" and entries.get("version") != VERSION:
        raise InputError(
            f"{str(path)!r} has version {shown(entries.get('version'))}; this program reads version {VERSION}.",
            "Give another folder, or install the emoticrafter that wrote it.",
        )
    try:
        if entries.get("kind") != "batch plan":
            raise ValueError("it is no plan of a batch")
        about: _About = typed("", entries, _About)
        if about.suffix not in SUFFIXES.values():
            raise ValueError(f"the suffix {shown(about.suffix)} is none")
        found = check_columns(table, {"batch": "int64", "id": "string", **_TYPES, "columns": "string"}, _NEVER_NULL).to_pylist()
        rows = {one["id"]: _row(one) for one in found}
    except (ValueError, InputError) as error:
        raise damaged(path, "plan", _AGAIN, error) from error
    batches = {one["id"]: one["batch"] for one in found}
    return Plan(method=about.maker, suffix=about.suffix, batch=about.batch, rows=rows, batches=batches)


def _row(entries: Mapping[str, Any]) -> Row:
    """A row of the file. Raises ValueError and InputError for one that nobody planned."""
    if not _ID.fullmatch(entries["id"]):
        raise ValueError(f"{shown(entries['id'])} is no id")
    made: dict[str, Any] = {one.name: entries[one.name] for one in fields(Row) if one.name not in _LATER}
    for name, column in _LATER.items():
        made[name] = column.value(typed(name, entries.get(name), _PYTHON[column.alias] | None))
    columns = typed("columns", parse_json(entries["columns"]), dict[str, Any])
    Emotion(valence=made["valence"], arousal=made["arousal"])
    return Row(**made | {"columns": columns})


@dataclass(frozen=True, kw_only=True)
class _About:
    """What a plan says of itself beside its kind. maker: what the method described of itself."""

    maker: dict[str, Any]
    suffix: str
    batch: int


def default_batch(rows: Sequence[Row], method: Mapping[str, Any]) -> int:
    """Pictures drawn together where nobody says: fewer of large ones. method: what it described."""
    cell = (method.get("defaults") or {}).get("pixels_per_latent", USUAL_CELL)
    largest = max(((row.width or 0) * (row.height or 0) for row in rows), default=0)
    return max(4, min(_MOST, _LATENTS * cell**2 // largest)) if largest else 16


def _batches(rows: Mapping[str, Row], batch: int) -> Iterator[tuple[str, int]]:
    """Each id with the number of its batch: neighbours of the same settings go together."""
    alike: dict[tuple[Any, ...], list[str]] = {}
    for id, row in rows.items():
        alike.setdefault(_settings_of(row), []).append(id)
    number = 0
    for ids in alike.values():
        for begin in range(0, len(ids), batch):
            yield from ((id, number) for id in ids[begin : begin + batch])
            number += 1


def _settings_of(row: Row) -> tuple[Any, ...]:
    return (*row.settings.values(), row.preview)


def _shown(value: Any) -> str:
    text = "the method's own" if value is None else str(value) if isinstance(value, GuidanceRange) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
