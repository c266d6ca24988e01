"""Scene and emotion in, picture out. The order of painting is the whole composition."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

from emoticrafter.emotion import Emotion
from emoticrafter.storybook.world import atmosphere
from emoticrafter.storybook.world.actors import draw_actor
from emoticrafter.storybook.world.canvas import Canvas
from emoticrafter.storybook.world.mood import Mood
from emoticrafter.storybook.world.people import draw_pair, draw_person
from emoticrafter.storybook.world.places import PLACES_BY_KEY
from emoticrafter.storybook.world.poses import LocalAxes
from emoticrafter.storybook.world.scene import PEOPLE, Scene, Subject
from emoticrafter.storybook.world.sprites import PackageSprites, SpriteSource
from emoticrafter.storybook.world.stage import Stage

_PERSON_HEIGHT = 0.76
_SEEN = 24  # of 255: a pixel that differs by more from the scene without its subjects shows them
_Side = Literal["left", "right"]


@lru_cache(maxsize=1)
def _package_sprites() -> PackageSprites:
    return PackageSprites()


def render(scene: Scene, emotion: Emotion, size: int = 128, sprites: SpriteSource | None = None) -> np.ndarray:
    """Draw a scene as it feels at `emotion`: uint8 (size, size, 3), the same pixels for the same arguments.

    `sprites` defaults to the declared sprite package (fetched when missing).
    """
    return _painted(scene, emotion, size, sprites)[0]


def render_marked(
    scene: Scene, emotion: Emotion, size: int = 128, sprites: SpriteSource | None = None, cells: int = 16
) -> tuple[np.ndarray, np.ndarray]:
    """The picture of `render`, and where its subjects are: their share of each of cells x cells places, float32 in 0..1."""
    picture, seen, _ = _painted(scene, emotion, size, sprites)
    return picture, cv2.resize(seen.astype(np.float32), (cells, cells), interpolation=cv2.INTER_AREA)


def render_with_heads(
    scene: Scene, emotion: Emotion, size: int = 128, sprites: SpriteSource | None = None, expression: Emotion | None = None
) -> tuple[np.ndarray, list[LocalAxes]]:
    """The picture of `render`, and the heads of its people: frames in units of the picture, the skull being their unit circle.

    `expression`: what the faces feel, where it is not what the scene feels like. Readers of faces learn from such pictures:
    nothing else in them tells what the face is like.
    """
    picture, _, heads = _painted(scene, emotion, size, sprites, expression)
    return picture, heads


def _painted(
    scene: Scene, emotion: Emotion, size: int, sprites: SpriteSource | None, expression: Emotion | None = None
) -> tuple[np.ndarray, np.ndarray, list[LocalAxes]]:
    """The picture; on the canvas's own pixels, bool (side, side), what the subjects changed; the heads."""
    mood = Mood.of(emotion)
    place = PLACES_BY_KEY[scene.place]
    rng = scene.rng("composition")
    horizon = rng.uniform(*place.horizon)
    face = Mood.of(expression) if expression else None
    stage = Stage(Canvas(size), scene, mood, sprites or _package_sprites(), horizon, face)
    if not place.indoor:
        atmosphere.draw_sky(stage)
    place.draw(stage)
    atmosphere.draw_haze(stage, place.indoor)
    before = stage.canvas.pixels.copy()
    _draw_subjects(stage, place.floor + rng.uniform(-0.01, 0.02))
    seen = cv2.absdiff(stage.canvas.pixels, before).max(axis=2) > _SEEN
    if place.front is not None:
        place.front(stage)
    atmosphere.draw_weather(stage, place.indoor, place.cold)
    return atmosphere.grade(stage.canvas.image(), mood, scene.time), seen, stage.heads


def _draw_subjects(stage: Stage, foot: float) -> None:
    """One, or two that hold hands, follow each other or look at each other.

    As on many a picture book's page all look the same way: what stands alone looks to the left, of two the one named first stands
    on the right. A small network takes long to learn that a dog may look either way, and draws heads at both ends until then.
    """
    scene = stage.scene
    rng = scene.rng("subjects")
    side = rng.uniform(-0.08, 0.08)
    if not scene.subjects:
        return
    if scene.time == "night":  # a pool of light, or nobody would be seen
        stage.canvas.glow(0.5 + side, foot - 0.25, 0.5, 0.45, (255, 236, 190), 0.30)
    if len(scene.subjects) == 1:
        _draw_one(stage, scene.subjects[0], 0.5 + side, foot, 1.0, "left", "first")
        return
    first, second = scene.subjects
    if scene.relation in ("hand_in_hand", "on_bench") and first.kind in PEOPLE and second.kind in PEOPLE:
        draw_pair(stage, first, second, 0.36 + side / 2, 0.64 + side / 2, foot, _PERSON_HEIGHT * 0.92, scene.relation, "pair")
        return
    if scene.relation == "chasing":  # both look the same way, the chased one ahead
        _draw_one(stage, second, 0.25, foot - 0.005, 0.66, "left", "second")
        _draw_one(stage, first, 0.70, foot, 0.86, "left", "first")
        return
    _draw_one(stage, second, 0.27 + side / 3, foot - 0.012, 0.84, "right", "second")
    _draw_one(stage, first, 0.71 + side / 3, foot, 0.92, "left", "first")


def _draw_one(stage: Stage, subject: Subject, x: float, foot: float, scale: float, looks: _Side, layer: str) -> None:
    if subject.kind in PEOPLE:
        draw_person(stage, subject, x, foot, _PERSON_HEIGHT * scale, looks == "left", layer)
    else:
        draw_actor(stage, subject, x, foot, scale, looks == "right", layer)  # most sprites look to the left
