"""The figures of a method: one table, from which reports, comparisons, bars and documents take what they say of each.

A new figure is a function in `emoticrafter.metrics` and an entry in `FIGURES`; docs/extending.md shows one. Each is kept by its
version and by what it was computed from, so that a report's folder only lacks what is new or has other readings.
"""

# n pictures of the grid

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from emoticrafter.errors import InputError
from emoticrafter.evaluation.evidence import NEEDS, Evidence
from emoticrafter.inputs.typed import typed
from emoticrafter.metrics import content, emotion, smoothness
from emoticrafter.metrics.emotion import AXES, absolute_errors
from emoticrafter.metrics.statistics import Estimate, ratio_of_means

__all__ = ["ARRIVES", "FIGURES", "KEPT", "ORDER", "Bar", "Figure", "curve_point", "measure", "number_of"]

Direction = Literal["lower", "higher", "one", "zero"]
Page = Literal["report", "results", "README"]  # each shows less than the one before
ARRIVES, ORDER, KEPT = "Is the emotion right?", "Is its order right?", "What else changes?"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The key of a suite's [bars] that a figure is held to, or the beginning of two, KEY_low and KEY_high, for a figure that is
    best at 1 or 0. title: what the report calls it; by default the figure's column.
    """

    key: str
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """An entry of the table.

    name: its key in report.json. column: the heading of its column, "" for a figure that stands in no table. group: the table.
    direction: what is best. about: a few words that say what it is. formula, scale: for docs/metrics.md. needs: of `NEEDS`.
    compute: the figure with its interval; None where it is not defined. version: another number has it measured again, in old
    reports too. axis: valence or arousal, where it belongs to one. page: the shortest page that shows it. paired: methods are
    compared in pairs under this name, by the mean of `values` (float (n,), of each picture of the grid) for each prompt.
    """

    name: str
    column: str
    group: str
    direction: Direction
    about: str
    needs: tuple[str, ...]
    compute: Callable[[Evidence], Estimate | None]
    version: int = 1
    formula: str = ""
    scale: str = ""
    digits: int = 2
    axis: str = ""
    page: Page = "report"
    bar: Bar | None = None
    paired: str = ""
    values: Callable[[Evidence], np.ndarray] | None = None

    def __post_init__(self) -> None:
        assert set(self.needs) <= set(NEEDS), f"{self.name} needs one of {', '.join(NEEDS)}"
        assert bool(self.paired) == (self.values is not None), f"{self.name} is compared by values"

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

    def key(self, evidence: Evidence) -> str | None:
        """What the figure is known by: its version, and what it is computed from. None where that is not there."""
        inputs = evidence.inputs(self.needs)
        if inputs is None:
            return None
        text = json.dumps([self.name, self.version, inputs], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


# -- the table -------------------------------------------------------------------------------------------------------------


def _both(name: str, column: str, group: str, direction: Direction, about: str, make: Any, **more: Any) -> list[Figure]:
    """A figure of each axis. make: gives the fields that differ, from the axis's number."""
    found = []
    for i, axis in enumerate(AXES):
        letter, bar = axis[0].upper(), more.get("bar")
        own = {"bar": Bar(key=bar.key, title=f"{letter}{bar.title or column}")} if bar is not None else {}
        fields = {"needs": ("emotions",), **more, **own, **make(i)}
        names: dict[str, Any] = {"name": f"{axis}_{name}", "column": f"{letter}{column}", "axis": axis}
        found.append(Figure(**names, group=group, direction=direction, about=about, **fields))
    return found


def _of_axis(statistic: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[int], dict[str, Any]]:
    """A statistic of what was asked for and read on one axis."""
    return lambda i: {"compute": lambda e: e.whole(statistic, e.requested[:, i], e.judged[:, i])}


def _error(i: int) -> dict[str, Any]:
    def values(evidence: Evidence) -> np.ndarray:
        return absolute_errors(evidence.requested[:, i], evidence.judged[:, i])

    return {"compute": lambda e: e.mean(values(e)), "paired": AXES[i], "values": values}


