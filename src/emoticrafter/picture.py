"""A picture that carries its recipe, and pictures in motion."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from emoticrafter import recipe as recipes
from emoticrafter.errors import InputError, OutputError
from emoticrafter.files import atomic_path, check_writable, user_path, write_together
from emoticrafter.inputs.pictures import read_picture
from emoticrafter.recipe import joint_recipe, read_recipe

__all__ = ["Picture", "check_savable", "save_animation", "save_together"]

_STILLS = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}
_ANIMATIONS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG"}
_MAX_SIDE = {"WEBP": 16383, "JPEG": 65535, "GIF": 65535, "PNG": 2**31 - 1}
_LOSSLESS_SIDE = 256  # small pictures lose visibly to compression and cost little without


@dataclass(frozen=True, eq=False)
class Picture:
    """An image and everything needed to make it again.

    image: a PIL image. recipe: JSON values by name (prompt, valence, arousal, seed, steps, ...); see `check_recipe`.
    """

    image: Image.Image
    recipe: dict[str, Any] = field(default_factory=dict)

    def save(self, path: str | os.PathLike[str], force: bool = False) -> Path:
        """Write a .png, .webp, .jpg or .jpeg file with the recipe inside; the suffix decides. Returns the path.

        Raises OutputError if the file exists and `force` is off or if it cannot be written, InputError for another suffix.
        """
        save_together([(path, self)], force)
        return user_path(path)

    def encoded(self, suffix: str) -> bytes:
        """The bytes of the file that `save` writes for a name with this suffix. Raises InputError and OutputError."""
        kind = _kind(f"picture{suffix}", _STILLS)
        _check_side(self.image.size, kind)
        file = io.BytesIO()
        if kind == "PNG":
            self.image.save(file, "PNG", pnginfo=recipes.as_png_text(self.recipe))
        else:
            options: dict[str, Any] = {"subsampling": 0} if kind == "JPEG" else {"method": 4}
            self.image.convert("RGB").save(file, kind, quality=95, exif=_exif(self.recipe, kind), **options)
        return file.getvalue()

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Picture:
        """Read a picture that `save` wrote, and its recipe as untrusted data. Raises what `read_recipe` and `read_picture` do."""
        recipe = read_recipe(path)
        return cls(image=read_picture(path), recipe=recipe)


def check_savable(path: str | os.PathLike[str], size: tuple[int, int], recipe: Mapping[str, Any]) -> None:
    """Check, before a picture is drawn, that a file of this suffix can hold its size and its recipe.

    Raises InputError and OutputError where it cannot.
    """
    kind = _kind(path, {**_STILLS, **_ANIMATIONS})
    _check_side(size, kind)
    if kind in ("PNG", "GIF"):
        recipes.as_json(recipe)
    else:
        _exif(recipe, kind)


def save_together(pictures: Iterable[tuple[str | os.PathLike[str], Picture]], force: bool = False) -> None:
    """Write pictures as `Picture.save` does, each to its path: all of them, or none. Errors are those of `Picture.save`."""
    given = list(pictures)
    for path, picture in given:
        _check_side(picture.image.size, _kind(path, _STILLS))
    write_together([(path, partial(_write, picture)) for path, picture in given], force)


def _write(picture: Picture, path: Path) -> None:
    path.write_bytes(picture.encoded(path.suffix))


def save_animation(
    frames: Sequence[Picture | Image.Image],
    path: str | os.PathLike[str],
    *,
    duration: int = 80,
    loop: int = 0,
    bounce: bool = False,
    recipe: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Path:
    """Write frames of one size as a moving .gif or .webp, or side by side as a .png strip. Returns the path.

    duration: milliseconds per frame, 10 to 60,000. loop: how often it plays, 0 for ever. bounce: play back to the start as
    well. recipe: by default what the recipes of the frames share, and how they differ. Raises InputError and OutputError.
    """
    kind = _kind(path, _ANIMATIONS)
    check_writable(path, force)
    if not frames:
        raise InputError("An animation needs at least one frame; none was given.", "Give pictures.")
    if not 10 <= duration <= 60_000 or not 0 <= loop <= 65_535:
        raise InputError(
            f"The duration is {duration} ms and the loop count {loop}; they run from 10 to 60000 and 0 to 65535.",
            "Leave them out for the usual ones.",
        )
    if recipe is None:
        recipe = joint_recipe([frame.recipe for frame in frames if isinstance(frame, Picture)])
    images = [(frame.image if isinstance(frame, Picture) else frame).convert("RGB") for frame in frames]
    if len({image.size for image in images}) > 1:
        raise InputError(f"The frames have different sizes: {sorted({image.size for image in images})[:4]}.", "Give one size.")
    if kind == "PNG":
        return Picture(image=_strip(images), recipe=dict(recipe)).save(path, force)
    _check_side(images[0].size, kind)
    if bounce:
        images += images[-2:0:-1]
    options: dict[str, Any] = {"save_all": True, "duration": duration, "loop": loop}
    if kind == "GIF":
        images = [_palette_image(image) for image in images]
        options |= {"comment": recipes.as_gif_comment(recipe), "disposal": 1, "optimize": False}
        if loop:
            options["loop"] = loop - 1  # GIF counts the repeats after the first showing
            if loop == 1:
                del options["loop"]
    else:
        options |= {"lossless": max(images[0].size) <= _LOSSLESS_SIDE, "quality": 90, "method": 4, "exif": _exif(recipe, kind)}
    with atomic_path(path, force) as temporary:
        images[0].save(temporary, kind, append_images=images[1:], **options)
    return user_path(path)


def _strip(images: list[Image.Image]) -> Image.Image:
    width, height = images[0].size
    gap = max(1, width // 64)
    strip = Image.new("RGB", (len(images) * (width + gap) - gap, height), "white")
    for i, image in enumerate(images):
        strip.paste(image, (i * (width + gap), 0))
    return strip


def _palette_image(image: Image.Image) -> Image.Image:
    """The 256 best colours of this frame, dithered: one palette for all frames would band across changing moods."""
    return image.quantize(palette=image.quantize(256), dither=Image.Dither.FLOYDSTEINBERG)


def _kind(path: str | os.PathLike[str], kinds: dict[str, str]) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in kinds:
        raise InputError(f"The output {str(path)!r} ends in {suffix or 'no suffix'!r}.", f"Use one of {', '.join(kinds)}.")
    return kinds[suffix]


def _check_side(size: tuple[int, int], kind: str) -> None:
    if max(size) > _MAX_SIDE[kind]:
        raise InputError(f"The picture is {size[0]} x {size[1]}; {kind} holds {_MAX_SIDE[kind]} at most.", "Save it as .png.")


def _exif(recipe: Mapping[str, Any], kind: str) -> bytes:
    exif = recipes.as_exif(recipe)
    if kind == "JPEG" and len(exif) > 65_533:
        raise OutputError("The recipe is too long for a JPEG file.", "Save the picture as .png.")
    return exif
