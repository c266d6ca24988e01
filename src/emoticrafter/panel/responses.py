"""The table of responses: where a study's page, its store, its exports and its analysis meet.

A row is one answer to one question, with the cell of the design that it was given in. The columns are the fields of `Response`;
SQL, CSV and codebook are made from them.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

__all__ = ["COLUMNS", "Part", "Response", "ResponseColumn"]

Part = Literal["practice", "main", "check", "repeat"]


@dataclass(frozen=True, kw_only=True)
class Response:
    """An answer of a person, and what it was about.

    Lists have an entry per picture of the trial, in the order in which the pictures were shown. What is the same for all pictures
    of a trial stands in a column of its own, too, which is None where they differ.
    """

    study: Annotated[str, "name of the study"]
    study_hash: Annotated[str, "first 16 hexadecimal digits of the sha256 of the frozen study: settings, pictures, words"]
    kind: Annotated[str, "kind of the study: validate-pairs, rank, rate-sets, rate or compare"]
    simulated: Annotated[bool, "whether the participant is a program; never true of people"]
    participant: Annotated[str, "participant: p001, p002, ..."]
    session: Annotated[str, "session of the browser: another one after each loading of the page"]
    sequence: Annotated[int, "row of the counterbalanced design that the participant follows, from 0"]
    trial: Annotated[int, "number of the trial within the participant's order, from 1, practice and checks counted"]
    part: Annotated[Part, "practice: not to be analysed; main; check: an attention check; repeat: a main trial shown again"]
    block: Annotated[int, "number of the block, from 0; 0 for practice"]
    unit: Annotated[
        str, "what was judged, the same for all participants: id of a set, sheet, picture, pair of prompts or comparison"
    ]
    content: Annotated[str, "id of the unit without method and axis: units that differ only in these share it"]
    pictures: Annotated[list[str], "ids of the pictures"]
    methods: Annotated[list[str], "method that drew each picture"]
    valences: Annotated[list[float | None], "valence that each picture was asked for, -3 to 3"]
    arousals: Annotated[list[float | None], "arousal that each picture was asked for, -3 to 3"]
    method: Annotated[str | None, "the method, where all pictures are of one, or where the answer is about one picture"]
    prompt: Annotated[str | None, "the prompt, where all pictures are of one"]
    prompt_id: Annotated[str | None, "id of the prompt, or of the pair of prompts"]
    valence: Annotated[
        float | None, "the valence asked for, where all pictures share it, or that of the one that the answer is about"
    ]
    arousal: Annotated[float | None, "the arousal asked for, likewise"]
    seed: Annotated[int | None, "seed, where all pictures share it"]
    axis: Annotated[str | None, "rank: the axis on which the pictures of the set differ, valence or arousal"]
    question: Annotated[
        str, "rank, valence, arousal, dominance, consistency, smoothness, feeling, words, content, fluent, or check"
    ]
    picture: Annotated[str | None, "id of the picture that the answer is about; None where it is about all that is shown"]
    instrument: Annotated[str, "rank, affect-grid, affective-slider, sam, likert, choice or yes-no"]
    low: Annotated[float | None, "lowest answer of the instrument where it is a scale; on the plane it is -3"]
    high: Annotated[float | None, "highest answer of the scale; on the plane it is 3"]
    answer: Annotated[
        Any,
        "scales: a number from low to high; rank: ids of pictures from the lowest to the highest; choice: id of a picture; "
        "yes-no: true or false",
    ]
    expected: Annotated[Any, "the right answer of an attention check; None elsewhere"]
    repeat_of: Annotated[int | None, "number of the trial that this one shows again; None elsewhere"]
    rt_ms: Annotated[
        float, "milliseconds from the showing of the pictures, or of the question's page, to the last change of the answer"
    ]
    answered_at: Annotated[str, "when the server received it: UTC, ISO 8601, with milliseconds"]
    screen_width: Annotated[int | None, "width of the screen in CSS pixels"]
    screen_height: Annotated[int | None, "height of the screen in CSS pixels"]
    window_width: Annotated[int | None, "width of the page in CSS pixels"]
    window_height: Annotated[int | None, "height of the page in CSS pixels"]
    pixel_ratio: Annotated[float | None, "device pixels per CSS pixel"]
    touch: Annotated[bool | None, "whether the answer was given by touch"]

    def entries(self) -> dict[str, Any]:
        """ResponseColumn by column, lists and answers as JSON texts: what a table of texts, numbers and truth values holds."""
        return {one.name: _dumped(getattr(self, one.name)) if one.kind == "json" else getattr(self, one.name) for one in COLUMNS}

    @classmethod
    def of(cls, entries: dict[str, Any]) -> Response:
        """The response of what `entries` gave, as SQLite and CSV readers with types give it back."""
        values = {}
        for one in COLUMNS:
            value = entries[one.name]
            if value is not None and one.kind == "json":
                value = json.loads(value)
            elif value is not None and one.kind == "truth":
                value = bool(value)
            values[one.name] = value
        return cls(**values)

    @property
    def on_plane(self) -> float | None:
        """The answer of a scale on the plane's axis, -3 to 3; None where the answer is of another kind."""
        if self.low is None or self.high is None or not isinstance(self.answer, int | float):
            return None
        return -3 + 6 * (self.answer - self.low) / (self.high - self.low)


@dataclass(frozen=True, kw_only=True)
class ResponseColumn:
    """A column of the table: kind is text, integer, real, truth, or json (a text that holds JSON)."""

    name: str
    kind: str
    nullable: bool
    about: str


def _columns() -> Iterator[ResponseColumn]:
    kinds = {int: "integer", float: "real", bool: "truth", str: "text"}
    hints = get_type_hints(Response, include_extras=True)
    for field in dataclasses.fields(Response):
        hint, about = get_args(hints[field.name])
        several = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
        first = next(one for one in several if one is not type(None))
        first = str if get_origin(first) is Literal else first
        yield ResponseColumn(
            name=field.name,
            kind=kinds.get(first, "json"),
            nullable=type(None) in several or field.name == "expected",
            about=about,
        )


def _dumped(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, allow_nan=False)


COLUMNS = tuple(_columns())
