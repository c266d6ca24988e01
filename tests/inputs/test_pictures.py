"""One picture in the forms that people have it in: what is read of it is the same. And what is no picture, or none for us."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError, MissingError
from emoticrafter.inputs import pictures
from emoticrafter.inputs.pictures import as_rgb, decode_picture, pictures_in, read_picture
from emoticrafter.judges import storybook_judges
from emoticrafter.storybook.world import Scene, Subject, render

SCENE = Scene(place="beach", subjects=(Subject(kind="dog", action="running"),), seed=3)
PHOTOGRAPH = Image.fromarray(render(SCENE, Emotion(valence=2.0, arousal=1.5), 128))
GREY = PHOTOGRAPH.convert("L")

# How a camera that was turned lays the picture down, by the number that its file tells.
TURNS = {
    1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
}  # fmt: skip


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def turned(number: int, form: str, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = number
    turn = TURNS[number]
    return saved(PHOTOGRAPH if turn is None else PHOTOGRAPH.transpose(turn), form, exif=exif, **options)


def lab() -> Image.Image:
    spaces = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    made = ImageCms.applyTransform(PHOTOGRAPH, ImageCms.buildTransform(*spaces, "RGB", "LAB"))
    assert made is not None
    return made


def on_nothing() -> Image.Image:
    """The picture with its border transparent, and red underneath."""
    image = Image.new("RGBA", (144, 144), (255, 0, 0, 0))
    image.paste(PHOTOGRAPH, (8, 8))
    return image


def numbers(dtype: Any, white: float) -> Image.Image:
    return Image.fromarray((np.asarray(GREY, float) * white / 255).astype(dtype))


FINE = {"quality": 98, "subsampling": 0}
COLOURED: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: saved(PHOTOGRAPH, "PNG"),
    "PNG with alpha": lambda: saved(PHOTOGRAPH.convert("RGBA"), "PNG"),
    "PNG with a palette": lambda: saved(PHOTOGRAPH.quantize(256, dither=Image.Dither.NONE), "PNG"),
    "JPEG": lambda: saved(PHOTOGRAPH, "JPEG", **FINE),
    "JPEG of a printer": lambda: saved(PHOTOGRAPH.convert("CMYK"), "JPEG", **FINE),
    "JPEG of two pictures": lambda: saved(PHOTOGRAPH, "MPO", save_all=True, append_images=[GREY.convert("RGB")], **FINE),
    **{f"JPEG turned {n}": partial(turned, n, "JPEG", **FINE) for n in TURNS},
    "PNG turned": lambda: turned(6, "PNG"),
    "WebP": lambda: saved(PHOTOGRAPH, "WEBP", lossless=True),
    "WebP turned": lambda: turned(8, "WEBP", lossless=True),
    "WebP in motion": lambda: saved(PHOTOGRAPH, "WEBP", lossless=True, save_all=True, append_images=[GREY.convert("RGB")]),
    "GIF": lambda: saved(PHOTOGRAPH.quantize(256, dither=Image.Dither.NONE), "GIF"),
    "BMP": lambda: saved(PHOTOGRAPH, "BMP"),
    "TIFF": lambda: saved(PHOTOGRAPH, "TIFF"),
    "TIFF turned": lambda: turned(6, "TIFF"),
    "TIFF of a printer": lambda: saved(PHOTOGRAPH.convert("CMYK"), "TIFF"),
    "TIFF in YCbCr": lambda: saved(PHOTOGRAPH.convert("YCbCr"), "TIFF"),
    "TIFF in LAB": lambda: saved(lab(), "TIFF"),
    "TIFF with a fourth channel": lambda: saved(PHOTOGRAPH.convert("RGBX"), "TIFF"),
}
COLOURLESS: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: saved(GREY, "PNG"),
    "PNG with alpha": lambda: saved(GREY.convert("LA"), "PNG"),
    "PNG of 16 bits": lambda: saved(numbers(np.uint16, 65535), "PNG"),
    "TIFF of 16 bits": lambda: saved(numbers(np.uint16, 65535), "TIFF"),
    "TIFF of 32 bits": lambda: saved(numbers(np.int32, 255), "TIFF"),
    "TIFF of 32 bits, as of 16": lambda: saved(numbers(np.int32, 65535), "TIFF"),
    "TIFF of floats to 1": lambda: saved(numbers(np.float32, 1), "TIFF"),
    "TIFF of floats to 255": lambda: saved(numbers(np.float32, 255), "TIFF"),
    "JPEG": lambda: saved(GREY, "JPEG", quality=98),
    "in colours": lambda: saved(GREY.convert("RGB"), "BMP"),
}


def readings(folder: Path, forms: dict[str, Callable[[], bytes]]) -> dict[str, np.ndarray]:
    """What the judge reads of each form, which lies in a file without a telling name."""
    files = []
    for number, make in enumerate(forms.values()):
        files.append(folder / f"{number}.png")
        files[-1].write_bytes(make())
    return dict(zip(forms, storybook_judges().emotion.emotions(files), strict=True))


def test_a_coloured_picture_is_read_alike_in_every_form(tmp_path: Path) -> None:
    found = readings(tmp_path, COLOURED)
    assert len(found) > 24
    upright = found["PNG"]
    assert {form: read.round(2).tolist() for form, read in found.items() if np.abs(read - upright).max() > 0.15} == {}
    lying = storybook_judges().emotion.emotions([PHOTOGRAPH.transpose(Image.Transpose.ROTATE_90)])[0]
    assert np.abs(lying - upright).max() > 0.3  # so the readings would differ, were it not turned


def test_a_colourless_picture_is_read_alike_in_every_form(tmp_path: Path) -> None:
    found = readings(tmp_path, COLOURLESS)
    assert {form: read.tolist() for form, read in found.items() if np.abs(read - found["PNG"]).max() > 0.05} == {}


@pytest.mark.parametrize("forms", [COLOURED, COLOURLESS])
def test_the_pixels_are_those_of_the_picture(forms: dict[str, Callable[[], bytes]]) -> None:
    wanted = np.asarray(PHOTOGRAPH if forms is COLOURED else GREY.convert("RGB"), float)
    for form, make in forms.items():
        pixels = np.asarray(decode_picture(make()), float)
        assert pixels.shape == wanted.shape
        assert np.abs(pixels - wanted).mean() < 4, form


@pytest.mark.parametrize(
    "image",
    [on_nothing(), on_nothing().convert("RGBa"), on_nothing().convert("LA"), on_nothing().convert("LA").convert("La")],
    ids=lambda image: image.mode,
)
def test_what_is_transparent_is_white(image: Image.Image) -> None:
    pixels = np.asarray(as_rgb(image))
    assert (pixels[:8] == 255).all()
    inside = np.asarray(PHOTOGRAPH if "RGB" in image.mode.upper() else GREY.convert("RGB"))
    assert np.abs(pixels[8:-8, 8:-8].astype(int) - inside).max() <= 1


def test_a_transparent_colour_of_a_palette_is_white() -> None:
    image = Image.new("P", (2, 1), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 0)
    for form in ("PNG", "GIF"):
        pixels = np.asarray(decode_picture(saved(image, form, transparency=0)))
        assert pixels.tolist() == [[[255, 255, 255], [0, 0, 255]]]


def test_one_bit_is_black_or_white() -> None:
    image = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    for form in ("PNG", "TIFF", "BMP", "GIF"):
        assert np.asarray(decode_picture(saved(image, form))).tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_metadata_that_cannot_be_read_cost_no_picture() -> None:
    broken = saved(PHOTOGRAPH, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xee" * 40, **FINE)
    assert np.abs(np.asarray(decode_picture(broken), float) - np.asarray(PHOTOGRAPH, float)).mean() < 4


def test_a_small_copy_is_asked_of_a_jpeg() -> None:
    content = saved(PHOTOGRAPH.resize((1024, 512)), "JPEG")
    assert decode_picture(content).size == (1024, 512)
    assert decode_picture(content, edge=100).size == (256, 128)


# What Pillow would open, were it not kept from it: PostScript by starting Ghostscript.
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize(
    "content", [EPS, saved(PHOTOGRAPH, "PDF"), saved(PHOTOGRAPH, "PPM"), saved(PHOTOGRAPH, "ICO"), b"text", b""]
)
def test_only_listed_formats_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    def start(*arguments: object, **options: object) -> None:
        raise AssertionError("a picture started a program")

    monkeypatch.setattr(subprocess, "Popen", start)
    path = tmp_path / "dog.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"dog\.png' cannot be decoded: it is none of PNG, JPEG, WEBP, GIF, BMP, TIFF"):
        read_picture(path)


def test_pictures_that_are_damaged_or_too_large_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dog.png"
    with pytest.raises(MissingError, match=r"no picture .*dog\.png"):
        read_picture(path)
    path.write_bytes(saved(PHOTOGRAPH, "PNG")[:4000])
    with pytest.raises(InputError, match=r"dog\.png' cannot be decoded: .*truncated"):
        read_picture(path)
    path.write_bytes(saved(numbers(np.float32, np.nan), "TIFF"))
    with pytest.raises(InputError, match=r"dog\.png' cannot be decoded: its numbers are not finite"):
        read_picture(path)
    path.write_bytes(saved(PHOTOGRAPH, "PNG"))
    monkeypatch.setattr(pictures, "MAX_PIXELS", 128 * 128 - 1)
    with pytest.raises(InputError, match=r"dog\.png' has 128 x 128 pixels; at most 16,383 are read"):
        read_picture(path)
    monkeypatch.setattr(pictures, "MAX_BYTES", 100)
    with pytest.raises(InputError, match=r"dog\.png' is longer than 100 bytes"):
        read_picture(path)


def test_a_bomb_is_not_unpacked() -> None:
    """A PNG of a few bytes that says that it has 40 billion pixels."""
    small = saved(Image.new("L", (1, 1)), "PNG")
    for size in ((1 << 17, 1 << 18), (1 << 14, 1 << 13)):
        header = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big")
        with pytest.raises(InputError, match=r"pixels|bomb"):
            decode_picture(_with_crc(small[:16] + header + small[24:]))


def _with_crc(png: bytes) -> bytes:
    import zlib

    return png[:29] + zlib.crc32(png[12:29]).to_bytes(4, "big") + png[33:]


def test_pictures_of_a_folder_are_those_that_people_see(tmp_path: Path) -> None:
    names = ["a.png", "b.JPG", "._a.png", ".DS_Store", "notes.txt", "c.tiff", "in/d.webp", ".trash/e.png", "in/._d.webp"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in pictures_in(tmp_path)] == ["a.png", "b.JPG", "c.tiff"]
    assert [path.name for path in pictures_in(tmp_path, deep=True)] == ["a.png", "b.JPG", "c.tiff", "d.webp"]
    assert [path.name for path in pictures_in(tmp_path / ".trash")] == ["e.png"]


def test_pictures_of_kinds_that_are_not_read_are_told_once(tmp_path: Path) -> None:
    for name in ("a.png", "b.AVIF", "c.heic", "d.jp2", "notes.txt", "._b.avif", "Thumbs.db"):
        (tmp_path / name).touch()
    told: list[str] = []
    assert [path.name for path in pictures_in(tmp_path, warn=told.append)] == ["a.png"]
    assert told == [
        f"3 pictures in {str(tmp_path)!r}, such as 'b.AVIF', of kinds that are not read (.avif, .heic, .jp2) are left out: save"
        " them as PNG."
    ]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").touch()
    pictures_in(tmp_path / "in", warn=told.append)
    assert len(told) == 1
