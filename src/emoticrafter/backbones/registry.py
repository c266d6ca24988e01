"""Backbones by name: which architectures there are, which one a model is of, and who opens it."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.backbones.hub import cached, fetch, is_hub_id
from emoticrafter.backbones.options import recorded_in
from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.files import user_path

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Backbone, BackboneClass, PromptEncoder
    from emoticrafter.backbones.outline import Outline

__all__ = [
    "ARCHITECTURES", "NAMES", "Architecture", "is_known", "open_backbone", "open_encoder", "read_outline", "recorded_options",
    "register",
]  # fmt: skip

STORYBOOK = Path(__file__).parents[1] / "storybook" / "weights"


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A row of the table: a kind of model, and who opens it.

    pipelines: the classes that the model_index.json of a folder may name. tensors: patterns, one of which the name of a tensor in
    a single file must match; none where there are no such files. names: words that stand for a folder or a hub id.
    models: hub ids that are known to be of the kind.
    backbone: "module:Class", whose `Options` says what it is opened with. encoder: of its text encoders alone, and outline: of
    what is known before it is opened, likewise, where there are such. An outline is given the source, the name and the options.
    """

    name: str
    pipelines: tuple[str, ...]
    backbone: str
    encoder: str | None = None
    outline: str | None = None
    tensors: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()


ARCHITECTURES: dict[str, Architecture] = {}
NAMES: dict[str, str] = {}  # what stands for a folder or a hub id


def register(row: Architecture) -> None:
    """Add an architecture to the table."""
    taken = {*NAMES, *(name for one in ARCHITECTURES.values() for name in one.pipelines)}
    assert row.name not in ARCHITECTURES and not taken & {*row.names, *row.pipelines}, f"{row.name} is registered already"
    ARCHITECTURES[row.name] = row
    NAMES.update(row.names)


register(
    Architecture(
        name="SDXL",
        pipelines=("StableDiffusionXLPipeline",),
        tensors=(r"conditioner\.embedders\.1\.", r"model\.diffusion_model\.label_emb\."),
        backbone="emoticrafter.backbones.sdxl.backbone:SDXLBackbone",
        encoder="emoticrafter.backbones.sdxl.text:SDXLPromptEncoder",
        outline="emoticrafter.backbones.sdxl.outline:outline_of",
        names={"storybook": str(STORYBOOK), "sdxl": "stabilityai/stable-diffusion-xl-base-1.0"},
        models=("stabilityai/sdxl-turbo",),
    )
)


def open_backbone(name: str | os.PathLike[str] = "storybook", **options: Any) -> Backbone:
    """The backbone of a known name, a hub id (OWNER/NAME), a pipeline folder or a single .safetensors file.

    options: those that its class declares as `Options`; `config` may describe a single file. Raises InputError for unknown ones,
    MissingError where there is no such model, CheckpointError for one that no backbone runs, and what opening it raises.
    """
    text, source = _source(name)
    cls: BackboneClass = _loaded(_architecture_of(source, options).backbone)
    return cls.open(source, name=text, **options)


def open_encoder(name: str | os.PathLike[str] = "storybook", **options: Any) -> PromptEncoder:
    """The text encoders alone of a backbone, named and refused as in `open_backbone`. options: those of their own class."""
    text, source = _source(name)
    row = _architecture_of(source, options)
    if row.encoder is None:
        raise InputError(f"The text encoders of {text!r} cannot be opened alone.", "Use a backbone of another kind.")
    encoder: PromptEncoder = _loaded(row.encoder).open(source, **options)
    return encoder


def read_outline(name: str | os.PathLike[str] = "storybook", **options: Any) -> Outline:
    """What is known of a backbone before it is opened; of a hub id, what the hub's cache tells. Refused as in `open_backbone`."""
    text, source = _source(name)
    row = _known_architecture(source, options)
    if row is None or row.outline is None:
        from emoticrafter.backbones.outline import outline_of

        return outline_of(source, text)
    outline: Outline = _loaded(row.outline)(source, text, **options)
    return outline


