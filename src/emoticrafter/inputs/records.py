"""JSON files of this program and of models: read up to a limit, each entry of its type, whatever became of them meanwhile."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from emoticrafter.errors import EmotiCrafterError, InputError, MissingError, reason_of
from emoticrafter.inputs.lines import as_text
from emoticrafter.inputs.named import CHECK, Error, PathLike, read_file
from emoticrafter.inputs.typed import shown, typed

__all__ = ["MAX_BYTES", "damaged", "parse_json", "plain_json", "read_marked", "read_record"]

MAX_BYTES = 1 << 20


def read_record(
    path: PathLike,
    kind: Any = dict[str, Any],
    what: str = "file",
    cure: str = CHECK,
    *,
    most: int = MAX_BYTES,
    error: Error = InputError,
    missing: Error = MissingError,
) -> Any:
    """What a JSON file holds, as `kind`: a type, such as dict[str, float], or a dataclass, as `typed` fills it.

    what: how errors call the file, beside its path; they name the entry, and `cure` as the next step. Raises `missing` where
    there is none, and `error` for whatever else does not let it be read.
    """
    data = read_file(path, most, what, cure, error=error, missing=missing)
    try:
        return typed("", parse_json(as_text(data, Path(path).name)), kind)
    except (ValueError, InputError) as problem:
        raise damaged(path, what, cure, problem, error) from problem


def read_marked(
    path: PathLike,
    form: str,
    version: int | Sequence[int],
    what: str,
    cure: str,
    *,
    most: int = MAX_BYTES,
    error: Error = InputError,
    missing: Error = MissingError,
) -> dict[str, Any]:
    """The entries of a JSON file that says what it is by "format" and "version". Raises as `read_record`, and for another one.

    version: the one that is read, or those.
    """
    versions = [version] if isinstance(version, int) else list(version)
    entries: dict[str, Any] = read_record(path, dict[str, Any], what, cure, most=most, error=error, missing=missing)
    if entries.get("format") != form:
        article = "an" if what[0] in "aeiou" else "a"
        says = f'its entry "format" is {shown(entries.get("format"))}, not {form!r}'
        raise error(f"{str(path)!r} is not {article} {what}: {says}.", cure)
    if entries.get("version") not in versions:
        given = shown(entries.get("version"))
        known = f"version{'s' * (len(versions) > 1)} {' and '.join(map(str, versions))}"
        raise error(f"The {what} {str(path)!r} has version {given}; this program reads {known}.", "Update emoticrafter.")
    return entries


def damaged(path: PathLike, what: str, cure: str, problem: Exception, error: Error = InputError) -> EmotiCrafterError:
    """The error for a file of which `problem` says what is wrong."""
    return error(f"The {what} {str(path)!r} is damaged: {reason_of(problem, 300)}.", cure)


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for all that is none, nested too deeply too."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def plain_json(value: Any) -> Any:
    """A value as JSON holds it: numbers that are not finite become None, tuples and arrays lists, dataclasses objects."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain_json(asdict(value))
    if isinstance(value, Mapping):
        return {key: plain_json(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # an array, or a number of numpy
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
