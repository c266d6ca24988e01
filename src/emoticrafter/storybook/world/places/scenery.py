"""Things that stand in many places: trees, flowers, weeds, fences, lamps, bunting, houses, mountains.

All take a seeded random stream or a variant number and use it the same way at every mood.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from emoticrafter.storybook.world import tiles
from emoticrafter.storybook.world.canvas import Color, Point, darker, lighter, mix
from emoticrafter.storybook.world.places.place import UnitFrame, bend, coat, dusk, far, ramp, sprite, sway
from emoticrafter.storybook.world.stage import Stage

FLAG_COLORS: tuple[Color, ...] = ((238, 78, 88), (255, 200, 62), (72, 172, 236), (108, 200, 104), (232, 118, 190))
LAMP: Color = (255, 214, 128)


# -- trees -----------------------------------------------------------------------------------------------------------------


def _relief_tile(mask: np.ndarray) -> tiles.Tile:
    """A tile for `shaded` out of a cover mask (h, w): its left edges catch light, its right edges lie in shadow."""
    soft = cv2.GaussianBlur(mask, (0, 0), 3).astype(np.float32) / 255
    slope = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3)
    white = np.clip(slope * 0.5, 0, 0.28)
    body = 1 - white - np.clip(-slope * 0.5, 0, 0.35)
    cover = mask.astype(np.float32)
    return tiles.Tile.of(np.dstack([body * cover, white * cover, cover]).clip(0, 255).astype(np.uint8))


@lru_cache(maxsize=4)
def _bare_tree(variant: int) -> tiles.Tile:
    rng = random.Random(f"bare/{variant}")
    mask = np.zeros((320, 320), np.uint8)

    def grow(x: float, y: float, angle: float, length: float, thick: float, depth: int) -> None:
        x2, y2 = x + length * math.sin(angle), y - length * math.cos(angle)
        cv2.line(mask, (round(x * 8), round(y * 8)), (round(x2 * 8), round(y2 * 8)), 255, max(round(thick), 6), cv2.LINE_AA, 3)
        if depth == 0:
            return
        for turn in (-1, 1):
            grow(x2, y2, angle + turn * rng.uniform(0.28, 0.62), length * rng.uniform(0.68, 0.82), thick * 0.64, depth - 1)

    cv2.fillPoly(
        mask, [np.array([(132, 320), (146, 240), (150, 190), (172, 190), (176, 240), (190, 320)], np.int32)], 255, cv2.LINE_AA
    )
    grow(160, 205, rng.uniform(-0.06, 0.06), 62, 24, 5)
    return _relief_tile(mask)


@lru_cache(maxsize=1)
def _bare_pine() -> tiles.Tile:
    mask = np.zeros((320, 200), np.uint8)
    cv2.fillPoly(mask, [np.array([(86, 320), (97, 10), (103, 10), (114, 320)], np.int32)], 255, cv2.LINE_AA)
    for i in range(7):
        y, reach = 60 + i * 34, 26 + i * 9
        for turn in (-1, 1):
            cv2.line(mask, (100, y), (100 + turn * reach, y + 16 + i * 2), 255, 9, cv2.LINE_AA)
            cv2.line(mask, (100 + turn * reach // 2, y + 8), (100 + turn * (reach // 2 + 14), y + 30), 255, 7, cv2.LINE_AA)
    return _relief_tile(mask)


def bark(stage: Stage, distance: float = 0.0) -> Color:
    color = mix((104, 72, 52), (58, 46, 48), stage.mood.decay)
    return far(stage, mix(color, (26, 12, 16), 0.7 * stage.mood.terror), distance)


def bare_tree(
    stage: Stage, x: float, foot: float, height: float, variant: int = 0, alpha: float = 1.0, distance: float = 0.0
) -> None:
    matrix = tiles.shaded(bark(stage, distance), alpha)
    stage.canvas.lay(_bare_tree(variant % 4), matrix, x, foot, height, bend=bend(stage.mood, 0.8), flip=variant % 2 == 1)


_CROWN = (
    (-0.20, 0.52),
    (0.19, 0.50),
    (0.0, 0.72),
    (-0.11, 0.88),
    (0.13, 0.84),
    (-0.30, 0.36),
    (0.28, 0.34),
    (0.02, 0.46),
    (-0.06, 0.30),
)


def tree(
    stage: Stage,
    x: float,
    foot: float,
    height: float,
    variant: int = 0,
    name: str = "tree",
    tone: Color | None = None,
    distance: float = 0.0,
) -> None:
    """A tree (`name` tree or pine) that blossoms with pleasure and loses its leaves with displeasure."""
    mood = stage.mood

    def leaf(color: Color) -> Color:
        return far(stage, mood.foliage(color if tone is None else mix(color, tone, 0.4)), distance)

    stage.canvas.shadow(x, foot, height * 0.30, 0.38)
    dead = ramp(mood.decay, 0.0, 0.45)
    if dead > 0.01:
        if name == "pine":
            matrix = tiles.shaded(bark(stage, distance), dead)
            stage.canvas.lay(_bare_pine(), matrix, x, foot, height, bend=bend(mood, 0.5), flip=variant % 2 == 1)
        else:
            bare_tree(stage, x, foot, height * 0.98, variant, dead, distance)
    leaves = 1 - ramp(mood.decay, 0.25, 0.95) * (1.0 if name == "tree" else 0.82)
    sprite(stage, name, x, foot, height, leaf, leaves, bend=bend(mood, 1.0 if name == "tree" else 0.7), flip=variant % 2 == 1)
    if name == "tree" and mood.bloom > 0.02:
        pink = mix((255, 150, 190), (255, 246, 250), 0.35 + 0.5 * (variant % 2))
        size = 0.075 * height * ramp(mood.bloom, 0.0, 0.8)
        for i, (u, v) in enumerate(_CROWN):
            at = x + (u + bend(mood) * v) * height
            stage.canvas.ellipse(at, foot - v * height, size, size * 0.92, far(stage, lighter(pink, 0.25 * (i % 3)), distance))


# -- small plants ----------------------------------------------------------------------------------------------------------


def tufts(stage: Stage, rng: random.Random, count: int, top: float, bottom: float, color: Color, size: float = 0.05) -> None:
    """Tufts of grass: soft and low when calm, long and pointed when excited, weeds with decay."""
    mood = stage.mood
    grow = 0.7 + 0.7 * mood.thrill - 0.25 * mood.calm + 0.5 * mood.decay
    lean = bend(mood, 2.2)
    for _ in range(count):
        x, t, scale, tint = rng.random(), rng.random(), rng.uniform(0.75, 1.25), rng.random()
        y = top + (bottom - top) * t
        high = size * scale * grow * (0.45 + 0.65 * t)
        wide = high * 0.30
        shade = lighter(color, 0.14) if tint < 0.5 else darker(color, 0.16)
        for u in (-1.0, 0.0, 1.0):
            tip = (x + wide * u * 1.7 + lean * high, y - high * (1.0 if u == 0 else 0.72))
            stage.canvas.polygon([(x + wide * (u * 0.6 - 0.42), y), tip, (x + wide * (u * 0.6 + 0.42), y)], shade)


def flowers(
    stage: Stage,
    rng: random.Random,
    count: int,
    top: float,
    bottom: float,
    size: float = 0.10,
    kinds: Sequence[str] = ("tulip", "blossom", "hibiscus"),
    least: float = 0.55,
    sides: float = 0.34,
) -> None:
    """Flowers left and right of the middle: `least` of their size in a plain mood, full with bloom, gone with decay."""
    mood = stage.mood
    grow = (least + (1 - least) * mood.bloom) * (1 - ramp(mood.decay, 0.0, 0.7))
    spots = []
    for i in range(count):
        x = rng.uniform(0.0, sides)
        spots.append(
            (
                rng.uniform(0, 1),
                1 - x if i % 2 else x,
                rng.uniform(0.8, 1.2),
                rng.uniform(-9, 9),
                kinds[i % len(kinds)],
                rng.random(),
            )
        )
    for depth, x, scale, tilt, kind, start in sorted(spots):
        shy = ramp(grow, 0.25 * start * (1 - least), 0.25 * start + 0.6)  # they do not open all at once
        high = size * scale * (0.6 + 0.5 * depth) * shy
        y = top + (bottom - top) * depth
        lively = tilt * (1 + mood.thrill)
        sprite(stage, kind, x, y, high * (1 + 0.15 * mood.thrill), tilt=lively, bend=bend(mood, 1.2), flip=start < 0.5)
        wilt = mood.decay * scale * size * (0.55 + 0.35 * depth)
        if wilt > 0.012:  # what is left: a drooping stem
            color = mix((98, 88, 70), (48, 26, 30), mood.terror)
            droop = 1 if start < 0.5 else -1
            stem = [(x, y), (x + 0.02 * droop * scale, y - wilt), (x + wilt * 0.5 * droop, y - wilt * 0.75)]
            stage.canvas.line(stem, 0.011, color)
            stage.canvas.ellipse(*stem[2], wilt * 0.2, wilt * 0.26, color)


# -- small built things ----------------------------------------------------------------------------------------------------


def fence(
    stage: Stage, rng: random.Random, left: float, right: float, foot: float, height: float, color: Color, iron: bool = False
) -> None:
    """Pickets and two rails; with decay the pickets lean and break. Iron ones have points."""
    mood = stage.mood
    step = 0.052 if iron else 0.066
    count = max(round((right - left) / step), 2)
    wide = 0.0095 if iron else 0.019
    paint_color = coat(mood, color)
    back = darker(paint_color, 0.22)
    for share in (0.34, 0.74):
        sag = 0.10 * height * mood.decay
        stage.canvas.line(
            [(left, foot - height * share), ((left + right) / 2, foot - height * share + sag), (right, foot - height * share)],
            0.012 if iron else 0.016,
            back,
        )
    pickets = []
    for i in range(count + 1):
        turn, broken = rng.uniform(-1, 1), rng.random()
        frame = UnitFrame(stage.canvas, left + (right - left) * i / count, foot, 2.2 * sway(mood, turn))
        high = height * (1 - 0.55 * ramp(mood.decay, 0.1, 1.0) * ramp(broken, 0.4, 1.0))
        tip = height * (0.20 if iron else 0.12)
        pickets.append([frame.at(*p) for p in ((-wide, 0), (wide, 0), (wide, high - tip), (0, high), (-wide, high - tip))])
    stage.canvas.polygons(pickets, paint_color)


def lamp(stage: Stage, x: float, foot: float, height: float, lean: float = 0.0, color: Color = (58, 64, 84)) -> None:
    """A street lamp. It is the one light that stays on in a sad place."""
    mood = stage.mood
    shine = min(0.20 + 0.75 * dusk(stage) + 0.75 * mood.decay + 0.25 * mood.bloom, 1.0)
    light = mix(LAMP, (255, 92, 44), 0.75 * mood.terror)
    frame = UnitFrame(stage.canvas, x, foot, sway(mood, lean))
    iron = coat(mood, color)
    frame.glow(0, height * 0.94, 0.20, 0.20, light, 0.62 * shine)
    stage.canvas.glow(x, foot, 0.17, 0.05, light, 0.42 * shine)
    frame.box(-0.009, 0, 0.009, height * 0.88, iron)
    frame.box(-0.022, 0, 0.022, height * 0.06, iron)
    frame.polygon(
        [(-0.022, height * 0.86), (0.022, height * 0.86), (0.036, height * 0.99), (-0.036, height * 0.99)],
        mix((214, 214, 206), light, shine),
    )
    frame.polygon([(-0.046, height * 0.985), (0.046, height * 0.985), (0, height * 1.09)], iron)


def bunting(
    stage: Stage, start: Point, end: Point, sag: float = 0.10, count: int = 8, grow: float | None = None, first: int = 0
) -> None:
    """A string of flags that unfolds with bloom."""
    mood = stage.mood
    size = mood.bloom if grow is None else grow
    if size < 0.03:
        return
    size = ramp(size, 0.0, 0.8)
    points = []
    for i in range(17):
        t = i / 16
        points.append(
            (
                start[0] + (end[0] - start[0]) * t,
                start[1] + (end[1] - start[1]) * t + sag * 4 * t * (1 - t) * (1 - 0.3 * mood.thrill),
            )
        )
    whole = ramp(size, 0.0, 0.5) * 16  # the string is paid out from its start
    last = max(int(whole), 1)
    stage.canvas.line(points[: last + 1], 0.008, mix((250, 246, 236), mood.sky_low, 0.3))
    wide = 0.40 * math.dist(start, end) / count * size
    for i in range(count):
        j = (i + 0.5) / count * 16
        k, part = int(j), j - int(j)
        if j > whole:
            break
        x = points[k][0] + (points[k + 1][0] - points[k][0]) * part
        y = points[k][1] + (points[k + 1][1] - points[k][1]) * part
        tip = (x + bend(mood, 0.5 + 0.3 * (i % 3)) * wide * 5, y + wide * 2.1)
        stage.canvas.polygon([(x - wide, y - 0.002), (x + wide, y - 0.002), tip], FLAG_COLORS[(i + first) % len(FLAG_COLORS)])


def flag(stage: Stage, frame: UnitFrame, u: float, v: float, pole: float, color: Color, size: float = 0.10) -> None:
    """A flag on a pole: it hangs when calm, streams when excited, is torn and faded with decay."""
    mood = stage.mood
    frame.line([(u, v), (u, v + pole)], 0.013, coat(mood, (150, 140, 132)))
    x, y = frame.at(u, v + pole)
    fly = min(max(0.25 + 0.9 * mood.wind, 0.12), 1.0)
    cloth = coat(mood, color)
    high = size * 0.62
    upper, lower = [], []
    for i in range(7):
        t = i / 6
        out = -t * size * (0.35 + 0.65 * fly)
        drop = t * size * 0.75 * (1 - fly) + 0.16 * size * fly * math.sin(2.2 * math.pi * t)
        upper.append((x + out, y + drop))
        lower.append((x + out, y + drop + high * (1 - 0.35 * mood.decay * t)))
    stage.canvas.polygon([*upper, *reversed(lower)], cloth)
    stage.canvas.polygon([*upper[2:5], *reversed(lower[2:5])], lighter(cloth, 0.22))


def crack(frame: UnitFrame, points: Sequence[Point], share: float, color: Color = (62, 56, 66)) -> None:
    """A crack that runs on along `points` with `share`."""
    if share < 0.04:
        return
    whole = share * (len(points) - 1)
    last = min(int(whole), len(points) - 2)
    (u0, v0), (u1, v1) = points[last], points[last + 1]
    part = whole - last
    frame.line([*points[: last + 1], (u0 + (u1 - u0) * part, v0 + (v1 - v0) * part)], 0.011, color)


# -- houses ----------------------------------------------------------------------------------------------------------------


def pane_color(stage: Stage, lone: bool = False) -> Color:
    """The colour of a window now. A `lone` one stays lit when all others go dark."""
    mood = stage.mood
    color = mix(mood.window((124, 178, 216)), (255, 226, 140), 0.95 * dusk(stage) * (1 - 0.9 * mood.decay))
    return mix(color, mix((255, 202, 106), (255, 96, 40), mood.terror), 0.95 * mood.decay) if lone else color


def window(
    stage: Stage,
    frame: UnitFrame,
    u: float,
    v: float,
    width: float,
    height: float,
    lone: bool = False,
    trim: Color = (250, 246, 236),
) -> None:
    """A window whose lower middle is at (u, v): frame, pane and cross."""
    mood = stage.mood
    color = pane_color(stage, lone)
    edge = coat(mood, trim)
    frame.box(u - width / 2 - 0.010, v - 0.010, u + width / 2 + 0.010, v + height + 0.010, edge)
    frame.box(u - width / 2, v, u + width / 2, v + height, color)
    if width > 0.06:
        frame.box(u - 0.006, v, u + 0.006, v + height, edge)
        frame.box(u - width / 2, v + height * 0.5 - 0.005, u + width / 2, v + height * 0.5 + 0.006, edge)
    light = max(dusk(stage) * (1 - mood.decay), mood.decay if lone else 0.0)
    if light > 0.05 and width > 0.03:
        frame.glow(u, v + height / 2, width * 1.9, height * 1.7, color, 0.6 * light)


def house(
    stage: Stage,
    x: float,
    foot: float,
    width: float,
    height: float,
    wall: Color,
    roof: Color,
    lean: float = 0.0,
    lone: bool = False,
    snow: bool = False,
    floors: int = 1,
    door: Color = (126, 74, 52),
    smoke: bool = False,
) -> UnitFrame:
    """A house with a gable: `height` up to the eaves. Flower boxes bloom; with decay it leans, cracks and darkens."""
    mood = stage.mood
    stretch = 1 + 0.05 * mood.elation
    frame = UnitFrame(stage.canvas, x, foot, sway(mood, lean), stretch=stretch)
    half, peak = width / 2, height + width * 0.52
    color, tiles = coat(mood, wall), coat(mood, roof)
    chimney = half * 0.52
    if smoke:
        puff = ramp(0.55 - mood.decay, 0.0, 0.5)
        for i in range(3):
            drift = -(0.02 + 0.30 * max(mood.wind, 0)) * (i + 1) * 0.16
            at = frame.at(chimney + drift, peak + 0.035 + 0.042 * i)
            stage.canvas.ball(*at, 0.018 + 0.009 * i, 0.016 + 0.008 * i, far(stage, (236, 236, 240), 0.2), 0.1, 0.8 * puff)
    frame.box(chimney - 0.024, height, chimney + 0.024, peak + 0.01, darker(coat(mood, (166, 92, 74)), 0.1))
    frame.graded(
        [(-half, 0), (half, 0), (half, height), (0, peak - 0.01), (-half, height)], lighter(color, 0.16), darker(color, 0.12)
    )
    eave = width * 0.10
    thick = 0.055 * (width / 0.3) ** 0.5
    drop = eave * 1.04
    cap = (250, 252, 255) if snow else tiles
    for side in (-1, 1):
        shade = darker(cap, 0.10 if side > 0 else 0.0) if not snow else mix(cap, (176, 196, 226), 0.25 if side > 0 else 0.0)
        frame.polygon(
            [
                (0, peak),
                (side * (half + eave), height - drop),
                (side * (half + eave), height - drop + thick),
                (0, peak + thick * 1.25),
            ],
            shade,
        )
        if snow:  # the roof shows below its snow
            frame.line([(0, peak), (side * (half + eave * 0.9), height - drop * 0.9)], 0.016, tiles)
    tall = min(0.56 * height / floors, 0.17)
    frame.box(-half * 0.62 - 0.03, 0, -half * 0.62 + 0.035 + half * 0.12, tall * 1.15, coat(mood, door))
    pane = min(width * 0.24, 0.095)
    for floor in range(floors):
        v = height * (floor + 0.36) / floors
        spots = (half * 0.42,) if floor == 0 else (-half * 0.48, half * 0.42)
        for i, u in enumerate(spots):
            window(
                stage,
                frame,
                u,
                v,
                pane,
                min(pane * 1.1, height / floors * 0.46),
                lone and floor == floors - 1 and i == len(spots) - 1,
            )
            if mood.bloom > 0.03 and not snow:
                grow = ramp(mood.bloom)
                for k in (-1, 0, 1):
                    frame.ellipse(u + k * pane * 0.38, v - 0.012, 0.019 * grow, 0.016 * grow, FLAG_COLORS[(k + floor) % 5])
    turn = math.copysign(half, lean)  # only the worst houses crack
    jag = [(turn * 0.95, height), (turn * 0.70, height * 0.9), (turn * 0.82, height * 0.78), (turn * 0.52, height * 0.64)]
    crack(frame, jag, mood.decay * ramp(abs(lean), 0.3, 0.7), darker(color, 0.62))
    return frame


# -- far away --------------------------------------------------------------------------------------------------------------


def mountains(stage: Stage, rng: random.Random, foot: float, height: float, color: Color, snow: float = 0.34) -> None:
    """Four peaks with snow: rounder and paler when calm, steep and dark when excited."""
    mood = stage.mood
    steep = 1 + 0.30 * mood.thrill - 0.22 * mood.calm
    peaks = []
    for i in range(4):
        peaks.append(
            (
                0.06 + 0.30 * i + rng.uniform(-0.06, 0.06),
                rng.uniform(0.72, 1.0) if i % 2 else rng.uniform(0.5, 0.8),
                rng.uniform(-0.15, 0.15),
            )
        )
    for i, (x, scale, skew) in enumerate(sorted(peaks, key=lambda peak: peak[1])):
        high = height * scale * steep
        wide = height * scale * 0.92 + 0.06
        top = foot - high
        round_off = 0.16 * wide * (1 - 0.75 * mood.thrill)  # how blunt the peak is
        tone = far(stage, darker(color, 0.08 * (i % 2) + 0.18 * mood.terror), 0.34 - 0.07 * i)
        tip = [(x - round_off, top + high * 0.11), (x, top), (x + round_off, top + high * 0.11)]
        stage.canvas.graded([(x - wide, foot), *tip, (x + wide, foot)], lighter(tone, 0.08), far(stage, tone, 0.35))
        stage.canvas.polygon(
            [(x, top), (x + round_off, top + high * 0.11), (x + wide, foot), (x + wide * (0.12 + skew), foot)], darker(tone, 0.13)
        )
        depth = snow
        left, right = x - wide * depth, x + wide * depth
        base = top + high * depth
        cap = [
            (left, base),
            tip[0],
            tip[1],
            tip[2],
            (right, base),
            (x + wide * depth * 0.5, base - high * 0.07),
            (x + wide * depth * 0.15, base + high * 0.05),
            (x - wide * depth * 0.35, base - high * 0.06),
        ]
        white = far(stage, coat(mood, (250, 252, 255)), 0.12)
        stage.canvas.polygon(cap, white)
        stage.canvas.polygon(
            [tip[1], tip[2], (right, base), (x + wide * depth * 0.5, base - high * 0.07), (x + wide * depth * 0.25, base)],
            mix(white, tone, 0.35),
        )
