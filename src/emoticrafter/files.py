"""Files written whole or not at all, names made from free text, and the folder for what can be made again."""

from __future__ import annotations

import errno
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emoticrafter.errors import OutputError

__all__ = ["atomic_path", "cache_directory", "check_writable", "safe_name"]

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # device names on Windows


def cache_directory() -> Path:
    """Where downloads and other things that can be made again are kept: $EMOTICRAFTER_CACHE or ~/.cache/emoticrafter.

    The folder is not created here.
    """
    chosen = os.environ.get("EMOTICRAFTER_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "emoticrafter"


def check_writable(path: str | os.PathLike[str], force: bool = False) -> Path:
    """Refuse, before any long work starts, a file that could not be written after it.

    Returns the path. Raises OutputError if it exists and `force` is off, if it is a folder or a device, or if the nearest
    existing folder above it takes no new files.
    """
    path = Path(path)
    if "\0" in str(path):
        raise OutputError(f"The output name {str(path)!r} holds a null character.", "Give a plain file name.")
    try:
        if path.exists():
            if not path.is_file():
                raise OutputError(f"The output {str(path)!r} is not a regular file.", "Give the name of a file.")
            if not force:
                raise OutputError(
                    f"The output {str(path)!r} exists.", "Choose another name, or pass --force (force=True) to replace it."
                )
        folder = next(above for above in path.absolute().parents if above.exists())
    except OSError as error:
        raise _output_error(error, path) from error
    if not folder.is_dir():
        raise OutputError(f"The output {str(path)!r} is below {str(folder)!r}, which is not a folder.", "Choose another place.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _output_error(PermissionError(errno.EACCES, "Permission denied"), path)
    return path


@contextmanager
def atomic_path(path: str | os.PathLike[str], force: bool = False) -> Iterator[Path]:
    """Yield a temporary name beside `path` to write one file to; on success it takes the name `path`.

    The file appears whole or not at all: whatever ends the block early, an interrupt too, removes the temporary file and
    leaves an older file as it was. Missing folders are made. The temporary name keeps the suffix, so that writers which
    look at it choose the right format. Raises OutputError as `check_writable` does, and when the disk is full.
    """
    path = check_writable(path, force)
    target = Path(os.path.realpath(path))  # a link keeps pointing at the file that is replaced
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush(temporary)
        check_writable(path, force)  # another process may have been faster
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno in _DISK_FULL | _REFUSED | {errno.ENAMETOOLONG, errno.ENOTDIR}:
            raise _output_error(error, path) from error
        if isinstance(error, Exception) and "No space left on device" in str(error):  # as safetensors reports it
            raise _output_error(OSError(errno.ENOSPC, ""), path) from error
        raise


def safe_name(text: str, max_length: int = 80) -> str:
    """A file name, without suffix, that holds the words of `text` in any script and nothing that a file system acts on.

    Letters, digits and underscores stay; apostrophes go; every run of anything else becomes one hyphen. The result is
    never empty, never starts with a dot or a hyphen, and fits in `max_length` characters and 200 bytes.
    """
    text = unicodedata.normalize("NFC", text[: 8 * max_length]).replace("'", "").replace("\u2019", "")
    kept = "".join(c if c == "_" or unicodedata.category(c)[0] in "LMN" else "-" for c in text)
    name = re.sub("-+", "-", kept).strip("-")[:max_length]
    name = name.encode("utf-8", "ignore")[:200].decode("utf-8", "ignore").rstrip("-")
    return f"{name}_" if _RESERVED.fullmatch(name) else name or "untitled"


def _flush(path: Path) -> None:
    """Have the file's bytes on the disk before its name appears: a power cut must not leave a name without content."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _output_error(error: OSError, path: Path) -> OutputError:
    if error.errno in _DISK_FULL:
        return OutputError(f"The disk is full: {str(path)!r} was not written.", "Free some space, or choose another disk.")
    if error.errno in _REFUSED:
        return OutputError(f"No permission to write {str(path)!r}.", "Choose a folder of your own, or change its permissions.")
    return OutputError(f"Cannot write {str(path)!r}: {error.strerror or error}.", "Choose another name or folder.")
