"""Heads of people: face, hair and hats. The face follows valence and arousal continuously.

Shapes are in units of the head: x towards the side it faces, y downwards, the skull being the circle of radius 1.
Smile and brow carry valence, the opening of eyes and mouth carries arousal (Russell & Bullock 1985, "Multidimensional
scaling of emotional facial expressions").
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from emoticrafter.storybook.world.canvas import Canvas, Color, Point, arc, darker, lighter, mix
from emoticrafter.storybook.world.mood import Mood
from emoticrafter.storybook.world.poses import LocalAxes, on_plane, rounded

INK = (52, 26, 30)
WHITE_HAIR = (232, 232, 238)


@dataclass(frozen=True)
class Looks:
    """What the seed chose for one person."""

    kind: str
    skin: Color
    hair: Color
    clothes: Color
    second: Color  # a second colour, for shorts, skirts, trousers
    beard: bool
    long_hair: bool


class Face(NamedTuple):
    """One expression. Lengths in head units."""

    smile: float  # -1 (corners down) .. 1
    gape: float  # height of the open mouth
    width: float  # half the width of the mouth
    top: float  # upper edge of the eye, in eye heights above its middle; below `-bottom` it cannot go
    bottom: float  # lower edge; negative makes closed eyes smile
    iris: float  # radius, in eye widths
    brow: float  # raised
    worry: float  # inner ends of the brows up
    slant: float  # outer corners of the eyes down
    tears: float
    blush: float
    shine: float
    pale: float


_FACES = (
    (  # calm: sorrowful, drowsy, serene
        Face(-0.95, 0.00, 0.30, 0.08, 0.52, 0.90, 0.02, 0.95, 0.16, 1.00, 0.00, 0.7, 0.15),
        Face(0.05, 0.00, 0.22, -0.06, 0.48, 0.90, -0.02, 0.10, 0.04, 0.00, 0.00, 0.4, 0.00),
        Face(0.75, 0.00, 0.34, 0.50, -0.50, 0.90, 0.10, 0.12, 0.00, 0.00, 0.90, 0.4, 0.00),
    ),
    (  # unhappy, neutral, happy
        Face(-1.00, 0.22, 0.32, 0.66, 0.70, 0.82, 0.08, 0.90, 0.10, 0.65, 0.00, 0.9, 0.20),
        Face(0.20, 0.00, 0.22, 0.86, 0.86, 0.80, 0.00, 0.00, 0.00, 0.00, 0.12, 0.5, 0.00),
        Face(1.00, 0.28, 0.40, 0.94, 0.66, 0.84, 0.10, 0.02, 0.00, 0.00, 0.75, 0.8, 0.00),
    ),
    (  # excited: terrified, startled, elated
        Face(-0.45, 0.56, 0.32, 1.20, 1.08, 0.36, 0.28, 0.75, 0.00, 0.00, 0.00, 0.0, 1.00),
        Face(0.00, 0.36, 0.17, 1.08, 1.02, 0.58, 0.26, 0.00, 0.00, 0.00, 0.10, 0.5, 0.10),
        Face(1.00, 0.52, 0.46, 1.10, 0.86, 0.92, 0.26, 0.00, 0.00, 0.00, 0.95, 1.0, 0.00),
    ),
)  # fmt: skip


def fright(mood: Mood) -> float:
    """How much a figure trembles and sweats, 0..1: nothing short of a clear unpleasant excitement."""
    return max((mood.terror - 0.12) / 0.88, 0.0)


def face_of(mood: Mood) -> Face:
    return Face(*on_plane(_FACES, mood.v, mood.a))


# -- eyes, mouth, brows -----------------------------------------------------------------------------------------------

_STEPS = [i / 6 - 1 for i in range(13)]
_BOWS = [sqrt(max(1 - t * t, 0.0)) for t in _STEPS]
_EYE_X, _EYE_Y, _EYE_W, _EYE_H = 0.41, 0.10, 0.215, 0.29
_MOUTH_Y = 0.56


def _eye(canvas: Canvas, head: LocalAxes, face: Face, cx: float, sign: float, look: float, glance: float, pen: float) -> None:
    slant = face.slant * sign * _EYE_H
    top = max(face.top, -face.bottom)

    def upper(x: float) -> float:
        return _EYE_Y - top * _EYE_H * sqrt(max(1 - x * x, 0)) + slant * x

    def lower(x: float) -> float:
        return _EYE_Y + face.bottom * _EYE_H * sqrt(max(1 - x * x, 0)) + slant * x

    over = [(cx + t * _EYE_W, upper(t)) for t in _STEPS]
    under = [(cx + t * _EYE_W, lower(t)) for t in _STEPS]
    canvas.polygon(head.points(over + under[::-1]), (255, 255, 255))
    # The iris is cut by the lids: its outline is clipped column by column.
    r = face.iris
    ix = glance * (1 - 0.75 * r)
    iy = _EYE_Y - look * 0.3 * _EYE_H * (1.25 - r)
    high, low = [], []
    for t, bow in zip(_STEPS, _BOWS, strict=True):
        x = min(max(ix + r * t, -1), 1)
        tall = 1.16 * r * _EYE_H * bow
        u, d = upper(x), lower(x)
        high.append((cx + x * _EYE_W, min(max(iy - tall, u), d)))
        low.append((cx + x * _EYE_W, max(min(iy + tall, d), u)))
    canvas.polygon(head.points(high + low[::-1]), (44, 24, 26))
    open_ = min(max((top + face.bottom) / 1.7, 0.0), 1.0)
    spark = (0.16 + 0.20 * face.shine) * open_ * min(r, 1.0)
    x, y = head.at(cx - 0.30 * r * _EYE_W, iy - 0.42 * r * _EYE_H * open_)
    across = head.across
    if spark > 0.01:
        canvas.ellipse(x, y, 1.5 * spark * _EYE_W * across, 1.5 * spark * _EYE_W * across, (255, 255, 255))
        small = 0.9 * face.shine**2 * spark
        x, y = head.at(cx + 0.34 * r * _EYE_W, iy + 0.45 * r * _EYE_H * open_)
        canvas.ellipse(x, y, small * _EYE_W * across, small * _EYE_W * across, (255, 255, 255))
    canvas.line(head.points(over), pen, INK)


def _brow(canvas: Canvas, head: LocalAxes, face: Face, cx: float, sign: float, color: Color, thick: float) -> None:
    y = -0.30 - 0.36 * face.brow
    inner, outer = (cx - sign * 0.17, y - 0.17 * face.worry), (cx + sign * 0.21, y + 0.04 + 0.13 * face.worry)
    middle = ((inner[0] + outer[0]) / 2, (inner[1] + outer[1]) / 2 - 0.07 * (1 - face.worry))
    t = thick / 2
    shape = [inner, middle, outer]
    outline = [(x, q - t) for x, q in shape] + [(x, q + t) for x, q in shape[::-1]]
    canvas.polygon(head.points(outline), color)


def _mouth(canvas: Canvas, head: LocalAxes, face: Face, tx: float, low: float, pen: float, ink: Color) -> None:
    bend = 0.15 * face.smile
    rise, fall = (0.55 - 0.35 * face.smile) * face.gape, (0.58 + 0.10 * face.smile) * face.gape
    middle = [bend * (1 - 2 * t * t) for t in _STEPS]
    xs = [tx + t * face.width for t in _STEPS]
    base = _MOUTH_Y + low + 0.05 * max(-face.smile, 0) - 0.08 * face.gape * max(face.smile, 0)
    upper = [(x, base + m - rise * b) for x, m, b in zip(xs, middle, _BOWS, strict=True)]
    lower = [(x, base + m + fall * b) for x, m, b in zip(xs, middle, _BOWS, strict=True)]
    outline = head.points(upper + lower[::-1])
    canvas.polygon(outline, (150, 30, 42))
    if face.gape > 0.001:
        tongue = [(tx + 0.72 * (x - tx), q) for x, q in lower[2:-2]]
        back = [(x, q - 0.42 * face.gape * b) for (x, q), b in zip(tongue, _BOWS[2:-2], strict=True)]
        canvas.polygon(head.points(tongue + back[::-1]), (250, 122, 128))
        bite = 0.30 * face.gape * max(face.smile, 0.0)
        teeth = [(tx + 0.86 * (x - tx), q + bite) for x, q in upper[1:-1]]
        canvas.polygon(head.points([(tx + 0.86 * (x - tx), q) for x, q in upper[1:-1]] + teeth[::-1]), (255, 255, 255))
    canvas.line(outline, pen, ink, closed=True)


def _tears(canvas: Canvas, head: LocalAxes, face: Face, tx: float) -> None:
    """Streams that lengthen down the cheeks and end in drops."""
    flow = face.tears
    if flow <= 0.01:
        return
    wide = 0.10 * min(1.6 * flow, 1.0)
    for sign in (-1, 1):
        x = tx + sign * 0.50
        top, end = _EYE_Y + 0.16, _EYE_Y + 0.30 + 0.48 * flow
        canvas.polygon(head.points([(x + sign * 0.03 + wide * u, top + (end - top) * w) for u, w in _STREAM]), (74, 166, 244))
        inner = [(x + sign * 0.03 + 0.45 * wide * (u - 0.25), top + (end - top) * (0.04 + 0.9 * w)) for u, w in _STREAM]
        canvas.polygon(head.points(inner), (196, 232, 255))


def _draw_face(canvas: Canvas, head: LocalAxes, looks: Looks, mood: Mood, turn: float, look: float) -> None:
    face = face_of(mood)
    tx = 0.24 * turn
    rx, ry = head.across, head.along
    pen = max(0.0095, 0.085 * rx)
    if face.blush > 0.02:
        for sign in (-1, 1):
            x, y = head.at(tx + sign * 0.62, 0.46)
            canvas.glow(x, y, 0.34 * rx, 0.26 * ry, (250, 84, 92), 0.85 * face.blush)
    if face.pale > 0.1:
        x, y = head.at(0.5 * tx, -0.5)
        canvas.glow(x, y, 0.9 * rx, 0.5 * ry, (96, 116, 196), 0.5 * (face.pale - 0.1))
    if looks.beard:
        canvas.polygon(head.points(_BEARD), looks.hair)
    x, y = head.at(1.25 * tx, 0.30)
    canvas.ellipse(x, y, 0.10 * rx, 0.075 * ry, mix(darker(looks.skin, 0.22), (200, 70, 60), 0.35))
    brow = WHITE_HAIR if looks.kind == "grandfather" else darker(looks.hair, 0.25)
    if looks.kind == "grandmother":
        brow = (150, 148, 158)
    for sign in (-1, 1):
        cx = tx + sign * _EYE_X * (1 - 0.12 * turn)
        _eye(canvas, head, face, cx, sign, look, 0.35 * turn, pen)
        _brow(canvas, head, face, cx, sign, brow, 0.15)
    if looks.kind == "woman" or (looks.kind == "grandmother"):
        face = face._replace(width=face.width * 0.92)
    low = 0.10 if looks.kind == "grandfather" else 0.0
    _mouth(canvas, head, face, tx, low, pen, mix(darker(looks.skin, 0.62), (110, 16, 30), 0.45))
    if looks.kind == "grandfather":
        canvas.polygon(head.points([(x + tx, y - 0.05 * face.gape) for x, y in _MOUSTACHE]), WHITE_HAIR)
    if looks.kind == "grandmother":
        for sign in (-1, 1):
            x, y = tx + sign * _EYE_X, _EYE_Y
            canvas.line(head.points([(x + 0.32 * c, y + 0.36 * s) for c, s in _RING]), 0.8 * pen, (196, 146, 60), closed=True)
        canvas.line(head.points([(tx - 0.1, _EYE_Y), (tx + 0.1, _EYE_Y)]), 0.8 * pen, (196, 146, 60))
    _tears(canvas, head, face, tx)
    _sweat(canvas, head, fright(mood))


def _sweat(canvas: Canvas, head: LocalAxes, terror: float) -> None:
    """Drops flung off a frightened head."""
    if terror <= 0.01:
        return
    for x, y, size, turn in ((-1.18, -0.72, 0.20, -38), (1.2, -0.62, 0.17, 42)):
        at = head.at(x * (1 + 0.1 * terror), y)
        local = LocalAxes(at, (head.ax, head.ay), (head.bx, head.by)).turned(turn)
        canvas.polygon(local.points([(size * terror * u, size * terror * w) for u, w in _DROP]), (120, 200, 255))


# -- hair and hats ----------------------------------------------------------------------------------------------------


def _cap(inner: tuple[Point, ...], reach: float = 1.07, start: float = 188, end: float = 352) -> tuple[Point, ...]:
    """Hair over the skull: its rim, then back along a hairline given from right to left."""
    return (*arc(0, 0, reach, reach, start, end, 14), *rounded(inner, closed=False, steps=3))


_STREAM = rounded(((-0.45, 0.0), (0.45, 0.0), (0.55, 0.55), (1.0, 0.82), (0.6, 1.06), (0.0, 1.14), (-0.6, 1.06), (-1.0, 0.82),
                   (-0.55, 0.55)))  # fmt: skip
_DROP = rounded(((0.0, -1.5), (0.55, -0.2), (0.6, 0.5), (0.0, 0.95), (-0.6, 0.5), (-0.55, -0.2)))
_RING = tuple(arc(0, 0, 1, 1, 0, 340, 14))
_BEARD = (*arc(0, 0, 1.03, 1.05, 2, 178, 14), *rounded(((-0.80, 0.20), (-0.52, 0.42), (0.0, 0.34), (0.52, 0.42),
    (0.80, 0.20)), False))  # fmt: skip
_MOUSTACHE = rounded(((0.0, 0.38), (0.30, 0.37), (0.62, 0.56), (0.30, 0.57), (0.0, 0.50), (-0.30, 0.57),
    (-0.62, 0.56), (-0.30, 0.37)))  # fmt: skip
_FRINGES = {
    "girl": _cap(((0.99, 0.12), (0.84, -0.16), (0.55, -0.48), (0.25, -0.70), (-0.15, -0.52), (-0.55, -0.32), (-0.85, -0.06),
                  (-0.99, 0.15))),
    "boy": _cap(((0.99, 0.0), (0.84, -0.32), (0.62, -0.30), (0.46, -0.58), (0.22, -0.36), (0.02, -0.60), (-0.24, -0.36),
                 (-0.46, -0.60), (-0.68, -0.32), (-0.86, -0.30), (-0.99, 0.02)), 1.10),
    "woman": _cap(((0.95, 0.62), (0.86, 0.10), (0.68, -0.25), (0.36, -0.58), (-0.02, -0.80), (-0.42, -0.56), (-0.70, -0.25),
                   (-0.86, 0.10), (-0.95, 0.62)), 1.12, 145, 395),
    "man": _cap(((0.99, 0.04), (0.88, -0.34), (0.60, -0.46), (0.10, -0.52), (-0.35, -0.66), (-0.62, -0.52), (-0.88, -0.34),
                 (-0.99, 0.04)), 1.10),
    "grandmother": _cap(((0.99, 0.16), (0.86, -0.22), (0.58, -0.40), (0.34, -0.62), (0.0, -0.52), (-0.34, -0.62),
                         (-0.58, -0.40), (-0.86, -0.22), (-0.99, 0.16)), 1.09),
    "bob": _cap(((0.95, 0.55), (0.88, 0.05), (0.70, -0.34), (0.20, -0.56), (-0.35, -0.50), (-0.70, -0.34), (-0.88, 0.05),
                 (-0.95, 0.55)), 1.12, 150, 390),
    "toddler": _cap(((0.72, -0.62), (0.40, -0.74), (0.15, -0.66), (-0.10, -0.78), (-0.40, -0.72), (-0.72, -0.62)),
                    1.04, 220, 320),
}  # fmt: skip
_QUIFF = rounded(((-0.70, -0.86), (-0.45, -1.22), (0.15, -1.30), (0.72, -1.12), (0.92, -0.74), (0.55, -0.62), (-0.2, -0.66)))
_SPIKES = ((-0.62, -0.80), (-0.66, -1.22), (-0.30, -1.06), (-0.16, -1.40), (0.10, -1.10), (0.40, -1.34),
    (0.44, -1.02), (0.80, -1.06), (0.66, -0.70))  # fmt: skip
_HELMET = (*arc(0, -0.38, 1.16, 0.98, 180, 360, 16), (1.10, -0.28), (-1.10, -0.28))
_FLAT_CAP = rounded(((-1.08, -0.38), (-1.10, -0.76), (-0.70, -1.10), (0.0, -1.20), (0.72, -1.08), (1.18, -0.72),
    (1.14, -0.44), (0.0, -0.58)))  # fmt: skip
_CAP_BRIM = rounded(((0.10, -0.60), (0.75, -0.62), (1.34, -0.40), (1.36, -0.26), (0.8, -0.36), (0.2, -0.44)))


def draw_back_hair(canvas: Canvas, head: LocalAxes, looks: Looks, sway: float) -> None:
    """What hangs behind the body: pigtails, long hair, a helmet's shell. `sway` is the wind in the hair, to +x."""
    hair, dark = looks.hair, darker(looks.hair, 0.22)
    x, y = head.at(0, 0)
    rx, ry = head.across, head.along
    kind = looks.kind
    if kind == "woman":
        long = rounded(((-1.0, -0.6), (0.0, -1.0), (1.0, -0.6), (1.18, 0.4), (1.22, 1.2), (1.0, 1.75),
            (0.3, 1.62), (-0.3, 1.62), (-1.0, 1.75),
                        (-1.22, 1.2), (-1.18, 0.4)))  # fmt: skip
        blown = [(u + 0.55 * sway * max(w + 0.1, 0.0) ** 1.5, w - 0.18 * abs(sway) * max(w, 0.0)) for u, w in long]
        canvas.graded(head.points(blown), hair, dark)
    elif kind == "girl":
        for sign in (-1, 1):
            tail = rounded(((0.0, 0.0), (0.34, 0.06), (0.52, 0.50), (0.34, 1.0), (0.10, 1.22), (-0.02, 0.9), (-0.12, 0.4)))
            blown = [(sign * (1.0 + u) + 0.62 * sway * w, -0.05 + w * (1 - 0.25 * abs(sway))) for u, w in tail]
            canvas.graded(head.points(blown), lighter(hair, 0.12), dark)
        canvas.ellipse(x, y - 0.06 * ry, 1.07 * rx, 1.08 * ry, dark)
    elif kind == "astronaut":
        bx, by = head.at(0, -0.02)
        canvas.ball(bx, by, 1.36 * rx, 1.36 * ry, (236, 238, 244), 0.45)
        canvas.ellipse(bx, by, 1.14 * rx, 1.14 * ry, (40, 52, 92))
    elif looks.long_hair and kind in ("doctor", "firefighter"):
        canvas.ellipse(x, y + 0.08 * ry, 1.12 * rx, 1.06 * ry, dark)


