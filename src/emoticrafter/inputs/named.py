"""Files that a user names, or that a file or folder of theirs names: opened where they are regular files, read up to a limit.

A pipe would hang its reader for ever, a device may have no end, and what `stat` says of a length need not be so.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from emoticrafter.errors import EmotiCrafterError, InputError, MissingError, reason_of

__all__ = ["CHECK", "PathLike", "below", "check_file", "file_hash", "open_file", "read_file"]

CHECK = "Check the name and the folder."
_BLOCK = 1 << 20  # bytes read at once
_NO_FILE = 0  # no number of the system's: our own, for what is no regular file
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK"))
_OTHERS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)

PathLike = str | os.PathLike[str]
Error = type[EmotiCrafterError]


def open_file(
    path: PathLike, what: str = "file", cure: str = CHECK, *, error: Error = InputError, missing: Error = MissingError
) -> io.BufferedReader[io.FileIO]:
    """A regular file, or a link to one, open for reading in bytes; whoever calls closes it.

    what: how the message calls it. Raises `missing` where there is none, and `error`, at once, for a folder, a pipe, a device,
    and what cannot be read; `cure` is the next step of both.
    """
    try:
        _check_regular(os.stat(path).st_mode)  # before it is opened, which alone may do something to a device
        file = io.BufferedReader(io.FileIO(os.open(path, _FLAGS), "rb"))
        try:
            _check_regular(os.fstat(file.fileno()).st_mode)
        except OSError:
            file.close()
            raise
    except (FileNotFoundError, NotADirectoryError):
        raise missing(f"There is no {what} {str(path)!r}.", cure) from None
    except (OSError, ValueError) as problem:  # ValueError: a null character in the name
        raise _unreadable(path, problem, cure, error) from problem
    return file


def read_file(
    path: PathLike,
    most: int,
    what: str = "file",
    cure: str = CHECK,
    *,
    error: Error = InputError,
    missing: Error = MissingError,
) -> bytes:
    """The bytes of a regular file. Raises what `open_file` does, and `error` for more than `most` bytes."""
    blocks, length = [], 0
    for block in _blocks(path, what, cure, error, missing):
        blocks.append(block)
        length += len(block)
        if length > most:
            raise _too_long(path, most, cure, error)
    return b"".join(blocks)


def check_file(
    path: PathLike,
    what: str = "file",
    cure: str = CHECK,
    *,
    most: int | None = None,
    error: Error = InputError,
    missing: Error = MissingError,
) -> Path:
    """The path, for a library that opens it itself. Raises what `open_file` does, and `error` for more than `most` bytes."""
    open_file(path, what, cure, error=error, missing=missing).close()
    if most is not None:
        length = 0
        for block in _blocks(path, what, cure, error, missing):
            length += len(block)
            if length > most:
                raise _too_long(path, most, cure, error)
    return Path(path)


def file_hash(
    path: PathLike, what: str = "file", cure: str = CHECK, *, error: Error = InputError, missing: Error = MissingError
) -> str:
    """sha256 of a regular file, in hexadecimal digits. Raises what `open_file` does."""
    digest = hashlib.sha256()
    for block in _blocks(path, what, cure, error, missing):
        digest.update(block)
    return digest.hexdigest()


def below(folder: PathLike, name: str, what: str = "file") -> Path:
    """The path of a name in a folder. Raises InputError where it leads out of the folder, be it by a link or by itself."""
    path = Path(folder, name)
    try:
        inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    except (OSError, ValueError):  # ValueError: a null character in the name
        inside = False
    if not inside:
        hint = "Give the folder that it lies in, or copy it there: a link that leads elsewhere is not followed."
        raise InputError(f"The {what} {name[:200]!r} does not lie below {str(folder)!r}.", hint)
    return path


def _blocks(path: PathLike, what: str, cure: str, error: Error, missing: Error) -> Iterator[bytes]:
    with open_file(path, what, cure, error=error, missing=missing) as file:
        try:
            while (block := file.read(_BLOCK)) != b"":
                if block is None:  # a file of the system that would make its reader wait
                    raise OSError(_NO_FILE, "it gives nothing")
                yield block
        except OSError as problem:
            raise _unreadable(path, problem, cure, error) from problem


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(_NO_FILE, f"it is {next((name for test, name in _OTHERS if test(mode)), 'no regular file')}")


def _too_long(path: PathLike, most: int, cure: str, error: Error) -> EmotiCrafterError:
    return error(f"{str(path)!r} is longer than {most} bytes.", cure)


def _unreadable(path: PathLike, problem: OSError | ValueError, cure: str, error: Error) -> EmotiCrafterError:
    reason = getattr(problem, "strerror", None) or reason_of(problem)
    if isinstance(problem, OSError) and problem.errno == _NO_FILE and cure == CHECK:
        cure = "Give a regular file."
    return error(f"{str(path)!r} cannot be read: {reason}.", cure)
