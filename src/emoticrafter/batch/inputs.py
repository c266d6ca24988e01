"""Prompts and emotions from files, seeds and grids from the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from emoticrafter.batch.columns import read_cell, read_real
from emoticrafter.batch.index import COLUMNS, LATER
from emoticrafter.batch.rows import Feeling, Prompt
from emoticrafter.data.sheets import Sheet, SheetRow, key_of, read_sheet, warn_of_sheet
from emoticrafter.data.values import whole
from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.inputs.lines import read_lines
from emoticrafter.request import MAX_SEED, seeds_of
from emoticrafter.sampling import Setting, Size, checked_text, parse_size, settings

__all__ = ["parse_grid", "parse_seeds", "read_emotions", "read_prompts"]

MAX_SEEDS = 100_000
EMOTION = ("valence", "arousal", "mood")
_Made = TypeVar("_Made", Prompt, Feeling)


def read_prompts(path: Path, warn: Callable[[str], None] | None = None) -> list[Prompt]:
    """The prompts of a .txt file, one on each line, or of the column `prompt` of a .csv, .tsv, .jsonl or .parquet file.

    A row's emotion is its own where the table has the columns `valence` and `arousal`, or `mood`; so are the settings that it has
    columns for (OWN), where the cell is not empty. The other columns go along as texts; one with a name of the index's own
    becomes `input_NAME`. Empty lines of a .txt file count for nothing. warn: called with a sentence about columns that decide
    nothing and about an encoding that is not UTF-8. Raises MissingError and InputError, which name the line.
    """
    if path.suffix.lower() == ".txt":
        lines = read_lines(path, cure="Give a file with a prompt on each line, or a table.")
        return [Prompt(text=line) for line in lines if line.strip()]
    table = _Table.of(read_sheet(path, marked=True, warn=warn or warn_of_sheet), ["prompt"])
    table.sheet.require(["prompt"], table.found, "Name one of them prompt.")
    table.tell_idle(warn)
    rows = _sound(table.sheet)
    for line in rows:
        if not line.cells[table.found["prompt"]].strip():
            raise InputError(f"{path.name!r}: {table.sheet.unit} {line.line} has no prompt.", "Mend it or take it out.")
    return [table.read(line, _prompt) for line in rows]


def read_emotions(path: Path, warn: Callable[[str], None] | None = None) -> list[Feeling]:
    """The emotions of a .csv, .tsv, .jsonl or .parquet file: columns `valence` and `arousal`, or a column `mood` of named ones.

    Rows may have settings of their own, as in `read_prompts`; other columns go along, the mood too. warn: as there. Raises
    MissingError and InputError, which name the line.
    """
    table = _Table.of(read_sheet(path, marked=True, warn=warn or warn_of_sheet), [])
    if not table.has_emotions:
        hint = "Give valence and arousal from -3 to 3, or a mood; `emoticrafter moods` lists these."
        table.sheet.require(["valence", "arousal"], table.found, hint)
    table.tell_idle(warn)
    return [table.read(line, _feeling) for line in _sound(table.sheet)]


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A sheet of rows to draw. found: where the columns are that decide something. others: where those are that go along."""

    sheet: Sheet
    found: Mapping[str, int]
    others: Mapping[str, int]

    @classmethod
    def of(cls, sheet: Sheet, texts: Sequence[str]) -> _Table:
        """texts: columns beside emotion and settings. Raises InputError for half an emotion, half a size, and two sizes."""
        found = sheet.find([*texts, *EMOTION, *OWN])
        for pair in (("valence", "arousal"), ("width", "height")):
            if len(found.keys() & set(pair)) == 1:
                sheet.require(pair, found, f"Give {' and '.join(pair)}, or neither.")
        if "size" in found and "width" in found:
            raise InputError(f"{sheet.path.name!r} has a size, and a width and a height.", "Leave one or the other out.")
        used = {place for name, place in found.items() if name != "mood"}  # a mood is a word for people, too
        return cls(sheet=sheet, found=found, others=_others(sheet, used))

    @property
    def has_emotions(self) -> bool:
        return "valence" in self.found or "mood" in self.found

    def tell_idle(self, warn: Callable[[str], None] | None) -> None:
        """Warn of the columns that decide nothing."""
        known = {key_of(name) for name in ("prompt_id", *self.found)}  # the former as `evaluate --requests` writes it
        idle = [self.sheet.columns[place] for place in self.others.values() if key_of(self.sheet.columns[place]) not in known]
        if idle and warn is not None:
            shown = ", ".join(repr(name[:40]) for name in idle[:20]) + (", ..." if len(idle) > 20 else "")
            warn(
                f"{self.sheet.path.name!r} has columns that decide nothing here and only go along into the index: {shown}. Those"
                f" that would decide are {', '.join((*EMOTION, *OWN))}."
            )

    def read(self, line: SheetRow, make: Callable[[_Cells], _Made]) -> _Made:
        """What is made of a row; an InputError names the line."""
        cells = _Cells(
            texts={name: line.cells[place].strip() for name, place in self.found.items()},
            columns={name: line.cells[place] for name, place in self.others.items()},
        )
        origin = f"{self.sheet.path.name!r}, {self.sheet.unit} {line.line}"
        try:
            return replace(make(cells), origin=origin)
        except InputError as error:
            raise InputError(f"{origin}: {error.problem}", error.hint, field=error.field, value=error.value) from error


