from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.inputs.pictures import Viewable
from emoticrafter.judges.trust import AxisTrust, Trust, measure_trust, r2, require_trust


class Reader:
    """A judge of which only the statement matters."""

    name = "reader"

    def __init__(self, trust: Trust) -> None:
        self.trust = trust

    def emotions(self, pictures: Sequence[Viewable]) -> np.ndarray:
        return np.zeros((len(pictures), 2), np.float32)

    def describe(self) -> Mapping[str, Any]:
        return {"judge": self.name}


def reader(valence: float, arousal: float, pictures: int = 50) -> Reader:
    axes = [AxisTrust(r2=x, spearman=0.9, error=0.3) for x in (valence, arousal)]
    return Reader(Trust(validated_on="fifty pictures", pictures=pictures, valence=axes[0], arousal=axes[1]))


def test_r2_by_hand() -> None:
    true = np.array([-1.0, 0.0, 1.0])
    assert r2(true, true) == 1
    assert r2(true, np.zeros(3)) == 0
    assert r2(true, np.array([-1.0, 0.0, 0.0])) == 0.5
    assert r2(true, -true) == -3
    assert math.isnan(r2(np.ones(3), true))


def test_a_statement_by_hand() -> None:
    true = np.array([[-3.0, 0.0], [-2.0, 0.5], [2.0, 3.0], [3.0, -0.5]])
    read = true * [0.5, 1] + [0, 0.25]  # valence at half, arousal too high
    found = measure_trust(true, read, "four pictures")
    assert (found.pictures, found.validated_on) == (4, "four pictures")
    assert found.valence is not None
    assert found.arousal is not None
    assert found.valence.r2 == pytest.approx(1 - 0.25)  # half of each value is missing, and their mean is 0
    assert (found.valence.slope, found.valence.intercept) == (pytest.approx(2), pytest.approx(0))
    assert (found.arousal.slope, found.arousal.intercept) == (pytest.approx(1), pytest.approx(-0.25))
    assert (found.valence.error, found.arousal.error) == (pytest.approx(1.25), pytest.approx(0.25))
    assert found.valence.spearman == 1
    assert found.valence.bins == [[-1.5, -3.0, 1.0], [-1.0, -2.0, 1.0], [1.25, 2.5, 2.0]]
    assert found.regions["valence low, arousal middle"] == {"pictures": 2, "valence_error": 1.25, "arousal_error": 0.25}
    assert found.regions["valence high, arousal high"]["pictures"] == 1
    assert sum(row["pictures"] for row in found.regions.values()) == 4


def test_a_statement_is_json_and_comes_back() -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(-3, 3, (60, 2))
    for read in (true + 0.3, np.zeros_like(true)):  # the second has undefined correlations
        found = measure_trust(true, read, "noise")
        text = json.dumps(found.as_dict(), allow_nan=False)
        again = Trust.from_dict(json.loads(text))
        assert json.dumps(again.as_dict()) == text
    never = Trust(validated_on="nothing", pictures=0)
    assert Trust.from_dict(never.as_dict()) == never


@pytest.mark.parametrize(
    "strange",
    [None, {}, [], {"validated_on": "a", "pictures": "many"}, {"validated_on": "a", "pictures": 1, "valence": {"x": 1}}],
)
def test_a_broken_statement_is_refused(strange: object) -> None:
    with pytest.raises(CheckpointError, match="statement of trust"):
        Trust.from_dict(strange)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pictures": -1}, "pictures is -1; it must be a whole number from 0"),
        ({"validated_on": ["a"]}, "validated_on is ['a']; it must be text"),
        ({"valence": [1]}, "valence is [1]; it must be an object"),
        ({"valence": {"r2": "high", "spearman": 0.9, "error": 0.2}}, "valence.r2 is 'high'; it must be a number"),
        ({"arousal": {"r2": 0.9, "spearman": 0.9}}, "arousal has no error"),
        ({"arousal": {"r2": 1, "spearman": 1, "error": 0, "bins": 3}}, "arousal.bins is 3; it must be a list"),
        ({"arousal": {"r2": 1, "spearman": 1, "error": 0, "bins": [[1, 2]]}}, "arousal.bins is [1, 2]; it must be a list"),
        ({"arousal": {"r2": 1, "spearman": 1, "error": 0, "bins": [[1, 2, "x"]]}}, "arousal.bins is 'x'; it must be a number"),
        ({"regions": ["here"]}, "regions is ['here']; it must be an object"),
        ({"regions": {"here": {"pictures": 3.0}}}, "regions.here has no valence_error"),
        ({"regions": {"here": 3}}, "regions.here is 3; it must be an object"),
        ({"regions": {"here": {"pictures": "many"}}}, "regions.here.pictures is 'many'; it must be a number"),
    ],
)
def test_a_strange_entry_of_a_statement_is_named(changes: dict[str, Any], says: str) -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(-3, 3, (60, 2))
    sound = json.loads(json.dumps(measure_trust(true, true + 0.3, "noise").as_dict()))
    with pytest.raises(CheckpointError) as error:
        Trust.from_dict({**sound, **changes})
    assert says in error.value.problem


def test_a_judge_at_the_floor_is_taken() -> None:
    assert require_trust(reader(0.5, 0.9)) is None
    assert require_trust(reader(0.3, 0.9), floor=0.3) is None


@pytest.mark.parametrize(
    ("judge", "says"),
    [
        (reader(0.49, 0.9), "valence 0.49"),
        (reader(0.9, -0.2), "arousal -0.20"),
        (reader(math.nan, 0.9), "valence nan"),
        (reader(0.9, 0.9, pictures=0), "never validated"),
        (Reader(Trust(validated_on="nothing", pictures=0)), "never validated"),
    ],
)
def test_a_judge_below_the_floor_is_refused_and_if_forced_the_report_says_so(judge: Reader, says: str) -> None:
    with pytest.raises(InputError, match="would mean little") as refused:
        require_trust(judge)
    assert says in str(refused.value)
    forced = require_trust(judge, force=True)
    assert forced is not None
    assert says in forced
    assert "used all the same" in forced
