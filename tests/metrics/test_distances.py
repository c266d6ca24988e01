"""The distance orders what people order: more blur, noise, colour or light is further away."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError, MissingError
from emoticrafter.metrics.distances import PyramidDistance, open_distance
from emoticrafter.metrics.smoothness import lpips_continuous, neighbour_distances
from emoticrafter.storybook.world import Scene, Subject, render
from emoticrafter.storybook.world.sprites import CodeSprites

DISTANCE = PyramidDistance()
SCENE = Scene(place="beach", subjects=(Subject(kind="dog"),), seed=3)
NEUTRAL = Emotion(valence=0, arousal=0)


def drawn(emotion: Emotion = NEUTRAL, scene: Scene = SCENE) -> np.ndarray:
    return render(scene, emotion, 96, CodeSprites())


PICTURE = drawn()


def away(changed: np.ndarray) -> float:
    pixels = np.clip(changed, 0, 255).astype(np.uint8)
    return DISTANCE.between(DISTANCE.view(PICTURE), DISTANCE.view(pixels))


def rising(values: list[float]) -> bool:
    return values == sorted(values) and len(set(values)) == len(values)


def test_by_hand_on_a_flat_picture() -> None:
    # No band but the last: luma differs by 0.5 of 1 over 0.25, the colour differences by nothing; six levels are averaged.
    dark, light = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    expected = np.sqrt((1 / 0.25) ** 2 / 3) / 6
    assert DISTANCE.between(DISTANCE.view(dark), DISTANCE.view(light)) == pytest.approx(expected, rel=1e-4)


def test_more_of_a_change_is_further_away() -> None:
    noise = np.random.default_rng(0).normal(0, 1, PICTURE.shape)
    smooth = PICTURE.astype(float)
    assert rising([away(gaussian_filter(smooth, (s, s, 0))) for s in (0.5, 1, 2, 4)])
    assert rising([away(smooth + s * noise) for s in (2, 5, 10, 20, 40)])
    assert rising([away(smooth + s * np.array([1, 0, -1])) for s in (3, 10, 30)])
    assert rising([away(smooth + s) for s in (3, 10, 30)])


def test_another_scene_is_further_than_a_small_change_of_this_one() -> None:
    other = away(drawn(scene=Scene(place="cemetery", seed=8)))
    assert other > 2 * away(gaussian_filter(PICTURE.astype(float), (1, 1, 0)))
    assert other > 2 * away(PICTURE.astype(float) + 10)


def test_feelings_that_are_further_apart_look_further_apart() -> None:
    assert rising([away(drawn(Emotion(valence=v, arousal=0))) for v in (0.2, 0.8, 1.6, 3)])


def test_a_grid_of_rendered_moods_is_smoother_than_a_shuffled_one() -> None:
    axis = (-3, -1, 1, 3)
    views = [[DISTANCE.view(drawn(Emotion(valence=v, arousal=a))) for v in axis] for a in axis]
    shuffled = np.random.default_rng(0).permutation(16)
    flat = [view for row in views for view in row]
    mixed = [[flat[i] for i in shuffled[r : r + 4]] for r in range(0, 16, 4)]
    whole = lpips_continuous(*neighbour_distances(views, DISTANCE.between))
    assert 0 < whole < 0.8 * lpips_continuous(*neighbour_distances(mixed, DISTANCE.between))


@settings(max_examples=15, deadline=None)
@given(st.integers(5, 40), st.integers(5, 40), st.integers(0, 9))
def test_symmetric_and_zero_for_the_same_picture_of_any_size(height: int, width: int, seed: int) -> None:
    one, other = np.random.default_rng(seed).integers(0, 256, (2, height, width, 3)).astype(np.uint8)
    a, b = DISTANCE.view(one), DISTANCE.view(other)
    assert DISTANCE.between(a, a) == 0
    assert DISTANCE.between(a, b) == DISTANCE.between(b, a) > 0


def test_sizes_must_agree() -> None:
    with pytest.raises(InputError, match="one size"):
        DISTANCE.between(DISTANCE.view(PICTURE), DISTANCE.view(PICTURE[::2, ::2]))


def test_distances_by_name() -> None:
    assert open_distance().name == "nlp"
    with pytest.raises(InputError, match="nlp, lpips"):
        open_distance("ssim")


def test_lpips_says_how_to_get_it() -> None:
    if importlib.util.find_spec("lpips") is not None:
        pytest.skip("lpips is installed")
    with pytest.raises(MissingError, match=r"emoticrafter\[lpips\]"):
        open_distance("lpips")
