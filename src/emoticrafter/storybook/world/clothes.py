"""Clothes of the ten kinds of people.

Shapes are in the frame of the torso: u across in body heights, t along the spine, 0 at the hip and 1 at the neck.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emoticrafter.storybook.world.canvas import Canvas, Color, Point, bezier, darker, lighter, mix
from emoticrafter.storybook.world.faces import Looks
from emoticrafter.storybook.world.poses import LocalAxes, rounded
from emoticrafter.storybook.world.scene import CLOTHES

WHITE: Color = (246, 247, 251)


@dataclass(frozen=True, slots=True)
class Fit:
    """The body that clothes are drawn on: `h` is its height on the canvas, `sway` the wind in the hem, to +u."""

    canvas: Canvas
    torso: LocalAxes
    looks: Looks
    h: float
    shoulder: float
    seated: bool
    lift: float
    sway: float

    def drape(self, shape: Sequence[Point]) -> list[Point]:
        """Cloth in the frame of the torso; below the hip it hangs straight down, however the back is bent."""
        t = self.torso
        return [(t.ox + u * t.ax + max(w, 0.0) * t.bx, t.oy + w * t.by) for u, w in shape]


def draw_pack(fit: Fit) -> None:
    """The astronaut's backpack, behind everything else."""
    fit.canvas.graded(fit.torso.points(_PACK), (176, 182, 198), (118, 124, 146))


def draw_clothes(fit: Fit) -> None:
    """What covers the trunk."""
    _GARMENTS[fit.looks.kind](fit)


def legs_of(looks: Looks) -> tuple[Color, Color, bool]:
    """(cloth, shoe, bare) of the legs."""
    return _LEGS[looks.kind](looks)


def sleeves_of(looks: Looks) -> tuple[Color, bool]:
    """(colour, short) of the sleeves."""
    return _SLEEVES[looks.kind](looks)


_PACK = rounded(((-0.20, 0.95), (0.20, 0.95), (0.22, 0.0), (-0.22, 0.0)))


def _outline(shoulder: float, waist: float, hem: float, low: float, billow: float = 0.0) -> tuple[Point, ...]:
    """Half-widths of shoulder, waist and hem; `low` is where the hem hangs."""
    return rounded(
        ((-0.45 * shoulder, 1.04), (0.45 * shoulder, 1.04), (shoulder, 0.88), (waist, 0.45), (hem + billow, low),
            (0.5 * hem, low - 0.05),
         (-0.5 * hem, low - 0.05), (-hem + billow, low), (-waist, 0.45), (-shoulder, 0.88))
    )  # fmt: skip


def _cloth(f: Fit, shape: Sequence[Point], color: Color) -> None:
    f.canvas.graded(f.drape(shape), lighter(color, 0.24), darker(color, 0.20), horizontal=True)


def _skirt_drop(f: Fit, low: float) -> float:
    """Where a hem hangs: over the knees of those who sit."""
    return -0.24 if f.seated else low


def _girl(f: Fit) -> None:
    s, color = f.shoulder, f.looks.clothes
    flare = 0.185 + 0.30 * f.lift
    low = _skirt_drop(f, -0.26 + 0.5 * f.lift)
    billow = 0.04 * f.sway
    _cloth(f, _outline_now(s * 1.08, 0.098, flare, low, billow), color)
    hem = bezier((-flare + billow, low + 0.04), (0, low - 0.02), (flare + billow, low + 0.04), 7)
    f.canvas.line(f.drape(hem), 0.035 * f.h, lighter(color, 0.62))
    f.canvas.polygon(f.torso.points(_COLLAR), WHITE)


def _boy(f: Fit) -> None:
    s, color = f.shoulder, f.looks.clothes
    _cloth(f, _outline(s * 1.12, 0.112, 0.122, -0.10), color)
    f.canvas.line(f.torso.points([(-0.105, 0.44), (0.0, 0.40), (0.105, 0.44)]), 0.058 * f.h, lighter(color, 0.72))


def _woman(f: Fit) -> None:
    s, color = f.shoulder, f.looks.clothes
    low = _skirt_drop(f, -0.30)
    skirt = ((-0.085, 0.42), (0.085, 0.42), (0.165, low), (0.0, low - 0.06), (-0.165, low))
    _cloth(f, skirt, f.looks.second)
    _cloth(f, _outline_now(s * 1.06, 0.082, 0.125, 0.02, 0), color)
    f.canvas.line(f.torso.points([(-0.085, 0.42), (0.0, 0.39), (0.085, 0.42)]), 0.034 * f.h, darker(color, 0.42))
    f.canvas.polygon(f.torso.points(((-0.05, 1.02), (0.05, 1.02), (0.0, 0.76))), lighter(f.looks.skin, 0.05))


