"""Pictures as judges and distances take them: files, PIL images, arrays or our own pictures, read when they are needed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from emoticrafter.errors import InputError, MissingError
from emoticrafter.files import user_path
from emoticrafter.picture import Picture

__all__ = ["Viewable", "array_of", "batches", "image_of"]

Viewable = Picture | Image.Image | np.ndarray | str | os.PathLike[str]  # an array is uint8 (h, w, 3)
MAX_PIXELS = 1 << 26


def image_of(picture: Viewable) -> Image.Image:
    """The RGB image; transparent parts are laid on white. Raises MissingError and InputError."""
    if isinstance(picture, Picture):
        return _rgb(picture.image)
    if isinstance(picture, Image.Image):
        return _rgb(picture)
    if isinstance(picture, np.ndarray):
        assert picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8, "an array is uint8 (h, w, 3)"
        return Image.fromarray(picture)
    path = user_path(picture)
    if not path.is_file():
        raise MissingError(f"There is no picture {str(path)!r}.", "Check the name and the folder.")
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(f"{str(path)!r} has {image.width} x {image.height} pixels.", "Make it smaller first.")
            return _rgb(image)
    except InputError:
        raise
    except Exception as error:  # a strange file can make a decoder raise anything
        raise InputError(f"{str(path)!r} cannot be read as a picture ({type(error).__name__}).", "Leave it out.") from error


def array_of(picture: Viewable) -> np.ndarray:
    """The picture as uint8 (h, w, 3)."""
    return picture if isinstance(picture, np.ndarray) else np.asarray(image_of(picture))


def batches(pictures: Sequence[Viewable], size: int) -> Iterator[Sequence[Viewable]]:
    """The pictures in order, at most `size` at a time."""
    for start in range(0, len(pictures), size):
        yield pictures[start : start + size]


def _rgb(image: Any) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
