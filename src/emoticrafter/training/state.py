"""The states that a run is taken up from: written whole or not at all, checked before they are used.

    RUN/states/step-00000500/
        state.json              what the others are (bytes and sha256 of each), the step, epoch and offset, the recipe
        model.safetensors, optimizer.safetensors, average.safetensors, random-00000.safetensors (one per process)

A state is written into a temporary folder beside, brought to the disk file by file, and takes its name last. Numbers only:
nothing is pickled.
"""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emoticrafter.errors import CheckpointError, EmotiCrafterError, reason_of
from emoticrafter.files import disk_errors
from emoticrafter.inputs.named import file_hash
from emoticrafter.inputs.records import read_marked
from emoticrafter.inputs.typed import typed
from emoticrafter.tensors import read_tensors

__all__ = ["State", "States", "random_state", "set_random_state", "sync_folder"]

FORMAT, VERSION = "emoticrafter-training-state", 1
ABOUT = "state.json"
AGAIN = "Delete its folder to go on from the state before it."
_NAME = re.compile(r"step-(\d{8,})")
_TEMPORARY = re.compile(r"\.step-\d+\.[0-9a-f]{16}\.tmp")

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class State:
    """A state that was read: where it lies, what it says, and its tensors by file, without suffix, and name."""

    folder: Path
    about: dict[str, Any]
    tensors: dict[str, dict[str, Tensor]]


class States:
    """The states of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def found(self) -> list[Path]:
        """The folders of all states, the oldest first."""
        if not self.folder.is_dir():
            return []
        named = {int(match[1]): path for path in self.folder.iterdir() if (match := _NAME.fullmatch(path.name))}
        return [named[step] for step in sorted(named)]

    def save(self, step: int, tensors: Mapping[str, Tensors], about: Mapping[str, Any], *, keep: int) -> Path:
        """Write the state of this step; then only the last `keep` stay.

        tensors: by file and name, on any device. about: JSON values. Raises OutputError if it cannot be written; what was there
        stays whole then.
        """
        from safetensors.torch import save_file

        target = self.folder / f"step-{step:08d}"
        temporary = self.folder / f".{target.name}.{secrets.token_hex(8)}.tmp"
        older = [path for path in self.found() if path != target]
        whole = f"{older[-1].name} is whole: the run goes on from there" if older else "There is none yet: it begins anew"
        try:
            with disk_errors(f"the state of step {step}", f"{whole} when you have freed some space and run the command again."):
                temporary.mkdir(parents=True)
                files = {}
                for name, some in tensors.items():
                    path = temporary / f"{name}.safetensors"
                    save_file({key: tensor.detach().to("cpu").contiguous() for key, tensor in some.items()}, path)
                    _sync(path)
                    files[path.name] = {"bytes": path.stat().st_size, "sha256": file_hash(path)}
                entries = {"format": FORMAT, "version": VERSION, "step": step, "files": files, **about}
                text = json.dumps(entries, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
                (temporary / ABOUT).write_text(text, encoding="utf-8")
                _sync(temporary / ABOUT)
                sync_folder(temporary)
                if target.exists():
                    shutil.rmtree(target)
                temporary.rename(target)
                sync_folder(self.folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        for path in self.found()[:-keep]:
            shutil.rmtree(path, ignore_errors=True)
        return target

    def latest(self, check: bool = True) -> State | None:
        """The last state, checked unless another process did, and read; None where there is none yet.

        Raises CheckpointError, with the name of the last good one, when a part of it is missing or damaged.
        """
        found = self.found()
        if not found:
            return None
        last = found[-1]
        if check and (fault := _fault(last)):
            good = next((path for path in reversed(found[:-1]) if not _fault(path)), None)
            raise CheckpointError(
                f"The state {str(last)!r} is damaged: {fault}.",
                f"The last good one is {good.name}: delete the folder {last.name} to go on from there."
                if good
                else "None is whole: choose another --out to begin anew, or delete this one.",
            )
        return _read(last)

    def clean(self) -> None:
        """Remove what killed runs left half-written."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if _TEMPORARY.fullmatch(path.name):
                    shutil.rmtree(path, ignore_errors=True)


def _fault(folder: Path) -> str:
    """What is wrong with a state; empty if nothing is."""
    try:
        files = typed("files", _about(folder).get("files"), dict[str, _Part])
        if not {"model.safetensors", "optimizer.safetensors"} <= set(files):
            return f"{ABOUT} does not name its parts"
        for name, expected in files.items():
            path = folder / name
            if Path(name).name != name or not path.is_file():
                return f"{name} is missing"
            if path.stat().st_size != expected.bytes:
                return f"{name} has {path.stat().st_size} bytes of {expected.bytes}"
            if file_hash(path) != expected.sha256:
                return f"{name} is not what was written"
    except EmotiCrafterError as error:
        return reason_of(error)
    return ""


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A file of a state."""

    bytes: int
    sha256: str


def _about(folder: Path) -> dict[str, Any]:
    return read_marked(folder / ABOUT, FORMAT, VERSION, "state", AGAIN, error=CheckpointError, missing=CheckpointError)


def _read(folder: Path) -> State:
    about = _about(folder)
    files = (folder / name for name in about["files"])
    return State(folder=folder, about=about, tensors={path.stem: read_tensors(path, "state", AGAIN) for path in files})


def random_state() -> dict[str, Tensor]:
    """The states of all random generators of this process, as tensors: Python's, numpy's, torch's, and each GPU's."""
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    assert version == 3 and kind == "MT19937"
    states = {
        "python": torch.tensor(words, dtype=torch.int64),
        "python_gauss": torch.tensor([] if gauss is None else [gauss], dtype=torch.float64),
        "numpy": torch.from_numpy(np.asarray(keys).astype(np.int64)),
        "numpy_position": torch.tensor([position, has_gauss], dtype=torch.int64),
        "numpy_gauss": torch.tensor([cached], dtype=torch.float64),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        states |= {f"cuda_{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


def set_random_state(states: Tensors) -> None:
    """Take up what `random_state` gave. GPUs that are not there any more are passed over."""
    gauss = states["python_gauss"].tolist()
    random.setstate((3, tuple(states["python"].tolist()), gauss[0] if gauss else None))
    position, has_gauss = states["numpy_position"].tolist()
    keys = states["numpy"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, position, has_gauss, float(states["numpy_gauss"])))
    torch.set_rng_state(states["torch"])
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        if f"cuda_{index}" in states:
            torch.cuda.set_rng_state(states[f"cuda_{index}"], index)


def sync_folder(folder: Path, files: bool = False) -> None:
    """Have the names in a folder, and what is in its files, on the disk. Windows cannot do the first and is left alone."""
    if os.name == "posix":
        for path in folder.iterdir() if files else ():
            _sync(path)
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
