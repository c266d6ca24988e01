"""A map of the plane, from the emotion requested to the one to ask a model for, and the file that keeps it beside a checkpoint.

    asked = map(requested): bilinear between the nodes of a lattice.

The asked value of an axis never falls along that axis, and depends on the other axis too: a model may answer "pleasant" more
strongly where it is also excited. `emoticrafter calibrate` fits the map (`evaluation.calibration`).
"""

from __future__ import annotations

import hashlib
import json
import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from emoticrafter.emotion import LIMIT, Emotion
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.files import atomic_path
from emoticrafter.inputs.records import damaged, read_marked
from emoticrafter.inputs.typed import typed

__all__ = ["CALIBRATION", "AxisMap", "Calibration"]

CALIBRATION = "calibration.json"  # beside the weights of a checkpoint
FORMAT, VERSION = "emoticrafter-calibration", 2
MAX_BYTES = 1 << 18
MAX_LEVELS = 64


@dataclass(frozen=True, kw_only=True)
class AxisMap:
    """What to ask for on one axis. levels: of both axes, rising from -3 to 3. asked: a row for each level of the other axis, with
    a value in [-3, 3] for each level of this one, never falling.

    Raises InputError for any other values.
    """

    levels: tuple[float, ...]
    asked: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        n = len(self.levels)
        if not 2 <= n <= MAX_LEVELS or [len(row) for row in self.asked] != [n] * n:
            raise InputError(f"An axis of a calibration has {n} levels and other rows.", f"Expected 2 to {MAX_LEVELS}, squared.")
        if not all(_is_coordinate(x) for row in (self.levels, *self.asked) for x in row):
            raise InputError("A node of a calibration is no number from -3 to 3.")
        whole = (self.levels[0], self.levels[-1]) == (-LIMIT, LIMIT) and all(x < y for x, y in pairwise(self.levels))
        if not whole:
            raise InputError("The levels of a calibration do not rise from -3 to 3.")
        if not all(x <= y for row in self.asked for x, y in pairwise(row)):
            raise InputError("The map of a calibration falls somewhere.", "Along its axis it must never fall.")

    def __call__(self, own: float, other: float) -> float:
        """The value to ask for where `own` is requested on this axis and `other` on the other one, both in [-3, 3]."""
        (i, s), (j, t) = self._cell(own), self._cell(other)
        low, high = ((1 - s) * row[i] + s * row[i + 1] for row in self.asked[j : j + 2])
        return min(max((1 - t) * low + t * high, -LIMIT), LIMIT)

    def _cell(self, x: float) -> tuple[int, float]:
        """The level below x, and how far x is on the way to the next."""
        i = min(max(bisect_right(self.levels, x) - 1, 0), len(self.levels) - 2)
        return i, (x - self.levels[i]) / (self.levels[i + 1] - self.levels[i])


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The maps of both axes and what they were fitted on.

    checkpoint, judge: sha256 of the weights. strength: of the fit, and the default wherever the map applies. figures: JSON
    values, such as the errors with and without the map.
    """

    valence: AxisMap
    arousal: AxisMap
    checkpoint: str
    judge: str
    strength: float
    figures: dict[str, Any] = field(default_factory=dict)

    def __call__(self, requested: Emotion) -> Emotion:
        """The emotion to ask for."""
        v, a = requested.valence, requested.arousal
        return Emotion(valence=self.valence(v, a), arousal=self.arousal(a, v))

    def many(self, requested: Sequence[Emotion]) -> list[Emotion]:
        """The emotions to ask for."""
        return [self(emotion) for emotion in requested]

    @cached_property
    def hash(self) -> str:
        """sha256 of what decides the map."""
        return hashlib.sha256(json.dumps(self._maps(), sort_keys=True).encode()).hexdigest()

    def save(self, folder: Path, *, force: bool = False) -> Path:
        """Write calibration.json into a checkpoint's folder. Raises OutputError."""
        about = {
            "format": FORMAT,
            "version": VERSION,
            "checkpoint": self.checkpoint,
            "judge": self.judge,
            "strength": self.strength,
        }
        text = json.dumps({**about, **self._maps(), "figures": self.figures}, indent=1, ensure_ascii=False, allow_nan=False)
        with atomic_path(folder / CALIBRATION, force) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
        return folder / CALIBRATION

    @classmethod
    def beside(cls, folder: Path, checkpoint: str) -> Calibration | None:
        """The calibration in a checkpoint's folder, None if there is none.

        checkpoint: sha256 of the checkpoint's weights. Raises CheckpointError if the file is broken, of another version, or was
        fitted for other weights.
        """
        path = folder / CALIBRATION
        if not os.path.lexists(path):
            return None
        again = "Run `emoticrafter calibrate` again, delete the file, or pass --no-calibration (calibrated=False)."
        found = read_marked(path, FORMAT, VERSION, "calibration", again, most=MAX_BYTES, error=CheckpointError)
        try:
            typed("strength", found.get("strength"), float, {"above": 0})
            made: Calibration = typed("", found, cls)
        except InputError as error:
            raise damaged(path, "calibration", again, error, CheckpointError) from error
        if made.checkpoint != checkpoint:
            raise CheckpointError(f"The calibration {str(path)!r} was fitted for other weights than those beside it.", again)
        return made

    def _maps(self) -> dict[str, Any]:
        axes = {"valence": self.valence, "arousal": self.arousal}
        return {name: {"levels": list(axis.levels), "asked": [list(row) for row in axis.asked]} for name, axis in axes.items()}


def _is_coordinate(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool) and -LIMIT <= x <= LIMIT
