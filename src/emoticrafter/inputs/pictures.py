"""Pictures that come in: from a short list of formats, upright, in RGB, whatever their file is like.

Pillow tells a format by the content, and for some of them (EPS, for one) it starts another program. What is not in `FORMATS` is
never shown to its plugins. Formats are added here and nowhere else.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Union

from PIL import Image, ImageOps

from emoticrafter.errors import InputError, MissingError, reason_of
from emoticrafter.inputs.named import Error, PathLike, read_file

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "FORMATS", "READ_AS", "SUFFIXES", "Viewable", "array_of", "as_rgb", "batches", "decode_picture", "image_of", "opened_picture",
    "picture_bytes", "pictures_in", "read_picture",
]  # fmt: skip

FORMATS = {
    "PNG": (".png",), "JPEG": (".jpg", ".jpeg"), "WEBP": (".webp",), "GIF": (".gif",), "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
}  # fmt: skip
_UNREAD = (  # of pictures, too, in formats that are not read
    ".ai", ".avif", ".cr2", ".cr3", ".dng", ".eps", ".exr", ".hdr", ".heic", ".heif", ".ico", ".j2k", ".jfif", ".jp2", ".jxl",
    ".nef", ".orf", ".pbm", ".pcx", ".pgm", ".pnm", ".ppm", ".psd", ".raf", ".raw", ".rw2", ".svg", ".tga", ".xcf",
)  # fmt: skip
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
READ_AS = 2  # what was kept of pictures that were read otherwise is of no use any more: another number says so
MAX_BYTES = 1 << 29
MAX_PIXELS = 1 << 26
_LEAVE_OUT = "Leave it out, or save it again as PNG."
_WHITE_OF = (1.0, 255.0, 65535.0)  # the usual ranges of numbers in pictures


class WithImage(Protocol):
    """What carries an image with it, as `emoticrafter.Picture` does."""

    @property
    def image(self) -> Image.Image: ...


Viewable = Union[WithImage, Image.Image, "np.ndarray", str, "os.PathLike[str]"]  # an array is uint8 (h, w, 3)


def image_of(picture: Viewable) -> Image.Image:
    """A picture in any of these forms as an RGB image, upright; transparent parts are laid on white.

    Raises MissingError and InputError.
    """
    import numpy as np

    if isinstance(picture, str | os.PathLike):
        return read_picture(picture)
    if isinstance(picture, Image.Image):
        return as_rgb(picture)
    if isinstance(picture, np.ndarray):
        assert picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8, "an array is uint8 (h, w, 3)"
        return Image.fromarray(picture)
    return as_rgb(picture.image)


def array_of(picture: Viewable) -> np.ndarray:
    """The picture as uint8 (h, w, 3)."""
    import numpy as np

    return picture if isinstance(picture, np.ndarray) else np.asarray(image_of(picture))


def batches(pictures: Sequence[Viewable], size: int) -> Iterator[Sequence[Viewable]]:
    """The pictures in order, at most `size` at a time."""
    for start in range(0, len(pictures), size):
        yield pictures[start : start + size]


def read_picture(path: PathLike) -> Image.Image:
    """The picture in a file, in RGB: the first of several, turned as its file says, transparent parts on white.

    Raises MissingError, and InputError for what is no regular file, no picture of a known format, damaged, or too large.
    """
    return decode_picture(picture_bytes(path), f"The picture {str(path)!r}")


def picture_bytes(path: PathLike, *, error: Error = InputError, missing: Error = MissingError) -> bytes:
    """The content of a picture's file, not looked at yet. Raises `missing` where there is none, `error` for no regular file."""
    return read_file(path, MAX_BYTES, "picture", error=error, missing=missing)


def decode_picture(content: bytes, called: str = "The picture", edge: int | None = None) -> Image.Image:
    """The same from the bytes of a file. called: how an error begins.

    edge: the picture may come smaller than it is, but not below so many pixels a side: a JPEG is decoded faster so.
    """
    with opened_picture(content, called) as image:
        if edge is not None:
            image.draft("RGB", (edge, edge))
        return as_rgb(image)


@contextmanager
def opened_picture(content: bytes, called: str = "The picture") -> Iterator[Image.Image]:
    """The picture as Pillow opens it, not decoded yet; whatever a strange file has its decoder raise becomes an InputError."""
    try:
        with Image.open(io.BytesIO(content), formats=tuple(FORMATS)) as image:
            if image.width * image.height > MAX_PIXELS:
                size = f"{image.width} x {image.height}"
                raise InputError(f"{called} has {size} pixels; at most {MAX_PIXELS:,} are read.", "Make it smaller first.")
            yield image
    except (InputError, MemoryError):
        raise
    except Image.UnidentifiedImageError as error:
        raise InputError(f"{called} cannot be decoded: it is none of {', '.join(FORMATS)}.", _LEAVE_OUT) from error
    except Exception as error:
        raise InputError(f"{called} cannot be decoded: {reason_of(error, 100)}.", _LEAVE_OUT) from error


def pictures_in(folder: Path, *, deep: bool = False, warn: Callable[[str], None] = lambda text: None) -> list[Path]:
    """The files of a folder that are named as pictures, in order; deep: those of its folders too.

    Names that begin with a dot are of the system's (macOS and network shares lay such files beside pictures) and left out. warn:
    called with a sentence about pictures of kinds that are not read.
    """
    found = sorted(path for path in (folder.rglob("*") if deep else folder.iterdir()) if not _is_hidden(path.relative_to(folder)))
    if unread := [path for path in found if path.suffix.lower() in _UNREAD]:
        kinds = ", ".join(sorted({path.suffix.lower() for path in unread}))
        how_many = "1 picture" if len(unread) == 1 else f"{len(unread)} pictures"
        warn(
            f"{how_many} in {str(folder)!r}, such as {unread[0].name!r}, of kinds that are not read ({kinds}) are left out: save"
            " them as PNG."
        )
    return [path for path in found if path.suffix.lower() in SUFFIXES]


def as_rgb(image: Image.Image) -> Image.Image:
    """A picture of any mode in RGB, turned as its metadata say, transparent parts on white."""
    image = _turned(image)
    if image.mode == "F" or image.mode.startswith("I"):
        return _grey(image).convert("RGB")
    if image.mode in ("La", "RGBa"):
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _turned(image: Image.Image) -> Image.Image:
    image.load()  # some formats find their orientation only now
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # metadata that cannot be read say nothing; the pixels are sound
        return image


def _grey(image: Image.Image) -> Image.Image:
    """Numbers of more than 8 bits, whose white is said nowhere but for those of 16: the smallest usual one that none is above."""
    if image.mode.startswith("I;16"):
        white = 65535.0
    else:
        extrema: Any = image.getextrema()
        if not math.isfinite(sum(extrema)):
            raise ValueError("its numbers are not finite")
        usual = _WHITE_OF if image.mode == "F" else _WHITE_OF[1:]
        white = next((one for one in usual if extrema[1] <= one), extrema[1])
    return image.point(lambda x: x * (255 / white) + 0.5).convert("L")
