"""The figures of one method from its pictures: JSON values, from which tables, tests and plots are made."""

# n pictures, P prompts, R rows and C columns of the grid of emotions

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from emoticrafter.errors import InputError
from emoticrafter.evaluation.estimates import AXES, emotion_estimates, error_by_prompt
from emoticrafter.evaluation.gathered import Gathered
from emoticrafter.inputs.pictures import decode_picture, image_of
from emoticrafter.inputs.typed import typed
from emoticrafter.metrics import content as contents
from emoticrafter.metrics import smoothness
from emoticrafter.metrics.emotion import absolute_errors
from emoticrafter.metrics.statistics import Estimate, bootstrap, bootstrap_mean, ratio_of_means
from emoticrafter.watch import Step

if TYPE_CHECKING:
    from emoticrafter.evaluation.suite import Suite
    from emoticrafter.metrics.distances import Distance

__all__ = ["CORNERS", "EXTRA_SEEDS", "STEPS", "is_whole", "measure", "measure_point", "visible_threshold"]

CORNERS = ((-3.0, -3.0), (-3.0, 3.0), (3.0, -3.0), (3.0, 3.0))  # where diversity is looked at
EXTRA_SEEDS = (0, 1, 2)  # added to a suite's first seed
STEPS = tuple(round(-1 + 0.2 * i, 1) for i in range(11))  # of an axis, the other at 0


def measure(
    gathered: Gathered,
    neutral: Gathered | None,
    suite: Suite,
    distance: Distance | None,
    *,
    threshold: float | None = None,
    step: Step = lambda done, total: None,
) -> dict[str, Any]:
    """Everything that the report says of one method.

    gathered: all its pictures at the strength compared, the extra ones for diversity and steps too. neutral: one picture for
    each prompt and seed. distance: None leaves out what is looked at by it.
    """
    grid = gathered.on_grid(suite.emotions)
    options: dict[str, Any] = {"samples": suite.metrics.samples}
    found: dict[str, Estimate] = emotion_estimates(grid.requested, grid.judged, grid.prompts, grid.seeds.tolist(), **options)
    found |= _content(grid, neutral, options)
    if distance is not None and gathered.files is not None:
        found |= _looks(gathered, suite, distance, threshold, options, step)
    return {
        "pictures": len(grid) if grid.files is not None else 0,
        "prompts": len(set(grid.prompts)),
        "figures": {name: _estimate(one) for name, one in found.items()},
        "by_prompt": error_by_prompt(grid.requested, grid.judged, grid.prompts),
        "cells": _cells(grid, suite),
        "points": [
            [round(float(x), 3) for x in (*asked, *read)] for asked, read in zip(grid.requested, grid.judged, strict=True)
        ],
        "worst": _worst(grid, suite.show.worst),
    }


def is_whole(found: Any) -> bool:
    """Whether a value of JSON has the form of what `measure` gives, with a threshold."""
    try:
        typed("", found, _Measured)
    except InputError:
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class _Figure:
    value: float | None
    low: float | None
    high: float | None
    clusters: int


@dataclass(frozen=True, kw_only=True)
class _Worst:
    prompt: str
    file: str
    seed: int
    requested: tuple[float, float]
    judged: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class _Point:
    strength: float
    error: _Figure
    retention: _Figure | None
    pictures: int


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """The form of what `measure` gives, as it lies in a file."""

    pictures: int
    prompts: int
    figures: dict[str, _Figure]
    by_prompt: dict[str, dict[str, float]]
    cells: dict[str, list[list[float | None]]]
    points: list[tuple[float, float, float, float]]
    worst: list[_Worst]
    threshold: float | None
    curve: list[_Point] = field(default_factory=list)


