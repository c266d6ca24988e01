"""How dense people's annotations lie around a point of the valence-arousal plane, and the weights that even this out.

    d(x) = 1/n sum_i N(x; x_i, H)            Gaussian kernel density estimate of the n training points
    w(x) = 1 / d(x)^power                     rare emotions weigh more

Dang et al. 2025 (arXiv 2501.05710), section 4.3: 1/d with "Silverman's rule". For n points in two dimensions that rule is

    silverman   H = n^(-1/3) S                S the covariance of the points, as scipy's gaussian_kde computes it
    isotropic   H = n^(-1/3) I                one bandwidth n^(-1/6) for both axes, in the annotations' own units: scikit-learn's

The authors' published code takes the isotropic form, and divides prediction and target by d before the squared error, so that
it weighs by 1/d^2, and does not normalise: the preset `released`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from emoticrafter.errors import InputError
from emoticrafter.settings import Section, key

__all__ = ["PRESETS", "Density", "DensityConfig", "weigh"]

CHUNK = 32  # points evaluated at once: their terms fit in the cache of a core
LEAST = -80.0  # exponents below it would give numbers so small that processors are slow with them
REACH = 8.0  # bandwidths; what lies farther adds less than e^-32 of a kernel
_ROUNDS = 50  # clipping lowers the mean, so both are done until they agree

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {"estimate": "silverman", "power": 1, "normalise": True},
    "released": {"estimate": "isotropic", "power": 2, "normalise": False},
    "flat": {"estimate": "silverman", "power": 0, "normalise": True},
}


@dataclass(frozen=True, kw_only=True)
class DensityConfig(Section):
    """Section [density]: a preset, and what differs from it."""

    preset: Literal["paper", "released", "flat"] = key(
        "paper", "paper: 1/d, mean 1; released: 1/d^2 as the authors' code does; flat: every pair weighs 1"
    )
    estimate: Literal["silverman", "isotropic"] | None = key(None, "bandwidth, instead of the preset's")
    power: int | None = key(None, "weights are 1/d^power, instead of the preset's", least=0, most=2)
    normalise: bool | None = key(None, "whether the training weights are scaled to mean 1, instead of as the preset does")
    clip: float | None = key(None, "largest weight of one pair, in means of all weights; no limit where left out", above=1)

    def chosen(self, name: Literal["estimate", "power", "normalise"]) -> Any:
        """The key's own value, else the preset's."""
        value = getattr(self, name)
        return PRESETS[self.preset][name] if value is None else value


class Density:
    """The kernel density estimate of some points, float (n, 2): valence, arousal. Raises InputError where there is none."""

    def __init__(self, points: np.ndarray, estimate: Literal["silverman", "isotropic"]) -> None:
        points = np.asarray(points, dtype=np.float64)
        n = len(points)
        if n < 3 or not np.isfinite(points).all():
            raise InputError(
                f"A density of emotions was asked for {n} pairs{' with values that are no numbers' if n > 2 else ''}.",
                "Give at least three pairs, or set density.preset=flat.",
            )
        covariance = np.cov(points.T) if estimate == "silverman" else np.eye(2)
        if estimate == "silverman" and np.linalg.eigvalsh(covariance)[0] <= 1e-12 * max(np.trace(covariance), 1e-300):
            raise InputError(
                "All pairs lie on one line of the valence-arousal plane, so Silverman's rule has no bandwidth.",
                "Set density.estimate=isotropic, or density.preset=flat.",
            )
        covariance = n ** (-1 / 3) * covariance
        self._whiten = np.linalg.cholesky(np.linalg.inv(covariance))
        self._centre = points.mean(axis=0)
        # Annotated values repeat: each distinct point once, with its count.
        distinct, counts = np.unique(points, axis=0, return_counts=True)
        kernels = self._whitened(distinct)
        order = np.argsort(kernels[:, 0])
        self._kernels, self._counts = kernels[order], counts[order].astype(np.float32)
        self._scale = 1 / (n * 2 * np.pi * np.sqrt(np.linalg.det(covariance)))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """d at each of (m, 2) points, float64 (m,), in 1 per squared unit of the annotations.

        Kernels nearer than `REACH` bandwidths along one direction are summed, in chunks and in single precision: at the points
        that the estimate is of, the relative error is below 1e-4.
        """
        asked = self._whitened(np.asarray(points, dtype=np.float64))
        order = np.argsort(asked[:, 0])
        found = np.empty(len(asked), dtype=np.float64)
        room = np.empty((2, CHUNK * len(self._kernels)), dtype=np.float32)
        for start in range(0, len(order), CHUNK):
            rows = order[start : start + CHUNK]
            found[rows] = self._summed(asked[rows], room)
        return found * self._scale

    def _summed(self, some: np.ndarray, room: np.ndarray) -> np.ndarray:
        """The kernels' sum at points that lie close together along the first direction. room: to compute in."""
        near = slice(*np.searchsorted(self._kernels[:, 0], (some[0, 0] - REACH, some[-1, 0] + REACH)))
        kernels = self._kernels[near]
        terms, more = room[:, : len(some) * len(kernels)].reshape(2, len(some), len(kernels))
        for axis, square in enumerate((terms, more)):
            np.subtract.outer(some[:, axis], kernels[:, axis], out=square)
            np.square(square, out=square)
        terms += more
        terms *= -0.5
        np.maximum(terms, LEAST, out=terms)
        np.exp(terms, out=terms)
        return np.einsum("ij,j->i", terms, self._counts[near])

    def _whitened(self, points: np.ndarray) -> np.ndarray:
        return ((points - self._centre) @ self._whiten).astype(np.float32)


def weigh(config: DensityConfig, points: np.ndarray, train: np.ndarray | None = None) -> np.ndarray:
    """What each of (n, 2) points, valence and arousal, counts in the loss; float32 (n,).

    train: the rows whose density it is, and whose mean weight is brought to 1; by default all. Points far from all of these would
    weigh without bound, so no weight exceeds the largest among them.
    """
    power = config.chosen("power")
    if not power:
        return np.ones(len(points), dtype=np.float32)
    train = np.arange(len(points)) if train is None else train
    density = Density(points[train], config.chosen("estimate"))
    raw = np.maximum(density(points), np.finfo(np.float32).tiny) ** -power
    own = raw[train]
    factor, most = 1.0, np.inf
    if config.chosen("normalise"):
        factor, most = _normalised(own, np.inf if config.clip is None else config.clip)
    elif config.clip is not None:
        most = config.clip * float(own.mean())
    return np.minimum(raw * factor, min(most, float(own.max()) * factor)).astype(np.float32)


def _normalised(raw: np.ndarray, most: float) -> tuple[float, float]:
    """The factor with which min(factor * raw, most) has mean 1, and `most`."""
    factor = 1 / float(raw.mean())
    for _ in range(_ROUNDS):
        factor /= float(np.minimum(factor * raw, most).mean())
    return factor, most
