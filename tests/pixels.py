"""Pictures as numbers."""

from __future__ import annotations

import numpy as np
from PIL import Image

from emoticrafter.picture import Picture


def pixels(images: list[Image.Image]) -> np.ndarray:
    """int16 (n, h, w, 3), so that they can be subtracted."""
    return np.stack([np.asarray(image, dtype=np.int16) for image in images])


def difference(first: Picture, second: Picture) -> float:
    """The most that any pixel differs, of 255."""
    one, other = pixels([first.image, second.image])
    return float(np.abs(one - other).max())
