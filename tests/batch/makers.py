"""A maker that needs no model, and whose pictures, like a network's, depend a little on the batch that they are drawn in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.picture import Picture


class Colours:
    """Pictures of one colour: prompt and emotion decide two channels, the company of the batch the third."""

    def __init__(self, weights: str = "f00d", **defaults: Any) -> None:
        self.weights, self.calls = weights, []  # type: ignore[var-annotated]
        self.defaults = {"strength": 0.5, "start": 0.0, "steps": 4, "preview_steps": 2, "guidance": 3.0, "width": 8, "height": 8}
        self.defaults |= defaults

    def describe(self) -> dict[str, Any]:
        return {"method": "colours", "weights": self.weights, "defaults": self.defaults}

    def check(self, prompts: Sequence[str], seeds: Sequence[int], *, steps: int = 4, **settings: Any) -> None:
        if steps > 100:
            raise InputError(f"The number of steps is {steps}.")

    def generate(
        self, prompt: Any, emotion: Any, *, seed: Any = 0, size: Any = (8, 8), progress: Any = None, **settings: Any
    ) -> list[Picture]:
        self.calls.append(list(zip(prompt, [str(one) for one in emotion], seed, strict=True)))
        company = hashlib.sha256(repr((self.calls[-1], settings)).encode()).digest()[0]
        made = []
        for done, (text, point, number) in enumerate(zip(prompt, emotion, seed, strict=True), 1):
            assert isinstance(point, Emotion)
            own = hashlib.sha256(repr((text, str(point), number)).encode()).digest()
            image = Image.new("RGB", size, (own[0], own[1], company))
            recipe = {"prompt": text, "valence": point.valence, "arousal": point.arousal, "seed": number, "method": "colours"}
            made.append(Picture(image=image, recipe={**recipe, "steps": settings.get("steps", 4)}))
            if progress is not None:
                progress(done, len(prompt))
        return made

    @property
    def drawn(self) -> int:
        return sum(map(len, self.calls))


class Mortal(Colours):
    """Its process dies at the first batch of all."""

    def __init__(self, mark: Path) -> None:
        super().__init__()
        self.mark = mark

    def generate(self, *given: Any, **settings: Any) -> list[Picture]:
        if not self.mark.exists():
            self.mark.touch()
            os._exit(1)
        return super().generate(*given, **settings)
