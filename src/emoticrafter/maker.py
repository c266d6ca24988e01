"""What makes pictures: the one protocol of EmotiCrafter and of the methods that it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Progress
    from emoticrafter.emotion import Emotion
    from emoticrafter.picture import Picture

__all__ = ["Maker"]


class Maker(Protocol):
    """Whatever makes pictures of prompts with emotions: EmotiCrafter and every rival method."""

    def generate(
        self,
        prompt: str | Sequence[str],
        emotion: Emotion | Sequence[Emotion],
        *,
        seed: int | Sequence[int] | None = 0,
        count: int = 1,
        strength: float | None = None,
        start: float = 0.0,
        steps: int | None = None,
        preview: bool = False,
        guidance: float | None = None,
        size: int | tuple[int, int] | None = None,
        negative: str | None = None,
        progress: Progress | None = None,
    ) -> list[Picture]:
        """See `EmotiCrafter.generate`."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """JSON values: the method's name, hashes of weights, whatever decides the pixels beside the settings of `generate`."""
        ...
