from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from emoticrafter.errors import InputError
from emoticrafter.picture import Picture
from emoticrafter.sheet import contact_sheet

COLOURS = ["#ff0000", "#00ff00", "#0000ff", "#ffff00", "#ff00ff", "#00ffff"]


def cells(size: int = 64) -> list[Image.Image]:
    return [Image.new("RGB", (size, size), colour) for colour in COLOURS]


def middles(sheet: Image.Image) -> dict[str, tuple[float, float]]:
    """Where each cell's colour lies in the sheet."""
    found = {}
    pixels = np.asarray(sheet)
    for colour in COLOURS:
        want = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        rows, columns = np.nonzero((pixels == want).all(axis=-1))
        found[colour] = (float(columns.mean()), float(rows.mean()))
    return found


def test_arousal_goes_up_and_valence_right() -> None:
    sheet = contact_sheet(cells(), [3, -3, 0], [-3, 3])  # however the axes are given, the order is the grid's
    place = [middles(sheet)[c] for c in COLOURS]
    assert place[0][0] < place[1][0] < place[2][0]
    assert place[0][1] == place[1][1] == place[2][1] < place[3][1]
    assert place[0][0] == place[3][0]


def test_pixels_of_a_cell_are_kept_and_the_rest_is_paper_and_ink() -> None:
    sheet = contact_sheet(cells(), [-3, 0, 3], [3, -3], title="a dog")
    assert sheet.mode == "RGB"
    for colour, (x, y) in middles(sheet).items():
        assert "#{:02x}{:02x}{:02x}".format(*np.asarray(sheet)[round(y), round(x)]) == colour
    border = [sheet.getpixel((x, 0)) for x in range(sheet.width)] + [sheet.getpixel((0, y)) for y in range(sheet.height)]
    assert set(border) == {(252, 251, 248)}  # nothing is cut off at the edge


@pytest.mark.parametrize("size", [16, 128, 1024])
def test_labels_grow_with_the_cells(size: int) -> None:
    sheet = contact_sheet(cells(size)[:1], [0], [1.25], title="one")
    margin = sheet.width - size
    assert 0.3 * size < margin or size == 1024
    assert margin < 1.2 * size or size == 16


def test_titles_of_any_kind_are_drawn_or_left_out() -> None:
    plain = contact_sheet(cells(), [-3, 0, 3], [3, -3])
    titled = contact_sheet(cells(), [-3, 0, 3], [3, -3], title="a dog")
    assert titled.height > plain.height
    assert titled.width == plain.width
    for title in ["x" * 10_000, "word " * 3000, "犬", "\x00\x1b[31m", "\U0010ffff"]:
        sheet = contact_sheet(cells(), [-3, 0, 3], [3, -3], title=title)
        assert sheet.width == plain.width
        assert sheet.height < plain.height + 80


def test_pictures_and_images_both_fit_and_sizes_are_made_one() -> None:
    mixed: list[Picture | Image.Image] = [Picture(image=cells()[0]), *cells(32)[1:]]
    assert contact_sheet(mixed, [-3, 0, 3], [3, -3]).size == contact_sheet(cells(), [-3, 0, 3], [3, -3]).size


def test_a_wrong_number_of_pictures_is_refused() -> None:
    with pytest.raises(InputError, match="6 pictures were given for a grid of 4"):
        contact_sheet(cells(), [0, 1], [0, 1])