def _man(f: Fit) -> None:
    s, color = f.shoulder, f.looks.clothes
    _cloth(f, _outline(s * 1.06, 0.125, 0.132, -0.12), color)
    f.canvas.polygon(f.torso.points(((-0.058, 1.02), (0.058, 1.02), (0.012, 0.38), (-0.012, 0.38))), WHITE)
    f.canvas.polygon(f.torso.points(((-0.018, 0.96), (0.018, 0.96), (0.026, 0.55), (0.0, 0.45),
        (-0.026, 0.55))), darker(f.looks.second, 0.2))  # fmt: skip
    f.canvas.line(f.torso.points([(0.0, 0.40), (0.0, -0.12)]), 0.016 * f.h, darker(color, 0.35))


def _grandmother(f: Fit) -> None:
    s, color = f.shoulder, f.looks.clothes
    low = _skirt_drop(f, -0.62)
    _cloth(f, _outline_now(s * 1.02, 0.125, 0.185, low, 0), color)
    apron = rounded(((-0.075, 0.40), (0.075, 0.40), (0.11, low + 0.12), (0.0, low + 0.06), (-0.11, low + 0.12)))
    f.canvas.polygon(f.drape(apron), WHITE)
    shawl = ((-0.06, 1.05), (0.06, 1.05), (s * 1.34, 0.78), (s * 1.40, 0.56), (0.05, 0.36), (0.0, 0.26),
        (-0.05, 0.36), (-s * 1.40, 0.56), (-s * 1.34, 0.78))  # fmt: skip
    tint = mix((168, 104, 168), f.looks.second, 0.35)
    _cloth(f, shawl, tint)
    f.canvas.line(f.torso.points(((-s * 1.36, 0.56), (0.0, 0.30), (s * 1.36, 0.56))), 0.028 * f.h, lighter(tint, 0.55))


def _grandfather(f: Fit) -> None:
    s, color = f.shoulder, f.looks.clothes
    _cloth(f, _outline(s * 1.06, 0.132, 0.135, -0.14), color)
    f.canvas.polygon(f.torso.points(((-0.065, 1.02), (0.065, 1.02), (0.0, 0.58))), WHITE)
    bow = ((-0.05, 0.93), (0.0, 0.87), (0.05, 0.93), (0.05, 0.79), (0.0, 0.85), (-0.05, 0.79))
    f.canvas.polygon(f.torso.points(bow), (196, 60, 64))
    for t in (0.42, 0.18, -0.04):
        x, y = f.torso.at(0.0, t)
        f.canvas.ellipse(x, y, 0.017 * f.h, 0.017 * f.h, lighter(color, 0.6))


def _toddler(f: Fit) -> None:
    color = f.looks.clothes
    x, y = f.torso.at(0, 0.42)
    f.canvas.ball(x, y, 0.175 * f.h, 0.20 * f.h, color, 0.32)
    f.canvas.ellipse(x, y + 0.02 * f.h, 0.105 * f.h, 0.125 * f.h, lighter(color, 0.55))


def _doctor(f: Fit) -> None:
    s, color = f.shoulder, f.looks.clothes
    low = _skirt_drop(f, -0.52)
    _cloth(f, _outline_now(s * 1.10, 0.122, 0.162, low, 0), (238, 241, 247))
    f.canvas.polygon(f.torso.points(((-0.06, 1.03), (0.06, 1.03), (0.035, 0.30), (-0.035, 0.30))), color)
    f.canvas.line(f.drape([(0.0, 0.30), (0.0, low)]), 0.018 * f.h, (176, 186, 204))
    tube = rounded(((-0.072, 1.02), (-0.078, 0.70), (-0.02, 0.50), (0.05, 0.56), (0.078, 0.72), (0.072, 1.02)), False)
    f.canvas.line(f.torso.points(tube), 0.026 * f.h, (58, 64, 84))
    x, y = f.torso.at(-0.015, 0.44)
    f.canvas.ellipse(x, y, 0.036 * f.h, 0.036 * f.h, (58, 64, 84))
    f.canvas.ellipse(x - 0.004 * f.h, y - 0.005 * f.h, 0.020 * f.h, 0.020 * f.h, (200, 214, 230))
    cross = f.torso.points([(0.075, 0.30), (0.125, 0.30)]), f.torso.points([(0.10, 0.38), (0.10, 0.22)])
    for line in cross:
        f.canvas.line(line, 0.022 * f.h, (226, 50, 56))


