"""A picture of a table: how densely its rows fill the valence-arousal plane, its marginals, and where hardly any lie."""

from __future__ import annotations

import math
import os
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from scipy.ndimage import gaussian_filter

from emoticrafter.data.counts import CELLS, QUADRANTS, cell_counts, quadrant, rare_cells
from emoticrafter.emotion import LIMIT
from emoticrafter.escapes import PLOT, plain
from emoticrafter.files import atomic_path, user_path

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["density", "draw", "levels"]

BINS = 300  # per axis
BARS = 48  # steps of a marginal; whole ratings lie in the middle of a bar
SHARES = (0.95, 0.75, 0.5, 0.25)  # of the rows inside each contour
PAPER, INK, FAINT = "#fbf9f6", "#2d2a35", "#8d8894"
FILL = LinearSegmentedColormap.from_list("plane", [PAPER, "#f7e3c3", "#f0b884", "#dc7a66", "#a8466b", "#5b2a66", "#271a45"])
SETS = ("#3d6f94", "#d98e4a", "#6c9a6b", "#a35a86", "#8a8494")  # at most four data sets by name, then all others
NAMED = 3  # parts of one contour that bear its share
DOTS = 3000  # up to so many rows are drawn as points too
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans", "font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": "#c9c4bd",
    "xtick.color": FAINT, "ytick.color": FAINT, "axes.facecolor": PAPER, "hatch.color": "#b9b3bd", "hatch.linewidth": 0.7,
    **PLOT,
}  # fmt: skip


def draw(table: pd.DataFrame, path: str | os.PathLike[str], title: str, force: bool = False) -> Path:
    """Write the picture, a PNG, whole or not at all; raises OutputError as `files.atomic_path` does.

    table: columns valence and arousal, all within -3 to 3, and dataset; at least one row.
    """
    path = user_path(path)
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings(), atomic_path(path, force) as temporary:
        warnings.simplefilter("ignore")  # a data set's name may hold letters that the font lacks
        figure = Figure(figsize=(9.2, 9.2), facecolor=PAPER)
        FigureCanvasAgg(figure)
        parts = figure.add_gridspec(
            2, 2, width_ratios=(6, 1.15), height_ratios=(1.15, 6), wspace=0.03, hspace=0.03,
            left=0.085, right=0.975, bottom=0.115, top=0.885,
        )  # fmt: skip
        plane = figure.add_subplot(parts[1, 0])
        filled = density(table)
        _draw_plane(plane, table, filled)
        above, beside = figure.add_subplot(parts[0, 0], sharex=plane), figure.add_subplot(parts[1, 1], sharey=plane)
        colours = _draw_marginals(above, beside, table)
        plane.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT))
        _draw_words(figure, table, title, colours)
        figure.savefig(temporary, format="png", dpi=150, metadata={"Software": "emoticrafter"})
    return path


def density(table: pd.DataFrame) -> np.ndarray:
    """The share of rows per unit of area, (BINS, BINS), arousal rising with the first index.

    A Gaussian kernel by Silverman's rule per axis, reflected at the borders, on a histogram: quick for any number of rows.
    """
    edges = np.linspace(-LIMIT, LIMIT, BINS + 1)
    counts = np.histogram2d(table["arousal"], table["valence"], bins=(edges, edges))[0]
    width = 2 * LIMIT / BINS
    rule = len(table) ** (-1 / 6)
    spreads = [float(np.clip(rule * table[axis].std(ddof=0), 0.1, 0.5)) for axis in ("arousal", "valence")]
    smooth = gaussian_filter(counts, [spread / width for spread in spreads], mode="reflect")
    return smooth / (smooth.sum() * width**2)


def levels(filled: np.ndarray, shares: tuple[float, ...] = SHARES) -> list[float]:
    """The density above which the densest region holds each share of the rows."""
    falling = np.sort(filled.ravel())[::-1]
    held = np.cumsum(falling) / falling.sum()
    return [float(falling[min(int(np.searchsorted(held, share)), len(falling) - 1)]) for share in shares]


def _draw_plane(axes: Any, table: pd.DataFrame, filled: np.ndarray) -> None:
    axes.imshow(
        np.sqrt(filled), extent=(-LIMIT, LIMIT) * 2, origin="lower", cmap=FILL, aspect="auto", interpolation="bilinear", vmin=0
    )
    side = 2 * LIMIT / CELLS
    for one in rare_cells(cell_counts(table)):
        x, y = (sum(one[axis]) / 2 for axis in ("valence", "arousal"))
        axes.add_patch(Rectangle((x - side / 2, y - side / 2), side, side, fill=False, hatch="////", linewidth=0))
        if abs(y) > LIMIT - side:  # below the names of the quadrants
            y -= math.copysign(0.28, y)
        axes.text(x, y, f"{one['rows']:,}", ha="center", va="center", fontsize=8.5, color="#6f6a78", path_effects=_halo(3))
    if len(table) <= DOTS:
        size = float(np.interp(len(table), (50, DOTS), (14, 2.5)))
        axes.scatter(
            table["valence"], table["arousal"], s=size, color=INK, alpha=0.6, linewidths=0.4, edgecolors=PAPER, clip_on=False
        )
    axes.axhline(0, color=INK, linewidth=0.8, alpha=0.35)
    axes.axvline(0, color=INK, linewidth=0.8, alpha=0.35)
    _draw_contours(axes, filled)
    found = [quadrant(v, a) for v, a in zip(table["valence"], table["arousal"], strict=True)]
    for name, (x, y) in QUADRANTS.items():
        share = found.count(name) / len(found)
        axes.text(
            x * (LIMIT - 0.12), y * (LIMIT - 0.12), f"{name}\n{share:.0%} of rows", ha="right" if x > 0 else "left",
            va="top" if y > 0 else "bottom", fontsize=9.5, fontweight="bold", linespacing=1.35, path_effects=_halo(4),
        )  # fmt: skip
    axes.set_xlabel("valence:  unpleasant  \N{RIGHTWARDS ARROW}  pleasant", labelpad=8)
    axes.set_ylabel("arousal:  calm  \N{RIGHTWARDS ARROW}  excited", labelpad=4)
    axes.set_xticks(range(-3, 4))
    axes.set_yticks(range(-3, 4))
    axes.tick_params(length=0, pad=6)


