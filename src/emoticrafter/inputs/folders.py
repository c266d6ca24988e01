"""Folders of models, which libraries read file by file: none of these may be a pipe, a device, or a text without an end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from emoticrafter.errors import CheckpointError
from emoticrafter.inputs.named import check_file

__all__ = ["check_model_folder"]

MAX_TEXT = 1 << 28  # bytes of a config or a tokenizer; the largest have 20 million
_TEXTS = {".json", ".txt", ".jinja", ".model"}  # what libraries read whole
_AGAIN = "Fetch the whole model again."


def check_model_folder(folder: Path) -> None:
    """Raise CheckpointError for a file in a model's folder, or in those of its parts, that no library must be given."""
    try:
        files = list(_files(folder))
    except OSError as error:
        raise CheckpointError(f"{str(folder)!r} cannot be read: {error.strerror or error}.", _AGAIN) from error
    for path in files:
        check_file(path, "model's file", _AGAIN, most=MAX_TEXT if path.suffix in _TEXTS else None, error=CheckpointError)


def _files(folder: Path) -> Iterator[Path]:
    """What is there and no folder; a link that leads nowhere is not there."""
    for path in sorted(folder.iterdir()):
        inner = sorted(path.iterdir()) if os.path.isdir(path) else [path]
        yield from (one for one in inner if os.path.exists(one) and not os.path.isdir(one))
