"""Sky, weather and light: what lies behind and before the place, and the final grade of the whole picture.

Every random number is drawn whether or not it is used, so that a seed keeps its layout at every emotion; weather grows and
fades by size and cover and never pops in.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from emoticrafter.storybook.world import tiles
from emoticrafter.storybook.world.canvas import Canvas, Color, arc, darker, lighter, mix
from emoticrafter.storybook.world.mood import Mood
from emoticrafter.storybook.world.stage import Stage
from emoticrafter.storybook.world.tiles import Tile

_NIGHT_TOP, _NIGHT_LOW = (16, 22, 58), (58, 66, 122)
_EVENING_TOP, _EVENING_LOW = (96, 78, 150), (255, 176, 120)
_RAINBOW: tuple[Color, ...] = ((244, 96, 92), (250, 168, 80), (252, 226, 110), (120, 204, 120), (104, 168, 240), (166, 130, 226))
_CONFETTI: tuple[Color, ...] = ((255, 72, 96), (255, 196, 40), (64, 196, 255), (120, 220, 90), (206, 110, 255), (255, 255, 255))


def sky_colors(mood: Mood, time: str) -> tuple[Color, Color]:
    """(top, horizon) of the sky; night and evening keep part of the mood's own colours."""
    if time == "night":
        return mix(mood.sky_top, _NIGHT_TOP, 0.78), mix(mood.sky_low, _NIGHT_LOW, 0.66)
    if time == "evening":
        return mix(mood.sky_top, _EVENING_TOP, 0.5), mix(mood.sky_low, _EVENING_LOW, 0.55)
    return mood.sky_top, mood.sky_low


def draw_sky(stage: Stage) -> None:
    """Gradient, sun or moon, rays, rainbow, clouds and lightning, down to a little below the horizon."""
    canvas, mood = stage.canvas, stage.mood
    top, low = sky_colors(mood, stage.time)
    canvas.sheet(top, low, 0.0, stage.horizon + 0.06)
    rng = stage.rng("sky")
    sun_x = rng.choice((0.17, 0.83)) + rng.uniform(-0.05, 0.05)
    sun_y = rng.uniform(0.13, 0.19) + (0.14 if stage.time == "evening" else 0.0)
    _draw_light(stage, sun_x, sun_y)
    _draw_rainbow(canvas, mood, stage.horizon, 0.55 if stage.time == "night" else 0.9)
    _draw_clouds(stage)
    _draw_lightning(stage, 1 - sun_x)
    canvas.glow(0.5, stage.horizon, 0.95, 0.30, (255, 70, 30), 0.75 * mood.terror)


def _draw_light(stage: Stage, x: float, y: float) -> None:
    canvas, mood = stage.canvas, stage.mood
    night = stage.time == "night"
    if night:
        rng = stage.rng("stars")
        for _ in range(14):
            sx, sy, size = rng.uniform(0.02, 0.98), rng.uniform(0.02, 0.42), rng.uniform(0.005, 0.009)
            shine = (1 - 0.8 * mood.decay) * (0.8 + 0.3 * mood.thrill)
            canvas.ellipse(sx, sy, size * shine, size * shine, (255, 246, 214))
    rays = mood.elation * (0.55 if night else 1.0)
    if rays > 0.01:
        with canvas.translucent(0.42 * rays):
            for i in range(12):
                turn = i * 30 + 8
                tip = arc(x, y, 1.5, 1.5, turn - 6, turn + 6, 2)
                canvas.polygon([(x, y), *tip], lighter(mood.sky_low, 0.55))
    color = mix((255, 236, 150), (255, 250, 226), mood.calm) if not night else (250, 240, 206)
    color = mix(color, (255, 96, 60), 0.9 * mood.terror)
    color = mix(color, (206, 212, 220), 0.85 * mood.sorrow)
    radius = 0.062 + 0.030 * mood.serenity + 0.016 * mood.elation
    shine = 1 - 0.55 * mood.decay * (1 - mood.terror)
    canvas.glow(
        x, y, radius * (3.4 + 2 * mood.serenity), radius * (3.4 + 2 * mood.serenity), color, (0.55 + 0.25 * mood.v) * shine
    )
    with canvas.translucent(shine):
        canvas.ball(x, y, radius, radius, color, 0.15)
    if night:
        with canvas.translucent(0.3):
            canvas.ellipse(x + 0.018, y - 0.012, radius * 0.22, radius * 0.22, darker(color, 0.35))
            canvas.ellipse(x - 0.022, y + 0.02, radius * 0.16, radius * 0.16, darker(color, 0.35))


