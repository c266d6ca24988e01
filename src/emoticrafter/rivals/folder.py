"""The folder of a trained method: `method.safetensors`, where it has parameters, and `config.json`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.errors import CheckpointError, EmotiCrafterError, InputError, MissingError
from emoticrafter.files import atomic_path
from emoticrafter.inputs.named import file_hash
from emoticrafter.inputs.records import damaged, read_marked, read_record
from emoticrafter.inputs.typed import typed
from emoticrafter.tensors import read_tensors

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CONFIG", "WEIGHTS", "is_method_folder", "read_config", "read_weights", "write_folder"]

WEIGHTS, CONFIG = "method.safetensors", "config.json"
FORMAT, VERSION = "emoticrafter-rival", 1
WHAT, AGAIN = "rival method", "Fetch the method again."
_KINDS: dict[str, Any] = {
    "method": str, "config": dict, "backbone": str, "channels": int, "sha256": str | None, "training": dict | None,
}  # fmt: skip


def write_folder(folder: Path, about: dict[str, Any], weights: dict[str, Tensor]) -> None:
    """Write the weights and then the config, which is what makes it a method. Raises OutputError."""
    from safetensors.torch import save_file

    digest = None
    if weights:
        with atomic_path(folder / WEIGHTS, force=True) as path:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, path)
            digest = file_hash(path)
        (folder / WEIGHTS).chmod(0o644)  # safetensors makes it private
    entries = {"format": FORMAT, "version": VERSION, **about, "sha256": digest}
    with atomic_path(folder / CONFIG, force=True) as path:
        path.write_text(json.dumps(entries, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def is_method_folder(source: str | os.PathLike[str]) -> bool:
    """Whether a folder says of itself that it holds a method."""
    try:
        return bool(read_record(Path(source) / CONFIG).get("format") == FORMAT)
    except EmotiCrafterError:
        return False


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json says, with at least method, config, backbone, channels and sha256, and `training` where it was trained.

    Raises MissingError and CheckpointError.
    """
    path = folder / CONFIG
    if not os.path.lexists(path):
        raise MissingError(
            f"{str(folder)!r} holds no {CONFIG}.", "`emoticrafter rival train NAME --out DIR` makes such a folder."
        )
    entries = read_marked(path, FORMAT, VERSION, WHAT, AGAIN, error=CheckpointError)
    try:
        for name, kind in _KINDS.items():
            typed(name, entries.get(name), kind)
    except InputError as error:
        raise damaged(path, WHAT, AGAIN, error, CheckpointError) from error
    return entries


def read_weights(folder: Path, digest: str, expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a folder, which must have the names and shapes of `expected`, and be finite. Raises CheckpointError."""
    path = folder / WEIGHTS
    if not os.path.lexists(path):
        raise CheckpointError(f"{str(folder)!r} has a {CONFIG} but no {WEIGHTS}.", "Copy the whole folder.")
    if file_hash(path, "file of weights", AGAIN, error=CheckpointError) != digest:
        raise CheckpointError(f"The weights {str(path)!r} are not those that {CONFIG} was written for.", "Fetch both again.")
    found = read_tensors(path, "file of weights", AGAIN)
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
