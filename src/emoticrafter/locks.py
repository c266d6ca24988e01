"""One run at a time in a folder: a lock of the operating system, which lets go of it whatever ends the process."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emoticrafter.errors import OutputError

__all__ = ["hold"]


@contextmanager
def hold(lock: Path, problem: str, hint: str) -> Iterator[None]:
    """Hold a lock file, made where it is missing, as long as the block runs.

    Raises OutputError: with `problem` and `hint` where another process holds it, with its own where the folder cannot be
    written. Where system or file system have no such locks (Windows, some network disks), nothing is held.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = lock.open("w")
    except OSError as error:
        raise OutputError(
            f"Cannot write in {str(lock.parent)!r}: {error.strerror or error}.", "Choose another folder."
        ) from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise OutputError(problem, hint) from error
        yield
