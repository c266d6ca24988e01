"""The index of a store: the pairs, checked, with the numbers of their prompts. No torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emoticrafter.coordinates import LIMIT, on_plane
from emoticrafter.data.parquet import check_columns, read_parquet
from emoticrafter.data.tables import COLUMNS
from emoticrafter.errors import InputError
from emoticrafter.extras import need_extra
from emoticrafter.features.layout import AGAIN
from emoticrafter.inputs.named import file_hash
from emoticrafter.inputs.records import damaged

if TYPE_CHECKING:
    import pandas as pd

    from emoticrafter.backbones.base import PromptEncoder
    from emoticrafter.features.manifest import Manifest

__all__ = ["check_index", "check_pairs", "fitting", "lengths_of", "prompts_of", "read_index", "source_of", "write_index"]

TEXTS = ("neutral_prompt", "emotional_prompt")
INDEXED = ("id", "valence", "arousal", "dataset", "tag", "split", "content", "picture")
NUMBERS = ("neutral", "emotional")
LENGTHS = {name: f"{name}_tokens" for name in NUMBERS}  # of a store without padding
_NAMED = 5  # of the long prompts


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


def fitting(pairs: pd.DataFrame, encoder: PromptEncoder, long: str) -> tuple[pd.DataFrame, int, dict[str, int]]:
    """The pairs to encode, how many prompts will be cut, and the tokens that each has of its own when it is.

    Raises InputError, with ids, for long prompts that are refused.
    """
    prompts = prompts_of(pairs)
    counted = dict(zip(prompts, encoder.lengths(prompts), strict=True))
    own = {prompt: min(length, encoder.section) for prompt, length in counted.items()}
    lengths = {prompt: length for prompt, length in counted.items() if length > encoder.section}
    if not lengths or long == "cut":
        return pairs, len(lengths), own
    affected = pairs[list(TEXTS)].isin(list(lengths)).any(axis=1)
    if long == "drop":
        if affected.all():
            raise InputError(f"All pairs have a prompt of over {encoder.section} tokens.", "Shorten them, or give --long cut.")
        return pairs[~affected].reset_index(drop=True), 0, own
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


def write_index(kept: pd.DataFrame, path: Path, lengths: Sequence[int] | None = None) -> None:
    """The pairs with the numbers of their prompts, as parquet; the same bytes for the same pairs.

    lengths: the own tokens of each prompt, where padding is left out; they are kept beside the numbers.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = {prompt: number for number, prompt in enumerate(prompts_of(kept))}
    kept = kept.assign(**{name: kept[name].clip(-LIMIT, LIMIT) for name in ("valence", "arousal")})  # rounding beyond an end
    columns = {name: pa.array(kept[name], type=pa.type_for_alias(COLUMNS["pairs"][name]), from_pandas=True) for name in INDEXED}
    columns |= {
        name: pa.array([numbers[prompt] for prompt in kept[text]], pa.int64()) for name, text in zip(NUMBERS, TEXTS, strict=True)
    }
    if lengths is not None:
        for name, column in LENGTHS.items():
            columns[column] = pa.array([lengths[number] for number in columns[name].to_pylist()], pa.int64())
    pq.write_table(pa.table(columns), path)


def check_index(path: Path, manifest: Manifest) -> None:
    """Raise InputError unless the index is there, as it was written."""
    if file_hash(path, "index", AGAIN, missing=InputError) != manifest.index:
        raise InputError(f"The index {str(path)!r} does not match its checksum.", AGAIN)


def read_index(path: Path, manifest: Manifest) -> pd.DataFrame:
    """The pairs of a finished store. Raises InputError unless they are as they were written, and fit the manifest."""
    need_extra("data", "pandas", "pyarrow")
    check_index(path, manifest)
    whole = (*NUMBERS, *(LENGTHS.values() if manifest.own_tokens is not None else ()))
    columns = {name: COLUMNS["pairs"][name] for name in INDEXED} | dict.fromkeys(whole, "int64")
    table, _ = read_parquet(path, "index", AGAIN)
    try:
        pairs = check_columns(table, columns, {"id", "valence", "arousal", "content", *whole}).to_pandas()
        numbers = pairs[list(NUMBERS)].to_numpy()
        if len(pairs) != manifest.pairs or (numbers.size and not 0 <= numbers.min() <= numbers.max() < manifest.prompts):
            raise ValueError("it does not fit the manifest")
    except ValueError as error:
        raise damaged(path, "index", AGAIN, error) from error
    return pairs


def lengths_of(pairs: pd.DataFrame, path: Path, manifest: Manifest) -> list[int] | None:
    """The own tokens of each prompt, by its number; None in a store with padding. pairs: the index, read from `path`."""
    if manifest.own_tokens is None:
        return None
    lengths = np.zeros(manifest.prompts, dtype=np.int64)
    for name, column in LENGTHS.items():
        lengths[pairs[name]] = pairs[column]
    alike = all((lengths[pairs[name]] == pairs[column]).all() for name, column in LENGTHS.items())
    if not alike or lengths.sum() != manifest.own_tokens or (lengths < 0).any() or (lengths > manifest.tokens).any():
        raise damaged(path, "index", AGAIN, ValueError("its numbers of tokens do not fit the manifest"))
    return [int(length) for length in lengths]
