from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emoticrafter.errors import InputError, MissingError
from emoticrafter.inputs.pictures import array_of, batches, image_of
from emoticrafter.picture import Picture

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 9, 3)).astype(np.uint8)


def test_every_form_of_a_picture_is_the_same_picture(tmp_path: Path) -> None:
    image = Image.fromarray(PIXELS)
    image.save(tmp_path / "a.png")
    for form in (PIXELS, image, Picture(image=image), tmp_path / "a.png", str(tmp_path / "a.png")):
        assert np.array_equal(array_of(form), PIXELS)
        assert image_of(form).mode == "RGB"


def test_grey_has_three_channels_and_what_is_transparent_is_white() -> None:
    assert array_of(Image.new("L", (2, 2), 7)).tolist()[0][0] == [7, 7, 7]
    assert array_of(Image.new("RGBA", (2, 2), (9, 9, 9, 0))).tolist()[0][0] == [255, 255, 255]


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no picture"):
        image_of(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match=r"text\.png"):
        image_of(tmp_path / "text.png")


def test_batches_keep_the_order() -> None:
    paths = [f"{i}.png" for i in range(5)]
    assert [list(part) for part in batches(paths, 2)] == [["0.png", "1.png"], ["2.png", "3.png"], ["4.png"]]
