"""People who do not exist, with a known truth: they answer in tests and benchmarks, so that the analysis can be held against it.

What they answer is marked as simulated in every row, and on every page that is made of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

from emoticrafter.panel.answers import Screen, Who, respond
from emoticrafter.panel.design import lay_out
from emoticrafter.panel.images import StudyPicture
from emoticrafter.panel.responses import Response
from emoticrafter.panel.store import Store
from emoticrafter.panel.study import (
    About,
    Compare,
    Design,
    Exclusion,
    People,
    Rank,
    Rate,
    RateSets,
    Study,
    StudyKind,
    ValidatePairs,
)
from emoticrafter.panel.trials import Question, Trial
from emoticrafter.panel.units import Unit, Units

__all__ = [
    "SimulatedPerson",
    "Truth",
    "answer_store",
    "imagined_study",
    "imagined_units",
    "laid_out",
    "simulated_people",
    "simulated_responses",
]

SLOWEST, QUICK = 2600.0, 140.0  # milliseconds: what an attentive answer takes at the middle, an inattentive one


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What there is to be seen. Methods that are not named have a slope of 1 and a quality of 0.

    slopes: by method, how much of the emotion asked for its pictures have. quality: by method, in points of a scale of five: how
    good its sheets and prompts are, and by how much its pictures are preferred. contents, pictures: standard deviations of what
    contents, and single pictures within them, add to either.
    """

    slopes: Mapping[str, float] = field(default_factory=dict)
    quality: Mapping[str, float] = field(default_factory=dict)
    contents: float = 0.3
    pictures: float = 0.3
    seed: int = 0

    def felt(self, trial: Trial, place: int, axis: str) -> float:
        """What the picture at a place of a trial has of an axis, -3 to 3 and a little beyond."""
        asked = (trial.valences if axis == "valence" else trial.arousals)[place] or 0.0
        slope = self.slopes.get(trial.methods[place], 1.0)
        return slope * asked + self._shift(f"{axis}/{trial.content}", self.contents) + self._own(trial, place, axis)

    def good(self, trial: Trial, method: str, question: str) -> float:
        """How good a method's work on a content is, in points: the content's share is the same for all methods."""
        shift = self._shift(f"{question}/{trial.content}", self.contents)
        return self.quality.get(method, 0.0) + shift + self._shift(f"{question}/{trial.content}/{method}", self.pictures)

    def _own(self, trial: Trial, place: int, axis: str) -> float:
        return self._shift(f"{axis}/{trial.pictures[place]}", self.pictures)

    def _shift(self, name: str, spread: float) -> float:
        return random.Random(f"{self.seed}/{name}").gauss(0, spread)