def _bias(i: int) -> dict[str, Any]:
    return {"compute": lambda e: e.mean(e.judged[:, i] - e.requested[:, i])}


def _ranking(i: int) -> dict[str, Any]:
    def compute(evidence: Evidence) -> Estimate:
        groups = [(row.case.id, row.seed) for row in evidence.grid]
        sets = emotion.sets_along(groups, evidence.requested[:, 1 - i])
        owners = [evidence.prompts[row] for row in np.unique(sets, return_index=True)[1]]
        return evidence.mean(emotion.set_consistencies(evidence.requested[:, i], evidence.judged[:, i], sets), owners)

    return {"compute": compute}


def _uniformity(i: int) -> dict[str, Any]:
    def compute(evidence: Evidence) -> Estimate:
        owners = [id for id, *_ in evidence.neighbours]
        across, down = (np.stack([one[way] for one in evidence.neighbours]) for way in (1, 2))
        steps = (across, down.swapaxes(1, 2))[i]
        return evidence.whole(smoothness.step_uniformity, steps, owners=owners)

    return {"compute": compute}


def _perceptible(i: int) -> dict[str, Any]:
    def compute(evidence: Evidence) -> Estimate | None:
        if not evidence.sweeps[i]:
            return None
        assert evidence.threshold is not None
        shares = [
            smoothness.perceptible_share(smoothness.step_distances(evidence.views(rows), evidence.between), evidence.threshold)
            for _, rows in evidence.sweeps[i]
        ]
        return evidence.mean(np.array(shares), [id for id, _ in evidence.sweeps[i]])

    return {"compute": compute}


def _known_mean(evidence: Evidence, values: np.ndarray) -> Estimate | None:
    """The mean of what is known of the pictures; None where nothing is."""
    return None if np.isnan(values).all() else evidence.mean(values)


def _retention(evidence: Evidence) -> Estimate | None:
    if np.isnan(evidence.content).all():
        return None
    neutral = [row.case.id for row in evidence.neutral or []]
    return ratio_of_means(evidence.content, evidence.neutral_content, evidence.prompts, neutral, **evidence.options)


def _conflict(evidence: Evidence) -> Estimate:
    errors = absolute_errors(evidence.requested[:, 0], evidence.judged[:, 0])
    return evidence.whole(lambda e, x, o: content.conflict(e, x, o)[2], errors, evidence.requested[:, 0], evidence.own_valences)


def _coupling(i: int, evidence: Evidence) -> Estimate:
    return evidence.whole(lambda x, y: emotion.coupling(x, y)[i], evidence.requested, evidence.judged)


def _continuous(evidence: Evidence) -> Estimate:
    means = [smoothness.lpips_continuous(across, down) for _, across, down in evidence.neighbours]
    return evidence.mean(np.array(means), [id for id, *_ in evidence.neighbours])


def _diversity(evidence: Evidence) -> Estimate:
    values = [smoothness.diversity(evidence.views(rows), evidence.between) for _, rows in evidence.corners]
    return evidence.mean(np.array(values), [id for id, _ in evidence.corners])


