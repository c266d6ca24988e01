"""Playground, park, cemetery."""

from __future__ import annotations

import math

from emoticrafter.storybook.world.atmosphere import sky_colors
from emoticrafter.storybook.world.canvas import Color, darker, lighter, mix
from emoticrafter.storybook.world.places.nature import grass_color
from emoticrafter.storybook.world.places.place import (
    Place,
    UnitFrame,
    bend,
    coat,
    dusk,
    far,
    ground,
    hills,
    path,
    puddle,
    ramp,
    sprite,
    sway,
)
from emoticrafter.storybook.world.places.scenery import (
    bare_tree,
    bunting,
    crack,
    fence,
    flowers,
    lamp,
    pane_color,
    tree,
    tufts,
)
from emoticrafter.storybook.world.stage import Stage


def _swing(stage: Stage, x: float, foot: float, flip: bool, lean: float, color: Color, phase: float) -> None:
    """A frame with two swings: they fly with arousal, and one chain breaks with decay."""
    mood = stage.mood
    frame = UnitFrame(stage.canvas, x, foot, 0.9 * sway(mood, lean), flip)
    high = 0.46
    steel, dark = coat(mood, color), darker(coat(mood, color), 0.2)
    stage.canvas.shadow(x, foot, 0.22, 0.3)
    for u in (-0.15, 0.15):
        frame.line([(u * 1.05, high), (u * 1.05 - 0.055, 0.045)], 0.020, dark)
    angle = 0.06 + 0.75 * mood.motion
    for i, u in enumerate((-0.07, 0.07)):
        turn = angle * (1 if i == 0 else 0.72) * (0.8 + 0.2 * phase)
        length = 0.30
        hang_u, hang_v = u + length * math.sin(turn), high - length * math.cos(turn)
        wide = 0.042
        broken = ramp(mood.decay, 0.1, 0.9) if i == 0 else 0.0
        chain = coat(mood, (120, 124, 140))
        left = (hang_u - wide, hang_v - 0.085 * broken)
        right = (hang_u + wide, hang_v)
        frame.line(
            [
                (u - wide, high),
                (u - wide + (left[0] - u + wide) * (1 - 0.55 * broken), high + (left[1] - high) * (1 - 0.55 * broken)),
            ],
            0.0105,
            chain,
        )
        frame.line([(u + wide, high), right], 0.0105, chain)
        seat = coat(mood, ((238, 78, 88), (64, 156, 232))[i])
        frame.line([left, right], 0.024, seat)
    frame.line([(-0.19, high), (0.19, high)], 0.026, lighter(steel, 0.12))
    for u in (-0.17, 0.17):
        frame.line([(u, high), (u + 0.012, 0.0)], 0.024, steel)


