"""The formulas against the examples that their authors published."""

from __future__ import annotations

import numpy as np
import pytest

from emoticrafter.panel.analysis.agreement import complete_block, intraclass_correlation, krippendorff_alpha, noise_ceiling

# Shrout & Fleiss (1979), table 2: six targets, four judges.
TARGETS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
NONE = np.nan
# Krippendorff (2011), section E: four observers, twelve units.
OBSERVED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
        [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
    ]
).T


def test_the_intraclass_correlation_is_that_of_shrout_and_fleiss() -> None:
    found = intraclass_correlation(TARGETS)
    assert found is not None
    assert (found.targets, found.raters) == (6, 4)
    assert found.single == pytest.approx(0.290, abs=5e-4)  # their ICC(2,1)
    assert found.mean == pytest.approx(0.620, abs=5e-4)  # their ICC(2,k)
    # Their interval, as R's psych::ICC prints it for these data.
    assert [found.single_low, found.single_high] == pytest.approx([0.019, 0.761], abs=5e-4)
    assert [found.mean_low, found.mean_high] == pytest.approx([0.071, 0.927], abs=5e-4)


def test_raters_that_agree_wholly() -> None:
    found = intraclass_correlation(np.array([[1, 1], [2, 2], [3, 3]]))
    assert found is not None
    assert (found.single, found.mean, found.single_low) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("table", [np.full((4, 3), 2.0), np.ones((1, 3)), np.array([[1.0], [2.0]])])
def test_an_intraclass_correlation_that_is_not_defined(table: np.ndarray) -> None:
    assert intraclass_correlation(table) is None


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_krippendorff(level: str, alpha: float) -> None:
    assert krippendorff_alpha(OBSERVED, level) == pytest.approx(alpha, abs=5e-4)


def test_alpha_of_chance_of_perfection_and_of_nothing() -> None:
    rng = np.random.default_rng(0)
    assert krippendorff_alpha(rng.integers(0, 5, (500, 4)), "nominal") == pytest.approx(0, abs=0.03)
    assert krippendorff_alpha(np.array([[1, 1], [2, 2], [5, 5]])) == 1.0
    assert krippendorff_alpha(np.full((3, 3), 2.0)) is None
    assert krippendorff_alpha(np.array([[1, NONE], [NONE, 2]])) is None  # nothing was rated twice


def test_the_table_without_gaps() -> None:
    table = np.array([[1.0, 2, 3, NONE], [4, 5, 6, NONE], [7, 8, 9, NONE], [NONE, 1, 2, 3]])
    rows, columns = complete_block(table)
    assert (rows.tolist(), columns.tolist()) == ([0, 1, 2], [0, 1, 2])
    assert complete_block(np.full((2, 2), NONE))[0].tolist() == []


def test_the_noise_ceiling() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 1, 4000)
    ratings = truth[:, None] + rng.normal(0, 1, (4000, 10))
    found = noise_ceiling(ratings)
    assert found is not None
    low, high = found
    # A person's correlation with the mean of 9 others is sqrt(1/2) sqrt(1 / (1 + 1/9)), by the rules of reliability.
    assert low == pytest.approx((1 / 2) ** 0.5 * (9 / 10) ** 0.5, abs=0.02)
    assert high == pytest.approx(0.741, abs=0.02)
    assert low < high
    assert noise_ceiling(ratings[:, :1]) is None
    gaps = np.where(rng.random(ratings.shape) < 0.3, NONE, ratings)
    assert noise_ceiling(gaps) == pytest.approx([low, high], abs=0.03)