@dataclass(frozen=True, kw_only=True)
class SimulatedPerson:
    """One of them. bias: added to all that the person feels (valence, arousal, points). gain: how much of the scale is used.

    noise: standard deviation of an answer, in units of the plane or points. taste: added to a method's quality. careless: None
    for whoever attends; "random" answers at once and anything, "same" always the same.
    """

    number: int
    bias: Mapping[str, float]
    gain: float
    noise: float
    taste: Mapping[str, float]
    careless: str | None
    seed: int

    def answer(self, trial: Trial, truth: Truth) -> tuple[dict[str, Any], dict[str, float]]:
        """Answers and times in milliseconds, by the names of the trial's questions. The same ones whenever it is asked."""
        rng = random.Random(f"{self.seed}/{self.number}/{trial.trial}/{trial.unit}")
        answers = {one.name: self._answer(one, trial, truth, rng) for one in trial.questions}
        middle = QUICK if self.careless else SLOWEST
        return answers, {name: round(middle * rng.lognormvariate(0, 0.35), 1) for name in answers}

    def _answer(self, asked: Question, trial: Trial, truth: Truth, rng: random.Random) -> Any:
        if self.careless:
            return self._careless_answer(asked, trial, rng)
        if asked.question == "check":
            return asked.expected
        if asked.instrument == "rank":
            axis = str(trial.axis)
            felt = {picture: self._felt(trial, place, axis, truth, rng) for place, picture in enumerate(trial.pictures)}
            return sorted(trial.pictures, key=lambda picture: felt[picture])
        if asked.instrument == "choice":
            found = [self._good(trial, method, asked.question, truth, rng) for method in trial.methods]
            return trial.pictures[found.index(max(found))]
        method = trial.methods[0] if trial.methods else ""
        if asked.instrument == "yes-no":
            return self._good(trial, method, asked.question, truth, rng) > -1.0
        if asked.question in ("valence", "arousal", "dominance"):
            place = trial.pictures.index(asked.picture) if asked.picture else 0
            return snapped(asked, self._felt(trial, place, asked.question, truth, rng))
        middle = self._good(trial, method, asked.question, truth, rng) * 6 / 4  # of five points; the plane has six units
        return snapped(asked, middle)

    def _careless_answer(self, asked: Question, trial: Trial, rng: random.Random) -> Any:
        if asked.instrument == "rank":
            return rng.sample(trial.pictures, len(trial.pictures)) if self.careless == "random" else list(trial.pictures)
        if asked.instrument == "choice":
            return rng.choice(trial.pictures) if self.careless == "random" else trial.pictures[0]
        if asked.instrument == "yes-no":
            return rng.random() < 0.5 if self.careless == "random" else True
        return snapped(asked, rng.uniform(-3, 3) if self.careless == "random" else 3.0)

    def _felt(self, trial: Trial, place: int, axis: str, truth: Truth, rng: random.Random) -> float:
        return self.gain * truth.felt(trial, place, axis) + self.bias.get(axis, 0.0) + rng.gauss(0, self.noise)

    def _good(self, trial: Trial, method: str, question: str, truth: Truth, rng: random.Random) -> float:
        own = self.bias.get("points", 0.0) + self.taste.get(method, 0.0)
        return truth.good(trial, method, question) + own + rng.gauss(0, self.noise)


def simulated_people(
    count: int,
    methods: Sequence[str] = (),
    *,
    inattentive: float = 0.0,
    bias: float = 0.4,
    noise: float = 0.9,
    taste: float = 0.2,
    seed: int = 0,
) -> list[SimulatedPerson]:
    """So many, the last `inattentive` share of them careless, in turn by random answers and by ever the same.

    bias, noise, taste: standard deviations (noise: the middle of what people have).
    """
    careless = round(inattentive * count)
    found = []
    for number in range(count):
        rng = random.Random(f"{seed}/person/{number}")
        found.append(
            SimulatedPerson(
                number=number,
                bias={name: rng.gauss(0, bias) for name in ("valence", "arousal", "dominance", "points")},
                gain=min(max(rng.gauss(0.9, 0.12), 0.5), 1.2),
                noise=noise * rng.lognormvariate(0, 0.2),
                taste={method: rng.gauss(0, taste) for method in methods},
                careless=None if number < count - careless else ("random", "same")[number % 2],
                seed=seed,
            )
        )
    return found


def simulated_responses(
    study: Study, trials: Sequence[Sequence[Trial]], people: Sequence[SimulatedPerson], truth: Truth
) -> list[Response]:
    """What they answer. trials: of each person, as `design.lay_out` or the frozen study gives them."""
    found: list[Response] = []
    for person, own in zip(people, trials, strict=True):
        name = f"p{person.number + 1:03d}"
        who = Who(
            study=study.name, study_hash="0" * 16, kind=study.kind, simulated=True, participant=name, session=name,
            sequence=person.number,
        )  # fmt: skip
        for trial in own:
            answers, times = person.answer(trial, truth)
            found += respond(who, trial, answers, times, Screen(), "1970-01-01T00:00:00.000Z")
    return found


