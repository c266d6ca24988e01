"""What every method of making pictures with emotions offers, so that they can be run and compared alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from emoticrafter.emotion import Emotion
    from emoticrafter.picture import Picture

__all__ = ["Maker"]


class Maker(Protocol):
    """Whatever makes pictures of prompts with emotions: EmotiCrafter and every rival method.

    It may also have `check(prompts, seeds, **settings)`, which raises the InputError that `generate` would raise and draws
    nothing; `EmotiCrafter.check` is one.
    """

    def generate(
        self,
        prompt: str | Sequence[str],
        emotion: Emotion | Sequence[Emotion],
        *,
        seed: int | Sequence[int] | None = 0,
        count: int = 1,
        strength: float | None = None,
        steps: int | None = None,
        preview: bool = False,
        guidance: float | None = None,
        guidance_range: tuple[float, float] | None = None,
        size: int | tuple[int, int] | None = None,
        negative: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Picture]:
        """Pictures of prompts with emotions: several of either are paired, one of either goes with all of the other.

        seed: of the first picture of each pair, one for all or a sequence with one for each; None draws one. None of any other
        setting is the maker's own; it may take further ones, as EmotiCrafter takes `start`. A picture's recipe holds what it was
        made from, and under `method` the maker's name (EmotiCrafter's may lack it). The same arguments give the same pixels,
        whatever was made before.
        """
        ...

    def describe(self) -> Mapping[str, Any]:
        """JSON values: the `method`, hashes of its weights, whatever else decides the pixels beside a picture's own settings.

        Under `defaults` there may stand the settings that a picture has where none are given: strength, start, steps,
        preview_steps, guidance, width, height, guidance_range where guidance is limited, and pixels_per_latent, what one number
        of the latents stands for in each direction, where these are not 8.
        """
        ...
