from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from emoticrafter.stimuli.properties import cielab, colourfulness, distances, measure, thumbnail


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),  # the corners of sRGB as Lindbloom's calculator gives them, D65
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0.0, 0.0)),
    ],
)
def test_cielab_of_known_colours(rgb: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    assert cielab(np.array(rgb, np.uint8)) == pytest.approx(lab, abs=0.02)


def test_an_even_picture_has_no_contrast_and_grey_no_colour() -> None:
    found = measure(Image.new("RGB", (64, 64), (119, 119, 119)))
    assert found["luminance"] == pytest.approx(50.03, abs=0.01)
    assert (found["contrast"], found["colourfulness"]) == (pytest.approx(0), 0.0)


def test_colourfulness_by_hand() -> None:
    # Red and green halves: rg is 255 and -255 (deviation 255), yb 127.5 throughout; M = 255 + 0.3 * 127.5.
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[:, :2, 0] = pixels[:, 2:, 1] = 255
    assert colourfulness(pixels) == pytest.approx(255 + 0.3 * 127.5)


def test_noise_is_more_complex_than_a_slope() -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8))
    slope = Image.fromarray(np.repeat(np.arange(64, dtype=np.uint8)[None, :, None] * 3, 64, 0).repeat(3, 2))
    assert measure(noise)["complexity"] > 3 * measure(slope)["complexity"]


def test_distances_are_those_of_even_colours() -> None:
    black, grey, white = (thumbnail(Image.new("RGB", (40, 40), (x, x, x))) for x in (0, 119, 255))
    found = distances([black, grey, white])
    assert found[0] == pytest.approx([0, 50.03, 100], abs=0.02)
    assert np.array_equal(found, found.T)
