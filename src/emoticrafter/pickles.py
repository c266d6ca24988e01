"""Tensors out of the pickles of strangers, of which nothing is ever run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emoticrafter.errors import CheckpointError
from emoticrafter.inputs.named import check_file

__all__ = ["read_pickle"]


def read_pickle(path: Path) -> dict[str, Tensor]:
    """Tensors by name. `weights_only` refuses every pickle that would call code, before it does.

    A state dict may stand by itself or under "state_dict". Raises MissingError and CheckpointError.
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
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if (
        not isinstance(state, dict)
        or not state
        or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items())
    ):
        raise CheckpointError(
            f"{str(path)!r} is not a state dict: tensors by name.", "Give the file as its authors published it."
        )
    return state