_TABLE: tuple[Figure, ...] = (
    *_both(
        "error", "-Error", ARRIVES, "lower", "mean distance of what was read from what was asked for", _error,
        formula="mean |y - x|", scale="0 to 6", page="README", bar=Bar(key="error"),
    ),
    *_both(
        "error_sd", " sd", ARRIVES, "lower", "standard deviation of these distances", _of_axis(emotion.error_sd),
        formula="standard deviation of |y - x|, with n - 1", scale="from 0",
    ),
    *_both("bias", " bias", ARRIVES, "zero", "mean of read minus asked for", _bias, formula="mean (y - x)", scale="-6 to 6"),
    *_both(
        "slope", " slope", ARRIVES, "one", "of the line from asked for to read", _of_axis(emotion.slope),
        formula="slope of the least squares line y = intercept + slope x", page="README", bar=Bar(key="slope"),
    ),
    *_both(
        "intercept", " intercept", ARRIVES, "zero", "of that line", _of_axis(emotion.intercept),
        formula="intercept of the same line",
    ),
    *_both(
        "pearson", " Pearson", ORDER, "higher", "correlation of asked for and read", _of_axis(emotion.pearson),
        formula="correlation of x and y", scale="-1 to 1",
    ),
    *_both(
        "spearman", " Spearman", ORDER, "higher", "correlation of their ranks", _of_axis(emotion.spearman),
        formula="correlation of their ranks", scale="-1 to 1", page="results", bar=Bar(key="spearman"),
    ),
    *_both(
        "ranking", " tau-b", ORDER, "higher", "whether sets of one prompt are in the order asked for", _ranking,
        formula="ranking consistency: mean Kendall tau-b over sets of five: one prompt and seed, one value of the other axis",
        scale="-1 to 1", page="README", bar=Bar(key="ranking", title=" ranking consistency"),
    ),
    *_both(
        "uniformity", " uniform", ORDER, "higher", "whether all steps of the axis are equally visible", _uniformity,
        needs=("grid",), scale="0 to 1",
        formula="step uniformity: 1 - cv / sqrt(m - 1), cv = sd / mean of the mean step at each of the m places of an axis",
    ),
    *_both(
        "perceptible", " 0.2 seen", ORDER, "higher", "share of steps of 0.2 that show", _perceptible, needs=("steps",),
        formula="perceptibility: share of steps of 0.2 with d above a threshold", scale="0 to 1",
    ),
    Figure(
        name="retention", column="content", group=KEPT, direction="higher",
        about="content kept, that of the neutral pictures being 1", needs=("content", "neutral content"), compute=_retention,
        formula="content retention: mean share of the asked-for place and subjects that the content judge finds, over that of the"
        " neutral pictures", scale="from 0", page="README", bar=Bar(key="retention", title="content retention"),
    ),
    Figure(
        name="content", column="", group=KEPT, direction="higher", about="content found", needs=("content",),
        compute=lambda e: _known_mean(e, e.content),
        formula="mean share of the asked-for place and subjects that the content judge finds", scale="0 to 1",
    ),
    Figure(
        name="unprompted_people", column="people", group=KEPT, direction="lower",
        about="share of pictures with people where the prompt names none", needs=("content",),
        compute=lambda e: _known_mean(e, e.strangers),
        formula="unprompted people: share of pictures with people, of those whose prompt names none", scale="0 to 1",
        page="results",
    ),
    Figure(
        name="conflict", column="conflict", group=KEPT, direction="zero",
        about="error against the feeling of the place, minus along with it", needs=("emotions", "places"), compute=_conflict,
        formula="emotion-content conflict: mean error where the requested valence is against the content's own, minus where it is"
        " along with it",
    ),
    Figure(
        name="valence_into_arousal", column="V into A", group=KEPT, direction="zero",
        about="how much asking for valence moves arousal", needs=("emotions",), compute=partial(_coupling, 0),
        formula="coupling: the slope of arousal's reading on the request of valence, the own request held fixed",
    ),
    Figure(
        name="arousal_into_valence", column="A into V", group=KEPT, direction="zero",
        about="how much asking for arousal moves valence", needs=("emotions",), compute=partial(_coupling, 1),
        formula="coupling: the slope of valence's reading on the request of arousal, the own request held fixed",
    ),
    Figure(
        name="continuous", column="continuous", group=KEPT, direction="lower", about="mean distance of neighbours on the grid",
        needs=("grid",), compute=_continuous, page="results", scale="that of d",
        formula="LPIPS-Continuous: mean d between neighbours on the grid of emotions, both directions: 40 pairs on 5 x 5",
    ),
    Figure(
        name="diversity", column="diversity", group=KEPT, direction="higher", about="mean distance between seeds",
        needs=("corners",), compute=_diversity, page="results", scale="that of d",
        formula="mean d over pairs of seeds of one prompt and emotion",
    ),
    Figure(
        name="clip_score", column="CLIPScore", group=KEPT, direction="higher", about="likeness of picture and prompt", digits=1,
        needs=("CLIP",), compute=lambda e: _known_mean(e, e.of_clip("clip_score")), scale="0 to 100",
        formula="100 max(cos(picture, prompt), 0); Hessel et al. 2021 scale by 2.5 instead",
    ),
    Figure(
        name="clip_iqa", column="CLIP-IQA", group=KEPT, direction="higher", about="good rather than bad photo", needs=("CLIP",),
        compute=lambda e: _known_mean(e, e.of_clip("clip_iqa")), scale="0 to 1",
        formula='softmax of 100 cos(picture, "Good photo.") against 100 cos(picture, "Bad photo."); Wang et al. 2023',
    ),
)  # fmt: skip
FIGURES: dict[str, Figure] = {figure.name: figure for figure in _TABLE}


