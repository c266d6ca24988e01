"""What the drawing functions of a scene share: canvas, scene, mood and sprites."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from emoticrafter.storybook.world.canvas import Canvas
from emoticrafter.storybook.world.mood import Mood
from emoticrafter.storybook.world.poses import LocalAxes
from emoticrafter.storybook.world.scene import Scene
from emoticrafter.storybook.world.sprites import SpriteSource


@dataclass(frozen=True)
class Stage:
    """Everything that a drawing function may look at.

    horizon: its height, y in 0..1. expression: the mood of the faces where it is not that of the scene. heads: where the
    heads of people came to be, in the order of painting; who draws one adds it.
    """

    canvas: Canvas
    scene: Scene
    mood: Mood
    sprites: SpriteSource
    horizon: float
    expression: Mood | None = None
    heads: list[LocalAxes] = field(default_factory=list)

    def rng(self, layer: str) -> random.Random:
        """The seeded stream of one layer; the same at every emotion."""
        return self.scene.rng(layer)

    @property
    def time(self) -> str:
        return self.scene.time