def _firefighter(f: Fit) -> None:
    s, color = f.shoulder, f.looks.clothes
    low = -0.28 if not f.seated else -0.15
    _cloth(f, _outline(s * 1.08, 0.142, 0.162, low), color)
    stripe = (255, 252, 214) if f.looks.clothes != CLOTHES["yellow"] else WHITE
    for t, w in ((0.62, 0.134), (0.10, 0.148)):
        f.canvas.line(f.torso.points([(-w, t), (0, t - 0.03), (w, t)]), 0.062 * f.h, (150, 160, 170))
        f.canvas.line(f.torso.points([(-w, t), (0, t - 0.03), (w, t)]), 0.034 * f.h, stripe)
    f.canvas.line(f.drape([(0.0, 1.0), (0.0, low)]), 0.018 * f.h, darker(color, 0.42))


def _astronaut(f: Fit) -> None:
    s, color = f.shoulder, f.looks.clothes
    _cloth(f, _outline(s * 1.12, 0.150, 0.150, -0.22), (232, 235, 243))
    f.canvas.polygon(f.torso.points(rounded(((-0.085, 0.66), (0.085, 0.66), (0.085, 0.28), (-0.085, 0.28)))), (150, 160, 182))
    for u, t, tint in (
        (-0.042, 0.54, (238, 70, 64)),
        (0.042, 0.54, (70, 150, 240)),
        (-0.042, 0.38, (255, 206, 70)),
        (0.042, 0.38, (70, 196, 120)),
    ):
        x, y = f.torso.at(u, t)
        f.canvas.ellipse(x, y, 0.027 * f.h, 0.027 * f.h, tint)
    f.canvas.line(f.torso.points([(-0.145, 0.06), (0, 0.02), (0.145, 0.06)]), 0.046 * f.h, color)


_COLLAR = rounded(((-0.085, 1.02), (0.0, 0.96), (0.085, 1.02), (0.092, 0.86), (0.0, 0.80), (-0.092, 0.86)))

_GARMENTS: dict[str, Callable[[Fit], None]] = {
    "girl": _girl, "boy": _boy, "woman": _woman, "man": _man, "grandmother": _grandmother, "grandfather": _grandfather,
    "toddler": _toddler, "doctor": _doctor, "firefighter": _firefighter, "astronaut": _astronaut,
}  # fmt: skip


def _outline_now(shoulder: float, waist: float, hem: float, low: float, billow: float) -> list[Point]:
    """As `_outline`, for widths that change with every mood: not worth a cache."""
    half = [(0.45 * shoulder, 1.04), (0.92 * shoulder, 0.98), (shoulder, 0.86), (0.5 * (shoulder + waist), 0.64), (waist, 0.42),
            (waist + 0.35 * (hem - waist), 0.42 + 0.45 * (low - 0.42)), (hem, low), (0.62 * hem, low - 0.04),
                (0.2 * hem, low - 0.055)]  # fmt: skip
    right = [(u + billow * max((0.42 - t) / (0.42 - low), 0.0), t) for u, t in half]
    left = [(-u + billow * max((0.42 - t) / (0.42 - low), 0.0), t) for u, t in half[::-1]]
    return right + left


# Legs: (cloth, shoe, bare); sleeves: (colour, short).
_LEGS: dict[str, Callable[[Looks], tuple[Color, Color, bool]]] = {
    "girl": lambda k: (k.clothes, (206, 54, 64), True),
    "boy": lambda k: (k.second, (240, 242, 248), True),
    "woman": lambda k: (mix(k.skin, (60, 50, 70), 0.15), (112, 60, 50), False),
    "man": lambda k: (k.second, (70, 52, 46), False),
    "grandmother": lambda k: ((120, 112, 122), (104, 70, 72), False),
    "grandfather": lambda k: ((128, 112, 96), (84, 62, 52), False),
    "toddler": lambda k: (k.clothes, lighter(k.clothes, 0.25), False),
    "doctor": lambda k: (mix(k.clothes, (70, 90, 120), 0.4), (236, 238, 244), False),
    "firefighter": lambda k: (darker(k.clothes, 0.16), (48, 44, 52), False),
    "astronaut": lambda k: ((226, 230, 240), k.clothes, False),
}
_SLEEVES: dict[str, Callable[[Looks], tuple[Color, bool]]] = {
    "girl": lambda k: (lighter(k.clothes, 0.12), True),
    "boy": lambda k: (k.clothes, True),
    "woman": lambda k: (k.clothes, False),
    "man": lambda k: (darker(k.clothes, 0.05), False),
    "grandmother": lambda k: (k.clothes, False),
    "grandfather": lambda k: (k.clothes, False),
    "toddler": lambda k: (k.clothes, False),
    "doctor": lambda k: ((230, 234, 242), False),
    "firefighter": lambda k: (k.clothes, False),
    "astronaut": lambda k: ((228, 232, 242), False),
}
