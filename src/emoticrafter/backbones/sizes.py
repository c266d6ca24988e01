"""The sizes of pictures: which a model draws, which are brought down from a larger one, and what its network is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import lcm
from typing import Any

from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.sampling import Size

__all__ = ["Sizes"]

MAX_SIDE = 8192  # pixels
MIN_SIDE = 8  # of a picture that is brought down
MULTIPLE = 8  # of what is drawn, as diffusers' pipeline demands it


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Of one model, in pixels.

    own: the side that it is best at. cell: what one number of the latents stands for, in each direction. least: the smallest side
    that its network takes. sides: those that it draws well, rising; empty where the user may try any. told: the side that its
    network is told of a picture of its own side, as SDXL is told sizes (Podell et al. 2023, arXiv 2307.01952, section 2.2).
    """

    own: int
    cell: int
    least: int
    sides: tuple[int, ...] = ()
    told: int

    @classmethod
    def of(cls, cell: int, levels: int, own: int, settings: Mapping[str, Any], name: str) -> Sizes:
        """Of a UNet with so many levels, and `sizes` and `told_size` as a model's defaults.json may have them; `name` is the
        model's. Raises CheckpointError.
        """
        least = max(lcm(MULTIPLE, cell), cell * 2 ** (levels - 1))
        sides, told = settings.get("sizes", []), settings.get("told_size", own)
        sound = isinstance(sides, list) and all(_is_whole(side) and least <= side <= MAX_SIDE for side in sides)
        if not sound or any(side % lcm(MULTIPLE, cell) for side in sides) or (sides and own not in sides):
            raise CheckpointError(
                f"The sizes of {name} are {str(sides)[:60]}; they must be multiples of {lcm(MULTIPLE, cell)} from {least} to"
                f" {MAX_SIDE}, and its own, {own}, among them.",
                "Fetch the model again.",
            )
        if not _is_whole(told) or not 1 <= told <= MAX_SIDE:
            raise CheckpointError(f"The told_size of {name} is {str(told)[:20]}, no number of pixels.", "Fetch the model again.")
        return cls(own=own, cell=cell, least=least, sides=tuple(sorted(set(sides))), told=told)

    def drawn(self, size: Size, name: str) -> Size:
        """The size at which a picture is drawn. One that is smaller than the model draws well is drawn larger, in the same shape,
        and brought down by means over areas. Raises InputError for a size that cannot be had; `name` is the model's.
        """
        multiple = lcm(MULTIPLE, self.cell)
        whole = all(map(_is_whole, size))
        rule = f"each side must be a multiple of {multiple} from {self.least} to {MAX_SIDE}"
        if self.sides:
            shown = ", ".join(map(str, self.sides))
            rule = f"each side must be one of {shown}, or both smaller in such a shape, {MIN_SIDE} at least"
            shortest = min(size) if whole else 0
            larger = size
            if MIN_SIDE <= shortest < self.sides[0]:
                larger = (round(size[0] * self.sides[0] / shortest), round(size[1] * self.sides[0] / shortest))
            if whole and set(larger) <= set(self.sides):
                return larger
        elif whole and all(side % multiple == 0 and self.least <= side <= MAX_SIDE for side in size):
            return size
        best = f"{name} is best at {self.own} x {self.own}."
        raise InputError(f"The size is {size[0]} x {size[1]}; {rule}.", best, field="size", value=size)

    def told_of(self, drawn: Size) -> Size:
        """What the network is told of a picture that is drawn at this size."""
        return (round(drawn[0] * self.told / self.own), round(drawn[1] * self.told / self.own))


def _is_whole(side: Any) -> bool:
    return isinstance(side, int) and not isinstance(side, bool)
