"""What the small files of a model's folder say before the model is loaded: enough to refuse what it could not draw."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoticrafter.backbones.hub import cached, is_hub_id
from emoticrafter.backbones.sizes import MULTIPLE, Sizes
from emoticrafter.backbones.vocabulary import unknown_words
from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.files import user_path
from emoticrafter.guidance import EVERYWHERE, GuidanceRange
from emoticrafter.inputs.folders import MAX_TEXT
from emoticrafter.inputs.records import read_record
from emoticrafter.sampling import OWN, Sampling, SamplingDefaults

__all__ = [
    "EVERY_STEP",
    "FETCH_AGAIN",
    "UNKNOWN_DEFAULTS",
    "Limits",
    "ModelNotes",
    "Outline",
    "described_in",
    "outline_of",
    "read_class",
    "read_json",
]  # fmt: skip

FETCH_AGAIN = "Fetch the whole model again."
EVERY_STEP = "Give 0:1, which guides every step."
UNKNOWN_DEFAULTS = SamplingDefaults(steps=25, guidance=7.5, size=(1024, 1024))  # the paper's


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a model can sample. steps: the most. reads_guidance: whether its network is told the guidance as a number, once for
    all steps, and is never called without the prompt, as those of LCM are.
    """

    name: str
    sizes: Sizes
    steps: int = 1000
    reads_guidance: bool = False

    @classmethod
    def unknown(cls, name: str, defaults: SamplingDefaults) -> Limits:
        """Of a model of which nothing is known but its kind."""
        own = defaults.size[0]
        return cls(name=name, sizes=Sizes(own=own, cell=MULTIPLE, least=MULTIPLE, told=own))

    def check(self, sampling: Sampling) -> None:
        """See `Backbone.check`; here every setting is given."""
        steps, guidance, size = sampling.steps, sampling.guidance, sampling.size
        assert steps is not None and guidance is not None and size is not None
        if steps > self.steps:
            raise InputError(
                f"The number of steps is {steps}; it must be a whole number from 1 to {self.steps}.",
                OWN,
                field="steps",
                value=steps,
            )
        if sampling.negative is not None and guidance <= 1:
            raise InputError(
                f"A negative prompt was given with guidance {guidance:g}: it has no effect at 1 and below.",
                "Raise the guidance or leave the negative prompt out.",
                field="negative",
                value=sampling.negative,
            )
        if sampling.guidance_range != EVERYWHERE and self.reads_guidance:
            told = f"the network of {self.name} is told the guidance once for all steps"
            limits = sampling.guidance_range
            raise InputError(f"The guidance range is given, and {told}.", EVERY_STEP, field="guidance_range", value=limits)
        self.sizes.drawn(size, self.name)


@dataclass(frozen=True, kw_only=True)
class ModelNotes:
    """What lies beside the weights in a model's folder and is not diffusers': defaults.json (as `settings`, and what it says of
    sampling), vocabulary.json, and an emotion checkpoint.
    """

    settings: Mapping[str, Any]
    defaults: SamplingDefaults
    vocabulary: frozenset[str] | None
    emotion: Path | None

    @classmethod
    def read(cls, folder: Path | None, known: SamplingDefaults) -> ModelNotes:
        """Of a folder, None for none. known: the defaults where the folder says nothing. Raises CheckpointError."""
        settings = (read_json(folder / "defaults.json") or {}) if folder else {}
        words = (read_json(folder / "vocabulary.json") or {}).get("words") if folder else None
        return cls(
            settings=settings,
            defaults=_sampling_defaults(settings, known, folder),
            vocabulary=frozenset(str(word).lower() for word in words) if isinstance(words, list) else None,
            emotion=folder / "emotion" if folder and (folder / "emotion").is_dir() else None,
        )


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A model that is not loaded. name, defaults, family, prompt_channels, emotion: as of `Backbone`; None is what only the
    weights tell. `check` then refuses what no model of the kind can draw.
    """

    name: str
    defaults: SamplingDefaults
    limits: Limits
    family: str | None = None
    prompt_channels: int | None = None
    emotion: Path | None = None
    vocabulary: frozenset[str] | None = None

    def check(self, sampling: Sampling) -> None:
        """See `Backbone.check`."""
        self.limits.check(sampling.resolved(self.defaults))

    def unknown_words(self, prompt: str) -> dict[str, list[str]]:
        """See `Backbone.unknown_words`."""
        return {} if self.vocabulary is None else unknown_words(prompt, self.vocabulary)


def outline_of(source: str, name: str) -> Outline:
    """What is known of any model: what lies beside its weights, and nothing of its network. Raises CheckpointError."""
    notes = ModelNotes.read(described_in(source), UNKNOWN_DEFAULTS)
    return Outline(
        name=name,
        defaults=notes.defaults,
        limits=Limits.unknown(name, notes.defaults),
        family=notes.settings.get("family"),
        emotion=notes.emotion,
        vocabulary=notes.vocabulary,
    )


def described_in(source: str) -> Path | None:
    """The folder with the small files of a pipeline folder or a hub id, of which the hub's cache alone is looked through."""
    path = user_path(source)
    if path.exists():
        return path if path.is_dir() else None
    return cached(source, "model_index.json") if is_hub_id(source) else None


def check_described(config: str) -> None:
    """Raise MissingError where what is to describe a single file is neither a folder nor a hub id."""
    if not user_path(config).is_dir() and not is_hub_id(config):
        raise MissingError(
            f"There is no config {str(user_path(config))[:200]!r}.", "Give the folder of a pipeline, or a hub id OWNER/NAME."
        )


def read_class(folder: Path) -> str:
    """The class that a pipeline's folder names. Raises MissingError and CheckpointError for what is none."""
    index = read_json(folder / "model_index.json")
    if index is None:
        raise MissingError(f"{str(folder)!r} holds no model_index.json.", "Give the folder of a diffusers pipeline.")
    return str(index.get("_class_name"))[:60]


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a small JSON file, None where there is no file; raises CheckpointError for anything else in it."""
    if not os.path.lexists(path):
        return None
    return dict(read_record(path, dict[str, Any], "model's file", FETCH_AGAIN, most=MAX_TEXT, error=CheckpointError))


def _sampling_defaults(settings: Mapping[str, Any], base: SamplingDefaults, folder: Path | None) -> SamplingDefaults:
    if folder is None:
        return base
    own: dict[str, Any] = {
        "steps": base.steps,
        "guidance": base.guidance,
        "guidance_range": base.guidance_range,
        "size": base.size[0],
        "preview_steps": base.preview_steps,
    }
    own |= {name: settings[name] for name in own if name in settings}
    whole = [own["steps"], own["size"], own["preview_steps"] or 1]
    try:
        limits = GuidanceRange.of(own["guidance_range"])
    except InputError:
        limits = None
    if any(type(value) is not int or value < 1 for value in whole) or type(own["guidance"]) not in (int, float) or limits is None:
        raise CheckpointError(f"{str(folder / 'defaults.json')!r} holds no sampling settings: {own}.", "Fetch the model again.")
    return SamplingDefaults(
        steps=own["steps"],
        guidance=float(own["guidance"]),
        guidance_range=limits,
        size=(own["size"], own["size"]),
        preview_steps=own["preview_steps"],
    )
