"""What is read off the responses: values by person, content and method, to be compared; ratings by person and item, to agree."""

# n values

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emoticrafter.panel.analysis.crossed import table_of
from emoticrafter.panel.analysis.ranks import order_consistencies
from emoticrafter.panel.responses import Response

__all__ = ["Ratings", "StudyMeasure", "measures_of", "places_of", "ratings_of"]

AXES = ("valence", "arousal")


@dataclass(frozen=True, kw_only=True)
class StudyMeasure:
    """One value for each of n judgements. better: "higher", "lower", or "" where neither is. chance: of guessing; None for none.

    people, contents, methods: whose, of what, made by which, (n,) each. binary: values are 0 or 1.
    """

    name: str
    title: str
    about: str
    better: str
    values: np.ndarray
    people: tuple[str, ...]
    contents: tuple[str, ...]
    methods: tuple[str, ...]
    chance: float | None = None
    binary: bool = False

    def of(self, method: str) -> tuple[np.ndarray, list[str], list[str]]:
        """Values, people and contents of one method."""
        rows = [row for row, own in enumerate(self.methods) if own == method]
        return self.values[rows], [self.people[row] for row in rows], [self.contents[row] for row in rows]

    def tables(self) -> dict[str, np.ndarray]:
        """For each method, values (people, contents) with NaN where there is none; rows and columns are the same for all."""
        people, contents = (list(dict.fromkeys(some)) for some in (self.people, self.contents))
        found = {}
        for method in dict.fromkeys(self.methods):
            values, own_people, own_contents = self.of(method)
            table, rows, columns = table_of(values, own_people, own_contents)
            whole = np.full((len(people), len(contents)), np.nan)
            at = np.ix_([people.index(str(one)) for one in rows], [contents.index(str(one)) for one in columns])
            whole[at] = table
            found[method] = whole
        return found


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """What people said of the same items. level: nominal, ordinal or interval. table: float (items, people), NaN for none."""

    name: str
    title: str
    level: str
    table: np.ndarray
    items: tuple[str, ...]
    people: tuple[str, ...]


def measures_of(responses: Sequence[Response]) -> list[StudyMeasure]:
    """The measures of a study's main answers, by its kind. Answers of other parts are left out."""
    main = [one for one in responses if one.part == "main"]
    return list(_MEASURES[main[0].kind](main)) if main else []


def ratings_of(responses: Sequence[Response]) -> list[Ratings]:
    """What people can agree on: their ratings, orders or choices of the same items, by the main answers."""
    main = [one for one in responses if one.part == "main"]
    return list(_RATINGS[main[0].kind](main)) if main else []


def places_of(response: Response) -> list[int]:
    """The place of each picture in the order answered, from 0 for the lowest, in the order of `pictures`."""
    return [response.answer.index(picture) for picture in response.pictures]


def _of_rank(main: Sequence[Response]) -> Iterator[StudyMeasure]:
    for axis, own in _by(main, lambda one: one.axis or "").items():
        orders = [one for one in own if one.question == "rank"]
        if orders:
            meant = [one.valences if axis == "valence" else one.arousals for one in orders]
            found = [order_consistencies(np.array([m]), np.array([places_of(o)]))[0] for m, o in zip(meant, orders, strict=True)]
            about = (
                "Kendall's tau-b of the order that people put a set into with the order asked for: 1 is the same, 0 what guessing"
                " gives, -1 the reverse."
            )
            yield _measure(f"{axis}_order", f"{axis} order", about, "higher", found, orders, chance=0.0)
        yield from _errors(axis, [one for one in own if one.question == axis])


def _of_rate(main: Sequence[Response]) -> Iterator[StudyMeasure]:
    for question, own in _by(main, lambda one: one.question).items():
        if question in AXES:
            yield from _errors(question, [one for one in own if _asked(one, question) is not None])
        else:
            about = f"Mean {question}, from -3 to 3."
            yield _measure(f"{question}_mean", question, about, "", [_on_plane(one) for one in own], own)


def _of_sets(main: Sequence[Response]) -> Iterator[StudyMeasure]:
    for question, own in _by(main, lambda one: one.question).items():
        about = f"Mean rating of the sheets' {question}, from {own[0].low:g} to {own[0].high:g}."
        yield _measure(question, question, about, "higher", [float(one.answer) for one in own], own)


def _of_compare(main: Sequence[Response]) -> Iterator[StudyMeasure]:
    for question, own in _by(main, lambda one: one.question).items():
        rows = [
            (one, method, float(picture == one.answer))
            for one in own
            for picture, method in zip(one.pictures, one.methods, strict=True)
        ]
        about = "Share of the comparisons that a method was in and was preferred."
        title = {"feeling": "nearer to the feeling", "words": "nearer to the words"}.get(question, question)
        yield StudyMeasure(
            name=f"{question}_preferred", title=title, about=about, better="higher", values=np.array([v for *_, v in rows]),
            people=tuple(one.participant for one, *_ in rows), contents=tuple(one.content for one, *_ in rows),
            methods=tuple(method for _, method, _ in rows), chance=0.5, binary=True,
        )  # fmt: skip


def _of_pairs(main: Sequence[Response]) -> Iterator[StudyMeasure]:
    about = {
        "content": "Share of answers that both prompts have the same content.",
        "feeling": "Share of answers that the emotional prompt has the feeling stated.",
        "fluent": "Share of answers that the emotional prompt reads well.",
    }
    for question, own in _by(main, lambda one: one.question).items():
        yield _measure(
            question, question, about.get(question, ""), "higher", [float(one.answer) for one in own], own, binary=True
        )
    keeps, own = _keeps(main)
    yield _measure(
        "keep", "keep", "Share of people's votes to keep a pair: yes to all questions.", "higher", keeps, own, binary=True
    )


