"""How long a method may learn, and how its training went."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from emoticrafter.errors import InputError

__all__ = ["Budget", "Learned"]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long a method may learn: minutes or steps, one of the two. Preparing the material does not count."""

    minutes: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise InputError("A budget is a number of minutes or a number of steps.", "Give one of the two.")
        if self.minutes is not None and not (math.isfinite(self.minutes) and self.minutes > 0):
            raise InputError(
                f"The budget is {self.minutes:g} minutes; it must be above 0.", "Give minutes, such as 3.5, or steps."
            )
        if self.steps is not None and self.steps < 1:
            raise InputError(f"The budget is {self.steps} steps; it must be at least 1.", "Give steps, such as 1000, or minutes.")

    def used(self, step: int, seconds: float) -> float:
        """The share of the budget that is used up, 1 and above at its end."""
        return step / self.steps if self.steps is not None else seconds / (60 * (self.minutes or 1))

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Learned:
    """How a training went. signal: the one that ended it early, else None. examples: seen, some of them several times."""

    steps: int
    seconds: float
    examples: int
    figures: Mapping[str, float]
    signal: int | None = None
