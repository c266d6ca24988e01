"""Text of others: UTF-8, with or without a byte order mark, in lines that end with LF, CRLF or CR and with nothing else.

`str.splitlines` cuts at eight more characters, some of which stand inside sentences that were copied from elsewhere.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from emoticrafter.errors import InputError
from emoticrafter.inputs.named import CHECK, PathLike, read_file

__all__ = ["as_text", "cut_lines", "read_lines", "read_table_lines", "read_text"]

MAX_BYTES = 1 << 30
_SAVE = "Save it as UTF-8."
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_WIDE = {  # the longer marks first: that of UTF-32 begins as that of UTF-16
    codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16",
}  # fmt: skip


def read_lines(path: PathLike, what: str = "file", cure: str = CHECK) -> list[str]:
    """The lines of a text file, without their ends.

    Raises MissingError, and InputError, also for a file in another encoding, which is named.
    """
    return cut_lines(read_text(path, what, cure))


def read_text(path: PathLike, what: str = "file", cure: str = CHECK) -> str:
    """A text file as it stands, but for its mark. Raises as `read_lines`."""
    return as_text(read_file(path, MAX_BYTES, what, cure), Path(path).name)


def cut_lines(text: str) -> list[str]:
    """The lines of a text, without their ends."""
    return [line.rstrip("\r\n") for line in _LINE.findall(text)]


def read_table_lines(path: PathLike) -> tuple[list[str], list[str]]:
    """The lines of a table with their ends, and notes on its encoding.

    Spreadsheets save UTF-16 and Windows-1252, too: these are taken, the second line by line where a line is no UTF-8. Raises
    MissingError and InputError.
    """
    data, name = read_file(path, MAX_BYTES), Path(path).name
    notes = []
    if _mark(data) == "UTF-16":
        data = _from_utf16(data, name)
        notes.append("the file is UTF-16")
    data = data.removeprefix(codecs.BOM_UTF8)
    _refuse_other_forms(data, name)
    try:
        return _LINE.findall(data.decode()), notes
    except UnicodeDecodeError:
        lines = [(line, _is_utf8(line)) for line in data.splitlines(keepends=True)]  # of bytes: at LF, CRLF and CR alone
        count = sum(not sound for _, sound in lines)
        told = "1 line is not UTF-8 and was" if count == 1 else f"{count} lines are not UTF-8 and were"
        notes.append(f"{told} read as Windows-1252")
        return [line.decode() if sound else _from_windows(line) for line, sound in lines], notes


def as_text(data: bytes, name: str) -> str:
    """The text of a file in UTF-8, without its mark. name: of the file, for the InputError about any other encoding."""
    data = data.removeprefix(codecs.BOM_UTF8)
    _refuse_other_forms(data, name)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        number, line = next((i, line) for i, line in enumerate(data.splitlines(), 1) if not _is_utf8(line))
        text = _from_windows(line).strip()
        reads = f"reads as Windows-1252: {text[:60]!r}" if text.isprintable() else "is in another encoding"
        raise InputError(f"{name!r} is no text in UTF-8: line {number} {reads}.", _SAVE) from error


def _mark(data: bytes) -> str | None:
    """The encoding that a byte order mark tells of, where it is not UTF-8."""
    return next((name for mark, name in _WIDE.items() if data.startswith(mark)), None)


def _refuse_other_forms(data: bytes, name: str) -> None:
    if found := _mark(data):
        raise InputError(f"{name!r} is no text in UTF-8: it is {found}.", _SAVE)
    if b"\0" not in data:
        return
    halves = [data[half::2].count(0) for half in (0, 1)]
    if max(halves) > len(data) // 4 and not min(halves):
        raise InputError(f"{name!r} is no text in UTF-8: it is UTF-16 without a byte order mark.", _SAVE)
    raise InputError(f"{name!r} holds null bytes: it is no text file.", "Give a text file in UTF-8.")


def _from_utf16(data: bytes, name: str) -> bytes:
    try:
        return data.decode("utf-16").encode()
    except UnicodeDecodeError as error:
        raise InputError(f"{name!r} begins as UTF-16 and is not: {error.reason}.", _SAVE) from error


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _from_windows(line: bytes) -> str:
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in line)
