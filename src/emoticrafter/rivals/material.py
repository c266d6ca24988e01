"""What methods learn from: prompts, emotions, and latents of pictures that show them; encoded once by the backbone's own VAE."""

# L latent channels, h and w sides of latents

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

from emoticrafter.backbones.denoiser import denoiser_of
from emoticrafter.data.tables import read_table
from emoticrafter.data.values import picture_below
from emoticrafter.errors import EmotiCrafterError, InputError
from emoticrafter.files import atomic_path, cache_directory, user_path
from emoticrafter.inputs.arrays import read_array
from emoticrafter.inputs.named import check_file, file_hash
from emoticrafter.inputs.pictures import read_picture
from emoticrafter.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from emoticrafter.backbones.base import Backbone

__all__ = ["RivalMaterial", "cached_latents", "from_pairs", "read_pairs"]

AT_ONCE = 16  # pictures


@dataclass(frozen=True, eq=False)
class RivalMaterial:
    """n examples. emotions: float32 (n, 2), valence and arousal. latents: (n, L, h, w) as the network knows them, of pictures of
    `size` (width, height) in pixels that show the emotional prompt; None where there are no pictures. about: JSON values on
    where they come from; a training is taken up only with the same.
    """

    neutral: Sequence[str]
    emotional: Sequence[str]
    emotions: np.ndarray
    latents: np.ndarray | None
    size: tuple[int, int]
    about: Mapping[str, Any]

    def __post_init__(self) -> None:
        lengths = {len(self.neutral), len(self.emotional), len(self.emotions)}
        lengths |= set() if self.latents is None else {len(self.latents)}
        assert len(lengths) == 1 and self.emotions.shape[1:] == (2,) and self.emotions.dtype == np.float32, lengths
        if not len(self):
            raise InputError("There is nothing to learn from: the material has no rows.", "Give a table with rows for training.")

    def __len__(self) -> int:
        return len(self.neutral)


def read_pairs(path: str | os.PathLike[str], pictures: Path | None, limit: int | None) -> tuple[pd.DataFrame, list[Path]]:
    """The rows of a table of pairs that a method learns from, and the files of their pictures, which are there.

    The arguments are those of `from_pairs`. Raises InputError and MissingError.
    """
    table, _ = read_table(path, "pairs")
    table = table[~table["split"].isin(["val", "test"])]
    if pictures is not None:
        table = table[table["picture"].notna()]
    table = table.iloc[:limit]
    if table.empty:
        raise InputError("There is nothing to learn from: the material has no rows.", "Give a table with rows for training.")
    return table, [_file(pictures, str(name)) for name in table["picture"]] if pictures is not None else []


def from_pairs(
    path: str | os.PathLike[str],
    backbone: Backbone,
    *,
    pictures: Path | None = None,
    limit: int | None = None,
    cache: Path | None = None,
    quiet: bool = False,
) -> RivalMaterial:
    """The training rows of a table of pairs (see `data.tables`). Rows of the splits val and test take no part.

    pictures: the folder that the column `picture` is relative to; None learns from prompts alone. Pictures are cut to the shape
    of the backbone's own size, from the middle. cache: where latents are kept; by default the cache folder. Raises InputError
    and MissingError.
    """
    table, files = read_pairs(path, pictures, limit)
    size = backbone.defaults.size
    about: dict[str, Any] = {"pairs": file_hash(user_path(path))[:16], "rows": len(table)}
    latents = None
    if pictures is not None:
        about["pictures"] = len(files)
        stamps = [(str(file), file.stat().st_size) for file in files]
        drawn = (_fitted(read_picture(file), size) for file in files)
        latents = cached_latents(backbone, drawn, len(files), {**about, "stamps": stamps, "size": size}, cache, quiet=quiet)
    return RivalMaterial(
        neutral=list(table["neutral_prompt"]),
        emotional=list(table["emotional_prompt"]),
        emotions=table[["valence", "arousal"]].to_numpy(np.float32),
        latents=latents,
        size=size,
        about=about,
    )


def cached_latents(
    backbone: Backbone, pictures: Iterator[np.ndarray], count: int, origin: Mapping[str, Any], cache: Path | None, *, quiet: bool
) -> np.ndarray:
    """The latents (n, L, h, w) in float16 of pictures, uint8 (height, width, 3); mapped from the disk.

    origin: JSON values that decide the pictures: with them, and the backbone's weights, they are encoded once.
    """
    decides = [origin, backbone.describe().get("backbone_hash"), backbone.name]
    name = hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:24]
    path = (cache or cache_directory() / "latents") / f"{name}.npy"
    kept = _kept(path, count)
    if kept is None:
        parts, denoiser = [], denoiser_of(backbone)
        with Progress("encoding pictures", count, early=True, quiet=quiet) as show:
            for batch in _batches(pictures):
                parts.append(denoiser.encode_pictures(batch))
                done = sum(map(len, parts))
                if show.due():
                    show.tell(done, f"{done} of {count}")
        with atomic_path(path, force=True) as temporary:
            np.save(temporary, np.concatenate(parts) if parts else np.zeros((0, 1, 1, 1), np.float16))
    return _read_latents(path) if kept is None else kept


def _kept(path: Path, count: int) -> np.ndarray | None:
    """Latents that were kept; None where there are none, or none that fit."""
    with suppress(EmotiCrafterError):
        found = _read_latents(path)
        if found.ndim == 4 and len(found) == count and found.dtype == np.float16:
            return found
    return None


def _read_latents(path: Path) -> np.ndarray:
    return read_array(path, "array of latents", "Run again: they are made anew.", mapped=True)


def _batches(pictures: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    batch: list[np.ndarray] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == AT_ONCE:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)


def _file(folder: Path, name: str) -> Path:
    return check_file(picture_below(folder, name), "picture", "Give --pictures the folder of the data set.")


def _fitted(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(ImageOps.fit(image, size, Image.Resampling.LANCZOS))
