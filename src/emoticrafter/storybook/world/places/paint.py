"""Quick painting for scenery: tiles that are prepared once, then laid, turned, bent and coloured in a fraction of a millisecond.

A `Tile` is a picture with premultiplied cover and smaller versions of itself. How its channels become colour is a matrix
given when it is laid (`shaded`, `filtered`), so one bare tree serves every mood. All maths is on bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from emoticrafter.storybook.world.canvas import Canvas, Color, Point

_PAD = 16  # transparent rim in pixels: interpolation fades into it, and it survives four halvings


@dataclass(frozen=True)
class Tile:
    """`levels[i]` holds the picture at 1 / 2**i, uint8 (h, w, channels); `width` and `height` are those of level 0, unpadded."""

    levels: tuple[np.ndarray, ...]
    width: int
    height: int

    @classmethod
    def of(cls, pixels: np.ndarray) -> Tile:
        height, width = pixels.shape[:2]
        right, bottom = -(width + 2 * _PAD) % 16, -(height + 2 * _PAD) % 16
        level = cv2.copyMakeBorder(pixels, _PAD, _PAD + bottom, _PAD, _PAD + right, cv2.BORDER_CONSTANT, value=0)
        levels = [level]
        for _ in range(4):
            level = cv2.resize(level, (level.shape[1] // 2, level.shape[0] // 2), interpolation=cv2.INTER_AREA)
            levels.append(level)
        return cls(tuple(levels), width, height)


# -- colour matrices, (4, channels): tile channels to premultiplied red, green, blue, cover --------------------------------


def flat(color: Color, alpha: float = 1.0) -> np.ndarray:
    """For tiles of one channel, cover."""
    return np.array([[c / 255 * alpha] for c in color] + [[alpha]], np.float32)


def shaded(color: Color, alpha: float = 1.0) -> np.ndarray:
    """For tiles of three channels: share of the colour, share of white light, cover."""
    return np.array([[c / 255 * alpha, alpha, 0] for c in color] + [[0, 0, alpha]], np.float32)


def filtered(view: Callable[[Color], Color], alpha: float = 1.0) -> np.ndarray:
    """For pictures (red, green, blue, cover): every colour as `view` sees it. `view` must be affine, as mixing is."""
    base = view((0.0, 0.0, 0.0))
    full = view((255.0, 255.0, 255.0))
    matrix = np.zeros((4, 4), np.float32)
    for i in range(3):
        matrix[i, i] = (full[i] - base[i]) / 255 * alpha
        matrix[i, 3] = base[i] / 255 * alpha
    matrix[3, 3] = alpha
    return matrix


# -- laying ----------------------------------------------------------------------------------------------------------------


def _over(under: np.ndarray, premultiplied: np.ndarray) -> None:
    """Lay premultiplied (h, w, 4) bytes over the pixels (h, w, 3), in place."""
    rest = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(premultiplied, 3)), cv2.COLOR_GRAY2RGB)
    under[:] = cv2.add(cv2.multiply(under, rest, scale=1 / 255), cv2.cvtColor(premultiplied, cv2.COLOR_RGBA2RGB))


def lay(
    canvas: Canvas,
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
    """Lay a tile so that its bottom centre stands at (x, foot). `width` defaults to the tile's own proportions.

    `tilt` is in degrees clockwise about the foot; `bend` shears: 0.1 moves the top right by a tenth of the height.
    """
    side = canvas.side
    scale_y = height * side / tile.height
    scale_x = scale_y if width is None else width * side / tile.width
    if min(scale_x, scale_y) <= 1e-3 or matrix[3].max() <= 0.004:
        return
    level = min(max(int(math.log2(1 / max(scale_x, scale_y)) + 0.4), 0), len(tile.levels) - 1)
    step = 1 << level
    pixels = tile.levels[level]
    turn = math.radians(tilt)
    cos, sin = math.cos(turn), math.sin(turn)
    across = -scale_x if flip else scale_x
    a, b = cos * across, (-sin - cos * bend) * scale_y
    c, d = sin * across, (cos - sin * bend) * scale_y
    at_x, at_y = x * side - 0.5, foot * side - 0.5
    xs, ys = [], []
    for u, v in ((-0.5, 0.0), (0.5, 0.0), (-0.5, -1.0), (0.5, -1.0)):
        u, v = u * tile.width, v * tile.height
        xs.append(at_x + a * u + b * v)
        ys.append(at_y + c * u + d * v)
    x0, y0 = max(int(min(xs)) - 1, 0), max(int(min(ys)) - 1, 0)
    x1, y1 = min(int(max(xs)) + 3, side), min(int(max(ys)) + 3, side)
    if x1 <= x0 or y1 <= y0:
        return
    u, v = (_PAD + tile.width / 2) / step - 0.5, (_PAD + tile.height) / step - 0.5
    a, b, c, d = a * step, b * step, c * step, d * step
    affine = np.array([[a, b, at_x - x0 - a * u - b * v], [c, d, at_y - y0 - c * u - d * v]])
    laid = cv2.warpAffine(pixels, affine, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
    _over(canvas.pixels[y0:y1, x0:x1], cv2.transform(laid, matrix))


def graded(canvas: Canvas, points: Sequence[Point], first: Color, second: Color, horizontal: bool = False) -> None:
    """A polygon whose colour runs from `first` (top or left) to `second` (bottom or right) over its own bounds."""
    side = canvas.side
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
        (np.asarray(first, np.float64) * (1 - share) + np.asarray(second, np.float64) * share + 0.5).clip(0, 255).astype(np.uint8)
    )
    colors = cv2.resize(ramp[None] if horizontal else ramp[:, None], (x1 - x0, y1 - y0), interpolation=cv2.INTER_NEAREST)
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillPoly(mask, [np.round((corners - 0.5 - (x0, y0)) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    cover = cv2.cvtColor(mask, cv2.COLOR_GRAY2RGB)
    under = canvas.pixels[y0:y1, x0:x1]
    rest = cv2.multiply(under, cv2.bitwise_not(cover), scale=1 / 255)
    under[:] = cv2.add(rest, cv2.multiply(colors, cover, scale=1 / 255))


def polygons(canvas: Canvas, shapes: np.ndarray | Sequence[Sequence[Point]], color: Color) -> None:
    """Polygons of equal length that do not overlap, in one colour: (n, corners, 2)."""
    if len(shapes):
        fixed = np.round((np.asarray(shapes) * canvas.side - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(canvas.pixels, list(fixed), color, cv2.LINE_AA, 4)


def mirror(canvas: Canvas, line: float, depth: float, squeeze: float, strength: float) -> None:
    """Reflect what stands above the height `line` into the `depth` below it, flattened by `squeeze` (0..1)."""
    side = canvas.side
    y0, y1 = round(line * side), min(round((line + depth) * side), side)
    rows = min(round((y1 - y0) / squeeze), y0)
    if strength <= 0.004 or y1 - y0 < 2 or rows < 2:
        return
    image = cv2.resize(cv2.flip(canvas.pixels[y0 - rows : y0], 0), (side, y1 - y0), interpolation=cv2.INTER_AREA)
    under = canvas.pixels[y0:y1]
    under[:] = cv2.addWeighted(under, 1 - strength, image, strength, 0)


# -- round things ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _ball_tile(relief: int) -> Tile:
    y, x = np.mgrid[0:96, 0:96].astype(np.float32)
    x, y = (x + 0.5) / 48 - 1, (y + 0.5) / 48 - 1
    light = np.clip(1 - np.sqrt((x + 0.35) ** 2 + (y + 0.4) ** 2) / 1.15, -1, 1) * relief / 100
    cover = np.clip((1 - np.sqrt(x * x + y * y)) * 48 + 0.5, 0, 1)
    white = np.maximum(light, 0)
    body = 1 - white - np.maximum(-light, 0) * 1.2
    return Tile.of((np.dstack([body, white, np.ones_like(body)]) * cover[..., None] * 255).clip(0, 255).astype(np.uint8))


@lru_cache(maxsize=1)
def _glow_tile() -> Tile:
    y, x = np.mgrid[0:128, 0:128].astype(np.float32)
    r = np.sqrt(((x + 0.5) / 64 - 1) ** 2 + ((y + 0.5) / 64 - 1) ** 2)
    return Tile.of((np.clip(1 - r, 0, 1) ** 1.6 * 255)[..., None].astype(np.uint8)[..., 0])


def ball(canvas: Canvas, x: float, y: float, rx: float, ry: float, color: Color, relief: float = 0.3, alpha: float = 1.0) -> None:
    """An ellipse shaded like a soft ball lit from the upper left."""
    lay(canvas, _ball_tile(round(relief * 100)), shaded(color, alpha), x, y + ry, 2 * ry, 2 * rx)


def glow(canvas: Canvas, x: float, y: float, rx: float, ry: float, color: Color, strength: float = 1.0) -> None:
    """A soft-edged spot of light or shadow; `strength` is its cover in the middle."""
    lay(canvas, _glow_tile(), flat(color, min(strength, 1.0)), x, y + ry, 2 * ry, 2 * rx)


def shadow(canvas: Canvas, x: float, y: float, rx: float, strength: float = 0.42) -> None:
    """The contact shadow under a thing that stands at (x, y)."""
    glow(canvas, x, y, rx, max(rx * 0.26, 0.014), (18, 22, 30), strength)


# -- sprites ---------------------------------------------------------------------------------------------------------------

_tiles: dict[tuple[int, float], tuple[np.ndarray, Tile]] = {}  # by identity; the picture is kept so that its identity stays taken


def sprite_tile(rgba: np.ndarray, keep: float = 1.0) -> Tile:
    """The tile of a sprite, of which the upper share `keep` is used."""
    key = id(rgba), keep
    if key not in _tiles:
        whole, rgba = rgba, rgba[: max(round(rgba.shape[0] * keep), 1)]
        cover = rgba[..., 3:].astype(np.uint16)
        premultiplied = np.dstack([(rgba[..., :3] * cover // 255).astype(np.uint8), rgba[..., 3]])
        _tiles[key] = whole, Tile.of(premultiplied)
    return _tiles[key][1]
