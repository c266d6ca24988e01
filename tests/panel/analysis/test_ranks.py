from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import kendalltau

from emoticrafter.panel.analysis.ranks import chance_of_tau, order_consistencies

MEANT = np.array([-3, -1.5, 0, 1.5, 3])


def test_orders_are_compared_as_scipy_does() -> None:
    places = np.array([[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 0, 2, 3, 4], [0, 0, 1, 1, 2]])
    found = order_consistencies(np.tile(MEANT, (4, 1)), places)
    assert found[:3].tolist() == [1.0, -1.0, 0.8]
    assert found[3] == pytest.approx(kendalltau(MEANT, places[3]).statistic)


def test_how_often_chance_does_as_well() -> None:
    """Against all 120 orders of five."""
    taus = [kendalltau(range(5), order).statistic for order in permutations(range(5))]
    for tau in (1.0, 0.8, 0.6, 0.0, -1.0):
        assert chance_of_tau(tau, 5) == pytest.approx(np.mean([one >= tau - 1e-9 for one in taus]))
