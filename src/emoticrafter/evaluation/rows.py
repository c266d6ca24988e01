"""The rows of the table, each with its pictures: a method is trained where a recipe is given, then it draws."""

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
from emoticrafter.errors import InputError
from emoticrafter.evaluation import makers
from emoticrafter.evaluation.drawing import Drawn, draw_method, neutral_rows, settings_of, suite_rows, sweep_rows
from emoticrafter.evaluation.reading import Shown
from emoticrafter.files import user_path
from emoticrafter.inputs.named import below
from emoticrafter.method import Unopened
from emoticrafter.request import Request
from emoticrafter.rivals.opening import check_method
from emoticrafter.sampling import Sampling
from emoticrafter.settings import as_toml

if TYPE_CHECKING:
    from emoticrafter.backbones.outline import Outline
    from emoticrafter.batch.drawing import Engine
    from emoticrafter.evaluation.cases import Case
    from emoticrafter.evaluation.suite import Method, Suite
    from emoticrafter.method import Method as Drawing
    from emoticrafter.training.recipe import Recipe

__all__ = ["Notes", "Opener", "Producer", "Row", "Step", "StoppedEarlyError", "check_drawing", "recipe_of", "shown"]

Step = Callable[[int, int], None]
Opener = Callable[[str, bool], AbstractContextManager[tuple["Drawing", "Engine | None"]]]  # (source, calibrated)


class StoppedEarlyError(Exception):
    """A signal asked the run to stop; the same call goes on."""


@dataclass(kw_only=True)
class Row:
    """A row of the table as it comes together."""

    label: str
    source: str
    method: bool
    describe: dict[str, Any] = field(default_factory=dict)
    budget: dict[str, Any] = field(default_factory=dict)
    pictures: list[dict[str, Any]] = field(default_factory=list)
    sweep: dict[float, list[dict[str, Any]]] = field(default_factory=dict)

    def all_pictures(self) -> list[dict[str, Any]]:
        return [*self.pictures, *(one for more in self.sweep.values() for one in more)]


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
    progress: Callable[[str], Step]
    stop: Callable[[], bool]
    warn: Callable[[str], None]
    quiet: bool

    def rows(self) -> list[Row]:
        """Those that stand in every table, and the suite's methods; what is to be trained is trained first."""
        sources = [self._trained(method) for method in self.suite.methods]
        truth = makers.truth_of(self.suite)
        return [
            self._neutral(),
            self._drawn(truth, truth, None, calibrated=False, method=False),
            *(
                self._drawn(method.name, source, method.strength, calibrated=method.calibrated, method=True)
                for method, source in zip(self.suite.methods, sources, strict=True)
            ),
        ]

    def _trained(self, method: Method) -> str:
        """The method's source; of one with a recipe, the checkpoint that is trained by it."""
        if method.recipe is None:
            return method.source
        from emoticrafter.training import train

        began = time.perf_counter()
        recipe = recipe_of(method, self.suite)
        folder = self.work / "trained" / hashlib.sha256(as_toml(recipe).encode()).hexdigest()[:8]  # what is alike is trained once
        outcome = train(recipe, folder, title=f"training {method.name}", quiet=self.quiet)
        if outcome.signal is not None or outcome.checkpoint is None:
            raise StoppedEarlyError
        self.notes.add("train", method.name, began, outcome.seconds < 0.5)
        return str(outcome.checkpoint)

    def _neutral(self) -> Row:
        row = Row(label=makers.NEUTRAL, source=makers.NEUTRAL, method=False)
        with self.opener(makers.NEUTRAL, False) as (maker, engine):
            row.pictures = self._draw(maker, engine, neutral_rows(self.cases, self.suite), row.label).rows
            row.describe = _description(maker)
        return row

    def _drawn(self, label: str, source: str, strength: float | None, *, calibrated: bool, method: bool) -> Row:
        row = Row(label=label, source=source, method=method)
        with self.opener(source, calibrated) as (maker, engine):
            row.describe, row.budget = _description(maker), dict(makers.budget_of(maker))
            row.pictures = self._draw(maker, engine, suite_rows(self.cases, self.suite, strength), label).rows
            own = strength if strength is not None else float((maker.describe().get("defaults") or {}).get("strength", 1.0))
            for factor in self.suite.sweep.factors if method else ():
                wanted = sweep_rows(self.cases, self.suite, round(own * factor, 6))
                row.sweep[round(own * factor, 6)] = self._draw(maker, engine, wanted, label).rows
            row.describe["strength"] = own
        return row

    def _draw(self, maker: Drawing, engine: Engine | None, rows: Sequence[Any], label: str) -> Drawn:
        began = time.perf_counter()
        found = draw_method(
            maker, engine, rows, self.work / "pictures", label, progress=self.progress, stop=self.stop, warn=self.warn
        )
        self.notes.add("generate", label, began, found.drawn == 0, pictures=found.drawn)
        if found.missing:
            raise StoppedEarlyError
        for one in found.rows:
            one["file"] = below(found.folder, one["file"], "picture")
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


def recipe_of(method: Method, suite: Suite) -> Recipe:
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


def _description(maker: Drawing) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(json.dumps(dict(maker.describe()), default=str))
    return about


def shown(one: Mapping[str, Any]) -> Shown:
    return Shown(file=Path(one["file"]), sha256=one["sha256"], prompt=one["prompt"])
