"""What decides the bytes of a store, settled before its first shard; and what its files are called. No torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from emoticrafter.errors import InputError
from emoticrafter.inputs.records import read_record

__all__ = ["Layout", "check_settings", "check_sizes", "layout_of", "read_layout"]

MANIFEST, INDEX, SHARDS = "manifest.json", "index.parquet", "shards"
LONG = ("refuse", "cut", "drop")  # what was done with prompts that do not fit in the encoder
DTYPES = {"float16": "F16", "bfloat16": "BF16"}  # at rest, as safetensors calls them
AGAIN = "Run the `emoticrafter data encode` command that made it again, with --repair."
LARGEST = 1 << 20  # batch, and number of prompts in a shard


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How the shards and the index of a store look.

    backbone: the family of the encoder, as a checkpoint names it. encoder: sha256 of the text encoders' weights. tokens: T.
    channels: C. dtype: at rest. computed: the dtype that it was computed in. batch: prompts encoded at once; a shard's bytes
    depend on it. long: see `LONG`; cut: prompts that lost their end. prompts, pairs: how many. shard_rows: prompts in every
    shard but the last. source: sha256 of the pairs that were encoded. own_tokens: of all prompts together, where padding is left
    out; None where every prompt has T.
    """

    backbone: str
    encoder: str
    tokens: int
    channels: int
    dtype: str
    computed: str
    batch: int
    long: str
    cut: int
    prompts: int
    pairs: int
    shard_rows: int
    source: str
    own_tokens: int | None = None

    @property
    def row_bytes(self) -> int:
        """Of the features of one prompt with all T tokens."""
        return 2 * self.tokens * self.channels

    @property
    def feature_bytes(self) -> int:
        """Of the features of all prompts, as they are stored."""
        return self.prompts * self.row_bytes if self.own_tokens is None else 2 * self.own_tokens * self.channels

    @property
    def saved_bytes(self) -> int:
        """How many more they were with the padding."""
        return self.prompts * self.row_bytes - self.feature_bytes

    def rows_of(self, shard: int) -> int:
        """How many prompts the shard of a number holds."""
        return min(self.shard_rows, self.prompts - shard * self.shard_rows)

    def check_same(self, other: Layout, folder: Path) -> None:
        """Raise InputError, with both values, unless a folder that was begun with the layout `other` can be gone on with."""
        for name, words in _SAME.items():
            here, there = getattr(self, name), getattr(other, name)
            if here != there:
                values = [str(value)[:16] if name in ("encoder", "source") else repr(value) for value in (there, here)]
                raise InputError(
                    f"{str(folder)!r} was begun with {words} {values[0]}; now it is {values[1]}.",
                    "Give what it was begun with, or another folder with --out.",
                )

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


_SAME = {  # what must be the same to go on, in words
    "backbone": "the backbone",
    "encoder": "text encoders of hash",
    "tokens": "a prompt length of",
    "channels": "a number of channels of",
    "dtype": "the dtype",
    "computed": "features computed in",
    "batch": "the batch",
    "shard_rows": "a number of prompts per shard of",
    "long": "--long",
    "source": "pairs of hash",
    "own_tokens": "a number of tokens, padding left out, of",
}


def check_sizes(batch: int | None, shard_rows: int | None) -> None:
    """Raise InputError for so many prompts in a batch, or in a file, where they are given."""
    for name, value in (("batch", batch), ("number of prompts per shard", shard_rows)):
        if value is not None and (isinstance(value, bool) or not 1 <= value <= LARGEST):
            raise InputError(f"The {name} is {value}; it must be from 1 to {LARGEST}.", "Leave it out for the usual one.")


def check_settings(dtype: str, long: str) -> None:
    """Raise InputError for an unknown dtype at rest or an unknown way with long prompts."""
    if dtype not in DTYPES:
        raise InputError(f"The dtype is {dtype[:60]!r}.", f"Known ones: {', '.join(DTYPES)}.")
    if long not in LONG:
        raise InputError(f"--long is {long[:60]!r}.", f"Known ones: {', '.join(LONG)}.")


def read_layout(path: Path) -> Layout:
    """The layout in a file. Raises InputError if it is damaged."""
    layout: Layout = read_record(path, Layout, "plan", "Give --repair to write all of it again.")
    return layout


def layout_of(entries: dict[str, Any]) -> Layout:
    """A layout from the entries of a manifest; others are left alone."""
    return Layout(**{field.name: entries[field.name] for field in fields(Layout)})
