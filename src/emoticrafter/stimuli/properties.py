"""What is measured of a picture besides its feeling, and how far two pictures are apart."""

# n pictures

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

__all__ = ["cielab", "colourfulness", "distances", "measure", "thumbnail"]

SIDE = 16  # pixels of a thumbnail
QUALITY = 75  # of the JPEG whose size is the complexity
_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65


def measure(image: Image.Image) -> dict[str, float]:
    """luminance, contrast: mean and standard deviation of CIELAB's L*, 0 to 100. colourfulness: see there. complexity: bits per
    pixel of the picture as JPEG of quality 75: what cannot be told from the rest (Donderi 2006, Psychological Bulletin 132).
    """
    rgb = np.asarray(image.convert("RGB"))
    lightness = cielab(rgb)[..., 0]
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=QUALITY)
    return {
        "luminance": float(lightness.mean()),
        "contrast": float(lightness.std()),
        "colourfulness": colourfulness(rgb),
        "complexity": 8 * len(buffer.getvalue()) / (rgb.shape[0] * rgb.shape[1]),
    }


def cielab(rgb: np.ndarray) -> np.ndarray:
    """sRGB, uint8 (..., 3), as CIELAB under D65, float (..., 3). CIE 15:2004; IEC 61966-2-1."""
    x = np.asarray(rgb, np.float64) / 255
    linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T / _WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def colourfulness(rgb: np.ndarray) -> float:
    """M = sqrt(s_rg^2 + s_yb^2) + 0.3 sqrt(m_rg^2 + m_yb^2), rg = R - G, yb = (R + G) / 2 - B, s deviations, m means over pixels.

    0 is grey, above 80 very colourful. Hasler & Suesstrunk (2003), Proc. SPIE 5007.
    """
    r, g, b = np.moveaxis(np.asarray(rgb, np.float64), -1, 0)
    rg, yb = r - g, (r + g) / 2 - b
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def thumbnail(image: Image.Image) -> np.ndarray:
    """The picture at 16 x 16 pixels in CIELAB, float32 (768,): what `distances` compares."""
    small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    return cielab(np.asarray(small)).astype(np.float32).ravel()


def distances(thumbnails: Sequence[np.ndarray]) -> np.ndarray:
    """How far every two pictures are apart, float (n, n): the root mean square difference of their thumbnails' pixels in CIELAB.

    About 2 just shows where two even colours touch; two scenes of a kind are 10 to 30 apart.
    """
    x = np.asarray(thumbnails, np.float64)
    squares = (x**2).sum(axis=1)
    found = np.maximum(squares[:, None] + squares[None, :] - 2 * x @ x.T, 0) / (SIDE * SIDE)
    np.fill_diagonal(found, 0)
    return np.sqrt(found)
