"""The questions of each kind of study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from emoticrafter.panel.study import Study
from emoticrafter.panel.trials import Question

__all__ = ["check_question", "questions_of"]

NINE = 9  # points of the affect grid's sides, and of the scales with drawings
CHECK_POINTS = 5


def questions_of(study: Study, axis: str | None, pictures: Sequence[str]) -> Iterator[Question]:
    """What is asked about a unit, in the order in which it is asked. pictures: ids in the order shown; axis: of a set."""
    if study.kind == "validate-pairs":
        for name in study.validate_pairs.questions:
            yield Question(question=name, instrument="yes-no")
    elif study.kind == "rank":
        yield Question(question="rank", instrument="rank")
        for picture in pictures if study.rank.rate else ():
            yield Question(question=str(axis), instrument="likert", picture=picture, low=-3.0, high=3.0, points=study.rank.points)
    elif study.kind == "rate-sets":
        for aspect in study.rate_sets.questions:
            yield _likert(aspect, study.rate_sets.points)
    elif study.kind == "compare":
        for side in study.compare.questions:
            yield Question(question=side, instrument="choice")
    else:
        yield from _ratings(study)


def check_question(right: float) -> Question:
    """An attention check, which says on the page what to answer."""
    return Question(question="check", instrument="likert", low=1.0, high=float(CHECK_POINTS), points=CHECK_POINTS, expected=right)


def _ratings(study: Study) -> Iterator[Question]:
    rate = study.rate
    for scale in rate.scales:
        if rate.instrument == "likert":
            yield _likert(scale, rate.points)
        elif rate.instrument == "affective-slider":
            yield Question(question=scale, instrument="affective-slider", low=0.0, high=1.0)
        else:
            yield Question(question=scale, instrument=rate.instrument, low=1.0, high=float(NINE), points=NINE)


def _likert(question: str, points: int) -> Question:
    return Question(question=question, instrument="likert", low=1.0, high=float(points), points=points)
