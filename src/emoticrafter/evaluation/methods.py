"""What a suite compares: ours, the rivals, and the rows that stand in every table; each opened, trained first where a recipe is
given, and drawn.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError, StoppedError
from emoticrafter.evaluation.pictures import PictureRow, Reading, draw_method, neutral_rows, settings_of, suite_rows, sweep_rows
from emoticrafter.files import user_path
from emoticrafter.method import Unopened
from emoticrafter.request import Request
from emoticrafter.rivals.controls import NEUTRAL, RULES, TRUTH
from emoticrafter.rivals.opening import check_method
from emoticrafter.rivals.rival import Rival
from emoticrafter.sampling import Sampling
from emoticrafter.settings import as_toml
from emoticrafter.watch import Watch

if TYPE_CHECKING:
    from emoticrafter.backbones.outline import Outline
    from emoticrafter.batch.drawing import Engine
    from emoticrafter.evaluation.cases import Case
    from emoticrafter.evaluation.suite import ComparedMethod, Suite
    from emoticrafter.method import Method
    from emoticrafter.training.recipe import Recipe

__all__ = [
    "ALWAYS_ZERO", "NEUTRAL", "RULES", "TRUTH", "Compared", "Notes", "Opener", "Producer", "budget_of",
    "check_drawing", "recipe_of", "truth_of",
]  # fmt: skip

Opener = Callable[[str, bool], AbstractContextManager[tuple["Method", "Engine | None"]]]  # (source, calibrated)
ALWAYS_ZERO = "always 0"


def truth_of(suite: Suite) -> str:
    """Who writes the emotional prompts that stand in every table as the truth."""
    return TRUTH if suite.prompts.source == "storybook" else RULES


def budget_of(opened: Any) -> Mapping[str, Any]:
    """What is known of a method's training: JSON values, empty where nothing is known."""
    if isinstance(opened, Rival):
        module = opened.module
        count = {"parameters": sum(p.numel() for p in module.parameters())} if module is not None else {}
        return {**count, **opened.trained}
    eit = getattr(opened, "eit", None)
    if eit is None:
        return {}
    known = {name: eit.metadata[name] for name in ("step", "pairs", "alpha", "strength") if name in eit.metadata}
    return {"parameters": sum(p.numel() for p in eit.parameters()), **known}


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A row of the tables: a method, or one that stands in every table. pictures: at the strength compared; sweep: at others."""

    label: str
    source: str
    method: bool
    describe: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)
    pictures: Sequence[PictureRow] = ()
    sweep: Mapping[float, Sequence[PictureRow]] = field(default_factory=dict)

    def all_pictures(self) -> list[PictureRow]:
        return [*self.pictures, *(one for more in self.sweep.values() for one in more)]

    def with_readings(self, readings: Mapping[str, Reading]) -> Compared:
        """The same with what was read from each picture, by `PictureRow.key`."""

        def read(rows: Sequence[PictureRow]) -> list[PictureRow]:
            return [replace(row, reading=readings[row.key]) for row in rows]

        return replace(self, pictures=read(self.pictures), sweep={strength: read(rows) for strength, rows in self.sweep.items()})


@dataclass
class Notes:
    """What each stage did, and whether it had anything to do."""

    stages: list[dict[str, Any]] = field(default_factory=list)

    def add(self, stage: str, method: str, began: float, unchanged: bool, **more: Any) -> None:
        seconds = round(time.perf_counter() - began, 2)
        self.stages.append({"stage": stage, "method": method, "unchanged": unchanged, "seconds": seconds, **more})


@dataclass(frozen=True, kw_only=True)
class Producer:
    """Makes rows, in the folder `work`."""

    suite: Suite
    cases: Sequence[Case]
    work: Path
    opener: Opener
    notes: Notes
    watch: Watch
    quiet: bool

    def rows(self) -> list[Compared]:
        """Those that stand in every table, and the suite's methods; what is to be trained is trained first."""
        sources = [self._trained(method) for method in self.suite.methods]
        truth = truth_of(self.suite)
        return [
            self._neutral(),
            self._drawn(truth, truth, None, calibrated=False, method=False),
            *(
                self._drawn(method.name, source, method.strength, calibrated=method.calibrated, method=True)
                for method, source in zip(self.suite.methods, sources, strict=True)
            ),
        ]

    def _trained(self, method: ComparedMethod) -> str:
        """The method's source; of one with a recipe, the checkpoint that is trained by it."""
        if method.recipe is None:
            return method.source
        from emoticrafter.training import train

        began = time.perf_counter()
        recipe = recipe_of(method, self.suite)
        folder = self.work / "trained" / hashlib.sha256(as_toml(recipe).encode()).hexdigest()[:8]  # what is alike is trained once
        outcome = train(recipe, folder, title=f"training {method.name}", quiet=self.quiet)
        if outcome.signal is not None or outcome.checkpoint is None:
            raise StoppedError("A signal ended the training.", "The same call goes on.")
        self.notes.add("train", method.name, began, outcome.seconds < 0.5)
        return str(outcome.checkpoint)

    def _neutral(self) -> Compared:
        with self.opener(NEUTRAL, False) as (opened, engine):
            pictures = self._draw(opened, engine, neutral_rows(self.cases, self.suite), NEUTRAL)
            return Compared(
                label=NEUTRAL, source=NEUTRAL, method=False, describe=_description(opened), budget={}, pictures=pictures
            )

    def _drawn(self, label: str, source: str, strength: float | None, *, calibrated: bool, method: bool) -> Compared:
        with self.opener(source, calibrated) as (opened, engine):
            pictures = self._draw(opened, engine, suite_rows(self.cases, self.suite, strength), label)
            own = strength if strength is not None else float((opened.describe().get("defaults") or {}).get("strength", 1.0))
            others = [round(own * factor, 6) for factor in self.suite.sweep.factors] if method else []
            sweep = {other: self._draw(opened, engine, sweep_rows(self.cases, self.suite, other), label) for other in others}
            return Compared(
                label=label,
                source=source,
                method=method,
                describe={**_description(opened), "strength": own},
                budget=dict(budget_of(opened)),
                pictures=pictures,
                sweep=sweep,
            )

    def _draw(self, opened: Method, engine: Engine | None, rows: Sequence[Any], label: str) -> list[PictureRow]:
        began = time.perf_counter()
        found, drawn = draw_method(opened, engine, rows, self.work / "pictures", label, self.cases, self.watch)
        self.notes.add("generate", label, began, drawn == 0, pictures=drawn)
        return found


