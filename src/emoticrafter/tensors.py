"""Tensors out of safetensors files. Those that lie in the pickles of strangers: `pickles`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from safetensors import safe_open
from torch import Tensor, nn

from emoticrafter.errors import CheckpointError, InputError, MissingError, reason_of
from emoticrafter.inputs.named import Error, PathLike, check_file
from emoticrafter.inputs.records import parse_json
from emoticrafter.inputs.typed import typed

__all__ = ["each_tensor", "fill", "read_header", "read_noted_tensors", "read_tensors"]


def read_tensors(path: PathLike, what: str, cure: str, *, missing: Error = MissingError) -> dict[str, Tensor]:
    """All tensors of a file by name, on the CPU. what: how errors call it; cure: the next step.

    Raises `missing` where there is none, CheckpointError for what is no regular file, corrupt or cut short.
    """
    return _read(path, what, cure, missing, lambda notes: None)[1]


def read_noted_tensors(
    path: PathLike, note: str, kind: Any, what: str, cure: str, *, missing: Error = MissingError
) -> tuple[Any, dict[str, Tensor]]:
    """The same, behind what the file says under `note` in JSON, as `kind` (see `inputs.typed`)."""

    def read(notes: dict[str, str]) -> Any:
        if note not in notes:
            raise InputError(f"it says nothing of a {note}.")
        return typed("", parse_json(notes[note]), kind)

    return _read(path, what, cure, missing, read)


def each_tensor(path: PathLike, what: str, cure: str) -> Iterator[tuple[str, Tensor]]:
    """The same tensors one by one, so that a file may be larger than the memory."""
    with _opened(path, what, cure) as file:
        for name in file.keys():  # noqa: SIM118 (not a dict)
            yield name, file.get_tensor(name)


def read_header(path: PathLike, what: str, cure: str) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """The shapes of a file's tensors by name, and its notes. Errors are those of `read_tensors`."""
    with _opened(path, what, cure) as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 (not a dict)
        return shapes, dict(file.metadata() or {})


def fill(module: nn.Module, tensors: dict[str, Tensor], path: PathLike, what: str, cure: str) -> None:
    """Give a module the tensors of a file; one that was made on the meta device takes them as its own.

    Raises CheckpointError unless they are those of the module, and all numbers finite.
    """
    try:
        module.load_state_dict(tensors, assign=any(one.is_meta for one in module.parameters()))
    except (RuntimeError, ValueError, TypeError) as error:
        reason = reason_of(RuntimeError(str(error).partition("\n")[2] or str(error)))  # the first line names the class alone
        raise CheckpointError(f"The {what} {str(path)!r} is of another network: {reason}.", cure) from error
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise CheckpointError(f"In the {what} {str(path)!r} the tensor {name} holds values that are not finite.", cure)


def _read(
    path: PathLike, what: str, cure: str, missing: Error, notes: Callable[[dict[str, str]], Any]
) -> tuple[Any, dict[str, Tensor]]:
    with _opened(path, what, cure, missing) as file:
        return notes(file.metadata() or {}), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@contextmanager
def _opened(path: PathLike, what: str, cure: str, missing: Error = MissingError) -> Iterator[Any]:
    check_file(path, what, cure, error=CheckpointError, missing=missing)
    try:
        with safe_open(path, "pt") as file:
            yield file
    except MemoryError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in the reader
        raise CheckpointError(f"The {what} {str(path)!r} is corrupt or cut short: {reason_of(error)}.", cure) from error
