"""What a place is, and the ground that all places share: frames to build in, sway, earth, hills, water."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emoticrafter.storybook.world import tiles
from emoticrafter.storybook.world.atmosphere import sky_colors
from emoticrafter.storybook.world.canvas import Canvas, Color, Point, darker, lighter, mix
from emoticrafter.storybook.world.mood import Mood
from emoticrafter.storybook.world.stage import Stage


@dataclass(frozen=True)
class Place:
    """A place that can be drawn at any mood.

    `horizon` is the range that a seed draws the horizon from and `floor` where subjects' feet stand, both y in 0..1. Where
    it is `cold`, rain falls as snow. `front` draws what stands before the subjects.
    """

    key: str
    draw: Callable[[Stage], None]
    horizon: tuple[float, float]
    indoor: bool = False
    cold: bool = False
    floor: float = 0.90
    front: Callable[[Stage], None] | None = None


def ramp(x: float, low: float = 0.0, high: float = 1.0) -> float:
    """0 below `low`, 1 above `high`, smooth between."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def sway(mood: Mood, chance: float) -> float:
    """How far a building or a post stands out of plumb, degrees; `chance` in -1..1 is its own share."""
    return chance * (3.2 * mood.thrill + 7.0 * mood.terror + 3.0 * mood.decay)


def bend(mood: Mood, share: float = 1.0) -> float:
    """The shear of a plant in the wind, which blows to the left as the rain does."""
    return -0.26 * mood.wind * share


def dusk(stage: Stage) -> float:
    """How much lamps and windows are needed at this time of day, 0..1."""
    return {"day": 0.0, "evening": 0.55, "night": 1.0}[stage.time]


def coat(mood: Mood, color: Color) -> Color:
    """A painted surface in this mood; terror leaves little more than a silhouette before the glow."""
    return mix(mood.wall(color), (36, 16, 26), 0.55 * mood.terror)


def far(stage: Stage, color: Color, distance: float) -> Color:
    """A colour seen through air: it fades into the sky at the horizon."""
    return mix(color, sky_colors(stage.mood, stage.time)[1], distance)


def sprite(
    stage: Stage,
    name: str,
    x: float,
    foot: float,
    height: float,
    view: Callable[[Color], Color] | None = None,
    alpha: float = 1.0,
    width: float | None = None,
    tilt: float = 0.0,
    bend: float = 0.0,
    flip: bool = False,
    keep: float = 1.0,
) -> None:
    """Lay a sprite with its bottom centre at (x, foot), its colours as `view` sees them (default: as `coat` does).

    `keep` below 1 cuts off its foot, such as the water that a boat comes with.
    """
    if height <= 0.012 or alpha <= 0.01:
        return
    matrix = tiles.filtered(view or (lambda color: coat(stage.mood, color)), alpha)
    stage.canvas.lay(tiles.sprite_tile(stage.sprites.get(name), keep), matrix, x, foot, height, width, tilt, bend, flip)


class UnitFrame:
    """Unit coordinates of a thing that stands at (x, foot): u to the right, v upwards, leaning by `lean` degrees clockwise."""

    def __init__(
        self, canvas: Canvas, x: float, foot: float, lean: float = 0.0, flip: bool = False, stretch: float = 1.0
    ) -> None:
        self.canvas, self.x, self.foot, self.flip, self.stretch = canvas, x, foot, flip, stretch
        self.lean = lean
        self._cos, self._sin = math.cos(math.radians(lean)), math.sin(math.radians(lean))

    def at(self, u: float, v: float) -> Point:
        u, v = (-u if self.flip else u), v * self.stretch
        return self.x + u * self._cos + v * self._sin, self.foot + u * self._sin - v * self._cos

    def boxes(self, spots: np.ndarray, width: float, height: float) -> np.ndarray:
        """Corners of rectangles around `spots` (n, 2) on the canvas, (n, 4, 2)."""
        corners = np.array([(-width, -height), (width, -height), (width, height), (-width, height)]) / 2
        u, v = np.moveaxis(spots[:, None] + corners, -1, 0)
        u, v = (-u if self.flip else u), v * self.stretch
        return np.stack([self.x + u * self._cos + v * self._sin, self.foot + u * self._sin - v * self._cos], axis=-1)

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        self.canvas.polygon([self.at(*p) for p in points], color)

    def graded(self, points: Sequence[Point], first: Color, second: Color, horizontal: bool = False) -> None:
        if horizontal and self.flip:
            first, second = second, first
        self.canvas.graded([self.at(*p) for p in points], first, second, horizontal)

    def box(self, left: float, bottom: float, right: float, top: float, color: Color, lower: Color | None = None) -> None:
        """A rectangle in one colour, or running down from `color` to `lower`."""
        corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
        if lower is None:
            self.polygon(corners, color)
        else:
            self.graded(corners, color, lower)

    def ellipse(self, u: float, v: float, ru: float, rv: float, color: Color) -> None:
        self.canvas.ellipse(*self.at(u, v), ru, rv, color, self.lean)

    def ball(self, u: float, v: float, ru: float, rv: float, color: Color, relief: float = 0.3) -> None:
        self.canvas.ball(*self.at(u, v), ru, rv, color, relief)

    def glow(self, u: float, v: float, ru: float, rv: float, color: Color, strength: float) -> None:
        self.canvas.glow(*self.at(u, v), ru, rv, color, strength)

    def line(self, points: Sequence[Point], width: float, color: Color) -> None:
        self.canvas.line([self.at(*p) for p in points], width, color)


# -- earth -----------------------------------------------------------------------------------------------------------------