def _draw_contours(axes: Any, filled: np.ndarray) -> None:
    named = dict(zip(levels(filled), SHARES, strict=True))
    heights = sorted(named)
    if len(heights) < len(SHARES) or heights[0] <= 0:  # a single point, or rows too few for shares to differ
        return
    middles = (np.arange(BINS) + 0.5) * 2 * LIMIT / BINS - LIMIT
    colours = [PAPER if height > filled.max() / 4 else INK for height in heights]  # light on dark, dark on light
    lines = axes.contour(middles, middles, filled, levels=heights, colors=colours, linewidths=(0.8, 0.9, 1, 1.1), alpha=0.8)
    texts = axes.clabel(lines, fmt={height: f"{share:.0%}" for height, share in named.items()}, fontsize=8.5, inline=False)
    shown: Counter[str] = Counter()
    for text in texts:
        shown[text.get_text()] += 1
        text.set(color=INK, path_effects=_halo(3.5), visible=shown[text.get_text()] <= NAMED)


def _draw_marginals(above: Any, beside: Any, table: pd.DataFrame) -> dict[str, str]:
    """Histograms of both axes, stacked by data set; returns the colour of each."""
    names = list(table["dataset"].fillna("none").value_counts().index)
    groups = {name: [name] for name in names[: len(SETS) - 1]}
    if others := names[len(SETS) - 1 :]:
        groups |= {f"{len(others)} others" if len(others) > 1 else others[0]: others}
    colours = dict(zip(groups, SETS, strict=False))
    masks = [table["dataset"].fillna("none").isin(members) for members in groups.values()]
    width = 2 * LIMIT / BARS
    for axes, axis, lying in ((above, "valence", False), (beside, "arousal", True)):
        axes.hist(
            [table.loc[mask, axis] for mask in masks], bins=BARS + 1, range=(-LIMIT - width / 2, LIMIT + width / 2), stacked=True,
            color=list(colours.values()), orientation="horizontal" if lying else "vertical", edgecolor=PAPER, linewidth=0.4,
            clip_on=False,
        )  # fmt: skip
        mean = float(table[axis].mean())
        (axes.axhline if lying else axes.axvline)(mean, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.tick_params(labelbottom=False, labelleft=False, length=0)
        axes.set_xticks([]) if lying else axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
    return colours


def _draw_words(figure: Any, table: pd.DataFrame, title: str, colours: dict[str, str]) -> None:
    heading = plain(title)
    heading = heading if len(heading) <= 64 else f"{heading[:61]}..."
    figure.text(0.085, 0.957, heading, fontsize=16, fontweight="bold", va="center")
    rare = rare_cells(cell_counts(table))
    facts = [
        f"{axis} {table[axis].mean():+.2f} \N{PLUS-MINUS SIGN} {table[axis].std(ddof=0):.2f}" for axis in ("valence", "arousal")
    ]
    facts.append(f"{len(rare)} of {CELLS**2} squares rare")
    if on_axis := float(((table["valence"] == 0) | (table["arousal"] == 0)).mean()):
        facts.append(f"{on_axis:.0%} on an axis")
    line = "   \N{MIDDLE DOT}   ".join(facts).replace("-", "\N{MINUS SIGN}")
    figure.text(0.085, 0.922, line, fontsize=10.5, color="#66616e", va="center")
    marks: list[Any] = [
        Line2D([], [], color=INK, linewidth=1.1, label="inside: 25, 50, 75, 95% of the rows"),
        Patch(facecolor=PAPER, hatch="////", edgecolor="#b9b3bd", linewidth=0, label="rare: less than a tenth of an even share"),
        Line2D([], [], color=INK, linewidth=1, linestyle=(0, (4, 3)), label="mean"),
    ]
    marks += [Patch(facecolor=colour, label=name if len(name) <= 24 else f"{name[:21]}...") for name, colour in colours.items()]
    figure.legend(
        handles=marks, loc="lower left", bbox_to_anchor=(0.075, 0.008), ncols=4, frameon=False, fontsize=9, labelcolor="#66616e",
        handlelength=1.6, columnspacing=1.6,
    )  # fmt: skip


def _halo(width: float) -> list[Any]:
    return [withStroke(linewidth=width, foreground=PAPER, alpha=0.85)]
