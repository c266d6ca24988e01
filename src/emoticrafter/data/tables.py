"""The two tables of the way from data sets to features, as parquet files that say what they are.

`annotations`, a row per picture:

    id          text, unique; begins with the data set: "oasis/Acorns 1"
    picture     text: the path of the picture below the data set's folder; null if there is none
    valence     -3 (unpleasant) to 3 (pleasant)
    arousal     -3 (calm) to 3 (excited)
    dominance   -3 to 3, null where it was not annotated
    valence_sd, arousal_sd   spread of the raters on the same scale, null where not known
    raters      how many people, null where not known
    dataset     "oasis", "emotic", "findingemo", or what the user calls it
    tag         the data set's own word for the content or the feeling, null where it has none
    split       "train", "val" or "test", null where the data set has none

`pairs`, a row per pair of prompts:

    id, valence, arousal, dataset, tag, picture, split   as above
    content     text: pairs with the same content are kept on one side of a split; never null
    neutral_prompt, emotional_prompt   text, never empty
    writer      who wrote the pair, null where not known
    doubts      reasons to doubt the pair, split by "; "; empty if there is none
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from emoticrafter.data.parquet import KEY, check_columns, read_parquet
from emoticrafter.errors import InputError
from emoticrafter.files import atomic_path, user_path
from emoticrafter.inputs.records import damaged

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "Kind", "read_table", "write_table"]

Kind = Literal["annotations", "pairs"]
VERSION = 1
COLUMNS: dict[str, dict[str, str]] = {
    "annotations": {
        "id": "string", "picture": "string", "valence": "double", "arousal": "double", "dominance": "double",
        "valence_sd": "double", "arousal_sd": "double", "raters": "int64", "dataset": "string", "tag": "string",
        "split": "string",
    },
    "pairs": {
        "id": "string", "valence": "double", "arousal": "double", "dataset": "string", "tag": "string", "picture": "string",
        "split": "string", "content": "string", "neutral_prompt": "string", "emotional_prompt": "string", "writer": "string",
        "doubts": "string",
    },
}  # fmt: skip


def write_table(
    table: pd.DataFrame, path: str | os.PathLike[str], kind: Kind, about: dict[str, Any], *, force: bool = False
) -> Path:
    """Write a table, whole or not at all. A column that is not there is written as null; other columns are kept behind ours.

    about: JSON values on how it came to be. Raises OutputError as `files.atomic_path` does.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = user_path(path)
    columns = {name: pa.type_for_alias(alias) for name, alias in COLUMNS[kind].items()}
    others = [name for name in table.columns if name not in columns]
    arrays = {
        name: pa.array(table[name], type=type_, from_pandas=True) if name in table else pa.nulls(len(table), type_)
        for name, type_ in columns.items()
    }
    arrays |= {name: pa.array(table[name], from_pandas=True) for name in others}
    made = pa.table(arrays)
    note = json.dumps({"kind": kind, "version": VERSION, **about}, ensure_ascii=False, allow_nan=False)
    with atomic_path(path, force) as temporary:
        pq.write_table(made.replace_schema_metadata({KEY: note.encode()}), temporary)
    return path


def read_table(path: str | os.PathLike[str], kind: Kind) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows of a table that `write_table` wrote, and what it says about itself.

    Raises MissingError if there is no such file, InputError if it is damaged or of another kind.
    """
    path = user_path(path)
    cure = f"Give a parquet file of {kind}; {_SOURCES[kind]} makes one."
    table, about = read_parquet(path, cure=cure)
    found = about.get("kind")
    lacking = [name for name in COLUMNS[kind] if name not in table.column_names]
    if found != kind or lacking:
        says = f"it says it holds {found}" if found and found != kind else f"it lacks {', '.join(lacking) or 'our mark'}"
        raise InputError(f"{str(path)!r} is not a table of {kind}: {says}.", f"Make one with {_SOURCES[kind]}.")
    try:
        return check_columns(table, COLUMNS[kind]).to_pandas(), about
    except ValueError as error:
        raise damaged(path, f"table of {kind}", cure, error) from error


_SOURCES = {
    "annotations": "`emoticrafter data import`",
    "pairs": "`emoticrafter data import pairs` or `emoticrafter data write-pairs`",
}
