"""What an encoding will write, settled before its first shard: the pairs, their prompts' numbers, and every setting."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.coordinates import LIMIT, on_plane
from emoticrafter.data.manifest import DTYPES, LONG
from emoticrafter.data.tables import COLUMNS
from emoticrafter.errors import InputError
from emoticrafter.inputs.records import read_record

if TYPE_CHECKING:
    import pandas as pd

    from emoticrafter.backbones.base import PromptEncoder

__all__ = ["Plan", "check_pairs", "check_sizes", "fitting", "make_plan", "prompts_of", "source_of", "write_index"]

BATCH = 64  # prompts encoded at once
SHARD_BYTES = 1 << 28  # about, where the number of rows is not given
TEXTS = ("neutral_prompt", "emotional_prompt")
INDEXED = ("id", "valence", "arousal", "dataset", "tag", "split", "content", "picture")
_NAMED = 5  # of the long prompts
_LARGEST = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that decides the bytes of the shards and the index: the fields of `manifest.Manifest`, but for checksums."""

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

    @property
    def row_bytes(self) -> int:
        return 2 * self.tokens * self.channels

    def check_same(self, other: Plan, folder: Path) -> None:
        """Raise InputError, with both values, unless a folder that was begun by the plan `other` can be gone on with."""
        for name, words in _SAME.items():
            here, there = getattr(self, name), getattr(other, name)
            if here != there:
                values = [str(value)[:16] if name in ("encoder", "source") else repr(value) for value in (there, here)]
                raise InputError(
                    f"{str(folder)!r} was begun with {words} {values[0]}; now it is {values[1]}.",
                    "Give what it was begun with, or another folder with --out.",
                )


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
}