def measure_point(gathered: Gathered, neutral: Gathered | None, suite: Suite) -> dict[str, Any]:
    """A point of the curve of error against content: mean of V-Error and A-Error, and retention."""
    grid = gathered.on_grid(suite.emotions)
    errors = absolute_errors(grid.requested, grid.judged).mean(axis=1)
    options: dict[str, Any] = {"samples": suite.metrics.samples}
    kept = _content(grid, neutral, options).get("retention")
    return {
        "error": _estimate(bootstrap_mean(errors, grid.prompts, **options)),
        "retention": _estimate(kept) if kept is not None else None,
        "pictures": len(grid),
    }


def visible_threshold(neutral: Gathered, distance: Distance, most: int = 24) -> float | None:
    """The median distance of neutral pictures to themselves as a JPEG of quality 90: a change that hardly shows.

    None without pictures.
    """
    found = []
    for file in (neutral.files or [])[:most]:
        image = image_of(file)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=90)
        found.append(distance.between(distance.view(image), distance.view(decode_picture(buffer.getvalue()))))
    return float(np.median(found)) if found else None


def _content(grid: Gathered, neutral: Gathered | None, options: dict[str, Any]) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    right, strangers = grid.content(), grid.strangers()
    if not np.isnan(right).all():
        found["content"] = bootstrap_mean(right, grid.prompts, **options)
        if neutral is not None and len(neutral):
            found["retention"] = ratio_of_means(right, neutral.content(), grid.prompts, neutral.prompts, **options)
    if not np.isnan(strangers).all():
        found["unprompted_people"] = bootstrap_mean(strangers, grid.prompts, **options)
    own = np.array([case.own_valence for case in grid.cases], np.float64)
    if own.any():
        errors = absolute_errors(grid.requested[:, 0], grid.judged[:, 0])
        found["conflict"] = bootstrap(
            lambda e, x, o: contents.conflict(e, x, o)[2], errors, grid.requested[:, 0], own, clusters=grid.prompts, **options
        )
    for name in ("clip_score", "clip_iqa"):
        values = grid.clip(name)
        if not np.isnan(values).all():
            found[name] = bootstrap_mean(values, grid.prompts, **options)
    return found


def _looks(
    gathered: Gathered, suite: Suite, distance: Distance, threshold: float | None, options: dict[str, Any], step: Step
) -> dict[str, Estimate]:
    """What needs a distance. Each prompt's pictures are looked at together and then forgotten."""
    emotions = suite.emotions
    assert gathered.files is not None
    grids = gathered.grids(emotions)
    across, down, owners = [], [], []
    for number, ((prompt, _), rows) in enumerate(grids.items(), 1):
        known = {file: distance.view(file) for file in {gathered.files[i] for i in rows.ravel()}}
        views = [[known[gathered.files[i]] for i in line] for line in rows]
        first, second = smoothness.neighbour_distances(views, distance.between)
        across.append(first)
        down.append(second)
        owners.append(prompt)
        step(number, len(grids))
    found: dict[str, Estimate] = {}
    if owners:
        means = [smoothness.lpips_continuous(a, d) for a, d in zip(across, down, strict=True)]
        found["continuous"] = bootstrap_mean(np.array(means), owners, **options)
        for axis, steps in zip(AXES, (np.stack(across), np.stack(down).swapaxes(1, 2)), strict=True):
            found[f"{axis}_uniformity"] = bootstrap(smoothness.step_uniformity, steps, clusters=owners, **options)
    found |= _diversity(gathered, suite, distance, options)
    if threshold is not None:
        found |= _perceptible(gathered, suite, distance, threshold, options)
    return found


def _diversity(gathered: Gathered, suite: Suite, distance: Distance, options: dict[str, Any]) -> dict[str, Estimate]:
    if not suite.metrics.diversity_prompts:
        return {}
    wanted = {case.id for case in _first_cases(gathered, suite.metrics.diversity_prompts)}
    groups: dict[tuple[str, float, float], list[int]] = {}
    seeds = {suite.emotions.seeds[0] + more for more in EXTRA_SEEDS}
    for row, (case, seed) in enumerate(zip(gathered.cases, gathered.seeds.tolist(), strict=True)):
        point = (float(gathered.requested[row, 0]), float(gathered.requested[row, 1]))
        if case.id in wanted and point in CORNERS and seed in seeds:
            groups.setdefault((case.id, *point), []).append(row)
    whole = {key: rows for key, rows in groups.items() if len(rows) == len(seeds)}
    if not whole or gathered.files is None:
        return {}
    files = gathered.files
    values = [smoothness.diversity([distance.view(files[row]) for row in rows], distance.between) for rows in whole.values()]
    return {"diversity": bootstrap_mean(np.array(values), [key[0] for key in whole], **options)}


