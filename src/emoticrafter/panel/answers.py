"""From what was answered on a trial to rows of the table of responses: every answer checked, the design's cell beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emoticrafter.errors import InputError
from emoticrafter.inputs.typed import shown
from emoticrafter.panel.responses import Response
from emoticrafter.panel.trials import Question, Trial

__all__ = ["Screen", "Who", "now", "respond"]

MOST_MS = 24 * 3600 * 1000.0  # a page left open overnight is the longest that is believed


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What a page is shown on, in CSS pixels; None where it was not told."""

    screen_width: int | None = None
    screen_height: int | None = None
    window_width: int | None = None
    window_height: int | None = None
    pixel_ratio: float | None = None
    touch: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Who:
    """Whose answers these are, in which study."""

    study: str
    study_hash: str
    kind: str
    simulated: bool
    participant: str
    session: str
    sequence: int


def respond(
    who: Who,
    trial: Trial,
    answers: Mapping[str, Any],
    rt_ms: Mapping[str, float],
    screen: Screen,
    answered_at: str | None = None,
) -> list[Response]:
    """The rows of a trial, in the order of its questions.

    answers, rt_ms: by `Question.name`, one each for every question and no others. answered_at: UTC, now where left out. Raises
    InputError for an answer that is none.
    """
    wanted = {one.name for one in trial.questions}
    for given in (answers, rt_ms):
        if set(given) != wanted:
            raise InputError(f"The answers are to {sorted(given)}; asked was {sorted(wanted)}.", "Load the page again.")
    when = answered_at or now()
    return [_row(who, trial, one, answers[one.name], rt_ms[one.name], screen, when) for one in trial.questions]


def now() -> str:
    """The time as the tables hold it: UTC, ISO 8601, with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _row(who: Who, trial: Trial, asked: Question, answer: Any, rt_ms: float, screen: Screen, when: str) -> Response:
    if isinstance(rt_ms, bool) or not isinstance(rt_ms, int | float) or not 0 <= rt_ms <= MOST_MS:
        raise InputError(f"The response time is {shown(rt_ms)}; it is from 0 to {MOST_MS:g} ms.", "Load the page again.")
    about = None if asked.picture is None else trial.pictures.index(asked.picture)
    methods = set(trial.methods)
    return Response(
        **vars(who),
        trial=trial.trial,
        part=trial.part,
        block=trial.block,
        unit=trial.unit,
        content=trial.content,
        pictures=list(trial.pictures),
        methods=list(trial.methods),
        valences=list(trial.valences),
        arousals=list(trial.arousals),
        method=trial.methods[about] if about is not None else methods.pop() if len(methods) == 1 else None,
        prompt=trial.prompt,
        prompt_id=trial.prompt_id,
        valence=trial.valence if about is None else trial.valences[about],
        arousal=trial.arousal if about is None else trial.arousals[about],
        seed=trial.seed,
        axis=trial.axis,
        question=asked.question,
        picture=asked.picture,
        instrument=asked.instrument,
        low=asked.low,
        high=asked.high,
        answer=_checked(asked, trial, answer),
        expected=asked.expected,
        repeat_of=trial.repeat_of,
        rt_ms=float(rt_ms),
        answered_at=when,
        **vars(screen),
    )


def _checked(asked: Question, trial: Trial, answer: Any) -> Any:
    if asked.instrument == "rank":
        if isinstance(answer, list) and all(isinstance(one, str) for one in answer) and sorted(answer) == sorted(trial.pictures):
            return answer
        raise _wrong(asked, answer, "the ids of all pictures of the set, each once")
    if asked.instrument == "choice":
        if isinstance(answer, str) and answer in trial.pictures:
            return answer
        raise _wrong(asked, answer, "the id of a picture shown")
    if asked.instrument == "yes-no":
        if isinstance(answer, bool):
            return answer
        raise _wrong(asked, answer, "true or false")
    low, high = float(asked.low or 0), float(asked.high or 0)
    rule = f"a number from {low:g} to {high:g}" + ("" if asked.points is None else f", one of {asked.points}")
    if isinstance(answer, bool) or not isinstance(answer, int | float) or not low <= answer <= high:
        raise _wrong(asked, answer, rule)
    if asked.points is not None:
        step = (high - low) / (asked.points - 1)
        place = round((answer - low) / step)
        if not math.isclose(low + place * step, answer, abs_tol=1e-6):
            raise _wrong(asked, answer, rule)
        return low + place * step
    return float(answer)


def _wrong(asked: Question, answer: Any, rule: str) -> InputError:
    problem = f"The answer to {asked.name} is {shown(answer)}; it must be {rule}."
    return InputError(problem, "Load the page again.", field=asked.name, value=answer)
