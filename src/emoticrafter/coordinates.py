"""Numbers as coordinates of the valence-arousal plane: how they are written, and which are one. One rule for every door."""

from __future__ import annotations

import math
import numbers

from emoticrafter.errors import InputError

__all__ = ["LIMIT", "MINUS_SIGNS", "ROUNDING", "coordinate", "number_in", "on_plane", "parse_number", "shown"]

LIMIT = 3.0
ROUNDING = 1e-6  # of single precision: what lies beyond an end of the plane by no more is that end
MINUS_SIGNS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"), "-")  # as typed or pasted for "-"


def on_plane(value: float) -> float | None:
    """The coordinate that a number stands for: itself, or the end that it misses by rounding; None for others, NaN too."""
    if -LIMIT <= value <= LIMIT:
        return value
    return math.copysign(LIMIT, value) if abs(value) <= LIMIT + ROUNDING else None


def coordinate(axis: str, value: object) -> float:
    """The coordinate that a value stands for. axis: what a message calls it. Raises InputError for what is none."""
    field = axis.removeprefix("--").removesuffix(" value")  # an axis of a grid comes by an option's name
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        kind = type(value).__name__
        raise InputError(
            f"The {axis} {shown(value)} is a {kind}, not a number.", "Give a number from -3 to 3.", field=field, value=value
        )
    try:
        number = float(value) + 0.0  # turns -0.0 into 0.0: one point, one name
    except OverflowError:
        number = math.inf
    if (found := on_plane(number)) is None:
        told = f"{number:g}" if float(f"{number:g}") == number else repr(number)  # never 3 for what is no 3
        raise InputError(
            f"The {axis} is {told}; it must lie from -3 to 3.", "0 is neutral, 3 is the strongest.", field=field, value=value
        )
    return found


def parse_number(text: str) -> float:
    """Read a number as it is typed or pasted, with any minus sign. Raises InputError."""
    return number_in(text.translate(MINUS_SIGNS).strip(), text)


def number_in(part: str, text: str) -> float:
    """The number that a part of a text holds. Raises InputError, which shows both."""
    try:
        return float(part)
    except ValueError:
        where = "" if part == text else f" in {shown(text)}"
        raise InputError(f"{shown(part)}{where} is not a number.", "Give numbers from -3 to 3, such as -1.5.") from None


def shown(value: object) -> str:
    """The value as a message may hold it: without control characters, and not too long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
