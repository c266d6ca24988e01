from __future__ import annotations

import math

import numpy as np
import pytest

from emoticrafter.metrics.content import conflict, retention, unprompted_people


def test_retention_by_hand() -> None:
    assert retention(np.array([1, 0.5, 0]), np.array([1, 0.5])) == pytest.approx(0.5 / 0.75)
    assert retention(np.ones(3), np.array([1, 0])) == 2
    assert math.isnan(retention(np.ones(3), np.zeros(2)))


def test_only_prompts_without_people_count() -> None:
    seen, prompted = np.array([True, True, False, False]), np.array([True, False, False, False])
    assert unprompted_people(seen, prompted) == pytest.approx(1 / 3)
    assert math.isnan(unprompted_people(seen, np.ones(4, bool)))


def test_conflict_by_hand() -> None:
    errors, requested = np.array([4.0, 2.0, 1.0, 9.0, 9.0]), np.array([-3.0, 3.0, 3.0, 0.0, 2.0])
    own = np.array([2.0, -2.0, 2.0, 2.0, 0.0])  # sad playground, joyful cemetery, joyful playground; the others take no side
    assert conflict(errors, requested, own) == pytest.approx((3, 1, 2))
    against, along, gap = conflict(errors[:2], requested[:2], own[:2])
    assert against == 3
    assert math.isnan(along)
    assert math.isnan(gap)
