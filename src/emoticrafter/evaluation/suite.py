"""Suites: what is asked of methods, by which judges, in which figures; TOML files, read strictly."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, make_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from emoticrafter.configs import find_config
from emoticrafter.coordinates import LIMIT, ROUNDING, on_plane
from emoticrafter.errors import InputError
from emoticrafter.files import user_path
from emoticrafter.guidance import GuidanceRange
from emoticrafter.sampling import Setting, settings
from emoticrafter.settings import Section, key, read_settings

if TYPE_CHECKING:
    from emoticrafter.evaluation.cases import Case

__all__ = ["CORNERS", "EXTRA_SEEDS", "STEPS", "Bars", "Method", "Suite", "find_suite", "read_suite"]

FULL = (-3.0, -1.5, 0.0, 1.5, 3.0)
CORNERS = ((-3.0, -3.0), (-3.0, 3.0), (3.0, -3.0), (3.0, 3.0))  # where diversity is looked at
EXTRA_SEEDS = (0, 1, 2)  # added to a suite's first seed
STEPS = tuple(round(-1 + 0.2 * i, 1) for i in range(11))  # of an axis, the other at 0
OURS = "ours"


@dataclass(frozen=True, kw_only=True)
class Heading(Section):
    """Section [about]."""

    title: str = key("", "heading of the report")
    text: str = key("", "what the suite is for, in a sentence or two")


@dataclass(frozen=True, kw_only=True)
class Prompts(Section):
    """Section [prompts]."""

    source: Literal["storybook", "file"] = key("storybook", "storybook: neutral captions of contents that no training has seen")
    file: str = key("", "where source is file: a file beside the suite with a prompt per line, or a table with a column prompt")
    count: int | None = key(
        None, "how many prompts are taken; where left out, all of a file or 132 of the storybook", least=1, most=10_000
    )
    seed: int = key(0, "seed of the storybook's prompts", least=0)


@dataclass(frozen=True, kw_only=True)
class Emotions(Section):
    """Section [emotions]: every valence with every arousal, drawn from every seed."""

    valences: tuple[float, ...] = key(FULL, "values of valence, rising", least=-LIMIT - ROUNDING, most=LIMIT + ROUNDING)
    arousals: tuple[float, ...] = key(FULL, "values of arousal, rising", least=-LIMIT - ROUNDING, most=LIMIT + ROUNDING)
    seeds: tuple[int, ...] = key((0,), "seeds of the pictures", least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("valences", "arousals"):
            object.__setattr__(self, name, tuple(map(on_plane, getattr(self, name))))


def _sampling_key(setting: Setting) -> tuple[str, Any, Any]:
    kind = setting.toml or setting.kind
    about = f"{setting.help} Left out, it is the backbone's own."
    bounds = {} if kind in (str, bool) else {"least": setting.least, "most": setting.most}
    return setting.name, kind if setting.default is not None else kind | None, key(setting.default, about, **bounds)


_Sampling: Any = make_dataclass(
    "_Sampling",
    [_sampling_key(setting) for setting in settings().values() if setting.key],
    bases=(Section,),
    frozen=True,
    kw_only=True,
)


@dataclass(frozen=True, kw_only=True)
class Model(_Sampling):
    """Section [model]: what all methods draw with. It has the settings of `Sampling` that a suite has keys for."""

    backbone: str = key("storybook", "storybook, sdxl, a hub id or a folder")


@dataclass(frozen=True, kw_only=True)
class Judging(Section):
    """Section [judge]: who reads the pictures."""

    emotion: str = key("storybook", "storybook, or the folder of a judge")
    content: Literal["storybook", "none"] = key("storybook", "who looks for places, subjects and people")
    clip: str | None = key(None, "a CLIP for CLIPScore and CLIP-IQA: a hub id or a folder; neither where left out")


@dataclass(frozen=True, kw_only=True)
class Measuring(Section):
    """Section [metrics]."""

    distance: Literal["nlp", "lpips"] = key("nlp", "distance between pictures; lpips needs the extra of that name")
    samples: int = key(2000, "samples of the bootstrap", least=10, most=1_000_000)
    diversity_prompts: int = key(0, "prompts whose corners of the plane are drawn from three seeds; 0 for none", least=0)
    step_prompts: int = key(0, "prompts on which steps of 0.2 are drawn; 0 for none", least=0)


@dataclass(frozen=True, kw_only=True)
class Sweep(Section):
    """Section [sweep]: further strengths, for the curves of error against content."""

    factors: tuple[float, ...] = key((), "factors of each method's own strength", least=0, most=10)
    prompts: int = key(8, "how many prompts are taken, from the first on", least=1)


@dataclass(frozen=True, kw_only=True)
class Show(Section):
    """Section [show]: the pictures of the report."""

    grids: int = key(2, "prompts of which the grids of all methods are shown", least=0, most=20)
    worst: int = key(10, "worst pictures of each method", least=0, most=50)


@dataclass(frozen=True, kw_only=True)
class Bars(Section):
    """Section [bars]: what is wanted of the method `of`; left out is not wanted."""

    of: str = key(OURS, "label of the method")
    error: float | None = key(None, "largest V-Error and A-Error", least=0)
    slope_low: float | None = key(None, "smallest slope of either axis")
    slope_high: float | None = key(None, "largest slope of either axis")
    spearman: float | None = key(None, "smallest rank correlation of either axis", most=1)
    ranking: float | None = key(None, "smallest ranking consistency of either axis", most=1)
    retention: float | None = key(None, "smallest content retention", least=0)
    smoother_than: str | None = key(None, "label of a method that must be less smooth")
    people: bool = key(False, "whether unprompted people may be no more frequent than in neutral pictures")
    beats_rivals: bool = key(False, "whether both errors must be significantly lower than every other method's")


@dataclass(frozen=True, kw_only=True)
class TrainingSource(Section):
    """Section [training]: of methods that the suite trains first."""

    features: str | None = key(None, "folder that `emoticrafter data encode` wrote; in the working folder")


@dataclass(frozen=True, kw_only=True)
class Method(Section):
    """A table [[methods]]."""

    label: str = key("", "what the report calls it; its source where left out")
    source: str = key(OURS, "ours, a rival's name or folder, or the folder of an emotion checkpoint")
    strength: float | None = key(None, "strength of the emotion; the method's own where left out", least=0, most=10)
    calibrated: bool = key(True, "whether the calibration beside an emotion checkpoint is used")
    recipe: str | None = key(None, "train ours first: a recipe as `emoticrafter train` takes it")
    set: tuple[str, ...] = key((), "changes to the recipe, section.key=value")

    @property
    def name(self) -> str:
        return self.label or self.source.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Everything that decides a comparison beside the methods' weights."""

    about: Heading
    prompts: Prompts
    emotions: Emotions
    model: Model
    judge: Judging
    metrics: Measuring
    sweep: Sweep
    show: Show
    bars: Bars
    training: TrainingSource
    methods: tuple[Method, ...]

    def cases(self, folder: Path) -> list[Case]:
        """The prompts. folder: that of the suite's file, where a file of prompts is looked for first."""
        from emoticrafter.evaluation import cases

        if self.prompts.source == "storybook":
            return [*cases.held_out_cases(self.prompts.count or 132, self.prompts.seed)]
        beside = folder / self.prompts.file
        return cases.file_cases(beside if beside.is_file() else user_path(self.prompts.file), self.prompts.count)

    def with_methods(self, sources: Iterable[str]) -> Suite:
        """The same for these: labels of the suite's own methods, sources, or LABEL=SOURCE."""
        own = {method.name: method for method in self.methods}
        chosen = []
        for text in sources:
            label, equals, source = text.partition("=")
            made = Method(label=label.strip(), source=source.strip()) if equals else own.get(text) or Method(source=text)
            chosen.append(made)
        return replace(self, methods=_checked(chosen))


