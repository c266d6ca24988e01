"""The recipe of a picture: what it was made from, written into its file and read back as untrusted data.

PNG holds two text chunks: `emoticrafter`, the recipe as JSON, and `parameters`, the form that other tools read. JPEG and
WebP hold the same two in EXIF (MakerNote and UserComment), GIF the JSON alone, as a comment.
"""

from __future__ import annotations

import json
import math
import os
import struct
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from PIL import ExifTags, Image, PngImagePlugin

from emoticrafter.coordinates import on_plane
from emoticrafter.errors import EmotiCrafterError, InputError
from emoticrafter.files import user_path
from emoticrafter.inputs.named import open_file
from emoticrafter.inputs.pictures import opened_picture, picture_bytes
from emoticrafter.sampling import Setting, settings

__all__ = ["as_exif", "as_gif_comment", "as_json", "as_parameters", "as_png_text", "check_recipe", "joint_recipe", "read_recipe"]

KEYWORD = "emoticrafter"
MAX_BYTES = 64 * 1024  # of the JSON
MAX_DEPTH = 4
MAX_ITEMS = 1000  # of one list or object
MAX_CHUNKS = 100_000

_MARK = f"{KEYWORD}:".encode()  # before the JSON where the format has no keyword of its own
_AXES = {"valence", "arousal"}
_ANY = (-math.inf, math.inf)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@cache
def _entries() -> dict[str, tuple[Any, tuple[float, float], Setting | None]]:
    """The entries with a meaning here: type, range and setting. Others are kept as they are: newer recipes stay readable."""
    plain: dict[str, tuple[Any, tuple[float, float], Setting | None]] = {
        "prompt": (str, _ANY, None), "backbone": (str, _ANY, None), "seed": (int, (0, 2**64 - 1), None),
        "valence": (float, (-3, 3), None), "arousal": (float, (-3, 3), None),
    }  # fmt: skip
    for setting in settings().values():
        for name, kind in setting.parts.items():
            plain[name] = (kind, setting.recorded or setting.range, setting)
    return plain


def check_recipe(recipe: object) -> dict[str, Any]:
    """A copy of the recipe as plain JSON values; raises InputError naming the entry that breaks a rule.

    Texts hold no control characters, numbers are finite, known entries have their type and range (or are None), nesting
    and lengths are bounded, and the whole is at most 64 KB as JSON. Unknown entries are kept.
    """
    if not isinstance(recipe, Mapping):
        raise InputError(f"A recipe is an object of named entries, not a {type(recipe).__name__}.")
    plain = _checked(recipe, "recipe", MAX_DEPTH)
    for key, value in plain.items():
        if value is None:
            continue
        kind, (low, high), setting = _entries().get(key, (None, _ANY, None))
        if kind is str and not isinstance(value, str):
            raise InputError(f"The recipe's {key} is a {type(value).__name__}, not a text.", field=key, value=value)
        if kind in (int, float):
            numeric = isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool)
            if numeric and key in _AXES and (known := on_plane(value)):
                value = plain[key] = known
            if not numeric or not low <= value <= high:
                problem = f"The recipe's {key} is {_short(value)}; it must be a number from {low} to {high}."
                raise InputError(problem, field=key, value=value)
        elif kind is not str and setting is not None:
            setting.checked(value)
    if len(_dump(plain)) > MAX_BYTES:
        raise InputError(f"The recipe is longer than {MAX_BYTES} bytes.", "Use a shorter prompt.")
    return plain


