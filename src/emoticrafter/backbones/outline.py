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
from emoticrafter.inputs.folders import MAX_TEXT, check_model_folder
from emoticrafter.inputs.records import read_record
from emoticrafter.sampling import OWN, Sampling, SamplingDefaults

__all__ = [
    "EVERY_STEP",
    "FETCH_AGAIN",
    "PAPER_DEFAULTS",
    "PIPELINE",
    "Limits",
    "Outline",
    "check_config",
    "check_index",
    "family_by",
    "outline_of",
    "read_json",
    "sampling_defaults",
]

PAPER_DEFAULTS = SamplingDefaults(steps=25, guidance=7.5, size=(1024, 1024))
_KNOWN_DEFAULTS = {"stabilityai/sdxl-turbo": SamplingDefaults(steps=1, guidance=0.0, size=(512, 512))}
FETCH_AGAIN = "Fetch the whole model again."
EVERY_STEP = "Give 0:1, which guides every step."
PIPELINE = "StableDiffusionXLPipeline"


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
    def of(
        cls,
        name: str,
        defaults: SamplingDefaults,
        settings: Mapping[str, Any],
        unet: Mapping[str, Any],
        vae: Mapping[str, Any],
        scheduler: Mapping[str, Any],
    ) -> Limits:
        """From the configs of the components, and what defaults.json says of sizes. Raises CheckpointError."""
        cell = 2 ** (len(vae["block_out_channels"]) - 1)
        steps = scheduler.get("num_train_timesteps")
        return cls(
            name=name,
            sizes=Sizes.of(cell, len(unet["block_out_channels"]), defaults.size[0], settings, name),
            steps=steps if isinstance(steps, int) else cls.steps,
            reads_guidance=unet.get("time_cond_proj_dim") is not None,
        )

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


def outline_of(source: str, name: str, config: str | None = None) -> Outline:
    """The outline of a pipeline folder, a hub id, whose files are looked for in the hub's cache only, or a single file.

    config: as `load_pipeline` takes it. Raises InputError, MissingError and CheckpointError as it does, too.
    """
    path = user_path(source)
    check_config(path, config)
    own = path if path.is_dir() else cached(source, "model_index.json") if is_hub_id(source) and not path.exists() else None
    if own is not None:
        check_index(own)
    folder = own if config is None else user_path(config) if user_path(config).is_dir() else cached(config, "model_index.json")
    settings = (read_json(own / "defaults.json") or {}) if own else {}
    words = (read_json(own / "vocabulary.json") or {}).get("words") if own else None
    defaults = sampling_defaults(settings, source, path)
    parts = ("unet", "vae", "scheduler", "text_encoder", "text_encoder_2")
    found = [_config(folder, part) for part in parts] if folder else [None] * len(parts)
    unet, vae, scheduler, first, second = found
    limits = Limits.unknown(name, defaults)
    if unet and vae and scheduler and all(isinstance(one.get("block_out_channels"), list) for one in (unet, vae)):
        limits = Limits.of(name, defaults, settings, unet, vae, scheduler)
    channels = (unet or {}).get("cross_attention_dim")
    return Outline(
        name=name,
        defaults=defaults,
        limits=limits,
        family=family_by(settings, first, second) if first and second else None,
        prompt_channels=channels if isinstance(channels, int) else None,
        emotion=own / "emotion" if own and (own / "emotion").is_dir() else None,
        vocabulary=frozenset(str(word).lower() for word in words) if isinstance(words, list) else None,
    )


def family_by(settings: Mapping[str, Any], first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """What defaults.json calls the family of a model's text encoders, else a name by the sizes in their configs."""
    if isinstance(settings.get("family"), str):
        return str(settings["family"])
    shape = (first.get("hidden_size"), second.get("hidden_size"), first.get("max_position_embeddings"))
    return "sdxl" if shape == (768, 1280, 77) else "sdxl-" + "-".join(map(str, shape))


def sampling_defaults(settings: Mapping[str, Any], source: str, path: Path) -> SamplingDefaults:
    """What the folder's defaults.json says, else what is known of the model, else what the paper used."""
    base = _KNOWN_DEFAULTS.get(source, PAPER_DEFAULTS)
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
        raise CheckpointError(f"{str(path / 'defaults.json')!r} holds no sampling settings: {own}.", "Fetch the model again.")
    return SamplingDefaults(
        steps=own["steps"],
        guidance=float(own["guidance"]),
        guidance_range=limits,
        size=(own["size"], own["size"]),
        preview_steps=own["preview_steps"],
    )


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a small JSON file, None where there is no file; raises CheckpointError for anything else in it."""
    if not os.path.lexists(path):
        return None
    return dict(read_record(path, dict[str, Any], "model's file", FETCH_AGAIN, most=MAX_TEXT, error=CheckpointError))


def check_index(folder: Path) -> None:
    """Raise MissingError and CheckpointError for a folder that is not one of a pipeline of SDXL's kind, or has odd files."""
    index = read_json(folder / "model_index.json")
    if index is None:
        raise MissingError(f"{str(folder)!r} holds no model_index.json.", "Give the folder of a diffusers SDXL pipeline.")
    if index.get("_class_name") != PIPELINE:
        raise CheckpointError(
            f"{str(folder)!r} is a {str(index.get('_class_name'))[:60]}; this backbone runs {PIPELINE}.", "Give an SDXL model."
        )
    check_model_folder(folder)


def check_config(path: Path, config: str | None) -> None:
    """Raise InputError, MissingError and CheckpointError for what cannot describe the model of a path; see `load_pipeline`."""
    if config is None:
        return
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder, which says itself what it is made of.", "Leave --config out.")
    if user_path(config).is_dir():
        check_index(user_path(config))
    elif not is_hub_id(config):
        raise MissingError(
            f"There is no config {str(user_path(config))[:200]!r}.", "Give the folder of a pipeline, or a hub id OWNER/NAME."
        )


def _config(folder: Path, part: str) -> dict[str, Any] | None:
    return read_json(folder / part / ("scheduler_config.json" if part == "scheduler" else "config.json"))
