"""Backbones by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.backbones.hub import is_hub_id
from emoticrafter.errors import InputError, MissingError
from emoticrafter.files import user_path

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Backbone, PromptEncoder
    from emoticrafter.backbones.outline import Outline

__all__ = ["NAMES", "open_backbone", "open_encoder", "read_outline"]

STORYBOOK = Path(__file__).parents[1] / "storybook" / "weights"
NAMES = {"storybook": str(STORYBOOK), "sdxl": "stabilityai/stable-diffusion-xl-base-1.0"}


def open_backbone(name: str | os.PathLike[str] = "storybook", **options: Any) -> Backbone:
    """The backbone of a known name, a hub id (OWNER/NAME), a pipeline folder or a single .safetensors file.

    options: those of `SDXLBackbone.open`. Raises MissingError where there is none, and what opening it raises.
    """
    text, source = _source(name)
    from emoticrafter.backbones.sdxl import SDXLBackbone

    return SDXLBackbone.open(source, name=text, **options)


def read_outline(name: str | os.PathLike[str] = "storybook", config: str | None = None) -> Outline:
    """What is known of a backbone before it is opened. Raises MissingError where there is none, and CheckpointError."""
    text, source = _source(name)
    from emoticrafter.backbones.outline import outline_of

    return outline_of(source, text, config)


def open_encoder(name: str | os.PathLike[str] = "storybook", **options: Any) -> PromptEncoder:
    """The text encoders alone of a backbone, named as in `open_backbone`. options: those of `SDXLPromptEncoder.open`."""
    _, source = _source(name)
    from emoticrafter.backbones.text import SDXLPromptEncoder

    return SDXLPromptEncoder.open(source, **options)


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
