"""How pictures change from one emotion to the next. A distance is any symmetric function of two pictures
(`metrics.distances`).
"""

# R rows and C columns of a grid of emotions, m steps of a sweep

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from typing import TypeVar

import numpy as np

__all__ = ["diversity", "lpips_continuous", "neighbour_distances", "perceptible_share", "step_distances", "step_uniformity"]

Thing = TypeVar("Thing")  # whatever the distance takes: a picture, or what was computed of one
Measure = Callable[[Thing, Thing], float]


def neighbour_distances(grid: Sequence[Sequence[Thing]], distance: Measure[Thing]) -> tuple[np.ndarray, np.ndarray]:
    """Distances along the rows, float (R, C - 1), and along the columns, float (R - 1, C), of a grid of pictures.

    With the rows of `emotion.grid` these are the steps of valence and of arousal (downwards).
    """
    rows, columns = len(grid), len(grid[0]) if grid else 0
    assert all(len(row) == columns for row in grid), "a grid has rows of one length"
    across = np.array([[distance(a, b) for a, b in pairwise(row)] for row in grid], np.float64).reshape(rows, max(columns - 1, 0))
    down = np.array([[distance(a, b) for a, b in zip(*two, strict=True)] for two in pairwise(grid)], np.float64)
    return across, down.reshape(max(rows - 1, 0), columns)


def lpips_continuous(across: np.ndarray, down: np.ndarray) -> float:
    """Mean distance between neighbours on the grid of emotions, over both axes: sum d(p, q) / (R (C - 1) + (R - 1) C).

    Range that of the distance, lower is smoother. Our reading of LPIPS-Continuous (Dang et al. 2025, section 5.1), whose formula
    is not published; with the distance of `metrics.distances` that needs no download it is not LPIPS, and carries its own
    name. Pictures that do not change at all score 0: read it beside the slope.
    """
    every = np.concatenate([np.ravel(across), np.ravel(down)])
    return float(every.mean()) if len(every) else float("nan")


def step_distances(sweep: Sequence[Thing], distance: Measure[Thing]) -> np.ndarray:
    """Distances from each picture of a sweep to the next, float (m,)."""
    return np.array([distance(a, b) for a, b in pairwise(sweep)], np.float64)


def step_uniformity(steps: np.ndarray) -> float:
    """1 - cv / sqrt(m - 1), cv = sd / mean (with m) of the mean step at each of m places of an axis.

    steps: distances of equal steps of one axis, float (..., m); the leading axes (prompts, rows) are averaged first. Range 0 to
    1, higher is better: 1 if every step is as visible as every other, 0 if all the change is in one of them. Ours; after the aim
    of FreeSliders. NaN for fewer than two steps, or if nothing changes.
    """
    steps = np.asarray(steps, np.float64)
    each = steps.reshape(-1, steps.shape[-1]).mean(axis=0)
    if len(each) < 2 or each.mean() <= 0:
        return float("nan")
    return float(1 - each.std() / each.mean() / np.sqrt(len(each) - 1))


def perceptible_share(steps: np.ndarray, threshold: float) -> float:
    """Share of steps (0.2 of an axis, as a rule) whose distance is above a threshold. Range 0 to 1, higher is better.

    threshold: the least distance that shows, in the units of the distance.
    """
    steps = np.asarray(steps, np.float64)
    return float((steps > threshold).mean()) if steps.size else float("nan")


def diversity(pictures: Sequence[Thing], distance: Measure[Thing]) -> float:
    """Mean distance over all pairs of the pictures of one prompt and emotion from different seeds.

    Range that of the distance, higher is more diverse; compare with the neutral pictures' own. NaN for one picture.
    """
    found = [distance(a, b) for a, b in combinations(pictures, 2)]
    return float(np.mean(found)) if found else float("nan")
