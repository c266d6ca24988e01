"""Animals, vehicles and things: large enough to be read, in the picture, and moved by mood and action."""

from __future__ import annotations

import numpy as np
import pytest

from emoticrafter.storybook.world.actors import draw_actor
from emoticrafter.storybook.world.canvas import Canvas
from emoticrafter.storybook.world.mood import Mood
from emoticrafter.storybook.world.scene import ANIMALS, THINGS, VEHICLES, Scene, Subject
from emoticrafter.storybook.world.sprites import CodeSprites
from emoticrafter.storybook.world.stage import Stage

BACKGROUND = (128, 160, 140)
FOOT = 0.86


class Block:
    """One opaque block for every name, left half magenta, right half blue: nothing else is drawn in these colours."""

    rgba = np.zeros((60, 60, 4), np.uint8)
    rgba[:, :30], rgba[:, 30:] = (255, 0, 255, 255), (0, 0, 255, 255)
    rgba.flags.writeable = False

    def get(self, name: str) -> np.ndarray:
        return self.rgba


def actor(
    kind: str, action: str = "standing", v: float = 0.0, a: float = 0.0, flip: bool = False, scale: float = 1.0
) -> np.ndarray:
    """A block in the place of the subject on a plain ground, int16 (96, 96, 3)."""
    subject = Subject(kind=kind, action=action)
    canvas = Canvas(96)
    canvas.fill(BACKGROUND)
    stage = Stage(canvas, Scene(place="park", subjects=(subject,), seed=1), Mood(v, a), Block(), 0.6)
    draw_actor(stage, subject, 0.5, FOOT, scale, flip, "first")
    return canvas.image().astype(np.int16)


def block(picture: np.ndarray) -> np.ndarray:
    """Where the block is."""
    return (picture[..., 2] > 200) & (picture[..., 1] < 90)


def rows(picture: np.ndarray) -> tuple[float, float]:
    found = np.flatnonzero(block(picture).any(axis=1)) / 96
    return float(found[0]), float(found[-1])


@pytest.mark.parametrize("kind", [*ANIMALS, *VEHICLES, *THINGS])
def test_every_kind_stands_on_its_foot_large_and_inside(kind: str) -> None:
    picture = actor(kind)
    top, foot = rows(picture)
    assert 0.25 < foot - top < 0.65
    if kind not in ("butterfly", "balloon"):  # these hover
        assert foot == pytest.approx(FOOT, abs=0.05)
    shape = block(picture)
    assert not shape[0].any()
    assert not shape[:, [0, -1]].any()


def test_scale_and_flip() -> None:
    (top, foot), (near_top, near_foot) = rows(actor("dog", scale=0.5)), rows(actor("dog"))
    assert (foot - top) / (near_foot - near_top) == pytest.approx(0.5, abs=0.06)
    for flip in (False, True):
        picture = actor("dog", flip=flip)
        magenta = np.argwhere(block(picture) & (picture[..., 0] > 200))[:, 1].mean()
        assert bool(magenta > 48) is flip


@pytest.mark.parametrize(("kind", "action"), [("dog", "jumping"), ("dog", "running"), ("car", "driving"), ("dog", "sleeping")])
def test_actions_show(kind: str, action: str) -> None:
    plain, acting = actor(kind), actor(kind, action)
    assert (np.abs(plain - acting).max(axis=2) > 30).mean() > 0.02
    if action == "sleeping":
        assert rows(acting)[0] > rows(plain)[0] + 0.04
    else:
        assert rows(acting)[1] < rows(plain)[1]


def test_joy_lifts_an_animal_and_sorrow_lowers_it() -> None:
    (joy, joy_foot), (neutral, foot), (sorrow, _) = (rows(actor("dog", v=v, a=a)) for v, a in ((1, 1), (0, 0), (-1, -1)))
    assert joy < neutral < sorrow
    assert joy_foot < foot


def test_a_small_step_of_mood_is_a_small_step_of_the_picture() -> None:
    for kind in ("dog", "car", "chair"):
        for fixed in (-0.8, 0.0, 0.8):
            pictures = [actor(kind, v=v, a=fixed) for v in np.linspace(-1, 1, 31)]
            steps = [np.abs(one - other).mean() for one, other in zip(pictures, pictures[1:], strict=False)]
            assert max(steps) < 2.5, (kind, fixed)


def test_marks_about_the_head_belong_to_animals() -> None:
    """Hearts for joy, drops for sorrow, strokes for alarm, each in its own colour."""
    marks = {(1.0, 0.5): (255, 84, 116), (-1.0, -1.0): (120, 190, 250), (-1.0, 1.0): (255, 224, 120)}
    for (v, a), colour in marks.items():
        for kind, marked in (("dog", True), ("chair", False)):
            near = np.abs(actor(kind, v=v, a=a) - np.array(colour)).max(axis=2) < 20
            assert bool(near.any()) is marked, (kind, v, a)
        assert not (np.abs(actor("dog") - np.array(colour)).max(axis=2) < 20).any()


def test_stand_in_sprites_are_drawn_too() -> None:
    canvas = Canvas(64)
    stage = Stage(canvas, Scene(place="park", seed=1), Mood(0, 0), CodeSprites(), 0.6)
    draw_actor(stage, Subject(kind="owl"), 0.5, FOOT, 1.0, False, "first")
    assert (canvas.image().max(axis=2) > 60).mean() > 0.05
