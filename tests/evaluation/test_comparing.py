"""Which method is best, and which bars are met, where methods hardly differ."""

from __future__ import annotations

from typing import Any

import pytest

from emoticrafter.evaluation.comparing import best_of, compare, verdicts
from emoticrafter.evaluation.suite import Bars


def row(method: bool = True, source: str = "ours", **figures: float) -> dict[str, Any]:
    by_prompt = {axis: dict.fromkeys(range(20), figures.get(f"{axis}_error", 1.0)) for axis in ("valence", "arousal")}
    shown = {name: {"value": value} for name, value in figures.items()}
    return {"method": method, "source": source, "figures": shown, "by_prompt": by_prompt}


def test_the_best_is_one_alone() -> None:
    rows = {"ours": row(valence_error=0.5, valence_slope=1.1), "theirs": row(valence_error=0.6, valence_slope=0.9)}
    assert best_of(rows) == {"valence_error": "ours"}  # both slopes are 0.1 from 1
    assert best_of({**rows, "third": row(valence_error=0.5 + 1e-9)}) == {}
    assert best_of({"ours": rows["ours"], "truth": row(method=False, valence_error=0.1)}) == {
        "valence_error": "ours",
        "valence_slope": "ours",
    }


@pytest.mark.parametrize(
    ("theirs", "smoother", "fewer"),
    [(0.5, False, True), (0.5 + 1e-9, False, True), (0.5 - 1e-9, False, True), (0.6, True, True), (0.4, False, False)],
)
def test_bars_are_not_met_or_missed_by_rounding(theirs: float, smoother: bool, fewer: bool) -> None:
    rows = {
        "no emotion": row(method=False, unprompted_people=theirs),
        "ours": row(continuous=0.5, unprompted_people=0.5),
        "rival": row(source="rival", continuous=theirs, valence_error=1.0 + 1e-12, arousal_error=1.0 + 1e-12),
    }
    bars = Bars(smoother_than="rival", people=True, beats_rivals=True)
    found = {one["bar"]: one["met"] for one in verdicts(rows, compare(rows), bars)}
    assert (found["smoothness"], found["unprompted people"]) == (smoother, fewer)
    assert found["rivals with a significantly higher V-Error"] is False
