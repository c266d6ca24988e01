"""Methods side by side: the columns of the table, the best of each, tests of every two, and whether the bars are met."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from emoticrafter.evaluation.estimates import AXES
from emoticrafter.evaluation.makers import NEUTRAL
from emoticrafter.metrics.statistics import ROUNDING, compare_all

if TYPE_CHECKING:
    from emoticrafter.evaluation.suite import Bars

__all__ = ["COLUMNS", "Column", "best_of", "compare", "in_short", "verdicts"]

Direction = Literal["lower", "higher", "one", "zero"]
Rows = Mapping[str, Mapping[str, Any]]  # by label: what was measured, and whether it is a `method`


@dataclass(frozen=True, kw_only=True)
class Column:
    """A figure of the tables. group: the table that it stands in. direction: what is best."""

    group: str
    figure: str
    title: str
    direction: Direction
    about: str
    digits: int = 2

    def distance(self, value: float) -> float:
        """How far from the best that there can be; less is better."""
        match self.direction:
            case "lower":
                return value
            case "higher":
                return -value
            case "one":
                return abs(value - 1)
            case _:
                return abs(value)


_ARRIVES, _ORDER, _KEPT = "Is the emotion right?", "Is its order right?", "What else changes?"


def _both(group: str, figure: str, title: str, direction: Direction, about: str) -> list[Column]:
    return [
        Column(group=group, figure=f"{axis}_{figure}", title=f"{axis[0].upper()}{title}", direction=direction, about=about)
        for axis in AXES
    ]


def _one(group: str, figure: str, title: str, direction: Direction, about: str, digits: int = 2) -> Column:
    return Column(group=group, figure=figure, title=title, direction=direction, about=about, digits=digits)


COLUMNS: tuple[Column, ...] = (
    *_both(_ARRIVES, "error", "-Error", "lower", "mean distance of what was read from what was asked for"),
    *_both(_ARRIVES, "error_sd", " sd", "lower", "standard deviation of these distances"),
    *_both(_ARRIVES, "bias", " bias", "zero", "mean of read minus asked for"),
    *_both(_ARRIVES, "slope", " slope", "one", "of the line from asked for to read"),
    *_both(_ARRIVES, "intercept", " intercept", "zero", "of that line"),
    *_both(_ORDER, "pearson", " Pearson", "higher", "correlation of asked for and read"),
    *_both(_ORDER, "spearman", " Spearman", "higher", "correlation of their ranks"),
    *_both(_ORDER, "ranking", " tau-b", "higher", "whether sets of one prompt are in the order asked for"),
    *_both(_ORDER, "uniformity", " uniform", "higher", "whether all steps of the axis are equally visible"),
    *_both(_ORDER, "perceptible", " 0.2 seen", "higher", "share of steps of 0.2 that show"),
    _one(_KEPT, "retention", "content", "higher", "content kept, that of the neutral pictures being 1"),
    _one(_KEPT, "unprompted_people", "people", "lower", "share of pictures with people where the prompt names none"),
    _one(_KEPT, "conflict", "conflict", "zero", "error against the feeling of the place, minus along with it"),
    _one(_KEPT, "valence_into_arousal", "V into A", "zero", "how much asking for valence moves arousal"),
    _one(_KEPT, "arousal_into_valence", "A into V", "zero", "how much asking for arousal moves valence"),
    _one(_KEPT, "continuous", "continuous", "lower", "mean distance of neighbours on the grid"),
    _one(_KEPT, "diversity", "diversity", "higher", "mean distance between seeds"),
    _one(_KEPT, "clip_score", "CLIPScore", "higher", "likeness of picture and prompt", 1),
    _one(_KEPT, "clip_iqa", "CLIP-IQA", "higher", "good rather than bad photo"),
)


def value_of(row: Mapping[str, Any], figure: str) -> float:
    """NaN where a row has no such figure."""
    found = row["figures"].get(figure)
    return math.nan if found is None or found["value"] is None else float(found["value"])


def best_of(rows: Rows) -> dict[str, str]:
    """By figure, the method that is nearest to the best there can be, if it is one alone.

    The rows that stand in every table are no methods.
    """
    found = {}
    for column in COLUMNS:
        values = {label: value_of(row, column.figure) for label, row in rows.items() if row["method"]}
        known = {label: column.distance(value) for label, value in values.items() if not math.isnan(value)}
        nearest = [label for label, distance in known.items() if distance - min(known.values()) <= ROUNDING]
        if len(nearest) == 1:
            found[column.figure] = nearest[0]
    return found


def compare(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """By axis, every two rows by Wilcoxon's test on the mean error of each prompt; p-values of an axis corrected after Holm."""
    found = {}
    for axis in AXES:
        pairs = compare_all({label: row["by_prompt"][axis] for label, row in rows.items()})
        found[axis] = [{name: _plain(value) for name, value in asdict(one).items()} | {"lower": one.lower} for one in pairs]
    return found


def verdicts(rows: Rows, compared: Mapping[str, Sequence[Mapping[str, Any]]], bars: Bars) -> list[dict[str, Any]]:
    """Each bar with the value, what is wanted, and whether it is met; `met` is None where nothing was measured."""
    if bars.of not in rows:
        return []
    ours, found = rows[bars.of], []

    def judge(name: str, value: float, wanted: str, met: bool) -> None:
        known = not math.isnan(value)
        found.append({"bar": name, "value": _plain(value), "wanted": wanted, "met": met if known else None})

    for axis in AXES:
        letter = axis[0].upper()
        error, slope, rho, tau = (value_of(ours, f"{axis}_{name}") for name in ("error", "slope", "spearman", "ranking"))
        if bars.error is not None:
            judge(f"{letter}-Error", error, f"at most {bars.error:g}", error <= bars.error)
        if bars.slope_low is not None and bars.slope_high is not None:
            wanted = f"{bars.slope_low:g} to {bars.slope_high:g}"
            judge(f"{letter} slope", slope, wanted, bars.slope_low <= slope <= bars.slope_high)
        if bars.spearman is not None:
            judge(f"{letter} Spearman", rho, f"at least {bars.spearman:g}", rho >= bars.spearman)
        if bars.ranking is not None:
            judge(f"{letter} ranking consistency", tau, f"at least {bars.ranking:g}", tau >= bars.ranking)
    if bars.retention is not None:
        value = value_of(ours, "retention")
        judge("content retention", value, f"at least {bars.retention:g}", value >= bars.retention)
    if bars.smoother_than is not None:
        theirs = value_of(rows[bars.smoother_than], "continuous") if bars.smoother_than in rows else math.nan
        value = value_of(ours, "continuous") if not math.isnan(theirs) else math.nan
        wanted = f"below {theirs:.3f} of {bars.smoother_than}" if not math.isnan(theirs) else f"below {bars.smoother_than}"
        judge("smoothness", value, wanted, value < theirs - ROUNDING)
    if bars.people:
        theirs = value_of(rows[NEUTRAL], "unprompted_people") if NEUTRAL in rows else math.nan
        value = value_of(ours, "unprompted_people") if not math.isnan(theirs) else math.nan
        judge("unprompted people", value, f"at most {theirs:.3f} of neutral pictures", value <= theirs + ROUNDING)
    if bars.beats_rivals:
        found += _wins(rows, compared, bars.of)
    return found


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


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
