"""The plots of the report, each drawn for light and for dark pages, as bytes of WebP."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from emoticrafter.escapes import PLOT, plain
from emoticrafter.evaluation.comparing import Rows
from emoticrafter.inputs.pictures import decode_picture
from emoticrafter.metrics.emotion import AXES

__all__ = [
    "DARK", "LIGHT", "Theme", "agreement", "colours", "data_uri", "error_maps", "intervals", "new_panels", "pareto", "render",
    "themed",
]  # fmt: skip

COLUMNS = 4  # panels beside each other


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours of a page. accent: of the first method; rest: of the others, in order; quiet: of the rows that are no methods."""

    name: str
    paper: str
    ink: str
    soft: str
    line: str
    accent: str
    quiet: str
    rest: tuple[str, ...]
    low: str
    high: str


# One palette in two strengths. The hues of `rest` keep apart for the colour-blind, too (after Okabe & Ito 2008).
LIGHT = Theme(
    name="light", paper="#ffffff", ink="#22262b", soft="#626b75", line="#e3e6ea", accent="#c8442f", quiet="#98a1ab",
    rest=("#2f6db5", "#1b8a6b", "#b8860b", "#8f5aa8", "#4aa3c7", "#7d6b57", "#c76a9b", "#5f7f2f"),
    low="#f7f4f0", high="#a8321f",
)  # fmt: skip
DARK = Theme(
    name="dark", paper="#16191d", ink="#e6e9ec", soft="#98a2ad", line="#2d333a", accent="#f0765f", quiet="#77818c",
    rest=("#6ea5e0", "#4cc3a0", "#e0b040", "#c08fd8", "#7fcbe8", "#b8a48d", "#e898c2", "#9dbf66"),
    low="#20252b", high="#f0765f",
)  # fmt: skip


def colours(rows: Rows, theme: Theme) -> dict[str, str]:
    """A colour for each row: the accent for the first method, one of the others' for each other one, grey for the rest."""
    methods = [label for label, row in rows.items() if row["method"]]
    found = dict.fromkeys(rows, theme.quiet)
    for number, label in enumerate(methods):
        found[label] = theme.accent if number == 0 else theme.rest[(number - 1) % len(theme.rest)]
    return found


def render(draw: Callable[[Theme], Any], theme: Theme) -> bytes:
    """The figure that `draw` makes, as lossless WebP, at twice the size of the screen."""
    from PIL import Image

    with _styled(theme):
        figure = draw(theme)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=170, facecolor=theme.paper)
    image = decode_picture(buffer.getvalue()).quantize(128, dither=Image.Dither.NONE).convert("RGB")
    made = io.BytesIO()
    image.save(made, "WEBP", lossless=True, quality=60)
    return made.getvalue()


def themed(draw: Callable[[Theme], Any], alt: str) -> dict[str, str]:
    """The figure that `draw` makes as data for a page, light and dark, with the words for those who do not see it."""
    light, dark = (data_uri(render(draw, theme)) for theme in (LIGHT, DARK))
    return {"light": light, "dark": dark, "alt": alt}


