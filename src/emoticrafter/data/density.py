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

__all__ = ["PRESETS", "Density", "DensityConfig", "Weights"]

CHUNK = 64  # points evaluated at once: with 40,000 kernels their terms fit in the cache of a core
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
    clip: float | None = key(None, "most weight of one pair, in means of all weights; none where left out", above=1)

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
        self._kernels = self._whitened(distinct)
        self._counts = counts.astype(np.float32)
        self._scale = 1 / (n * 2 * np.pi * np.sqrt(np.linalg.det(covariance)))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """d at each of (m, 2) points, float64 (m,), in 1 per squared unit of the annotations.

        Every kernel is summed, in chunks and in single precision: the relative error is below 1e-4.
        """
        asked = self._whitened(np.asarray(points, dtype=np.float64))
        half = 0.5 * np.square(self._kernels).sum(axis=1)
        found = np.empty(len(asked), dtype=np.float64)
        for start in range(0, len(asked), CHUNK):
            some = asked[start : start + CHUNK]
            terms = some @ self._kernels.T  # -|x - k|^2 / 2 = x k - |k|^2 / 2 - |x|^2 / 2
            terms -= half
            terms -= 0.5 * np.square(some).sum(axis=1, keepdims=True)
            np.exp(terms, out=terms)
            found[start : start + CHUNK] = terms @ self._counts
        return found * self._scale

    def _whitened(self, points: np.ndarray) -> np.ndarray:
        return ((points - self._centre) @ self._whiten).astype(np.float32)


class Weights:
    """What each pair counts in the loss, from the density of the training points alone.

    Points far from all training points would weigh without bound, so no weight exceeds the largest of a training point.
    """

    def __init__(self, config: DensityConfig, points: np.ndarray) -> None:
        self._power = config.chosen("power")
        self._density = Density(points, config.chosen("estimate")) if self._power else None
        self._factor, self._most = 1.0, np.inf
        raw = self(points)
        if config.chosen("normalise"):
            most = np.inf if config.clip is None else config.clip
            self._factor, self._most = _normalised(raw, most)
        elif config.clip is not None:
            self._most = config.clip * float(raw.mean())
        self._most = min(self._most, float(raw.max()) * self._factor)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """The weight of each of (m, 2) points, valence and arousal; float32 (m,)."""
        if self._density is None:
            return np.ones(len(points), dtype=np.float32)
        raw = np.maximum(self._density(points), np.finfo(np.float32).tiny) ** -self._power
        return np.minimum(raw * self._factor, self._most).astype(np.float32)


def _normalised(raw: np.ndarray, most: float) -> tuple[float, float]:
    """The factor with which min(factor * raw, most) has mean 1, and `most`."""
    factor = 1 / float(raw.mean())
    for _ in range(_ROUNDS):
        factor /= float(np.minimum(factor * raw, most).mean())
    return factor, most
