"""Methods side by side: the columns of the tables, the best of each, tests of every two, and whether the bars are met."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from emoticrafter.evaluation.figures import FIGURES, Figure
from emoticrafter.evaluation.methods import NEUTRAL
from emoticrafter.inputs.records import plain_json
from emoticrafter.metrics.emotion import AXES
from emoticrafter.metrics.statistics import ROUNDING, compare_all

if TYPE_CHECKING:
    from emoticrafter.evaluation.suite import Bars

__all__ = ["best_of", "columns_of", "compare", "in_short", "value_of", "verdicts"]

Rows = Mapping[str, Mapping[str, Any]]  # by label: what was measured, and whether it is a `method`


def columns_of(rows: Rows) -> list[dict[str, Any]]:
    """The columns of the tables, of figures that some row has, as JSON values."""
    return [
        {
            "group": figure.group, "figure": figure.name, "title": figure.column, "direction": figure.direction,
            "about": figure.about, "digits": figure.digits,
        }
        for figure in FIGURES.values()
        if figure.column and any(figure.name in row["figures"] for row in rows.values())
    ]  # fmt: skip


def value_of(row: Mapping[str, Any], figure: str) -> float:
    """NaN where a row has no such figure."""
    found = row["figures"].get(figure)
    return math.nan if found is None or found["value"] is None else float(found["value"])


def best_of(rows: Rows) -> dict[str, str]:
    """By figure, the method that is nearest to the best there can be, if it is one alone.

    The rows that stand in every table are no methods.
    """
    found = {}
    for figure in FIGURES.values():
        values = {label: value_of(row, figure.name) for label, row in rows.items() if row["method"]}
        known = {label: figure.distance(value) for label, value in values.items() if not math.isnan(value)}
        nearest = [label for label, distance in known.items() if distance - min(known.values()) <= ROUNDING]
        if len(nearest) == 1 and figure.column:
            found[figure.name] = nearest[0]
    return found


def compare(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """For each figure that is compared in pairs, every two rows by Wilcoxon's test on the means of the prompts; the p-values of a
    figure corrected together after Holm.
    """
    found = {}
    for figure in FIGURES.values():
        values = {label: row["by_prompt"][figure.paired] for label, row in rows.items() if figure.paired in row["by_prompt"]}
        if figure.paired and values:
            pairs = [(one, asdict(one)) for one in compare_all(values)]
            found[figure.paired] = [
                {name: plain_json(x) for name, x in fields.items()} | {"lower": one.lower} for one, fields in pairs
            ]
    return found


def verdicts(rows: Rows, compared: Mapping[str, Sequence[Mapping[str, Any]]], bars: Bars) -> list[dict[str, Any]]:
    """Each bar with the value, what is wanted, and whether it is met; `met` is None where nothing was measured."""
    if bars.of not in rows:
        return []
    ours = rows[bars.of]
    held = sorted((one for one in FIGURES.values() if one.bar), key=lambda one: (*AXES, "").index(one.axis))  # axis by axis
    found = [verdict for figure in held if (verdict := _held_to(figure, value_of(ours, figure.name), bars)) is not None]
    if bars.smoother_than is not None:
        theirs = value_of(rows[bars.smoother_than], "continuous") if bars.smoother_than in rows else math.nan
        value = value_of(ours, "continuous") if not math.isnan(theirs) else math.nan
        wanted = f"below {theirs:.3f} of {bars.smoother_than}" if not math.isnan(theirs) else f"below {bars.smoother_than}"
        found.append(_verdict("smoothness", value, wanted, value < theirs - ROUNDING))
    if bars.people:
        theirs = value_of(rows[NEUTRAL], "unprompted_people") if NEUTRAL in rows else math.nan
        value = value_of(ours, "unprompted_people") if not math.isnan(theirs) else math.nan
        found.append(
            _verdict("unprompted people", value, f"at most {theirs:.3f} of neutral pictures", value <= theirs + ROUNDING)
        )
    if bars.beats_rivals:
        found += _wins(rows, compared, bars.of)
    return found


def _held_to(figure: Figure, value: float, bars: Bars) -> dict[str, Any] | None:
    """The verdict by the figure's own bar; None where the suite wants nothing of it."""
    assert figure.bar is not None
    title, key = figure.bar.title or figure.column, figure.bar.key
    if figure.direction in ("one", "zero"):
        low, high = getattr(bars, f"{key}_low"), getattr(bars, f"{key}_high")
        return None if low is None or high is None else _verdict(title, value, f"{low:g} to {high:g}", low <= value <= high)
    if (end := getattr(bars, key)) is None:
        return None
    if figure.direction == "lower":
        return _verdict(title, value, f"at most {end:g}", value <= end)
    return _verdict(title, value, f"at least {end:g}", value >= end)


def _verdict(name: str, value: float, wanted: str, met: bool) -> dict[str, Any]:
    return {"bar": name, "value": plain_json(value), "wanted": wanted, "met": None if math.isnan(value) else met}


def in_short(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """How many bars are met, of those that were measured."""
    met = [one["met"] for one in verdicts]
    unknown = met.count(None)
    beside = f"; {unknown} could not be measured with these methods" if unknown else ""
    return f"{met.count(True)} of {len(met) - unknown} bars are met{beside}"


def _wins(rows: Rows, compared: Mapping[str, Sequence[Mapping[str, Any]]], ours: str) -> list[dict[str, Any]]:
    own = rows[ours]["source"]
    rivals = [label for label, row in rows.items() if row["method"] and row["source"] != own]  # ours otherwise set is no rival
    found = []
    for axis in AXES:
        beaten = [
            label
            for label in rivals
            for one in compared[axis]
            if {one["first"], one["second"]} == {ours, label} and one["lower"] == ours
        ]
        left = [label for label in rivals if label not in beaten]
        wanted = f"all of {len(rivals)}" + (f"; not {', '.join(left)}" if left else "")
        name = f"rivals with a significantly higher {axis[0].upper()}-Error"
        found.append({"bar": name, "value": len(beaten), "wanted": wanted, "met": not left if rivals else None})
    return found
