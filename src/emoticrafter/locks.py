"""One run at a time in a folder: a lock of the operating system, which lets go of it whatever ends the process."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emoticrafter.errors import OutputError

__all__ = ["LOCK", "beside", "busy", "check_free", "hold"]

LOCK = ".lock"  # in the folder that it is about
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


def busy(folder: Path) -> tuple[str, str]:
    """What is said of a folder that another run writes to: the problem and the hint that `hold` takes."""
    return f"Another run is writing to {str(folder)!r}.", "Wait for it, or give another folder with --out."


def beside(folder: Path) -> Path:
    """The lock of a folder that is exchanged as a whole: it lies beside it."""
    return folder.parent / f".{folder.name}{LOCK}"


def check_free(folder: Path) -> None:
    """Raise OutputError for a folder that another run is writing to, before any work is done for it.

    A run that begins later is met by `hold`. Nothing is made here, nor told of a folder that cannot be looked into.
    """
    place = folder.absolute()
    for lock in (place / LOCK, beside(place)):
        if not lock.is_file():
            continue
        from filelock import FileLock, Timeout

        try:
            with FileLock(lock, timeout=0):
                pass
        except Timeout:
            raise OutputError(*busy(folder)) from None
        except OSError:
            continue


@contextmanager
def hold(lock: Path, problem: str, hint: str, *, passing: bool = False) -> Iterator[None]:
    """Hold a lock file, made where it is missing, as long as the block runs.

    passing: remove the file after it, and a new folder that stayed empty, for folders that are handed on as they are. Raises
    OutputError: with `problem` and `hint` where another process holds it, with its own where the folder cannot be written. Where
    the file system has no locks (some network disks), nothing is held.
    """
    from filelock import FileLock, Timeout

    held, new = FileLock(lock), not lock.parent.exists()
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held.acquire(timeout=0)
    except Timeout:
        raise OutputError(problem, hint) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise OutputError(
                f"Cannot write in {str(lock.parent)!r}: {error.strerror or error}.", "Choose another folder."
            ) from error
    try:
        yield
    finally:
        # The holder removes the name: who has opened the old file by then sees that it has none. Windows removes no open file.
        if passing and held.is_locked and os.name != "nt":
            lock.unlink(missing_ok=True)
        held.release()
        with suppress(OSError):
            if passing and os.name == "nt":
                lock.unlink()
            if passing and new:
                lock.parent.rmdir()
