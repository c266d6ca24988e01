from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import ExifTags, Image, ImageChops, PngImagePlugin

from emoticrafter.errors import InputError, OutputError
from emoticrafter.picture import Picture, save_animation
from emoticrafter.recipe import read_recipe

RECIPE = {
    "prompt": "a dog \u2013 犬",
    "negative": None,
    "valence": -2.0,
    "arousal": 1.0,
    "seed": 7,
    "steps": 25,
    "more": {"a": [1, "b"]},
}


def image(red: int = 200, size: tuple[int, int] = (48, 32)) -> Image.Image:
    """A smooth picture, so that lossy formats keep it."""
    across = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (Image.new("L", size, red), across, across.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))


def frames(count: int = 5) -> list[Picture]:
    return [Picture(image=image(40 * i), recipe={**RECIPE, "valence": float(i - 2)}) for i in range(count)]


def difference(a: Image.Image, b: Image.Image) -> int:
    extremes = cast("tuple[tuple[int, int], ...]", ImageChops.difference(a.convert("RGB"), b.convert("RGB")).getextrema())
    return max(high for _, high in extremes)


@pytest.mark.parametrize(("name", "loss"), [("a.png", 0), ("A.PNG", 0), ("a.webp", 16), ("a.jpg", 16), ("a.jpeg", 16)])
def test_a_picture_and_its_recipe_come_back(tmp_path: Path, name: str, loss: int) -> None:
    path = Picture(image=image(), recipe=RECIPE).save(tmp_path / name)
    assert path == tmp_path / name
    assert path.read_bytes() == Picture(image=image(), recipe=RECIPE).encoded(path.suffix)
    back = Picture.open(path)
    assert back.recipe == read_recipe(path) == RECIPE
    assert difference(back.image, image()) <= loss
    assert os.listdir(tmp_path) == [name]


def test_other_tools_find_their_text(tmp_path: Path) -> None:
    Picture(image=image(), recipe=RECIPE).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as opened:
        assert isinstance(opened, PngImagePlugin.PngImageFile)
        assert opened.text["parameters"].startswith("a dog \u2013 犬\nSteps: 25, ")
    for name in ("a.jpg", "a.webp"):
        Picture(image=image(), recipe=RECIPE).save(tmp_path / name)
        with Image.open(tmp_path / name) as opened:
            comment = opened.getexif().get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment]
        assert comment.startswith(b"UNICODE\0")
        assert comment[8:].decode("utf-16-be").startswith("a dog \u2013 犬\nSteps: 25, ")


def test_a_long_prompt_still_fits(tmp_path: Path) -> None:
    recipe = {"prompt": "\U0001f415" * 10_000}
    assert read_recipe(Picture(image=image(), recipe=recipe).save(tmp_path / "a.png")) == recipe
    with pytest.raises(OutputError, match=r"too long for a JPEG file\. Save the picture as \.png"):
        Picture(image=image(), recipe=recipe).save(tmp_path / "a.jpg")
    assert os.listdir(tmp_path) == ["a.png"]


def test_saving_never_overwrites_without_force(tmp_path: Path) -> None:
    first = Picture(image=image(10), recipe=RECIPE)
    first.save(tmp_path / "a.png")
    with pytest.raises(OutputError, match="exists"):
        Picture(image=image(250), recipe=RECIPE).save(tmp_path / "a.png")
    assert difference(Picture.open(tmp_path / "a.png").image, image(10)) == 0
    Picture(image=image(250), recipe=RECIPE).save(tmp_path / "a.png", force=True)
    assert difference(Picture.open(tmp_path / "a.png").image, image(250)) == 0


@pytest.mark.parametrize("name", ["a", "a.tiff", "a.png.exe"])
def test_unknown_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"Use one of \.png, \.webp"):
        Picture(image=image(), recipe=RECIPE).save(tmp_path / name)