def draw_head(canvas: Canvas, head: LocalAxes, looks: Looks, mood: Mood, turn: float, look: float, sway: float) -> None:
    """Skull, face, hair and hat."""
    kind, hair = looks.kind, looks.hair
    x, y = head.at(0, 0)
    rx, ry = head.across, head.along
    if kind != "astronaut":
        for sign in (-1, 1):
            ex, ey = head.at(sign * 0.99 - 0.08 * turn, 0.16)
            canvas.ellipse(ex, ey, 0.17 * rx, 0.22 * ry, darker(looks.skin, 0.14))
    canvas.ball(x, y, rx, ry, looks.skin, 0.26)
    if kind == "grandfather":
        for sign in (-1, 1):
            ex, ey = head.at(sign * 0.98, -0.10)
            canvas.ball(ex, ey, 0.24 * rx, 0.40 * ry, WHITE_HAIR, 0.3)
    _draw_face(canvas, head, looks, mood, turn, look)
    light, dark = lighter(hair, 0.20), darker(hair, 0.12)
    if kind in ("girl", "woman", "grandmother", "toddler"):
        canvas.graded(head.points(_FRINGES[kind]), light, dark)
    if kind == "girl":
        for sign in (-1, 1):
            ex, ey = head.at(sign * 1.05, -0.04)
            canvas.ellipse(ex, ey, 0.16 * rx, 0.16 * ry, lighter(looks.clothes, 0.15))
    elif kind == "boy":
        canvas.polygon(head.points([(u + 0.3 * sway * max(-w - 0.8, 0), w) for u, w in _SPIKES]), light)
        canvas.graded(head.points(_FRINGES["boy"]), light, dark)
    elif kind == "man":
        canvas.graded(head.points(_FRINGES["man"]), light, dark)
        canvas.graded(head.points([(u + 0.3 * sway * max(-w - 0.7, 0), w) for u, w in _QUIFF]), lighter(hair, 0.28), hair)
    elif kind == "grandmother":
        ex, ey = head.at(0.08 * sway, -1.22)
        canvas.ball(ex, ey, 0.44 * rx, 0.38 * ry, hair, 0.3)
    elif kind == "toddler":
        curl = [(0.0, -0.92), (-0.10, -1.16), (0.06 + 0.3 * sway, -1.34), (0.26 + 0.4 * sway, -1.24), (0.20 + 0.3 * sway, -1.10)]
        canvas.line(head.points(rounded(tuple(curl), False)), 0.15 * rx, dark)
    elif kind == "doctor":
        canvas.graded(head.points(_FRINGES["bob" if looks.long_hair else "man"]), light, dark)
        canvas.line(head.points([(-1.04, -0.34), (-0.5, -0.58), (0.0, -0.66), (0.5, -0.58),
            (1.04, -0.34)]), 0.13 * rx, (60, 66, 82))  # fmt: skip
        ex, ey = head.at(0.20, -0.74)
        canvas.ball(ex, ey, 0.33 * rx, 0.33 * ry, (206, 220, 234), 0.8)
        canvas.ellipse(ex, ey, 0.09 * rx, 0.09 * ry, (70, 84, 104))
    elif kind == "firefighter":
        if looks.long_hair:
            canvas.graded(head.points(_FRINGES["bob"]), light, dark)
        _firefighter_helmet(canvas, head, rx, ry)
    elif kind == "grandfather":
        tweed = mix(looks.second, (110, 100, 92), 0.4)
        canvas.graded(head.points(_FLAT_CAP), lighter(tweed, 0.25), darker(tweed, 0.1))
        canvas.polygon(head.points(_CAP_BRIM), darker(tweed, 0.35))
    elif kind == "astronaut":
        canvas.graded(head.points(_FRINGES["boy" if not looks.long_hair else "bob"]), light, dark)
        canvas.line(head.points(arc(0, -0.02, 1.17, 1.17, 0, 360, 26)), 0.14 * rx, (206, 212, 226), closed=True)
        shimmer = [(u, w) for u, w in arc(0, -0.02, 0.92, 0.92, 196, 246, 8)]
        canvas.line(head.points(shimmer), 0.11 * rx, (236, 246, 255))


def _firefighter_helmet(canvas: Canvas, head: LocalAxes, rx: float, ry: float) -> None:
    red = (222, 44, 44)
    canvas.graded(head.points(_HELMET), lighter(red, 0.28), darker(red, 0.12))
    canvas.line(head.points([(0.0, -1.32), (0.0, -0.6)]), 0.16 * rx, darker(red, 0.22))
    brim = rounded(((-1.36, -0.26), (-0.9, -0.46), (0.0, -0.54), (0.9, -0.46), (1.36, -0.26), (0.9, -0.28),
        (0.0, -0.36), (-0.9, -0.28)))  # fmt: skip
    canvas.polygon(head.points(brim), darker(red, 0.28))
    shield = rounded(((-0.28, -0.98), (0.28, -0.98), (0.24, -0.62), (0.0, -0.44), (-0.24, -0.62)))
    canvas.polygon(head.points(shield), (255, 206, 70))
