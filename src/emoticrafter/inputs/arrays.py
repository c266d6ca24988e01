"""Arrays in .npy and .npz files, which this program keeps of what took long: read whole, or mapped from the disk."""

from __future__ import annotations

from zipfile import BadZipFile

import numpy as np

from emoticrafter.errors import CheckpointError, MissingError
from emoticrafter.inputs.named import Error, PathLike, check_file
from emoticrafter.inputs.records import damaged

__all__ = ["read_array", "read_arrays"]


def read_array(
    path: PathLike, what: str, cure: str, *, mapped: bool = False, error: Error = CheckpointError, missing: Error = MissingError
) -> np.ndarray:
    """The array in a file; nothing is unpickled. what, cure: of errors.

    Raises `missing` where there is none, `error` for what is no regular file, damaged or cut short.
    """
    check_file(path, what, cure, error=error, missing=missing)
    try:
        found: np.ndarray = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise damaged(path, what, cure, problem, error) from problem
    if not isinstance(found, np.ndarray):
        raise damaged(path, what, cure, ValueError("it is an archive"), error)
    return found


def read_arrays(path: PathLike, what: str, cure: str) -> dict[str, np.ndarray]:
    """The arrays in an archive by name. Raises MissingError and CheckpointError, as above."""
    check_file(path, what, cure, error=CheckpointError)
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError, BadZipFile, TypeError) as problem:
        raise damaged(path, what, cure, problem, CheckpointError) from problem