def read_suite(source: str | os.PathLike[str], overrides: Iterable[str] = ()) -> tuple[Suite, Path]:
    """The suite of a file, or of one that ships by its name, and its file. Raises MissingError and InputError."""
    path = find_suite(source)
    suite = read_settings(Suite, path, overrides)
    for name in ("valences", "arousals"):
        axis = getattr(suite.emotions, name)
        if len(axis) < 2 or list(axis) != sorted(set(axis)):
            raise InputError(
                f"emotions.{name} is {list(axis)}; it must be two or more rising values.", "Write, for instance, [-3, 0, 3]."
            )
    if suite.model.guidance_range is not None:
        GuidanceRange.of(suite.model.guidance_range)
    if not suite.emotions.seeds:
        raise InputError("emotions.seeds is empty.", "Give at least one.")
    if suite.judge.content == "storybook" and suite.prompts.source != "storybook":
        raise InputError("The content judge of the storybook knows its own prompts only.", 'Set judge.content = "none".')
    return replace(suite, methods=_checked(suite.methods or (Method(),))), path


def find_suite(source: str | os.PathLike[str]) -> Path:
    """The file of that path, or else the suite that ships under that name."""
    return find_config(source, "suite")


def _checked(methods: Iterable[Method]) -> tuple[Method, ...]:
    chosen = tuple(methods)
    names = [method.name for method in chosen]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"Two methods are called {name!r}.", "Give each a label: LABEL=SOURCE.")
    return chosen
