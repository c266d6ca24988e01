"""The folder of a trained method: `method.safetensors`, where it has parameters, and `config.json`."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.errors import CheckpointError, MissingError
from emoticrafter.files import atomic_path

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CONFIG", "WEIGHTS", "is_method_folder", "read_config", "read_weights", "write_folder"]

WEIGHTS, CONFIG = "method.safetensors", "config.json"
FORMAT, VERSION = "emoticrafter-rival", 1
MAX_CONFIG_BYTES = 1 << 20


def write_folder(folder: Path, about: dict[str, Any], weights: dict[str, Tensor]) -> None:
    """Write the weights and then the config, which is what makes it a method. Raises OutputError."""
    from safetensors.torch import save_file

    digest = None
    if weights:
        with atomic_path(folder / WEIGHTS, force=True) as path:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, path)
            digest = _sha256(path)
        (folder / WEIGHTS).chmod(0o644)  # safetensors makes it private
    entries = {"format": FORMAT, "version": VERSION, **about, "sha256": digest}
    with atomic_path(folder / CONFIG, force=True) as path:
        path.write_text(json.dumps(entries, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def is_method_folder(source: str | os.PathLike[str]) -> bool:
    """Whether a folder says of itself that it holds a method."""
    try:
        return bool(json.loads((Path(source) / CONFIG).read_text(encoding="utf-8")).get("format") == FORMAT)
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json says, with at least method, config, backbone, channels and sha256.

    Raises MissingError and CheckpointError.
    """
    path = folder / CONFIG
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise CheckpointError(f"{str(path)!r} is longer than {MAX_CONFIG_BYTES} bytes.", "Fetch the method again.")
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingError(
            f"{str(folder)!r} holds no {CONFIG}.", "`emoticrafter rival train NAME --out DIR` makes such a folder."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{str(path)!r} cannot be read: {error}.", "Fetch the method again.") from error
    if not isinstance(entries, dict) or entries.get("format") != FORMAT:
        raise CheckpointError(f"{str(folder)!r} holds no rival method.", f"Its {CONFIG} would say so: format {FORMAT}.")
    if entries.get("version") != VERSION:
        raise CheckpointError(
            f"{str(folder)!r} has version {str(entries.get('version'))[:20]}; this program reads version {VERSION}.",
            "Update emoticrafter.",
        )
    kinds: dict[str, Any] = {"method": str, "config": dict, "backbone": str, "channels": int, "sha256": str | None}
    if wrong := [name for name, kind in kinds.items() if name not in entries or not isinstance(entries[name], kind)]:
        raise CheckpointError(f"{str(path)!r} lacks {', '.join(wrong)}.", "Fetch the method again.")
    return entries


def read_weights(folder: Path, digest: str, expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a folder, which must have the names and shapes of `expected`, and be finite. Raises CheckpointError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    if not path.is_file():
        raise CheckpointError(f"{str(folder)!r} has a {CONFIG} but no {WEIGHTS}.", "Copy the whole folder.")
    if _sha256(path) != digest:
        raise CheckpointError(f"The weights {str(path)!r} are not those that {CONFIG} was written for.", "Fetch both again.")
    try:
        found = load_file(path)
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"The weights {str(path)!r} are corrupt: {error}.", "Fetch them again.") from error
    if set(found) != set(expected):
        names = ", ".join(sorted(set(found) ^ set(expected))[:4])
        raise CheckpointError(f"The weights {str(path)!r} are of another network: {names} differ.", "Train for this backbone.")
    for name, tensor in expected.items():
        if found[name].shape != tensor.shape:
            raise CheckpointError(
                f"In {str(path)!r} {name} is {tuple(found[name].shape)}; this backbone asks for {tuple(tensor.shape)}.",
                "Train the method for this backbone.",
            )
        if not bool(found[name].isfinite().all()):
            raise CheckpointError(f"In {str(path)!r} the tensor {name} holds values that are not finite.", "Train it again.")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
