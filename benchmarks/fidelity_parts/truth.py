"""Held-out scenes at random emotions, their captions, and how the world draws them, kept between runs.

Case i of a series is a function of (series, seed, i) alone, so the first 512 of 2,048 are those of a run with 512.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from emoticrafter.emotion import Emotion
from emoticrafter.evaluation.cases import Expected, expected_content
from emoticrafter.storybook import captions, scenes
from emoticrafter.storybook.judge import SIZE, brought_to
from emoticrafter.storybook.training.common import cached_array
from emoticrafter.storybook.training.progress import Meter
from emoticrafter.storybook.versions import renderer_version
from emoticrafter.storybook.world.render import render
from emoticrafter.storybook.world.scene import Scene
from emoticrafter.storybook.world.sprites import SpriteSource

BLOCK = 512  # pictures of a file, and of one comparison: distances depend on the number of pictures


@dataclass(frozen=True, kw_only=True)
class Case:
    """A scene at an emotion. neutral: a caption that names the place and all subjects; emotional: the same with the feeling."""

    scene: Scene
    emotion: Emotion
    neutral: str
    emotional: str
    expected: Expected


def case(series: str, number: int, seed: int = 0) -> Case:
    """Case `number` of a series: a scene whose content no training has seen, at an emotion as they are in training."""
    rng = random.Random(f"fidelity/{series}/{seed}/{number}")
    scene, emotion = scenes.sample_scene(rng, held_out=True), scenes.sample_emotion(rng)
    expected = None
    while expected is None:  # some captions leave the place or a subject unsaid
        neutral = captions.neutral_caption(scene, rng)
        expected = expected_content(neutral, scene)
    emotional = captions.with_feeling(neutral, emotion, rng, scene)
    return Case(scene=scene, emotion=emotion, neutral=neutral, emotional=emotional, expected=expected)


def cases(series: str, count: int, seed: int = 0) -> list[Case]:
    return [case(series, number, seed) for number in range(count)]


def blocks(count: int, size: int = BLOCK) -> Iterator[slice]:
    """The numbers below `count`, `size` at a time."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def judged(pictures: np.ndarray, side: int = SIZE) -> np.ndarray:
    """Pictures at the size that is judged, uint8 (n, side, side, 3): those of 256 pixels by means of 2 x 2."""
    if pictures.shape[1:3] == (side, side):
        return pictures
    parts = []
    for some in blocks(len(pictures), 64):
        x = torch.from_numpy(np.array(pictures[some])).permute(0, 3, 1, 2).float()
        parts.append(brought_to(x, side).round().byte().permute(0, 2, 3, 1).numpy())
    return np.concatenate(parts)


@dataclass(frozen=True)
class Cache:
    """A folder of arrays that are made again when what they come from has changed; without a folder, always made."""

    folder: Path | None

    def array(self, name: str, origin: dict[str, str], make: Callable[[], np.ndarray]) -> np.ndarray:
        return make() if self.folder is None else cached_array(self.folder / f"{name}.npy", origin, make)


def rendered(cache: Cache, name: str, some: Sequence[Case], size: int, sprites: SpriteSource) -> np.ndarray:
    """The cases as the world draws them, uint8 (n, size, size, 3)."""

    def make() -> np.ndarray:
        pictures = []
        with Meter(name, len(some), 0, "pictures") as meter:
            for number, one in enumerate(some):
                pictures.append(render(one.scene, one.emotion, size, sprites))
                meter.update(number + 1)
        return np.stack(pictures)

    shown = json.dumps([(asdict(one.scene), str(one.emotion)) for one in some])
    told = {"renderer": renderer_version(), "sprites": type(sprites).__name__, "size": str(size)}
    return cache.array(f"{name}-{size}", told | {"scenes": hashlib.sha256(shown.encode()).hexdigest()[:16]}, make)
