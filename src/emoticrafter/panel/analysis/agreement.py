"""How far people agree: the intraclass correlation of a table without gaps, Krippendorff's alpha of one with gaps.

Fleiss' kappa, for categories and equal numbers of raters, is `prompts.votes.fleiss_kappa`.
"""

# n targets (items), k raters (people)

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["LEVELS", "IntraclassCorrelation", "complete_block", "intraclass_correlation", "krippendorff_alpha", "noise_ceiling"]


@dataclass(frozen=True, kw_only=True)
class IntraclassCorrelation:
    """Agreement on values: of one rater, ICC(2,1), and of the mean of k raters, ICC(2,k), each with its interval.

    targets, raters: the size of the table behind it.
    """

    single: float
    single_low: float
    single_high: float
    mean: float
    mean_low: float
    mean_high: float
    targets: int
    raters: int


def intraclass_correlation(ratings: np.ndarray, level: float = 0.95) -> IntraclassCorrelation | None:
    """ICC(2,1) and ICC(2,k) of `ratings` (n, k): raters and targets at random, absolute agreement.

    With the mean squares of targets MSR, raters MSC and the rest MSE of a two-way analysis of variance,

        ICC(2,1) = (MSR - MSE) / (MSR + (k - 1) MSE + k (MSC - MSE) / n)
        ICC(2,k) = (MSR - MSE) / (MSR + (MSC - MSE) / n),

    Shrout & Fleiss (1979), Psychological Bulletin 86, 420-428, with their interval. 1 is perfect; at or below 0 raters agree no
    better than by chance. None where it is not defined: fewer than two of either, or ratings that are all the same.
    """
    from scipy.stats import f

    table = np.asarray(ratings, np.float64)
    n, k = table.shape
    if n < 2 or k < 2:
        return None
    total = table.mean()
    rows, columns = table.mean(axis=1) - total, table.mean(axis=0) - total
    rest = table - total - rows[:, None] - columns[None, :]
    between, raters = k * float(rows @ rows) / (n - 1), n * float(columns @ columns) / (k - 1)
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    whole = between + (k - 1) * error + k * (raters - error) / n
    if not whole > 1e-12 * max(1.0, total**2):
        return None
    single = (between - error) / whole
    if error <= 1e-12 * between and raters <= 1e-12 * between:  # perfect: no interval to speak of
        low = high = single
    else:
        low, high = _limits(single, between, raters, error, n, k, (1 + level) / 2, f.ppf)
    return IntraclassCorrelation(
        single=single,
        single_low=low,
        single_high=high,
        mean=_of_mean(single, k),
        mean_low=_of_mean(low, k),
        mean_high=_of_mean(high, k),
        targets=n,
        raters=k,
    )


