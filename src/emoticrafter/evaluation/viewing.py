"""Pictures as judges and distances take them: files, PIL images, arrays or our own pictures, read when they are needed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from emoticrafter.inputs.pictures import as_rgb, read_picture
from emoticrafter.picture import Picture

__all__ = ["Viewable", "array_of", "batches", "image_of"]

Viewable = Picture | Image.Image | np.ndarray | str | os.PathLike[str]  # an array is uint8 (h, w, 3)


def image_of(picture: Viewable) -> Image.Image:
    """The RGB image, upright; transparent parts are laid on white. Raises MissingError and InputError."""
    if isinstance(picture, Picture):
        return as_rgb(picture.image)
    if isinstance(picture, Image.Image):
        return as_rgb(picture)
    if isinstance(picture, np.ndarray):
        assert picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8, "an array is uint8 (h, w, 3)"
        return Image.fromarray(picture)
    return read_picture(picture)


def array_of(picture: Viewable) -> np.ndarray:
    """The picture as uint8 (h, w, 3)."""
    return picture if isinstance(picture, np.ndarray) else np.asarray(image_of(picture))


def batches(pictures: Sequence[Viewable], size: int) -> Iterator[Sequence[Viewable]]:
    """The pictures in order, at most `size` at a time."""
    for start in range(0, len(pictures), size):
        yield pictures[start : start + size]