def data_uri(webp: bytes) -> str:
    """A picture's file as an address that a page can hold."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode()


def intervals(rows: Rows, theme: Theme) -> Any:
    """V-Error and A-Error of every row with their intervals, the best on top."""
    from matplotlib.figure import Figure

    order = sorted(rows, key=lambda label: -_mean_error(rows[label]))
    figure = Figure(figsize=(8.6, 0.9 + 0.34 * len(order)), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    shades = colours(rows, theme)
    most = max(_figure(rows[label], f"{axis}_error")[2] for label in order for axis in AXES)
    for panel, axis in zip(axes, AXES, strict=True):
        for y, label in enumerate(order):
            value, low, high = _figure(rows[label], f"{axis}_error")
            shade = shades[label]
            panel.plot([low, high], [y, y], color=shade, linewidth=5, alpha=0.3, solid_capstyle="round")
            panel.plot([value], [y], "o", color=shade, markersize=6.5)
            panel.annotate(
                f"{value:.2f}", (high, y), (6, 0), textcoords="offset points", va="center", fontsize=8.5, color=theme.soft
            )
        panel.set_xlim(0, most * 1.18)
        panel.set_yticks(range(len(order)), [plain(label) for label in order])
        panel.set_ylim(-0.6, len(order) - 0.4)
        panel.set_title(f"{axis[0].upper()}-Error, lower is better")
        panel.grid(axis="x")
        panel.tick_params(length=0)
    for tick, label in zip(axes[0].get_yticklabels(), order, strict=True):
        tick.set_color(theme.ink if rows[label]["method"] else theme.soft)
    return figure


def agreement(rows: Rows, axis: str, theme: Theme) -> Any:
    """Asked for against read, a panel for each row: every picture, the middle and the middle half at each level."""
    figure, panels = new_panels(len(rows), width=2.15, height=2.2)
    column, shades = AXES.index(axis), colours(rows, theme)
    for panel, (label, row) in zip(panels, rows.items(), strict=False):
        points = np.array(row["points"], np.float64).reshape(-1, 4)
        x, y = points[:, column], points[:, 2 + column]
        levels = np.unique(x)
        step = float(np.diff(levels).min()) if len(levels) > 1 else 1.0
        shift = np.random.default_rng(0).uniform(-0.28, 0.28, len(x)) * step
        few = np.random.default_rng(0).permutation(len(x))[:1500]
        panel.plot([-3, 3], [-3, 3], color=theme.soft, linewidth=1, dashes=(3, 3))
        panel.scatter((x + shift)[few], y[few], s=4, color=shades[label], alpha=0.16, linewidths=0, rasterized=True)
        quarters = np.array([np.quantile(y[x == level], [0.25, 0.5, 0.75]) for level in levels])
        panel.fill_between(levels, quarters[:, 0], quarters[:, 2], color=shades[label], alpha=0.22, linewidth=0)
        panel.plot(levels, quarters[:, 1], "o-", color=shades[label], linewidth=1.8, markersize=3.5)
        panel.set_title(plain(label))
        panel.set(xlim=(-3.5, 3.5), ylim=(-3.25, 3.25), xticks=(-3, 0, 3), yticks=(-3, 0, 3), aspect="equal")
        error, slope = _figure(row, f"{axis}_error")[0], _figure(row, f"{axis}_slope")[0]
        told = f"error {error:.2f}" + ("" if math.isnan(slope) else f"\nslope {slope:.2f}")
        panel.text(3.3, -3.05, told, ha="right", va="bottom", fontsize=7.5, color=theme.soft, linespacing=1.3)
    figure.supxlabel(f"{axis} asked for", fontsize=9, color=theme.soft)
    figure.supylabel(f"{axis} read by the judge", fontsize=9, color=theme.soft)
    return figure


def error_maps(rows: Rows, axis: str, valences: Sequence[float], arousals: Sequence[float], theme: Theme) -> Any:
    """The mean error of an axis in every cell of the plane, a panel for each row, all in one scale."""
    from matplotlib.colors import LinearSegmentedColormap

    figure, panels = new_panels(len(rows), width=2.15, height=2.15)
    scale = LinearSegmentedColormap.from_list("error", [theme.low, theme.high])
    tables = {label: np.array(row["cells"][f"{axis}_error"], np.float64) for label, row in rows.items()}
    most = 2.0  # one scale for all reports: what lies above is as bad as it gets
    for panel, (label, table) in zip(panels, tables.items(), strict=False):
        panel.imshow(np.clip(table, 0, most), cmap=scale, vmin=0, vmax=most, aspect="equal")
        for (i, j), value in np.ndenumerate(table):
            if not math.isnan(value):
                full = value > (1.0 if theme.name == "light" else 1.4)
                colour = theme.paper if full else theme.ink
                panel.text(j, i, f"{value:.1f}", ha="center", va="center", fontsize=7, color=colour)
        panel.set_title(plain(label))
        panel.set_xticks(range(len(valences)), [_signed(v) for v in valences])
        panel.set_yticks(range(len(arousals)), [_signed(a) for a in reversed(arousals)])
        panel.tick_params(length=0, labelsize=7)
        panel.spines[:].set_visible(False)
    figure.supxlabel("valence asked for", fontsize=9, color=theme.soft)
    figure.supylabel("arousal asked for", fontsize=9, color=theme.soft)
    return figure


def pareto(rows: Rows, theme: Theme) -> Any:
    """Error of emotion against content that is kept; the marks are each method as it comes, the curves sweeps of strength.

    A sweep is drawn on fewer prompts than the mark: its differences to the same prompts at the method's own strength are added to
    the mark.
    """
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke
    from matplotlib.ticker import NullLocator, ScalarFormatter

    figure, halo = Figure(figsize=(8.6, 4.6), layout="constrained"), [withStroke(linewidth=2.5, foreground=theme.paper)]
    panel = figure.subplots()
    panel.set_xscale("log")
    panel.invert_xaxis()
    shades, marks = colours(rows, theme), {}
    for label, row in rows.items():
        x, (y, *ends) = _mean_error(row), _figure(row, "retention")
        if math.isnan(y):
            continue
        curve = _through(row, x, y)
        panel.plot([one[1] for one in curve], [one[2] for one in curve], "-o", color=shades[label], lw=1.6, ms=3, alpha=0.7)
        for strength, error, content in [curve[0], curve[-1]] if curve else []:
            panel.annotate(
                f"{strength:g}", (error, content), (0, -9), textcoords="offset points", fontsize=6.5, color=shades[label],
                ha="center", path_effects=halo,
            )  # fmt: skip
        panel.plot([x, x], ends, color=shades[label], linewidth=1, alpha=0.6)
        mark = "o" if row["method"] else "D"
        panel.plot([x], [y], mark, color=shades[label], markersize=9, markeredgecolor=theme.paper, markeredgewidth=1.4, zorder=3)
        marks[label] = (x, y)
    panel.set_xticks([2, 1, 0.7, 0.5, 0.4, 0.3, 0.2])
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xlabel("mean of V-Error and A-Error (better to the right)")
    panel.set_ylabel("content kept, neutral pictures = 1 (better upwards)")
    panel.grid()
    panel.margins(0.12)
    figure.draw_without_rendering()
    points = panel.transData.transform(np.array(list(marks.values())).reshape(-1, 2)) * 72 / figure.dpi
    for label, side, lift in _apart([(*point, label) for point, label in zip(points.tolist(), marks, strict=True)]):
        panel.annotate(
            plain(label), marks[label], (9 * side, lift), textcoords="offset points", va="center",
            ha="left" if side > 0 else "right", fontsize=9, color=shades[label], weight="bold", path_effects=halo, zorder=4,
            arrowprops={"arrowstyle": "-", "color": theme.line, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 4} if lift else None,
        )  # fmt: skip
    return figure


def _through(row: Mapping[str, Any], x: float, y: float) -> list[tuple[float, float, float]]:
    """The sweep of a row as (strength, error, content), moved so that it goes through (x, y) at the method's own strength."""
    found = [
        (one["strength"], one["error"]["value"], one["retention"]["value"])
        for one in row.get("curve", [])
        if one["retention"] is not None and one["retention"]["value"] is not None
    ]
    own = [one for one in found if one[0] == row["describe"].get("strength")]
    if len(found) < 2 or not own:
        return []
    _, own_x, own_y = own[0]
    return [(strength, max(x + error - own_x, 1e-3), y + content - own_y) for strength, error, content in found]


