"""Encoded prompts at rest: a folder with a manifest, an index of the pairs, and shards of prompt features.

    manifest.json     what the features are of: see `Manifest`
    index.parquet     a row per pair: id, valence, arousal, dataset, tag, split, content, picture, and the numbers of its two
                      prompts, `neutral` and `emotional`
    shards/tokens-00000.safetensors, ...   each one tensor "tokens" (n, T, C), float16 or bfloat16, of distinct prompts; the
                      prompt of number i is row i % shard_rows of shard i // shard_rows

Where padding means nothing, a store is ragged: a shard's tensor is (tokens of its n prompts, C), one prompt's own tokens after
the other's, and the index says how many each has, in `neutral_tokens` and `emotional_tokens`. Its manifest is of version 2.

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

from emoticrafter.backbones.features import TokenStream
from emoticrafter.errors import InputError, MissingError
from emoticrafter.features.index import lengths_of, read_index
from emoticrafter.features.layout import AGAIN, INDEX, MANIFEST, SHARDS
from emoticrafter.features.manifest import Manifest, Shard, damaged_shards, listed, own_tokens, shard_offset
from emoticrafter.files import user_path
from emoticrafter.inputs.named import open_file
from emoticrafter.inputs.records import damaged
from emoticrafter.masks import mask_of, none_if_full
from emoticrafter.watch import Step

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FeatureStore", "Manifest", "Shard"]


class FeatureStore:
    """The features in a folder, read row by row; `open` makes one. Safe in threads, and in processes after a fork or pickling.

    manifest: what they are. pairs: the index, a row per pair; `neutral` and `emotional` number the prompts for `rows`.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        pairs: pd.DataFrame,
        offsets: Sequence[int],
        lengths: Sequence[int] | None = None,
    ) -> None:
        self.folder, self.manifest, self.pairs = folder, manifest, pairs
        self._offsets = list(offsets)  # bytes before the first row of each shard
        # Of each prompt, in tokens: how many it has, and how many come before it when all shards are put end to end.
        self._lengths = torch.full([manifest.prompts], manifest.tokens) if lengths is None else torch.tensor(lengths)
        self._begins = self._lengths.cumsum(0) - self._lengths

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
        pairs = read_index(folder / INDEX, manifest)
        lengths = lengths_of(pairs, folder / INDEX, manifest)
        offsets, faults = [], []
        for number, shard in enumerate(manifest.shards):
            try:
                offsets.append(shard_offset(folder, shard, manifest, own_tokens(manifest, lengths, number)))
            except InputError as error:
                faults.append(error.problem)
        if faults:
            raise InputError(listed(faults), AGAIN)
        return cls(folder, manifest, pairs, offsets, lengths)

    def __len__(self) -> int:
        return self.manifest.prompts

    @property
    def ragged(self) -> bool:
        """Whether prompts are kept with their own tokens alone."""
        return self.manifest.own_tokens is not None

    def lengths(self, numbers: Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """How many tokens the prompts of these numbers have here, (n,) int64: their own in a ragged store, else T."""
        return self._lengths[self._wanted(numbers)]

    def begins(self, numbers: Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """How many tokens come before those of the prompts of these numbers when all shards are put end to end, (n,) int64."""
        return self._begins[self._wanted(numbers)]

    def stream(self, numbers: Sequence[int] | np.ndarray | Tensor, tokens: int | None = None) -> TokenStream:
        """The features of the prompts of these numbers, as `rows` gives them, under their mask."""
        made = self.rows(numbers, tokens)
        return TokenStream(made, none_if_full(mask_of(self.lengths(numbers), made.shape[1])) if self.ragged else None)

    def rows(self, numbers: Sequence[int] | np.ndarray | Tensor, tokens: int | None = None) -> Tensor:
        """The features of the prompts of these numbers, (n, T, C) in the stored dtype; numbers may repeat, in any order.

        In a ragged store T is the length of the longest of these prompts, or `tokens`, and zeros fill up the others.

        Only these rows are read, in the order of the files, straight into the tensor that is returned. What is kept beyond
        that is the system's cache of the files, which is not the process's memory: pages of a mapped file would count as
        resident once touched, and a mapped file that is cut short kills its reader. Raises InputError for a damaged file.
        """
        manifest, wanted = self.manifest, self._wanted(numbers)
        made = self._room(wanted, tokens)
        if not made.numel():
            return made
        places = memoryview(made.view(torch.uint8).numpy()).cast("B")  # type: ignore[arg-type]
        room = 2 * made.shape[1] * manifest.channels
        order = wanted.argsort(stable=True)
        begin, sorted_ = 0, wanted[order]
        while begin < len(order):
            shard = int(sorted_[begin]) // manifest.shard_rows
            end = int(torch.searchsorted(sorted_, (shard + 1) * manifest.shard_rows))
            rows, sizes = self._spans(shard, sorted_[begin:end])
            spots = zip(order[begin:end].tolist(), sizes, strict=True)
            self._read(shard, rows, [places[place * room : place * room + size] for place, size in spots])
            begin = end
        return made

    def _wanted(self, numbers: Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """The numbers as a tensor. Raises InputError for one that no prompt has."""
        wanted = numbers if isinstance(numbers, Tensor) else torch.from_numpy(np.array(numbers, dtype=np.int64))
        wanted = wanted.to("cpu", torch.int64).reshape(-1)
        prompts = self.manifest.prompts
        if len(wanted) and not 0 <= int(wanted.min()) <= int(wanted.max()) < prompts:
            wrong = next(int(number) for number in wanted if not 0 <= number < prompts)
            raise InputError(f"There is no prompt {wrong} among {prompts}.", "Take the numbers from `pairs`.")
        return wanted

    def _room(self, wanted: Tensor, tokens: int | None) -> Tensor:
        """What the features of these prompts are read into."""
        manifest = self.manifest
        dtype = getattr(torch, manifest.dtype)
        if not self.ragged:
            return torch.empty(len(wanted), manifest.tokens, manifest.channels, dtype=dtype)
        longest = int(self._lengths[wanted].max()) if len(wanted) else 0
        assert tokens is None or tokens >= longest, f"a prompt of {longest} tokens does not fit in {tokens}"
        return torch.zeros(len(wanted), longest if tokens is None else tokens, manifest.channels, dtype=dtype)

    def _spans(self, shard: int, numbers: Tensor) -> tuple[list[int], list[int]]:
        """Where these prompts begin in their shard, and how long they are, in bytes."""
        token, first = 2 * self.manifest.channels, self._begins[shard * self.manifest.shard_rows]
        return ((self._begins[numbers] - first) * token).tolist(), (self._lengths[numbers] * token).tolist()

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
        shards = dict(enumerate(self.manifest.shards))
        faults = damaged_shards(self.folder, self.manifest, shards, progress, self._lengths.tolist() if self.ragged else None)
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