def _draw_rainbow(canvas: Canvas, mood: Mood, horizon: float, cover: float) -> None:
    strength = mood.bloom * (0.62 + 0.2 * mood.a) * cover
    if strength < 0.01:
        return
    with canvas.translucent(strength):
        for i, color in enumerate(_RAINBOW):
            r = 0.50 - i * 0.019
            canvas.line(arc(0.5, horizon + 0.10, r, r * 0.86, 180, 360, 28), 0.021, lighter(color, 0.12 + 0.35 * mood.calm))


@lru_cache(maxsize=4)
def _cloud(shape: int) -> Tile:
    """One of four clouds, to be coloured by `tiles.shaded`."""
    puffs = (
        ((50, 62, 30), (92, 44, 38), (136, 58, 32), (92, 70, 34)),
        ((44, 66, 26), (80, 52, 34), (120, 42, 36), (154, 66, 26), (100, 70, 30)),
        ((60, 56, 34), (110, 52, 38), (146, 68, 26), (90, 70, 32)),
        ((40, 70, 22), (74, 58, 30), (112, 56, 34), (150, 66, 26)),
    )[shape]
    painted = Canvas(192, 1)
    cover = np.zeros((192, 192), np.uint8)
    for x, y, r in puffs:
        painted.ball(x / 192, y / 192, r / 192, r / 192, (232, 232, 232), 0.22)
        cv2.circle(cover, (x, y), r - 1, 255, -1, cv2.LINE_AA)
    cover[84:] = 0
    cover = cv2.GaussianBlur(cover, (0, 0), 1.6)[:96].astype(np.float32) / 255
    light = painted.pixels[:96, :, 0] * np.linspace(1.04, 0.88, 96)[:, None]
    return Tile.of(np.dstack([light.clip(0, 255) * cover, 0 * cover, 255 * cover]).astype(np.uint8))


def _draw_clouds(stage: Stage) -> None:
    canvas, mood = stage.canvas, stage.mood
    rng = stage.rng("clouds")
    color = mix((255, 255, 255), (255, 228, 226), 0.8 * mood.serenity)
    color = mix(color, (118, 124, 138), 0.95 * mood.decay)
    color = mix(color, (64, 26, 34), 0.92 * mood.terror)
    if stage.time == "night":
        color = mix(color, (52, 58, 100), 0.62)
    elif stage.time == "evening":
        color = mix(color, (250, 170, 150), 0.4 * (1 - mood.decay))
    # Fair-weather clouds: stretched flat when calm, towering when excited.
    for _ in range(3):
        x, y, size, shape = rng.uniform(0.02, 0.98), rng.uniform(0.18, 0.36), rng.uniform(0.11, 0.16), rng.randrange(4)
        height = size * (1 + 0.15 * mood.thrill)
        squash = 1.0 + 0.28 * mood.calm - 0.12 * mood.thrill
        cover = 0.95 - 0.4 * mood.calm * (1 - mood.decay)
        canvas.lay(_cloud(shape), tiles.shaded(color, cover), x, y, height / squash, 2 * height * squash, flip=rng.random() < 0.5)
    # The ceiling of bad weather comes down with displeasure.
    drop = mood.decay
    ceiling = [(rng.uniform(-0.06, 0.06), rng.randrange(4), rng.uniform(0.20, 0.27)) for _ in range(6)]
    if drop > 0.01:
        for i, (shift, shape, size) in enumerate(ceiling):
            shade = tiles.shaded(darker(color, 0.10 + 0.12 * (i % 3)), 0.85 * drop)
            height = size * (0.9 + 0.3 * mood.thrill)
            canvas.lay(
                _cloud(shape), shade, 0.1 + 0.16 * i + shift, 0.02 + 0.21 * drop + (i % 2) * 0.03, 0.9 * height, 2.2 * height
            )


