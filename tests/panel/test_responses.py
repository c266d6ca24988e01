"""The table of responses: its columns, how a row goes to a table and back, what answers are taken."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from emoticrafter.errors import InputError
from emoticrafter.panel.answers import MOST_MS, respond
from emoticrafter.panel.responses import COLUMNS, Response
from emoticrafter.panel.trials import Question, Trial
from tests.panel.studies import SCREEN, WHO, answers_to, frozen_study

TRIAL = Trial(
    trial=3, part="main", block=1, unit="u", content="c", pictures=("x", "y", "z"), methods=("a", "a", "a"),
    valences=(0.0, 3.0, -3.0), arousals=(1.0, 1.0, 1.0), prompt="a dog", prompt_id="d", seed=7, valence=None, arousal=1.0,
    neutral=None, axis="valence", repeat_of=None,
    questions=(
        Question(question="rank", instrument="rank"),
        Question(question="valence", instrument="likert", picture="y", low=-3.0, high=3.0, points=7),
    ),
)  # fmt: skip
GOOD: dict[str, Any] = {"rank": ["z", "x", "y"], "valence/y": 2}
TIMES = {"rank": 5000.0, "valence/y": 900.0}


def test_a_row_holds_the_cell_of_the_design() -> None:
    rank, rated = respond(WHO, TRIAL, GOOD, TIMES, SCREEN, "2026-01-02T03:04:05.678Z")
    assert (rank.question, rank.picture, rank.answer, rank.low, rank.on_plane) == ("rank", None, ["z", "x", "y"], None, None)
    assert (rank.valence, rank.arousal, rank.method, rank.methods) == (None, 1.0, "a", ["a", "a", "a"])
    assert (rated.question, rated.picture, rated.answer, rated.on_plane) == ("valence", "y", 2.0, 2.0)
    assert (rated.valence, rated.arousal, rated.method, rated.rt_ms) == (3.0, 1.0, "a", 900.0)
    assert (rated.trial, rated.block, rated.axis, rated.seed, rated.screen_width) == (3, 1, "valence", 7, 1280)
    assert rated.answered_at == "2026-01-02T03:04:05.678Z"


@pytest.mark.parametrize(("low", "high", "answer", "plane"), [(1, 9, 9, 3), (1, 9, 5, 0), (0, 1, 0.25, -1.5), (1, 5, 2, -1.5)])
def test_a_scale_is_laid_onto_the_plane(low: float, high: float, answer: float, plane: float) -> None:
    (row,) = respond(WHO, one_question(low=float(low), high=float(high)), {"valence": answer}, {"valence": 1.0}, SCREEN)
    assert row.on_plane == pytest.approx(plane)


def one_question(**given: Any) -> Trial:
    asked = Question(question="valence", **{"instrument": "affective-slider", **given})
    return dataclasses.replace(TRIAL, questions=(asked,))


def test_a_row_comes_back_from_a_table() -> None:
    for row in respond(WHO, TRIAL, GOOD, TIMES, SCREEN):
        entries = row.entries()
        assert list(entries) == [one.name for one in COLUMNS]
        assert all(isinstance(value, str | int | float | None) for value in entries.values())
        assert Response.of(entries) == row
        as_sqlite = {name: int(value) if isinstance(value, bool) else value for name, value in entries.items()}
        assert Response.of(as_sqlite) == row


def test_the_columns_are_frozen() -> None:
    """Exports and analyses of others read these names."""
    assert [(one.name, one.kind) for one in COLUMNS] == [
        ("study", "text"), ("study_hash", "text"), ("kind", "text"), ("simulated", "truth"), ("participant", "text"),
        ("session", "text"), ("sequence", "integer"), ("trial", "integer"), ("part", "text"), ("block", "integer"),
        ("unit", "text"), ("content", "text"), ("pictures", "json"), ("methods", "json"), ("valences", "json"),
        ("arousals", "json"), ("method", "text"), ("prompt", "text"), ("prompt_id", "text"), ("valence", "real"),
        ("arousal", "real"), ("seed", "integer"), ("axis", "text"), ("question", "text"), ("picture", "text"),
        ("instrument", "text"), ("low", "real"), ("high", "real"), ("answer", "json"), ("expected", "json"),
        ("repeat_of", "integer"), ("rt_ms", "real"), ("answered_at", "text"), ("screen_width", "integer"),
        ("screen_height", "integer"), ("window_width", "integer"), ("window_height", "integer"), ("pixel_ratio", "real"),
        ("touch", "truth"),
    ]  # fmt: skip
    assert all(one.about for one in COLUMNS)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("rank", ["z", "x"]), ("rank", ["z", "x", "x"]), ("rank", ["z", "x", "q"]), ("rank", "zxy"), ("rank", [1, 2, 3]),
        ("valence/y", 2.5), ("valence/y", 4), ("valence/y", True), ("valence/y", "2"), ("valence/y", None),
        ("valence/y", float("nan")), ("valence/y", [2]),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(name: str, answer: Any) -> None:
    with pytest.raises(InputError) as caught:
        respond(WHO, TRIAL, {**GOOD, name: answer}, TIMES, SCREEN)
    assert caught.value.field == name


@pytest.mark.parametrize("answers", [{}, {"rank": ["z", "x", "y"]}, {**GOOD, "valence/x": 1}])
def test_all_questions_are_answered_and_no_others(answers: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="The answers are to"):
        respond(WHO, TRIAL, answers, TIMES, SCREEN)


@pytest.mark.parametrize("rt_ms", [-1.0, MOST_MS + 1, float("nan"), float("inf"), True, "1"])
def test_a_response_time_is_a_time(rt_ms: Any) -> None:
    with pytest.raises(InputError, match="response time"):
        respond(WHO, TRIAL, GOOD, {**TIMES, "rank": rt_ms}, SCREEN)


@pytest.mark.parametrize(
    ("kind", "more", "asked"),
    [
        ("rate", "", ["valence affect-grid 1-9", "arousal affect-grid 1-9"]),
        ("rate", '[rate]\ninstrument = "affective-slider"', ["valence affective-slider 0-1", "arousal affective-slider 0-1"]),
        (
            "rate",
            '[rate]\ninstrument = "sam"\nscales = ["valence", "arousal", "dominance"]',
            ["valence sam 1-9", "arousal sam 1-9", "dominance sam 1-9"],
        ),
        ("rate", '[rate]\ninstrument = "likert"\npoints = 7', ["valence likert 1-7", "arousal likert 1-7"]),
        ("rate-sets", "", ["consistency likert 1-5", "smoothness likert 1-5"]),
        ("compare", "", ["feeling choice", "words choice"]),
        ("validate-pairs", "", ["content yes-no", "feeling yes-no", "fluent yes-no"]),
    ],
)
def test_each_kind_asks_its_questions_and_takes_their_answers(tmp_path: Path, kind: str, more: str, asked: list[str]) -> None:
    frozen = frozen_study(tmp_path, kind, more, values=(-3.0, 3.0))
    trial = next(one for one in frozen.trials(0) if one.part == "main")
    answers, times = answers_to(trial)
    rows = respond(dataclasses.replace(WHO, kind=kind), trial, answers, times, SCREEN)
    shown = [f"{one.question} {one.instrument}" + ("" if one.low is None else f" {one.low:g}-{one.high:g}") for one in rows]
    assert shown == asked
