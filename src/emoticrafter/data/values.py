"""What a cell of somebody's table holds: a number, a size, a rating on some scale, the path of a picture."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

from emoticrafter.coordinates import LIMIT, MINUS_SIGNS, on_plane
from emoticrafter.errors import InputError
from emoticrafter.inputs.named import below

__all__ = ["Scaled", "folder_path", "number", "on_scale", "picture_below", "whole"]

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)


class Scaled(NamedTuple):
    """A rating from -3 to 3, what is wrong with it ("" if nothing), and how its writing was read ("" if as it stands)."""

    value: float
    fault: str = ""
    remark: str = ""


def number(text: str) -> float:
    """The number that a cell holds, also with a decimal comma or a typographic minus; NaN if it holds none."""
    plain = text.strip().translate(MINUS_SIGNS)
    return float(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else math.nan


def whole(text: str) -> int | None:
    """The whole number below 2^63 that a cell holds, also as 3.0, as tables with gaps keep it; None if it holds none."""
    plain = text.strip()
    if re.fullmatch(r"\d{1,19}", plain, re.ASCII):
        return int(plain) if int(plain) < 2**63 else None
    value = number(plain)
    return int(value) if value.is_integer() and abs(value) < 2**53 else None


def on_scale(text: str, centre: float = 0.0, step: float = 1.0) -> Scaled:
    """(x - centre) / step, for data sets that rate from centre - 3 step to centre + 3 step."""
    given = number(text)
    if math.isnan(given):
        return Scaled(given, "is not a number")
    value = round((given - centre) / step, 9) + 0.0  # 5.09 - 4 is 1.09, and no -0
    found = on_plane(value)
    if found is None:
        return Scaled(value, f"is outside {centre - LIMIT * step:g} to {centre + LIMIT * step:g}")
    if found != value:
        return Scaled(found, remark="rounded into the range")
    try:
        float(text)
    except ValueError:
        return Scaled(value, remark="number written another way")
    return Scaled(value)


def folder_path(text: str) -> str | None:
    """A picture's path below its data set's folder, with slashes between; None where it is empty or leads out of the folder."""
    parts = [part for part in re.split(r"[/\\]+", text.strip()) if part not in ("", ".")]
    drive = bool(parts) and re.fullmatch("[A-Za-z]:", parts[0]) is not None
    if not parts or drive or ".." in parts or any(ord(c) < 32 for c in text.strip()):
        return None
    return "/".join(parts)


def picture_below(folder: Path, text: str) -> Path:
    """The file of a picture that a table names. Raises InputError unless it lies below the folder, links followed."""
    relative = text if Path(text).is_absolute() else folder_path(text)
    if relative is None:
        raise InputError(f"The picture {text[:200]!r} does not lie below {str(folder)!r}.", "Import the table again.")
    return below(folder, relative, "picture")
