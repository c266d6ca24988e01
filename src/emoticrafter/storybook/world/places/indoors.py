"""The room."""

from __future__ import annotations

import math

from emoticrafter.storybook.world.atmosphere import sky_colors
from emoticrafter.storybook.world.canvas import Color, darker, lighter, mix
from emoticrafter.storybook.world.places.place import Place, UnitFrame, bend, coat, dusk, far, ramp, sprite, sway
from emoticrafter.storybook.world.places.scenery import FLAG_COLORS, LAMP, bare_tree, bunting, crack
from emoticrafter.storybook.world.stage import Stage

_PAPERS: tuple[Color, ...] = ((246, 222, 186), (206, 226, 238), (244, 210, 208), (212, 230, 204))
_CURTAINS: tuple[Color, ...] = ((92, 140, 206), (226, 104, 104), (120, 170, 110), (236, 166, 70))


def draw_room(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    paper, cloth = rng.randrange(4), rng.randrange(4)
    bed, tilt, lean, variant, rug = (
        rng.random() < 0.5,
        rng.uniform(0.5, 1.0),
        rng.uniform(-1, 1),
        rng.randrange(4),
        rng.randrange(5),
    )
    y = stage.horizon
    top, low = sky_colors(mood, stage.time)
    wall = mix(coat(mood, _PAPERS[paper]), low, 0.16)
    wall = mix(wall, (88, 96, 116), 0.45 * mood.sorrow)
    wall = mix(wall, (96, 26, 28), 0.6 * mood.terror)
    wall = mix(wall, (40, 44, 74), 0.30 * dusk(stage))
    canvas.graded([(0, 0), (1, 0), (1, y), (0, y)], lighter(wall, 0.10), darker(wall, 0.10))
    for i in range(6):  # wallpaper: stripes that lean with unease
        x = 0.085 + 0.17 * i
        slant = 0.05 * mood.terror * (-1) ** i
        canvas.polygon(
            [(x - 0.035, 0), (x + 0.035, 0), (x + 0.035 + slant, y), (x - 0.035 + slant, y)],
            lighter(wall, 0.10 + 0.10 * mood.bloom),
        )
    wood = mix(coat(mood, (206, 148, 96)), (60, 30, 28), 0.45 * mood.terror)
    canvas.graded([(0, y), (1, y), (1, 1), (0, 1)], lighter(wood, 0.06), darker(wood, 0.18))
    for i in range(9):
        u = (i - 4) / 4
        canvas.line([(0.5 + u * 0.62, y), (0.5 + u * 1.15, 1)], 0.009, darker(wood, 0.22))
    canvas.rectangle(0, y - 0.028, 1, y + 0.004, coat(mood, (250, 244, 232)))
    light = mix(mix(LAMP, (255, 240, 190), mood.joy), (255, 74, 36), 0.8 * mood.terror)
    shine = min(0.35 + 0.5 * dusk(stage) + 0.35 * mood.decay + 0.35 * mood.bloom, 1.0)
    win_x = 0.5 - side * 0.27
    _window(stage, win_x, 0.10, 0.33, 0.40, top, low, _CURTAINS[cloth], variant)
    canvas.glow(win_x + side * 0.10, 0.90, 0.34, 0.12, lighter(low, 0.2), 0.34 * (1 - mood.decay) * (1 - dusk(stage)))
    _picture(stage, 0.5 + side * 0.13, 0.16, sway(mood, tilt * side) * 1.7)
    colors = FLAG_COLORS[rug]
    rug_color = coat(mood, mix(colors, (236, 220, 200), 0.15))
    canvas.ellipse(0.5, 0.905, 0.40, 0.078, darker(rug_color, 0.18))
    canvas.ellipse(0.5, 0.902, 0.34, 0.062, lighter(rug_color, 0.45))
    canvas.ellipse(0.5, 0.902, 0.29, 0.050, rug_color)
    seat_x = 0.5 + side * 0.295
    canvas.shadow(seat_x, 0.845, 0.26)
    if bed:
        sprite(stage, "bed", seat_x, 0.85, 0.29, width=0.40, tilt=0.4 * sway(mood, lean), flip=side > 0)
    else:
        _couch(stage, seat_x, 0.85, lean, mix(_CURTAINS[cloth], (240, 220, 200), 0.1))
    lamp_x = 0.5 + side * 0.425
    swing = 5 * mood.thrill + 14 * mood.terror
    cord = UnitFrame(canvas, lamp_x - side * 0.06, 0.0, 180 + swing * side)
    for size in (0.46, 0.26):
        canvas.glow(*cord.at(0, 0.25), size, size, light, 0.42 * shine)
    cord.box(-0.006, 0, 0.006, 0.16, darker(wall, 0.5))
    shade = coat(mood, mix(_CURTAINS[(cloth + 1) % 4], light, 0.3 * shine))
    cord.polygon([(-0.032, 0.14), (0.032, 0.14), (0.085, 0.225), (-0.085, 0.225)], shade)
    cord.ellipse(0, 0.228, 0.055, 0.028, lighter(light, 0.4 * shine))
    _plant(stage, win_x - side * 0.175, 0.86)
    table = win_x + side * 0.03
    _chest(stage, table, 0.80, lean, coat(mood, (178, 120, 80)))
    sprite(stage, "book", table + side * 0.055, 0.667, 0.07, tilt=sway(mood, lean))
    flame = 0.55 * mood.calm + 0.45 * mood.decay
    canvas.glow(table - side * 0.05, 0.58, 0.14, 0.14, mix((255, 206, 110), (255, 90, 40), mood.terror), 0.7 * ramp(flame))
    sprite(stage, "candle", table - side * 0.05, 0.668, 0.125, view=lambda c: c)
    bunting(stage, (0.0, 0.05), (1.0, 0.04), 0.09, 10)
    grow = ramp(mood.bloom)
    sprite(stage, "teddy_bear", seat_x + side * 0.06, 0.80, 0.17 * grow)
    sprite(stage, "balloon", 0.5 + side * 0.20, 0.60 - 0.22 * mood.bloom, 0.20 * ramp(mood.elation), tilt=6)
    wallcrack = UnitFrame(canvas, 0.5 + side * 0.02, y - 0.03, 0, flip)
    crack(wallcrack, [(0.04, 0.66), (0.01, 0.60), (0.05, 0.53), (-0.01, 0.46), (0.03, 0.40)], mood.decay, darker(wall, 0.6))
    crack(wallcrack, [(0.42, 0.40), (0.37, 0.35), (0.40, 0.28), (0.35, 0.22)], mood.decay, darker(wall, 0.6))
    web = ramp(mood.decay, 0.1, 0.9)
    corner = 0.0 if side > 0 else 1.0
    if web > 0.05:
        for k in (0.12, 0.40, 0.72):
            canvas.line(
                [(corner, 0), (corner + side * 0.22 * web * math.cos(k * 1.57), 0.22 * web * math.sin(k * 1.57))],
                0.009,
                lighter(wall, 0.4),
            )
        for r in (0.09, 0.16):
            canvas.line(
                [(corner + side * r * web * math.cos(t * 1.57), r * web * math.sin(t * 1.57)) for t in (0, 0.25, 0.5, 0.75, 1)],
                0.009,
                lighter(wall, 0.4),
            )


def _window(
    stage: Stage, x: float, top: float, width: float, height: float, sky_top: Color, sky_low: Color, cloth: Color, variant: int
) -> None:
    mood, canvas = stage.mood, stage.canvas
    left, right, bottom = x - width / 2, x + width / 2, top + height
    trim = coat(mood, (252, 248, 240))
    canvas.glow(x, top + height / 2, width * 1.1, height * 0.95, sky_low, 0.40)
    canvas.rectangle(left - 0.022, top - 0.022, right + 0.022, bottom + 0.022, trim)
    canvas.graded([(left, top), (right, top), (right, bottom), (left, bottom)], sky_top, sky_low)
    hill = far(stage, mood.foliage((112, 184, 96)), 0.25)
    canvas.polygon(
        [
            (left, bottom - 0.09),
            (x - 0.04, bottom - 0.13),
            (x + 0.06, bottom - 0.09),
            (right, bottom - 0.12),
            (right, bottom),
            (left, bottom),
        ],
        hill,
    )
    night = stage.time == "night"
    orb = mix(mix((255, 236, 140), (248, 244, 220), 1.0 if night else mood.calm), (255, 90, 60), mood.terror)
    clear = 1 - 0.75 * mood.decay * (1 - mood.terror)
    canvas.glow(x + width * 0.22, top + 0.11, 0.11, 0.11, orb, 0.7 * clear)
    canvas.ball(x + width * 0.22, top + 0.11, 0.036, 0.036, orb, 0.1, clear)
    rain = mood.rain
    dead = ramp(mood.decay, 0.05, 0.7)
    if dead > 0.02:
        bare_tree(stage, x - width * 0.20, bottom - 0.01, 0.37, variant, dead)
    if rain > 0.03:
        color = mix((190, 206, 226), (240, 190, 170), mood.terror)
        for i in range(9):
            rx, ry = left + width * ((i * 0.37 + 0.1) % 1), top + height * ((i * 0.53 + 0.05) % 0.8)
            length = 0.075 * rain
            canvas.line([(rx, ry), (max(rx - 0.7 * max(mood.wind, 0) * length, left), ry + length)], 0.010, color)
    canvas.rectangle(x - 0.011, top, x + 0.011, bottom, trim)
    canvas.rectangle(left, top + height * 0.5 - 0.010, right, top + height * 0.5 + 0.010, trim)
    canvas.rectangle(left - 0.04, bottom + 0.012, right + 0.04, bottom + 0.038, lighter(trim, 0.3))
    cloth = coat(mood, cloth)
    blow = 0.10 * max(mood.wind, 0)
    for turn in (-1, 1):  # curtains blow in with the wind, and hang torn with decay
        edge = x + turn * (width / 2 + 0.055)
        inner = x + turn * width * (0.30 - 0.06 * mood.decay)
        ragged = 0.06 * mood.decay
        points = [
            (edge, top - 0.05),
            (inner - turn * 0.015, top - 0.05),
            (inner, top + height * 0.4),
            (edge - turn * 0.05 - blow, bottom + 0.06 - ragged),
            (edge - turn * 0.02 - blow, bottom + 0.06 + ragged * 0.3),
            (edge + turn * 0.025 - blow, bottom + 0.06 - ragged * 0.6),
        ]
        canvas.graded(points, lighter(cloth, 0.15), darker(cloth, 0.14))
        canvas.line(
            [(edge - turn * 0.035, top - 0.03), (edge - turn * 0.02 - blow, bottom + 0.03 - ragged)], 0.011, darker(cloth, 0.2)
        )
    canvas.line([(left - 0.085, top - 0.052), (right + 0.085, top - 0.052)], 0.020, coat(mood, (150, 104, 72)))


def _picture(stage: Stage, x: float, y: float, tilt: float) -> None:
    mood = stage.mood
    frame = UnitFrame(stage.canvas, x, y, tilt)
    wide, high = 0.17, 0.17
    frame.box(-wide / 2 - 0.004, -high - 0.008, wide / 2 + 0.01, 0.0, darker(coat(mood, (150, 104, 60)), 0.35))
    frame.box(-wide / 2, -high, wide / 2, 0.0, coat(mood, (222, 168, 84)))
    frame.box(-wide / 2 + 0.02, -high + 0.02, wide / 2 - 0.02, -0.02, mix((196, 226, 244), mood.sky_low, 0.4))
    at = frame.at(0, -high + 0.024)
    sprite(stage, "sunflower", at[0], at[1], 0.118, mood.foliage, tilt=tilt)


def _couch(stage: Stage, x: float, foot: float, lean: float, color: Color) -> None:
    """A couch with two cushions."""
    mood = stage.mood
    frame = UnitFrame(stage.canvas, x, foot, 0.4 * sway(mood, lean))
    cloth = coat(mood, color)
    for u in (-0.15, 0.15):
        frame.box(u - 0.016, 0, u + 0.016, 0.04, coat(mood, (96, 66, 50)))
    frame.graded(
        [(-0.185, 0.10), (0.185, 0.10), (0.185, 0.25), (0.16, 0.275), (-0.16, 0.275), (-0.185, 0.25)],
        lighter(cloth, 0.16),
        darker(cloth, 0.06),
    )
    frame.box(-0.006, 0.12, 0.006, 0.27, darker(cloth, 0.16))
    frame.graded([(-0.18, 0.03), (0.18, 0.03), (0.18, 0.13), (-0.18, 0.13)], lighter(cloth, 0.1), darker(cloth, 0.25))
    for u in (-0.185, 0.185):
        frame.ball(u, 0.115, 0.036, 0.085, darker(cloth, 0.06), 0.22)
    cushion = UnitFrame(stage.canvas, *frame.at(-0.10, 0.13), frame.lean - 10)
    cushion.box(-0.05, 0, 0.05, 0.09, coat(mood, mix(FLAG_COLORS[1], (255, 255, 255), 0.2)))
    stuffing = 0.03 * ramp(mood.decay)
    frame.ellipse(0.09, 0.135, stuffing * 1.3, stuffing * 0.7, coat(mood, (240, 236, 226)))


def _chest(stage: Stage, x: float, foot: float, lean: float, wood: Color) -> None:
    """A chest of drawers; one drawer hangs out with decay."""
    mood = stage.mood
    frame = UnitFrame(stage.canvas, x, foot, 0.4 * sway(mood, -lean))
    stage.canvas.shadow(x, foot, 0.15)
    frame.box(-0.115, 0, 0.115, 0.125, lighter(wood, 0.08), darker(wood, 0.2))
    frame.box(-0.13, 0.12, 0.13, 0.14, lighter(wood, 0.22))
    for i, v in enumerate((0.012, 0.066)):
        drawer = UnitFrame(stage.canvas, *frame.at(0, v), frame.lean + (9 * mood.decay if i else 0))
        drawer.box(-0.10, 0, 0.10, 0.045, darker(wood, 0.06), darker(wood, 0.14))
        drawer.ellipse(0, 0.023, 0.014, 0.010, coat(mood, (250, 214, 120)))


def _plant(stage: Stage, x: float, foot: float) -> None:
    """A pot plant: it flowers with bloom and hangs its leaves with decay."""
    mood = stage.mood
    frame = UnitFrame(stage.canvas, x, foot)
    stage.canvas.shadow(x, foot, 0.08)
    green = mood.foliage((84, 168, 92))
    droop = mood.decay
    for i, turn in enumerate((-1.0, -0.5, 0.0, 0.5, 1.0)):
        high = 0.20 - 0.04 * abs(turn) - 0.11 * droop * (0.4 + abs(turn))
        out = turn * (0.085 + 0.02 * droop) + 0.25 * bend(mood) * 0.3
        tip = (out, 0.08 + high - 0.10 * droop * abs(turn))
        frame.polygon(
            [
                (-0.014, 0.07),
                (out * 0.45 - 0.026, 0.08 + high * 0.62),
                tip,
                (out * 0.45 + 0.026, 0.08 + high * 0.55),
                (0.014, 0.07),
            ],
            lighter(green, 0.14) if i % 2 else darker(green, 0.06),
        )
        grow = 0.026 * ramp(mood.bloom)
        frame.ellipse(*tip, grow, grow, FLAG_COLORS[i % 5])
    pot = coat(mood, (206, 108, 74))
    frame.graded([(-0.045, 0), (0.045, 0), (0.06, 0.085), (-0.06, 0.085)], lighter(pot, 0.2), darker(pot, 0.25), horizontal=True)
    frame.box(-0.066, 0.075, 0.066, 0.098, lighter(pot, 0.1))


PLACES = (Place("room", draw_room, (0.66, 0.69), indoor=True, floor=0.92),)