def _draw_lightning(stage: Stage, x: float) -> None:
    canvas, mood = stage.canvas, stage.mood
    rng = stage.rng("lightning")
    bolts = []
    for start in (x, 1 - x + rng.uniform(-0.08, 0.08)):
        points, at = [], start
        for i in range(5):
            points.append((at, 0.08 + i * (stage.horizon - 0.06) / 4))
            at += rng.choice((-1, 1)) * rng.uniform(0.035, 0.085)
        bolts.append(points)
    for points, onset in zip(bolts, (0.0, 0.4), strict=True):
        strength = min(max((mood.terror - onset) * 1.6, 0.0), 1.0)
        if strength > 0.02:
            canvas.glow(points[2][0], points[2][1], 0.26, 0.34, (255, 190, 120), 0.5 * strength)
            with canvas.translucent(min(1.0, strength * 1.2)):
                canvas.line(points, 0.010 + 0.014 * strength, (255, 250, 214))


def draw_haze(stage: Stage, indoor: bool) -> None:
    """Mist over the scenery, behind the subjects."""
    canvas, mood = stage.canvas, stage.mood
    _, low = sky_colors(mood, stage.time)
    mist = mood.mist * (0.5 if indoor else 1.0)
    if mist > 0.01:
        haze = lighter(low, 0.12)
        with canvas.translucent(0.32 * mist):
            canvas.fill(haze)
        for i, (x, y) in enumerate(((0.2, 0.02), (0.8, 0.10), (0.45, 0.20))):
            canvas.glow(x, stage.horizon + y, 0.75, 0.11 + 0.02 * i, haze, 0.85 * mist)


def draw_weather(stage: Stage, indoor: bool, cold: bool) -> None:
    """What falls and flies before the subjects: rain or snow, petals, confetti, leaves, embers, fireflies."""
    canvas, mood = stage.canvas, stage.mood
    share = 0.55 if indoor else 1.0
    if indoor:
        stage.rng("rain")
    else:
        _draw_rain(stage, cold)
    rng = stage.rng("flakes")
    drift = mood.wind
    for i in range(20):
        x, y, turn, size = rng.random(), rng.random() * 0.92, rng.uniform(0, 180), rng.uniform(0.85, 1.25)
        color = _CONFETTI[i % len(_CONFETTI)]
        scale = mood.elation * share * size
        if scale > 0.05:  # confetti, streamers of joy
            _chip(canvas, x, y * 0.8, 0.021 * scale, 0.011 * scale, turn + 60 * drift, color)
    for i in range(9):
        x, y, turn, size = rng.random(), rng.random(), rng.uniform(-40, 40), rng.uniform(0.85, 1.2)
        scale = mood.serenity * share * size
        if scale > 0.05:  # petals on still air
            canvas.ellipse(x, y, 0.019 * scale, 0.011 * scale, lighter((255, 176, 200), 0.25 * (i % 3)), turn)
    for i in range(12):
        x, y, turn, size = rng.random(), rng.random(), rng.uniform(0, 180), rng.uniform(0.8, 1.25)
        gust = min(max(mood.thrill * (1 - 0.9 * mood.joy) * (1 - 0.6 * mood.terror), 0.0), 1.0) * share * size
        if gust > 0.05 and not cold:  # leaves in the wind
            _chip(
                canvas,
                x,
                0.15 + 0.8 * y,
                0.024 * gust,
                0.012 * gust,
                turn + 90 * drift,
                ((214, 138, 48), (176, 92, 40), (228, 182, 70))[i % 3],
            )
        ember = mood.terror * size * share
        if ember > 0.05:
            radius = 0.010 * ember
            canvas.glow(1 - x, y, radius * 3.2, radius * 3.2, (255, 110, 30), 0.7)
            canvas.ellipse(1 - x, y, radius, radius, (255, 206, 110))


