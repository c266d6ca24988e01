"""Files written whole or not at all, names made from free text, and the folder for what can be made again."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from emoticrafter.errors import EmotiCrafterError, OutputError, reason_of
from emoticrafter.locks import check_free

__all__ = [
    "atomic_folder", "atomic_path", "cache_directory", "check_folder", "check_writable", "disk_errors", "names_in", "safe_name",
    "user_path", "write_together",
]  # fmt: skip

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_TOLD = re.compile(r"\(os error (\d{1,5})\)")
_OF_FILE_MANAGERS = {".ds_store", ".directory", "desktop.ini", "thumbs.db"}  # and ._NAME, beside NAME
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # device names on Windows


def cache_directory() -> Path:
    """Where downloads and other things that can be made again are kept: $EMOTICRAFTER_CACHE or ~/.cache/emoticrafter.

    The folder is not created here.
    """
    chosen = os.environ.get("EMOTICRAFTER_CACHE")
    return user_path(chosen) if chosen else Path.home() / ".cache" / "emoticrafter"


def user_path(path: str | os.PathLike[str]) -> Path:
    """A path as a user gives it: a leading ~ or ~NAME is a home folder, where there is one, though no shell replaced it."""
    try:
        return Path(os.path.expanduser(path))
    except ValueError:  # a name that no user can have
        return Path(path)


def check_writable(path: str | os.PathLike[str], force: bool = False) -> Path:
    """Refuse, before any long work starts, a file that could not be written after it.

    Returns the path. Raises OutputError if it exists and `force` is off, if it is a folder or a device, or if its folder takes no
    new files or cannot be made, which is tried: nothing of it stays.
    """
    path = _check_file(path, force)
    _try_folder(Path(os.path.realpath(path)).parent, path)
    return path


def check_folder(path: str | os.PathLike[str]) -> Path:
    """The same for a folder that files are to be written into, which may be there, and which no other run is writing to.

    What else is in it is not looked at.
    """
    path = user_path(path)
    if "\0" in str(path):
        raise OutputError(f"The output name {str(path)!r} holds a null character.", "Give a plain folder name.")
    try:
        is_file = path.exists() and not path.is_dir()
    except OSError as error:
        raise _output_error(error, path) from error
    if is_file:
        raise OutputError(f"The output {str(path)!r} is not a folder.", "Give a folder.")
    check_free(path)
    _try_folder(path.absolute(), path)
    return path


def _check_file(path: str | os.PathLike[str], force: bool) -> Path:
    path = user_path(path)
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
    path = _check_file(path, force)
    target = Path(os.path.realpath(path))  # a link keeps pointing at the file that is replaced
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _output_error(error, path) from error
    try:
        yield temporary
        _flush(temporary)
        _check_file(path, force)  # another process may have been faster
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        number = _errno(error)
        ours = isinstance(error, OSError) and str(error.filename) in (str(temporary), str(target))
        if number and (ours or number in _DISK_FULL | _REFUSED | {errno.ENAMETOOLONG, errno.ENOTDIR}):
            raise _output_error(OSError(number, os.strerror(number)), path) from error
        raise


def write_together(files: Iterable[tuple[str | os.PathLike[str], Callable[[Path], object]]], force: bool = False) -> None:
    """Write files that belong together, each by what is given with it, so that all of them appear, in their order, or none.

    A run that fails thus leaves nothing in the way of the next one. Errors are those of `atomic_path`.
    """
    with ExitStack() as stack:
        for path, write in reversed(list(files)):  # the last one opened is the first to take its name
            temporary = stack.enter_context(atomic_path(path, force))
            write(temporary)
            _flush(temporary)


@contextmanager
def atomic_folder(path: str | os.PathLike[str], check: Callable[[], object] = lambda: None) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; on success it takes the name, and what was there goes.

    The folder appears whole or not at all, as a file of `atomic_path` does. check: raises where what is there by then must stay.
    """
    target = Path(path).absolute()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    old = temporary.with_suffix(".old")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        check()
        if target.exists():
            target.rename(old)
        try:
            temporary.rename(target)
        except BaseException:
            if old.exists():
                old.rename(target)
            raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def disk_errors(what: str, hint: str) -> Iterator[None]:
    """Raise OutputError for what the disk refuses inside: `what` was not written."""
    try:
        yield
    except Exception as error:
        if _errno(error) in _DISK_FULL:
            raise OutputError(f"The disk is full: {what} was not written.", hint) from error
        if _errno(error):
            raise OutputError(f"Cannot write {what}: {reason_of(error)}.", hint) from error
        raise


def names_in(folder: Path) -> set[str]:
    """The names of what is in a folder, none where there is no folder; without the files that file managers lay into any.

    Raises OutputError where it cannot be read.
    """
    try:
        names = {entry.name for entry in folder.iterdir()}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise OutputError(
            f"The output {str(folder)!r} is no folder that can be read: {error.strerror}.", "Give a folder."
        ) from error
    return {name for name in names if name.lower() not in _OF_FILE_MANAGERS and not name.startswith("._")}


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


def _try_folder(folder: Path, wanted: Path) -> None:
    """Make what is missing of a folder and a file in it, and remove them again. wanted: what the message names."""
    made: list[Path] = []
    try:
        for one in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
            one.mkdir()
            made.append(one)
        probe = folder / f".{secrets.token_hex(8)}.tmp"
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        if error.errno in _DISK_FULL | _REFUSED:
            raise _output_error(error, wanted) from error
        raise OutputError(
            f"Cannot write {str(wanted)!r}: no file can be made in {str(folder)!r} ({error.strerror or error}).",
            "Choose another folder.",
        ) from error
    finally:
        for one in reversed(made):
            with suppress(OSError):
                one.rmdir()


def _flush(path: Path) -> None:
    """Have the file's bytes on the disk before its name appears: a power cut must not leave a name without content."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _errno(error: BaseException) -> int:
    """The number of an error of the system, as safetensors tells it, too; 0 for other errors."""
    if isinstance(error, OSError):
        return error.errno or errno.EIO
    told = None if isinstance(error, EmotiCrafterError) else _TOLD.search(str(error))
    return int(told[1]) if told else 0


def _output_error(error: OSError, path: Path) -> OutputError:
    if error.errno in _DISK_FULL:
        return OutputError(f"The disk is full: {str(path)!r} was not written.", "Free some space, or choose another disk.")
    if error.errno in _REFUSED:
        return OutputError(f"No permission to write {str(path)!r}.", "Choose a folder of your own, or change its permissions.")
    return OutputError(f"Cannot write {str(path)!r}: {error.strerror or error}.", "Choose another name or folder.")
