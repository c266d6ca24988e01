"""How well each wish of a design holds in the set that was chosen."""

# n pictures of the set

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emoticrafter.metrics.emotion import pearson
from emoticrafter.stimuli.design import StimulusDesign

__all__ = ["checked_wishes", "confounds", "property_spreads"]

AXES = ("valence", "arousal")


def property_spreads(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each property over pictures: the candidates', as a rule. The deviation is never 0."""
    found = {}
    for name in names:
        values = np.array([row[name] for row in rows])
        found[name] = float(values.mean()), float(values.std()) or 1.0
    return found


def checked_wishes(
    design: StimulusDesign, rows: Sequence[Mapping[str, Any]], spreads: Mapping[str, tuple[float, float]], nearest: float
) -> list[dict[str, Any]]:
    """One statement for each wish: wish, wanted, found (texts), and whether it is held.

    rows: of the set, with cell, content, people, people_seen, valence and arousal asked and judged, and the properties. spreads:
    of the candidates. nearest: the least distance of two pictures of the set.
    """
    cells = [[row for row in rows if row["cell"] == number] for number in range(len(design.cells))]
    found = [_wish("pictures in each cell", f"{design.set.per_cell}", *_counts(cells, design.set.per_cell))]
    for axis in AXES:
        off = [abs(row[f"{axis}_judged"] - row[f"{axis}_asked"]) for row in rows]
        inside = float(np.mean([one <= design.plane.tolerance for one in off]))
        found.append(
            _wish(
                f"{axis} as asked for", f"within {design.plane.tolerance:g}",
                f"{inside:.0%} of the pictures; {float(np.mean(off)):.2f} off on average, {max(off):.2f} at most", inside == 1.0,
            )
        )  # fmt: skip
    if design.balance.contents:
        times = [Counter(row["content"] for row in cell) for cell in cells]
        spread = max(_spread(design, one) for one in times)
        found.append(_wish("contents as often as each other", "give or take 1", f"differ by at most {spread}", spread <= 1))
    if design.balance.people is not None:
        wanted = round(design.balance.people * design.set.per_cell)
        having = [sum(bool(row["people"]) for row in cell) for cell in cells]
        found.append(_wish("pictures with people in each cell", f"{wanted}", _range(having), set(having) == {wanted}))
    if any(row["people_seen"] is not None for row in rows):
        right = float(np.mean([row["people_seen"] == row["people"] for row in rows]))
        found.append(_wish("people seen where asked for, and nowhere else", "all", f"{right:.0%} of the pictures", right == 1.0))
    for name in design.matching.properties:
        found.append(_matched(name, cells, rows, spreads[name], design.matching.tolerance))
    found.append(
        _wish("no two alike", f"at least {design.matching.apart:g} apart", f"the nearest two are {nearest:.1f} apart",
              nearest >= design.matching.apart)
    )  # fmt: skip
    seeds = Counter((row["prompt"], row["seed"]) for row in rows)
    found.append(
        _wish("no layout twice", "each seed of a content once", f"at most {max(seeds.values())}", max(seeds.values()) == 1)
    )
    return found


def confounds(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Of each property, its correlation with what was judged on each axis over the set: what an analysis should hold constant."""
    found = []
    for name in names:
        values = np.array([row[name] for row in rows])
        both = {axis: pearson(values, np.array([row[f"{axis}_judged"] for row in rows])) for axis in AXES}
        found.append({"property": name, **{axis: None if math.isnan(r) else r for axis, r in both.items()}})
    return found


def _matched(
    name: str,
    cells: Sequence[Sequence[Mapping[str, Any]]],
    rows: Sequence[Mapping[str, Any]],
    spread: tuple[float, float],
    tolerance: float,
) -> dict[str, Any]:
    _, sd = spread
    means = [float(np.mean([row[name] for row in cell])) for cell in cells]
    middle = (max(means) + min(means)) / 2
    most = max(abs(one - middle) for one in means) / sd
    told = f"cell means {min(means):.2f} to {max(means):.2f}: at most {most:.2f} sd from their middle"
    return _wish(f"matched in {name}", f"within {tolerance:g} sd", told, most <= tolerance + 1e-6)


def _counts(cells: Sequence[Sequence[Any]], wanted: int) -> tuple[str, bool]:
    sizes = [len(cell) for cell in cells]
    return _range(sizes), set(sizes) == {wanted}


def _spread(design: StimulusDesign, times: Counter[int]) -> int:
    """Most less least often, among contents of a sort."""
    share = design.balance.people
    sorts = [range(len(design.contents))]
    if share is not None:
        sorts = [[i for i, one in enumerate(design.contents) if one.people == people] for people in (True, False)]  # type: ignore[misc]
    return max((max(times[i] for i in some) - min(times[i] for i in some) for some in sorts if some), default=0)


def _range(numbers: Sequence[int]) -> str:
    return f"{min(numbers)}" if min(numbers) == max(numbers) else f"{min(numbers)} to {max(numbers)}"


def _wish(wish: str, wanted: str, found: str, held: bool) -> dict[str, Any]:
    return {"wish": wish, "wanted": wanted, "found": found, "held": bool(held)}
