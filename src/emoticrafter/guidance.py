"""Guidance in the middle of the sampling alone (Kynkäänniemi et al. 2024, arXiv 2404.07724).

Early it makes the pictures of a prompt alike, late it changes nothing that is seen; where it is left out the network is called
once for a step instead of twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from emoticrafter.errors import InputError

__all__ = ["EVERYWHERE", "GuidanceRange"]

_HINT = "Write, for instance, 0.3:0.85; 0:1 guides every step."


class GuidanceRange(NamedTuple):
    """The times at which there is guidance, both ends included. A time is the share of noise in what the network is given.

    0 is the clean picture and 1 pure noise; sampling goes from 1 down to 0. It is the timestep that the network is told, in parts
    of the timesteps of its training: of a flow, x_t = (1 - t) picture + t noise, t itself (timestep / 1000); of a schedule of
    noise how far in the training's schedule the step stands.
    """

    low: float
    high: float

    @classmethod
    def of(cls, given: Any) -> GuidanceRange:
        """The range of two numbers. Raises InputError unless they rise within 0 to 1."""
        pair = list(given) if isinstance(given, Sequence) and not isinstance(given, str | bytes) else []
        sound = len(pair) == 2 and all(isinstance(x, int | float) and not isinstance(x, bool) for x in pair)
        if not sound or not 0 <= pair[0] < pair[1] <= 1:  # false for NaN too
            shown = ":".join(str(x)[:20] for x in pair[:3]) if sound else str(given)[:60]
            rule = "it must be two numbers that rise, from 0 to 1"
            raise InputError(f"The guidance range is {shown}; {rule}.", _HINT, field="guidance_range", value=given)
        return cls(float(pair[0]), float(pair[1]))

    @classmethod
    def parse(cls, text: str) -> GuidanceRange:
        """Read "LOW:HIGH"."""
        try:
            return cls.of([float(part) for part in text.split(":")])
        except ValueError:
            raise InputError(
                f"The guidance range {text[:40]!r} is not LOW:HIGH.", _HINT, field="guidance_range", value=text
            ) from None

    def __str__(self) -> str:
        """As `parse` reads it."""
        return f"{self.low!r}:{self.high!r}"

    def covers(self, timestep: float, timesteps: int) -> bool:
        """Whether there is guidance at a timestep of a training that had so many."""
        return self.low <= timestep / timesteps <= self.high


EVERYWHERE = GuidanceRange(0.0, 1.0)
