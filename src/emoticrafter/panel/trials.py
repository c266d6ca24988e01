"""What one participant is shown, trial by trial, and how answers become responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from emoticrafter.panel.responses import Part

__all__ = ["Instrument", "Question", "Trial"]

Instrument = Literal["rank", "affect-grid", "affective-slider", "sam", "likert", "choice", "yes-no"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question of a trial. The fields are those of `responses.Response`.

    points: how many answers a scale has, evenly from low to high; None where it is continuous.
    """

    question: str
    instrument: Instrument
    picture: str | None = None
    low: float | None = None
    high: float | None = None
    points: int | None = None
    expected: Any = None

    @property
    def name(self) -> str:
        """What a set of answers calls it: the question, with the picture that it is about."""
        return self.question if self.picture is None else f"{self.question}/{self.picture}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One page, or one set: pictures in the order shown, and questions. The fields are those of `responses.Response`.

    valence, arousal: where all pictures share them. neutral: of a pair of prompts, whose prompt is the emotional one.
    """

    trial: int
    part: Part
    block: int
    unit: str
    content: str
    pictures: tuple[str, ...]
    methods: tuple[str, ...]
    valences: tuple[float | None, ...]
    arousals: tuple[float | None, ...]
    prompt: str | None
    prompt_id: str | None
    seed: int | None
    valence: float | None
    arousal: float | None
    neutral: str | None
    axis: str | None
    repeat_of: int | None
    questions: tuple[Question, ...]
