"""A method that needs no model, and whose pictures, like a network's, depend a little on the batch that they are drawn in."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from PIL import Image

from emoticrafter.errors import InputError
from emoticrafter.picture import Picture
from emoticrafter.request import Request
from emoticrafter.watch import SILENT, Watch


class Colours:
    """Pictures of one colour: prompt and emotion decide two channels, the company of the batch the third."""

    def __init__(self, weights: str = "f00d", **defaults: Any) -> None:
        self.weights, self.calls = weights, []  # type: ignore[var-annotated]
        self.defaults = {"strength": 0.5, "start": 0.0, "steps": 4, "preview_steps": 2, "guidance": 3.0, "width": 8, "height": 8}
        self.defaults |= defaults

    def describe(self) -> dict[str, Any]:
        return {"method": "colours", "weights": self.weights, "defaults": self.defaults}

    def check(self, request: Request, watch: Watch = SILENT) -> None:
        steps = request.sampling.steps
        if steps is not None and steps > 100:
            raise InputError(f"The number of steps is {steps}.")

    def draw(self, request: Request, watch: Watch = SILENT) -> list[Picture]:
        rows = list(zip(request.prompts, request.emotions, request.seeds, strict=True))
        self.calls.append([(text, str(point), number) for text, point, number in rows])
        company = hashlib.sha256(repr((self.calls[-1], request.sampling)).encode()).digest()[0]
        step, made = watch.stage("drawing"), []
        for done, (text, point, number) in enumerate(rows, 1):
            own = hashlib.sha256(repr((text, str(point), number)).encode()).digest()
            image = Image.new("RGB", request.sampling.size or (8, 8), (own[0], own[1], company))
            recipe = {"prompt": text, "valence": point.valence, "arousal": point.arousal, "seed": number, "method": "colours"}
            made.append(Picture(image=image, recipe={**recipe, "steps": request.sampling.steps or 4}))
            step(done, len(rows))
        return made

    @property
    def drawn(self) -> int:
        return sum(map(len, self.calls))


class Mortal(Colours):
    """Its process dies at the first batch of all."""

    def __init__(self, mark: Path) -> None:
        super().__init__()
        self.mark = mark

    def draw(self, request: Request, watch: Watch = SILENT) -> list[Picture]:
        if not self.mark.exists():
            self.mark.touch()
            os._exit(1)
        return super().draw(request, watch)
