"""Every formula against numbers worked out by hand, and against scipy where it has the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from emoticrafter.emotion import grid
from emoticrafter.metrics import emotion as metrics

X = np.array([-3.0, 0.0, 3.0])
Y = np.array([-1.0, 0.0, 4.0])  # errors 2, 0, 1; differences 2, 0, 1
AXIS = (-3.0, -1.5, 0.0, 1.5, 3.0)
POINTS = np.array([(p.valence, p.arousal) for p in grid(AXIS, AXIS)])
numbers = st.floats(-3, 3, width=32)


def test_error_its_spread_and_bias_by_hand() -> None:
    assert metrics.absolute_errors(X, Y).tolist() == [2, 0, 1]
    assert metrics.mean_error(X, Y) == 1
    assert metrics.error_sd(X, Y) == 1  # sqrt((1 + 1 + 0) / 2)
    assert metrics.bias(X, Y) == 1
    assert math.isnan(metrics.error_sd(X[:1], Y[:1]))


def test_always_zero_scores_what_the_documents_say() -> None:
    zero = np.zeros(len(POINTS))
    assert metrics.mean_error(POINTS[:, 0], zero) == pytest.approx(1.8)
    assert metrics.slope(POINTS[:, 0], zero) == 0
    assert math.isnan(metrics.spearman(POINTS[:, 0], zero))


def test_line_by_hand() -> None:
    assert metrics.slope(X, Y) == pytest.approx(15 / 18)  # sum dx dy = 3 * 2 + 3 * 3, sum dx^2 = 18
    assert metrics.intercept(X, Y) == pytest.approx(1)
    assert metrics.intercept(X + 1, Y) == pytest.approx(1 - 15 / 18)
    assert math.isnan(metrics.slope(np.ones(3), Y))


def test_correlations_by_hand() -> None:
    assert metrics.pearson(X, Y) == pytest.approx(15 / math.sqrt(18 * 14))  # dy = -2, -1, 3
    assert metrics.spearman(X, Y) == 1
    assert metrics.spearman(X, Y[::-1]) == -1
    assert math.isnan(metrics.pearson(X, np.ones(3)))


def test_tau_b_by_hand() -> None:
    x = np.array([[1, 2, 3, 4, 5]])
    assert metrics.tau_b(x, x).tolist() == [1]
    assert metrics.tau_b(x, x[:, ::-1]).tolist() == [-1]
    assert metrics.tau_b(x, np.array([[2, 1, 3, 4, 5]])) == pytest.approx([0.8])  # one of ten pairs is swapped
    assert metrics.tau_b(x, np.array([[1, 1, 3, 4, 5]])) == pytest.approx([9 / math.sqrt(90)])  # one of ten is tied
    assert metrics.tau_b(x, np.ones((1, 5))).tolist() == [0]
    assert np.isnan(metrics.tau_b(np.ones((1, 5)), x)).all()


@given(hnp.arrays(np.int64, (3, 5), elements=st.integers(-3, 3)), hnp.arrays(np.int64, (3, 5), elements=st.integers(-3, 3)))
def test_tau_b_is_scipys(x: np.ndarray, y: np.ndarray) -> None:
    for own, a, b in zip(metrics.tau_b(x, y), x, y, strict=True):
        theirs = stats.kendalltau(a, b).statistic
        if len(set(a)) > 1 and len(set(b)) > 1:
            assert own == pytest.approx(theirs)


@given(hnp.arrays(np.float64, 12, elements=numbers, unique=True), hnp.arrays(np.float64, 12, elements=numbers))
def test_line_and_correlations_are_scipys(x: np.ndarray, y: np.ndarray) -> None:
    if y.std() < 1e-3 or x.std() < 1e-3:
        return
    line = stats.linregress(x, y)
    assert metrics.slope(x, y) == pytest.approx(line.slope, abs=1e-6)
    assert metrics.intercept(x, y) == pytest.approx(line.intercept, abs=1e-6)
    assert metrics.pearson(x, y) == pytest.approx(line.rvalue, abs=1e-6)
    assert metrics.spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)


@given(hnp.arrays(np.float64, 9, elements=numbers), hnp.arrays(np.float64, 9, elements=numbers), st.permutations(range(9)))
def test_order_does_not_matter_and_signs_turn(x: np.ndarray, y: np.ndarray, order: list[int]) -> None:
    assert metrics.mean_error(x, y) == pytest.approx(metrics.mean_error(x[order], y[order]))
    assert metrics.mean_error(x, y) == pytest.approx(metrics.mean_error(-x, -y))
    assert metrics.bias(x, y) == pytest.approx(-metrics.bias(y, x))
    assert abs(metrics.bias(x, y)) <= metrics.mean_error(x, y) + 1e-9


def test_sets_of_five_are_rows_and_columns_of_each_grid() -> None:
    group = ["a"] * 25 + ["b"] * 25
    both = np.concatenate([POINTS, POINTS])
    sets = metrics.sets_along(group, both[:, 1])
    assert np.bincount(sets).tolist() == [5] * 10
    assert sorted(both[sets == 0, 0]) == list(AXIS)
    assert len(set(both[sets == 0, 1])) == 1


def test_ranking_consistency_by_hand() -> None:
    x = np.array([1, 2, 3, 1, 2, 3, 7.0])
    y = np.array([1, 2, 3, 2, 1, 3, 0.0])
    sets = np.array([4, 4, 4, 9, 9, 9, 11])  # the last has one picture, which cannot be ranked
    assert metrics.set_consistencies(x, y, sets)[:2] == pytest.approx([1, 1 / 3])
    assert metrics.ranking_consistency(x, y, sets) == pytest.approx(2 / 3)
    order = np.array([6, 3, 0, 4, 1, 5, 2])
    assert metrics.ranking_consistency(x[order], y[order], sets[order]) == pytest.approx(2 / 3)
    assert math.isnan(metrics.ranking_consistency(x[6:], y[6:], sets[6:]))


def test_coupling_by_hand() -> None:
    judged = np.stack([POINTS[:, 0] + 0.25 * POINTS[:, 1], 0.5 * POINTS[:, 0] + POINTS[:, 1]], axis=1)
    assert metrics.coupling(POINTS, judged) == pytest.approx((0.5, 0.25))
    assert metrics.coupling(POINTS, POINTS + 1) == pytest.approx((0, 0), abs=1e-12)
    skewed = POINTS[(POINTS[:, 0] >= POINTS[:, 1])]  # both axes requested together: the own slope must not leak
    assert metrics.coupling(skewed, skewed) == pytest.approx((0, 0), abs=1e-9)
    assert all(map(math.isnan, metrics.coupling(POINTS[:, [0, 0]], judged)))
