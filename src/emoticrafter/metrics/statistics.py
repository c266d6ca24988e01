"""Intervals and comparisons: the bootstrap over prompts, and Wilcoxon's test with Holm's correction.

Pictures of one prompt resemble each other, so prompts, not pictures, are what is drawn again (a cluster bootstrap: Davison &
Hinkley 1997, section 3.8) and what the tests pair. scipy's `bootstrap` knows no clusters.
"""

# n rows, k clusters, B samples

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

__all__ = ["ROUNDING", "Comparison", "Estimate", "bootstrap", "bootstrap_mean", "compare_all", "holm", "ratio_of_means"]

ROUNDING = 1e-6  # of single precision, in which pictures are read: figures that differ by no more do not differ
SAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure with its percentile interval; `clusters` is the number of prompts behind it."""

    value: float
    low: float
    high: float
    clusters: int


def bootstrap_mean(
    values: np.ndarray, clusters: Sequence[Hashable], *, samples: int = SAMPLES, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """The mean of `values` (n,) and its interval, whole clusters drawn with replacement. NaN values are left out.

    A sample's mean is sum of values over number of values of the clusters drawn, all samples in one product of matrices.
    """
    return ratio_of_means(values, None, clusters, samples=samples, level=level, seed=seed)


def ratio_of_means(
    values: np.ndarray,
    base: np.ndarray | None,
    clusters: Sequence[Hashable],
    base_clusters: Sequence[Hashable] | None = None,
    *,
    samples: int = SAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """mean(values) / mean(base) with its interval, such as content retention; without a base, mean(values).

    base: other rows of the same clusters (`base_clusters`, by default `clusters`): a sample draws both together.
    """
    numbers = _numbers(clusters, base_clusters if base_clusters is not None else ())
    count = len(numbers)
    weights = _counts(count, samples, seed)
    value, means = _weighted(values, clusters, numbers, weights)
    if base is not None:
        below, below_means = _weighted(base, clusters if base_clusters is None else base_clusters, numbers, weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            value, means = float(np.divide(value, below)), means / below_means
    return _estimate(value, means, count, level)


def bootstrap(
    statistic: Callable[..., float],
    *arrays: np.ndarray,
    clusters: Sequence[Hashable],
    samples: int = SAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Any statistic of the rows of some arrays, with its interval: whole clusters of rows are drawn with replacement.

    statistic: called with the arrays, or with the drawn rows of each. For means, `bootstrap_mean` is the fast way.
    """
    numbers = _numbers(clusters)
    rows: list[list[int]] = [[] for _ in numbers]
    for row, cluster in enumerate(clusters):
        rows[numbers[cluster]].append(row)
    groups = [np.array(group) for group in rows]
    rng = np.random.default_rng(seed)
    found = np.empty(samples)
    for i in range(samples):
        chosen = np.concatenate([groups[g] for g in rng.integers(len(groups), size=len(groups))])
        found[i] = statistic(*(array[chosen] for array in arrays))
    return _estimate(float(statistic(*arrays)), found, len(groups), level)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two methods on the same prompts. difference: median of first minus second; p, p_holm: two-sided, before and after Holm."""

    first: str
    second: str
    difference: float
    pairs: int
    statistic: float
    p: float
    p_holm: float

    @property
    def lower(self) -> str | None:
        """The method with the lower values, where the difference is significant at 5%."""
        if not self.p_holm < 0.05 or self.difference == 0:
            return None
        return self.first if self.difference < 0 else self.second


def compare_all(values: Mapping[str, Mapping[Hashable, float] | np.ndarray]) -> list[Comparison]:
    """Every two methods by Wilcoxon's signed-rank test on paired values, p-values corrected together after Holm.

    values: by method, one value per prompt (the mean over its pictures): arrays in one order, or by prompt, of which those that
    both methods have are taken. Wilcoxon (1945), Biometrics Bulletin 1; as scipy computes it, zero differences split (Pratt's
    way). Differences up to ROUNDING are zero; where all are, p is 1.
    """
    found = []
    for first, second in combinations(values, 2):
        difference = _differences(values[first], values[second])
        statistic, p = _wilcoxon(difference)
        median = float(np.median(difference)) if len(difference) else float("nan")
        found.append((first, second, median, len(difference), statistic, p))
    corrected = holm([p for *_, p in found])
    return [
        Comparison(first=a, second=b, difference=d, pairs=n, statistic=s, p=p, p_holm=float(q))
        for (a, b, d, n, s, p), q in zip(found, corrected, strict=True)
    ]


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's step-down correction: with p_(1) <= ... <= p_(m), p'_(i) = max over j <= i of min(1, (m - j + 1) p_(j)).

    Holm (1979), Scand. J. Statist. 6. In the order of the input; NaN stays NaN and is not counted.
    """
    p = np.asarray(p_values, np.float64)
    corrected = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.maximum.accumulate(np.minimum(factors * p[order], 1)) if len(order) else []
    return corrected


def _wilcoxon(difference: np.ndarray) -> tuple[float, float]:
    if len(difference) == 0:
        return float("nan"), float("nan")
    if not difference.any():
        return 0.0, 1.0
    from scipy.stats import wilcoxon

    done = wilcoxon(difference, zero_method="pratt")
    return float(done.statistic), float(done.pvalue)


def _differences(first: Mapping[Hashable, float] | np.ndarray, second: Mapping[Hashable, float] | np.ndarray) -> np.ndarray:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        shared = [key for key in first if key in second]
        difference = np.array([first[key] - second[key] for key in shared], np.float64)
    else:
        assert not isinstance(first, Mapping) and not isinstance(second, Mapping) and len(first) == len(second)
        difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    difference[np.abs(difference) <= ROUNDING] = 0.0
    return difference[~np.isnan(difference)]


def _numbers(*clusters: Sequence[Hashable]) -> dict[Hashable, int]:
    numbers: dict[Hashable, int] = {}
    for each in clusters:
        for cluster in each:
            numbers.setdefault(cluster, len(numbers))
    return numbers


def _counts(count: int, samples: int, seed: int) -> np.ndarray:
    """How often each cluster is drawn in each sample, float (B, k)."""
    if count == 0:
        return np.zeros((samples, 0))
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=samples).astype(np.float64)


def _weighted(
    values: np.ndarray, clusters: Sequence[Hashable], numbers: Mapping[Hashable, int], weights: np.ndarray
) -> tuple[float, np.ndarray]:
    """The mean, and the mean of each sample (B,)."""
    values = np.asarray(values, np.float64)
    where = np.array([numbers[cluster] for cluster in clusters], np.int64)
    assert len(where) == len(values), "every value has a cluster"
    known = ~np.isnan(values)
    sums = np.bincount(where[known], values[known], minlength=len(numbers))
    sizes = np.bincount(where[known], minlength=len(numbers)).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(sums.sum(), sizes.sum())), (weights @ sums) / (weights @ sizes)


def _estimate(value: float, found: np.ndarray, clusters: int, level: float) -> Estimate:
    known = found[np.isfinite(found)]
    if len(known) == 0:
        return Estimate(value=value, low=float("nan"), high=float("nan"), clusters=clusters)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value=value, low=float(low), high=float(high), clusters=clusters)