def _draw_rain(stage: Stage, cold: bool) -> None:
    canvas, mood = stage.canvas, stage.mood
    rng = stage.rng("rain")
    drops = [(rng.uniform(-0.1, 1.1), rng.uniform(-0.05, 1.0), rng.uniform(0.8, 1.2)) for _ in range(30)]
    rain = mood.rain
    if cold:  # snow falls in every mood there, thicker and wilder with displeasure and arousal
        size = 0.0085 + 0.006 * rain + 0.003 * mood.thrill
        with canvas.translucent(0.9):
            for i, (x, y, scale) in enumerate(drops):
                if i < 16 or rain > 0.05:
                    grow = 1.0 if i < 16 else rain
                    canvas.ellipse(
                        x, y, size * scale * grow * (1 + 0.9 * max(mood.wind, 0)), size * scale * grow, (250, 252, 255), 20
                    )
        return
    if rain <= 0.02:
        return
    slant = 0.9 * max(mood.wind, 0.0)
    color = mix((176, 196, 220), (232, 214, 206), mood.terror)
    with canvas.translucent(min(0.22 + 0.30 * rain, 0.6)):
        for x, y, scale in drops:
            length = (0.05 + 0.08 * rain + 0.02 * mood.thrill) * scale
            canvas.line([(x, y), (x - slant * length, y + length)], 0.0055 + 0.003 * rain, color)


def _chip(canvas: Canvas, x: float, y: float, long: float, short: float, turn: float, color: Color) -> None:
    t = np.radians(turn)
    ux, uy = np.cos(t), np.sin(t)
    canvas.polygon(
        [
            (x + long * ux - short * uy, y + long * uy + short * ux),
            (x - long * ux - short * uy, y - long * uy + short * ux),
            (x - long * ux + short * uy, y - long * uy - short * ux),
            (x + long * ux + short * uy, y + long * uy - short * ux),
        ],
        color,
    )


@lru_cache(maxsize=8)
def _vignette(side: int) -> np.ndarray:
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    return np.clip(((x * x + y * y) * 2 - 0.16) * 1.35, 0, 1)[..., None]


def grade(image: np.ndarray, mood: Mood, time: str) -> np.ndarray:
    """The last step of a colourist: saturation, contrast, brightness, tint and vignette. uint8 (s, s, 3) to the same."""
    saturation = 1 + 0.34 * mood.thrill * (1 - 0.4 * mood.gloom) - 0.20 * mood.calm - 0.34 * mood.gloom * (1 - 0.7 * mood.terror)
    contrast = 1 + 0.15 * mood.thrill * (1 - 0.7 * mood.gloom) - 0.09 * mood.calm * (1 - mood.gloom)
    lift = 6 * mood.joy - 6 * mood.gloom + 8 * mood.calm * (1 - mood.gloom)
    gain = np.array([1.0, 1.0, 1.0])
    gain *= 1 + mood.sorrow * np.array([-0.12, -0.03, 0.10])
    gain *= 1 + mood.terror * np.array([0.12, -0.16, -0.20])
    gain *= 1 + mood.elation * np.array([0.0, -0.02, -0.08])
    if time == "night":
        gain *= np.array([0.66, 0.72, 0.98])
    elif time == "evening":
        gain *= np.array([1.05, 0.92, 0.84])
    # out = contrast * (saturation * x + (1 - saturation) * luma - 128) + 128, all linear in x: one 3 x 4 matrix.
    luma = np.array([0.299, 0.587, 0.114])
    matrix = (np.eye(3) * saturation + np.outer(np.ones(3), luma) * (1 - saturation)) * contrast
    matrix = gain[:, None] * matrix
    offset = gain * (128 * (1 - contrast) + lift)
    veil = 0.13 * mood.serenity + 0.05 * mood.sorrow
    tint = np.array([255, 224, 232]) * mood.serenity + np.array([150, 160, 178]) * mood.sorrow
    tint = tint / max(mood.serenity + mood.sorrow, 1e-6)
    if time == "night":
        veil, tint = veil * 0.6, tint * 0.7
    matrix, offset = matrix * (1 - veil), offset * (1 - veil) + tint * veil
    graded = cv2.transform(image.astype(np.float32), np.hstack([matrix, offset[:, None]]))
    dark = 0.24 * mood.gloom + 0.10 * mood.terror
    if dark > 0.01:
        graded *= 1 - dark * _vignette(image.shape[0])
    return np.clip(graded + 0.5, 0, 255).astype(np.uint8)
