"""The figures of a study's report, each drawn for light pages and for dark ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emoticrafter.escapes import plain
from emoticrafter.evaluation.report.plots import Theme, colours, new_panels

__all__ = ["asked_and_rated", "means", "strengths"]


def means(measures: Sequence[Mapping[str, Any]], theme: Theme) -> Any:
    """Every measure in a panel: each method's mean, thick over people, thin over people and contents; dashed by guessing."""
    most = max(len(one["methods"]) for one in measures)
    figure, panels = new_panels(len(measures), width=4.2 if len(measures) > 1 else 6.0, height=0.8 + 0.32 * most, columns=2)
    shades = _shades(measures, theme)
    for panel, measure in zip(panels, measures, strict=False):
        rows = list(reversed(measure["methods"]))
        if measure["chance"] is not None:
            panel.axvline(measure["chance"], color=theme.soft, linewidth=1, dashes=(3, 3))
        for y, one in enumerate(rows):
            shade = shades[one["method"]]
            panel.plot(_ends(one["over_both"]), [y, y], color=shade, linewidth=1.4, alpha=0.7)
            panel.plot(_ends(one["over_people"]), [y, y], color=shade, linewidth=6, alpha=0.3, solid_capstyle="round")
            panel.plot([one["value"]], [y], "o", color=shade, markersize=6.5)
            right = max(x for x in (*_ends(one["over_both"]), one["value"]) if not math.isnan(x))
            panel.annotate(
                f"{one['value']:.2f}", (right, y), (7, 0), textcoords="offset points", va="center", fontsize=8.5, color=theme.soft
            )
        panel.set_yticks(range(len(rows)), [plain(one["method"]) for one in rows])
        panel.set_ylim(-0.6, len(rows) - 0.4)
        panel.margins(x=0.22)
        way = {"higher": ", higher is better", "lower": ", lower is better"}.get(measure["better"], "")
        panel.set_title(plain(measure["title"]) + way)
        panel.grid(axis="x")
        panel.tick_params(length=0)
    return figure


def asked_and_rated(norms: Sequence[Mapping[str, Any]], axes: Sequence[str], theme: Theme) -> Any:
    """Every picture: what it was asked for, and the mean of what people rated, with its standard error; a panel for each method
    and axis.
    """
    methods = list(dict.fromkeys(one["method"] for one in norms))
    drawn = [(axis, method) for axis in axes for method in methods]
    figure, panels = new_panels(len(drawn), width=2.15, height=2.3, columns=len(methods) if len(methods) > 2 else 4)
    shades = colours({method: {"method": True} for method in methods}, theme)
    for panel, (axis, method) in zip(panels, drawn, strict=False):
        own = [one for one in norms if one["method"] == method and f"{axis}_mean" in one]
        x, y = (np.array([one[name] for one in own], np.float64) for name in (f"{axis}_asked", f"{axis}_mean"))
        error = [(one[f"{axis}_sd"] or 0.0) / math.sqrt(one[f"{axis}_people"]) for one in own]
        shift = np.random.default_rng(0).uniform(-0.12, 0.12, len(x))
        panel.plot([-3, 3], [-3, 3], color=theme.soft, linewidth=1, dashes=(3, 3))
        panel.errorbar(x + shift, y, yerr=error, fmt="o", color=shades[method], markersize=2.6, alpha=0.6, elinewidth=0.8)
        panel.set_title(plain(f"{method or 'pictures'}, {axis}"))
        panel.set(xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), xticks=(-3, 0, 3), yticks=(-3, 0, 3), aspect="equal")
    figure.supxlabel("asked for", fontsize=9, color=theme.soft)
    figure.supylabel("mean of ratings", fontsize=9, color=theme.soft)
    return figure


def strengths(found: Sequence[Mapping[str, Any]], theme: Theme) -> Any:
    """Bradley-Terry strengths with their intervals over people, a panel for each question, the strongest on top."""
    most = max(len(one["methods"]) for one in found)
    figure, panels = new_panels(len(found), width=4.2 if len(found) > 1 else 6.0, height=0.8 + 0.32 * most, columns=2)
    shades = colours({one["method"]: {"method": True} for one in found[0]["methods"]}, theme)
    for panel, one in zip(panels, found, strict=False):
        rows = sorted(one["methods"], key=lambda row: row["strength"])
        panel.axvline(0, color=theme.soft, linewidth=1, dashes=(3, 3))
        for y, row in enumerate(rows):
            shade = shades[row["method"]]
            panel.plot([row["low"], row["high"]], [y, y], color=shade, linewidth=6, alpha=0.3, solid_capstyle="round")
            panel.plot([row["strength"]], [y], "o", color=shade, markersize=6.5)
            panel.annotate(
                f"{row['strength']:+.2f}", (row["high"], y), (7, 0), textcoords="offset points", va="center", fontsize=8.5,
                color=theme.soft,
            )  # fmt: skip
        panel.set_yticks(range(len(rows)), [plain(row["method"]) for row in rows])
        panel.set_ylim(-0.6, len(rows) - 0.4)
        panel.margins(x=0.22)
        panel.set_title(
            {"feeling": "nearer to the feeling", "words": "nearer to the words"}.get(one["question"], one["question"])
        )
        panel.grid(axis="x")
        panel.tick_params(length=0)
    return figure


def _shades(measures: Sequence[Mapping[str, Any]], theme: Theme) -> dict[str, str]:
    methods = list(dict.fromkeys(one["method"] for measure in measures for one in measure["methods"]))
    return colours({method: {"method": True} for method in methods}, theme)


def _ends(interval: Sequence[float | None]) -> list[float]:
    return [math.nan if one is None else one for one in interval]
