"""Two methods judged by the same people (or on the same items): one difference for each, tested as the paper does.

Shapiro and Wilk's test says whether the differences look normal; where they do, the paired t test decides, else Wilcoxon's
signed-rank test. Both are given, so that nobody need take our word for the choice.
"""

# n pairs

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emoticrafter.metrics.statistics import ROUNDING, Estimate, holm

__all__ = ["PairedTest", "corrected", "p_values", "paired_test", "rank_biserial", "signed_rank_test", "standardised_difference"]

NORMAL = 0.05  # at or above it, Shapiro and Wilk's p speaks for the t test
LEAST = 3  # pairs, below which nothing is tested
EXACT = 200  # pairs, up to which the distribution of ranks is counted out


@dataclass(frozen=True, kw_only=True)
class PairedTest:
    """What n differences (first minus second) say. NaN where something is not defined.

    mean, median: of the differences. shapiro_w, shapiro_p: of their normality. wilcoxon, wilcoxon_p; t, t_p: the two tests,
    two-sided. chosen: "paired t" or "Wilcoxon"; p its p-value, p_holm that after Holm's correction over a family of tests.
    dz: mean / standard deviation of the differences; rank_biserial: from -1 to 1; each with an interval over the pairs.
    """

    pairs: int
    mean: float
    median: float
    shapiro_w: float
    shapiro_p: float
    wilcoxon: float
    wilcoxon_p: float
    t: float
    t_p: float
    chosen: str
    p: float
    p_holm: float
    dz: Estimate
    rank_biserial: Estimate


def paired_test(difference: np.ndarray, *, samples: int = 2000, seed: int = 0) -> PairedTest:
    """Test whether differences (n,) lie around zero. NaN are left out; differences up to `ROUNDING` are zero.

    Wilcoxon's test is `signed_rank_test`; where all differences are zero, p is 1. Shapiro & Wilk (1965), Biometrika 52; Wilcoxon
    (1945), Biometrics Bulletin 1.
    """
    from emoticrafter.panel.analysis.crossed import person_bootstrap

    d = np.asarray(difference, np.float64)
    d = d[~np.isnan(d)]
    d = np.where(np.abs(d) <= ROUNDING, 0.0, d)
    shapiro_w, shapiro_p, wilcoxon, wilcoxon_p, t, t_p = _tests(d)
    normal = shapiro_p >= NORMAL
    p = t_p if normal else wilcoxon_p
    return PairedTest(
        pairs=len(d),
        mean=float(d.mean()) if len(d) else math.nan,
        median=float(np.median(d)) if len(d) else math.nan,
        shapiro_w=shapiro_w,
        shapiro_p=shapiro_p,
        wilcoxon=wilcoxon,
        wilcoxon_p=wilcoxon_p,
        t=t,
        t_p=t_p,
        chosen="paired t" if normal else "Wilcoxon",
        p=p,
        p_holm=p,
        dz=person_bootstrap(standardised_difference, d, samples=samples, seed=seed),
        rank_biserial=person_bootstrap(rank_biserial, d, samples=samples, seed=seed),
    )


def p_values(differences: np.ndarray) -> np.ndarray:
    """The p-value of `paired_test` of each row of (B, n), float (B,), without the rest: for many simulated studies."""
    from scipy import stats

    d = np.where(np.abs(differences) <= ROUNDING, 0.0, differences)
    if d.shape[1] < LEAST:
        return np.full(len(d), np.nan)
    found = np.full(len(d), np.nan)
    spread = np.ptp(d, axis=1) > ROUNDING
    found[spread] = stats.ttest_1samp(d[spread], 0.0, axis=1).pvalue
    normal = [bool(wide) and stats.shapiro(row).pvalue >= NORMAL for wide, row in zip(spread, d, strict=True)]
    for row in np.flatnonzero(~np.array(normal, bool)):
        found[row] = signed_rank_test(d[row])[1]
    return found


def signed_rank_test(difference: np.ndarray) -> tuple[float, float]:
    """Wilcoxon's lesser sum of ranks of |d| and its two-sided p-value, from the exact distribution: all signs equally likely.

    Ties share their mean rank; zeros are ranked and then left out (Pratt 1959, JASA 54). So it holds with ties and zeros, too,
    for which scipy tries all signs or takes the normal curve, as is done here above `EXACT` pairs.
    """
    from scipy import stats

    d = np.asarray(difference, np.float64)
    if not d.any():
        return 0.0, 1.0
    if len(d) > EXACT:
        done = stats.wilcoxon(d, zero_method="pratt", method="asymptotic")
        return float(done.statistic), float(done.pvalue)
    ranks = stats.rankdata(np.abs(d))
    twice = np.rint(2 * ranks[d != 0]).astype(np.int64)  # whole numbers, with ties too
    ways = np.ones(1)
    for rank in twice:
        ways = np.concatenate([ways, np.zeros(rank)]) + np.concatenate([np.zeros(rank), ways])
    chance = ways / ways.sum()
    lesser = min(int(twice[d[d != 0] > 0].sum()), int(twice[d[d != 0] < 0].sum()))
    return lesser / 2, min(1.0, 2 * float(chance[: lesser + 1].sum()))


def corrected(tests: Sequence[PairedTest]) -> list[PairedTest]:
    """The same tests as one family: their p-values corrected together after Holm."""
    return [replace(one, p_holm=float(p)) for one, p in zip(tests, holm([one.p for one in tests]), strict=True)]


def standardised_difference(difference: np.ndarray) -> float:
    """Cohen's d_z: the mean difference over the standard deviation of the differences (with n - 1). NaN where they do not vary.

    Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", section 2.3.5.
    """
    spread = float(np.std(difference, ddof=1)) if len(difference) > 1 else 0.0
    return float(np.mean(difference)) / spread if spread > 0 else math.nan


def rank_biserial(difference: np.ndarray) -> float:
    """(sum of ranks of positive differences - of negative ones) / sum of both, ranks of |d|, zeros left out.

    From -1 to 1; 0 where neither side has more. Kerby (2014), Comprehensive Psychology 3. NaN where all are zero.
    """
    from scipy.stats import rankdata

    d = np.asarray(difference, np.float64)
    d = d[d != 0]
    if not len(d):
        return math.nan
    ranks = rankdata(np.abs(d))
    return float((ranks * np.sign(d)).sum() / ranks.sum())


def _tests(d: np.ndarray) -> tuple[float, float, float, float, float, float]:
    from scipy import stats

    if len(d) < LEAST:
        return (math.nan,) * 6
    if not d.any():
        return math.nan, math.nan, 0.0, 1.0, math.nan, 1.0
    signed, signed_p = signed_rank_test(d)
    if np.ptp(d) <= ROUNDING:  # every difference is the same: there is no spread to test against
        return math.nan, math.nan, signed, signed_p, math.nan, math.nan
    shape, paired = stats.shapiro(d), stats.ttest_1samp(d, 0.0)
    return float(shape.statistic), float(shape.pvalue), signed, signed_p, float(paired.statistic), float(paired.pvalue)
