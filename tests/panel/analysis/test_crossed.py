from __future__ import annotations

import numpy as np
import pytest

from emoticrafter.panel.analysis.crossed import crossed_mean, table_of


def test_the_table_of_people_and_items() -> None:
    table, people, items = table_of(np.array([1.0, 3, 5, np.nan]), ["a", "a", "b", "b"], ["x", "x", "y", "x"])
    assert (people, items) == (["a", "b"], ["x", "y"])
    assert np.array_equal(table, [[2, np.nan], [np.nan, 5]], equal_nan=True)


def test_intervals_are_as_wide_as_what_was_drawn_varies() -> None:
    rng = np.random.default_rng(0)
    people, items = rng.normal(0, 1, 40), rng.normal(0, 0.5, 30)
    table = people[:, None] + items[None, :] + rng.normal(0, 0.2, (40, 30))
    found = crossed_mean(table, samples=4000)
    assert found.value == pytest.approx(table.mean())
    assert (found.people, found.items) == (40, 30)

    def width(ends: tuple[float, float]) -> float:
        return (ends[1] - ends[0]) / (2 * 1.96)

    assert width(found.over_people) == pytest.approx(people.std() / np.sqrt(40), rel=0.06)
    assert width(found.over_items) == pytest.approx(items.std() / np.sqrt(30), rel=0.06)
    assert width(found.over_both) == pytest.approx(np.hypot(people.std() / np.sqrt(40), items.std() / np.sqrt(30)), rel=0.06)


def test_gaps_are_left_out_and_a_seed_decides() -> None:
    table = np.array([[1.0, np.nan], [3, np.nan], [5, 7]])
    found = crossed_mean(table, seed=3)
    assert (found.value, found.items) == (4.0, 2)
    assert found == crossed_mean(table, seed=3)
    assert np.isnan(crossed_mean(np.full((2, 2), np.nan)).value)
