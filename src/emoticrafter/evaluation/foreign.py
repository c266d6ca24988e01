"""Pictures made elsewhere: found by the names of their files or by an index, and laid to the rows of a suite."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emoticrafter.coordinates import MINUS_SIGNS, on_plane, parse_number
from emoticrafter.data.sheets import read_sheet
from emoticrafter.data.values import number
from emoticrafter.errors import InputError, MissingError
from emoticrafter.evaluation.cases import Case
from emoticrafter.inputs.named import below, file_hash
from emoticrafter.inputs.pictures import READ_AS, pictures_in

__all__ = ["PATTERN", "find_pictures"]

PATTERN = "{prompt_id}_{valence}_{arousal}_{seed}.png"
_NUMBER = rf"[+{''.join(map(chr, MINUS_SIGNS))}-]?\d+(?:\.\d+)?"
_FIELDS = {"prompt_id": r"[0-9A-Za-z]+", "valence": _NUMBER, "arousal": _NUMBER, "seed": r"\d+"}


def find_pictures(
    source: Path, pattern: str | None, cases: Sequence[Case], seed: int, warn: Callable[[str], None] = lambda text: None
) -> list[dict[str, Any]]:
    """The rows (prompt, valence, arousal, seed, file, sha256) of a folder or of an index; sha256 stands for what is read.

    source: a folder, whose files (in its folders too) are named by the pattern; or a .csv, .tsv, .jsonl or .parquet with columns
    prompt_id or prompt, valence, arousal, file, and seed if there are several. A prompt_id is that of `--requests`, or the
    prompt's number from 0. seed: of pictures whose name or row says none. Pictures of other prompts are left out. warn: as of
    `pictures_in`. Raises MissingError and InputError.
    """
    if not source.exists():
        raise MissingError(f"There is no {str(source)!r}.", "Give the folder of the pictures, or their index.")
    found = _by_name(source, pattern or PATTERN, warn) if source.is_dir() else _by_index(source, pattern)
    numbers = {name: case for i, case in enumerate(cases) for name in (case.id, str(i), case.prompt)}
    rows: list[dict[str, Any]] = []
    seen: set[tuple[Any, ...]] = set()
    for entry in found:
        name = entry["prompt"]
        case = numbers.get(name) or (numbers.get(str(int(name))) if name.isdecimal() else None)  # 007 is 7
        if case is None:
            continue
        row = {**entry, "prompt": case.prompt, "seed": seed if entry["seed"] is None else entry["seed"]}
        for axis in ("valence", "arousal"):
            given, row[axis] = row[axis], on_plane(row[axis])
            if row[axis] is None:
                raise InputError(
                    f"{entry['file'].name!r} has the {axis} {given}; it goes from -3 to 3.", "Mend its name or its row."
                )
        key = (row["prompt"], row["valence"], row["arousal"], row["seed"])
        if key in seen:
            raise InputError(f"{entry['file'].name!r} is a second picture of one prompt, emotion and seed.", "Take one away.")
        seen.add(key)
        content = f"{file_hash(entry['file'], 'picture')}/{READ_AS}"  # what was read of it otherwise is not its reading
        rows.append({**row, "sha256": hashlib.sha256(content.encode()).hexdigest()})
    if not rows:
        raise InputError(
            f"None of the pictures of {str(source)!r} is of the suite's prompts.",
            "`emoticrafter evaluate --requests FILE.csv` writes the prompts' ids; --pattern says where they stand in the names.",
        )
    return rows


def _by_name(folder: Path, pattern: str, warn: Callable[[str], None]) -> list[dict[str, Any]]:
    expression = _expression(pattern)
    found = []
    for path in pictures_in(folder, deep=True, warn=warn):
        name = path.relative_to(folder).as_posix()
        match = expression.fullmatch(name) or expression.fullmatch(path.name)
        if match is None:
            continue
        parts = match.groupdict()
        found.append(
            {
                "prompt": parts["prompt_id"],
                "valence": parse_number(parts["valence"]),
                "arousal": parse_number(parts["arousal"]),
                "seed": int(parts["seed"]) if parts.get("seed") else None,
                "file": below(folder, name, "picture"),
            }
        )
    if not found:
        raise InputError(f"No picture in {str(folder)!r} is named as {pattern!r}.", f"Give --pattern, such as {PATTERN!r}.")
    return found


def _expression(pattern: str) -> re.Pattern[str]:
    fields = re.findall(r"\{(\w+)\}", pattern)
    lacking = [name for name in ("prompt_id", "valence", "arousal") if name not in fields]
    if lacking or set(fields) - set(_FIELDS) or len(set(fields)) < len(fields):
        raise InputError(f"The pattern {pattern[:80]!r} is not one.", f"Write each of {', '.join(_FIELDS)} once, as {PATTERN!r}.")
    parts = re.split(r"\{(\w+)\}", pattern)
    return re.compile("".join(f"(?P<{part}>{_FIELDS[part]})" if i % 2 else re.escape(part) for i, part in enumerate(parts)))


def _by_index(path: Path, pattern: str | None) -> list[dict[str, Any]]:
    if pattern is not None:
        raise InputError("--pattern goes with a folder; an index has columns.", "Leave it out.")
    sheet = read_sheet(path, marked=True)
    columns = sheet.find(["prompt_id", "prompt", "valence", "arousal", "seed", "file"])
    who = "prompt_id" if "prompt_id" in columns else "prompt"
    sheet.require([who, "valence", "arousal", "file"], columns, "See docs/evaluation.md.")
    found = []
    for line in sheet.rows:
        where = f"{path.name!r}, {sheet.unit} {line.line}"
        if line.fault:
            raise sheet.fault(line)
        file = _named(path.parent, line.cells[columns["file"]], where)
        values = {name: number(line.cells[columns[name]]) for name in ("valence", "arousal")}
        text = line.cells[columns["seed"]] if "seed" in columns else ""
        if any(value != value for value in values.values()) or not file.is_file() or (text and not text.isdecimal()):
            raise InputError(f"{where} has no picture {str(file)!r}, or no numbers.", "Mend it or take it out.")
        found.append({"prompt": line.cells[columns[who]].strip(), **values, "seed": int(text) if text else None, "file": file})
    return found


def _named(folder: Path, name: str, where: str) -> Path:
    try:
        return below(folder, name, "picture")
    except InputError as error:
        raise InputError(f"{where}: {error.problem}", "Lay the index into a folder above the pictures.") from error