def ridge(mood: Mood, y: float, height: float, phase: float, length: float = 0.6) -> list[Point]:
    """The upper edge of a range of hills from left to right: round and low when calm, jagged when excited."""
    sharp = 0.85 * mood.thrill
    height *= 1 + 0.35 * mood.thrill - 0.4 * mood.calm
    points = []
    for i in range(41):
        x = i / 40
        t = x / length + phase
        smooth = 0.5 + 0.5 * math.sin(2 * math.pi * t)
        jagged = abs(2 * (t % 1) - 1) * 0.75 + abs(2 * (2.7 * t % 1) - 1) * 0.25
        points.append((x, y - height * (smooth + (jagged - smooth) * sharp)))
    return points


def hills(
    stage: Stage, y: float, height: float, phase: float, top: Color, low: Color, bottom: float = 1.0, length: float = 0.6
) -> None:
    """A range of hills that reaches down to `bottom`."""
    stage.canvas.graded([*ridge(stage.mood, y, height, phase, length), (1, bottom), (0, bottom)], top, low)


def ground(stage: Stage, y: float, color: Color, shade: float = 0.22, light: float = 0.16) -> None:
    """Level ground from `y` to the foot of the picture, lighter far away."""
    # One row of overlap hides the seam at the horizon.
    stage.canvas.graded(
        [(0, y - 0.004), (1, y - 0.004), (1, 1), (0, 1)],
        far(stage, lighter(color, light), 0.12),
        darker(color, shade),
    )


def path(stage: Stage, x: float, y: float, foot_x: float, width: float, color: Color, narrow: float = 0.16) -> None:
    """A way from the foot of the picture to (x, y), winding a little."""
    left, right = [], []
    for i in range(13):
        t = i / 12
        centre = foot_x + (x - foot_x) * t + 0.07 * math.sin(2 * math.pi * t) * (1 - t * 0.5)
        half = width / 2 * (1 - t + narrow * t)
        at = 1.0 + (y - 1.0) * (1 - (1 - t) ** 1.5)
        left.append((centre - half, at))
        right.append((centre + half, at))
    stage.canvas.graded([*left, *reversed(right)], far(stage, lighter(color, 0.1), 0.15), darker(color, 0.08))


def puddle(stage: Stage, x: float, y: float, rx: float) -> None:
    """A puddle that grows with the rain."""
    rx *= ramp(stage.mood.rain, 0.05, 0.8)
    if rx > 0.006:
        sky = sky_colors(stage.mood, stage.time)[1]
        stage.canvas.ellipse(x, y, rx, rx * 0.26, darker(sky, 0.35))
        stage.canvas.ellipse(x - rx * 0.15, y - rx * 0.03, rx * 0.72, rx * 0.15, mix(sky, (255, 255, 255), 0.1))


# -- water -----------------------------------------------------------------------------------------------------------------


def water_colors(stage: Stage, deep: Color = (34, 122, 188)) -> tuple[Color, Color]:
    """(far, near) colours of water under this sky."""
    mood = stage.mood
    top, low = sky_colors(mood, stage.time)
    deep = mix(deep, (16, 176, 200), 0.45 * mood.elation)
    deep = mix(deep, (58, 74, 92), 0.75 * mood.decay)
    deep = mix(deep, (34, 18, 40), 0.8 * mood.terror)
    return mix(deep, low, 0.38 + 0.25 * mood.calm), mix(deep, top, 0.12 + 0.3 * mood.calm)


def water(stage: Stage, y: float, bottom: float, rows: int = 5, deep: Color = (34, 122, 188)) -> None:
    """Water between two heights: a mirror of all above it when calm, rows of crests when not, breakers in a storm."""
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("water")
    phases = [(rng.random(), rng.uniform(0.85, 1.15), rng.random()) for _ in range(rows)]
    first, last = water_colors(stage, deep)
    canvas.graded([(0, y), (1, y), (1, bottom), (0, bottom)], first, last)
    still = ramp(1 - mood.wave, 0.45, 1.0)
    canvas.mirror(y, bottom - y, 0.8, 0.62 * still)
    foam = mix((255, 255, 255), sky_colors(mood, stage.time)[1], 0.25 + 0.3 * mood.decay)
    swell = mood.wave
    for i, (phase, scale, at) in enumerate(phases):
        depth = (i + 0.6) / rows
        height = y + (bottom - y) * depth
        # Still water: a few long level streaks of light.
        streak = 0.12 * still * scale * (0.4 + depth)
        if streak > 0.01:
            canvas.ellipse(at, height, streak, 0.0055, mix(first, foam, 0.35))
        rise = (0.012 + 0.075 * swell * swell) * (0.35 + 0.65 * depth) * ramp(swell, 0.02, 0.25)
        if rise < 0.003:
            continue
        length = (0.10 + 0.16 * depth) * scale * (1.25 - 0.35 * swell)
        count = 48
        crest = []
        for j in range(count + 1):
            x = j / count
            wave = abs(math.sin(math.pi * (x / length + phase)))
            crest.append((x, height + rise * (0.5 - (1 - wave) ** (1 + 0.5 * swell))))
        color = mix(first, last, depth)
        body = [*crest, *[(x, at_y + rise * 1.6 + 0.012) for x, at_y in reversed(crest)]]
        canvas.polygon(body, mix(darker(color, 0.16 * swell), foam, 0.06))
        cap = 0.007 + 0.020 * swell * swell * (0.4 + 0.6 * depth)
        canvas.polygon(
            [*crest, *[(x, at_y + cap * (1.2 - (at_y - height) / rise)) for x, at_y in reversed(crest)]],
            mix(color, foam, 0.35 + 0.55 * swell),
        )
