"""How far people agree with themselves: trials that were shown again near the end."""

# n answers given twice

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emoticrafter.metrics.emotion import pearson
from emoticrafter.panel.analysis.agreement import intraclass_correlation
from emoticrafter.panel.analysis.measures import places_of
from emoticrafter.panel.analysis.ranks import order_consistencies
from emoticrafter.panel.responses import Response

__all__ = ["Retest", "retests"]


@dataclass(frozen=True, kw_only=True)
class Retest:
    """One question, answered twice. What does not apply to its instrument is None.

    same: share of answers that are the same. difference: mean |second - first| of a scale, in its own units. correlation, single:
    Pearson's r and ICC(2,1) over all people. order: mean tau-b of the two orders of a set.
    """

    question: str
    answers: int
    people: int
    same: float
    difference: float | None = None
    correlation: float | None = None
    single: float | None = None
    order: float | None = None


def retests(responses: Sequence[Response]) -> list[Retest]:
    """One statement for each question of the repeated trials, in the order of the answers."""
    first = {(one.participant, one.trial, one.question, one.picture): one for one in responses if one.part == "main"}
    pairs: dict[str, list[tuple[Response, Response]]] = defaultdict(list)
    for again in responses:
        key = (again.participant, again.repeat_of or 0, again.question, again.picture)
        if again.part == "repeat" and key in first:
            name = f"{again.question} by {again.axis}" if again.instrument == "rank" else again.question
            pairs[name].append((first[key], again))
    return [_retest(question, own) for question, own in pairs.items()]


def _retest(question: str, own: Sequence[tuple[Response, Response]]) -> Retest:
    people = len({one.participant for one, _ in own})
    if own[0][0].low is not None:
        both = np.array([[a.answer, b.answer] for a, b in own], np.float64)
        found = intraclass_correlation(both)
        r = pearson(both[:, 0], both[:, 1]) if len(both) > 2 else np.nan
        return Retest(
            question=question,
            answers=len(own),
            people=people,
            same=float((both[:, 0] == both[:, 1]).mean()),
            difference=float(np.abs(both[:, 1] - both[:, 0]).mean()),
            correlation=None if np.isnan(r) else r,
            single=found.single if found is not None else None,
        )
    same = float(np.mean([a.answer == b.answer for a, b in own]))
    if own[0][0].instrument != "rank":
        return Retest(question=question, answers=len(own), people=people, same=same)
    again = [[b.answer.index(picture) for picture in a.pictures] for a, b in own]
    order = order_consistencies(np.array([places_of(a) for a, _ in own]), np.array(again))
    return Retest(question=question, answers=len(own), people=people, same=same, order=float(np.mean(order)))
