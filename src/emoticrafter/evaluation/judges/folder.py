"""The folder that a CLIP judge is kept in: `head.safetensors`, `config.json` and `card.md`. The tower is named, not copied.

The layers are `0.weight`, `0.bias`, `1.weight`, ... of a chain of linear layers with ReLU between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from emoticrafter.errors import CheckpointError, EmotiCrafterError, MissingError, OutputError
from emoticrafter.evaluation.clip import CLIP
from emoticrafter.evaluation.judges.base import Trust
from emoticrafter.evaluation.judges.card import card_of
from emoticrafter.evaluation.judges.head import Head, stored
from emoticrafter.files import check_writable, read_marked, write_together
from emoticrafter.locks import LOCK, busy, hold

__all__ = ["check_judge_folder", "holding", "load_head", "save_head"]

WEIGHTS, CONFIG, CARD = "head.safetensors", "config.json", "card.md"
FORMAT, VERSION = "emoticrafter-judge", 1
MAX_CONFIG_BYTES = 1 << 20


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
    if not path.is_file():
        raise MissingError(f"{str(folder)!r} holds no judge.", "`emoticrafter judge train` or `judge import` makes one.")
    try:
        found = read_marked(path, FORMAT, VERSION, MAX_CONFIG_BYTES)
        raw = (folder / WEIGHTS).read_bytes()
        if hashlib.sha256(raw).hexdigest() != found["sha256"]:
            raise ValueError(f"{WEIGHTS} is not the file that it was written for")
        state = load(raw)
        numbers = range(len(state) // 2)
        if set(state) != {f"{i}.{part}" for i in numbers for part in ("weight", "bias")}:
            raise ValueError(f"{WEIGHTS} holds other tensors than layers: {', '.join(sorted(state)[:6])}")
        return Head(
            layers=[(state[f"{i}.weight"], state[f"{i}.bias"]) for i in numbers],
            activation=found["activation"],
            unit=bool(found["unit"]),
            clip=str(found["clip"]) or CLIP,
            fingerprint=found["fingerprint"],
            trust=Trust.from_dict(found["trust"]),
            about=dict(found["about"]),
        )
    except EmotiCrafterError as error:
        raise CheckpointError(f"The judge {str(folder)!r} is broken. {error.problem}", error.hint) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise CheckpointError(f"The judge {str(folder)!r} cannot be read: {error}.", "Fetch or train it again.") from error
