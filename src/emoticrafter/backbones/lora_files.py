"""LoRA weights by name: found or refused, before a model or torch itself is loaded."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from emoticrafter.backbones.hub import is_hub_id
from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.files import user_path

__all__ = ["Lora", "find_lora"]

MAX_SCALE = 10.0
_OF_WEIGHTS = {".safetensors", ".bin", ".pt", ".pth", ".ckpt"}  # a name that ends so is a file's
_ITS_FILE = "pytorch_lora_weights.safetensors"  # as diffusers names it


@dataclass(frozen=True, kw_only=True)
class Lora:
    """Weights to add, times `scale`. source: a .safetensors file, or a hub id."""

    source: str
    scale: float


def find_lora(text: str) -> Lora:
    """Read "PATH" or "HUB-ID", or with a scale "PATH:0.8". Nothing is read of the file.

    Raises MissingError, InputError and CheckpointError.
    """
    if importlib.util.find_spec("peft") is None:
        raise MissingError("LoRA needs the package peft.", "pip install 'emoticrafter[sdxl]'")
    source, scale = _split_scale(text)
    path = user_path(source)
    if path.is_dir():
        path = _file_in(path)
    if path.exists():
        if path.suffix != ".safetensors":
            raise CheckpointError(
                f"The LoRA {str(path)!r} is not a .safetensors file; other forms can hold code.", "Convert it first."
            )
        return Lora(source=str(path), scale=scale)
    if not is_hub_id(source) or path.suffix.lower() in _OF_WEIGHTS:
        raise MissingError(f"There is no LoRA {str(path)[:200]!r}.", "Give a .safetensors file, or a hub id OWNER/NAME.")
    return Lora(source=source, scale=scale)


def _split_scale(text: str) -> tuple[str, float]:
    source, colon, scale = text.rpartition(":")
    if not colon or user_path(text).exists():
        return text, 1.0
    try:
        number = float(scale)
    except ValueError:
        if not user_path(source).exists() and not is_hub_id(source):
            return text, 1.0
        raise InputError(
            f"The scale of the LoRA {source[:200]!r} is {scale[:60]!r}, which is no number.",
            f"Give a number from -{MAX_SCALE:g} to {MAX_SCALE:g}, or leave it out.",
        ) from None
    if not -MAX_SCALE <= number <= MAX_SCALE:
        raise InputError(
            f"The scale of the LoRA {text[:200]!r} is {scale}.", f"Give a number from -{MAX_SCALE:g} to {MAX_SCALE:g}."
        )
    return source, number


def _file_in(folder: Path) -> Path:
    """The weights of a folder: the file that diffusers writes, or the only one."""
    files = sorted(folder.glob("*.safetensors"))
    own = [file for file in files if file.name == _ITS_FILE] or files
    if len(own) != 1:
        found = f"{len(own)} .safetensors files" if own else "no .safetensors file"
        raise MissingError(f"The LoRA folder {str(folder)!r} holds {found}.", "Give the file itself.")
    return own[0]