# -- measuring -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Value:
    value: float | None
    low: float | None
    high: float | None
    clusters: int


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """A figure as it lies in a file. found: None where it is not defined. by_prompt: of a figure that is compared in pairs."""

    key: str
    found: _Value | None
    by_prompt: dict[str, float]


def measure(evidence: Evidence, kept: dict[str, Any]) -> list[str]:
    """Have `kept` hold, by name, every figure of the method that can be computed, as JSON values; the names of those that were
    computed now.

    kept: what an earlier call left; what does not fit the evidence, or is damaged, is computed again. An entry holds the figure
    under `found` and, of a figure that is compared in pairs, the means of the prompts under `by_prompt`. Raises StoppedError
    between two figures; what was computed until then is in `kept`.
    """
    done = []
    for name, figure in FIGURES.items():
        key = figure.key(evidence)
        if key is None:
            kept.pop(name, None)
        elif not _is_whole(kept.get(name), key):
            evidence.watch.check()
            kept[name] = _computed(figure, evidence, key)
            done.append(name)
    for name in set(kept) - set(FIGURES):
        del kept[name]
    return done


def _computed(figure: Figure, evidence: Evidence, key: str) -> dict[str, Any]:
    found = figure.compute(evidence)
    means = {} if figure.values is None else _means(figure.values(evidence), evidence.prompts)
    return {"key": key, "found": None if found is None else _as_json(found), "by_prompt": means}


def _is_whole(entry: Any, key: str) -> bool:
    try:
        return bool(typed("", entry, _Kept).key == key)
    except InputError:
        return False


def _means(values: np.ndarray, prompts: Sequence[str]) -> dict[str, float]:
    """The mean of each prompt's values."""
    rows: dict[str, list[int]] = {}
    for row, prompt in enumerate(prompts):
        rows.setdefault(prompt, []).append(row)
    return {prompt: float(values[own].mean()) for prompt, own in rows.items()}


def curve_point(evidence: Evidence) -> dict[str, Any]:
    """A point of the curve of error against content: mean of V-Error and A-Error, and retention."""
    errors = absolute_errors(evidence.requested, evidence.judged).mean(axis=1)
    retention = FIGURES["retention"]
    kept = retention.compute(evidence) if evidence.inputs(retention.needs) is not None else None
    return {
        "error": _as_json(evidence.mean(errors)),
        "retention": _as_json(kept) if kept is not None else None,
        "pictures": len(evidence.grid),
    }


def number_of(value: float) -> float | None:
    """A number of the report: six digits behind the point, None for what is not defined."""
    return round(float(value), 6) if math.isfinite(value) else None


def _as_json(one: Estimate) -> dict[str, Any]:
    return {name: number_of(value) if isinstance(value, float) else value for name, value in asdict(one).items()}
