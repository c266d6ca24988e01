"""The standard streams of the program, to which it can always write: what it does must not depend on who reads what it prints.

A character that the stream's encoding lacks is written in plain letters or escaped. A reader that has gone is not missed. What
a stream refuses, as on a full disk, is told when all is done. A stream that was closed from the start takes everything.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from emoticrafter.errors import OutputError

__all__ = ["standard_streams"]

_READABLE = "emoticrafter.readable"  # the name of `_readable` among the ways of Python to meet such characters
_PLAIN = {"\N{BULLET}": "*", "\N{HORIZONTAL ELLIPSIS}": "...", "\N{REPLACEMENT CHARACTER}": "?"}  # of our own help and notes
_BUSY = 0.01  # seconds until a stream that takes nothing at the moment is tried again


@contextmanager
def standard_streams() -> Iterator[Callable[[], None]]:
    """Let stdout and stderr be such streams as long as the block runs.

    Yields what writes out all that was printed; it raises OutputError where stdout has refused any of it.
    """
    codecs.register_error(_READABLE, _readable)
    before = sys.stdout, sys.stderr
    (out, end), (err, _) = _opened(sys.stdout), _opened(sys.stderr)

    def flush() -> None:
        out.flush()
        err.flush()
        if end is not None and end.refusal is not None:
            raise OutputError(
                f"What this command prints could not be written: {end.refusal}.",
                "Let it print elsewhere; what it made is in its files.",
            )

    sys.stdout, sys.stderr = out, err
    try:
        yield flush
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


class _End(io.RawIOBase):
    """Where a stream ends; from the first error on it takes whatever comes, and drops it."""

    def __init__(self, end: Any) -> None:
        self._end, self._open, self.refusal = end, True, None

    refusal: str | None  # why something could not be written, unless nobody wants to read any more

    def write(self, data: Any) -> int:
        while self._open:
            try:
                written = self._end.write(data)
            except OSError as error:
                self._open = False
                gone = isinstance(error, ConnectionError) or (os.name == "nt" and error.errno == errno.EINVAL)
                self.refusal = None if gone else str(error.strerror or error)
                break
            if written is not None:
                return int(written)
            time.sleep(_BUSY)
        return memoryview(data).nbytes

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return not self._end.closed and bool(self._end.isatty())

    def fileno(self) -> int:
        return int(self._end.fileno())


def _opened(stream: Any) -> tuple[TextIO, _End | None]:
    """A stream to the same end. Streams without bytes below them, as programs that call this one may set, stay as they are."""
    if stream is None:  # it was closed; a file opened next would get its number, and whatever is printed
        return open(os.devnull, "w", encoding="utf-8", errors=_READABLE), None
    if not hasattr(stream, "buffer"):
        return stream, None
    end = _End(getattr(stream.buffer, "raw", stream.buffer))
    opened = io.TextIOWrapper(
        io.BufferedWriter(end),
        stream.encoding,
        _READABLE,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    return opened, end


def _readable(error: UnicodeError) -> tuple[bytes, int]:
    """What stands for characters that an encoding lacks; bytes that no encoding could read, as in a file's name, come back."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return b"".join(map(_stand_in, error.object[error.start : error.end])), error.end


def _stand_in(character: str) -> bytes:
    if "\udc80" <= character <= "\udcff":
        return character.encode("ascii", "surrogateescape")
    return _PLAIN.get(character, ascii(character)[1:-1]).encode("ascii")
