"""A small anti-aliased canvas in unit coordinates: x to the right and y downwards, both 0 to 1.

Everything in the world is drawn through it, so a scene can be drawn at any size. Colours are RGB, 0 to 255, as floats
or integers. The canvas holds `supersample` times the pixels that it hands out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np

from emoticrafter.storybook.world import tiles
from emoticrafter.storybook.world.tiles import Color, Tile

Point = tuple[float, float]

_SHIFT = 4  # cv2 takes fixed-point coordinates with this many fractional bits
_UNIT = 1 << _SHIFT

cv2.setNumThreads(1)


def mix(first: Color, second: Color, share: float) -> Color:
    """`first` at share 0, `second` at share 1; shares outside are clamped."""
    t = min(max(share, 0.0), 1.0)
    return (
        first[0] + (second[0] - first[0]) * t,
        first[1] + (second[1] - first[1]) * t,
        first[2] + (second[2] - first[2]) * t,
    )


def lighter(color: Color, share: float) -> Color:
    return mix(color, (255, 255, 255), share)


def darker(color: Color, share: float) -> Color:
    return mix(color, (0, 0, 0), share)


def bezier(start: Point, control: Point, end: Point, count: int = 16) -> list[Point]:
    """Points on a quadratic Bezier curve."""
    points = []
    for i in range(count):
        t = i / (count - 1)
        u = 1 - t
        points.append(
            (
                u * u * start[0] + 2 * u * t * control[0] + t * t * end[0],
                u * u * start[1] + 2 * u * t * control[1] + t * t * end[1],
            )
        )
    return points


def arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float, count: int = 16) -> list[Point]:
    """Points on an ellipse from angle `start` to `end`, in degrees, 0 to the right, 90 downwards."""
    angles = np.radians(np.linspace(start, end, count))
    return [(cx + rx * float(np.cos(t)), cy + ry * float(np.sin(t))) for t in angles]


class Canvas:
    """A square picture under construction.

    `size` is the side of the finished picture in pixels; `image()` returns uint8 of shape (size, size, 3).
    """

    def __init__(self, size: int, supersample: int = 2) -> None:
        self.size = size
        self.side = size * supersample
        self.pixels = np.zeros((self.side, self.side, 3), np.uint8)

    # -- flat shapes -------------------------------------------------------------------------------------------------

    def _fixed(self, points: np.ndarray | Sequence[Point]) -> np.ndarray:
        # cv2 puts pixel centres on whole numbers, hence the half.
        return np.round((np.asarray(points, np.float64) * self.side - 0.5) * _UNIT).astype(np.int32)

    def fill(self, color: Color) -> None:
        self.pixels[:] = np.asarray(color, np.float32).clip(0, 255).astype(np.uint8)

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        cv2.fillPoly(self.pixels, [self._fixed(points)], color, cv2.LINE_AA, _SHIFT)

    def polygons(self, shapes: np.ndarray | Sequence[Sequence[Point]], color: Color) -> None:
        """Polygons of equal length that do not overlap, in one colour: (n, corners, 2)."""
        if len(shapes):
            cv2.fillPoly(self.pixels, list(self._fixed(shapes)), color, cv2.LINE_AA, _SHIFT)  # type: ignore[arg-type]

    def rectangle(self, left: float, top: float, right: float, bottom: float, color: Color) -> None:
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], color)

    def ellipse(
        self, cx: float, cy: float, rx: float, ry: float, color: Color, angle: float = 0, start: float = 0, end: float = 360
    ) -> None:
        """A filled ellipse (or the pie of it from `start` to `end` degrees), turned by `angle` degrees."""
        cx, cy = self._fixed([(cx, cy)])[0]
        axes = (max(int(rx * self.side * _UNIT), 1), max(int(ry * self.side * _UNIT), 1))
        cv2.ellipse(self.pixels, (int(cx), int(cy)), axes, angle, start, end, color, -1, cv2.LINE_AA, _SHIFT)

    def line(self, points: Sequence[Point], width: float, color: Color, closed: bool = False) -> None:
        """A line through the points with round joints; `width` in units of the canvas."""
        thickness = max(1, round(width * self.side))
        cv2.polylines(self.pixels, [self._fixed(points)], closed, color, thickness, cv2.LINE_AA, _SHIFT)

    # -- shaded shapes -----------------------------------------------------------------------------------------------

    def graded(self, points: Sequence[Point], first: Color, second: Color, horizontal: bool = False) -> None:
        """A polygon whose colour runs from `first` (top or left) to `second` (bottom or right) over its own bounds."""
        side = self.side
        corners = np.asarray(points, np.float64) * side
        low, high = corners.min(axis=0), corners.max(axis=0)
        x0, y0 = max(int(low[0]) - 1, 0), max(int(low[1]) - 1, 0)
        x1, y1 = min(int(high[0]) + 2, side), min(int(high[1]) + 2, side)
        if x1 <= x0 or y1 <= y0:
            return
        axis = 0 if horizontal else 1
        at = np.arange(x0, x1) if horizontal else np.arange(y0, y1)
        share = np.clip((at + 0.5 - low[axis]) / max(high[axis] - low[axis], 1e-6), 0, 1)[:, None]
        ramp = (
            (np.asarray(first, np.float64) * (1 - share) + np.asarray(second, np.float64) * share + 0.5)
            .clip(0, 255)
            .astype(np.uint8)
        )
        colors = cv2.resize(ramp[None] if horizontal else ramp[:, None], (x1 - x0, y1 - y0), interpolation=cv2.INTER_NEAREST)
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(mask, [np.round((corners - 0.5 - (x0, y0)) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        cover = cv2.cvtColor(mask, cv2.COLOR_GRAY2RGB)
        under = self.pixels[y0:y1, x0:x1]
        rest = cv2.multiply(under, cv2.bitwise_not(cover), scale=1 / 255)
        under[:] = cv2.add(rest, cv2.multiply(colors, cover, scale=1 / 255))

    def ball(self, cx: float, cy: float, rx: float, ry: float, color: Color, relief: float = 0.3, alpha: float = 1.0) -> None:
        """An ellipse shaded like a soft ball lit from the upper left: heads, trees, balloons."""
        self.lay(tiles.ball_tile(round(relief * 100)), tiles.shaded(color, alpha), cx, cy + ry, 2 * ry, 2 * rx)

    def glow(self, cx: float, cy: float, rx: float, ry: float, color: Color, strength: float = 1.0) -> None:
        """A soft-edged spot: suns, lamps, mist. `strength` is the cover in its middle, 0 to 1."""
        self.lay(tiles.glow_tile(), tiles.flat(color, min(strength, 1.0)), cx, cy + ry, 2 * ry, 2 * rx)

    def shadow(self, x: float, y: float, rx: float, strength: float = 0.42) -> None:
        """The contact shadow under a thing that stands at (x, y)."""
        self.glow(x, y, rx, max(rx * 0.26, 0.014), (18, 22, 30), strength)

    def sheet(self, top: Color, bottom: Color, from_y: float = 0.0, to_y: float = 1.0) -> None:
        """A full-width vertical gradient between two heights: sky, sea, ground."""
        self.graded([(0, from_y), (1, from_y), (1, to_y), (0, to_y)], top, bottom)

    @contextmanager
    def translucent(self, alpha: float) -> Iterator[None]:
        """What is drawn inside lies over the picture with this cover, 0 (nothing) to 1 (opaque)."""
        before = self.pixels.copy()
        yield
        cv2.addWeighted(before, 1 - alpha, self.pixels, alpha, 0, dst=self.pixels)

    def mirror(self, line: float, depth: float, squeeze: float, strength: float) -> None:
        """Reflect what stands above the height `line` into the `depth` below it, flattened by `squeeze` (0..1)."""
        side = self.side
        y0, y1 = round(line * side), min(round((line + depth) * side), side)
        rows = min(round((y1 - y0) / squeeze), y0)
        if strength <= 0.004 or y1 - y0 < 2 or rows < 2:
            return
        image = cv2.resize(cv2.flip(self.pixels[y0 - rows : y0], 0), (side, y1 - y0), interpolation=cv2.INTER_AREA)
        under = self.pixels[y0:y1]
        under[:] = cv2.addWeighted(under, 1 - strength, image, strength, 0)

    # -- pictures in the picture -------------------------------------------------------------------------------------

    def lay(
        self,
        tile: Tile,
        matrix: np.ndarray,
        x: float,
        foot: float,
        height: float,
        width: float | None = None,
        tilt: float = 0.0,
        bend: float = 0.0,
        flip: bool = False,
    ) -> None:
        """Lay a tile, coloured by `matrix`, so that its bottom centre stands at (x, foot); see `tiles.lay`."""
        tiles.lay(self.pixels, tile, matrix, x, foot, height, width, tilt, bend, flip)

    def sprite(
        self,
        rgba: np.ndarray,
        cx: float,
        foot: float,
        height: float,
        tilt: float = 0.0,
        flip: bool = False,
        squash: float = 1.0,
        alpha: float = 1.0,
    ) -> None:
        """Lay a picture with alpha, uint8 (h, w, 4), so that its bottom centre stands at (cx, foot).

        `tilt` in degrees clockwise about the foot, `squash` widens and flattens above 1. The picture is prepared once and known
        again by identity, so it must not be changed afterwards (sprite sources hand out read-only ones).
        """
        width = height * squash * rgba.shape[1] / rgba.shape[0]
        plain = np.eye(4, dtype=np.float32) * np.float32(alpha)
        self.lay(tiles.sprite_tile(rgba), plain, cx, foot, height / squash, width, tilt, 0.0, flip)

    def image(self) -> np.ndarray:
        """The finished picture, uint8 (size, size, 3)."""
        if self.side == self.size:
            return self.pixels.copy()
        return cv2.resize(self.pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)
