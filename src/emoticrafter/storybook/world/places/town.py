"""Street, harbour, night city, market."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from emoticrafter.storybook.world.canvas import Color, darker, lighter, mix
from emoticrafter.storybook.world.places.place import Place, UnitFrame, coat, dusk, far, ground, puddle, ramp, sprite, sway, water
from emoticrafter.storybook.world.places.scenery import (
    FLAG_COLORS,
    bunting,
    house,
    lamp,
)
from emoticrafter.storybook.world.stage import Stage

_WALLS: tuple[Color, ...] = ((236, 132, 104), (250, 206, 120), (134, 186, 220), (240, 178, 186), (160, 204, 160), (244, 232, 206))


_ROOFS: tuple[Color, ...] = ((172, 72, 66), (98, 96, 122), (150, 92, 70), (84, 118, 130))


def _road(stage: Stage, y: float, curb: float) -> None:
    """A pavement from `y` and a road with a dashed line from `curb` down."""
    mood, canvas = stage.mood, stage.canvas
    stone = coat(mood, (204, 196, 188))
    tar = coat(mood, (104, 108, 122))
    canvas.graded([(0, y), (1, y), (1, curb), (0, curb)], lighter(stone, 0.12), darker(stone, 0.04))
    for i in range(7):
        x = 0.5 + (i - 3) * 0.17
        canvas.line([(x, y), (0.5 + (x - 0.5) * 1.14, curb)], 0.009, darker(stone, 0.14))
    canvas.rectangle(0, curb, 1, curb + 0.018, lighter(stone, 0.35))
    canvas.graded([(0, curb + 0.018), (1, curb + 0.018), (1, 1), (0, 1)], darker(tar, 0.05), darker(tar, 0.25))
    middle = (curb + 1.03) / 2
    for i in range(5):
        x = -0.02 + 0.25 * i
        canvas.polygon(
            [(x, middle - 0.012), (x + 0.12, middle - 0.012), (x + 0.112, middle + 0.012), (x - 0.012, middle + 0.012)],
            coat(mood, (246, 238, 214)),
        )


def draw_street(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    order = rng.sample(range(len(_WALLS)), 5)
    roofs = [rng.randrange(len(_ROOFS)) for _ in range(5)]
    highs = [rng.uniform(0.9, 1.08) for _ in range(5)]
    leans = [rng.uniform(0.3, 1.0) * rng.choice((-1, 1)) for _ in range(5)]
    flip = rng.random() < 0.5
    base = 0.74
    canvas.graded(
        [(0, stage.horizon), (1, stage.horizon), (1, 1), (0, 1)],
        far(stage, (150, 160, 170), 0.6),
        far(stage, (130, 136, 146), 0.3),
    )
    # From the back to the front: the middle of the row is lower, so that the sky shows above the subject.
    for i in (2, 1, 3, 0, 4):
        x = (0.09, 0.30, 0.51, 0.72, 0.92)[i]
        high = (0.46, 0.36, 0.25, 0.35, 0.48)[i] * highs[i]
        house(
            stage,
            x,
            base,
            0.20,
            high,
            _WALLS[order[i]],
            _ROOFS[roofs[i]],
            leans[i] * 0.75,
            i == (4 if flip else 0),
            floors=3 if i in (0, 4) else 2,
        )
    for i, up in enumerate((0.26, 0.14)):
        bunting(stage, (0.02, up), (0.98, up + 0.04), 0.07, 9, mood.bloom if i == 0 else mood.elation, i * 2)
    _road(stage, base - 0.004, 0.82)
    lamp(stage, 0.175 if flip else 0.825, 0.825, 0.46, 0.5)
    puddle(stage, 0.18, 0.955, 0.13)
    puddle(stage, 0.84, 0.90, 0.09)
    pot = 0.84 if flip else 0.16
    canvas.polygon(
        [(pot - 0.05, 0.77), (pot + 0.05, 0.77), (pot + 0.036, 0.835), (pot - 0.036, 0.835)], coat(mood, (186, 104, 76))
    )
    sprite(stage, "tulip", pot, 0.78, 0.14 * (0.6 + 0.4 * mood.bloom) * (1 - mood.decay), mood.foliage)


def draw_harbour(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    crane_lean, boat, tower_lean = rng.uniform(0.3, 0.8), rng.uniform(-0.02, 0.02), rng.uniform(0.3, 0.7)
    y = stage.horizon
    light_x = 0.5 + side * 0.34
    # Quay with a crane, on the far side.
    steel = far(stage, coat(mood, (240, 170, 56)), 0.15)
    quay = UnitFrame(canvas, 0.5 - side * 0.30, y + 0.02, 0.0, flip)
    crane = UnitFrame(canvas, 0.5 - side * 0.20, y + 0.005, 0.8 * sway(mood, crane_lean), flip)
    crane.box(-0.028, 0, 0.028, 0.40, lighter(steel, 0.1), darker(steel, 0.1))
    for v in (0.06, 0.15, 0.24):
        crane.line([(-0.022, v - 0.025), (0.022, v + 0.025)], 0.013, darker(steel, 0.3))
    crane.line([(-0.25, 0.40), (0, 0.47), (0.10, 0.40)], 0.011, darker(steel, 0.35))
    crane.box(-0.26, 0.375, 0.11, 0.41, steel)
    crane.box(0.055, 0.335, 0.115, 0.40, darker(steel, 0.45))
    crane.box(-0.028, 0.315, 0.045, 0.38, coat(mood, (80, 140, 190)))
    crane.polygon([(-0.022, 0.40), (0.022, 0.40), (0, 0.475)], steel)
    rope = 0.05 * mood.thrill
    crane.line([(-0.20, 0.375), (-0.20 - rope, 0.245)], 0.0105, darker(steel, 0.5))
    crane.box(-0.25 - rope, 0.165, -0.15 - rope, 0.245, coat(mood, (214, 84, 72)))
    for i, (u, v) in enumerate(((-0.24, 0), (-0.13, 0), (-0.02, 0), (0.10, 0), (-0.18, 0.055), (0.05, 0.055))):
        quay.box(
            u - 0.052,
            0.01 + v,
            u + 0.052,
            0.063 + v,
            far(stage, coat(mood, FLAG_COLORS[i % 5]), 0.22),
            far(stage, coat(mood, darker(FLAG_COLORS[i % 5], 0.2)), 0.2),
        )
    quay.box(-0.32, -0.02, 0.18, 0.012, far(stage, coat(mood, (128, 124, 128)), 0.2))
    # Lighthouse on its rock.
    rock = UnitFrame(canvas, light_x, y + 0.06, 0, flip)
    stone = coat(mood, (118, 112, 116))
    rock.polygon([(-0.20, -0.02), (-0.13, 0.045), (-0.05, 0.075), (0.06, 0.08), (0.15, 0.04), (0.24, -0.02)], stone)
    rock.polygon([(0.02, -0.02), (0.06, 0.08), (0.15, 0.04), (0.24, -0.02)], darker(stone, 0.18))
    tower = UnitFrame(canvas, light_x, y, 0.45 * sway(mood, tower_lean), flip)
    light = mix((255, 240, 170), (255, 96, 40), mood.terror)
    shine = min(0.12 + 0.5 * dusk(stage) + 0.75 * mood.decay + 0.3 * mood.bloom, 1.0)
    for turn in (-1, 1):  # the beam
        with canvas.translucent(0.42 * shine):
            canvas.polygon([tower.at(0, 0.44), tower.at(turn * 1.0, 0.44 + 0.10), tower.at(turn * 1.0, 0.44 - 0.07)], light)
    white, red = coat(mood, (252, 250, 246)), coat(mood, (222, 62, 62))
    for i in range(5):
        low, high = 0.078 * i, 0.078 * (i + 1)
        w0, w1 = 0.072 - 0.026 * i / 5, 0.072 - 0.026 * (i + 1) / 5
        color = red if i % 2 else white
        tower.graded(
            [(-w0, low), (w0, low), (w1, high + 0.003), (-w1, high + 0.003)],
            lighter(color, 0.08),
            darker(color, 0.26),
            horizontal=True,
        )
    tower.box(-0.062, 0.388, 0.062, 0.406, darker(stone, 0.3))
    tower.box(-0.036, 0.405, 0.036, 0.465, mix((190, 214, 226), light, 0.35 + 0.65 * shine))
    tower.polygon([(-0.052, 0.462), (0.052, 0.462), (0, 0.535)], red)
    tower.glow(0, 0.435, 0.16, 0.16, light, 0.75 * shine)
    tower.box(-0.018, 0.0, 0.018, 0.05, darker(stone, 0.4))
    water(stage, y + 0.045, 0.80, rows=4)
    rock_boat = 8 * mood.thrill + 9 * mood.terror
    sprite(stage, "sailboat", 0.5 - side * 0.36 + boat, y + 0.20, 0.26, tilt=-rock_boat * side, flip=flip, keep=0.81)
    sprite(stage, "ship", 0.5 + side * 0.12, y + 0.085, 0.14, tilt=0.5 * rock_boat * side, flip=not flip, keep=0.92)
    bunting(stage, (0.5 - side * 0.36 + boat, y - 0.08), (light_x, y - 0.36), 0.03, 9)
    _pier(stage, 0.785, rng.random())


def _pier(stage: Stage, top: float, chance: float) -> None:
    mood, canvas = stage.mood, stage.canvas
    wood = coat(mood, (178, 130, 84))
    canvas.graded([(0, top), (1, top), (1, 1), (0, 1)], lighter(wood, 0.16), darker(wood, 0.12))
    canvas.rectangle(0, top, 1, top + 0.014, darker(wood, 0.38))
    for i in range(11):
        u = (i - 5) / 5 * 1.0
        canvas.line([(0.5 + u * 0.62, top + 0.012), (0.5 + u * 1.05, 1.0)], 0.009, darker(wood, 0.30))
    gap = ramp(mood.decay, 0.05, 0.9)
    for x, wide in ((0.14, 0.05), (0.86, 0.06)):  # planks are missing
        if gap > 0.05:
            canvas.polygon(
                [(x, top + 0.07), (x + wide * gap, top + 0.07), (x + wide * gap * 1.05, top + 0.16), (x - 0.005, top + 0.16)],
                (34, 36, 46),
            )
    for i, x in enumerate((0.07, 0.31, 0.69, 0.93)):
        post = UnitFrame(canvas, x, top + 0.045, 1.6 * sway(mood, (-0.6, 0.5, -0.4, 0.7)[i]))
        post.graded(
            [(-0.026, 0), (0.026, 0), (0.026, 0.12), (-0.026, 0.12)], lighter(wood, 0.05), darker(wood, 0.45), horizontal=True
        )
        post.ellipse(0, 0.12, 0.026, 0.010, lighter(wood, 0.25))
        post.box(-0.028, 0.055, 0.028, 0.08, coat(mood, (238, 226, 196)))
    ring = UnitFrame(canvas, 0.93 if chance < 0.5 else 0.07, top + 0.055)
    for k in range(8):  # a life buoy
        t0, t1 = math.radians(45 * k), math.radians(45 * (k + 1))
        points = [(0.036 * math.cos(t), 0.036 * math.sin(t)) for t in (t0, (t0 + t1) / 2, t1)]
        ring.line(points, 0.022, coat(mood, (230, 66, 60) if k % 2 else (250, 248, 242)))


@lru_cache(maxsize=1024)
def _chances(seed: int) -> np.ndarray:
    """When each window of a tower lights up, (rows, columns) in 0..1."""
    return np.random.default_rng(seed).random((16, 4))


def _tower(
    stage: Stage,
    x: float,
    foot: float,
    width: float,
    height: float,
    color: Color,
    seed: int,
    lean: float,
    columns: int,
    lit: float,
) -> UnitFrame:
    """A skyscraper; the share `lit` of its windows shines."""
    mood, canvas = stage.mood, stage.canvas
    frame = UnitFrame(canvas, x, foot, 0.55 * sway(mood, lean), stretch=1 + 0.06 * mood.thrill)
    half = width / 2
    frame.graded(
        [(-half, 0), (half, 0), (half, height), (-half, height)], lighter(color, 0.10), darker(color, 0.25), horizontal=True
    )
    rows = min(max(int(height / 0.062), 3), 16)
    warm = mix((255, 214, 110), mix((255, 120, 190), (110, 226, 255), (seed % 7) / 6), 0.30 * mood.elation)
    warm = mix(warm, (255, 84, 40), 0.85 * mood.terror)
    dark = mix(darker(color, 0.45), (24, 26, 44), 0.5)
    wide, high = width / (columns + 0.5), (height - 0.02) / rows
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    spots = np.stack([-half + wide * (column + 0.75), height - 0.018 - high * (row + 0.5)], axis=-1).reshape(-1, 2)
    panes = frame.boxes(spots, wide * 0.64, high * 0.60)
    # Windows light up one by one, in as many steps of brightness as can be told apart.
    shine = np.clip((lit - _chances(seed)[:rows, :columns].ravel()) * 5 + 0.5, 0, 1)
    steps = np.round(shine * 16).astype(int)
    for step in set(steps.tolist()):
        canvas.polygons(panes[steps == step], mix(dark, warm, step / 16))
    return frame


def draw_night_city(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    towers = [(rng.uniform(0.9, 1.1), rng.randrange(1000), rng.uniform(0.3, 1.0) * rng.choice((-1, 1))) for _ in range(8)]
    stars = [(rng.uniform(0.03, 0.97), rng.uniform(0.02, 0.34), rng.uniform(0.7, 1.3)) for _ in range(14)]
    bursts = [
        (rng.uniform(0.1, 0.3), rng.uniform(0.12, 0.2)),
        (rng.uniform(0.7, 0.9), rng.uniform(0.1, 0.2)),
        (rng.uniform(0.45, 0.58), rng.uniform(0.06, 0.1)),
    ]
    flip = rng.random() < 0.5
    # It is always night here: the sky of the day shines through a little.
    top = mix((12, 14, 46), mood.sky_top, 0.16)
    low = mix(mix((66, 52, 116), (146, 70, 130), mood.joy), mood.sky_low, 0.22)
    with canvas.translucent(0.93):
        canvas.graded([(0, 0), (1, 0), (1, 0.82), (0, 0.82)], top, low)
    shine = (1 - 0.8 * mood.decay) * (0.8 + 0.3 * mood.thrill)
    for x, at, size in stars:
        canvas.ellipse(x, at, 0.007 * size * shine, 0.007 * size * shine, (255, 246, 214))
    moon = 0.36 if flip else 0.64
    pale = mix((255, 244, 206), (255, 92, 60), 0.8 * mood.terror)
    canvas.glow(moon, 0.13, 0.22, 0.22, pale, 0.5)
    canvas.ball(moon, 0.13, 0.064, 0.064, pale, 0.12)
    for dx, dy, size in ((0.02, -0.014, 0.015), (-0.022, 0.018, 0.012), (0.012, 0.028, 0.009)):
        canvas.ellipse(moon + dx, 0.13 + dy, size, size * 0.9, darker(pale, 0.14))
    for i, (x, at) in enumerate(bursts):  # fireworks
        size = mood.elation * (0.15 - 0.02 * i)
        if size > 0.012:
            color = FLAG_COLORS[(i * 2 + 1) % 5]
            canvas.glow(x, at, size, size, color, 0.55)
            for k in range(10):
                t = math.radians(36 * k + 10 * i)
                dx, dy = math.cos(t), math.sin(t)
                canvas.line(
                    [(x + dx * size * 0.35, at + dy * size * 0.35), (x + dx * size * 0.85, at + dy * size * 0.85 + size * 0.08)],
                    0.012,
                    lighter(color, 0.25),
                )
                canvas.ellipse(x + dx * size * 0.95, at + dy * size * 0.95 + size * 0.12, 0.012, 0.012, lighter(color, 0.6))
    lit = 0.50 + 0.32 * mood.bloom + 0.22 * mood.thrill * (1 - mood.gloom) - 0.38 * mood.decay - 0.16 * mood.calm
    base = 0.80
    for i, x in enumerate((0.30, 0.52, 0.70)):  # the far row
        scale, seed, lean = towers[i]
        _tower(stage, x, base, 0.17, (0.44, 0.33, 0.40)[i] * scale, mix((54, 52, 96), low, 0.35), seed, lean * 0.4, 3, lit * 0.8)
    paints = ((60, 66, 118), (82, 58, 112), (46, 78, 120), (70, 52, 96))
    for i, (x, wide, high) in enumerate(((0.115, 0.23, 0.62), (0.885, 0.23, 0.56), (0.30, 0.15, 0.35), (0.715, 0.14, 0.30))):
        scale, seed, lean = towers[3 + i]
        frame = _tower(stage, x, base, wide, high * scale, coat(mood, paints[i]), seed, lean, 4 if wide > 0.2 else 3, lit)
        tip = high * scale
        if i == 0:
            frame.line([(0, tip), (0, tip + 0.10)], 0.013, (58, 60, 92))
            frame.ellipse(0, tip + 0.10, 0.014, 0.014, (255, 70, 70))
        elif i == 1:
            frame.polygon(
                [(-wide / 2, tip - 0.002), (wide / 2, tip - 0.002), (0, tip + 0.09)], coat(mood, darker(paints[1], 0.2))
            )
    neon = 0.35 + 0.65 * mood.bloom - 0.2 * mood.decay
    for x, at, color in ((0.225, 0.52, (255, 84, 170)), (0.775, 0.55, (70, 226, 255))):  # shop signs
        color = mix(mix((70, 66, 92), color, neon), (255, 60, 40), 0.6 * mood.terror)
        canvas.glow(x, at + 0.06, 0.11, 0.14, color, 0.55 * neon)
        sign = UnitFrame(canvas, x, at + 0.12, sway(mood, 0.8 if x < 0.5 else -0.8))
        sign.box(-0.027, 0, 0.027, 0.13, darker(color, 0.45))
        for v in (0.012, 0.052, 0.092):
            sign.box(-0.016, v, 0.016, v + 0.026, lighter(color, 0.25))
    canvas.graded([(0, base), (1, base), (1, 1), (0, 1)], mix((30, 32, 60), mix(low, (255, 190, 120), 0.3), 0.25), (32, 34, 62))
    canvas.rectangle(0, 0.848, 1, 0.862, (92, 90, 124))
    for i in range(5):
        x = -0.02 + 0.25 * i
        canvas.polygon([(x, 0.925), (x + 0.12, 0.925), (x + 0.112, 0.947), (x - 0.012, 0.947)], (206, 190, 130))
    wet = 0.2 + 0.35 * mood.calm + 0.35 * mood.rain
    for x, color in (
        (0.12, (255, 204, 110)),
        (0.88, (255, 204, 110)),
        (0.24, (255, 84, 170)),
        (0.77, (70, 226, 255)),
    ):  # lights on the wet road
        canvas.glow(x, 0.90, 0.055, 0.11, mix(color, (255, 70, 40), 0.7 * mood.terror), wet * (1 - 0.4 * mood.decay))
    lamp(stage, 0.655 + 0.17 * (1 - flip) if not flip else 0.345 - 0.17, 0.85, 0.36, 0.5)


_GOODS = (("apple", "melon", "grapes"), ("carrot", "banana", "bread"))


def _stall(
    stage: Stage, x: float, foot: float, width: float, color: Color, goods: tuple[str, ...], lean: float, chance: float
) -> None:
    """A market stall with a striped awning; its crates empty with decay."""
    mood = stage.mood
    frame = UnitFrame(stage.canvas, x, foot, 0.8 * sway(mood, lean), stretch=1 + 0.04 * mood.elation)
    half = width / 2
    wood = coat(mood, (166, 116, 72))
    stage.canvas.shadow(x, foot, half * 1.2)
    frame.box(-half * 0.9, 0.15, half * 0.9, 0.40, darker(mix(wood, (60, 50, 60), 0.45), 0.15))
    for u in (-half * 0.92, half * 0.92):
        frame.box(u - 0.013, 0, u + 0.013, 0.44, wood)
    full = 1 - 0.85 * ramp(mood.decay, 0.0, 0.9)
    size = 0.118 * (0.90 + 0.16 * mood.bloom) * full
    for i, name in enumerate(goods):  # a row behind and a row before
        for k in range(2):
            u = half * (-0.58 + 0.58 * i) + 0.022 * (k - 0.5)
            at = frame.at(u, 0.175 - 0.035 * k)
            tilt = 9 * (k * 2 - 1) * (0.4 + mood.thrill)
            sprite(stage, name, at[0], at[1], size, lambda c: mix(c, (104, 96, 84), 0.6 * mood.decay), tilt=tilt)
    frame.graded([(-half, 0), (half, 0), (half, 0.14), (-half, 0.155)], lighter(wood, 0.12), darker(wood, 0.2))
    for i in range(1, 4):
        frame.box(-half, 0.038 * i - 0.004, half, 0.038 * i + 0.005, darker(wood, 0.32))
    stripes = 6
    paints = (coat(mood, color), coat(mood, (254, 250, 242)))
    torn = ramp(mood.decay, 0.1, 1.0)
    for i in range(stripes):
        u0, u1 = -half * 1.14 + 2.28 * half * i / stripes, -half * 1.14 + 2.28 * half * (i + 1) / stripes
        paint_color = paints[i % 2]
        hang = 0.345 + (0.07 * torn if (i + int(chance * 6)) % 3 == 0 else 0.02 * torn)
        frame.graded(
            [(u0 * 0.80, 0.52), (u1 * 0.80, 0.52), (u1, hang + 0.045), (u0, hang + 0.045)],
            lighter(paint_color, 0.14),
            darker(paint_color, 0.08),
        )
        middle = (u0 + u1) / 2
        flap = 0.040 * (1 - mood.thrill * 0.2)
        point = 0.5 * mood.thrill  # scallops sharpen into points
        tip = [
            (u0, hang + 0.047),
            (u0 + (middle - u0) * (0.1 + point), hang + 0.047 - flap * 0.8),
            (middle, hang + 0.047 - flap * 1.15),
            (u1 - (u1 - middle) * (0.1 + point), hang + 0.047 - flap * 0.8),
            (u1, hang + 0.047),
        ]
        frame.polygon(tip, darker(paint_color, 0.06))


def draw_market(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    colors = rng.sample(((226, 62, 66), (52, 140, 206), (70, 166, 96), (240, 150, 48)), 3)
    walls = rng.sample(range(len(_WALLS)), 3)
    leans = [rng.uniform(0.35, 0.9) * rng.choice((-1, 1)) for _ in range(5)]
    chances = [rng.random() for _ in range(3)]
    stone = coat(mood, (214, 196, 170))
    ground(stage, stage.horizon, stone, 0.14)
    base = stage.horizon + 0.06
    for i, x in enumerate((0.34, 0.64, 0.49)):
        house(
            stage,
            x,
            base + 0.02,
            0.19,
            0.20 + 0.03 * i,
            far(stage, _WALLS[walls[i]], 0.25),
            far(stage, _ROOFS[i], 0.25),
            leans[i] * 0.6,
            i == 2,
            floors=2,
        )
    for i in range(5):  # cobbles
        yy = 0.745 + 0.055 * i
        canvas.line([(0, yy), (1, yy)], 0.008, darker(stone, 0.13))
        for k in range(6):
            x = (k + 0.5 * (i % 2)) / 5.5
            canvas.line([(x, yy), (0.5 + (x - 0.5) * 1.07, yy + 0.055)], 0.008, darker(stone, 0.13))
    for i in range(2):
        bunting(stage, (0.02, 0.12 + 0.12 * i), (0.98, 0.14 + 0.10 * i), 0.08, 9, mood.bloom if i == 0 else mood.elation, i * 2)
    near = 0 if flip else 1
    _stall(stage, 0.165, 0.80, 0.34, colors[0], _GOODS[near], leans[3] * 0.7, chances[0])
    _stall(stage, 0.835, 0.80, 0.34, colors[1], _GOODS[1 - near], leans[4] * 0.7, chances[1])
    full = 1 - 0.8 * ramp(mood.decay)
    for x, fruit in ((0.10, "apple"), (0.90, "carrot")):
        canvas.shadow(x, 0.945, 0.12)
        for k, u in enumerate((-0.035, 0.035, 0.0)):
            sprite(stage, fruit, x + u, 0.885 - 0.022 * (k == 2), 0.085 * full, lambda c: mix(c, (104, 96, 84), 0.6 * mood.decay))
        crate = UnitFrame(canvas, x, 0.945, 1.2 * sway(mood, chances[2] - 0.5))
        wood = coat(mood, (190, 140, 88))
        crate.graded([(-0.085, 0), (0.085, 0), (0.092, 0.085), (-0.092, 0.085)], lighter(wood, 0.1), darker(wood, 0.15))
        crate.box(-0.09, 0.036, 0.09, 0.05, darker(wood, 0.35))
    puddle(stage, 0.36, 0.965, 0.10)


PLACES = (
    Place("street", draw_street, (0.52, 0.56), floor=0.91),
    Place("harbour", draw_harbour, (0.46, 0.50), floor=0.91),
    Place("night_city", draw_night_city, (0.58, 0.62), floor=0.92),
    Place("market", draw_market, (0.52, 0.55), floor=0.91),
)