@dataclass(frozen=True, kw_only=True)
class _Cells:
    """A row. texts: by what they decide. columns: for the index."""

    texts: Mapping[str, str]
    columns: Mapping[str, str]

    def emotion(self) -> Emotion | None:
        """By numbers, where one of them is there, or else by the mood; None where the table has no column for it.

        Beside numbers a mood may be any word; one of MOODS that stands for others is refused.
        """
        valence, arousal, mood = (self.texts.get(name) for name in EMOTION)
        if mood and (valence or arousal) and (meant := _named(mood)):
            for axis, text in (("valence", valence), ("arousal", arousal)):
                if text and not math.isclose(read_real(axis, text), getattr(meant, axis), abs_tol=1e-6):
                    raise InputError(
                        f"The mood {mood!r} was given together with the {axis} {text[:40]}; it stands for {meant}.",
                        "Leave one or the other empty.",
                    )
            return meant
        if valence or arousal:
            return Emotion(valence=read_real("valence", valence or ""), arousal=read_real("arousal", arousal or ""))
        if mood:
            return Emotion.named(mood)
        if valence is mood is None:
            return None
        raise InputError("It has no emotion.", "Give each row valence and arousal from -3 to 3, or a mood.")

    def settings(self) -> dict[str, Any]:
        """Those whose cells are not empty, each within its range."""
        made = {name: read(name, text) for name, read in OWN.items() if (text := self.texts.get(name, ""))}
        sides = [made.pop(side, None) for side in ("width", "height")]
        if sides.count(None) == 1:
            raise InputError("It has only one of width and height.", "Give both or neither.")
        if None not in sides:
            made["size"] = tuple(sides)
        for name, value in made.items():
            if name == "seed":
                seeds_of(value, 1, 1)
            else:
                settings()[name].checked(value)
        return made


def _named(mood: str) -> Emotion | None:
    """The emotion of a mood that is known."""
    try:
        return Emotion.named(mood)
    except InputError:
        return None


def _prompt(cells: _Cells) -> Prompt:
    text = cells.texts["prompt"]
    checked_text(text, "prompt", "prompt")
    return Prompt(text=text, emotion=cells.emotion(), settings=cells.settings(), columns=cells.columns)


def _feeling(cells: _Cells) -> Feeling:
    emotion = cells.emotion()
    assert emotion is not None, "a table of emotions has columns for them"
    return Feeling(emotion=emotion, settings=cells.settings(), columns=cells.columns)


def _reader(setting: Setting) -> Callable[[str, str], Any]:
    if setting.kind is Size:
        return _size
    if setting.parse is not None:
        parse = setting.parse
        return lambda name, text: parse(text)
    return partial(read_cell, setting.kind)


def _size(name: str, text: str) -> int | tuple[int, int]:
    side = whole(text)
    return parse_size(text) if side is None else side


def _own() -> dict[str, Callable[[str, str], Any]]:
    made: dict[str, Callable[[str, str], Any]] = {"seed": partial(read_cell, int)}
    for name, setting in settings().items():
        if setting.column:
            made[name] = _reader(setting)
            made |= {part: partial(read_cell, kind) for part, kind in setting.parts.items() if part != name}
    return made


# What a row may say of its own beside its emotion, and how its cell is read; docs/batch.md says what each means.
OWN = _own()


def parse_seeds(text: str) -> list[int]:
    """Read seeds split by commas, and ranges of them with both ends: "0,1,2", "0-9", "0-4,100"."""
    seeds: list[int] = []
    for part in text.replace("\N{EN DASH}", "-").split(","):
        ends = re.fullmatch(r"\s*(\d{1,19})\s*(?:-\s*(\d{1,19})\s*)?", part, re.ASCII)
        if ends is None:
            raise InputError(
                f"{part.strip()[:40]!r} in the seeds {text[:40]!r} is no seed: a whole number from 0 to {MAX_SEED}.",
                'Write, for instance, "0,1,2" or "0-9".',
            )
        first = int(ends[1])
        last = first if ends[2] is None else int(ends[2])
        if last < first or last - first >= MAX_SEEDS:
            raise InputError(
                f"The seeds {part.strip()[:40]!r} run from {first} to {last}; they must rise, by less than {MAX_SEEDS:,}.",
                'Write, for instance, "0-9".',
            )
        seeds += range(first, last + 1)
    return seeds


def parse_grid(text: str) -> tuple[str, str]:
    """Read VALENCESxAROUSALS, such as 5x5, as the two axes from -3 to 3 that `emotion.parse_axis` takes."""
    sides = re.fullmatch(r"\s*(\d{1,3})\s*[xX\N{MULTIPLICATION SIGN}]\s*(\d{1,3})\s*", text, re.ASCII)
    if sides is None or min(int(sides[1]), int(sides[2])) < 2:
        raise InputError(f"The grid {text[:40]!r} is not VALENCESxAROUSALS, 2 or more of each.", "Write, for instance, 5x5.")
    return f"-3:3:{int(sides[1])}", f"-3:3:{int(sides[2])}"


def _sound(sheet: Sheet) -> list[SheetRow]:
    for line in sheet.rows:
        if line.fault or line.unclosed:
            raise sheet.fault(line)
    if not sheet.rows:
        raise InputError(f"{sheet.path.name!r} has column names, and no rows below them.", "Give at least one row.")
    return sheet.rows


def _others(sheet: Sheet, used: set[int]) -> dict[str, int]:
    """Where the columns are that go along, by the name that they get."""
    names: dict[str, int] = {}
    for i, column in enumerate(sheet.columns):
        if i in used or not column:
            continue
        name = f"input_{column}" if column in {*COLUMNS, *LATER} else column
        if name in names:
            raise InputError(f"{sheet.path.name!r} has two columns {name!r}.", "Rename one of them.")
        names[name] = i
    return names
