"""The pictures of a batch as files: stored whole or not at all, found again, and found to be damaged."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoticrafter.batch.rows import Row
from emoticrafter.errors import EmotiCrafterError, InputError, MissingError, OutputError
from emoticrafter.files import atomic_path, names_in
from emoticrafter.inputs.named import read_file
from emoticrafter.inputs.pictures import picture_bytes
from emoticrafter.picture import Picture
from emoticrafter.recipe import as_json, read_recipe

__all__ = [
    "PICTURES", "SUFFIXES", "Found", "check_entries", "check_not_black", "look", "remove_half_written", "store", "write_changed",
]  # fmt: skip

PICTURES = "pictures"
SUFFIXES = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp.*")  # as files.atomic_path names them


@dataclass(frozen=True, kw_only=True)
class Found:
    """A sound picture: its recipe, and the sha256 of its file."""

    recipe: dict[str, Any]
    sha256: str


def store(picture: Picture | bytes, path: Path) -> None:
    """Write a picture, or the bytes of its file. Raises OutputError, when the disk is full too."""
    data = picture if isinstance(picture, bytes) else picture.encoded(path.suffix)
    with atomic_path(path, force=True) as temporary:
        temporary.write_bytes(data)


def write_changed(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, unless it says the same already. Raises OutputError."""
    with suppress(InputError, MissingError):
        if read_file(path, len(content)) == content:
            return
    with atomic_path(path, force=True) as temporary:
        temporary.write_bytes(content)


def look(path: Path, row: Row, sha256: str | None = None) -> Found | None:
    """The picture of a row; None where there is no file.

    sha256: of the file as it was written, where that is known. Raises InputError for a file that is another one now, that is
    cut short, or that was made from another row; a change within the pixels is seen only where the sha256 is known.
    """
    try:
        data = picture_bytes(path, error=OutputError)
    except MissingError:
        return None
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None and digest != sha256:
        raise InputError(f"{str(path)!r} is damaged: its checksum is another.")
    if not _is_whole(data, path.suffix):
        raise InputError(f"{str(path)!r} is cut short.")
    try:
        recipe = read_recipe(path)
    except EmotiCrafterError as error:
        raise InputError(error.problem) from error
    for name in ("prompt", "valence", "arousal", "seed"):
        if recipe.get(name, getattr(row, name)) != getattr(row, name):
            raise InputError(f"{str(path)!r} was made with the {name} {recipe[name]!r}, not {getattr(row, name)!r}.")
    return Found(recipe=recipe, sha256=digest)


def check_not_black(path: Path, recipe: Mapping[str, Any]) -> None:
    """Raise InputError for a picture without any light: no model draws one, but one that overflowed did in older versions."""
    area = (recipe.get("width") or 0) * (recipe.get("height") or 0)
    if path.stat().st_size > 4 * len(as_json(recipe)) + area // 32 + 1024:  # so many bytes are no plain black
        return
    if Picture.open(path).image.getbbox() is None:
        raise InputError(f"{str(path)!r} is all black: the model overflowed.")


def check_entries(folder: Path, ours: set[str]) -> None:
    """Refuse a folder that holds other files and no plan, and a file in the place of the folder."""
    names = names_in(folder)
    others = sorted(name for name in names - ours if not _TEMPORARY.fullmatch(name))
    if others and not names & ours:
        raise OutputError(f"The folder {str(folder)!r} holds other files, as {others[0]!r}.", "Give an empty or new folder.")


def remove_half_written(folder: Path) -> None:
    """Remove what a killed run left half-written."""
    for pattern in (".*.tmp*", f"{PICTURES}/*/.*.tmp*"):
        for file in folder.glob(pattern):
            if _TEMPORARY.fullmatch(file.name):
                file.unlink(missing_ok=True)


def _is_whole(data: bytes, suffix: str) -> bool:
    """Whether the end of a file is there; of a PNG `read_recipe` tells."""
    if suffix == ".jpg":
        return data.endswith(b"\xff\xd9")
    if suffix == ".webp":
        return data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 == len(data)
    return True
