"""Beach, forest, lake, meadow, desert."""

from __future__ import annotations

import math

from emoticrafter.storybook.world.atmosphere import sky_colors
from emoticrafter.storybook.world.canvas import Color, darker, lighter, mix
from emoticrafter.storybook.world.places.place import (
    Place,
    UnitFrame,
    bend,
    coat,
    far,
    ground,
    hills,
    path,
    ramp,
    sprite,
    sway,
    water,
    water_colors,
)
from emoticrafter.storybook.world.places.scenery import bark, flowers, mountains, tree, tufts
from emoticrafter.storybook.world.stage import Stage


def grass_color(stage: Stage) -> Color:
    return stage.mood.foliage((104, 178, 84))


def draw_beach(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    boat_x, lean, shells = rng.uniform(0.12, 0.3), rng.uniform(0.3, 1.0), [rng.uniform(-0.03, 0.03) for _ in range(4)]
    shore = rng.uniform(0.70, 0.74)
    y = stage.horizon
    water(stage, y, shore + 0.04, rows=4)
    rock = 7 * mood.thrill * math.sin(9 * boat_x)
    sprite(
        stage,
        "sailboat",
        0.5 - side * (0.5 - boat_x),
        y + 0.045,
        0.18 * (1 - 0.25 * mood.decay),
        tilt=rock + 14 * mood.terror,
        flip=flip,
        keep=0.81,
    )
    # The sand, with a seam of foam that the swell drives up.
    sand = coat(mood, mix((244, 214, 150), (168, 142, 110), 0.45 * mood.decay))
    reach = 0.015 + 0.03 * mood.wave
    edge = []
    for i in range(25):
        x = i / 24
        scallop = abs(math.sin(math.pi * (2.6 * x + lean))) ** (0.8 + 0.8 * mood.wave)
        edge.append((x, shore + 0.02 * math.sin(5 * x + 7 * lean) + reach * (scallop - 0.5) * 1.6))
    wet = mix(sand, water_colors(stage)[1], 0.38)
    canvas.polygon([*edge, (1, 1), (0, 1)], mix((255, 255, 255), sky_colors(mood, stage.time)[1], 0.2 + 0.25 * mood.decay))
    canvas.polygon([*[(x, at + 0.014 + 0.016 * mood.wave) for x, at in edge], (1, 1), (0, 1)], wet)
    canvas.graded(
        [*[(x, at + 0.045 + 0.016 * mood.wave) for x, at in edge], (1, 1), (0, 1)],
        lighter(sand, 0.18),
        darker(sand, 0.08),
    )
    for i, (u, name) in enumerate(
        ((0.10, (240, 120, 110)), (0.24, (250, 236, 214)), (0.83, (244, 150, 96)), (0.70, (252, 226, 200)))
    ):
        grow = 0.016 * (0.5 + 0.7 * mood.bloom) * (1 - 0.7 * mood.decay)
        canvas.ellipse(u + shells[i], 0.955 + 0.5 * shells[i], grow * 1.3, grow, name)
    # Palm and parasol on either side.
    palm_x, sun_x = 0.5 + side * 0.37, 0.5 - side * 0.35
    canvas.shadow(palm_x, 0.835, 0.15)
    lean_palm = -4 * side + 2.5 * sway(mood, -0.6) * 0.5
    sprite(
        stage,
        "palm",
        palm_x,
        0.84,
        0.66,
        mood.foliage,
        width=0.50 * (1 - 0.16 * mood.decay),
        tilt=lean_palm,
        bend=bend(mood, 1.3),
        flip=flip,
    )
    canvas.shadow(sun_x, 0.90, 0.17)
    sprite(stage, "parasol", sun_x, 0.905, 0.31 * (0.94 + 0.14 * mood.bloom), tilt=26 * mood.decay * lean * -side, flip=flip)
    if mood.bloom > 0.03:
        sprite(stage, "ball", 0.5 + side * 0.22, 0.90, 0.10 * ramp(mood.bloom), tilt=20)
    for u, turn in ((0.20, 20), (0.78, -30)):  # driftwood
        log = UnitFrame(canvas, u, 0.955, turn * 0.2)
        size = 0.10 * ramp(mood.decay, 0.05, 0.9)
        if size > 0.015:
            log.line([(-size, 0), (size * 0.4, 0.004), (size, size * 0.4)], 0.022, darker(bark(stage), 0.1))


def _trunk(stage: Stage, x: float, foot: float, width: float, lean: float, knot: float, distance: float = 0.0) -> None:
    """A big trunk that runs out of the picture at the top."""
    mood = stage.mood
    frame = UnitFrame(stage.canvas, x, foot, lean + 0.4 * sway(mood, lean * 0.4))
    color = far(stage, mix((122, 84, 58), bark(stage), 0.2 + 0.8 * mood.decay), distance)
    w = width / 2
    stage.canvas.shadow(x, foot, width * 1.25, 0.5)
    frame.graded(
        [
            (-w * 1.7, -0.012),
            (-w * 0.9, 0.09),
            (-w * 0.8, 1.1),
            (w * 0.8, 1.1),
            (w * 0.9, 0.09),
            (w * 1.7, -0.012),
            (w * 0.5, 0.012),
            (-w * 0.4, -0.004),
        ],
        lighter(color, 0.22),
        darker(color, 0.34),
        horizontal=True,
    )
    if width > 0.09:
        frame.ellipse(w * 0.1, 0.30 + knot, w * 0.34, w * 0.52, darker(color, 0.42))
        frame.ellipse(w * 0.1, 0.30 + knot, w * 0.20, w * 0.34, darker(color, 0.62))
        reach = 0.10 + 0.12 * mood.decay
        for side, v in ((1, 0.52 + knot), (-1, 0.62)):
            tip = (side * (w + reach), v + 0.13 * (1 - mood.gloom * 0.6) + 0.02)
            frame.polygon(
                [(side * w * 0.6, v - 0.035), (side * (w + reach * 0.5), v + 0.035), tip, (side * w * 0.6, v + 0.03)], color
            )


def draw_forest(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    back = [(rng.uniform(-0.03, 0.03), rng.uniform(0.85, 1.15), rng.randrange(4)) for _ in range(5)]
    middle = [(rng.uniform(-0.02, 0.02), rng.uniform(0.9, 1.1), rng.randrange(4)) for _ in range(4)]
    big = [(rng.uniform(-0.02, 0.02), rng.uniform(-2.5, 2.5), rng.uniform(-0.03, 0.05)) for _ in range(2)]
    eyes = [(rng.uniform(0.02, 0.98), rng.uniform(-0.13, -0.02)) for _ in range(5)]
    y = stage.horizon
    leaf = grass_color(stage)
    # A wall of far woods closes the view.
    hills(
        stage, y + 0.02, 0.10, back[0][1], far(stage, darker(leaf, 0.25), 0.55), far(stage, darker(leaf, 0.3), 0.35), length=0.22
    )
    ground(stage, y, mix(leaf, (96, 104, 58), 0.45), shade=0.30)
    for i, (shift, scale, variant) in enumerate(back):
        tree(stage, 0.10 + 0.20 * i + shift, y + 0.03 + 0.01 * (i % 2), 0.36 * scale, variant, "pine", (40, 110, 90), 0.42)
    path(stage, 0.5, y + 0.03, 0.5, 0.42, coat(mood, (198, 166, 116)), 0.18)
    for i, (shift, scale, variant) in enumerate(middle):
        x = (0.13, 0.87, 0.27, 0.73)[i]
        tree(
            stage,
            x + shift,
            y + 0.13 - 0.035 * (i // 2),
            (0.62 - 0.10 * (i // 2)) * scale,
            variant + i,
            "tree" if i == int(flip) else "pine",
            (70, 150, 70),
            0.12,
        )
    gleam = ramp(mood.terror, 0.1, 0.8)
    for x, up in eyes:  # something looks back
        for side in (-1, 1):
            canvas.ellipse(x + side * 0.022, y + up, 0.016 * gleam, 0.012 * gleam, (255, 214, 80))
    tufts(stage, rng, 10, y + 0.14, 0.98, leaf, 0.06)
    for side, (shift, lean, knot) in zip((0, 1), big, strict=True):
        _trunk(stage, (0.065, 0.935)[side] + shift, 0.90 + 0.02 * (side ^ flip), 0.17 - 0.02 * side, lean, knot)
    # Their crowns hang into the picture from above.
    leaves = 1 - ramp(mood.decay, 0.15, 0.9)
    crown = darker(mood.foliage((72, 150, 70)), 0.08)
    for i, (x, at, size) in enumerate(
        ((-0.02, 0.02, 0.19), (0.17, -0.03, 0.15), (1.02, 0.03, 0.19), (0.84, -0.03, 0.15), (0.0, 0.17, 0.11), (1.0, 0.16, 0.10))
    ):
        shift = bend(mood, 0.25)
        canvas.ball(x + shift, at, size, size * 0.78, lighter(crown, 0.07 * (i % 3)), 0.26, leaves)
    flowers(stage, rng, 4, 0.88, 0.97, 0.10, ("mushroom", "blossom"), 0.75, 0.30)


def draw_lake(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    mountains(stage, rng, stage.horizon + 0.01, 0.36, (98, 118, 156))
    trees = [(rng.uniform(-0.02, 0.02), rng.uniform(0.9, 1.1), rng.randrange(4)) for _ in range(5)]
    boat_x = rng.uniform(0.18, 0.24)
    y = stage.horizon
    leaf = grass_color(stage)
    hills(
        stage,
        y + 0.012,
        0.035,
        trees[0][1],
        far(stage, darker(leaf, 0.1), 0.4),
        far(stage, darker(leaf, 0.3), 0.2),
        y + 0.02,
        0.45,
    )
    for i, (shift, scale, variant) in enumerate(trees):
        tree(
            stage,
            0.5 + side * (0.30 + 0.095 * i - 0.14 * (i // 3)) + shift,
            y + 0.012,
            (0.15 + 0.03 * (i % 3)) * scale,
            variant,
            "pine",
            (40, 120, 96),
            0.25,
        )
    bottom = 0.88
    water(stage, y + 0.01, bottom, deep=(30, 118, 170))
    rock = 9 * mood.thrill + 8 * mood.terror
    sprite(stage, "sailboat", 0.5 - side * (0.5 - boat_x), y + 0.13, 0.23, tilt=-rock * side, flip=flip, keep=0.81)
    # The near shore with a jetty.
    edge = [(i / 16, 0.835 + 0.018 * math.sin(7 * i / 16 + 5 * boat_x)) for i in range(17)]
    canvas.graded(
        [*[(x, at - 0.012) for x, at in edge], (1, 1), (0, 1)],
        lighter(coat(mood, (226, 206, 160)), 0.1),
        coat(mood, (206, 184, 138)),
    )
    canvas.graded([*[(x, at + 0.018) for x, at in edge], (1, 1), (0, 1)], lighter(leaf, 0.12), darker(leaf, 0.16))
    wood = coat(mood, (168, 122, 80))
    frame = UnitFrame(canvas, 0.5 + side * 0.36, 0.90, 0.5 * sway(mood, 0.5), flip)
    for u, v in ((-0.10, 0.17), (0.07, 0.17), (-0.14, 0.06), (0.09, 0.06)):
        frame.box(u - 0.012, v - 0.08, u + 0.012, v + 0.045, darker(wood, 0.3))
    frame.graded([(-0.16, 0), (0.12, 0), (0.065, 0.19), (-0.095, 0.19)], lighter(wood, 0.14), darker(wood, 0.05))
    for v in (0.045, 0.09, 0.135):
        frame.box(-0.15 + v * 0.33, v - 0.005, 0.11 - v * 0.33, v + 0.005, darker(wood, 0.28))
    reed = mood.foliage((96, 150, 84))
    for i in range(6):
        x = 0.5 - side * (0.26 + 0.042 * i)
        high = (0.12 + 0.05 * (i % 3)) * (0.85 + 0.4 * mood.thrill)
        tip = (x + bend(mood, 1.6) * high, 0.90 - high)
        canvas.line([(x, 0.91), tip], 0.012, darker(reed, 0.15 * (i % 2)))
        canvas.ellipse(tip[0], tip[1], 0.010, 0.026, coat(mood, (122, 80, 52)))
    flowers(stage, rng, 5, 0.91, 0.985, 0.085, least=0.3)


def draw_meadow(stage: Stage) -> None:
    mood = stage.mood
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    phase, oak, variant = rng.random(), rng.uniform(0.80, 0.86), rng.randrange(4)
    y = stage.horizon
    leaf = grass_color(stage)
    hills(stage, y + 0.03, 0.11, phase, far(stage, darker(leaf, 0.1), 0.55), far(stage, leaf, 0.4), length=0.75)
    hills(stage, y + 0.08, 0.085, phase + 0.45, far(stage, lighter(leaf, 0.1), 0.25), far(stage, leaf, 0.15), length=0.9)
    tree(stage, 0.5 + side * (oak - 0.5), y + 0.075, 0.46, variant)
    hills(stage, y + 0.16, 0.05, phase + 0.2, lighter(leaf, 0.14), darker(leaf, 0.22), length=1.3)
    rows = stage.rng("flowers")
    dots = mood.bloom * 0.6 + 0.4 * (1 - ramp(mood.decay, 0, 0.5))
    for _ in range(26):  # a carpet of far flowers
        x, t, kind = rows.random(), rows.random(), rows.randrange(4)
        size = (0.006 + 0.010 * t) * dots
        stage.canvas.ellipse(
            x + bend(mood, 0.1),
            y + 0.16 + 0.16 * t,
            size,
            size * 0.85,
            ((255, 214, 74), (255, 255, 255), (240, 110, 160), (180, 120, 230))[kind],
        )
    tufts(stage, rng, 16, y + 0.22, 0.98, leaf, 0.075)
    flowers(stage, rng, 9, 0.76, 0.985, 0.20, ("tulip", "sunflower", "blossom", "hibiscus"), 0.62)


def draw_desert(stage: Stage) -> None:
    mood, canvas = stage.mood, stage.canvas
    rng = stage.rng("place")
    flip = rng.random() < 0.5
    side = -1 if flip else 1
    phase, small, size = rng.random(), rng.uniform(0.10, 0.17), rng.uniform(0.95, 1.05)
    y = stage.horizon
    sand = coat(mood, mix((240, 184, 104), (150, 112, 88), 0.5 * mood.decay))
    sand = mix(sand, (150, 62, 36), 0.45 * mood.terror)
    rock = far(stage, coat(mood, (206, 112, 74)), 0.22)
    for x, wide, high in (
        (0.5 - side * 0.31, 0.20, 0.27),
        (0.5 - side * 0.04, 0.10, 0.15),
        (0.5 + side * 0.46, 0.13, 0.19),
    ):  # mesas
        frame = UnitFrame(canvas, x, y + 0.03, 0.25 * sway(mood, 0.6), flip, 1 + 0.12 * mood.thrill - 0.08 * mood.calm)
        frame.graded(
            [
                (-wide, 0),
                (-wide * 0.66, high * 0.5),
                (-wide * 0.6, high),
                (wide * 0.55, high),
                (wide * 0.6, high * 0.55),
                (wide, 0),
            ],
            lighter(rock, 0.16),
            darker(rock, 0.12),
        )
        frame.polygon(
            [(wide * 0.1, high), (wide * 0.55, high), (wide * 0.6, high * 0.55), (wide, 0), (wide * 0.3, 0)], darker(rock, 0.2)
        )
        frame.polygon(
            [(-wide * 0.64, high * 0.66), (wide * 0.58, high * 0.62), (wide * 0.57, high * 0.74), (-wide * 0.63, high * 0.78)],
            darker(rock, 0.26),
        )
    for i, (at, high, length) in enumerate(((0.05, 0.075, 0.85), (0.14, 0.07, 1.1), (0.26, 0.06, 1.5))):  # dunes
        crest = far(stage, lighter(sand, 0.22 - 0.04 * i), 0.30 - 0.12 * i)
        hills(stage, y + at, high, phase + 0.37 * i, crest, darker(sand, 0.04 + 0.08 * i), length=length)
    ripple = darker(sand, 0.14)
    for i in range(4):  # ripples in the sand
        yy = 0.80 + 0.052 * i
        points = [(j / 12, yy + (0.005 + 0.012 * mood.thrill) * math.sin(j * 1.7 + i * 2 + phase * 6)) for j in range(13)]
        canvas.line(points, 0.010, ripple)
    for x, foot, high, turned in (
        (0.5 + side * 0.35, 0.85, 0.50 * size, flip),
        (small if side > 0 else 1 - small, 0.78, 0.27, not flip),
    ):
        canvas.shadow(x, foot, high * 0.4)
        tilt = sway(mood, 0.7 if turned else -0.6) * 0.8
        sprite(stage, "cactus", x, foot + 0.005, high, mood.foliage, tilt=tilt, flip=turned)
        grow = 0.20 * high * ramp(mood.bloom, 0, 0.9)
        sprite(stage, "hibiscus", x, foot - high * 0.94, grow, tilt=tilt)
        sprite(stage, "hibiscus", x + (0.36 if not turned else -0.36) * high, foot - high * 0.80, grow * 0.8)
    bones = ramp(mood.decay, 0.05, 0.8)  # a skull
    if bones > 0.1:
        skull = UnitFrame(canvas, 0.5 - side * 0.30, 0.935, 8 * side)
        white = coat(mood, (244, 236, 216))
        canvas.shadow(skull.x, 0.935, 0.09 * bones)
        skull.line(
            [
                (-0.085 * bones, 0.10 * bones),
                (-0.05 * bones, 0.055 * bones),
                (0.05 * bones, 0.055 * bones),
                (0.085 * bones, 0.10 * bones),
            ],
            0.018,
            white,
        )
        skull.polygon(
            [(-0.045 * bones, 0.075 * bones), (0.045 * bones, 0.075 * bones), (0.022 * bones, 0), (-0.022 * bones, 0)], white
        )
        for u in (-0.02, 0.02):
            skull.ellipse(u * bones, 0.05 * bones, 0.012 * bones, 0.013 * bones, (62, 44, 40))
    dust = ramp(mood.thrill, 0.2, 1.0) * (1 - 0.6 * mood.joy)  # a dust devil
    if dust > 0.05:
        for i in range(5):
            t = i / 4
            at = 0.5 - side * (0.20 + 0.04 * math.sin(3 * t))
            canvas.glow(
                at, y + 0.10 - 0.34 * t * dust, (0.05 + 0.13 * t) * dust, 0.05 + 0.01 * i, lighter(sand, 0.25), 0.8 * dust
            )


PLACES = (
    Place("beach", draw_beach, (0.42, 0.48), floor=0.91),
    Place("forest", draw_forest, (0.50, 0.55), floor=0.91),
    Place("lake", draw_lake, (0.46, 0.50), floor=0.92),
    Place("meadow", draw_meadow, (0.50, 0.56), floor=0.90),
    Place("desert", draw_desert, (0.50, 0.55), floor=0.90),
)
