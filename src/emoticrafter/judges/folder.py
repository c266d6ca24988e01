"""The folder that a CLIP judge is kept in: `head.safetensors`, `config.json` and `card.md`. The tower is named, not copied.

The layers are `0.weight`, `0.bias`, `1.weight`, ... of a chain of linear layers with ReLU between.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from emoticrafter.errors import CheckpointError, EmotiCrafterError, InputError, MissingError, OutputError
from emoticrafter.files import check_writable, write_together
from emoticrafter.inputs.named import read_file
from emoticrafter.inputs.records import damaged, read_marked
from emoticrafter.inputs.typed import typed
from emoticrafter.judges.card import card_of
from emoticrafter.judges.clip import CLIP
from emoticrafter.judges.head import Activation, Head, stored
from emoticrafter.judges.trust import Trust
from emoticrafter.locks import LOCK, busy, hold

__all__ = ["check_judge_folder", "holding", "load_head", "save_head"]

WEIGHTS, CONFIG, CARD = "head.safetensors", "config.json", "card.md"
FORMAT, VERSION = "emoticrafter-judge", 1
MAX_WEIGHTS = 1 << 28  # bytes
AGAIN = "Fetch or train it again."


def save_head(head: Head, folder: Path, *, force: bool = False) -> list[Path]:
    """Write the judge's folder, its config last: without it there is no judge. Returns its files. Raises OutputError."""
    from safetensors.numpy import save

    paths = check_judge_folder(folder, force)
    state = {
        f"{i}.{part}": stored(x) for i, layer in enumerate(head.layers) for part, x in zip(("weight", "bias"), layer, strict=True)
    }
    raw = save(state)
    config = {
        "format": FORMAT,
        "version": VERSION,
        "activation": head.activation,
        "unit": head.unit,
        "clip": head.clip,
        "fingerprint": head.fingerprint,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "trust": head.trust.as_dict(),
        "about": head.about,
    }
    text = json.dumps(config, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    contents = raw, card_of(folder.name, config, head).encode(), text.encode()
    write_together([(path, partial(_write, content)) for path, content in zip(paths, contents, strict=True)], force)
    return paths


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def check_judge_folder(folder: Path, force: bool = False) -> list[Path]:
    """The files of a judge in a folder, in the order of writing; refused early where they could not be written."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{str(folder)!r} is not a folder.", "Choose another place.")
    return [check_writable(folder / name, force) for name in (WEIGHTS, CARD, CONFIG)]


@contextmanager
def holding(folder: Path, force: bool = False) -> Iterator[None]:
    """Keep other writers off a judge's folder from its check to the end of the block. Raises OutputError."""
    check_judge_folder(folder, force)
    with hold(folder / LOCK, *busy(folder), passing=True):
        check_judge_folder(folder, force)  # another process may have been faster
        yield


def load_head(folder: Path) -> Head:
    """The head of a judge's folder. Raises MissingError if there is none, CheckpointError if it is damaged or of another form."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = folder / CONFIG
    if not os.path.lexists(path):
        raise MissingError(f"{str(folder)!r} holds no judge.", "`emoticrafter judge train` or `judge import` makes one.")
    entries = read_marked(path, FORMAT, VERSION, "judge", AGAIN, error=CheckpointError)
    try:
        config: _Config = typed("", entries, _Config)
    except InputError as error:
        raise damaged(path, "judge", AGAIN, error, CheckpointError) from error
    raw = read_file(folder / WEIGHTS, MAX_WEIGHTS, "head of a judge", AGAIN, error=CheckpointError, missing=CheckpointError)
    try:
        if hashlib.sha256(raw).hexdigest() != config.sha256:
            raise ValueError(f"it is not the file that {CONFIG} was written for")
        state = load(raw)
        numbers = range(len(state) // 2)
        if set(state) != {f"{i}.{part}" for i in numbers for part in ("weight", "bias")}:
            raise ValueError(f"it holds other tensors than layers: {', '.join(sorted(state)[:6])}")
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise damaged(folder / WEIGHTS, "judge's head", AGAIN, error, CheckpointError) from error
    try:
        return Head(
            layers=[(state[f"{i}.weight"], state[f"{i}.bias"]) for i in numbers],
            activation=config.activation,
            unit=config.unit,
            clip=config.clip or CLIP,
            fingerprint=config.fingerprint,
            trust=Trust.from_dict(config.trust),
            about=config.about,
        )
    except EmotiCrafterError as error:
        raise CheckpointError(f"The judge {str(folder)!r} is broken. {error.problem}", error.hint) from error


@dataclass(frozen=True, kw_only=True)
class _Config:
    """What config.json says beside its form."""

    activation: Activation
    unit: bool
    clip: str
    fingerprint: str | None
    sha256: str
    trust: dict[str, Any]
    about: dict[str, Any]
