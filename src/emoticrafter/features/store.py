"""Encoded prompts at rest: a folder with a manifest, an index of the pairs, and shards of prompt features.

    manifest.json     what the features are of: see `Manifest`
    index.parquet     a row per pair: id, valence, arousal, dataset, tag, split, content, picture, and the numbers of its two
                      prompts, `neutral` and `emotional`
    shards/tokens-00000.safetensors, ...   each one tensor "tokens" (n, T, C), float16 or bfloat16, of distinct prompts; the
                      prompt of number i is row i % shard_rows of shard i // shard_rows

`emoticrafter data encode` writes such a folder and mends it.
"""

# N prompts, T tokens of a prompt, C channels

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from emoticrafter.errors import InputError, MissingError
from emoticrafter.features.index import read_index
from emoticrafter.features.layout import AGAIN, INDEX, MANIFEST, SHARDS
from emoticrafter.features.manifest import Manifest, Shard, damaged_shards, listed, shard_offset
from emoticrafter.files import user_path
from emoticrafter.inputs.named import open_file
from emoticrafter.inputs.records import damaged
from emoticrafter.watch import Step

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FeatureStore", "Manifest", "Shard"]


class FeatureStore:
    """The features in a folder, read row by row; `open` makes one. Safe in threads, and in processes after a fork or pickling.

    manifest: what they are. pairs: the index, a row per pair; `neutral` and `emotional` number the prompts for `rows`.
    """

    def __init__(self, folder: Path, manifest: Manifest, pairs: pd.DataFrame, offsets: Sequence[int]) -> None:
        self.folder, self.manifest, self.pairs = folder, manifest, pairs
        self._offsets = list(offsets)  # bytes before the first row of each shard

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> FeatureStore:
        """The store in a folder. Sizes and headers of all shards are checked, their bytes are not: see `check`.

        Raises MissingError where there is no finished store, and InputError for one that is damaged, by the file's name.
        """
        folder = user_path(folder)
        if not os.path.lexists(folder / MANIFEST):
            started = (folder / SHARDS).is_dir()
            raise MissingError(
                f"The encoding into {str(folder)!r} was not finished."
                if started
                else f"There are no features in {str(folder)!r}.",
                "Run the same `emoticrafter data encode` command again: it goes on where it stopped."
                if started
                else f"`emoticrafter data encode PAIRS.parquet --out {folder}` makes them.",
            )
        manifest = Manifest.read(folder / MANIFEST)
        offsets, faults = [], []
        for shard in manifest.shards:
            try:
                offsets.append(shard_offset(folder, shard, manifest))
            except InputError as error:
                faults.append(error.problem)
        if faults:
            raise InputError(listed(faults), AGAIN)
        return cls(folder, manifest, read_index(folder / INDEX, manifest), offsets)

    def __len__(self) -> int:
        return self.manifest.prompts

    def rows(self, numbers: Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """The features of the prompts of these numbers, (n, T, C) in the stored dtype; numbers may repeat, in any order.

        Only these rows are read, in the order of the files, straight into the tensor that is returned. What is kept beyond
        that is the system's cache of the files, which is not the process's memory: pages of a mapped file would count as
        resident once touched, and a mapped file that is cut short kills its reader. Raises InputError for a damaged file.
        """
        manifest = self.manifest
        wanted = numbers if isinstance(numbers, Tensor) else torch.from_numpy(np.array(numbers, dtype=np.int64))
        wanted = wanted.to("cpu", torch.int64).reshape(-1)
        if len(wanted) and not 0 <= int(wanted.min()) <= int(wanted.max()) < manifest.prompts:
            wrong = next(int(number) for number in wanted if not 0 <= number < manifest.prompts)
            raise InputError(f"There is no prompt {wrong} among {manifest.prompts}.", "Take the numbers from `pairs`.")
        made = torch.empty(len(wanted), manifest.tokens, manifest.channels, dtype=getattr(torch, manifest.dtype))
        if not made.numel():
            return made
        places = memoryview(made.view(torch.uint8).numpy()).cast("B")  # type: ignore[arg-type]
        size = manifest.row_bytes
        order = wanted.argsort(stable=True)
        begin, sorted_ = 0, wanted[order]
        while begin < len(order):
            shard = int(sorted_[begin]) // manifest.shard_rows
            end = int(torch.searchsorted(sorted_, (shard + 1) * manifest.shard_rows))
            rows = [(int(number) - shard * manifest.shard_rows) * size for number in sorted_[begin:end]]
            self._read(shard, rows, [places[place * size : (place + 1) * size] for place in order[begin:end].tolist()])
            begin = end
        return made

    def _read(self, shard: int, rows: Sequence[int], places: Sequence[memoryview]) -> None:
        """Copy rows of a shard, given by their bytes' offset, to their places."""
        path = self.folder / self.manifest.shards[shard].file
        try:
            with open_file(path, "shard", AGAIN, missing=InputError) as file:
                for row, place in zip(rows, places, strict=True):
                    file.raw.seek(self._offsets[shard] + row)  # unbuffered: straight into its place
                    done = 0
                    while done < len(place):
                        count = file.raw.readinto(place[done:])
                        if not count:
                            raise OSError("it was cut short")
                        done += count
        except OSError as error:
            raise damaged(path, "shard", AGAIN, error) from error

    def check(self, progress: Step | None = None) -> None:
        """Compare every shard with its checksum; raises InputError that names those that differ."""
        faults = damaged_shards(self.folder, self.manifest, dict(enumerate(self.manifest.shards)), progress)
        if faults:
            raise InputError(listed(list(faults.values())), AGAIN)

    def require(
        self, *, prompt_channels: int | None = None, positions: int | None = None, backbone: str | None = None,
        encoder: str | None = None,
    ) -> None:  # fmt: skip
        """Raise InputError, with both values, unless the features fit a model or a backbone.

        prompt_channels, positions: of an EIT's config. backbone: the family of a backbone. encoder: sha256 of its text encoders.
        """
        found = self.manifest
        hint = "Encode the pairs for this model: `emoticrafter data encode --backbone NAME`, into another folder."
        if backbone is not None and backbone != found.backbone:
            raise InputError(f"{self._name} holds features of the backbone {found.backbone!r}; {backbone!r} was asked for.", hint)
        if prompt_channels is not None and prompt_channels != found.channels:
            raise InputError(f"{self._name} holds {found.channels} channels per token; the model reads {prompt_channels}.", hint)
        if positions is not None and positions < found.tokens:
            raise InputError(f"{self._name} holds {found.tokens} tokens per prompt; the model has {positions} positions.", hint)
        if encoder is not None and encoder != found.encoder:
            raise InputError(
                f"{self._name} was encoded with text encoders of hash {found.encoder[:16]}; the backbone's have {encoder[:16]}.",
                hint,
            )

    @property
    def _name(self) -> str:
        return repr(str(self.folder))
