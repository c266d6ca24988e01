"""The tests of pairs against examples that were published."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import shapiro, wilcoxon

from emoticrafter.panel.analysis.paired import (
    corrected,
    p_values,
    paired_test,
    rank_biserial,
    signed_rank_test,
    standardised_difference,
)

# Darwin's maize, crossed minus self-fertilised, in eighths of an inch: Fisher (1935), "The Design of Experiments", section 17.
MAIZE = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48.0])


def test_darwin_s_maize() -> None:
    found = paired_test(MAIZE)
    assert found.pairs == 15
    assert found.t == pytest.approx(2.148, abs=5e-4)  # Fisher, section 17
    assert found.t_p == pytest.approx(0.0497, abs=5e-5)
    assert found.wilcoxon == 24  # 96 against 24 of 120: both signs, by ranks
    assert found.wilcoxon_p == pytest.approx(0.04126, abs=5e-6)  # the exact distribution; scipy's own example
    assert (found.chosen, found.p) == ("paired t", found.t_p)
    assert found.rank_biserial.value == pytest.approx((96 - 24) / 120)
    assert found.dz.value == pytest.approx(2.148 / math.sqrt(15), abs=5e-4)  # t = d_z sqrt(n)
    assert found.dz.low < found.dz.value < found.dz.high


def test_the_test_of_normality_is_shapiro_and_wilk_s() -> None:
    weights = [148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236]  # Shapiro & Wilk (1965), example 3: W = 0.79
    assert shapiro(weights).statistic == pytest.approx(0.79, abs=5e-3)


def test_differences_that_are_not_normal_are_ranked() -> None:
    skewed = np.array([0.1, 0.1, 0.2, 0.1, 0.3, 0.2, 0.1, 0.2, 9.0, 30.0])
    found = paired_test(skewed)
    assert found.shapiro_p < 0.05
    assert (found.chosen, found.p) == ("Wilcoxon", found.wilcoxon_p)
    assert found.wilcoxon == 0


def test_nothing_differs() -> None:
    found = paired_test(np.zeros(12))
    assert (found.p, found.wilcoxon_p, found.chosen) == (1.0, 1.0, "Wilcoxon")
    assert math.isnan(found.dz.value)
    assert math.isnan(found.rank_biserial.value)


def test_everybody_differs_by_the_same() -> None:
    found = paired_test(np.full(8, 0.5))
    assert found.chosen == "Wilcoxon"
    assert found.p == pytest.approx(2 / 2**8)


def test_too_few_are_not_tested() -> None:
    found = paired_test(np.array([1.0, np.nan, 2.0]))
    assert found.pairs == 2
    assert math.isnan(found.p)


def test_a_family_is_corrected_together() -> None:
    rng = np.random.default_rng(0)
    one, two = paired_test(rng.normal(0.9, 1, 20)), paired_test(rng.normal(0, 1, 20))
    assert [found.p_holm for found in corrected([one, two])] == [2 * one.p, two.p]


def test_effect_sizes_by_hand() -> None:
    assert standardised_difference(np.array([1.0, 2, 3])) == 2.0
    assert rank_biserial(np.array([-1.0, 2, 3, 0])) == pytest.approx((2 + 3 - 1) / 6)


@pytest.mark.parametrize("zeros", [0, 2])
def test_ranks_with_ties_are_counted_out(zeros: int) -> None:
    """scipy tries all signs where there are ties and few pairs."""
    rng = np.random.default_rng(zeros)
    d = np.concatenate([rng.integers(-3, 5, 8 - zeros), np.zeros(zeros)]).astype(np.float64)
    done = wilcoxon(d, zero_method="pratt")
    assert signed_rank_test(d) == (pytest.approx(done.statistic), pytest.approx(done.pvalue))


def test_ranks_without_ties_are_scipy_s_exact_ones_and_many_the_normal_curve() -> None:
    rng = np.random.default_rng(0)
    d = rng.normal(0.3, 1, 40)
    assert signed_rank_test(d)[1] == pytest.approx(wilcoxon(d, method="exact").pvalue)
    many = rng.normal(0.02, 1, 300)
    assert signed_rank_test(many)[1] == pytest.approx(wilcoxon(many, method="asymptotic").pvalue)
    assert signed_rank_test(many[:200])[1] == pytest.approx(wilcoxon(many[:200], method="asymptotic").pvalue, abs=0.003)


def test_p_values_of_many_are_those_of_each() -> None:
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(0.2, 1, (6, 12)), rng.exponential(1, (6, 12)), np.zeros((1, 12)), np.ones((1, 12))])
    assert p_values(rows) == pytest.approx([paired_test(row, samples=2).p for row in rows])