def _errors(axis: str, own: Sequence[Response]) -> Iterator[StudyMeasure]:
    known = [(one, asked) for one in own if (asked := _asked(one, axis)) is not None]
    if known:
        errors = [abs(_on_plane(one) - asked) for one, asked in known]
        about = f"Mean distance of the {axis} that people rated from the one asked for; both axes run from -3 to 3."
        yield _measure(f"{axis}_error", f"{axis[0].upper()}-Error", about, "lower", errors, [one for one, _ in known])


def _ratings_of_rank(main: Sequence[Response]) -> Iterator[Ratings]:
    for axis, own in _by(main, lambda one: one.axis or "").items():
        placed = [
            (one, picture, float(place))
            for one in own
            if one.question == "rank"
            for picture, place in zip(one.pictures, places_of(one), strict=True)
        ]
        if placed:
            table, people, items = table_of(
                np.array([place for *_, place in placed]),
                [one.participant for one, *_ in placed],
                [f"{one.unit}/{picture}" for one, picture, _ in placed],
            )
            yield Ratings(
                name=f"{axis}_places", title=f"place of a picture by {axis}", level="ordinal", table=table.T,
                items=tuple(map(str, items)), people=tuple(map(str, people)),
            )  # fmt: skip
        rated = [one for one in own if one.question == axis]
        if rated:
            yield _table(axis, f"{axis} of a picture", "interval", rated, [_on_plane(one) for one in rated], _picture)


def _ratings_of_rate(main: Sequence[Response]) -> Iterator[Ratings]:
    for question, own in _by(main, lambda one: one.question).items():
        yield _table(question, f"{question} of a picture", "interval", own, [_on_plane(one) for one in own], _picture)


def _ratings_of_sets(main: Sequence[Response]) -> Iterator[Ratings]:
    for question, own in _by(main, lambda one: one.question).items():
        yield _table(question, f"{question} of a sheet", "ordinal", own, [float(one.answer) for one in own], _unit)


def _ratings_of_compare(main: Sequence[Response]) -> Iterator[Ratings]:
    for question, own in _by(main, lambda one: one.question).items():
        chosen = [float(one.methods[one.pictures.index(one.answer)] == min(one.methods)) for one in own]
        yield _table(question, f"choice by {question}", "nominal", own, chosen, _unit)


def _ratings_of_pairs(main: Sequence[Response]) -> Iterator[Ratings]:
    for question, own in _by(main, lambda one: one.question).items():
        yield _table(question, f"answers on {question}", "nominal", own, [float(one.answer) for one in own], _unit)
    keeps, own = _keeps(main)
    yield _table("keep", "votes to keep", "nominal", own, keeps, _unit)


_MEASURES: dict[str, Callable[[Sequence[Response]], Iterator[StudyMeasure]]] = {
    "rank": _of_rank, "rate": _of_rate, "rate-sets": _of_sets, "compare": _of_compare, "validate-pairs": _of_pairs,
}  # fmt: skip
_RATINGS: dict[str, Callable[[Sequence[Response]], Iterator[Ratings]]] = {
    "rank": _ratings_of_rank, "rate": _ratings_of_rate, "rate-sets": _ratings_of_sets, "compare": _ratings_of_compare,
    "validate-pairs": _ratings_of_pairs,
}  # fmt: skip


def _measure(
    name: str,
    title: str,
    about: str,
    better: str,
    values: Sequence[float],
    own: Sequence[Response],
    *,
    chance: float | None = None,
    binary: bool = False,
) -> StudyMeasure:
    return StudyMeasure(
        name=name, title=title, about=about, better=better, values=np.array(values, np.float64),
        people=tuple(one.participant for one in own), contents=tuple(one.content for one in own),
        methods=tuple(one.method or "" for one in own), chance=chance, binary=binary,
    )  # fmt: skip


def _table(
    name: str, title: str, level: str, own: Sequence[Response], values: Sequence[float], item: Callable[[Response], str]
) -> Ratings:
    table, people, items = table_of(np.array(values), [one.participant for one in own], [item(one) for one in own])
    return Ratings(
        name=name, title=title, level=level, table=table.T, items=tuple(map(str, items)), people=tuple(map(str, people))
    )


def _keeps(main: Sequence[Response]) -> tuple[list[float], list[Response]]:
    """Each person's vote on each pair: 1 where all answers are yes; and a response of that trial."""
    trials: dict[tuple[str, int], list[Response]] = defaultdict(list)
    for one in main:
        trials[one.participant, one.trial].append(one)
    return [float(all(one.answer for one in own)) for own in trials.values()], [own[0] for own in trials.values()]


def _by(responses: Sequence[Response], key: Callable[[Response], str]) -> Mapping[str, list[Response]]:
    found: dict[str, list[Response]] = defaultdict(list)
    for one in responses:
        found[key(one)].append(one)
    return found


def _asked(one: Response, axis: str) -> float | None:
    return one.valence if axis == "valence" else one.arousal


def _on_plane(one: Response) -> float:
    value = one.on_plane
    assert value is not None, "a scale"
    return value


def _picture(one: Response) -> str:
    return one.picture or one.unit


def _unit(one: Response) -> str:
    return one.unit
