from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticrafter.metrics.statistics import bootstrap, bootstrap_mean, compare_all, holm, ratio_of_means
from tests.cost import cost


def data(clusters: int = 40, each: int = 5, spread: float = 1.0) -> tuple[np.ndarray, list[int]]:
    rng = np.random.default_rng(3)
    values = rng.normal(0, spread, clusters)[:, None] + rng.normal(0, 0.1, (clusters, each))
    return values.ravel(), list(np.repeat(np.arange(clusters), each))


def test_the_interval_of_a_mean_is_that_of_the_clusters() -> None:
    values, clusters = data()
    found = bootstrap_mean(values, clusters, seed=1)
    assert found.value == pytest.approx(values.mean())
    assert found.clusters == 40
    each = values.reshape(40, 5).mean(axis=1)
    half = 1.96 * each.std(ddof=1) / math.sqrt(40)  # the normal interval of 40 independent means
    assert found.low == pytest.approx(values.mean() - half, abs=0.06)
    assert found.high == pytest.approx(values.mean() + half, abs=0.06)
    single = bootstrap_mean(values, list(range(200)), seed=1)  # as if all pictures were independent: too narrow
    assert single.high - single.low < 0.6 * (found.high - found.low)


def test_the_fast_way_and_the_general_one_agree() -> None:
    values, clusters = data()
    fast = bootstrap_mean(values, clusters, samples=4000)
    slow = bootstrap(lambda x: float(x.mean()), values, clusters=clusters, samples=4000)
    assert (slow.value, slow.clusters) == (pytest.approx(fast.value), fast.clusters)
    assert [slow.low, slow.high] == pytest.approx([fast.low, fast.high], abs=0.04)


def test_clusters_are_drawn_whole_and_by_name() -> None:
    seen: set[tuple[float, ...]] = set()

    def size(x: np.ndarray) -> float:
        seen.add(tuple(x))
        return float(len(x))

    bootstrap(size, np.array([1.0, 2, 3]), clusters=["a", "b", "a"], samples=50)
    assert seen - {(1.0, 2.0, 3.0)} == {(1.0, 3.0, 1.0, 3.0), (2.0, 2.0), (1.0, 3.0, 2.0), (2.0, 1.0, 3.0)}


def test_a_seed_decides_the_interval() -> None:
    values, clusters = data()
    assert bootstrap_mean(values, clusters, seed=5) == bootstrap_mean(values, clusters, seed=5)
    assert bootstrap_mean(values, clusters, seed=5) != bootstrap_mean(values, clusters, seed=6)


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng, hits = np.random.default_rng(0), 0
    for trial in range(200):
        sample = rng.normal(0, 1, 60)
        found = bootstrap_mean(sample, list(range(60)), samples=500, seed=trial)
        hits += found.low <= 0 <= found.high
    assert 0.89 <= hits / 200 <= 0.99


def test_a_ratio_draws_both_sides_together() -> None:
    base = np.random.default_rng(0).uniform(0.2, 1, 30)
    found = ratio_of_means(0.9 * base, base, list(range(30)))
    assert [found.value, found.low, found.high] == pytest.approx([0.9, 0.9, 0.9])  # one ratio in every sample
    several = ratio_of_means(np.repeat(0.9 * base, 2), base, list(np.repeat(np.arange(30), 2)), list(range(30)))
    assert several.low == pytest.approx(0.9)
    assert math.isnan(ratio_of_means(base, 0 * base, list(range(30))).low)


def test_undefined_values_are_left_out() -> None:
    assert bootstrap_mean(np.array([1.0, math.nan, 3.0]), ["a", "a", "b"]).value == 2
    assert math.isnan(bootstrap_mean(np.array([math.nan]), ["a"]).value)
    assert math.isnan(bootstrap_mean(np.zeros(0), []).value)


def test_the_fast_way_is_fast_on_a_suite() -> None:
    values, clusters = data(132, 25)
    general = cost(lambda: bootstrap(lambda x: float(x.mean()), values, clusters=clusters, samples=2000))
    assert cost(lambda: bootstrap_mean(values, clusters, samples=2000)) < general / 2


def test_holm_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04, and none below the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]).tolist() == [1, 1]
    assert holm([]).tolist() == []
    known = holm([0.02, math.nan, 0.01])
    assert known[[0, 2]] == pytest.approx([0.02, 0.02])
    assert math.isnan(known[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_none_and_bonferroni_and_keeps_the_order(p: list[float]) -> None:
    found, order = holm(p), np.argsort(p, kind="stable")
    assert (found >= np.array(p) - 1e-12).all()
    assert (found <= np.minimum(1, len(p) * np.array(p)) + 1e-12).all()
    assert (np.diff(found[order]) >= 0).all()


def test_wilcoxon_by_hand() -> None:
    # Differences -1 ... -5, all negative: W+ = 0, and 2 of the 2^5 signs are as extreme: p = 1/16.
    ours, theirs = np.zeros(5), np.array([1.0, 2, 3, 4, 5])
    (found,) = compare_all({"ours": ours, "theirs": theirs})
    assert (found.first, found.second, found.pairs) == ("ours", "theirs", 5)
    assert (found.statistic, found.p, found.p_holm) == (0, pytest.approx(1 / 16), pytest.approx(1 / 16))
    assert found.difference == -3
    assert found.lower is None


def test_every_two_methods_are_compared_and_corrected_together() -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.5, 1, 40)
    found = compare_all({"a": base, "b": base + rng.uniform(0.1, 0.2, 40), "c": base + 0 * base})
    assert [(one.first, one.second) for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [one.lower for one in found] == ["a", None, "c"]
    assert (found[1].p, found[1].statistic) == (1, 0)  # no difference at all
    assert found[0].p_holm == pytest.approx(3 * found[0].p)


def test_differences_of_rounding_name_no_winner() -> None:
    base = np.random.default_rng(0).uniform(0.5, 1, 40)
    (found,) = compare_all({"a": base, "b": base + np.linspace(1e-16, 9e-7, 40)})
    assert (found.difference, found.statistic, found.p, found.lower) == (0, 0, 1, None)
    (found,) = compare_all({"a": base, "b": base + 1e-5})
    assert (found.lower, found.difference) == ("a", pytest.approx(-1e-5))
    noisy = base + np.where(np.arange(40) < 30, 1e-15, 0.1)  # most prompts tell nothing, the others all the same
    (found,) = compare_all({"a": base, "b": noisy})
    (exact,) = compare_all({"a": base, "b": base + np.where(np.arange(40) < 30, 0, 0.1)})
    assert (found.p, found.difference) == (exact.p, 0)


def test_prompts_that_only_one_method_has_are_left_out() -> None:
    (found,) = compare_all({"a": {"x": 1.0, "y": 2.0, "z": 5.0}, "b": {"y": 2.5, "x": 2.0, "w": 0.0}})
    assert found.pairs == 2
    assert found.difference == -0.75