def draw_playground(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    variant, lean, phase, swing_lean, horse_lean = (
        rng.randrange(4),
        rng.uniform(-1, 1),
        rng.random(),
        rng.uniform(0.4, 0.9),
        rng.uniform(-0.8, 0.8),
    )
    color = ((246, 180, 52), (70, 170, 220), (126, 196, 92))[rng.randrange(3)]
    y = stage.horizon
    leaf = grass_color(stage)
    hills(stage, y + 0.03, 0.07, phase, far(stage, darker(leaf, 0.12), 0.5), far(stage, leaf, 0.35), length=0.7)
    tree(stage, 0.5 - side * 0.06, y + 0.06, 0.34, variant, distance=0.18)
    tree(stage, 0.5 + side * 0.20, y + 0.05, 0.27, variant + 1, distance=0.25)
    ground(stage, y + 0.05, leaf)
    sand = coat(mood, (236, 206, 146))
    canvas.ellipse(0.5 + side * 0.30, 0.80, 0.30, 0.075, darker(sand, 0.08))
    canvas.ellipse(0.5 + side * 0.30, 0.796, 0.285, 0.067, sand)
    tufts(stage, rng, 10, y + 0.12, 0.98, leaf, 0.05)
    slide_x = 0.5 - side * 0.285
    canvas.shadow(slide_x, 0.835, 0.26)
    sprite(
        stage, "slide", slide_x, 0.845, 0.56 * (1 + 0.03 * mood.elation), width=0.42, tilt=sway(mood, lean) * 0.9, flip=side < 0
    )
    _swing(stage, 0.5 + side * 0.325, 0.805, side < 0, swing_lean, color, phase)
    horse_x = 0.5 + side * 0.34
    rock = (6 + 10 * mood.motion) * math.sin(phase * 6)
    canvas.shadow(horse_x, 0.955, 0.08)
    sprite(stage, "carousel", horse_x, 0.96, 0.20, tilt=rock * mood.motion + sway(mood, horse_lean) * 2, flip=side > 0)
    bunting(stage, (0.0, 0.20), (1.0, 0.16), 0.11, 9)
    bunting(stage, (0.0, 0.08), (1.0, 0.10), 0.09, 9, mood.elation, 2)
    flowers(stage, rng, 4, 0.90, 0.985, 0.11, least=0.4, sides=0.2)
    puddle(stage, 0.5 - side * 0.16, 0.945, 0.13)


def draw_park(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    variant, lean = rng.randrange(4), rng.uniform(-0.9, 0.9)
    back = [(rng.uniform(-0.02, 0.02), rng.uniform(0.85, 1.15)) for _ in range(5)]
    y = stage.horizon
    leaf = grass_color(stage)
    hedge = far(stage, darker(leaf, 0.25), 0.3)
    for i, (shift, scale) in enumerate(back):
        tree(
            stage,
            0.04 + 0.23 * i + shift,
            y + 0.03,
            0.27 * scale,
            i + variant,
            tone=((90, 150, 80), (140, 170, 70))[i % 2],
            distance=0.32,
        )
    for i in range(9):
        high = 0.042 * (1 - 0.35 * mood.decay * (i % 3) / 2)
        canvas.ball(0.02 + 0.12 * i, y + 0.035, 0.075, high, hedge, 0.18)
    ground(stage, y + 0.04, leaf)
    path(stage, 0.5 + side * 0.10, y + 0.045, 0.5, 0.62, coat(mood, (232, 212, 174)), 0.17)
    tufts(stage, rng, 9, y + 0.16, 0.98, leaf, 0.05)
    tree_x = 0.5 - side * 0.355
    tree(stage, tree_x, 0.80, 0.70, variant)
    fountain_x = 0.5 + side * 0.315
    canvas.shadow(fountain_x, 0.795, 0.2)
    stone = coat(mood, (206, 204, 212))
    canvas.ellipse(fountain_x, 0.79, 0.175, 0.045, darker(stone, 0.22))
    canvas.ellipse(fountain_x, 0.778, 0.175, 0.043, lighter(stone, 0.2))
    canvas.ellipse(
        fountain_x, 0.778, 0.150, 0.033, mix(coat(mood, (110, 186, 226)), sky_colors(mood, stage.time)[1], 0.35 + 0.3 * mood.calm)
    )
    sprite(stage, "fountain", fountain_x, 0.785, 0.31, tilt=0.5 * sway(mood, lean))
    jet = (0.02 + 0.10 * mood.thrill + 0.05 * mood.bloom) * (1 - mood.decay)  # the water leaps with life
    for turn in (-1, 1):
        points = [
            (fountain_x + turn * jet * 1.1 * t, 0.555 - jet * 4 * t * (1 - t) * 1.3 + 0.12 * t * t)
            for t in (0, 0.2, 0.4, 0.6, 0.8, 1)
        ]
        if jet > 0.025:
            canvas.line(points, 0.014, mix((214, 240, 252), sky_colors(mood, stage.time)[1], 0.2))
    lamp(stage, 0.5 + side * 0.455, 0.86, 0.46, lean)
    _bench(stage, 0.5 - side * 0.33, 0.885, coat(mood, (176, 112, 70)), lean)
    bunting(stage, (tree_x, 0.34), (0.5 + side * 0.455, 0.42), 0.08, 9)
    flowers(stage, rng, 6, 0.90, 0.985, 0.115, least=0.4, sides=0.22)


def _bench(stage: Stage, x: float, foot: float, wood: Color, lean: float) -> None:
    mood = stage.mood
    frame = UnitFrame(stage.canvas, x, foot, 0.6 * sway(mood, lean))
    stage.canvas.shadow(x, foot, 0.16)
    for u in (-0.10, 0.10):
        frame.box(u - 0.011, 0, u + 0.011, 0.125, coat(mood, (66, 70, 84)))
    broken = 7 * mood.decay
    for v in (0.085, 0.118):
        frame.box(-0.13, v, 0.13, v + 0.022, wood)
    seat = UnitFrame(stage.canvas, *frame.at(0, 0.045), frame.lean + broken)
    seat.graded([(-0.14, 0), (0.14, 0), (0.135, 0.026), (-0.135, 0.026)], lighter(wood, 0.2), darker(wood, 0.1))


def _grave(stage: Stage, x: float, foot: float, height: float, kind: int, lean: float, moss: float) -> None:
    """A gravestone (0 round, 1 cross, 2 pointed). A candle burns before it in sad places, flowers lie there in pleasant ones."""
    mood, canvas = stage.mood, stage.canvas
    stone = coat(mood, ((152, 158, 176), (178, 174, 172), (138, 148, 168))[kind])
    frame = UnitFrame(canvas, x, foot, (1 - 0.6 * mood.calm) * 4 * lean + 1.6 * sway(mood, lean))
    canvas.shadow(x, foot, height * 0.55, 0.5)
    wide = height * 0.36
    if kind == 1:
        frame.box(-wide * 1.1, 0, wide * 1.1, height * 0.12, darker(stone, 0.15))
        frame.graded(
            [(-wide * 0.34, 0), (wide * 0.34, 0), (wide * 0.34, height * 1.05), (-wide * 0.34, height * 1.05)],
            lighter(stone, 0.22),
            darker(stone, 0.2),
            True,
        )
        frame.graded(
            [
                (-wide * 0.95, height * 0.64),
                (wide * 0.95, height * 0.64),
                (wide * 0.95, height * 0.84),
                (-wide * 0.95, height * 0.84),
            ],
            lighter(stone, 0.22),
            darker(stone, 0.12),
        )
    else:
        if kind == 0:
            top = [
                (wide * math.cos(math.radians(t)), height * 0.62 + height * 0.38 * math.sin(math.radians(t)))
                for t in range(0, 181, 15)
            ]
        else:
            top = [(wide, height * 0.68), (0, height), (-wide, height * 0.68)]
        outline = [(wide, 0), *top, (-wide, 0)]
        back = UnitFrame(canvas, x + 0.016, foot - 0.004, frame.lean)
        back.polygon(outline, darker(stone, 0.36))
        frame.graded(outline, lighter(stone, 0.26), darker(stone, 0.12))
        frame.box(-0.008, height * 0.34, 0.008, height * 0.80, darker(stone, 0.34))  # a cross cut into the stone
        frame.box(-wide * 0.42, height * 0.60, wide * 0.42, height * 0.60 + 0.016, darker(stone, 0.34))
        crack(
            frame,
            [(wide * 0.7, height * 0.85), (wide * 0.3, height * 0.66), (wide * 0.55, height * 0.5), (wide * 0.1, height * 0.3)],
            mood.decay * (0.4 + 0.6 * moss),
        )
    green = mood.foliage((96, 150, 84))
    canvas.ellipse(*frame.at(-wide * 0.9, 0.008), wide * 0.42, 0.016, green)
    canvas.ellipse(*frame.at(wide * 0.9, 0.008), wide * 0.5, 0.014, darker(green, 0.12))
    if mood.bloom > 0.02:
        sprite(stage, ("tulip", "blossom", "bouquet")[kind], x + wide * 0.2, foot + 0.024, 0.125 * ramp(mood.bloom))
    flame = ramp(mood.decay, 0.0, 0.8)
    if flame > 0.03 and moss > 0.35:
        light = mix((255, 206, 110), (255, 110, 40), mood.terror)
        canvas.glow(x - wide * 0.5, foot - 0.03, 0.15, 0.13, light, 0.75 * flame)
        canvas.rectangle(
            x - wide * 0.5 - 0.014,
            foot - 0.035 * flame,
            x - wide * 0.5 + 0.014,
            foot + 0.018 * flame,
            coat(mood, (246, 232, 206)),
        )
        canvas.ellipse(
            x - wide * 0.5 - 0.01 * mood.wind, foot - 0.052 * flame, 0.011 * flame, 0.021 * flame, (255, 236, 160), 20 * mood.wind
        )


def draw_cemetery(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    variant, chapel_lean, phase = rng.randrange(4), rng.uniform(0.3, 0.8), rng.random()
    leans = [rng.uniform(-1, 1) for _ in range(7)]
    kinds = rng.sample((0, 1, 2, 0, 1, 2, 0), 7)
    y = stage.horizon
    leaf = mix(grass_color(stage), (96, 120, 104), 0.35)
    hills(stage, y + 0.04, 0.07, phase, far(stage, darker(leaf, 0.1), 0.5), far(stage, leaf, 0.35), length=0.9)
    # A chapel on the hill.
    chapel = UnitFrame(canvas, 0.5 + side * 0.27, y + 0.045, 0.5 * sway(mood, chapel_lean), flip)
    wall, roof = far(stage, coat(mood, (206, 200, 198)), 0.18), far(stage, coat(mood, (88, 84, 110)), 0.15)
    chapel.box(-0.02, 0, 0.15, 0.13, wall, darker(wall, 0.15))
    chapel.polygon([(-0.035, 0.125), (0.165, 0.125), (0.065 + 0.05, 0.21), (0.02, 0.21)], roof)
    chapel.box(-0.085, 0, -0.005, 0.24, lighter(wall, 0.12), darker(wall, 0.1))
    chapel.polygon([(-0.10, 0.235), (0.01, 0.235), (-0.045, 0.385)], darker(roof, 0.12))
    chapel.box(-0.051, 0.37, -0.039, 0.45, darker(roof, 0.2))
    chapel.box(-0.07, 0.41, -0.02, 0.423, darker(roof, 0.2))
    light = pane_color(stage, True)
    chapel.ellipse(-0.045, 0.155, 0.018, 0.026, light)
    chapel.glow(-0.045, 0.155, 0.09, 0.10, light, 0.5 * max(mood.decay, dusk(stage)))
    for u in (0.03, 0.10):
        chapel.box(u - 0.014, 0.035, u + 0.014, 0.09, light)
    ground(stage, y + 0.04, leaf, 0.30)
    tree_x = 0.5 - side * 0.345
    tree_high = 0.66
    canvas.shadow(tree_x, y + 0.13, 0.2)
    bare_tree(stage, tree_x, y + 0.13, tree_high, variant)
    petal = ramp(0.35 * (1 - mood.decay) + 0.65 * mood.bloom, 0.05, 0.9)  # a cherry tree: buds, then a cloud of blossom
    pink = mix((236, 178, 196), (255, 190, 214), mood.bloom)
    for i, (u, v, size) in enumerate(
        ((-0.30, 0.56, 0.13), (0.28, 0.58, 0.13), (-0.16, 0.78, 0.14), (0.15, 0.80, 0.14), (0.0, 0.62, 0.15), (0.0, 0.92, 0.12))
    ):
        grow = size * tree_high * (0.35 + 0.85 * petal)
        at = tree_x + (u + bend(mood, 0.8) * v) * tree_high
        canvas.ball(at, y + 0.13 - v * tree_high, grow * 1.15, grow, lighter(pink, 0.12 * (i % 3)), 0.22, petal)
    fence(stage, rng, -0.02, 1.02, y + 0.155, 0.155, (58, 60, 76), iron=True)
    path(stage, 0.5, y + 0.17, 0.5, 0.44, coat(mood, (206, 196, 180)), 0.4)
    tufts(stage, rng, 10, y + 0.22, 0.98, leaf, 0.055)
    spots = (
        (0.33, 0.755, 0.13),
        (0.67, 0.755, 0.13),
        (0.06, 0.80, 0.17),
        (0.94, 0.80, 0.17),
        (0.20, 0.885, 0.235),
        (0.81, 0.89, 0.245),
        (0.02, 0.97, 0.25),
    )
    for i, (x, foot, high) in enumerate(spots[:6]):
        _grave(stage, x if not flip else 1 - x, foot, high, kinds[i], leans[i], (i * 0.29 + phase) % 1 if i < 4 else 1.0)


PLACES = (
    Place("playground", draw_playground, (0.46, 0.51), floor=0.91),
    Place("park", draw_park, (0.50, 0.54), floor=0.91),
    Place("cemetery", draw_cemetery, (0.46, 0.50), floor=0.91),
)