def answer_store(store: Store, people: Sequence[SimulatedPerson], truth: Truth) -> None:
    """Have them take part in a study on the disk, all of them to its end; the store must be one of simulated participants."""
    assert store.simulated, "programs and people are kept apart"
    for person, entry in zip(people, store.invite(len(people)), strict=True):
        store.begin(entry.participant)
        store.take(entry.participant, "simulated")
        for trial in store.frozen.trials(entry.sequence):
            answers, times = person.answer(trial, truth)
            store.add(entry.participant, "simulated", trial, answers, times, Screen())
        store.finish(entry.participant, "simulated")


def imagined_study(kind: StudyKind, **sections: Any) -> Study:
    """A study of a kind that nobody runs, with settings of its sections: design={"checks": 2}."""
    makers = {
        "people": People, "design": Design, "exclusion": Exclusion, "validate_pairs": ValidatePairs, "rank": Rank,
        "rate_sets": RateSets, "rate": Rate, "compare": Compare,
    }  # fmt: skip
    own: dict[str, Any] = {name: make(**sections.get(name, {})) for name, make in makers.items()}
    return Study(study=About(kind=kind, name="imagined"), pictures=(), **own)


def imagined_units(study: Study, methods: Sequence[str], contents: int) -> Units:
    """Units of pictures that nobody drew, for studies that nobody runs: so many contents, those for practice included."""
    pairs = study.kind == "validate-pairs"
    conditions = [f"{a} : {b}" for a, b in combinations(methods, 2)] if study.kind == "compare" else list(methods)
    axes: tuple[str | None, ...] = study.rank.axes if study.kind == "rank" else (None,)
    pictures: dict[str, StudyPicture] = {}
    units = []
    for content, condition, axis in product([f"content-{i}" for i in range(contents)], conditions, axes):
        own = list(_imagined(study, content, condition, axis)) if not pairs else []
        pictures |= {one.id: one for one in own}
        alike = own[0] if len(own) == 1 or study.kind == "compare" else None
        unit = Unit(
            id=f"{content}/{condition}/{axis}", content=content, condition=condition, axis=axis,
            pictures=tuple(one.id for one in own), prompt=content, prompt_id=content, seed=0,
            valence=alike.valence if alike else None, arousal=alike.arousal if alike else None,
        )  # fmt: skip
        units.append(unit)
    names = tuple(dict.fromkeys(one.content for one in units))
    return Units(contents=names, conditions=tuple(conditions), axes=axes, units=tuple(units), pictures=pictures)


def laid_out(study: Study, units: Units, people: int) -> list[tuple[Trial, ...]]:
    """The trials of the first so many people."""
    return [lay_out(study, units, sequence) for sequence in range(people)]


def _imagined(study: Study, content: str, condition: str, axis: str | None) -> Iterator[StudyPicture]:
    """The pictures of a unit: a row of the axis, a sheet of 3 x 3, or one emotion that the content's name decides."""
    own = random.Random(content)
    points: list[tuple[float, float]] = [(round(own.uniform(-3, 3), 2), round(own.uniform(-3, 3), 2))]
    if axis is not None:
        values = [-3 + 6 * i / (study.rank.size - 1) for i in range(study.rank.size)]
        points = [(x, study.rank.other) if axis == "valence" else (study.rank.other, x) for x in values]
    elif study.kind == "rate-sets":
        points = [(v, a) for a in (3.0, 0.0, -3.0) for v in (-3.0, 0.0, 3.0)]
    for method in condition.split(" : "):
        for valence, arousal in points:
            name = f"{content}/{method}/{valence:g}/{arousal:g}"
            yield StudyPicture(
                id=name, method=method, prompt=content, prompt_id=content, valence=valence, arousal=arousal, seed=0,
                file=f"{name}.png", sha256="", path="",
            )  # fmt: skip


def snapped(asked: Question, on_plane: float) -> float:
    """The answer nearest to a value of the plane's axis: within the scale, and at one of its points where it has points."""
    assert asked.low is not None and asked.high is not None, "a scale"
    share = min(max((on_plane + 3) / 6, 0.0), 1.0)
    if asked.points:
        share = round(share * (asked.points - 1)) / (asked.points - 1)
    return round(asked.low + share * (asked.high - asked.low), 6)