def check_drawing(suite: Suite, cases: Sequence[Case], outline: Outline) -> None:
    """Raise what a model would refuse of a suite, before it is loaded: prompts, seeds and settings, and each of the methods."""
    unopened = Unopened(outline)
    settings = settings_of(suite)
    for seed in suite.emotions.seeds:
        unopened.check(Request.of([case.prompt for case in cases], Emotion.neutral(), seed=seed, **settings))
    for method in suite.methods:
        Sampling(strength=method.strength)
        if method.recipe is not None:
            recipe_of(method, suite)
        else:
            check_method(method.source, outline)


def recipe_of(method: ComparedMethod, suite: Suite) -> Recipe:
    """The recipe that a method is trained by, with the features that it learns from. Raises InputError and MissingError."""
    from emoticrafter.training import read_recipe

    assert method.recipe is not None
    recipe = read_recipe(method.recipe, method.set)
    features = suite.training.features or recipe.data.features
    if not user_path(features).is_dir():
        raise InputError(
            f"There are no features {features!r} to train {method.name!r} on.",
            "`sh runs/storybook.sh` makes those of the storybook; --set training.features=DIR names others.",
        )
    return replace(recipe, data=replace(recipe.data, features=features))


def _description(opened: Method) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(json.dumps(dict(opened.describe()), default=str))
    return about
