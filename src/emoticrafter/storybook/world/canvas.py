"""A small anti-aliased canvas in unit coordinates: x to the right and y downwards, both 0 to 1.

Everything in the world is drawn through it, so a scene can be drawn at any size. Colours are RGB, 0 to 255, as floats
or integers. The canvas holds `supersample` times the pixels that it hands out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import cv2
import numpy as np

Color = tuple[float, float, float]
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


@lru_cache(maxsize=8)
def _sphere(side: int = 96) -> np.ndarray:
    """Light on a ball from the upper left, -1 (shadow) .. 1 (highlight), shape (side, side)."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    x = (x + 0.5) / side * 2 - 1
    y = (y + 0.5) / side * 2 - 1
    towards = 1 - np.sqrt((x + 0.35) ** 2 + (y + 0.4) ** 2) / 1.15
    return np.clip(towards, -1, 1)


@lru_cache(maxsize=8)
def _blob(side: int = 128) -> np.ndarray:
    """A soft round spot, 1 in the middle and 0 at the rim, shape (side, side)."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    r = np.sqrt(((x + 0.5) / side * 2 - 1) ** 2 + ((y + 0.5) / side * 2 - 1) ** 2)
    return np.clip(1 - r, 0, 1) ** 1.6


class Canvas:
    """A square picture under construction.

    `size` is the side of the finished picture in pixels; `image()` returns uint8 of shape (size, size, 3).
    """

    def __init__(self, size: int, supersample: int = 2) -> None:
        self.size = size
        self.side = size * supersample
        self.pixels = np.zeros((self.side, self.side, 3), np.uint8)

    # -- flat shapes -------------------------------------------------------------------------------------------------

    def _fixed(self, points: Sequence[Point]) -> np.ndarray:
        # cv2 puts pixel centres on whole numbers, hence the half.
        return np.round((np.asarray(points, np.float64) * self.side - 0.5) * _UNIT).astype(np.int32)

    def fill(self, color: Color) -> None:
        self.pixels[:] = np.asarray(color, np.float32).clip(0, 255).astype(np.uint8)

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        cv2.fillPoly(self.pixels, [self._fixed(points)], color, cv2.LINE_AA, _SHIFT)

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

    def _box(self, left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
        s = self.side
        x0, y0 = max(int(np.floor(left * s)), 0), max(int(np.floor(top * s)), 0)
        return x0, y0, min(int(np.ceil(right * s)) + 1, s), min(int(np.ceil(bottom * s)) + 1, s)

    def _blend(self, box: tuple[int, int, int, int], colors: np.ndarray, alpha: np.ndarray) -> None:
        """Lay `colors` (h, w, 3) or (3,) over the box with `alpha` (h, w) in 0..1."""
        x0, y0, x1, y1 = box
        under = self.pixels[y0:y1, x0:x1]
        over = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
        over[:] = colors if colors.dtype == np.uint8 else np.clip(colors, 0, 255)
        under[:] = cv2.blendLinear(over, np.ascontiguousarray(under), alpha, 1 - alpha)

    def _mask(self, points: Sequence[Point], box: tuple[int, int, int, int]) -> np.ndarray:
        x0, y0, x1, y1 = box
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(mask, [self._fixed(points) - np.array([x0, y0]) * _UNIT], 255, cv2.LINE_AA, _SHIFT)
        return mask * np.float32(1 / 255)

    def graded(self, points: Sequence[Point], first: Color, second: Color, horizontal: bool = False) -> None:
        """A polygon whose colour runs from `first` (top or left) to `second` (bottom or right) over its own bounds."""
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        box = self._box(min(xs), min(ys), max(xs), max(ys))
        x0, y0, x1, y1 = box
        if x1 <= x0 or y1 <= y0:
            return
        low, high = (min(xs), max(xs)) if horizontal else (min(ys), max(ys))
        at = (np.arange(x0, x1) if horizontal else np.arange(y0, y1)).astype(np.float32)
        t = np.clip(((at + 0.5) / self.side - low) / max(high - low, 1e-6), 0, 1)[:, None]
        ramp = np.asarray(first, np.float32) * (1 - t) + np.asarray(second, np.float32) * t
        colors = ramp[None] if horizontal else ramp[:, None]
        self._blend(box, colors, self._mask(points, box))

    def ball(self, cx: float, cy: float, rx: float, ry: float, color: Color, relief: float = 0.3) -> None:
        """An ellipse shaded like a soft ball lit from the upper left: heads, trees, clouds, balloons."""
        box = self._box(cx - rx, cy - ry, cx + rx, cy + ry)
        x0, y0, x1, y1 = box
        if x1 <= x0 or y1 <= y0:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        px, py = self._fixed([(cx, cy)])[0] - np.array([x0, y0]) * _UNIT
        axes = (max(int(rx * self.side * _UNIT), 1), max(int(ry * self.side * _UNIT), 1))
        cv2.ellipse(mask, (int(px), int(py)), axes, 0, 0, 360, 255, -1, cv2.LINE_AA, _SHIFT)
        scale_x, scale_y = 96 / (2 * rx * self.side), 96 / (2 * ry * self.side)
        matrix = np.float32(
            [
                [scale_x, 0, (x0 - (cx - rx) * self.side) * scale_x],
                [0, scale_y, (y0 - (cy - ry) * self.side) * scale_y],
            ]
        )
        light = cv2.warpAffine(
            _sphere(), matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )[..., None]
        base = np.asarray(color, np.float32)
        colors = base + np.where(light > 0, (255 - base) * light, base * light * 1.2) * relief
        self._blend(box, colors, mask * np.float32(1 / 255))

    def glow(self, cx: float, cy: float, rx: float, ry: float, color: Color, strength: float = 1.0) -> None:
        """A soft-edged spot: suns, lamps, mist, contact shadows. `strength` is the cover in its middle, 0 to 1."""
        if strength <= 0.004:
            return
        box = self._box(cx - rx, cy - ry, cx + rx, cy + ry)
        x0, y0, x1, y1 = box
        if x1 <= x0 or y1 <= y0:
            return
        scale_x, scale_y = 128 / (2 * rx * self.side), 128 / (2 * ry * self.side)
        matrix = np.float32(
            [
                [scale_x, 0, (x0 - (cx - rx) * self.side) * scale_x],
                [0, scale_y, (y0 - (cy - ry) * self.side) * scale_y],
            ]
        )
        alpha = cv2.warpAffine(
            _blob(), matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=0.0
        )
        self._blend(box, np.asarray(color, np.float32), alpha * np.float32(min(strength, 1.0)))

    def sheet(self, top: Color, bottom: Color, from_y: float = 0.0, to_y: float = 1.0) -> None:
        """A full-width vertical gradient between two heights: sky, sea, ground."""
        self.graded([(0, from_y), (1, from_y), (1, to_y), (0, to_y)], top, bottom)

    @contextmanager
    def translucent(self, alpha: float) -> Iterator[None]:
        """What is drawn inside lies over the picture with this cover, 0 (nothing) to 1 (opaque)."""
        before = self.pixels.copy()
        yield
        cv2.addWeighted(before, 1 - alpha, self.pixels, alpha, 0, dst=self.pixels)

    # -- pictures in the picture -------------------------------------------------------------------------------------

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

        `height` in units of the canvas, `tilt` in degrees clockwise about the foot, `squash` widens and flattens above 1.
        """
        h, w = rgba.shape[:2]
        scale_y = height * self.side / h / squash
        scale_x = height * self.side / h * squash
        # Shrink in whole steps first: warpAffine alone aliases below half size.
        shrink = int(1 / max(scale_y, scale_x, 1e-6))
        if shrink >= 2:
            rgba = _shrunk(rgba, shrink)
            scale_x, scale_y = scale_x * w / rgba.shape[1], scale_y * h / rgba.shape[0]
            h, w = rgba.shape[:2]
        t = np.radians(tilt)
        cos, sin = np.cos(t), np.sin(t)
        sx = -scale_x if flip else scale_x
        matrix = np.float64([[cos * sx, -sin * scale_y, 0], [sin * sx, cos * scale_y, 0]])
        matrix[:, 2] = np.array([cx, foot]) * self.side - matrix[:, :2] @ np.array([w / 2, h])
        corners = (matrix @ np.array([[0, w, w, 0], [0, 0, h, h], [1, 1, 1, 1]])) / self.side
        box = self._box(*corners.min(axis=1), *corners.max(axis=1))
        x0, y0, x1, y1 = box
        if x1 <= x0 or y1 <= y0:
            return
        matrix[:, 2] -= (x0, y0)
        laid = cv2.warpAffine(rgba, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0, 0))
        self._blend(box, laid[..., :3], laid[..., 3] * np.float32(alpha / 255))

    def image(self) -> np.ndarray:
        """The finished picture, uint8 (size, size, 3)."""
        if self.side == self.size:
            return self.pixels.copy()
        return cv2.resize(self.pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)


_shrunk_cache: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}


def _shrunk(rgba: np.ndarray, steps: int) -> np.ndarray:
    """`rgba` at one over `steps` of its size. Read-only pictures, as sprite sources give, are shrunk once."""
    h, w = rgba.shape[:2]
    shape = (max(w // steps, 1), max(h // steps, 1))
    if rgba.flags.writeable:
        return cv2.resize(rgba, shape, interpolation=cv2.INTER_AREA)
    key = (id(rgba), steps)
    if key not in _shrunk_cache:  # the picture is kept too, so that its id stays its own
        _shrunk_cache[key] = (rgba, cv2.resize(rgba, shape, interpolation=cv2.INTER_AREA))
    return _shrunk_cache[key][1]
