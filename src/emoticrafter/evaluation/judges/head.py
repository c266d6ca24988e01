"""A judge of real pictures: a frozen CLIP image tower and a small head, kept in a folder of its own.

The folder holds `head.safetensors` (layers `0.weight`, `0.bias`, `1.weight`, ... of a chain of linear layers with ReLU between),
`config.json` and `card.md`. The tower is named, not copied, and known again by the hash of its weights.
"""

# n pictures, c channels of the tower

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from emoticrafter.emotion import LIMIT
from emoticrafter.errors import CheckpointError, EmotiCrafterError, MissingError, OutputError
from emoticrafter.evaluation.clip import CLIP, ClipModel
from emoticrafter.evaluation.judges.base import Trust
from emoticrafter.evaluation.judges.card import card_of
from emoticrafter.evaluation.viewing import Viewable
from emoticrafter.files import atomic_path, check_writable

__all__ = ["ClipJudge", "Head", "load_head", "save_head"]

WEIGHTS, CONFIG, CARD = "head.safetensors", "config.json", "card.md"
FORMAT, VERSION = "emoticrafter-judge", 1
MAX_CONFIG_BYTES = 1 << 20
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

    See `judges.base.Judge`. Raises CheckpointError where the tower is not the one that the head was made for.
    """

    def __init__(self, head: Head, name: str, *, clip: str | os.PathLike[str] | None = None, device: str = "cpu") -> None:
        self.head, self.name, self.trust = head, name, head.trust
        self._clip, self._device = head.clip if clip is None else os.fspath(clip), device
        self._tower: ClipModel | None = None

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


def save_head(head: Head, folder: Path, *, force: bool = False) -> list[Path]:
    """Write the judge's folder, its config last: without it there is no judge. Returns its files. Raises OutputError."""
    from safetensors.numpy import save

    paths = check_judge_folder(folder, force)
    state = {
        f"{i}.{part}": _stored(x)
        for i, layer in enumerate(head.layers)
        for part, x in zip(("weight", "bias"), layer, strict=True)
    }
    raw = save(state)
    config = {
        "format": FORMAT,
        "version": VERSION,
        "activation": head.activation,
        "unit": head.unit,
        "clip": head.clip,
        "fingerprint": head.fingerprint,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "trust": head.trust.as_dict(),
        "about": head.about,
    }
    text = json.dumps(config, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    for path, content in zip(paths, (raw, card_of(folder.name, config, head).encode(), text.encode()), strict=True):
        with atomic_path(path, force) as temporary:
            temporary.write_bytes(content)
    return paths


def check_judge_folder(folder: Path, force: bool = False) -> list[Path]:
    """The files of a judge in a folder, in the order of writing; refused early where they could not be written."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{str(folder)!r} is not a folder.", "Choose another place.")
    return [check_writable(folder / name, force) for name in (WEIGHTS, CARD, CONFIG)]


def load_head(folder: Path) -> Head:
    """The head of a judge's folder. Raises MissingError if there is none, CheckpointError if it is damaged or of another form."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = folder / CONFIG
    if not path.is_file():
        raise MissingError(f"{str(folder)!r} holds no judge.", "`emoticrafter judge train` or `judge import` makes one.")
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ValueError(f"it is longer than {MAX_CONFIG_BYTES} bytes")
        found = json.loads(path.read_text(encoding="utf-8"))
        if found.get("format") != FORMAT or found.get("version") != VERSION:
            raise ValueError(f"it is no {FORMAT} of version {VERSION}")
        raw = (folder / WEIGHTS).read_bytes()
        if hashlib.sha256(raw).hexdigest() != found["sha256"]:
            raise ValueError(f"{WEIGHTS} is not the file that it was written for")
        state = load(raw)
        numbers = range(len(state) // 2)
        if set(state) != {f"{i}.{part}" for i in numbers for part in ("weight", "bias")}:
            raise ValueError(f"{WEIGHTS} holds other tensors than layers: {', '.join(sorted(state)[:6])}")
        return Head(
            layers=[(state[f"{i}.weight"], state[f"{i}.bias"]) for i in numbers],
            activation=found["activation"],
            unit=bool(found["unit"]),
            clip=str(found["clip"]) or CLIP,
            fingerprint=found["fingerprint"],
            trust=Trust.from_dict(found["trust"]),
            about=dict(found["about"]),
        )
    except EmotiCrafterError as error:
        raise CheckpointError(f"The judge {str(folder)!r} is broken. {error.problem}", error.hint) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise CheckpointError(f"The judge {str(folder)!r} cannot be read: {error}.", "Fetch or train it again.") from error


def hash_of(head: Head) -> str:
    """sha256 of what decides the readings of a head."""
    digest = hashlib.sha256(f"{head.activation}/{head.unit}/{head.fingerprint}".encode())
    for weight, bias in head.layers:
        digest.update(_stored(weight).tobytes() + _stored(bias).tobytes())
    return digest.hexdigest()


def _stored(x: np.ndarray) -> np.ndarray:
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
