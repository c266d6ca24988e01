"""Pictures of things with an alpha channel: from the declared sprite package, or simple ones drawn in code.

The package is npm's `@lobehub/fluent-emoji-3d` (MIT), fetched at build time with `npm pack` and never committed.
`CodeSprites` needs nothing: flat shapes in distinct colours, for tests and for a first try without the package.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from emoticrafter.errors import MissingError
from emoticrafter.files import cache_directory

PACKAGE = "@lobehub/fluent-emoji-3d"
VERSION = "1.1.0"

# Unicode code points, as the package names its files.
CODES = {
    "dog": "1f415", "cat": "1f408", "rabbit": "1f407", "horse": "1f40e", "cow": "1f404", "pig": "1f416", "sheep": "1f411",
    "elephant": "1f418", "duck": "1f986", "penguin": "1f427", "turtle": "1f422", "butterfly": "1f98b", "owl": "1f989",
    "bird": "1f426", "deer": "1f98c", "rooster": "1f413", "squirrel": "1f43f-fe0f", "camel": "1f42a", "tiger": "1f405",
    "monkey": "1f412", "flamingo": "1f9a9", "hedgehog": "1f994", "kangaroo": "1f998", "dinosaur": "1f996", "snail": "1f40c",
    "swan": "1f9a2", "car": "1f697", "taxi": "1f695", "bus": "1f68c", "truck": "1f69a", "tractor": "1f69c",
    "fire_engine": "1f692", "train": "1f682", "bicycle": "1f6b2", "scooter": "1f6f5", "sailboat": "26f5", "rocket": "1f680",
    "balloon": "1f388", "ball": "26bd", "kite": "1fa81", "teddy_bear": "1f9f8", "umbrella": "2602-fe0f", "parasol": "26f1-fe0f",
    "guitar": "1f3b8", "cake": "1f382", "gift": "1f381", "tent": "26fa", "sunflower": "1f33b", "pumpkin": "1f383",
    "snowman": "26c4", "fountain": "26f2", "drum": "1f941", "chair": "1fa91", "lantern": "1f3ee", "book": "1f4d6",
    "palm": "1f334", "cactus": "1f335", "slide": "1f6dd", "carousel": "1f3a0", "ice_cream": "1f366", "tree": "1f333",
    "pine": "1f332", "house": "1f3e0", "castle": "1f3f0", "apple": "1f34e", "tulip": "1f337", "blossom": "1f33c",
    "hibiscus": "1f33a", "mushroom": "1f344", "bouquet": "1f490", "ship": "1f6a2", "anchor": "2693", "bell": "1f514",
    "clock": "1f570-fe0f", "candle": "1f56f-fe0f", "bed": "1f6cf-fe0f", "couch": "1f6cb-fe0f", "barn": "1f6d6",
    "ferris_wheel": "1f3a1", "roller_coaster": "1f3a2", "circus_tent": "1f3aa", "crow": "1f426-200d-2b1b", "bat": "1f987",
    "ghost": "1f47b", "sun": "2600-fe0f", "moon": "1f319", "star": "2b50", "rainbow": "1f308", "basket": "1f9fa",
    "melon": "1f349", "grapes": "1f347", "banana": "1f34c", "carrot": "1f955", "bread": "1f35e", "backpack": "1f392",
}  # fmt: skip


class SpriteSource(Protocol):
    def get(self, name: str) -> np.ndarray:
        """RGBA, uint8 (h, w, 4), cropped to what is visible."""


def fetch(directory: Path | None = None) -> Path:
    """Download the sprite package with npm, unless it is there; its folder of pictures.

    Raises MissingError, with the command to run, where npm or the network is missing.
    """
    root = directory or cache_directory() / f"fluent-emoji-3d-{VERSION}"
    pictures = root / "package" / "assets"
    if pictures.is_dir():
        return pictures
    command = ["npm", "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", str(root)]
    if shutil.which("npm") is None:
        raise MissingError(
            f"the sprites come from the npm package {PACKAGE} and npm is not installed: install Node.js, then run again"
        )
    root.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    archives = sorted(root.glob("*.tgz"))
    if done.returncode or not archives:
        last = done.stderr.strip().rpartition("\n")[2] or "no message"
        raise MissingError(f"could not fetch the sprites ({last}); with a network, run: {' '.join(command)}")
    with tarfile.open(archives[-1]) as archive, tempfile.TemporaryDirectory(dir=root) as fresh:
        archive.extractall(fresh, filter="data")
        shutil.rmtree(root / "package", ignore_errors=True)
        (Path(fresh) / "package").rename(root / "package")  # whole: a run that was killed has unpacked a part
    archives[-1].unlink()
    return pictures


def _cropped(rgba: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(rgba[..., 3].max(axis=1) > 8)
    columns = np.flatnonzero(rgba[..., 3].max(axis=0) > 8)
    cropped = np.ascontiguousarray(rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    cropped.flags.writeable = False  # shared by all who draw it, and shrunk copies are cached
    return cropped


class PackageSprites:
    """The sprites of the declared package."""

    def __init__(self, pictures: Path | None = None) -> None:
        self.pictures = pictures or fetch()
        self._loaded: dict[str, np.ndarray] = {}

    def get(self, name: str) -> np.ndarray:
        if name not in self._loaded:
            path = self.pictures / f"{CODES[name]}.webp"
            picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            if picture is None:
                raise MissingError(f"sprite {name!r} is not at {path}: delete that folder and run again to fetch it anew")
            self._loaded[name] = _cropped(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA))
        return self._loaded[name]


class CodeSprites:
    """Simple stand-ins drawn in code, one shape and colour per name; deterministic."""

    def get(self, name: str) -> np.ndarray:
        return _code_sprite(name)


@cache
def _code_sprite(name: str) -> np.ndarray:
    index = sorted(CODES).index(name)
    hue = np.array([[[index * 47 % 180, 200, 150 + index * 31 % 100]]], np.uint8)
    color = [int(c) for c in cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0]] + [255]
    rgba = np.zeros((128, 128, 4), np.uint8)
    corners = 3 + index % 5
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False) + index
    points = np.stack([64 + 58 * np.cos(turns), 64 + 58 * np.sin(turns)], axis=1).astype(np.int32)
    cv2.fillPoly(rgba, [points], color, cv2.LINE_AA)
    cv2.circle(rgba, (64, 64), 14 + index % 4 * 6, (250, 250, 250, 255), -1, cv2.LINE_AA)
    return _cropped(rgba)
