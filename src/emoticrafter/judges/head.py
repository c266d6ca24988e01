"""A judge of real pictures: a frozen CLIP image tower and a small head. The tower is known again by the hash of its weights."""

# n pictures, c channels of the tower

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from emoticrafter.emotion import LIMIT
from emoticrafter.errors import CheckpointError
from emoticrafter.inputs.pictures import Viewable
from emoticrafter.judges.clip import ClipModel
from emoticrafter.judges.trust import Trust

__all__ = ["ACTIVATIONS", "ClipJudge", "Head", "hash_of", "stored"]

Activation = Literal["none", "sigmoid"]
ACTIVATIONS: tuple[Activation, ...] = ("none", "sigmoid")


@dataclass(frozen=True, kw_only=True)
class Head:
    """Features (n, c) to emotions (n, 2).

    layers: weight (out, in) and bias (out,) of each linear layer, ReLU between them; the last has two outputs, valence and
    arousal. activation: none takes them as they are; sigmoid maps them to 6 sigmoid(x) - 3. unit: features are brought to length
    1 first. clip, fingerprint: the tower, by name and, where known, by the hash of its weights. about: how it came to be, JSON
    values.
    """

    layers: list[tuple[np.ndarray, np.ndarray]]
    activation: Activation
    unit: bool
    clip: str
    fingerprint: str | None
    trust: Trust
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_layers(self.layers)
        if self.activation not in ACTIVATIONS:
            raise CheckpointError(f"A head has the activation {self.activation!r}.", f"Known ones: {', '.join(ACTIVATIONS)}.")

    @property
    def channels(self) -> int:
        """c."""
        return int(self.layers[0][0].shape[1])

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Emotions, float32 (n, 2) in [-3, 3]."""
        x = np.asarray(features, np.float64)
        if self.unit:
            x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
        for i, (weight, bias) in enumerate(self.layers):
            x = x @ weight.T.astype(np.float64) + bias
            x = np.maximum(x, 0) if i < len(self.layers) - 1 else x
        if self.activation == "sigmoid":
            x = 2 * LIMIT / (1 + np.exp(-np.clip(x, -60, 60))) - LIMIT
        return np.clip(x, -LIMIT, LIMIT).astype(np.float32)


class ClipJudge:
    """A head on its tower, which is opened when the first picture is read. clip: another place of the same tower.

    See `judges.trust.Judge`. Raises CheckpointError where the tower is not the one that the head was made for.
    """

    def __init__(self, head: Head, name: str, *, clip: str | os.PathLike[str] | None = None, device: str = "cpu") -> None:
        self.head, self.name, self.trust = head, name, head.trust
        self._clip, self._device = head.clip if clip is None else os.fspath(clip), device
        self._tower: ClipModel | None = None

    def prepare(self) -> None:
        """Open the tower, which otherwise happens at the first pictures."""
        _ = self.tower

    @property
    def tower(self) -> ClipModel:
        if self._tower is None:
            tower = ClipModel(self._clip, vision_only=True, device=self._device)
            if tower.channels != self.head.channels:
                raise CheckpointError(
                    f"The judge {self.name} takes {self.head.channels} channels; {self._clip} gives {tower.channels}.",
                    f"Give the tower that it was made for: {self.head.clip}.",
                )
            if self.head.fingerprint not in (None, tower.fingerprint):
                raise CheckpointError(
                    f"{self._clip} has other weights than the tower that the judge {self.name} was made for.",
                    f"Give the very weights of {self.head.clip}, or train the judge again.",
                )
            self._tower = tower
        return self._tower

    def emotions(self, pictures: Sequence[Viewable]) -> np.ndarray:
        return self.head(self.tower.pictures(pictures))

    def describe(self) -> Mapping[str, Any]:
        return {"judge": self.name, "sha256": hash_of(self.head), "clip": self.head.clip}


def hash_of(head: Head) -> str:
    """sha256 of what decides the readings of a head."""
    digest = hashlib.sha256(f"{head.activation}/{head.unit}/{head.fingerprint}".encode())
    for weight, bias in head.layers:
        digest.update(stored(weight).tobytes() + stored(bias).tobytes())
    return digest.hexdigest()


def stored(x: np.ndarray) -> np.ndarray:
    """A tensor as it is hashed and kept."""
    return np.ascontiguousarray(x, np.float32)


def _check_layers(layers: list[tuple[np.ndarray, np.ndarray]]) -> None:
    if not layers:
        raise CheckpointError("A head has no layers.", "Fetch or train it again.")
    before = None
    for i, (weight, bias) in enumerate(layers):
        fits = weight.ndim == 2 and bias.shape == weight.shape[:1] and before in (None, weight.shape[1])
        if not fits or not np.isfinite(weight).all() or not np.isfinite(bias).all():
            raise CheckpointError(
                f"Layer {i} of a head is {weight.shape} with a bias {bias.shape}, or holds values that are not finite.",
                "Fetch or train it again.",
            )
        before = weight.shape[0]
    if before != 2:
        raise CheckpointError(f"A head has {before} outputs.", "It must have two: valence and arousal.")
