from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticrafter.metrics import smoothness


def apart(a: float, b: float) -> float:
    return abs(a - b)


def test_neighbours_and_their_mean_by_hand() -> None:
    across, down = smoothness.neighbour_distances([[0, 1, 3], [0, 2, 2]], apart)
    assert across.tolist() == [[1, 2], [2, 0]]
    assert down.tolist() == [[0, 1, 1]]
    assert smoothness.lpips_continuous(across, down) == pytest.approx((1 + 2 + 2 + 0 + 0 + 1 + 1) / 7)


def test_a_grid_of_five_by_five_has_forty_neighbours_each_once() -> None:
    asked: list[tuple[int, int]] = []
    cells = np.arange(25).reshape(5, 5).tolist()

    def note(a: int, b: int) -> float:
        asked.append((a, b))
        return 1.0

    across, down = smoothness.neighbour_distances(cells, note)
    assert (across.shape, down.shape) == ((5, 4), (4, 5))
    assert len(set(asked)) == 40
    assert {b - a for a, b in asked} == {1, 5}
    assert smoothness.lpips_continuous(across, down) == 1


def test_grids_of_one_row_and_of_one_cell() -> None:
    across, down = smoothness.neighbour_distances([[0, 1, 3]], apart)
    assert (across.tolist(), down.shape) == ([[1, 2]], (0, 3))
    assert smoothness.lpips_continuous(across, down) == 1.5
    assert math.isnan(smoothness.lpips_continuous(*smoothness.neighbour_distances([[0]], apart)))


def test_uniformity_by_hand() -> None:
    assert smoothness.step_uniformity(np.ones((3, 4))) == 1
    assert smoothness.step_uniformity(np.array([0, 0, 5.0, 0])) == pytest.approx(0)
    assert smoothness.step_uniformity(np.array([1.0, 3.0])) == pytest.approx(0.5)  # mean 2, sd 1, cv 1/2, one place to share
    assert smoothness.step_uniformity(np.array([[1.0, 3.0], [3.0, 1.0]])) == 1  # rows are averaged first
    assert math.isnan(smoothness.step_uniformity(np.zeros(4)))
    assert math.isnan(smoothness.step_uniformity(np.ones(1)))


@given(st.lists(st.floats(0.01, 10), min_size=2, max_size=9), st.floats(0.1, 10))
def test_uniformity_lies_in_its_range_and_knows_no_scale(steps: list[float], scale: float) -> None:
    found = smoothness.step_uniformity(np.array(steps))
    assert -1e-9 <= found <= 1 + 1e-9
    assert smoothness.step_uniformity(scale * np.array(steps)) == pytest.approx(found)


def test_steps_of_a_sweep_and_those_that_show() -> None:
    steps = smoothness.step_distances([0, 1, 1, 4], apart)
    assert steps.tolist() == [1, 0, 3]
    assert smoothness.perceptible_share(steps, 1) == pytest.approx(1 / 3)  # more than the threshold
    assert smoothness.perceptible_share(steps, 0.5) == pytest.approx(2 / 3)
    assert math.isnan(smoothness.perceptible_share(np.zeros(0), 1))


def test_diversity_by_hand() -> None:
    assert smoothness.diversity([0, 1, 3], apart) == pytest.approx((1 + 3 + 2) / 3)
    assert math.isnan(smoothness.diversity([0], apart))
