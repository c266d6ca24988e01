"""What a cell of the reports' tables says, on the page and in the documents alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ARROWS", "NONE", "Cell", "cell", "number"]

NONE = "\N{EN DASH}"
_DOWN, _UP, _TO = "\N{DOWNWARDS ARROW}", "\N{UPWARDS ARROW}", "\N{RIGHTWARDS ARROW}"
ARROWS = {"lower": _DOWN, "higher": _UP, "one": f"{_TO}1", "zero": f"{_TO}0"}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A figure of a row. low, high: the ends of its interval, "" where there is none. best: of all methods."""

    value: str
    low: str
    high: str
    best: bool


def cell(report: Mapping[str, Any], row: Mapping[str, Any], column: Mapping[str, Any]) -> Cell | None:
    """The figure of a row; None where it has none."""
    found, digits = row["figures"].get(column["figure"]), column["digits"]
    if found is None or found["value"] is None:
        return None
    low, high = ("", "") if found["low"] is None else (f"{found[end]:.{digits}f}" for end in ("low", "high"))
    best = report["best"].get(column["figure"]) == row["label"]
    return Cell(value=f"{found['value']:.{digits}f}", low=low, high=high, best=best)


def number(value: float | None, digits: int, form: str = "f") -> str:
    """With so many digits; form: f or g, with a sign as +f."""
    sign = "+" if form.startswith("+") else ""
    return NONE if value is None else f"{value:{sign}.{digits}{form[-1]}}"
