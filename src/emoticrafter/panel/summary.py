"""What a study will be, before it begins: how much, how long, how well balanced."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from emoticrafter.panel.design import balance
from emoticrafter.panel.frozen import Frozen
from emoticrafter.panel.trials import Question, Trial

__all__ = ["summary"]

# What an answer takes, in seconds: estimates to plan by, which `panel preview` and the first answers correct.
_LOOK_S = {"validate-pairs": 8.0, "rank": 6.0, "rate-sets": 12.0, "rate": 2.5, "compare": 3.0}
_ANSWER_S = {
    "rank": 20.0, "affect-grid": 2.0, "affective-slider": 3.0, "sam": 3.0, "likert": 3.0, "choice": 3.0, "yes-no": 3.0,
}  # fmt: skip
_START_S = 90.0  # consent and instructions


def summary(made: Frozen) -> dict[str, Any]:
    """Figures by name, and `notes`: sentences on what to know before the study begins."""
    study, units = made.study, made.units
    told, trials = balance(study, units), made.trials(0)
    people = study.people.wanted
    seconds = _START_S + sum(_seconds(study.kind, one) for one in trials)
    notes = list(units.left_out)
    if people % told.whole:
        more = math.ceil(people / told.whole) * told.whole
        notes.append(
            f"Methods, axes and places are balanced after {told.whole} people; {people} are wanted: {more} would be even."
        )
    if people < told.covered and told.covered > told.whole:
        notes.append(f"Every content is seen equally often after {told.covered} people; {people} are wanted.")
    if not study.design.checks:
        notes.append("There are no attention checks: design.checks adds some.")
    if study.people.entry == "open" and not study.people.completion_code:
        notes.append("Entry is open, and no completion code is shown at the end: people.completion_code sets one.")
    return {
        "name": study.name,
        "kind": study.kind,
        "title": study.study.title or made.words["titles"][study.kind.replace("-", "_")],
        "language": made.words["language"]["tag"],
        "hash": made.hash,
        "people": people,
        "pictures": len(units.pictures),
        "conditions": [one for one in units.conditions if one],
        "axes": [one for one in units.axes if one],
        "questions": list(dict.fromkeys(asked.question for one in trials for asked in one.questions)),
        "minutes": max(1, round(seconds / 60)),
        "trials_by_part": {part: sum(one.part == part for one in trials) for part in ("practice", "main", "check", "repeat")},
        "balance": asdict(told),
        "notes": notes,
    }


def _seconds(kind: str, trial: Trial) -> float:
    questions: tuple[Question, ...] = trial.questions
    grids = sum(one.instrument == "affect-grid" for one in questions)
    once = _ANSWER_S["affect-grid"] * max(0, grids - 1)  # one mark answers both
    return (_LOOK_S[kind] if trial.part != "check" else 2.0) + sum(_ANSWER_S[one.instrument] for one in questions) - once