def make_plan(
    pairs: pd.DataFrame,
    kept: pd.DataFrame,
    cut: int,
    encoder: PromptEncoder,
    *,
    dtype: str = "float16",
    long: str = "refuse",
    batch: int | None = None,
    shard_rows: int | None = None,
) -> Plan:
    """The plan for the pairs given, of which `kept` are encoded and `cut` prompts shortened. See `encoding.write_features`."""
    row = 2 * encoder.section * encoder.prompt_channels
    batch = BATCH if batch is None else batch
    if shard_rows is None:
        shard_rows = max(1, SHARD_BYTES // (row * max(1, batch))) * batch
    check_sizes(batch, shard_rows)
    return Plan(
        backbone=encoder.family,
        encoder=encoder.fingerprint,
        tokens=encoder.section,
        channels=encoder.prompt_channels,
        dtype=dtype,
        computed=encoder.computed,
        batch=batch,
        long=long,
        cut=cut,
        prompts=len(prompts_of(kept)),
        pairs=len(kept),
        shard_rows=shard_rows,
        source=source_of(pairs),
    )


def check_sizes(batch: int | None, shard_rows: int | None) -> None:
    """Raise InputError for so many prompts in a batch, or in a file, where they are given."""
    for name, value in (("batch", batch), ("number of prompts per shard", shard_rows)):
        if value is not None and (isinstance(value, bool) or not 1 <= value <= _LARGEST):
            raise InputError(f"The {name} is {value}; it must be from 1 to {_LARGEST}.", "Leave it out for the usual one.")


def check_settings(dtype: str, long: str) -> None:
    """Raise InputError for an unknown dtype at rest or an unknown way with long prompts."""
    if dtype not in DTYPES:
        raise InputError(f"The dtype is {dtype[:60]!r}.", f"Known ones: {', '.join(DTYPES)}.")
    if long not in LONG:
        raise InputError(f"--long is {long[:60]!r}.", f"Known ones: {', '.join(LONG)}.")


def check_pairs(pairs: pd.DataFrame) -> None:
    """Raise InputError, naming the row, for a table that lacks a column or a value that training needs."""
    lacking = [name for name in (*INDEXED, *TEXTS) if name not in pairs]
    if lacking:
        raise InputError(f"The pairs lack {', '.join(lacking)}.", "Make the table with `emoticrafter data import pairs`.")
    if not len(pairs):
        raise InputError("There are no pairs to encode.", "Give a table with at least one.")
    for name in ("id", "content", *TEXTS):
        _name_row(pairs, name, [isinstance(value, str) for value in pairs[name]], "a text")
    for name in ("valence", "arousal"):
        sound = [isinstance(value, float | int) and on_plane(value) is not None for value in pairs[name].tolist()]
        _name_row(pairs, name, sound, "a number from -3 to 3")
    repeated = pairs["id"].duplicated()
    if repeated.any():
        raise InputError(
            f"The id {pairs['id'][repeated].iloc[0]!r} stands for several pairs.", "Give each pair an id of its own."
        )


def _name_row(pairs: pd.DataFrame, name: str, sound: Sequence[bool], rule: str) -> None:
    if not all(sound):
        row = pairs.iloc[list(sound).index(False)]
        raise InputError(
            f"The {name} of the pair {row['id']!r} is {str(row[name])[:60]!r}; it must be {rule}.", "Mend or drop this pair."
        )


def prompts_of(pairs: pd.DataFrame) -> list[str]:
    """The distinct prompts in the order of the pairs, a neutral one before its emotional one: near in the shards, too."""
    return list(dict.fromkeys(pairs[list(TEXTS)].to_numpy(dtype=object).ravel().tolist()))


def fitting(pairs: pd.DataFrame, encoder: PromptEncoder, long: str) -> tuple[pd.DataFrame, int]:
    """The pairs to encode, and how many prompts will be cut. Raises InputError, with ids, for long prompts that are refused."""
    prompts = prompts_of(pairs)
    lengths = {
        prompt: length for prompt, length in zip(prompts, encoder.lengths(prompts), strict=True) if length > encoder.section
    }
    if not lengths or long == "cut":
        return pairs, len(lengths)
    affected = pairs[list(TEXTS)].isin(list(lengths)).any(axis=1)
    if long == "drop":
        if affected.all():
            raise InputError(f"All pairs have a prompt of over {encoder.section} tokens.", "Shorten them, or give --long cut.")
        return pairs[~affected].reset_index(drop=True), 0
    named = [
        f"{text.removesuffix('_prompt')} of {row['id']!r} ({lengths[row[text]]})"
        for _, row in pairs[affected].head(_NAMED).iterrows()
        for text in TEXTS
        if row[text] in lengths
    ]
    number = f"{len(lengths)} prompts are" if len(lengths) > 1 else "A prompt is"
    raise InputError(
        f"{number} longer than the encoder's {encoder.section} tokens: {', '.join(named[:_NAMED])}"
        f"{' and others' if len(lengths) > _NAMED else ''}.",
        "Shorten them, or give --long cut, which keeps the beginning of each, or --long drop, which leaves their pairs out.",
    )


def source_of(pairs: pd.DataFrame) -> str:
    """sha256 of the content of the pairs, however their table was stored."""
    digest = hashlib.sha256()
    for name in (*INDEXED, *TEXTS):
        values = pairs[name].astype(object).where(pairs[name].notna(), None).tolist()
        digest.update(json.dumps([name, values], default=str).encode())
    return digest.hexdigest()


def write_index(kept: pd.DataFrame, path: Path) -> None:
    """The pairs with the numbers of their prompts, as parquet; the same bytes for the same pairs."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = {prompt: number for number, prompt in enumerate(prompts_of(kept))}
    kept = kept.assign(**{name: kept[name].clip(-LIMIT, LIMIT) for name in ("valence", "arousal")})  # rounding beyond an end
    columns = {name: pa.array(kept[name], type=pa.type_for_alias(COLUMNS["pairs"][name]), from_pandas=True) for name in INDEXED}
    columns |= {text.removesuffix("_prompt"): pa.array([numbers[prompt] for prompt in kept[text]], pa.int64()) for text in TEXTS}
    pq.write_table(pa.table(columns), path)


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises InputError if it is damaged."""
    plan: Plan = read_record(path, Plan, "plan", "Give --repair to write all of it again.")
    return plan


def plan_of(entries: dict[str, Any]) -> Plan:
    """A plan from the entries of a manifest; others are left alone."""
    return Plan(**{field.name: entries[field.name] for field in fields(Plan)})


def as_json(plan: Plan) -> str:
    return json.dumps(asdict(plan), indent=1, ensure_ascii=False) + "\n"
