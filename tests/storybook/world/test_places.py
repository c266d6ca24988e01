"""The places: complete, deterministic, continuous in emotion, and told apart."""

from __future__ import annotations

from itertools import combinations, pairwise

import cv2
import numpy as np
import pytest

from emoticrafter.emotion import Emotion
from emoticrafter.storybook.world import tiles
from emoticrafter.storybook.world.canvas import Canvas
from emoticrafter.storybook.world.mood import Mood
from emoticrafter.storybook.world.places import PLACES_BY_KEY
from emoticrafter.storybook.world.places.place import UnitFrame
from emoticrafter.storybook.world.scene import PLACES, TIMES, Scene
from emoticrafter.storybook.world.sprites import CodeSprites
from emoticrafter.storybook.world.stage import Stage

CORNERS = [(3, 3), (3, -3), (-3, -3), (-3, 3)]
SPRITES = CodeSprites()
MAGENTA = (255, 0, 255)


def draw(key: str, valence: float = 0.0, arousal: float = 0.0, seed: int = 0, time: str = "day", size: int = 64) -> np.ndarray:
    """A place alone, on a bare magenta sky: int16 (size, size, 3)."""
    place = PLACES_BY_KEY[key]
    scene = Scene(place=key, time=time, seed=seed)
    horizon = scene.rng("composition").uniform(*place.horizon)
    stage = Stage(Canvas(size), scene, Mood.of(Emotion(valence=valence, arousal=arousal)), SPRITES, horizon)
    stage.canvas.fill(MAGENTA)
    place.draw(stage)
    if place.front is not None:
        place.front(stage)
    return stage.canvas.image().astype(np.int16)


def test_every_place_of_the_vocabulary_can_be_drawn() -> None:
    assert set(PLACES_BY_KEY) == set(PLACES)
    assert all(key == place.key for key, place in PLACES_BY_KEY.items())
    assert [key for key, place in PLACES_BY_KEY.items() if place.indoor] == ["room"]
    assert [key for key, place in PLACES_BY_KEY.items() if place.cold] == ["snowy_village"]


@pytest.mark.parametrize("key", PLACES)
def test_subjects_stand_on_the_ground_and_in_the_picture(key: str) -> None:
    place = PLACES_BY_KEY[key]
    assert 0.3 < place.horizon[0] <= place.horizon[1] < place.floor - 0.15
    assert 0.85 <= place.floor <= 0.93


@pytest.mark.parametrize("key", PLACES)
@pytest.mark.parametrize("time", TIMES)
def test_a_place_paints_all_that_lies_below_its_horizon(key: str, time: str) -> None:
    for valence, arousal in [*CORNERS, (0, 0)]:
        picture = draw(key, valence, arousal, time=time)
        low = picture[int(PLACES_BY_KEY[key].horizon[1] * 64) + 6 :]
        bare = np.abs(low - np.array(MAGENTA)).sum(axis=-1) < 12
        assert not bare.any(), (key, time, valence, arousal)
        if PLACES_BY_KEY[key].indoor:
            assert not (np.abs(picture - np.array(MAGENTA)).sum(axis=-1) < 12).any()


@pytest.mark.parametrize("key", PLACES)
def test_drawing_twice_gives_the_same_picture_and_seeds_vary_it(key: str) -> None:
    first = draw(key, 1.2, -0.7, seed=3)
    assert np.array_equal(first, draw(key, 1.2, -0.7, seed=3))
    assert max(np.abs(first - draw(key, 1.2, -0.7, seed=seed)).mean() for seed in (4, 5, 6)) > 3


@pytest.mark.parametrize("key", PLACES)
def test_a_small_step_of_emotion_is_a_small_step_of_the_picture(key: str) -> None:
    # Along both diagonals and the rim, where all that grows and fades does so.
    rim = [(-3, -3), (3, 3), (3, -3), (-3, 3), (-3, -3)]
    for start, end in pairwise(rim):
        shares = np.linspace(0, 1, 61)
        points = [np.clip(np.array(start) * (1 - t) + np.array(end) * t, -3, 3) for t in shares]
        pictures = [draw(key, valence, arousal, seed=2, size=48) for valence, arousal in points]
        total = np.abs(pictures[-1] - pictures[0]).mean()
        steps = [np.abs(after - before).mean() for before, after in pairwise(pictures)]
        assert max(steps) < max(0.13 * total, 2.5), (key, start, end, int(np.argmax(steps)))


@pytest.mark.parametrize("key", PLACES)
def test_the_four_corners_of_feeling_look_different(key: str) -> None:
    corners = [draw(key, *corner) for corner in CORNERS]
    for first, second in combinations(corners, 2):
        assert np.abs(first - second).mean() > 7, key


@pytest.mark.parametrize(("valence", "arousal"), [(0, 0), *CORNERS])
def test_places_are_told_apart_in_every_mood(valence: float, arousal: float) -> None:
    pictures = {
        key: cv2.resize(draw(key, valence, arousal).astype(np.float32), (16, 16), interpolation=cv2.INTER_AREA) for key in PLACES
    }
    for first, second in combinations(PLACES, 2):
        assert np.abs(pictures[first] - pictures[second]).mean() > 8, (first, second)


def test_size_changes_detail_and_not_the_composition() -> None:
    small, large = draw("farm", size=48), draw("farm", size=96)
    shrunk = cv2.resize(large.astype(np.float32), (48, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk - small).mean() < 5


# -- tiles -----------------------------------------------------------------------------------------------------------------


def test_a_tile_lies_where_it_is_told() -> None:
    canvas = Canvas(100, supersample=1)
    tile = tiles.Tile.of(np.full((40, 20), 255, np.uint8))
    canvas.lay(tile, tiles.flat((200, 100, 50)), 0.5, 0.8, 0.4)
    covered = canvas.pixels[..., 0] > 100
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    assert (rows[0], rows[-1]) == pytest.approx((40, 79), abs=1)
    assert (columns[0], columns[-1]) == pytest.approx((40, 59), abs=1)
    assert tuple(canvas.pixels[60, 50]) == (200, 100, 50)


def test_half_cover_mixes_half() -> None:
    canvas = Canvas(32, supersample=1)
    canvas.fill((100, 100, 100))
    canvas.lay(tiles.Tile.of(np.full((32, 32), 255, np.uint8)), tiles.flat((200, 200, 200), 0.5), 0.5, 1.0, 1.0)
    assert canvas.pixels[16, 16] == pytest.approx([150, 150, 150], abs=2)


def test_filtered_equals_the_view_it_is_made_of() -> None:
    mood = Mood.of(Emotion(valence=-2, arousal=1))
    pixel = tiles.filtered(mood.foliage) @ np.array([90, 180, 60, 255])
    assert pixel[:3] == pytest.approx(mood.foliage((90, 180, 60)), abs=0.01)


def test_what_lies_outside_the_canvas_is_clipped() -> None:
    canvas = Canvas(32)
    canvas.ball(2.0, 2.0, 0.2, 0.2, (255, 255, 255))
    canvas.graded([(1.5, 1.5), (2, 1.5), (2, 2)], (255, 255, 255), (255, 255, 255))
    assert not canvas.pixels.any()


def test_a_frame_leans_about_its_foot_and_flips() -> None:
    frame = UnitFrame(Canvas(8), 0.5, 0.9, lean=90)
    assert frame.at(0, 0) == pytest.approx((0.5, 0.9))
    assert frame.at(0, 0.2) == pytest.approx((0.7, 0.9))
    assert UnitFrame(Canvas(8), 0.5, 0.9, flip=True).at(0.1, 0.2) == pytest.approx((0.4, 0.7))
