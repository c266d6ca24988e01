"""A monotone map per axis, from the emotion requested to the one to ask a model for, and the file that keeps it beside a
checkpoint.

    asked = map(requested): linear between knots, the identity below the first and above the last.

`emoticrafter calibrate` fits it (`evaluation.calibration`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from emoticrafter.emotion import LIMIT, Emotion
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.files import atomic_path, read_marked

__all__ = ["CALIBRATION", "AxisMap", "Calibration"]

CALIBRATION = "calibration.json"  # beside the weights of a checkpoint
FORMAT, VERSION = "emoticrafter-calibration", 1
MAX_BYTES = 1 << 18
MAX_KNOTS = 1000


@dataclass(frozen=True, kw_only=True)
class AxisMap:
    """Knots of one axis: `requested` rising, `asked` not falling, both in [-3, 3].

    Where the knots end inside the range the map goes on as the identity, so the ends may not lie beyond it: it never falls.
    Raises InputError for other knots.
    """

    requested: tuple[float, ...]
    asked: tuple[float, ...]

    def __post_init__(self) -> None:
        r, a = self.requested, self.asked
        if len(r) != len(a) or not 2 <= len(r) <= MAX_KNOTS:
            raise InputError(f"An axis of a calibration has {len(r)} and {len(a)} knots.", f"Expected 2 to {MAX_KNOTS} of each.")
        if not all(isinstance(x, int | float) and not isinstance(x, bool) and -LIMIT <= x <= LIMIT for x in (*r, *a)):
            raise InputError("A knot of a calibration is no number from -3 to 3.")
        rises = all(x < y for x, y in zip(r, r[1:], strict=False))
        keeps = all(x <= y for x, y in zip(a, a[1:], strict=False))
        ends = (r[0] == -LIMIT or a[0] >= r[0]) and (r[-1] == LIMIT or a[-1] <= r[-1])
        if not (rises and keeps and ends):
            raise InputError("The map of a calibration falls somewhere.", "It must never fall from -3 to 3.")

    def __call__(self, requested: float) -> float:
        """The value to ask for."""
        r, a = self.requested, self.asked
        if not r[0] <= requested <= r[-1]:
            return requested
        after = next((i for i, x in enumerate(r) if x >= requested), len(r) - 1)
        if after == 0:
            return a[0]
        share = (requested - r[after - 1]) / (r[after] - r[after - 1])
        return min(max(a[after - 1] + share * (a[after] - a[after - 1]), -LIMIT), LIMIT)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Both maps and what they were fitted on.

    checkpoint, judge: sha256 of the weights. strength: of the fit, and the default wherever the map is applied. figures: JSON
    values, such as the errors with and without.
    """

    valence: AxisMap
    arousal: AxisMap
    checkpoint: str
    judge: str
    strength: float
    figures: dict[str, Any] = field(default_factory=dict)

    def __call__(self, requested: Emotion) -> Emotion:
        """The emotion to ask for."""
        return Emotion(valence=self.valence(requested.valence), arousal=self.arousal(requested.arousal))

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
        text = json.dumps({**about, **self._maps(), "figures": self.figures}, indent=2, ensure_ascii=False, allow_nan=False)
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
        if not path.exists():
            return None
        again = "Run `emoticrafter calibrate` again, delete the file, or pass --no-calibration (calibrated=False)."
        try:
            found = read_marked(path, FORMAT, VERSION, MAX_BYTES)
            strength = float(found["strength"])
            if not 0 < strength < math.inf:
                raise ValueError(f"its strength is {strength:g}, and must be a number above 0")
            made = cls(
                valence=_axis(found["valence"]),
                arousal=_axis(found["arousal"]),
                checkpoint=str(found["checkpoint"]),
                judge=str(found["judge"]),
                strength=strength,
                figures=dict(found.get("figures", {})),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError) as error:
            raise CheckpointError(f"The calibration {str(path)!r} cannot be read: {error}.", again) from error
        if made.checkpoint != checkpoint:
            raise CheckpointError(f"The calibration {str(path)!r} was fitted for other weights than those beside it.", again)
        return made

    def _maps(self) -> dict[str, Any]:
        axes = {"valence": self.valence, "arousal": self.arousal}
        return {name: {"requested": list(axis.requested), "asked": list(axis.asked)} for name, axis in axes.items()}


def _axis(found: Any) -> AxisMap:
    return AxisMap(requested=tuple(found["requested"]), asked=tuple(found["asked"]))
