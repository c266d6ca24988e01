"""Subjects that are pictures: animals, vehicles and things, with posture, motion and shadow by mood."""

from __future__ import annotations

from emoticrafter.storybook.world.canvas import Color, mix
from emoticrafter.storybook.world.scene import ANIMALS, VEHICLES, Subject
from emoticrafter.storybook.world.stage import Stage

# Heights in units of the picture, where the default of the group would look wrong beside a person of 0.6.
_HEIGHTS = {
    "elephant": 0.54, "horse": 0.54, "camel": 0.54, "deer": 0.56, "dinosaur": 0.56, "flamingo": 0.56, "kangaroo": 0.52,
    "cow": 0.50, "snail": 0.40, "hedgehog": 0.38, "turtle": 0.36, "butterfly": 0.36, "bird": 0.42, "duck": 0.42, "rabbit": 0.44,
    "bus": 0.42, "train": 0.44, "truck": 0.44, "fire_engine": 0.42, "tractor": 0.46, "sailboat": 0.56, "rocket": 0.56,
    "bicycle": 0.42, "tent": 0.42, "snowman": 0.52, "sunflower": 0.54, "fountain": 0.46, "guitar": 0.46, "umbrella": 0.50,
    "balloon": 0.50, "ball": 0.32, "cake": 0.40, "drum": 0.38,
}  # fmt: skip
_GROUP_HEIGHTS = {"animal": 0.46, "vehicle": 0.40, "thing": 0.42}
_AIRBORNE = {"butterfly": 0.22, "balloon": 0.14}
_MAX_WIDTH = 0.62


def draw_actor(stage: Stage, subject: Subject, x: float, foot: float, scale: float, flip: bool, layer: str) -> None:
    """Draw one animal, vehicle or thing standing at (x, foot); `scale` 1 for a subject on its own."""
    canvas, mood = stage.canvas, stage.mood
    rgba = stage.sprites.get(subject.kind)
    group = "animal" if subject.kind in ANIMALS else "vehicle" if subject.kind in VEHICLES else "thing"
    height = _HEIGHTS.get(subject.kind, _GROUP_HEIGHTS[group]) * scale
    ratio = rgba.shape[1] / rgba.shape[0]
    height = min(height, _MAX_WIDTH * scale / ratio)
    width = height * ratio
    rng = stage.rng(layer)
    phase = rng.uniform(0.7, 1.0)
    towards = 1 if flip else -1  # most sprites look to the left

    alive = group != "thing"
    tilt, squash, hop = 0.0, 1.0, _AIRBORNE.get(subject.kind, 0.0)
    moving = subject.action in ("running", "driving")
    if group == "animal":
        hop += 0.07 * phase * mood.elation + 0.03 * mood.terror
        tilt += towards * (-9 * mood.elation + 7 * mood.sorrow + 5 * mood.terror)
        squash += 0.10 * mood.sorrow + 0.05 * mood.serenity - 0.07 * mood.thrill
    elif group == "vehicle":
        hop += 0.02 * mood.elation
        tilt += towards * (-5 * mood.thrill + 4 * mood.sorrow)
        squash += 0.06 * mood.sorrow - 0.04 * mood.thrill
    else:
        tilt += 8 * mood.thrill * (1 if phase > 0.85 else -1) - 6 * mood.sorrow
    if moving:
        tilt -= towards * 5
        hop += 0.035 * (0.5 + mood.motion)
    elif subject.action == "jumping":
        hop += 0.12 + 0.03 * mood.motion
        squash -= 0.06
        tilt -= towards * 8
    elif subject.action == "sleeping":
        squash += 0.20
        hop = _AIRBORNE.get(subject.kind, 0.0) * 0.3
        tilt *= 0.4

    spread = 1 / (1 + 3 * hop)
    canvas.glow(x, foot + 0.004, width * 0.60 * spread, 0.042 * spread + 0.01, (20, 18, 30), 0.62 * spread)
    if moving or mood.motion > 0.55:
        _speed_lines(stage, x - towards * width * 0.58, foot - hop, height, towards, max(mood.motion, 0.45 if moving else 0.0))
    canvas.sprite(rgba, x, foot - hop, height, tilt, flip, squash)
    if subject.action == "sleeping":
        _letters_z(stage, x + towards * width * 0.42, foot - height * 0.98)
    elif alive and group == "animal":
        _marks(stage, x + towards * width * 0.34, foot - hop - height * 1.02)


def _speed_lines(stage: Stage, x: float, foot: float, height: float, towards: int, strength: float) -> None:
    color: Color = mix((255, 255, 255), (60, 40, 40), 0.25 * stage.mood.terror)
    with stage.canvas.translucent(min(0.75, 0.15 + 0.6 * strength)):
        for i, share in enumerate((0.28, 0.55, 0.80)):
            length = (0.05 + 0.10 * strength) * (1.1 - 0.2 * i)
            y = foot - height * share
            stage.canvas.line([(x, y), (x - towards * length, y)], 0.012, color)


def _letters_z(stage: Stage, x: float, y: float) -> None:
    for i, size in enumerate((0.030, 0.042, 0.054)):
        cx, cy = x + 0.055 * i, y - 0.055 * i
        points = [
            (cx - size / 2, cy - size / 2),
            (cx + size / 2, cy - size / 2),
            (cx - size / 2, cy + size / 2),
            (cx + size / 2, cy + size / 2),
        ]
        stage.canvas.line(points, 0.011, (250, 250, 255))


def _marks(stage: Stage, x: float, y: float) -> None:
    """The signs that comics draw about a head: hearts for joy, drops for sorrow, strokes for alarm."""
    canvas, mood = stage.canvas, stage.mood
    for i, (dx, dy) in enumerate(((0.0, -0.03), (0.10, 0.0))):
        heart = 0.030 * mood.bloom * (0.75 + 0.5 * mood.thrill) * (1 - 0.25 * i)
        if heart > 0.004:
            hx, hy, color = x + dx, y + dy, (255, 84, 116)
            canvas.ellipse(hx - heart * 0.5, hy - heart * 0.3, heart * 0.56, heart * 0.56, color)
            canvas.ellipse(hx + heart * 0.5, hy - heart * 0.3, heart * 0.56, heart * 0.56, color)
            canvas.polygon([(hx - heart, hy - heart * 0.05), (hx + heart, hy - heart * 0.05), (hx, hy + heart * 1.15)], color)
    drop = 0.026 * mood.sorrow
    if drop > 0.004:
        for dx, dy in ((-0.03, 0.10), (0.05, 0.17)):
            canvas.polygon(
                [(x + dx - drop * 0.7, y + dy), (x + dx + drop * 0.7, y + dy), (x + dx, y + dy - drop * 1.7)], (120, 190, 250)
            )
            canvas.ellipse(x + dx, y + dy, drop * 0.75, drop * 0.75, (120, 190, 250))
    if mood.terror > 0.08:
        reach = 0.075 * mood.terror
        for dx, lean in ((-0.08, -0.5), (0.0, 0.0), (0.08, 0.5)):
            canvas.line([(x + dx, y - 0.01), (x + dx + lean * reach, y - 0.01 - reach)], 0.014, (255, 224, 120))
