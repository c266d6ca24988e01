"""What the small files of an SDXL's folder say before it is loaded: enough to refuse what it could not draw."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emoticrafter.backbones.options import options_from
from emoticrafter.backbones.outline import Limits, ModelNotes, Outline, check_described, described_in, read_class, read_json
from emoticrafter.backbones.sdxl.opening_options import SDXLOptions
from emoticrafter.backbones.sizes import Sizes
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.files import user_path
from emoticrafter.inputs.folders import check_model_folder
from emoticrafter.sampling import SamplingDefaults

__all__ = [
    "PAPER_DEFAULTS", "PIPELINE", "check_config", "check_index", "family_by", "known_defaults", "limits_of", "outline_of",
]  # fmt: skip

PAPER_DEFAULTS = SamplingDefaults(steps=25, guidance=7.5, size=(1024, 1024))
_KNOWN_DEFAULTS = {"stabilityai/sdxl-turbo": SamplingDefaults(steps=1, guidance=0.0, size=(512, 512))}
PIPELINE = "StableDiffusionXLPipeline"


def outline_of(source: str, name: str, **options: Any) -> Outline:
    """The outline of a pipeline folder, a hub id, whose files are looked for in the hub's cache only, or a single file.

    options: those of `SDXLBackbone.open`. Raises InputError, MissingError and CheckpointError as that does.
    """
    config = options_from(SDXLOptions, options).config
    check_config(user_path(source), config)
    own = described_in(source)
    if own is not None:
        check_index(own)
    folder = own if config is None else described_in(config)
    notes = ModelNotes.read(own, known_defaults(source))
    unet, vae, scheduler, first, second = (
        read_json(folder / part / ("scheduler_config.json" if part == "scheduler" else "config.json")) if folder else None
        for part in ("unet", "vae", "scheduler", "text_encoder", "text_encoder_2")
    )
    limits = Limits.unknown(name, notes.defaults)
    if unet and vae and scheduler and all(isinstance(one.get("block_out_channels"), list) for one in (unet, vae)):
        limits = limits_of(name, notes, unet, vae, scheduler)
    channels = (unet or {}).get("cross_attention_dim")
    return Outline(
        name=name,
        defaults=notes.defaults,
        limits=limits,
        family=family_by(notes.settings, first, second) if first and second else None,
        prompt_channels=channels if isinstance(channels, int) else None,
        emotion=notes.emotion,
        vocabulary=notes.vocabulary,
    )


def known_defaults(source: str) -> SamplingDefaults:
    """How a model of the hub samples where its folder does not say; what the paper used where nothing is known."""
    return _KNOWN_DEFAULTS.get(source, PAPER_DEFAULTS)


def limits_of(
    name: str, notes: ModelNotes, unet: Mapping[str, Any], vae: Mapping[str, Any], scheduler: Mapping[str, Any]
) -> Limits:
    """From the configs of the components, and what defaults.json says of sizes. Raises CheckpointError."""
    cell = 2 ** (len(vae["block_out_channels"]) - 1)
    steps = scheduler.get("num_train_timesteps")
    return Limits(
        name=name,
        sizes=Sizes.of(cell, len(unet["block_out_channels"]), notes.defaults.size[0], notes.settings, name),
        steps=steps if isinstance(steps, int) else Limits.steps,
        reads_guidance=unet.get("time_cond_proj_dim") is not None,
    )


def family_by(settings: Mapping[str, Any], first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """What defaults.json calls the family of a model's text encoders, else a name by the sizes in their configs."""
    if isinstance(settings.get("family"), str):
        return str(settings["family"])
    shape = (first.get("hidden_size"), second.get("hidden_size"), first.get("max_position_embeddings"))
    return "sdxl" if shape == (768, 1280, 77) else "sdxl-" + "-".join(map(str, shape))


def check_index(folder: Path) -> None:
    """Raise MissingError and CheckpointError for a folder that is not one of a pipeline of SDXL's kind, or has odd files."""
    if (found := read_class(folder)) != PIPELINE:
        raise CheckpointError(f"{str(folder)!r} is a {found}; this backbone runs {PIPELINE}.", "Give an SDXL model.")
    check_model_folder(folder)


def check_config(path: Path, config: str | None) -> None:
    """Raise InputError, MissingError and CheckpointError for what cannot describe the model of a path; see `load_pipeline`."""
    if config is None:
        return
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder, which says itself what it is made of.", "Leave --config out.")
    check_described(config)
    if user_path(config).is_dir():
        check_index(user_path(config))
