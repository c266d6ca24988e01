"""People: ten kinds of figures, told apart by silhouette, hair and clothes, whose bodies and faces carry the mood.

Light comes from the upper left, as in the sprites that they stand beside.
"""

from __future__ import annotations

import random
from math import cos, radians, sin

from emoticrafter.storybook.world.canvas import Color, Point, arc, bezier, darker, lighter, mix
from emoticrafter.storybook.world.clothes import WHITE, Fit, draw_clothes, draw_pack, legs_of, sleeves_of
from emoticrafter.storybook.world.faces import WHITE_HAIR, Looks, draw_back_hair, draw_head, fright
from emoticrafter.storybook.world.mood import Mood
from emoticrafter.storybook.world.poses import ADULT, BABY, CHILD, Build, LocalAxes, Pose, pose_of
from emoticrafter.storybook.world.scene import CLOTHES, Subject
from emoticrafter.storybook.world.stage import Stage

SKINS: tuple[Color, ...] = ((255, 222, 196), (246, 200, 162), (222, 166, 120), (176, 118, 78), (124, 82, 58))
HAIRS: tuple[Color, ...] = ((50, 42, 48), (104, 64, 40), (204, 98, 44), (240, 196, 98), (150, 84, 46))
_SECONDS: tuple[Color, ...] = ((56, 74, 124), (86, 72, 66), (64, 96, 104), (92, 66, 104))
_SHADOW = (22, 20, 34)
_SEAT = 0.165  # height of a bench, of a standing adult's

_BUILDS: dict[str, Build] = {
    "girl": CHILD,
    "boy": CHILD,
    "toddler": BABY,
    "woman": ADULT._replace(scale=0.97, shoulder=0.104, arm_width=0.072),
    "man": ADULT._replace(scale=1.04, shoulder=0.135, rx=0.188, ry=0.182, head=0.818, arm_width=0.088, leg_width=0.098),
    "grandmother": ADULT._replace(scale=0.88, shoulder=0.118, hip=0.30, rx=0.215, ry=0.202, head=0.798, neck=0.636),
    "grandfather": ADULT._replace(scale=0.93, shoulder=0.124, hip=0.31, rx=0.210, ry=0.198, head=0.802, neck=0.645),
    "doctor": ADULT,
    "firefighter": ADULT._replace(shoulder=0.136, arm_width=0.098, leg_width=0.105),
    "astronaut": ADULT._replace(
        shoulder=0.140, arm_width=0.112, leg_width=0.125, head=0.782, rx=0.182, ry=0.174, neck=0.61, hip=0.29
    ),
}


def draw_person(stage: Stage, subject: Subject, x: float, foot: float, height: float, flip: bool, layer: str) -> None:
    """Draw a person, and the prop of the action, with the soles at (x, foot).

    `height` is that of a standing adult, in units of the canvas; children come out smaller. `flip` faces to the left.
    `layer` names the seeded stream that skin, hair and undecided clothes are drawn from.
    """
    figure = _Figure(stage, subject, x, foot, height, flip, layer, sits=subject.action == "sitting")
    if figure.pose.seat is not None:
        draw_bench(stage, x, foot, 0.62 * height, _SEAT * height)
    figure.draw()


def draw_pair(
    stage: Stage, first: Subject, second: Subject, x1: float, x2: float, foot: float, height: float, relation: str, layer: str
) -> None:
    """Draw two people who hold hands ("hand_in_hand") or share a bench ("on_bench"); other relations stand side by side."""
    sits = relation == "on_bench"
    if sits:
        draw_bench(stage, (x1 + x2) / 2, foot, abs(x2 - x1) + 0.52 * height, _SEAT * height)
    pair = [
        _Figure(stage, subject, x, foot, height, x > (x1 + x2) / 2, f"{layer}/{i}", sits or subject.action == "sitting")
        for i, (subject, x) in enumerate(((first, x1), (second, x2)))
    ]
    if relation == "hand_in_hand":
        lowest = min(f.foot - f.h * (f.pose.lift + f.pose.shoulders[1][1] - 0.8 * f.build.arm) for f in pair)
        bob = 0.06 * height * (stage.mood.elation - 0.3 * stage.mood.sorrow)
        meeting = ((x1 + x2) / 2, lowest - bob)
        for figure in pair:
            figure.pose.hands[1] = figure.local(meeting)
    for figure in pair:
        if figure.pose.seat is not None and not sits:
            draw_bench(stage, figure.x, foot, 0.5 * height, _SEAT * height)
        figure.draw()