def recorded_options(name: str | os.PathLike[str], recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The options with which the backbone of a recipe was opened, as far as it tells them."""
    _, source = _source(name)
    cls: BackboneClass = _loaded(_architecture_of(source, recipe).backbone)
    return recorded_in(cls.Options, recipe)


def is_known(pipeline: str) -> bool:
    """Whether an architecture has this class of diffusers."""
    return _by_class(pipeline) is not None


def _architecture_of(source: str, options: Mapping[str, Any]) -> Architecture:
    """Which kind of model a source is of; its index is fetched where it is on the hub. options: may hold a `config`."""
    found = _known_architecture(source, options)
    return _of_folder(fetch(source, ["model_index.json"])) if found is None else found


def _known_architecture(source: str, options: Mapping[str, Any]) -> Architecture | None:
    """The same from what is on this machine; None for a hub id of which there is nothing."""
    for row in ARCHITECTURES.values():
        if source in (*row.names.values(), *row.models):
            return row
    path = user_path(source)
    if path.is_dir():
        return _of_folder(path)
    if path.exists():
        config = options.get("config")
        return _of_file(path, config if isinstance(config, str) else None)  # what is no text its class refuses
    folder = cached(source, "model_index.json")
    return None if folder is None else _of_folder(folder)


def _of_folder(folder: Path) -> Architecture:
    from emoticrafter.backbones.outline import read_class

    found = read_class(folder)
    if (row := _by_class(found)) is None:
        raise CheckpointError(f"{str(folder)!r} is a {found}, which no backbone runs.", f"Known ones: {_pipelines()}.")
    return row


def _of_file(path: Path, config: str | None) -> Architecture:
    """By the tensors of a file of weights, else by the folder that describes it."""
    from emoticrafter.backbones.outline import check_described
    from emoticrafter.inputs.named import check_file
    from emoticrafter.tensors import read_header

    if config is not None:
        check_described(config)
    check_file(path, "model")
    if path.suffix != ".safetensors":
        raise CheckpointError(f"{str(path)!r} is not a .safetensors file; other forms can hold code.", "Convert it first.")
    described = user_path(config) if config is not None and user_path(config).is_dir() else None
    try:
        tensors, _ = read_header(path, "model", "Fetch it again.")
    except CheckpointError:
        if described is None:
            raise
        tensors = {}  # the class that it is described to be of tells what is wrong with it
    for row in ARCHITECTURES.values():
        if any(re.match(pattern, name) for pattern in row.tensors for name in tensors):
            return row
    if described is not None:
        return _of_folder(described)
    shown = next(iter(tensors), "none")[:60]
    raise CheckpointError(
        f"{str(path)!r} is of no known kind: it holds {len(tensors)} tensors, such as {shown}.",
        f"Give a whole model of {', '.join(row.name for row in ARCHITECTURES.values() if row.tensors)}, or a pipeline's folder.",
    )


def _by_class(pipeline: str) -> Architecture | None:
    return next((row for row in ARCHITECTURES.values() if pipeline in row.pipelines), None)


def _pipelines() -> str:
    return ", ".join(name for row in ARCHITECTURES.values() for name in row.pipelines)


def _loaded(origin: str) -> Any:
    module, _, attribute = origin.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _source(name: str | os.PathLike[str]) -> tuple[str, str]:
    """A name as it was given, and the path or hub id that it stands for."""
    text = os.fspath(name)
    if not text or any(ord(c) < 32 for c in text):
        raise InputError(f"{text[:60]!r} is not a backbone.", f"Give {', '.join(NAMES)}, a hub id OWNER/NAME, or a path.")
    source = NAMES.get(text, text)
    if text == "storybook" and not (STORYBOOK / "model_index.json").is_file():
        raise MissingError(
            f"The embedded model is not in this installation: {str(STORYBOOK)!r} holds no model_index.json.",
            "Install a release, which has it, or train it with `emoticrafter storybook build`.",
        )
    if (path := user_path(source)).exists():
        return text, str(path)
    if not is_hub_id(source):
        raise MissingError(
            f"There is no backbone {str(user_path(text))[:200]!r}.", f"Give {', '.join(NAMES)}, a hub id OWNER/NAME, or a path."
        )
    return text, source
