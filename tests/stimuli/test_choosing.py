from __future__ import annotations

from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from emoticrafter.errors import InputError
from emoticrafter.stimuli.choosing import SetChoice, choose

PLAIN: dict[str, Any] = {
    "alike": [], "per_cell": 2, "tolerance": 1.0, "balanced": False, "with_people": None, "matching": 0.0,
    "matching_tolerance": 0.25,
}  # fmt: skip


def candidates(seed: int = 0, cells: int = 2, contents: int = 3, each: int = 2) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    rows = list(product(range(cells), range(contents), range(each)))
    n = len(rows)
    return {
        "cells": np.array([c for c, *_ in rows]),
        "contents": np.array([c for _, c, _ in rows]),
        "people": np.array([c == 0 for _, c, _ in rows]),
        "errors": rng.uniform(0, 1.5, n),
        "properties": rng.normal(0, 1, (n, 2)),
    }


def chosen(given: dict[str, Any], **options: Any) -> SetChoice:
    return choose(**given, **{**PLAIN, **options})


def test_without_matching_the_nearest_are_taken() -> None:
    given = candidates()
    found = chosen(given)
    for cell in (0, 1):
        inside = np.flatnonzero(given["cells"] == cell)
        nearest = inside[np.argsort(given["errors"][inside])[:2]]
        assert sorted(nearest) == [i for i in found.chosen if given["cells"][i] == cell]


def test_the_choice_is_the_best_of_all() -> None:
    """Every choice that keeps the balance, tried one by one."""
    given = candidates(seed=3)
    found = chosen(given, balanced=True, matching=0.5, alike=[(0, 8), (2, 10)])

    def cost(picked: tuple[int, ...]) -> float:
        of = {cell: [i for i in picked if given["cells"][i] == cell] for cell in (0, 1)}
        errors = sum((e + 5 * max(e - 1.0, 0)) / 2 for e in given["errors"][list(picked)])
        apart = np.abs(given["properties"][of[0]].mean(axis=0) - given["properties"][of[1]].mean(axis=0)) / 2
        return errors + 0.5 * sum(2 * (d + 5 * max(d - 0.25, 0)) for d in apart)  # both cells lie so far from their middle

    every = []
    for first, second in product(*(combinations(np.flatnonzero(given["cells"] == cell), 2) for cell in (0, 1))):
        picked = (*map(int, first), *map(int, second))
        contents = [given["contents"][list(some)] for some in (first, second)]
        if all(len(set(one)) == 2 for one in contents) and not ({0, 8} <= set(picked) or {2, 10} <= set(picked)):
            every.append((cost(picked), picked))
    best, picked = min(every)
    assert found.chosen == picked
    assert found.cost == pytest.approx(best, rel=0.01)


def test_balance_people_and_likeness_hold() -> None:
    given = candidates(seed=1, cells=3, contents=4, each=4)
    given["people"] = given["contents"] < 2
    alike = [(0, 1), (4, 5), (16, 32)]
    found = chosen(given, per_cell=4, balanced=True, with_people=2, alike=alike, matching=1.0)
    for cell in range(3):
        own = [i for i in found.chosen if given["cells"][i] == cell]
        assert sorted(given["contents"][own]) == [0, 1, 2, 3]
        assert given["people"][own].sum() == 2
    assert not any({a, b} <= set(found.chosen) for a, b in alike)


def test_matching_brings_cells_together() -> None:
    given = candidates(seed=2, cells=2, contents=3, each=8)
    given["properties"][given["cells"] == 1] += 1.0

    def apart(found: SetChoice) -> float:
        means = [given["properties"][[i for i in found.chosen if given["cells"][i] == c]].mean(axis=0) for c in (0, 1)]
        return float(np.abs(means[0] - means[1]).max())

    free, matched = chosen(given, per_cell=4), chosen(given, per_cell=4, matching=5.0)
    assert apart(matched) <= 0.5 + 1e-6 < apart(free)  # twice the tolerance: each lies 0.25 from the middle


def test_what_cannot_hold_is_refused() -> None:
    given = candidates(cells=1, contents=1, each=2)
    with pytest.raises(InputError, match="No choice of the candidates holds all that must hold"):
        chosen(given, alike=[(0, 1)])
