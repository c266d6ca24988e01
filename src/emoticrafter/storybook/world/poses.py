"""How people hold themselves: joints from a build, a mood and an action. Geometry only, nothing is drawn here.

Lengths are in units of the figure's own height; x runs to the side that the figure faces, y upwards from the soles.
Posture follows Wallbott 1998, "Bodily expression of emotion": collapsed and still in sadness, raised and open in joy,
drawn together in fear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import cos, hypot, radians, sin, sqrt
from typing import NamedTuple

from emoticrafter.storybook.world.canvas import Point
from emoticrafter.storybook.world.mood import Mood

Plane = Sequence[Sequence[Sequence[float]]]


def on_plane(anchors: Plane, v: float, a: float) -> list[float]:
    """Values between nine anchors, rows a = -1, 0, 1 and columns v = -1, 0, 1; bilinear, so continuous."""
    column, row = (2 if v > 0 else 0), (2 if a > 0 else 0)
    x, y = min(abs(v), 1.0), min(abs(a), 1.0)
    weights = ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y)
    corners = zip(anchors[1][1], anchors[1][column], anchors[row][1], anchors[row][column], strict=True)
    w0, w1, w2, w3 = weights
    return [w0 * p + w1 * q + w2 * r + w3 * s for p, q, r, s in corners]


class LocalAxes:
    """A place on the canvas with two axes of its own: parts drawn in it move and turn together."""

    __slots__ = ("ax", "ay", "bx", "by", "ox", "oy")

    def __init__(self, origin: Point, first: Point, second: Point) -> None:
        self.ox, self.oy = origin
        self.ax, self.ay = first
        self.bx, self.by = second

    @property
    def across(self) -> float:
        """Length of the first axis."""
        return hypot(self.ax, self.ay)

    @property
    def along(self) -> float:
        return hypot(self.bx, self.by)

    def at(self, u: float, w: float) -> Point:
        return self.ox + u * self.ax + w * self.bx, self.oy + u * self.ay + w * self.by

    def points(self, shape: Sequence[Point]) -> list[Point]:
        ox, oy, ax, ay, bx, by = self.ox, self.oy, self.ax, self.ay, self.bx, self.by
        return [(ox + u * ax + w * bx, oy + u * ay + w * by) for u, w in shape]

    def turned(self, degrees: float) -> LocalAxes:
        c, s = cos(radians(degrees)), sin(radians(degrees))
        first = (c * self.ax + s * self.bx, c * self.ay + s * self.by)
        return LocalAxes((self.ox, self.oy), first, (c * self.bx - s * self.ax, c * self.by - s * self.ay))


@lru_cache(maxsize=256)
def rounded(corners: tuple[Point, ...], closed: bool = True, steps: int = 4) -> tuple[Point, ...]:
    """A smooth line through the corners (Catmull-Rom)."""
    count = len(corners)
    spans = count if closed else count - 1
    points: list[Point] = []
    for i in range(spans):
        if closed:
            p, q, r, s = (corners[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            p, q, r, s = (corners[min(max(i + k, 0), count - 1)] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            points.append((_between(p[0], q[0], r[0], s[0], t), _between(p[1], q[1], r[1], s[1], t)))
    return tuple(points) if closed else (*points, corners[-1])


def _between(p: float, q: float, r: float, s: float, t: float) -> float:
    return 0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)


class Build(NamedTuple):
    """Proportions of a body. `scale` is its height beside a standing adult of 1."""

    scale: float
    head: float  # height of the middle of the head
    rx: float
    ry: float
    neck: float
    hip: float
    shoulder: float  # half the width
    arm: float
    arm_width: float
    leg_width: float


CHILD = Build(0.8, 0.775, 0.245, 0.225, 0.595, 0.28, 0.098, 0.31, 0.084, 0.090)
ADULT = Build(1.0, 0.812, 0.198, 0.188, 0.66, 0.34, 0.118, 0.30, 0.080, 0.088)
BABY = Build(0.62, 0.715, 0.310, 0.285, 0.48, 0.18, 0.125, 0.30, 0.105, 0.125)


class _Stance(NamedTuple):
    out: float  # hands from the shoulders, in arm lengths
    up: float
    cheek: float  # hands drawn to the cheeks
    clasp: float  # hands folded before the belly
    lift: float
    spread: float  # feet from the middle
    tuck: float  # feet drawn up in a leap
    crouch: float
    drop: float  # head sunk to the chest
    fore: float
    tilt: float
    lean: float
    shrug: float


_STANCES = (
    (  # calm: bowed, at ease, content
        _Stance(0.10, -0.98, 0, 0.0, 0, 0.052, 0, 0.018, 0.055, 0.040, 11, 0.035, -0.03),
        _Stance(0.20, -0.95, 0, 0.0, 0, 0.052, 0, 0.010, 0.012, 0.010, 5, 0.010, -0.01),
        _Stance(0.30, -0.80, 0, 1.0, 0, 0.052, 0, 0.000, 0.000, 0.000, -7, 0.000, 0.00),
    ),
    (
        _Stance(0.14, -0.94, 0, 0.0, 0, 0.056, 0, 0.014, 0.032, 0.022, 7, 0.020, -0.01),
        _Stance(0.36, -0.86, 0, 0.0, 0, 0.064, 0, 0.000, 0.000, 0.000, 0, 0.000, 0.00),
        _Stance(0.78, -0.42, 0, 0.0, 0, 0.070, 0, 0.000, -0.006, 0.000, -5, 0.000, 0.01),
    ),
    (  # excited: shrinking, startled, leaping
        _Stance(0.60, 0.20, 1, 0.0, 0, 0.135, 0, 0.050, 0.020, -0.020, -5, -0.035, 0.04),
        _Stance(0.98, 0.05, 0, 0.0, 0, 0.105, 0, 0.010, 0.000, -0.010, 0, -0.020, 0.02),
        _Stance(0.74, 1.10, 0, 0.0, 0.11, 0.130, 0.05, 0.000, -0.010, 0.000, -7, 0.000, 0.03),
    ),
)  # fmt: skip


@dataclass(slots=True)
class Pose:
    """Joints of one figure. Index 0 is the side away from where it faces, 1 the side towards it."""

    build: Build
    lift: float
    hip: Point
    neck: Point
    head: Point
    tilt: float
    shoulders: list[Point]
    hands: list[Point]
    feet: list[Point]
    knees: list[Point] = field(default_factory=list)
    turn: float = 0.0  # of the face to the side, 0..1
    look: float = 0.0  # of the eyes, -1 (down) .. 1 (up)
    seat: float | None = None  # height of the bench under it

    def reach(self, side: int, out: float, up: float, weight: float) -> None:
        """Pull a hand to a point given from its shoulder, in arm lengths, by `weight`."""
        sx, sy = self.shoulders[side]
        self.pull(side, (sx + (out if side else -out) * self.build.arm, sy + up * self.build.arm), weight)

    def pull(self, side: int, target: Point, weight: float) -> None:
        x, y = self.hands[side]
        self.hands[side] = (x + (target[0] - x) * weight, y + (target[1] - y) * weight)

    def elbow(self, side: int) -> Point:
        """Out and down from the middle of the arm, by what its length leaves over."""
        (sx, sy), (hx, hy) = self.shoulders[side], self.hands[side]
        spare = sqrt(max(self.build.arm**2 - hypot(hx - sx, hy - sy) ** 2, 0)) * 0.5
        return (sx + hx) / 2 + (0.85 if side else -0.85) * spare, (sy + hy) / 2 - 0.45 * spare


def pose_of(build: Build, mood: Mood, action: str, seat: float | None = None) -> Pose:
    """The joints for an action at a mood; `seat` is the height of a bench to sit on."""
    s = _Stance(*on_plane(_STANCES, mood.v, mood.a))
    free = _FREEDOM.get(action, 1.0) * (0.25 if seat is not None else 1.0)
    lift, tuck = s.lift * free, s.tuck * free
    hip = (0.0, build.hip - s.crouch)
    spread = 0.064 + (s.spread - 0.064) * max(free, 0.5)
    feet = [(-spread, tuck), (spread, tuck)]
    if seat is not None:
        hip = (0.0, seat + 0.05)
        shin = max(seat - 0.62 * build.hip, 0.0)
        feet = [(-0.085, shin), (0.085, shin)]
    rise = hip[1] - build.hip
    bow = s.lean * (0.6 if seat is not None else 1.0)
    neck = (bow, build.neck + rise)
    head = (bow + s.fore, build.head + rise - s.drop)
    shoulder = build.shoulder
    sy = neck[1] - 0.055 + s.shrug
    shoulders = [(neck[0] - shoulder, sy), (neck[0] + shoulder, sy)]
    hands = []
    for side, sign in ((0, -1), (1, 1)):
        x = shoulders[side][0] + sign * s.out * build.arm
        y = sy + s.up * build.arm
        cheek = (head[0] + sign * 0.80 * build.rx, head[1] - 0.50 * build.ry)
        clasp = (hip[0] + sign * 0.042, hip[1] + 0.36 * (neck[1] - hip[1]))
        x, y = x + (cheek[0] - x) * s.cheek, y + (cheek[1] - y) * s.cheek
        hands.append((x + (clasp[0] - x) * s.clasp, y + (clasp[1] - y) * s.clasp))
    pose = Pose(build, lift, hip, neck, head, s.tilt, shoulders, hands, feet, seat=seat)
    if seat is not None and action not in _ACTIONS:
        for side, sign in ((0, -1), (1, 1)):
            pose.pull(side, (sign * (shoulder + 0.09), seat + 0.03), 0.7 * (1 - mood.thrill) * (1 - 0.6 * mood.gloom))
    if action in _ACTIONS:
        _ACTIONS[action](pose, mood)
    pose.knees = [_knee(pose, side) for side in (0, 1)]
    return pose


def _knee(pose: Pose, side: int) -> Point:
    sign = 1 if side else -1
    if pose.seat is not None:
        return sign * 0.092 + pose.hip[0], pose.seat - 0.015
    hx, hy = pose.hip[0] + sign * 0.5 * pose.build.shoulder, pose.hip[1]
    fx, fy = pose.feet[side]
    spare = 0.5 * sqrt(max(pose.build.hip**2 - hypot(fx - hx, fy - hy) ** 2, 0))
    towards = sign * 0.6 * (1 - pose.turn) + pose.turn
    return (hx + fx) / 2 + towards * spare, (hy + fy) / 2 + 0.1 * spare


# How much of a mood's leap and stance an action leaves to the legs.
_FREEDOM = {
    "walking": 0.5, "running": 0.5, "jumping": 0.6, "dancing": 0.7, "reading": 0.45, "playing_guitar": 0.5, "playing_ball": 0.4,
    "holding_umbrella": 0.6, "eating_ice_cream": 0.6, "hugging_teddy": 0.6,
}  # fmt: skip


def _bend(pose: Pose, lean: float) -> None:
    """Lean the body above the hip."""
    pose.neck = (pose.neck[0] + lean, pose.neck[1])
    pose.head = (pose.head[0] + 1.4 * lean, pose.head[1])
    pose.shoulders = [(x + 0.9 * lean, y) for x, y in pose.shoulders]
    pose.hands = [(x + 0.9 * lean, y) for x, y in pose.hands]


def _walk(pose: Pose, mood: Mood) -> None:
    stride = 0.125 + 0.035 * mood.a
    pose.feet = [(-stride, 0.03 + pose.feet[0][1]), (stride, 0.012 + pose.feet[1][1])]
    pose.turn = 0.6
    _bend(pose, 0.02)
    pose.reach(0, 0.62, -0.72, 0.55)
    pose.reach(1, 0.75, -0.55, 0.55)


def _run(pose: Pose, mood: Mood) -> None:
    pace = 1 + 0.25 * mood.a
    pose.lift += 0.03 + 0.02 * mood.a
    pose.feet = [(-0.25 * pace, 0.14 + 0.03 * mood.a), (0.21 * pace, 0.06 + 0.02 * mood.a)]
    pose.turn = 0.85
    _bend(pose, 0.08)
    pose.tilt += 8
    pose.reach(0, 0.85, -0.35, 0.72)
    pose.reach(1, 0.92, 0.15, 0.72)


def _jump(pose: Pose, mood: Mood) -> None:
    pose.lift += 0.14 + 0.05 * mood.a
    pose.feet = [(-0.13, 0.075), (0.14, 0.045)]
    pose.reach(0, 0.95, 0.55, 0.55)
    pose.reach(1, 0.95, 0.55, 0.55)


def _dance(pose: Pose, mood: Mood) -> None:
    pose.feet = [(-0.035, pose.feet[0][1]), (0.21, 0.095 + pose.feet[1][1])]
    _bend(pose, -0.028)
    pose.tilt += 7
    build = pose.build
    pose.reach(0, 1.0, -0.15, 0.8)
    pose.pull(1, (pose.neck[0] + build.rx + 0.04, build.head + (0.85 + 0.2 * mood.a) * build.ry), 0.85)


def _wave(pose: Pose, mood: Mood) -> None:
    build = pose.build
    pose.pull(1, (pose.neck[0] + build.rx + 0.125, build.head + (0.35 + 0.25 * mood.a) * build.ry), 0.92)


def _read(pose: Pose, mood: Mood) -> None:
    middle = pose.hip[1] + 0.45 * (pose.neck[1] - pose.hip[1])
    pose.pull(0, (-0.115, middle), 0.94)
    pose.pull(1, (0.115, middle), 0.94)
    pose.look = -0.75
    pose.tilt *= 0.5


def _fly_kite(pose: Pose, mood: Mood) -> None:
    pose.reach(1, 0.92, 0.72, 0.88)
    pose.reach(0, 0.8, 0.1, 0.35)
    pose.look, pose.turn = 0.55, 0.4
    pose.tilt -= 5


def _hold_balloon(pose: Pose, mood: Mood) -> None:
    pose.reach(1, 0.92, -0.12, 0.88)


def _hold_umbrella(pose: Pose, mood: Mood) -> None:
    pose.pull(1, (pose.neck[0] + 0.92 * pose.build.rx, pose.neck[1] - 0.12), 0.96)


def _play_ball(pose: Pose, mood: Mood) -> None:
    pose.feet = [(-0.045, pose.feet[0][1]), (0.185, 0.05 + 0.03 * mood.thrill)]
    pose.turn, pose.look = 0.5, -0.35
    _bend(pose, -0.025)
    pose.reach(0, 0.9, -0.2, 0.5)
    pose.reach(1, 0.85, -0.1, 0.5)


def _play_guitar(pose: Pose, mood: Mood) -> None:
    span = pose.neck[1] - pose.hip[1]
    pose.pull(0, (-0.055, pose.hip[1] + 0.28 * span), 0.97)
    pose.pull(1, (0.185, pose.hip[1] + 0.62 * span), 0.97)


def _eat_ice_cream(pose: Pose, mood: Mood) -> None:
    pose.pull(1, (pose.head[0] + 1.16 * pose.build.rx, pose.neck[1] - 0.12), 0.97)
    pose.turn = 0.35


def _hug_teddy(pose: Pose, mood: Mood) -> None:
    belly = pose.hip[1] + 0.20 * (pose.neck[1] - pose.hip[1])
    pose.pull(0, (-0.11, belly), 0.97)
    pose.pull(1, (0.11, belly + 0.03), 0.97)


_ACTIONS = {
    "walking": _walk, "running": _run, "jumping": _jump, "dancing": _dance, "waving": _wave, "reading": _read,
    "flying_kite": _fly_kite, "holding_balloon": _hold_balloon, "holding_umbrella": _hold_umbrella,
    "playing_ball": _play_ball, "playing_guitar": _play_guitar, "eating_ice_cream": _eat_ice_cream, "hugging_teddy": _hug_teddy,
}  # fmt: skip
