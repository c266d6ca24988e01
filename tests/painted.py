"""A method that paints the emotion as a colour, and judges that read it back: what was asked for is known to the last digit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image

from emoticrafter.emotion import Emotion
from emoticrafter.evaluation.cases import Case, Expected
from emoticrafter.evaluation.readings import Judges
from emoticrafter.inputs.pictures import Viewable, array_of
from emoticrafter.judges.storybook import Seen
from emoticrafter.judges.trust import AxisTrust, Trust
from emoticrafter.picture import Picture
from emoticrafter.request import Request
from emoticrafter.watch import SILENT, Watch


def _case(prompt: str, place: str, kind: str, own: float = 0.0) -> Case:
    return Case(prompt=prompt, expected=Expected(places=frozenset({place}), subjects=(frozenset({kind}),)), own_valence=own)


CASES = [
    _case("a dog on a beach", "beach", "dog", 1.5),
    _case("a cat in a park", "park", "cat", 1.0),
    _case("a horse", "farm", "horse"),
]
CODE = 40  # steps of colour for each unit of an axis, so that 0.025 is the finest


class Painter:
    """Valence is red, arousal green, `gain` times what is asked for; a strength of 0 paints the middle. calls: batches drawn."""

    def __init__(self, name: str = "painter", gain: float = 1.0, dies_after: int | None = None) -> None:
        self.name, self.gain, self.dies_after, self.calls, self.drawn = name, gain, dies_after, 0, 0

    def check(self, request: Request, watch: Watch = SILENT) -> None:
        pass

    def draw(self, request: Request, watch: Watch = SILENT) -> list[Picture]:
        self.calls += 1
        if self.dies_after is not None and self.calls > self.dies_after:
            raise KeyboardInterrupt
        self.drawn += len(request.prompts)
        strength = 1.0 if request.sampling.strength is None else request.sampling.strength
        rows = zip(request.prompts, request.emotions, request.seeds, strict=True)
        return [self._paint(*row, strength) for row in rows]

    def _paint(self, prompt: str, emotion: Emotion, seed: int, strength: float) -> Picture:
        pixels = np.full((16, 16, 3), 0, np.uint8)
        scale = self.gain * strength
        for i, x in enumerate((emotion.valence, emotion.arousal)):
            pixels[..., i] = round((min(max(x * scale, -3), 3) + 3) * CODE)
        pixels[..., 2] = (sum(prompt.encode()) + 7 * seed) % 200
        recipe = {"prompt": prompt, "valence": emotion.valence, "arousal": emotion.arousal, "seed": seed, "method": self.name}
        return Picture(image=Image.fromarray(pixels), recipe={**recipe, "strength": strength})

    def describe(self) -> Mapping[str, Any]:
        return {"method": self.name, "gain": self.gain, "defaults": {"strength": 1.0}}


class ColourJudge:
    """Reads what `Painter` painted. seen: pictures that it was given."""

    name = "colours"

    def __init__(self, r2: float = 0.99, name: str = "colours") -> None:
        axis = AxisTrust(r2=r2, spearman=0.99, error=0.01, slope=1.0, intercept=0.0)
        self.trust = Trust(validated_on="colours", pictures=9, valence=axis, arousal=axis)
        self.name, self.seen = name, 0

    def emotions(self, pictures: Sequence[Viewable]) -> np.ndarray:
        self.seen += len(pictures)
        return np.array([array_of(one)[0, 0, :2] / CODE - 3 for one in pictures], np.float32).reshape(-1, 2)

    def describe(self) -> Mapping[str, Any]:
        return {"judge": self.name, "sha256": "c" * 64}


class PlaceJudge:
    """Sees a beach and a dog in everything, and nobody."""

    figures: Mapping[str, Any] = {"place": 0.99}

    def contents(self, pictures: Sequence[Viewable]) -> list[Seen]:
        return [Seen(place="beach", subjects=("dog", "cat", "horse"), people=0.1) for _ in pictures]

    def describe(self) -> Mapping[str, Any]:
        return {"judge": "places", "sha256": "d" * 64}


def painted_judges(emotion: ColourJudge | None = None) -> Judges:
    return Judges(emotion=emotion or ColourJudge(), content=PlaceJudge())


class Studio:
    """Opens painters by the sources of methods: "half" paints half of what is asked for. opened: sources, in order."""

    def __init__(self, **gains: float) -> None:
        self.gains = {"truth": 1.0, "rules writer": 1.0, "ours": 1.0, "half": 0.5, **gains}
        self.opened: list[str] = []
        self.painters: dict[str, Painter] = {}
        self.dies: dict[str, int] = {}

    @contextmanager
    def __call__(self, source: str, calibrated: bool) -> Iterator[tuple[Any, None]]:
        self.opened.append(source)
        gain = self.gains.get(source, 1.0)
        self.painters[source] = Painter(source, gain, self.dies.get(source))
        yield self.painters[source], None