def draw_bench(stage: Stage, x: float, foot: float, width: float, seat: float = 0.12) -> None:
    """A wooden bench seen from the front; `seat` is the height of its seat in units of the canvas."""
    canvas, wood = stage.canvas, (186, 122, 70)
    left, right = x - width / 2, x + width / 2
    canvas.glow(x, foot + 0.02 * seat, 0.62 * width, 0.34 * seat, _SHADOW, 0.5)
    for leg in (left + 0.10 * width, right - 0.10 * width):
        canvas.line([(leg, foot - 1.9 * seat), (leg, foot)], 0.16 * seat, (74, 66, 76))
    for top in (2.05, 1.60):
        plank = _slab(left + 0.02 * width, foot - top * seat, right - 0.02 * width, foot - (top - 0.34) * seat)
        canvas.graded(plank, lighter(wood, 0.22), darker(wood, 0.10))
    canvas.graded(_slab(left, foot - 1.06 * seat, right, foot - 0.80 * seat), lighter(wood, 0.34), wood)
    canvas.graded(_slab(left, foot - 0.84 * seat, right, foot - 0.62 * seat), darker(wood, 0.12), darker(wood, 0.32))


def _slab(left: float, top: float, right: float, bottom: float) -> list[Point]:
    r = 0.35 * (bottom - top)
    return [(left + r, top), (right - r, top), (right, top + r), (right, bottom - r), (right - r, bottom), (left + r, bottom),
            (left, bottom - r), (left, top + r)]  # fmt: skip


def _looks(kind: str, clothes: str | None, rng: random.Random, mood: Mood) -> Looks:
    skin, hair = rng.choice(SKINS), rng.choice(HAIRS)
    drawn, second = rng.choice(tuple(CLOTHES)), rng.choice(_SECONDS)
    beard, long_hair = rng.random() < 0.5, rng.random() < 0.5
    if kind in ("grandmother", "grandfather"):
        hair = WHITE_HAIR if kind == "grandfather" else (206, 204, 214)
    skin = mix(skin, (190, 206, 238), 0.42 * mood.terror + 0.16 * mood.sorrow)
    skin = mix(skin, (255, 190, 150), 0.12 * mood.joy)
    color = CLOTHES[clothes or drawn]
    if kind == "firefighter" and clothes is None:
        color = (248, 196, 44)
    return Looks(kind, skin, hair, color, second, beard and kind == "man", long_hair)


