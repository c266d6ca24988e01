"""Farm, castle, snowy village."""

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
    sway,
)
from emoticrafter.storybook.world.places.scenery import (
    FLAG_COLORS,
    bunting,
    crack,
    fence,
    flag,
    flowers,
    house,
    pane_color,
    tree,
    tufts,
)
from emoticrafter.storybook.world.stage import Stage


def draw_farm(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    lean, mill_lean, phase = rng.uniform(0.4, 0.9), rng.uniform(-0.9, -0.4), rng.random()
    y = stage.horizon
    leaf = grass_color(stage)
    hills(
        stage,
        y + 0.03,
        0.06,
        phase,
        far(stage, mood.foliage((206, 196, 96)), 0.4),
        far(stage, mood.foliage((190, 180, 90)), 0.3),
        length=0.8,
    )
    ground(stage, y + 0.035, leaf)
    corn = mood.foliage((222, 190, 84))  # ploughed rows run to the horizon
    for i in range(6):
        u0, u1 = side * (0.02 + 0.09 * i), side * (0.03 + 0.22 * i)
        canvas.graded(
            [(0.5 + u0, y + 0.04), (0.5 + u0 + side * 0.045, y + 0.04), (0.5 + u1 + side * 0.11, 0.80), (0.5 + u1, 0.80)],
            far(stage, corn, 0.2),
            darker(corn, 0.1),
        )
    canvas.graded([(0, 0.765), (1, 0.765), (1, 1), (0, 1)], lighter(leaf, 0.10), darker(leaf, 0.22))
    _windmill(stage, 0.5 + side * 0.335, 0.775, flip, mill_lean, phase)
    _barn(stage, 0.5 - side * 0.27, 0.79, flip, lean)
    fence(stage, rng, 0.5 + side * 0.50 if flip else 0.60, 0.40 if flip else 1.0, 0.845, 0.13, (252, 248, 238))
    straw = coat(mood, mix((236, 196, 88), (140, 120, 80), 0.5 * mood.decay))
    bale = 0.5 - side * 0.38
    canvas.shadow(bale, 0.93, 0.14)
    canvas.ball(bale, 0.872, 0.085, 0.066, straw, 0.22)
    canvas.ellipse(bale + side * 0.03, 0.872, 0.040, 0.056, lighter(straw, 0.22))
    canvas.ellipse(bale + side * 0.03, 0.872, 0.022, 0.032, darker(straw, 0.14))
    tufts(stage, rng, 9, 0.86, 0.985, leaf, 0.05)
    flowers(stage, rng, 5, 0.90, 0.985, 0.135, ("sunflower", "tulip", "sunflower"), 0.5, 0.24)
    puddle(stage, 0.40 if flip else 0.60, 0.965, 0.11)


def _barn(stage: Stage, x: float, foot: float, flip: bool, lean: float) -> None:
    mood, canvas = stage.mood, stage.canvas
    silo = UnitFrame(canvas, x - (-0.20 if flip else 0.20), foot - 0.01, 0.6 * sway(mood, -lean), flip)
    metal = coat(mood, (190, 200, 214))
    silo.graded(
        [(-0.065, 0), (0.065, 0), (0.065, 0.44), (-0.065, 0.44)], lighter(metal, 0.25), darker(metal, 0.28), horizontal=True
    )
    silo.ball(0, 0.44, 0.066, 0.062, coat(mood, (176, 70, 62)), 0.25)
    silo.graded(
        [(-0.065, 0.36), (0.065, 0.36), (0.065, 0.44), (-0.065, 0.44)], lighter(metal, 0.25), darker(metal, 0.28), horizontal=True
    )
    for v in (0.12, 0.24, 0.36):
        silo.box(-0.065, v, 0.065, v + 0.012, darker(metal, 0.28))
    frame = UnitFrame(canvas, x, foot, 0.55 * sway(mood, lean), flip, 1 + 0.05 * mood.elation)
    red, white, roof = coat(mood, (204, 54, 46)), coat(mood, (252, 248, 240)), coat(mood, (96, 84, 96))
    canvas.shadow(x, foot, 0.24)
    outline = [(-0.19, 0), (0.19, 0), (0.19, 0.22), (0.125, 0.36), (0, 0.43), (-0.125, 0.36), (-0.19, 0.22)]
    frame.graded(outline, lighter(red, 0.16), darker(red, 0.16))
    for u in (-0.13, -0.07, 0.07, 0.13):
        frame.box(u - 0.005, 0, u + 0.005, 0.32, darker(red, 0.18))
    frame.line([(-0.215, 0.195), (-0.135, 0.368), (0, 0.445), (0.135, 0.368), (0.215, 0.195)], 0.036, roof)
    frame.line([(-0.19, 0.21), (-0.122, 0.345), (0, 0.412), (0.122, 0.345), (0.19, 0.21)], 0.013, white)
    _loft(frame, pane_color(stage, True), white)
    frame.box(-0.10, 0, 0.10, 0.175, white)
    frame.box(-0.083, 0, -0.006, 0.158, darker(red, 0.14))
    frame.box(0.006, 0, 0.083, 0.158, darker(red, 0.14))
    for u in (-0.045, 0.045):
        frame.line([(u - 0.034, 0.006), (u + 0.034, 0.15)], 0.012, white)
        frame.line([(u + 0.034, 0.006), (u - 0.034, 0.15)], 0.012, white)
    hole = ramp(mood.decay, 0.05, 0.9)
    frame.polygon(
        [
            (0.10, 0.21),
            (0.10 + 0.055 * hole, 0.20),
            (0.10 + 0.045 * hole, 0.20 + 0.10 * hole),
            (0.10 + 0.01 * hole, 0.20 + 0.075 * hole),
        ],
        (36, 26, 32),
    )
    if mood.decay > 0.03:
        frame.glow(0, 0.265, 0.12, 0.12, pane_color(stage, True), 0.6 * mood.decay)


def _loft(frame: UnitFrame, pane: Color, trim: Color) -> None:
    """The hay-loft window of a barn."""
    frame.ellipse(0, 0.265, 0.052, 0.052, trim)
    frame.ellipse(0, 0.265, 0.038, 0.038, pane)


def _windmill(stage: Stage, x: float, foot: float, flip: bool, lean: float, phase: float) -> None:
    mood, canvas = stage.mood, stage.canvas
    frame = UnitFrame(canvas, x, foot, 0.5 * sway(mood, lean), flip)
    wall = coat(mood, (244, 234, 214))
    canvas.shadow(x, foot, 0.14)
    frame.graded(
        [(-0.088, 0), (0.088, 0), (0.055, 0.34), (-0.055, 0.34)], lighter(wall, 0.2), darker(wall, 0.25), horizontal=True
    )
    frame.ball(0, 0.345, 0.066, 0.058, coat(mood, (92, 118, 168)), 0.25)
    frame.graded(
        [(-0.062, 0.30), (0.062, 0.30), (0.055, 0.345), (-0.055, 0.345)], lighter(wall, 0.2), darker(wall, 0.25), horizontal=True
    )
    frame.box(-0.03, 0, 0.03, 0.10, coat(mood, (130, 84, 60)))
    frame.box(-0.022, 0.17, 0.022, 0.22, pane_color(stage))
    hub = frame.at(0, 0.345)
    spin = 70 * (0.5 + 0.5 * mood.a) + 40 * phase
    for k in range(4):
        sail = UnitFrame(canvas, hub[0], hub[1], spin + 90 * k)
        whole = 1 - (0.55 if k == 1 else 0.2) * mood.decay
        sail.box(-0.008, 0, 0.008, 0.235, coat(mood, (140, 96, 70)))
        sail.box(
            0.008,
            0.055,
            0.055 * (0.6 + 0.4 * whole),
            0.055 + 0.175 * whole,
            coat(mood, mix((250, 246, 236), FLAG_COLORS[k], 0.75 * mood.bloom)),
        )
    canvas.ellipse(*hub, 0.02, 0.02, coat(mood, (150, 96, 70)))


def draw_castle(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    lean, phase, variant = rng.uniform(0.4, 0.9), rng.random(), rng.randrange(4)
    roof_paint = ((214, 72, 84), (86, 110, 190), (150, 90, 180))[rng.randrange(3)]
    y = stage.horizon
    leaf = grass_color(stage)
    hills(stage, y + 0.03, 0.10, phase, far(stage, darker(leaf, 0.1), 0.55), far(stage, leaf, 0.4), length=0.6)
    ground(stage, y + 0.03, leaf)
    top = y + 0.02
    castle_x = 0.5 - side * 0.215
    mound = [(castle_x + (i / 20 - 0.5) * 1.5, top + 0.16 - 0.16 * math.exp(-(((i / 20 - 0.5) * 3.6) ** 4))) for i in range(21)]
    canvas.graded([*mound, (castle_x + 0.75, 0.80), (castle_x - 0.75, 0.80)], lighter(leaf, 0.12), darker(leaf, 0.12))
    _fortress(stage, castle_x, top + 0.045, flip, lean, roof_paint)
    path(stage, castle_x + side * 0.02, top + 0.045, 0.5, 0.40, coat(mood, (226, 204, 164)), 0.24)
    tree(stage, 0.5 + side * 0.41, 0.78, 0.36, variant)
    tree(stage, 0.5 + side * 0.25, 0.72, 0.25, variant + 1, "pine", distance=0.1)
    tufts(stage, rng, 9, 0.76, 0.98, leaf, 0.05)
    for u, size in ((-0.44, 0.40), (0.40, 0.42)):  # banners by the way
        pole = UnitFrame(canvas, 0.5 + u, 0.90, 0.9 * sway(mood, 0.7 if u > 0 else -0.6))
        canvas.shadow(0.5 + u, 0.90, 0.05)
        flag(stage, pole, 0, 0, size, roof_paint, 0.17)
    bunting(stage, (0.5 - 0.44, 0.50), (0.5 + 0.40, 0.48), 0.10, 10, mood.elation)
    flowers(stage, rng, 5, 0.90, 0.985, 0.12, ("tulip", "hibiscus", "blossom"), 0.35, 0.26)


def _turret(
    stage: Stage, frame: UnitFrame, u: float, low: float, high: float, half: float, stone: Color, roof: Color, lit: bool
) -> None:
    mood = stage.mood
    frame.graded(
        [(u - half, low), (u + half, low), (u + half, high), (u - half, high)],
        lighter(stone, 0.24),
        darker(stone, 0.26),
        horizontal=True,
    )
    frame.box(u - half * 1.22, high - 0.03, u + half * 1.22, high, darker(stone, 0.06))
    peak = high + half * (2.4 + 0.9 * mood.thrill)
    frame.graded(
        [(u - half * 1.35, high - 0.004), (u + half * 1.35, high - 0.004), (u, peak)],
        lighter(roof, 0.14),
        darker(roof, 0.22),
        horizontal=True,
    )
    pane = pane_color(stage, lit)
    frame.box(u - half * 0.28, high - 0.115, u + half * 0.28, high - 0.055, pane)
    frame.ellipse(u, high - 0.055, half * 0.28, half * 0.30, pane)
    if lit:
        frame.glow(u, high - 0.08, 0.11, 0.12, pane, 0.65 * max(mood.decay, dusk(stage)))
    size = 0.055 + 0.05 * mood.bloom
    x, y = frame.at(u, peak)
    fly = 0.4 + 0.6 * max(mood.wind, 0)
    tip = (x - size * fly - 0.02, y - 0.010 + 0.04 * (1 - fly))
    stage.canvas.line([frame.at(u, peak - 0.01), frame.at(u, peak + 0.05)], 0.010, darker(stone, 0.4))
    stage.canvas.polygon([frame.at(u, peak + 0.052), tip, frame.at(u, peak + 0.004)], coat(mood, FLAG_COLORS[1]))


def _fortress(stage: Stage, x: float, foot: float, flip: bool, lean: float, paint_color: Color) -> None:
    mood, canvas = stage.mood, stage.canvas
    frame = UnitFrame(canvas, x, foot, 0.4 * sway(mood, lean), flip, 1 + 0.05 * mood.elation)
    stone = coat(mood, (214, 208, 216))
    roof = mix(coat(mood, paint_color), (36, 24, 34), 0.5 * mood.terror)
    _turret(stage, frame, 0.0, 0, 0.40, 0.066, stone, roof, True)
    for u, high in ((-0.105, 0.27), (0.11, 0.30)):
        _turret(stage, frame, u, 0, high, 0.045, darker(stone, 0.08), roof, False)
    frame.graded([(-0.23, 0), (0.23, 0), (0.23, 0.155), (-0.23, 0.155)], lighter(stone, 0.16), darker(stone, 0.16))
    for i in range(8):
        gone = ramp(mood.decay, 0.1, 1.0) * (1 if i in (1, 4, 6) else 0.25)
        frame.box(-0.225 + 0.058 * i, 0.15, -0.19 + 0.058 * i, 0.15 + 0.034 * (1 - gone), lighter(stone, 0.12))
    for u, high in ((-0.235, 0.24), (0.235, 0.22)):
        broken = UnitFrame(canvas, *frame.at(u, 0), 0.7 * sway(mood, lean if u > 0 else -lean), flip, frame.stretch)
        _turret(stage, broken, 0, -0.01, high, 0.056, stone, roof, False)
    frame.box(-0.056, 0, 0.056, 0.075, darker(stone, 0.3))
    frame.ellipse(0, 0.075, 0.056, 0.05, darker(stone, 0.3))
    gate = mix(coat(mood, (120, 78, 56)), (255, 120, 40), 0.6 * mood.terror)
    frame.box(-0.042, 0, 0.042, 0.072, gate)
    frame.ellipse(0, 0.072, 0.042, 0.038, gate)
    frame.box(-0.006, 0, 0.006, 0.108, darker(gate, 0.3))
    crack(frame, [(-0.12, 0.155), (-0.15, 0.12), (-0.115, 0.08), (-0.15, 0.04), (-0.13, 0.0)], mood.decay)
    crack(frame, [(0.04, 0.34), (0.0, 0.28), (0.035, 0.23), (-0.01, 0.17)], mood.decay)


def draw_snowy_village(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    phase, leans = rng.random(), [rng.uniform(0.4, 1.0) * rng.choice((-1, 1)) for _ in range(4)]
    walls = rng.sample(((214, 112, 84), (236, 186, 110), (126, 160, 190), (196, 140, 150)), 3)
    pines = [(rng.uniform(-0.02, 0.02), rng.uniform(0.9, 1.12), rng.randrange(4)) for _ in range(5)]
    y = stage.horizon
    snow = mix(coat(mood, (246, 250, 255)), sky_colors(mood, stage.time)[1], 0.10)
    blue = mix(snow, (150, 176, 216), 0.42)
    mountains_color = far(stage, coat(mood, (196, 210, 232)), 0.35)
    hills(stage, y + 0.04, 0.16, phase, lighter(mountains_color, 0.3), mountains_color, length=0.5)
    frost = (150, 190, 190)
    for i, (shift, scale, variant) in enumerate(pines[:3]):
        x = 0.5 + side * (0.02 + 0.13 * i) + shift
        tree(stage, x, y + 0.055, 0.22 * scale, variant, "pine", frost, 0.3)
    # A church steeple rises between the roofs.
    steeple = UnitFrame(canvas, 0.5 + side * 0.135, y + 0.07, 0.5 * sway(mood, leans[3]), flip)
    wall = far(stage, coat(mood, (226, 214, 204)), 0.15)
    steeple.graded(
        [(-0.045, 0), (0.045, 0), (0.045, 0.24), (-0.045, 0.24)], lighter(wall, 0.1), darker(wall, 0.2), horizontal=True
    )
    steeple.polygon([(-0.06, 0.235), (0.06, 0.235), (0, 0.40)], coat(mood, (96, 108, 140)))
    steeple.polygon([(-0.06, 0.235), (-0.02, 0.245), (0, 0.40)], snow)
    steeple.ellipse(0, 0.185, 0.024, 0.024, pane_color(stage, True))
    canvas.graded(
        [(0, y + 0.05), *[(i / 16, y + 0.075 + 0.02 * math.sin(i * 0.7 + 6 * phase)) for i in range(17)], (1, 1), (0, 1)],
        lighter(snow, 0.3),
        blue,
    )
    house(stage, 0.5 + side * 0.02, y + 0.13, 0.17, 0.12, walls[2], (150, 84, 70), leans[2] * 0.7, snow=True, smoke=True)
    house(stage, 0.5 + side * 0.315, 0.775, 0.29, 0.225, walls[1], (166, 76, 64), leans[1] * 0.7, snow=True, smoke=True)
    house(stage, 0.5 - side * 0.285, 0.765, 0.31, 0.24, walls[0], (150, 70, 66), leans[0] * 0.7, True, snow=True, smoke=True)
    drift = [(i / 16, 0.775 + 0.016 * math.sin(i * 0.9 + 9 * phase) * (1 + 0.8 * mood.thrill)) for i in range(17)]
    canvas.graded([*drift, (1, 1), (0, 1)], lighter(snow, 0.35), mix(snow, blue, 0.75))
    for i, x in enumerate((0.5 - side * 0.455, 0.5 + side * 0.47)):
        _, scale, variant = pines[3 + i]
        high = 0.37 * scale
        tree(stage, x, 0.86 - 0.03 * i, high, variant, "pine", (90, 150, 130))
        leaves = 1 - 0.5 * mood.decay
        for u, v, size in ((-0.01, 0.93, 0.05), (-0.05, 0.68, 0.11), (0.07, 0.45, 0.15), (-0.10, 0.40, 0.10)):
            at = x + (u + bend(mood, 0.7) * v) * high
            canvas.ellipse(at, 0.86 - 0.03 * i - v * high, size * high * leaves, size * high * 0.36 * leaves, snow)
        for k, (u, v) in enumerate(((-0.12, 0.30), (0.10, 0.36), (-0.02, 0.52), (0.06, 0.62), (-0.05, 0.76), (0.18, 0.24))):
            grow = 0.016 * ramp(mood.bloom)
            canvas.ellipse(
                x + (u + bend(mood, 0.7) * v) * high, 0.86 - 0.03 * i - v * high, grow, grow, lighter(FLAG_COLORS[k % 5], 0.1)
            )
    bunting(stage, (0.06, 0.36), (0.94, 0.36), 0.09, 9)
    for x, yy, wide in ((0.13, 0.93, 0.16), (0.86, 0.95, 0.2), (0.5, 0.985, 0.25)):  # soft heaps
        canvas.glow(x, yy, wide, 0.035, (255, 255, 255), 0.55)


PLACES = (
    Place("snowy_village", draw_snowy_village, (0.46, 0.50), cold=True, floor=0.90),
    Place("farm", draw_farm, (0.49, 0.53), floor=0.91),
    Place("castle", draw_castle, (0.50, 0.54), floor=0.91),
)
