"""Files from the Hugging Face hub, with errors that say how to get them without a connection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from emoticrafter.errors import MissingError, reason_of

__all__ = ["fetch", "fetch_error", "is_hub_id"]

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def is_hub_id(text: str) -> bool:
    """Whether the text has the form OWNER/NAME."""
    return _HUB_ID.fullmatch(text) is not None and ".." not in text


def fetch(repository: str, files: Sequence[str]) -> Path:
    """The folder with these files (glob patterns) of a hub repository, downloaded unless they are in the hub's cache.

    Raises MissingError when they cannot be had.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repository, allow_patterns=list(files)))
    except Exception as error:  # connection, permission, an unknown name: the next step is the same
        raise fetch_error(repository, error) from error


def fetch_error(repository: str, error: Exception) -> MissingError:
    """The error for a repository that could not be fetched."""
    reason = f"{type(error).__name__}: {reason_of(error)}"
    return MissingError(
        f"{repository} is not in the cache of this machine and could not be fetched ({reason}).",
        f"Check the name. On a machine with a connection run `hf download {repository} --local-dir FOLDER`, copy the folder here,"
        " and give its path instead.",
    )