class _Figure:
    """One person on a stage: the pose and the brush that draws it."""

    def __init__(
        self, stage: Stage, subject: Subject, x: float, foot: float, height: float, flip: bool, layer: str, sits: bool
    ) -> None:
        self.stage, self.canvas, self.mood, self.kind, self.action = stage, stage.canvas, stage.mood, subject.kind, subject.action
        self.build = _BUILDS[subject.kind]
        self.x, self.foot, self.side = x, foot, -1.0 if flip else 1.0
        self.h = height * self.build.scale
        self.looks = _looks(subject.kind, subject.clothes, stage.rng(layer), stage.mood)
        self.pose: Pose = pose_of(self.build, stage.mood, subject.action, _SEAT / self.build.scale if sits else None)

    def at(self, point: Point) -> Point:
        """From the figure's own units to the canvas."""
        return self.x + self.side * point[0] * self.h, self.foot - (point[1] + self.pose.lift) * self.h

    def local(self, point: Point) -> Point:
        return (point[0] - self.x) * self.side / self.h, (self.foot - point[1]) / self.h - self.pose.lift

    # -- order -------------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        pose, canvas, h = self.pose, self.canvas, self.h
        if pose.seat is None:
            fade = 1 / (1 + 5 * pose.lift)
            canvas.glow(self.x, self.foot + 0.004, 0.36 * h * (0.6 + 0.4 * fade), 0.075 * h, _SHADOW, 0.62 * fade)
        self.head = self._head_frame()
        self.torso = LocalAxes(self.at(pose.hip), (self.side * h, 0.0), self._spine())
        gale = max(self.mood.wind - 0.08, 0.0)
        self.sway = (0.9 * gale if self.side > 0 else -0.9 * gale) - 0.10 * pose.turn
        self._tremble()
        draw_back_hair(canvas, self.head, self.looks, self.sway)
        if self.action == "holding_umbrella":
            self._umbrella()
        fit = Fit(canvas, self.torso, self.looks, h, self.build.shoulder, pose.seat is not None, pose.lift, self.sway)
        if self.kind == "astronaut":
            draw_pack(fit)
        for side in (0, 1):
            self._leg(side)
        draw_clothes(fit)
        if self.action in _CHEST_PROPS:
            _CHEST_PROPS[self.action](self)
        for side in (0, 1):
            self._sleeve(side)
        if self.action in _LAP_PROPS:
            _LAP_PROPS[self.action](self)
        expression = self.stage.expression or self.mood
        draw_head(canvas, self.head, self.looks, expression, pose.turn, pose.look, self.sway)
        self.stage.heads.append(self.head)
        if self.action in _HAND_PROPS:
            _HAND_PROPS[self.action](self)
        if self.kind == "grandfather":
            self._cane()
        for side in (0, 1):
            self._hand(side)

    def _spine(self) -> Point:
        hip, neck = self.at(self.pose.hip), self.at(self.pose.neck)
        return neck[0] - hip[0], neck[1] - hip[1]

    def _head_frame(self) -> LocalAxes:
        t = radians(self.pose.tilt)
        rx, ry = self.build.rx * self.h, self.build.ry * self.h
        first, second = (self.side * rx * cos(t), rx * sin(t)), (-self.side * ry * sin(t), ry * cos(t))
        return LocalAxes(self.at(self.pose.head), first, second)

    # -- limbs -------------------------------------------------------------------------------------------------------

    def _limb(self, points: list[Point], width: float, color: Color) -> None:
        """A round limb: a dark line and a lighter one towards the light."""
        w = width * self.h
        self.canvas.line(points, w, darker(color, 0.16))
        self.canvas.line([(x - 0.13 * w, y - 0.06 * w) for x, y in points], 0.62 * w, lighter(color, 0.10))

    def _leg(self, side: int) -> None:
        pose, build, looks = self.pose, self.build, self.looks
        sign = 1 if side else -1
        hip = (pose.hip[0] + sign * 0.46 * build.shoulder, pose.hip[1])
        foot = (pose.feet[side][0], pose.feet[side][1] + 0.028)
        hip_c, knee_c, foot_c = self.at(hip), self.at(pose.knees[side]), self.at(foot)
        cloth, shoe, bare = legs_of(looks)
        self._limb([hip_c, knee_c, foot_c], build.leg_width, looks.skin if bare else cloth)
        if bare and self.kind == "boy":
            middle = (hip_c[0] + 0.85 * (knee_c[0] - hip_c[0]), hip_c[1] + 0.85 * (knee_c[1] - hip_c[1]))
            self._limb([hip_c, middle], build.leg_width * 1.35, cloth)
        if bare:
            sock = (foot_c[0] + 0.22 * (knee_c[0] - foot_c[0]), foot_c[1] + 0.22 * (knee_c[1] - foot_c[1]))
            self.canvas.line([sock, foot_c], build.leg_width * self.h, WHITE)
        w = build.leg_width * self.h
        ahead = 0.22 if pose.turn else 0.16 * sign
        toe = (foot_c[0] + self.side * ahead * w, foot_c[1] + 0.02 * w)
        self.canvas.ellipse(toe[0], toe[1], 0.80 * w, 0.50 * w, darker(shoe, 0.12))
        self.canvas.ellipse(toe[0] - 0.14 * w, toe[1] - 0.10 * w, 0.52 * w, 0.28 * w, lighter(shoe, 0.18))

    def _arm_points(self, side: int) -> list[Point]:
        pose = self.pose
        return _rounded_arm(self.at(pose.shoulders[side]), self.at(pose.elbow(side)), self.at(pose.hands[side]))

    def _sleeve(self, side: int) -> None:
        points, width = self._arm_points(side), self.build.arm_width
        color, short = sleeves_of(self.looks)
        if short:
            self._limb(points, 0.78 * width, self.looks.skin)
            self._limb(points[:4], 1.12 * width, color)
            return
        self._limb(points, width, color)
        if self.kind in ("firefighter", "astronaut"):
            band = (255, 250, 200) if self.kind == "firefighter" else self.looks.clothes
            self.canvas.line(points[4:6], 0.95 * width * self.h, band)

    def _hand(self, side: int) -> None:
        x, y = self.at(self.pose.hands[side])
        r = 0.62 * self.build.arm_width * self.h
        color = {"astronaut": (226, 230, 240), "firefighter": (84, 78, 88)}.get(self.kind, self.looks.skin)
        self.canvas.ellipse(x, y, r, r, darker(color, 0.14))
        self.canvas.ellipse(x - 0.12 * r, y - 0.14 * r, 0.76 * r, 0.76 * r, lighter(color, 0.08))

    def _cane(self) -> None:
        x, y = self.at(self.pose.hands[0])
        s, h = self.side, self.h
        swing = 0.05 * h + 0.5 * max(0.0, (self.foot - y) / h - 0.40) * h
        bottom = min(y + 0.40 * h, self.foot)
        hook = bezier((x - s * 0.07 * h, y + 0.01 * h), (x - s * 0.04 * h, y - 0.085 * h), (x, y), 6)
        self.canvas.line([*hook, (x - s * swing, bottom)], 0.032 * h, (112, 66, 40))

    def _tremble(self) -> None:
        """Lines of shaking beside a frightened body."""
        terror = fright(self.mood)
        if terror <= 0.0:
            return
        cx, cy = self.at(self.pose.head)
        rx = self.build.rx * self.h
        width = 0.085 * rx * min(1.5 * terror, 1.0)
        for sign in (-1, 1):
            for away, length in ((1.66, 0.66),):
                reach = length * rx * terror
                line = [(cx + sign * rx * (away + 0.11 * (-1) ** i), cy + 0.9 * rx + reach * (i / 2 - 1)) for i in range(5)]
                outline = [(px - width, py) for px, py in line] + [(px + width, py) for px, py in line[::-1]]
                self.canvas.polygon(outline, (236, 232, 246))

    # -- props -------------------------------------------------------------------------------------------------------

    def _prop(self, name: str, cx: float, foot: float, height: float, tilt: float = 0.0, flip: bool | None = None) -> None:
        """A sprite that stands at (cx, foot) on the canvas, `height` in the figure's own units."""
        sprite = self.stage.sprites.get(name)
        turned = self.side < 0 if flip is None else flip
        self.canvas.sprite(sprite, cx, foot, height * self.h, tilt=tilt * self.side, flip=turned)

    def _string(self, start: Point, end: Point, sag: float) -> None:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + sag)
        self.canvas.line(bezier(start, middle, end, 10), 0.0095, (244, 242, 236))

    def _umbrella(self) -> None:
        x, y = self.at(self.pose.hands[1])
        top = self.pose.head[1] + self.build.ry
        self._prop("umbrella", x, y + 0.06 * self.h, (top - 0.04 - self.pose.hands[1][1]) / 0.48, tilt=-13 + 6 * self.mood.wind)

    def _book(self) -> None:
        x, y = self.torso.at(0, 0.45)
        self._prop("book", x, y + 0.16 * self.h, 0.32)

    def _guitar(self) -> None:
        x, y = self.torso.at(0.06, 0.46)
        self._prop("guitar", x, y + 0.27 * self.h, 0.66, tilt=12)

    def _teddy(self) -> None:
        x, y = self.torso.at(0, 0.0)
        self._prop("teddy_bear", x, y + 0.08 * self.h, 0.44)

    def _kite(self) -> None:
        gust = max(self.mood.wind, 0.0)
        cx = min(max(self.x + self.side * (0.30 + 0.03 * gust), 0.14), 0.86)
        foot, size, lean = 0.27 - 0.02 * gust, 0.23, self.side * (4 + 14 * gust)
        self._string(self.at(self.pose.hands[1]), (cx + self.side * 0.03, foot - 0.05), 0.03 - 0.02 * gust)
        self.canvas.sprite(self.stage.sprites.get("kite"), cx, foot, size, tilt=lean, flip=self.side > 0)

    def _balloon(self) -> None:
        x, y = self.at(self.pose.hands[1])
        drift = 0.16 * self.mood.wind * self.h
        end = (min(max(x + self.side * (0.02 * self.h + drift), 0.08), 0.92), y - 0.16 * self.h)
        self._string((x, y), end, 0.01)
        self._prop("balloon", end[0] + self.side * 0.13 * self.h, end[1] + 0.02 * self.h, 0.50, tilt=10 * self.mood.wind)

    def _ball(self) -> None:
        pose = self.pose
        x, _ = self.at((pose.feet[1][0] + 0.20, 0.0))
        bounce = self.h * (0.03 + 0.13 * self.mood.motion)
        self.canvas.glow(x, self.foot, 0.13 * self.h, 0.035 * self.h, _SHADOW, 0.5)
        self._prop("ball", x, self.foot - bounce, 0.25, tilt=0)

    def _ice_cream(self) -> None:
        x, y = self.at(self.pose.hands[1])
        self._prop("ice_cream", x, y + 0.05 * self.h, 0.32, tilt=-4)

    def _notes(self) -> None:
        cx, cy = self.at(self.pose.head)
        r = self.build.rx * self.h
        size = 0.8 + 0.25 * self.mood.a
        for dx, dy, color in ((-1.75, -0.55, (250, 200, 60)), (1.95, 0.25, (96, 190, 250))):
            x, y = cx + self.side * dx * r, cy + dy * r
            e = 0.30 * r * size
            self.canvas.ellipse(x, y, e, 0.8 * e, color, -20)
            self.canvas.line([(x + 0.8 * e, y), (x + 0.8 * e, y - 2.6 * e), (x + 2.0 * e, y - 1.9 * e)], 0.0125, color)

    def _rush(self) -> None:
        """Streaks behind a runner."""
        x, y = self.at(self.pose.hip)
        pace = 0.75 + 0.25 * self.mood.a
        for up, back, length in ((0.22, 0.26, 0.20), (0.06, 0.34, 0.24), (-0.10, 0.40, 0.16)):
            x0, y0, w = x - self.side * back * self.h, y - up * self.h, 0.016 * self.h
            x1 = x0 - self.side * length * pace * self.h
            self.canvas.polygon([(x0, y0 - w), (x0 + self.side * w, y0), (x0, y0 + w), (x1, y0)], (250, 248, 240))

    def _hail(self) -> None:
        """Two arcs beside a waving hand."""
        x, y = self.at(self.pose.hands[1])
        r = self.build.arm_width * self.h
        for reach in (1.5, 2.3):
            start, end = (-60, 20) if self.side > 0 else (160, 240)
            self.canvas.line(arc(x, y, reach * r, reach * r, start, end, 7), 0.0125, (255, 250, 232))


def _rounded_arm(shoulder: Point, elbow: Point, hand: Point) -> list[Point]:
    """Seven points from shoulder to hand, bent softly at the elbow."""
    control = (2 * elbow[0] - (shoulder[0] + hand[0]) / 2, 2 * elbow[1] - (shoulder[1] + hand[1]) / 2)
    return bezier(shoulder, control, hand, 7)


_CHEST_PROPS = {"playing_guitar": _Figure._guitar}  # under the sleeves
_LAP_PROPS = {"reading": _Figure._book, "hugging_teddy": _Figure._teddy}  # over them
_HAND_PROPS = {
    "flying_kite": _Figure._kite,
    "holding_balloon": _Figure._balloon,
    "playing_ball": _Figure._ball,
    "eating_ice_cream": _Figure._ice_cream,
    "dancing": _Figure._notes,
    "running": _Figure._rush,
    "waving": _Figure._hail,
}
