from __future__ import annotations

import numpy as np
import pytest

from emoticrafter.storybook.world.canvas import Canvas, bezier, mix


def test_picture_has_the_size_asked_for() -> None:
    picture = Canvas(100).image()
    assert picture.shape == (100, 100, 3)
    assert picture.dtype == np.uint8


def test_shapes_keep_their_place_at_every_size() -> None:
    pictures = []
    for size in (128, 512):
        canvas = Canvas(size)
        canvas.fill((255, 255, 255))
        canvas.ellipse(0.3, 0.4, 0.2, 0.1, (255, 0, 0))
        canvas.polygon([(0.6, 0.6), (0.9, 0.6), (0.75, 0.9)], (0, 0, 255))
        canvas.line([(0.1, 0.9), (0.5, 0.9)], 0.03, (0, 160, 0))
        pictures.append(canvas.image().astype(float))
    small = pictures[1].reshape(128, 4, 128, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - pictures[0]).mean() < 1.5


def test_translucent_covers_by_its_share() -> None:
    canvas = Canvas(16)
    canvas.fill((100, 100, 100))
    with canvas.translucent(0.25):
        canvas.fill((200, 0, 100))
    assert canvas.image()[8, 8] == pytest.approx([125, 75, 100], abs=1)


def test_graded_runs_from_first_to_second() -> None:
    canvas = Canvas(64)
    canvas.sheet((0, 0, 0), (200, 100, 50))
    column = canvas.image()[:, 32, 0].astype(int)
    assert column[0] < 5
    assert column[-1] > 195
    assert (np.diff(column) >= 0).all()


def test_sprite_stands_on_its_foot() -> None:
    canvas = Canvas(100)
    rgba = np.full((50, 20, 4), 255, np.uint8)
    canvas.sprite(rgba, 0.5, 0.9, 0.5)
    lit = np.argwhere(canvas.image()[..., 0] > 128)
    assert lit[:, 0].min() == pytest.approx(40, abs=1)
    assert lit[:, 0].max() == pytest.approx(89, abs=1)
    assert lit[:, 1].mean() == pytest.approx(49.5, abs=1)


def test_sprite_flips() -> None:
    rgba = np.zeros((40, 40, 4), np.uint8)
    rgba[:, :20] = 255
    sides = []
    for flip in (False, True):
        canvas = Canvas(64)
        canvas.sprite(rgba, 0.5, 0.8, 0.5, flip=flip)
        sides.append(np.argwhere(canvas.image()[..., 0] > 128)[:, 1].mean())
    assert sides[0] < 31 < 32 < sides[1]


@pytest.mark.parametrize("x", [-2.0, 0.0, 1.0, 3.0])
def test_drawing_outside_is_harmless(x: float) -> None:
    canvas = Canvas(32)
    canvas.ball(x, x, 0.1, 0.1, (255, 0, 0))
    canvas.glow(x, x, 0.1, 0.1, (255, 0, 0))
    canvas.sprite(np.full((10, 10, 4), 255, np.uint8), x, x, 0.2)
    canvas.graded([(x, x), (x + 0.1, x), (x, x + 0.1)], (0, 0, 0), (255, 255, 255))
    assert canvas.image().shape == (32, 32, 3)


def test_mix_clamps() -> None:
    assert mix((0, 0, 0), (10, 20, 30), 0.5) == (5, 10, 15)
    assert mix((0, 0, 0), (10, 20, 30), 2.0) == (10, 20, 30)


def test_bezier_meets_its_ends() -> None:
    points = bezier((0, 0), (1, 0), (1, 1))
    assert points[0] == (0, 0)
    assert points[-1] == (1, 1)
