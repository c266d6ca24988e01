"""Prompts and emotions from files, seeds and grids from the command line."""

from __future__ import annotations

import math
import re
from pathlib import Path

from emoticrafter.batch.index import COLUMNS, LATER
from emoticrafter.batch.rows import Feeling, Prompt
from emoticrafter.data.cells import number
from emoticrafter.data.sources import Row as Line
from emoticrafter.data.sources import Sheet, read_sheet
from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError, MissingError

__all__ = ["parse_grid", "parse_seeds", "read_emotions", "read_prompts"]

MAX_SEEDS = 100_000


def read_prompts(path: Path) -> list[Prompt]:
    """The prompts of a .txt file, one on each line, or of the column `prompt` of a .csv, .tsv, .jsonl or .parquet file.

    The other columns go along as texts; one with a name of the index's own becomes `input_NAME`. Empty lines of a .txt file
    count for nothing. Raises MissingError and InputError, which name the line.
    """
    if path.suffix.lower() == ".txt":
        return [Prompt(text=line) for line in _text_lines(path)]
    sheet = read_sheet(path)
    found = sheet.find(["prompt"])
    sheet.require(["prompt"], found, "Name one of them prompt.")
    others = _others(sheet, set(found.values()))
    made = []
    for line in _sound(sheet):
        text = line.cells[found["prompt"]]
        if not text.strip():
            raise _fault(sheet, line, "has no prompt")
        made.append(Prompt(text=text, columns={name: line.cells[i] for name, i in others.items()}))
    return made


def read_emotions(path: Path) -> list[Feeling]:
    """The emotions of a .csv, .tsv, .jsonl or .parquet file: columns `valence` and `arousal`, or a column `mood` of named ones.

    Other columns go along, the mood too. Raises MissingError and InputError, which name the line.
    """
    sheet = read_sheet(path)
    found = sheet.find(["valence", "arousal", "mood"])
    axes = "valence" in found and "arousal" in found
    if not axes and "mood" not in found:
        hint = "Give valence and arousal from -3 to 3, or a mood; `emoticrafter moods` lists these."
        sheet.require(["valence", "arousal"], found, hint)
    others = _others(sheet, {found[name] for name in ("valence", "arousal") if name in found})
    made = []
    for line in _sound(sheet):
        try:
            emotion = Emotion.named(line.cells[found["mood"]]) if not axes else _point(line, found)
        except InputError as error:
            raise InputError(f"{path.name!r}, {sheet.unit} {line.line}: {error.problem}", error.hint) from error
        made.append(Feeling(emotion=emotion, columns={name: line.cells[i] for name, i in others.items()}))
    return made


def _point(line: Line, found: dict[str, int]) -> Emotion:
    values = {name: number(line.cells[found[name]]) for name in ("valence", "arousal")}
    for name, value in values.items():
        if math.isnan(value):
            raise InputError(f"The {name} {line.cells[found[name]][:40]!r} is no number.", "Give a number from -3 to 3.")
    return Emotion(**values)


def parse_seeds(text: str) -> list[int]:
    """Read seeds split by commas, and ranges of them with both ends: "0,1,2", "0-9", "0-4,100"."""
    seeds: list[int] = []
    for part in text.replace("\N{EN DASH}", "-").split(","):
        ends = re.fullmatch(r"\s*(\d{1,19})\s*(?:-\s*(\d{1,19})\s*)?", part, re.ASCII)
        if ends is None:
            raise InputError(
                f"{part.strip()[:40]!r} in the seeds {text[:40]!r} is no seed.", 'Write, for instance, "0,1,2" or "0-9".'
            )
        first = int(ends[1])
        last = first if ends[2] is None else int(ends[2])
        if last < first or last - first >= MAX_SEEDS:
            raise InputError(
                f"The seeds {part.strip()[:40]!r} run from {first} to {last}; they must rise, by less than {MAX_SEEDS:,}."
            )
        seeds += range(first, last + 1)
    return seeds


def parse_grid(text: str) -> tuple[str, str]:
    """Read VALENCESxAROUSALS, such as 5x5, as the two axes from -3 to 3 that `emotion.parse_axis` takes."""
    sides = re.fullmatch(r"\s*(\d{1,3})\s*[xX\N{MULTIPLICATION SIGN}]\s*(\d{1,3})\s*", text, re.ASCII)
    if sides is None or min(int(sides[1]), int(sides[2])) < 2:
        raise InputError(f"The grid {text[:40]!r} is not VALENCESxAROUSALS, 2 or more of each.", "Write, for instance, 5x5.")
    return f"-3:3:{int(sides[1])}", f"-3:3:{int(sides[2])}"


def _text_lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise MissingError(f"There is no file {str(path)!r}.", "Give a file with a prompt on each line, or a table.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name!r} is no text in UTF-8.", "Save it as UTF-8.") from error
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror or error}.", "Check the file and its rights.") from error
    return [line for line in text.splitlines() if line.strip()]


def _sound(sheet: Sheet) -> list[Line]:
    for line in sheet.rows:
        if line.fault:
            raise _fault(sheet, line, f"cannot be read: {line.fault}")
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


def _fault(sheet: Sheet, line: Line, what: str) -> InputError:
    return InputError(f"{sheet.path.name!r}: {sheet.unit} {line.line} {what}.", "Mend it or take it out.")
