"""Does the emotion arrive? Requested against judged values of one axis (n,), or of both (n, 2): valence, arousal.

x is what was requested, y what a judge read, both in [-3, 3]. Figures that are not defined for the input are NaN.
"""

# n pictures, s sets, m pictures of a set

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

__all__ = [
    "AXES", "absolute_errors", "bias", "coupling", "error_sd", "intercept", "mean_error", "pearson", "ranking_consistency",
    "set_consistencies", "sets_along", "slope", "spearman", "tau_b",
]  # fmt: skip

AXES = ("valence", "arousal")  # the columns, in this order


def absolute_errors(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|y - x| of each picture, in the form of the input."""
    return np.abs(np.asarray(y, np.float64) - np.asarray(x, np.float64))


def mean_error(x: np.ndarray, y: np.ndarray) -> float:
    """V-Error or A-Error: mean |y - x|. Range 0 to 6, lower is better.

    Dang et al. 2025 (arXiv 2501.05710), section 5.1. Always answering 0 scores 1.8 on the grid -3, -1.5, 0, 1.5, 3: read it
    beside the slope and the rank correlation, which a constant answer does not have.
    """
    return float(absolute_errors(x, y).mean())


def error_sd(x: np.ndarray, y: np.ndarray) -> float:
    """Standard deviation of |y - x|, with n - 1. Range 0 to 3 sqrt(n / (n - 1)), lower is steadier. NaN for one picture."""
    errors = absolute_errors(x, y)
    return float(errors.std(ddof=1)) if len(errors) > 1 else float("nan")


def bias(x: np.ndarray, y: np.ndarray) -> float:
    """Mean y - x. Range -6 to 6, 0 is best; above 0 pictures are more pleasant (more excited) than asked for."""
    return float((np.asarray(y, np.float64) - x).mean())


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """b of the least squares line y = a + b x: sum (x - mx)(y - my) / sum (x - mx)^2. 1 is best, 0 is no effect.

    Below 1 the axis is weaker than asked for, above 1 stronger. NaN if x does not vary.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    dx = x - x.mean()
    spread = float(dx @ dx)
    return float(dx @ (y - y.mean())) / spread if spread > 0 else float("nan")


def intercept(x: np.ndarray, y: np.ndarray) -> float:
    """a of the least squares line y = a + b x: what is read where 0 is asked for. 0 is best. NaN if x does not vary."""
    return float(np.mean(y)) - slope(x, y) * float(np.mean(x))


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's r: covariance over the product of the standard deviations. Range -1 to 1, higher is better.

    Whether judged values lie on some rising line, whatever its slope. NaN if x or y does not vary.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    dx, dy = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((dx @ dx) * (dy @ dy)))
    return float(dx @ dy) / scale if scale > 1e-12 else float("nan")


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rho: Pearson's r of the ranks, ties at their mean rank. Range -1 to 1, higher is better.

    Whether more asked for is more read, by whatever curve. NaN if x or y does not vary.
    """
    from scipy.stats import rankdata

    return pearson(rankdata(x), rankdata(y))


def tau_b(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of each set, float (s,), for x and y (s, m): (C - D) / sqrt((P - Tx)(P - Ty)).

    C, D: pairs in the same, in the opposite order; P all pairs; Tx, Ty those tied in x, in y. Range -1 to 1, higher is better.
    Kendall (1945), Biometrika 33. A set whose y are all equal ranks nothing and counts 0; one whose x are all equal is NaN.
    """
    first, second = np.triu_indices(np.shape(x)[1], 1)
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    dx, dy = np.sign(x[:, first] - x[:, second]), np.sign(y[:, first] - y[:, second])
    untied_x, untied_y = np.abs(dx).sum(axis=1), np.abs(dy).sum(axis=1)
    scale = np.sqrt(untied_x * untied_y)
    found = np.divide((dx * dy).sum(axis=1), scale, out=np.zeros(len(x)), where=scale > 0)
    found[untied_x == 0] = np.nan
    return found


def sets_along(group: Sequence[Hashable], other: np.ndarray) -> np.ndarray:
    """Numbers int (n,) of the sets in which one axis is ranked: the pictures of a group (prompt and seed) at one value of the
    other axis. On the paper's grid of 5 x 5 these are sets of five.
    """
    numbers: dict[tuple[Hashable, float], int] = {}
    keys = zip(group, np.asarray(other, np.float64).tolist(), strict=True)
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)


def set_consistencies(x: np.ndarray, y: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """tau-b of each set of `sets` (n,), float (number of sets,), in the order of their numbers; sets of one picture are NaN."""
    sets = np.asarray(sets)
    order = np.argsort(sets, kind="stable")
    _, starts, sizes = np.unique(sets[order], return_index=True, return_counts=True)
    found = np.full(len(sizes), np.nan)
    for size in np.unique(sizes[sizes > 1]):
        which = np.flatnonzero(sizes == size)
        rows = order[starts[which][:, None] + np.arange(size)]
        found[which] = tau_b(np.asarray(x)[rows], np.asarray(y)[rows])
    return found


def ranking_consistency(x: np.ndarray, y: np.ndarray, sets: np.ndarray) -> float:
    """Mean tau-b over sets (`sets_along`): are the pictures of a set in the order asked for? Range -1 to 1, higher is better.

    Study I of Dang et al. 2025, with a judge in the place of people. Sets in which nothing was asked to differ are left out.
    """
    found = set_consistencies(x, y, sets)
    found = found[~np.isnan(found)]
    return float(found.mean()) if len(found) else float("nan")


def coupling(requested: np.ndarray, judged: np.ndarray) -> tuple[float, float]:
    """(valence into arousal, arousal into valence): how much one axis, asked for, moves the other, as judged.

    Least squares y_a = c + p x_v + q x_a gives p, y_v = c + p x_v + q x_a gives q: the crossed slopes with the axis's own request
    held fixed. 0 is best, 1 would be as much as the axis's own. NaN where a requested axis does not vary, or both vary as one.
    """
    x, y = np.asarray(requested, np.float64), np.asarray(judged, np.float64)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    if np.linalg.matrix_rank(x) < 2:
        return float("nan"), float("nan")
    found = np.linalg.lstsq(x, y, rcond=None)[0]  # rows: requested axis; columns: judged axis
    return float(found[0, 1]), float(found[1, 0])
