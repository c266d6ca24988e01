from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gaussian_kde
from sklearn.neighbors import KernelDensity

from emoticrafter.data.density import Density, DensityConfig, weigh
from emoticrafter.errors import InputError
from tests.cost import cost


def clustered(n: int, seed: int = 0) -> np.ndarray:
    """As people annotate: a skewed heap near neutral, few strong feelings, values of two decimals that repeat."""
    rng = np.random.default_rng(seed)
    heap = rng.multivariate_normal([0.6, -0.4], [[1.2, -0.3], [-0.3, 0.8]], size=n)
    return heap.clip(-3, 3).round(2)


def test_silverman_is_scipys_full_covariance_rule() -> None:
    points, asked = clustered(700), clustered(200, seed=1)
    expected = gaussian_kde(points.T, bw_method="silverman")(asked.T)
    assert Density(points, "silverman")(asked) == pytest.approx(expected, rel=1e-4)


def test_isotropic_is_scikit_learns_silverman_rule_with_bandwidth_n_to_the_minus_one_sixth() -> None:
    points, asked = clustered(700), clustered(200, seed=1)
    density = Density(points, "isotropic")(asked)
    for bandwidth in ("silverman", 700 ** (-1 / 6)):
        expected = np.exp(KernelDensity(bandwidth=bandwidth).fit(points).score_samples(asked))
        assert density == pytest.approx(expected, rel=1e-4)


def test_the_two_rules_differ() -> None:
    points = clustered(300) * [1.0, 0.2]
    assert not np.allclose(Density(points, "silverman")(points), Density(points, "isotropic")(points), rtol=0.2)


def test_single_precision_costs_less_than_a_ten_thousandth_also_far_from_the_centre() -> None:
    points = np.concatenate([clustered(5000), [[3.0, 3.0], [-3.0, -3.0], [-3.0, 3.0]]])
    corners = np.array([[3, 3], [-3, -3], [3, -3], [-3, 3], [0, 0]], dtype=float)
    expected = gaussian_kde(points.T, bw_method="silverman")(corners.T)
    assert Density(points, "silverman")(corners) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_the_weights_of_40000_points_cost_less_than_scipys_density() -> None:
    points = np.random.default_rng(0).normal(size=(40_000, 2)).clip(-3, 3)  # none repeats: the slowest case
    assert weigh(DensityConfig(), points).mean() == pytest.approx(1, abs=1e-4)
    few = points[:4000].T
    pairs = (points.shape[0] / few.shape[1]) ** 2
    theirs = pairs * cost(lambda: gaussian_kde(few, bw_method="silverman")(few))
    assert cost(lambda: weigh(DensityConfig(), points), times=1) < theirs


def test_weights_of_the_paper_are_one_over_density_with_mean_1() -> None:
    points = clustered(400)
    weights = weigh(DensityConfig(), points)
    expected = 1 / gaussian_kde(points.T, bw_method="silverman")(points.T)
    assert weights == pytest.approx(expected / expected.mean(), rel=1e-3)
    assert weights.dtype == np.float32


def test_weights_as_released_are_one_over_the_square_of_the_isotropic_density_and_not_normalised() -> None:
    points = clustered(400)
    weights = weigh(DensityConfig(preset="released"), points)
    d = np.exp(KernelDensity(bandwidth=400 ** (-1 / 6)).fit(points).score_samples(points))
    assert weights == pytest.approx(1 / d**2, rel=1e-3)
    assert weights.mean() > 100


def test_a_key_overrules_the_preset() -> None:
    points = clustered(400)
    one = weigh(DensityConfig(preset="released", normalise=True), points)
    other = weigh(DensityConfig(preset="paper", estimate="isotropic", power=2), points)
    assert one.mean() == pytest.approx(1, rel=1e-4)
    assert np.array_equal(one, other)


def test_clipped_weights_keep_mean_1_and_leave_the_order() -> None:
    points = clustered(2000)
    free, clipped = weigh(DensityConfig(), points), weigh(DensityConfig(clip=3), points)
    assert free.max() > 5
    assert clipped.max() == pytest.approx(3, rel=1e-3)
    assert clipped.mean() == pytest.approx(1, rel=1e-3)
    kept = clipped < 2.99
    assert np.array_equal(np.argsort(free[kept], kind="stable"), np.argsort(clipped[kept], kind="stable"))


def test_flat_weights_are_1_for_whatever_points() -> None:
    assert weigh(DensityConfig(preset="flat"), np.full((3, 2), 2.5), np.arange(2)).tolist() == [1, 1, 1]


def test_points_far_from_all_others_weigh_no_more_than_the_rarest_training_point() -> None:
    points = np.concatenate([clustered(500).clip(-1, 1), [[3.0, 3.0], [-3.0, -3.0]]])
    weights = weigh(DensityConfig(), points, np.arange(500))
    assert np.isfinite(weights).all()
    assert weights[500:].max() <= weights[:500].max()
    assert weights[:500] == pytest.approx(weigh(DensityConfig(), points[:500]))


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (np.zeros((0, 2)), "0 pairs"),
        (np.zeros((2, 2)), "2 pairs"),
        (np.array([[0, 0], [1, 1], [np.nan, 0]]), "no numbers"),
        (np.zeros((50, 2)), "one line"),
        (np.linspace(-3, 3, 50)[:, None] * [1, 0.5], "one line"),
    ],
)
def test_points_without_a_density_are_refused(points: np.ndarray, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Density(points, "silverman")


def test_the_isotropic_rule_copes_with_points_on_a_line() -> None:
    assert np.isfinite(Density(np.zeros((50, 2)), "isotropic")(np.zeros((1, 2)))).all()
