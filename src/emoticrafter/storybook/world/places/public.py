"""School and hospital."""

from __future__ import annotations

import math

from emoticrafter.storybook.world.canvas import Color, darker, lighter, mix
from emoticrafter.storybook.world.places.nature import grass_color
from emoticrafter.storybook.world.places.place import Place, UnitFrame, coat, dusk, ground, puddle, ramp, sprite, sway
from emoticrafter.storybook.world.places.scenery import (
    FLAG_COLORS,
    bunting,
    crack,
    flag,
    flowers,
    lamp,
    pane_color,
    tree,
    window,
)
from emoticrafter.storybook.world.stage import Stage


def draw_school(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    brick = ((208, 92, 74), (222, 118, 78), (196, 84, 88))[rng.randrange(3)]
    lean, variant = rng.uniform(0.4, 0.8), rng.randrange(4)
    y = stage.horizon
    leaf = grass_color(stage)
    ground(stage, y, leaf)
    foot = y + 0.16
    wall, roof = coat(mood, brick), coat(mood, (84, 92, 120))
    main = UnitFrame(canvas, 0.5, foot, 0.35 * sway(mood, -lean), flip, 1 + 0.04 * mood.elation)
    main.graded([(-0.46, 0), (0.46, 0), (0.46, 0.31), (-0.46, 0.31)], lighter(wall, 0.10), darker(wall, 0.14))
    main.polygon([(-0.49, 0.305), (0.49, 0.305), (0.42, 0.41), (-0.42, 0.41)], roof)
    main.polygon([(-0.49, 0.305), (0.49, 0.305), (0.48, 0.325), (-0.48, 0.325)], darker(roof, 0.25))
    for i, u in enumerate((-0.04, 0.13, 0.28, 0.405)):
        window(stage, main, u, 0.19, 0.085, 0.085, i == 3)
        window(stage, main, u, 0.045, 0.085, 0.085)
    # The clock tower stands beside the middle, where no subject hides it.
    tower = UnitFrame(canvas, 0.5 - side * 0.285, foot + 0.012, 0.6 * sway(mood, lean), flip, 1 + 0.05 * mood.elation)
    tower.graded([(-0.135, 0), (0.135, 0), (0.135, 0.45), (-0.135, 0.45)], lighter(wall, 0.2), darker(wall, 0.08))
    tower.polygon([(-0.165, 0.44), (0.165, 0.44), (0, 0.60)], roof)
    tower.polygon([(0, 0.60), (0.165, 0.44), (0.05, 0.44)], darker(roof, 0.2))
    tower.box(-0.145, 0.435, 0.145, 0.455, coat(mood, (246, 236, 216)))
    tower.ball(0, 0.335, 0.082, 0.082, coat(mood, (246, 236, 216)), 0.1)
    tower.ellipse(0, 0.335, 0.066, 0.066, mix((255, 255, 252), pane_color(stage), 0.35 * max(mood.decay, dusk(stage))))
    hands = math.radians(28 * mood.a + 20)
    for length, turn in ((0.05, hands), (0.036, hands * 5 + 2.2)):
        tower.line([(0, 0.335), (length * math.sin(turn), 0.335 + length * math.cos(turn))], 0.014, (52, 48, 60))
    door = coat(mood, (70, 112, 160))
    tower.box(-0.062, 0, 0.062, 0.135, coat(mood, (246, 236, 216)))
    tower.ellipse(0, 0.135, 0.062, 0.05, coat(mood, (246, 236, 216)))
    tower.box(-0.048, 0, 0.048, 0.135, door)
    tower.ellipse(0, 0.135, 0.048, 0.038, door)
    tower.box(-0.006, 0, 0.006, 0.165, darker(door, 0.3))
    for u in (-0.088, 0.088):
        tower.box(u - 0.018, 0.19, u + 0.018, 0.245, pane_color(stage))
    crack(tower, [(0.13, 0.42), (0.08, 0.36), (0.11, 0.28), (0.05, 0.22), (0.09, 0.13), (0.04, 0.06)], mood.decay)
    crack(main, [(0.22, 0.30), (0.20, 0.24), (0.235, 0.17), (0.20, 0.10), (0.22, 0.02)], mood.decay)
    bell = UnitFrame(canvas, *tower.at(0, 0.60), 0.0)
    sprite(stage, "bell", bell.x, bell.foot + 0.012, 0.095, tilt=22 * mood.motion * side)
    pole = UnitFrame(canvas, 0.5 + side * 0.43, foot + 0.05, 0.8 * sway(mood, 0.6))
    flag(stage, pole, 0, 0, 0.56, (238, 78, 78), 0.19)
    bunting(stage, tower.at(0, 0.44), main.at(0.46, 0.36), 0.06, 8)
    # The yard, with hopscotch in chalk.
    yard = coat(mood, (214, 190, 156))
    canvas.graded(
        [
            (0.5 - side * 0.30 - 0.10, foot + 0.008),
            (0.5 - side * 0.30 + 0.10, foot + 0.008),
            (0.86, 0.86),
            (0.90, 1),
            (0.10, 1),
            (0.14, 0.86),
        ],
        lighter(yard, 0.1),
        darker(yard, 0.08),
    )
    hop = UnitFrame(canvas, 0.5 + side * 0.30, 0.97, -8 * side)
    for i, color in enumerate(((255, 255, 255), (255, 214, 110), (250, 150, 180))):
        chalk = mix(yard, color, 0.85 - 0.5 * mood.decay)
        hop.line(
            [(-0.045, 0.047 * i), (0.045, 0.047 * i), (0.04, 0.047 * (i + 1)), (-0.04, 0.047 * (i + 1)), (-0.045, 0.047 * i)],
            0.013,
            chalk,
        )
    tree(stage, 0.5 + side * 0.47, foot + 0.06, 0.30, variant)
    flowers(stage, rng, 4, 0.84, 0.97, 0.10, least=0.45, sides=0.14)
    puddle(stage, 0.5 - side * 0.20, 0.965, 0.10)


def _cross(frame: UnitFrame, u: float, v: float, size: float, color: Color) -> None:
    frame.box(u - size * 0.33, v - size, u + size * 0.33, v + size, color)
    frame.box(u - size, v - size * 0.33, u + size, v + size * 0.33, color)


def draw_hospital(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    tint = ((226, 240, 242), (240, 242, 236), (222, 236, 232))[rng.randrange(3)]
    lean, variant = rng.uniform(0.3, 0.7), rng.randrange(4)
    y = stage.horizon
    ground(stage, y, grass_color(stage))
    foot = y + 0.17
    wall, teal = coat(mood, tint), coat(mood, (70, 170, 178))
    wing = UnitFrame(canvas, 0.5 + side * 0.15, foot, 0.35 * sway(mood, lean), flip)
    wing.graded([(-0.33, 0), (0.33, 0), (0.33, 0.34), (-0.33, 0.34)], lighter(wall, 0.1), darker(wall, 0.10))
    wing.box(-0.345, 0.335, 0.345, 0.365, teal)
    for i in range(4):
        for v in (0.235, 0.13, 0.02):
            window(stage, wing, -0.22 + 0.15 * i, v, 0.078, 0.062, i == 3 and v > 0.2, trim=(196, 214, 220))
    tower = UnitFrame(canvas, 0.5 - side * 0.275, foot + 0.01, 0.5 * sway(mood, -lean), flip, 1 + 0.04 * mood.elation)
    tower.graded([(-0.17, 0), (0.17, 0), (0.17, 0.56), (-0.17, 0.56)], lighter(wall, 0.3), darker(wall, 0.05))
    tower.box(-0.185, 0.55, 0.185, 0.58, teal)
    red = mix(coat(mood, (228, 44, 52)), (255, 60, 44), 0.5 * mood.decay)
    tower.glow(0, 0.43, 0.24, 0.24, (255, 120, 110), 0.35 * max(dusk(stage), mood.decay))
    tower.ball(0, 0.43, 0.115, 0.115, mix((255, 255, 255), wall, 0.15), 0.08)
    _cross(tower, 0, 0.43, 0.082, red)
    for u in (-0.085, 0.085):
        window(stage, tower, u, 0.195, 0.088, 0.075, u > 0, trim=(196, 214, 220))
    tower.box(-0.11, 0, 0.11, 0.135, teal)
    tower.box(-0.09, 0, -0.005, 0.118, pane_color(stage))
    tower.box(0.005, 0, 0.09, 0.118, pane_color(stage))
    tower.box(-0.165, 0.135, 0.165, 0.163, red)
    crack(tower, [(-0.15, 0.54), (-0.10, 0.46), (-0.14, 0.38), (-0.09, 0.30), (-0.12, 0.24)], mood.decay)
    crack(wing, [(0.30, 0.33), (0.26, 0.27), (0.30, 0.20), (0.265, 0.12), (0.29, 0.05)], mood.decay)
    lane = coat(mood, (150, 152, 162))
    canvas.graded([(0, foot + 0.01), (1, foot + 0.01), (1, 1), (0, 1)], lighter(lane, 0.22), darker(lane, 0.14))
    canvas.rectangle(0, foot + 0.006, 1, foot + 0.024, lighter(lane, 0.5))
    _ambulance(stage, 0.5 + side * 0.335, 0.865, flip)
    puddle(stage, 0.5 - side * 0.3, 0.945, 0.13)
    for i, u in enumerate((-0.44, -0.12)):
        bush = 0.5 + side * u
        canvas.ball(bush, foot + 0.005, 0.055, 0.045, mood.foliage((86, 160, 84)), 0.25, 1 - 0.75 * ramp(mood.decay))
        for k in range(3):
            grow = 0.018 * ramp(mood.bloom)
            canvas.ellipse(bush - 0.03 + 0.03 * k, foot - 0.012 + 0.014 * (k % 2), grow, grow, FLAG_COLORS[(k * 2 + i) % 5])
    bunting(stage, tower.at(0.17, 0.52), wing.at(0.33, 0.40), 0.07, 7)
    if variant % 2 == 0:
        lamp(stage, 0.5 - side * 0.455, foot + 0.06, 0.40, -0.5)
    else:
        tree(stage, 0.5 - side * 0.47, foot + 0.04, 0.34, variant)


def _ambulance(stage: Stage, x: float, foot: float, flip: bool) -> None:
    mood = stage.mood
    frame = UnitFrame(stage.canvas, x, foot, 0.3 * sway(mood, 0.8) * (1 if flip else -1), flip, 1 + 0.05 * mood.thrill)
    white, red = coat(mood, (250, 250, 250)), coat(mood, (226, 52, 56))
    stage.canvas.shadow(x, foot + 0.004, 0.19)
    frame.graded([(-0.15, 0.035), (0.065, 0.035), (0.065, 0.20), (-0.14, 0.20), (-0.15, 0.19)], white, darker(white, 0.12))
    frame.polygon([(0.06, 0.035), (0.155, 0.035), (0.155, 0.095), (0.125, 0.11), (0.10, 0.17), (0.06, 0.17)], darker(white, 0.04))
    frame.polygon([(0.07, 0.108), (0.117, 0.108), (0.096, 0.155), (0.07, 0.155)], pane_color(stage))
    frame.box(-0.15, 0.058, 0.155, 0.078, red)
    _cross(frame, -0.045, 0.135, 0.042, red)
    light = mix((90, 150, 240), (70, 160, 255), mood.thrill)
    frame.glow(0.0, 0.215, 0.05 + 0.16 * mood.thrill, 0.05 + 0.13 * mood.thrill, light, 0.75 * mood.thrill)
    frame.box(-0.03, 0.198, 0.03, 0.224, light)
    for u in (-0.085, 0.095):
        frame.ellipse(u, 0.032, 0.036, 0.036, (44, 44, 54))
        frame.ellipse(u, 0.032, 0.016, 0.016, (196, 198, 206))


PLACES = (
    Place("school", draw_school, (0.52, 0.55), floor=0.91),
    Place("hospital", draw_hospital, (0.53, 0.56), floor=0.92),
)
