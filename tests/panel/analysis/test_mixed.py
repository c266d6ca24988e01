from __future__ import annotations

import numpy as np
import pytest

from emoticrafter.panel.analysis.mixed import fit_crossed, too_few

# Penicillin: six samples on each of 24 plates, diameters of inhibition in mm. Davies & Goldsmith (1972), "Statistical Methods in
# Research and Production", section 6.6; the crossed example of Bates et al.'s lme4.
DIAMETERS = (
    "27 23 26 23 23 21 27 23 26 23 23 21 25 21 25 24 24 20 26 23 25 23 23 20 25 22 26 22 23 20 24 22 25 23 22 19 "
    "24 20 23 21 22 19 26 22 26 24 24 21 24 21 24 22 22 20 24 21 24 23 22 19 26 23 26 24 24 21 25 22 26 24 24 20 "
    "26 24 26 24 25 22 26 23 26 23 23 20 26 23 25 24 24 22 25 22 25 23 23 20 25 21 24 23 23 20 25 22 24 23 23 19 "
    "24 21 23 21 21 19 26 23 26 24 24 21 25 21 24 22 22 18 25 22 25 22 22 20 24 21 24 22 24 19 24 21 24 22 21 18 "
)


def test_the_penicillin_of_lme4() -> None:
    """Bates (2010), "lme4: Mixed-effects modeling with R", section 2.1: REML, plates and samples crossed."""
    values = np.array(DIAMETERS.split(), np.float64)
    found = fit_crossed(values, [i // 6 for i in range(144)], [i % 6 for i in range(144)])
    (intercept,) = found.effects
    assert intercept.value == pytest.approx(22.9722, abs=5e-5)
    assert intercept.error == pytest.approx(0.8086, abs=2e-3)
    assert found.deviations["people"] == pytest.approx(0.8467, abs=2e-3)  # plates
    assert found.deviations["items"] == pytest.approx(1.9316, abs=5e-3)  # samples
    assert found.deviations["rest"] == pytest.approx(0.5499, abs=1e-3)
    assert (found.answers, found.people, found.items, found.note) == (144, 24, 6, "")


def test_what_was_put_in_is_found() -> None:
    rng = np.random.default_rng(0)
    people, items = np.repeat(np.arange(30), 24), np.tile(np.arange(24), 30)
    methods = items % 2
    person, item, taste = rng.normal(0, 0.6, 30), rng.normal(0, 0.3, 24), rng.normal(0, 0.4, (30, 2))
    values = 3 + 0.8 * methods + person[people] + item[items] + taste[people, methods] + rng.normal(0, 0.7, len(people))
    found = fit_crossed(values, people.tolist(), items.tolist(), ["ours" if m else "theirs" for m in methods], "theirs")
    assert [one.name for one in found.effects] == ["intercept", "ours"]
    ours = found.effects[1]
    assert ours.low < 0.8 < ours.high
    assert ours.p < 0.001
    expected = {"people": 0.6, "items": 0.3, "people by method": 0.4, "rest": 0.7}
    assert found.deviations == pytest.approx(expected, abs=0.16)  # of 30 people, thus loosely


def test_what_is_too_few_is_said() -> None:
    assert too_few(["a", "b"] * 30, list(range(60))) == "too few: 2 people (needs 5)"
    assert too_few([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]) == "too few: 5 answers (needs 40)"
    assert too_few(list(range(50)), list(range(50))) == ""
    assert too_few(list(range(20_000)), [0] * 20_000) == "20,000 answers are too many (at most 12,000)"
