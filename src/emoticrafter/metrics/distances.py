"""How different two pictures look: a distance that needs no download, and LPIPS where its package is installed.

Both are called in two steps, so that each picture of a grid is looked at once: `view` computes what is compared, `between`
compares.
"""

# h, w height and width of a picture; l levels of a pyramid

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from emoticrafter.errors import InputError, MissingError, reason_of
from emoticrafter.extras import need_extra
from emoticrafter.inputs.pictures import Viewable, array_of

__all__ = ["DISTANCES", "Distance", "PyramidDistance", "open_distance"]


class Distance(Protocol):
    """A symmetric distance between pictures of one size; 0 between equal ones. name: how reports call it."""

    name: str

    def view(self, picture: Viewable) -> Any:
        """What `between` takes."""
        ...

    def between(self, first: Any, second: Any) -> float:
        """The distance of two views."""
        ...


# Luma and two colour differences of RGB in 0 to 1: ITU-R BT.601.
_OPPONENTS = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)  # fmt: skip
_SIGMA = 0.05  # contrast below which a detail hardly counts, of a range of 1


class PyramidDistance:
    """Normalised Laplacian pyramid distance in opponent colours, `nlp`: contrast where the eye sees it, at every scale.

        x_0 = opponent(picture);  x_(k+1) = half(blur(x_k));  y_k = x_k - up(x_(k+1)) for k < l;  y_l = x_l
        z_k = y_k / (sigma + blur(|y_k|))  for k < l;   z_l = y_l / 0.25
        d(p, q) = mean over k = 0..l of sqrt(mean over pixels and channels of (z_k(p) - z_k(q))^2)

    Each band is divided by the contrast around it, so that a change in calm parts shows more than the same change in busy ones.
    The last, low band carries light and colour. After Laparra, Balle, Berardino & Simoncelli (2016), "Perceptual image quality
    assessment using a normalized Laplacian pyramid", with a Gaussian in the place of their fitted weights and colour beside luma:
    values are not theirs. Range from 0 (equal) to some 2; lower is more alike.
    """

    name = "nlp"

    def __init__(self, levels: int = 5) -> None:
        self.levels = levels

    def view(self, picture: Viewable) -> list[np.ndarray]:
        """The bands z_0 ... z_l, float32 (h, w, 3) each; fewer where the picture is too small to be halved so often."""
        from scipy.ndimage import gaussian_filter, zoom

        def blur(x: np.ndarray) -> np.ndarray:
            return gaussian_filter(x, (1, 1, 0), mode="reflect", truncate=2)

        x = array_of(picture).astype(np.float32) / 255 @ _OPPONENTS.T
        bands = []
        for _ in range(self.levels):
            if min(x.shape[:2]) < 4:
                break
            smaller = blur(x)[::2, ::2]
            factors = (x.shape[0] / smaller.shape[0], x.shape[1] / smaller.shape[1], 1)
            band = x - zoom(smaller, factors, order=1, mode="nearest", grid_mode=True)
            bands.append(band / (_SIGMA + blur(np.abs(band))))
            x = smaller
        return [*bands, x / 0.25]

    def between(self, first: list[np.ndarray], second: list[np.ndarray]) -> float:
        if first[0].shape != second[0].shape:
            raise InputError(f"Pictures of {first[0].shape[:2]} and {second[0].shape[:2]} pixels are compared.", "Give one size.")
        return float(np.mean([np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(first, second, strict=True)]))


class LpipsDistance:
    """LPIPS, as its authors' package computes it: Zhang et al. (2018). Range from 0 (equal) to about 1; lower is more alike.

    net: alex (the paper's default for distances), vgg or squeeze. Its weights are fetched by torchvision on first use.
    """

    def __init__(self, net: str = "alex", device: str = "cpu") -> None:
        need_extra("lpips", "lpips", "torchvision")
        import lpips

        self.name, self.device = f"lpips-{net}", device
        try:
            self.net = lpips.LPIPS(net=net, verbose=False).to(device).eval().requires_grad_(False)
        except Exception as error:  # no connection, no permission, a broken cache: the next step is the same
            raise MissingError(
                f"The weights of LPIPS could not be had ({type(error).__name__}: {reason_of(error, 120)}).",
                "Run once with a connection, or use the distance nlp.",
            ) from error

    def view(self, picture: Viewable) -> Any:
        import torch

        pixels = torch.from_numpy(np.array(array_of(picture))).permute(2, 0, 1)[None].float()
        return (pixels / 127.5 - 1).to(self.device)

    def between(self, first: Any, second: Any) -> float:
        return float(self.net(first, second))


DISTANCES: dict[str, Callable[[], Distance]] = {"nlp": PyramidDistance, "lpips": LpipsDistance}


def open_distance(name: str = "nlp") -> Distance:
    """The distance of a name in DISTANCES. Raises InputError for another one, MissingError where its package is not there."""
    if name not in DISTANCES:
        raise InputError(f"There is no distance {name[:60]!r}.", f"Known ones: {', '.join(DISTANCES)}.")
    return DISTANCES[name]()
