from __future__ import annotations

import numpy as np
import pytest

from emoticrafter.panel.analysis.bradley_terry import bradley_terry, strengths_over_people, tables_of

# Citations between four journals of statistics: cited in rows (Biometrika, Communications in Statistics, JASA, JRSS-B), citing in
# columns. Stigler (1994), Statistical Science 9; Agresti (2002), "Categorical Data Analysis", section 10.6.
CITATIONS = np.array([[714, 730, 498, 221], [33, 425, 68, 17], [320, 813, 1072, 142], [284, 276, 325, 188]])


def test_the_citations_of_journals() -> None:
    """As in Agresti, and in the manual of R's BradleyTerry2: against Biometrika, with standard errors."""
    found = bradley_terry(CITATIONS)
    assert found.b - found.b[0] == pytest.approx([0, -2.94907, -0.47957, 0.26895], abs=1e-5)
    assert [found.deviation(i, 0) for i in (1, 2, 3)] == pytest.approx([0.10255, 0.06059, 0.07083], abs=1e-5)
    assert found.b.sum() == pytest.approx(0, abs=1e-9)
    assert not found.ridged


def test_two_methods_are_a_proportion() -> None:
    found = bradley_terry(np.array([[0, 30], [10, 0]]))
    assert found.preference()[0, 1] == pytest.approx(0.75)
    assert found.deviation(0, 1) == pytest.approx((1 / 30 + 1 / 10) ** 0.5)  # of a log odds


def test_a_method_that_never_loses_has_a_finite_strength() -> None:
    found = bradley_terry(np.array([[0, 5, 5], [0, 0, 3], [0, 2, 0]]))
    assert found.ridged
    assert np.isfinite(found.b).all()
    assert found.b[0] == max(found.b)


def test_wins_by_person_and_the_interval_over_people() -> None:
    tables = tables_of([0, 1, 0], [1, 0, 1], [1, 1, 0.5], [0, 0, 1], methods=2, count=2)
    assert tables.tolist() == [[[0, 1], [1, 0]], [[0, 0.5], [0.5, 0]]]
    rng = np.random.default_rng(0)
    many = np.zeros((60, 2, 2))
    many[:, 0, 1] = rng.binomial(10, 0.7, 60)
    many[:, 1, 0] = 10 - many[:, 0, 1]
    samples = strengths_over_people(many, samples=400)
    whole = bradley_terry(many.sum(axis=0))
    assert (samples[:, 0] - samples[:, 1]).std() == pytest.approx(whole.deviation(0, 1), rel=0.25)
