"""Tensors out of the pickles of strangers, of which nothing is ever run."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from emoticrafter.errors import CheckpointError
from emoticrafter.inputs.named import check_file

__all__ = ["plain_names", "read_pickle"]

T = TypeVar("T")
_NESTS = ("state_dict", "model_state_dict", "model")  # under which trainers keep the weights, beside optimizer and epoch
# What wrappers put before the names: DataParallel, Lightning, torch.compile; the last also within them.
_WRAPPERS = re.compile(r"^(?:module\.|model\.|_orig_mod\.)+|(?<=\.)_orig_mod\.")


def read_pickle(path: Path) -> dict[str, Tensor]:
    """Tensors by name. `weights_only` refuses every pickle that would call code, before it does.

    A state dict may stand by itself or under "state_dict", "model_state_dict" or "model", and its names are given plain (see
    `plain_names`). Raises MissingError and CheckpointError, which names what stands there instead.
    """
    check_file(path, cure="Give the path of a released checkpoint, a .pth file.")
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{str(path)!r} is damaged, or holds more than tensors, whose loading could run code; nothing was run.",
            "Fetch it again from its authors.",
        ) from error
    except Exception as error:  # a damaged file can fail anywhere in the reader
        raise CheckpointError(f"{str(path)!r} is corrupt or cut short: {type(error).__name__}.", "Fetch it again.") from error
    while isinstance(state, dict) and (nest := next((key for key in _NESTS if isinstance(state.get(key), dict)), None)):
        state = state[nest]
    if not isinstance(state, dict) or not state:
        raise CheckpointError(
            f"{str(path)!r} is not a state dict: tensors by name. It holds {_kind(state) if state != {} else 'nothing'}.",
            "Give the file as its authors published it.",
        )
    if others := [key for key, value in state.items() if not isinstance(key, str) or not isinstance(value, Tensor)]:
        told = ", ".join(f"{str(key)[:60]} ({_kind(state[key])})" for key in others[:5])
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        raise CheckpointError(
            f"{str(path)!r} is not a state dict: tensors by name. It holds {told}{more}.",
            f"Give the weights alone, or under one of {', '.join(_NESTS)}.",
        )
    return plain_names(state, path)


def plain_names(state: Mapping[str, T], path: Path) -> dict[str, T]:
    """The same without what wrappers put before names: `module.`, `model.`, `_orig_mod.`. Raises CheckpointError for a name that
    comes twice then.
    """
    named: dict[str, T] = {}
    for name, value in state.items():
        plain = _WRAPPERS.sub("", name)
        if plain in named:
            raise CheckpointError(
                f"{str(path)!r} holds {plain[:80]!r} twice, as {name[:80]!r} and under another name.", "Take one set out."
            )
        named[plain] = value
    return named


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"