def _perceptible(
    gathered: Gathered, suite: Suite, distance: Distance, threshold: float, options: dict[str, Any]
) -> dict[str, Estimate]:
    if not suite.metrics.step_prompts or gathered.files is None:
        return {}
    found: dict[str, Estimate] = {}
    seed = suite.emotions.seeds[0]
    rows = {
        (case.id, round(float(v), 6), round(float(a), 6)): row
        for row, (case, (v, a), s) in enumerate(zip(gathered.cases, gathered.requested, gathered.seeds.tolist(), strict=True))
        if s == seed
    }
    for i, axis in enumerate(AXES):
        shares, owners = [], []
        for case in _first_cases(gathered, suite.metrics.step_prompts):
            keys = [(case.id, x, 0.0) if i == 0 else (case.id, 0.0, x) for x in STEPS]
            if all(key in rows for key in keys):
                views = [distance.view(gathered.files[rows[key]]) for key in keys]
                steps = smoothness.step_distances(views, distance.between)
                shares.append(smoothness.perceptible_share(steps, threshold))
                owners.append(case.id)
        if owners:
            found[f"{axis}_perceptible"] = bootstrap_mean(np.array(shares), owners, **options)
    return found


def _first_cases(gathered: Gathered, count: int) -> list[Any]:
    return list({case.id: case for case in gathered.cases}.values())[:count]


def _cells(grid: Gathered, suite: Suite) -> dict[str, list[list[float | None]]]:
    """By cell of the grid, highest arousal first: mean error of each axis, and the mean judged emotion."""
    errors = absolute_errors(grid.requested, grid.judged)
    found: dict[str, list[list[float | None]]] = {f"{axis}_{what}": [] for axis in AXES for what in ("error", "judged")}
    for a in reversed(suite.emotions.arousals):
        lines: dict[str, list[float | None]] = {name: [] for name in found}
        for v in suite.emotions.valences:
            here = np.isclose(grid.requested[:, 0], v) & np.isclose(grid.requested[:, 1], a)
            for i, axis in enumerate(AXES):
                lines[f"{axis}_error"].append(_number(errors[here, i].mean()) if here.any() else None)
                lines[f"{axis}_judged"].append(_number(grid.judged[here, i].mean()) if here.any() else None)
        for name, line in lines.items():
            found[name].append(line)
    return found


def _worst(grid: Gathered, count: int) -> list[dict[str, Any]]:
    """The pictures that are read furthest from what was asked for, one of each prompt."""
    if grid.files is None or not count:
        return []
    distances = np.hypot(*(grid.judged - grid.requested).T)
    chosen: list[int] = []
    for row in np.argsort(-distances, kind="stable").tolist():
        if len(chosen) < count and all(grid.cases[row].id != grid.cases[other].id for other in chosen):
            chosen.append(row)
    return [
        {
            "prompt": grid.cases[row].prompt,
            "file": str(grid.files[row]),
            "seed": int(grid.seeds[row]),
            "requested": _pair(grid.requested[row]),
            "judged": _pair(grid.judged[row]),
        }
        for row in chosen
    ]


def _pair(point: Sequence[float] | np.ndarray) -> list[float]:
    return [round(float(x), 3) for x in point]


def _estimate(one: Estimate) -> dict[str, Any]:
    return {name: _number(value) if isinstance(value, float) else value for name, value in asdict(one).items()}


def _number(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