def test_a_recipe_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    for recipe in ({"valence": 9}, {"prompt": "\x1b[31m"}, {"model": object()}):
        with pytest.raises(InputError):
            Picture(image=image(), recipe=recipe).save(tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


def test_a_picture_too_large_for_its_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"WEBP holds 16383 at most\. Save it as \.png"):
        Picture(image=image(size=(16384, 1)), recipe=RECIPE).save(tmp_path / "a.webp")


def test_pixels_that_cannot_be_read_are_said_so(tmp_path: Path) -> None:
    path = Picture(image=image(size=(200, 200)), recipe=RECIPE).save(tmp_path / "a.png")
    data = path.read_bytes()
    at = data.index(b"IDAT") + 8
    path.write_bytes(data[:at] + bytes(60) + data[at + 60 :])
    assert read_recipe(path) == RECIPE
    with pytest.raises(InputError, match=r"picture .*a\.png' cannot be decoded"):
        Picture.open(path)


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Picture(image=image(), recipe=RECIPE).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match=r"cannot be decoded: .*bomb"):
        Picture.open(path)


@pytest.mark.parametrize(("name", "loss"), [("a.gif", 40), ("a.webp", 0)])
def test_an_animation_has_its_frames_times_and_recipe(tmp_path: Path, name: str, loss: int) -> None:
    path = save_animation(frames(), tmp_path / name, duration=120)
    with Image.open(path) as moving:
        assert (getattr(moving, "n_frames", 1), moving.info["loop"]) == (5, 0)
        for i, picture in enumerate(frames()):
            moving.seek(i)
            moving.load()
            assert moving.info["duration"] == 120
            assert difference(moving, picture.image) <= loss
    recipe = read_recipe(path)
    assert recipe["prompt"] == RECIPE["prompt"]
    assert recipe["pictures"] == [{"valence": float(i - 2)} for i in range(5)]


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_bounce_plays_back_without_repeating_the_ends(tmp_path: Path, name: str) -> None:
    with Image.open(save_animation(frames(), tmp_path / name, bounce=True)) as moving:
        assert getattr(moving, "n_frames", 1) == 8


def test_a_strip_holds_the_frames_side_by_side(tmp_path: Path) -> None:
    path = save_animation(frames(3), tmp_path / "a.png")
    strip = Picture.open(path)
    assert strip.image.size == (3 * 48 + 2, 32)
    assert difference(strip.image.crop((49, 0, 97, 32)), frames()[1].image) == 0
    assert strip.recipe["pictures"][2] == {"valence": 0.0}


def test_plain_images_and_a_given_recipe(tmp_path: Path) -> None:
    path = save_animation([image(0), image(255)], tmp_path / "a.webp", recipe={"prompt": "x"})
    assert read_recipe(path) == {"prompt": "x"}


def test_only_large_frames_are_compressed_with_loss(tmp_path: Path) -> None:
    for side, lossless in ((256, True), (257, False)):
        noise = [Image.effect_noise((side, side), 80).convert("RGB") for _ in range(2)]
        with Image.open(save_animation(noise, tmp_path / f"{side}.webp")) as moving:
            assert (difference(moving, noise[0]) == 0) is lossless


def test_bad_animations_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one frame"):
        save_animation([], tmp_path / "a.gif")
    with pytest.raises(InputError, match="different sizes"):
        save_animation([image(), image(size=(8, 8))], tmp_path / "a.gif")
    with pytest.raises(InputError, match=r"Use one of \.gif"):
        save_animation(frames(), tmp_path / "a.mp4")
    wrong: tuple[dict[str, Any], ...] = ({"duration": 0}, {"loop": -1})
    for settings in wrong:
        with pytest.raises(InputError, match="run from"):
            save_animation(frames(), tmp_path / "a.gif", **settings)
    assert os.listdir(tmp_path) == []
    (tmp_path / "a.gif").touch()
    with pytest.raises(OutputError, match="exists"):
        save_animation(frames(), tmp_path / "a.gif")