def _apart(placed: Sequence[tuple[float, float, str]]) -> Iterator[tuple[str, int, float]]:
    """Where the labels of points go, given as x to the right, y upwards, in typographic points: right (1) or left (-1) of them
    and so many points up, so that they cover neither each other nor other points.
    """
    taken: list[tuple[float, float, float]] = []
    for across, up, label in sorted(placed, key=lambda one: (-one[1], -one[0])):
        for lift, side in product((0, 12, -12, 24, -24, 36, -36, 48, -48), (1, -1)):
            left, right = sorted((across + 9 * side, across + (9 + 6 * len(label)) * side))
            middle = up + lift
            covers = any(left - 6 < x < right + 6 and abs(y - middle) < 9 for x, y, other in placed if other != label)
            if not covers and not any(left < r and right > le and abs(m - middle) < 11 for le, r, m in taken):
                break
        taken.append((left, right, middle))
        yield label, side, lift


def _signed(x: float) -> str:
    return f"{x:+g}" if x else "0"


def new_panels(count: int, width: float, height: float, columns: int = COLUMNS) -> tuple[Any, list[Any]]:
    """A figure of so many panels, at most `columns` beside each other, each of a size in inches."""
    from matplotlib.figure import Figure

    columns = min(columns, count)
    lines = -(-count // columns)
    figure = Figure(figsize=(width * columns + 0.3, height * lines + 0.3), layout="constrained")
    panels = list(np.atleast_1d(figure.subplots(lines, columns, squeeze=False)).ravel())
    for panel in panels[count:]:
        panel.set_visible(False)
    return figure, panels


def _figure(row: Mapping[str, Any], name: str) -> tuple[float, float, float]:
    found = row["figures"].get(name) or {}
    return tuple(math.nan if found.get(part) is None else float(found[part]) for part in ("value", "low", "high"))  # type: ignore[return-value]


def _mean_error(row: Mapping[str, Any]) -> float:
    return sum(_figure(row, f"{axis}_error")[0] for axis in AXES) / 2


@contextmanager
def _styled(theme: Theme) -> Iterator[None]:
    import matplotlib as mpl

    style = {
        "font.family": "DejaVu Sans", "font.size": 9, "text.color": theme.ink, "axes.labelcolor": theme.soft,
        "axes.titlesize": 9.5, "axes.titleweight": "bold", "axes.titlecolor": theme.ink, "axes.titlepad": 5,
        "axes.facecolor": theme.paper, "axes.edgecolor": theme.line, "axes.spines.top": False, "axes.spines.right": False,
        "axes.axisbelow": True, "grid.color": theme.line, "grid.linewidth": 0.8, "xtick.color": theme.soft,
        "ytick.color": theme.soft, "xtick.labelsize": 8, "ytick.labelsize": 8.5, "xtick.labelcolor": theme.soft,
        "ytick.labelcolor": theme.soft, "figure.facecolor": theme.paper, **PLOT,
    }  # fmt: skip
    with mpl.rc_context(style):
        yield