def complete_block(ratings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows and the columns of a large table without gaps within `ratings` (n, k), NaN where nobody rated.

    Whoever has most gaps goes first, be it a target or a rater: what is left need not be the largest there is.
    """
    rows, columns = np.arange(ratings.shape[0]), np.arange(ratings.shape[1])
    gaps = np.isnan(ratings)
    while gaps.any():
        by_row, by_column = gaps.mean(axis=1), gaps.mean(axis=0)
        if by_row.max() >= by_column.max():
            kept = by_row < by_row.max()
            rows, gaps = rows[kept], gaps[kept]
        else:
            kept = by_column < by_column.max()
            columns, gaps = columns[kept], gaps[:, kept]
    return rows, columns


def krippendorff_alpha(ratings: np.ndarray, level: str = "interval") -> float | None:
    """Agreement beyond chance of `ratings` (n, k), NaN where nobody rated: 1 is perfect, 0 what chance gives.

    level: nominal, ordinal or interval, the kind of the values. With the coincidences o_ck of pairable values and their sums n_c,

        alpha = 1 - (n - 1) sum_{c<k} o_ck d_ck^2 / sum_{c<k} n_c n_k d_ck^2,

    d_ck^2 being 1 (nominal), (c - k)^2 (interval) or (sum_{g=c..k} n_g - (n_c + n_k) / 2)^2 (ordinal). Krippendorff (2011),
    "Computing Krippendorff's alpha-reliability". Targets with one rating count for nothing. None where it is not defined: all
    values are one, or nothing was rated twice.
    """
    assert level in LEVELS, f"unknown level {level}"
    table = np.asarray(ratings, np.float64)
    table = table[(~np.isnan(table)).sum(axis=1) > 1]
    values, coded = np.unique(table[~np.isnan(table)], return_inverse=True)
    if len(values) < 2:
        return None
    rows = np.nonzero(~np.isnan(table))[0]
    counts = np.zeros((len(table), len(values)))
    np.add.at(counts, (rows, coded), 1)
    each = counts.sum(axis=1)
    # o_ck: every ordered pair of two ratings of a target counts 1 / (ratings of it - 1).
    coincidences = (counts / (each - 1)[:, None]).T @ counts - np.diag((counts / (each - 1)[:, None]).sum(axis=0))
    sums = coincidences.sum(axis=1)
    distance = LEVELS[level](values, sums)
    expected = float((np.outer(sums, sums) * distance).sum())
    return 1 - (sums.sum() - 1) * float((coincidences * distance).sum()) / expected if expected > 0 else None


def noise_ceiling(ratings: np.ndarray) -> tuple[float, float] | None:
    """How well the truest reader could correlate with these people's means: (low, high), Pearson's r, of `ratings` (n, k).

    low: each person with the mean of the others; high: with the mean of all, the person included; averaged over people (after
    Nili et al. 2014, PLoS Computational Biology 10, who do so with rank correlations). NaN where nobody rated. A judge within the
    band agrees with people as people do with each other. None for fewer than two people with three targets in common.
    """
    table = np.asarray(ratings, np.float64)
    others = np.where(np.isnan(table), 0.0, table)
    counts = (~np.isnan(table)).sum(axis=1)
    low, high = [], []
    for person in range(table.shape[1]):
        rated = ~np.isnan(table[:, person]) & (counts > 1)
        if rated.sum() < 3:
            continue
        own, sums = table[rated, person], others[rated].sum(axis=1)
        found = _correlation(own, (sums - own) / (counts[rated] - 1)), _correlation(own, sums / counts[rated])
        if not any(map(math.isnan, found)):
            low.append(found[0])
            high.append(found[1])
    return (float(np.mean(low)), float(np.mean(high))) if len(low) > 1 else None


def _nominal(values: np.ndarray, sums: np.ndarray) -> np.ndarray:
    return 1.0 - np.eye(len(values))


def _interval(values: np.ndarray, sums: np.ndarray) -> np.ndarray:
    return (values[:, None] - values[None, :]) ** 2


def _ordinal(values: np.ndarray, sums: np.ndarray) -> np.ndarray:
    middles = np.cumsum(sums) - sums / 2  # the mean rank of each value: their differences are the sums in the formula
    return (middles[:, None] - middles[None, :]) ** 2


LEVELS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
}


def _limits(
    single: float,
    between: float,
    raters: float,
    error: float,
    n: int,
    k: int,
    quantile: float,
    ppf: Callable[[float, float, float], float],
) -> tuple[float, float]:
    """The interval of ICC(2,1): Shrout & Fleiss (1979), page 424."""
    ratio = raters / error if error > 0 else math.inf
    if math.isinf(ratio):
        freedom = float(k - 1)
    else:
        above = k * single * ratio + n * (1 + (k - 1) * single) - k * single
        freedom = (
            (k - 1)
            * (n - 1)
            * above**2
            / ((n - 1) * k**2 * single**2 * ratio**2 + (n * (1 + (k - 1) * single) - k * single) ** 2)
        )
    upper, lower = ppf(quantile, n - 1, freedom), ppf(quantile, freedom, n - 1)
    spread = k * raters + (k * n - k - n) * error
    return (
        n * (between - upper * error) / (upper * spread + n * between),
        n * (lower * between - error) / (spread + n * lower * between),
    )


def _of_mean(single: float, k: int) -> float:
    """Of the mean of k raters, after Spearman and Brown."""
    below = 1 + (k - 1) * single
    return k * single / below if below > 0 else -math.inf


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    from emoticrafter.metrics.emotion import pearson

    return pearson(x, y)