def joint_recipe(recipes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One recipe of a picture made of several: the entries they share, and under `pictures` how each one differs."""
    first = recipes[0] if recipes else {}
    shared = {k: v for k, v in first.items() if all(k in r and r[k] == v for r in recipes)}
    return {**shared, "pictures": [{k: v for k, v in r.items() if k not in shared} for r in recipes]}


def read_recipe(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The recipe inside a PNG, JPEG, WebP or GIF file, checked as by `check_recipe`.

    The picture itself is not decoded. Raises MissingError if there is no such file, and InputError if it is not a picture,
    is cut short, has no recipe or holds a broken one.
    """
    path = user_path(path)
    with open_file(path) as file:
        raw = _png_recipe(file, path) if file.read(8) == _PNG_SIGNATURE else _other_recipe(path)
    if raw is None:
        raise InputError(
            f"{str(path)!r} holds no recipe: it was not made by emoticrafter, or a tool that saved it again dropped the text.",
            "Give a picture as emoticrafter wrote it.",
        )
    try:
        if len(raw) > MAX_BYTES:
            raise InputError(f"It is longer than {MAX_BYTES} bytes.")
        return check_recipe(json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:
        raise _broken(path, "It is not JSON.") from error
    except EmotiCrafterError as error:
        raise _broken(path, str(error)) from error


def as_json(recipe: Mapping[str, Any]) -> bytes:
    """The checked recipe as UTF-8 JSON."""
    return _dump(check_recipe(recipe))


def as_png_text(recipe: Mapping[str, Any]) -> PngImagePlugin.PngInfo:
    """The text chunks of a PNG."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt(KEYWORD, as_json(recipe).decode("utf-8"))
    info.add_text("parameters", as_parameters(recipe))
    return info


def as_exif(recipe: Mapping[str, Any]) -> bytes:
    """The EXIF block of a JPEG or WebP."""
    comment = b"UNICODE\0" + as_parameters(recipe).encode("utf-16-be", "replace")
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.UserComment: comment, ExifTags.Base.MakerNote: _MARK + as_json(recipe)}
    return exif.tobytes()


def as_gif_comment(recipe: Mapping[str, Any]) -> bytes:
    """The comment of a GIF."""
    return _MARK + as_json(recipe)


def as_parameters(recipe: Mapping[str, Any]) -> str:
    """The recipe in the form of the Stable Diffusion web UI: prompt, negative prompt, then `Name: value` pairs.

    Entries that are lists or objects stay out: the JSON has them.
    """
    names = {"guidance": "CFG scale", "backbone": "Model"}
    lines = [" ".join(str(recipe.get("prompt") or "").split())]
    if recipe.get("negative"):
        lines.append("Negative prompt: " + " ".join(str(recipe["negative"]).split()))
    pairs = []
    if isinstance(recipe.get("width"), int) and isinstance(recipe.get("height"), int):
        pairs.append(f"Size: {recipe['width']}x{recipe['height']}")
    for key, value in recipe.items():
        if key in {"prompt", "negative", "width", "height"} or not isinstance(value, str | int | float):
            continue
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        quoted = json.dumps(shown, ensure_ascii=False) if any(c in shown for c in ',:"\n') else shown
        pairs.append(f"{names.get(key, key.replace('_', ' ').capitalize())}: {quoted}")
    pairs.sort(key=lambda pair: not pair.startswith("Steps:"))  # readers know the last line by its first word
    return "\n".join([*lines, ", ".join(pairs)] if pairs else lines)


def _png_recipe(file: BinaryIO, path: Path) -> bytes | None:
    """Walk the chunks of a PNG, reading none but ours: nothing in a strange file is decompressed."""
    found = None
    size = os.fstat(file.fileno()).st_size
    for _ in range(MAX_CHUNKS):
        header = file.read(8)
        length, kind = struct.unpack(">I4s", header) if len(header) == 8 else (size, b"")
        end = file.tell() + length + 4
        if end > size:
            raise InputError(f"{str(path)!r} is cut short.", "Fetch or make it again.")
        if kind == b"IEND":
            return found
        if kind in (b"tEXt", b"iTXt") and found is None and file.read(min(length, len(KEYWORD) + 1)) == KEYWORD.encode() + b"\0":
            if length > MAX_BYTES + 1024:
                raise _broken(path, f"It is longer than {MAX_BYTES} bytes.")
            found = file.read(length - len(KEYWORD) - 1)
            if kind == b"iTXt":  # compression flag and method, language\0, translated keyword\0
                parts = found[2:].split(b"\0", 2)
                if found[:1] != b"\0" or len(parts) < 3:
                    raise _broken(path, "Its text chunk is compressed or malformed.")
                found = parts[2]
        file.seek(end)
    raise InputError(f"{str(path)!r} has more than {MAX_CHUNKS} chunks.", "Save the picture again with another tool.")


def _other_recipe(path: Path) -> bytes | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about odd metadata
            with opened_picture(picture_bytes(path)) as image:
                note: Any = image.info.get("comment") if image.format == "GIF" else None
                if image.format != "GIF":
                    note = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.MakerNote)
    except InputError as error:
        raise InputError(
            f"{str(path)!r} is not a picture that can be read, or it is cut short.", "Give a PNG, JPEG, WebP or GIF file."
        ) from error
    return note.removeprefix(_MARK) if isinstance(note, bytes) and note.startswith(_MARK) else None


def _checked(value: Any, where: str, depth: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"The {where} is {value}; numbers must be finite.")
        return value
    if isinstance(value, str):
        if any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in value):
            raise InputError(f"The {where} holds control characters: {_short(value)}.")
        return value
    if not isinstance(value, Mapping | list | tuple):
        raise InputError(f"The {where} is a {type(value).__name__}; a recipe holds texts, numbers, lists and objects.")
    if depth == 0 or len(value) > MAX_ITEMS:
        raise InputError(f"The {where} is nested deeper than {MAX_DEPTH} levels, or longer than {MAX_ITEMS} items.")
    if not isinstance(value, Mapping):
        return [_checked(item, f"{where}'s item {i}", depth - 1) for i, item in enumerate(value)]
    for key in value:
        if not isinstance(key, str) or not key.isprintable() or not 0 < len(key) <= 64:
            raise InputError(f"The {where} has an entry with the name {_short(key)}; names are 1 to 64 printable characters.")
    return {key: _checked(item, f"{where}'s {key}", depth - 1) for key, item in value.items()}


def _dump(plain: dict[str, Any]) -> bytes:
    return json.dumps(plain, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _broken(path: Path, why: str) -> InputError:
    return InputError(f"The recipe in {str(path)!r} is broken. {why}", "Make the picture again to get a sound one.")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
