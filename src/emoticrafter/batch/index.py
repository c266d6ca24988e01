"""The index of a batch: a row per picture that is there, with all that it was made from.

    id          sixteen hexadecimal digits of what decides the pixels: the row's settings and the method's weights
    prompt      as it was drawn
    prompt_id   ten hexadecimal digits of the prompt
    valence, arousal, seed, strength, start, steps, guidance, width, height
    negative    null where there is none
    method      its name
    file        the picture below the folder, with slashes between
    sha256      of the file
    guidance_range  LOW:HIGH where guidance is limited, and later settings likewise; no such column where it is in no picture

and behind these the columns that came with the prompts and the emotions, as texts. Its metadata says under `emoticrafter`
whether every picture of the plan is there (`complete`), and how many were planned.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.batch.columns import COLUMNS_OF_SETTINGS
from emoticrafter.batch.files import write_changed
from emoticrafter.batch.rows import Row
from emoticrafter.data.parquet import KEY, check_columns, read_parquet
from emoticrafter.errors import InputError, MissingError
from emoticrafter.escapes import csv_text
from emoticrafter.files import user_path
from emoticrafter.inputs.records import damaged

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["COLUMNS", "INDEX", "TABLE", "entry", "known_hashes", "read_index", "write_index"]

INDEX, TABLE = "index.parquet", "index.csv"
VERSION = 1
_NEVER_NULL = {"id", "prompt", "prompt_id", "valence", "arousal", "seed", "file", "sha256"}
_FIRST = {name: column.alias for name, column in COLUMNS_OF_SETTINGS.items() if column.setting.always}
COLUMNS = {
    "id": "string", "prompt": "string", "prompt_id": "string", "valence": "double", "arousal": "double", "seed": "int64",
    **_FIRST, "method": "string", "file": "string", "sha256": "string",
}  # fmt: skip
# Columns only where a picture has one: indexes of older programs lack them.
LATER = {name: column.alias for name, column in COLUMNS_OF_SETTINGS.items() if not column.setting.always}


def entry(id: str, row: Row, file: str, recipe: Mapping[str, Any], sha256: str, method: Mapping[str, Any]) -> dict[str, Any]:
    """The row of the index of a picture: settings by its own recipe, where that has them, else as they were asked for."""
    cells = {name: column.cell(recipe.get(name, getattr(row, name))) for name, column in COLUMNS_OF_SETTINGS.items()}
    return {
        "id": id,
        "prompt": row.prompt,
        "prompt_id": row.prompt_id,
        "valence": row.valence,
        "arousal": row.arousal,
        "seed": row.seed,
        **{name: cell for name, cell in cells.items() if name not in LATER},
        "method": recipe.get("method") or method.get("method"),
        "file": file,
        "sha256": sha256,
        **{name: cells[name] for name in LATER},
        **row.columns,
    }


def write_index(folder: Path, entries: Sequence[Mapping[str, Any]], planned: int, *, table: bool = False) -> Path:
    """Write the index whole or not at all, unless it says the same already. table: as CSV, too.

    Returns the path. Raises OutputError.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    others = dict.fromkeys(name for one in entries for name in one if name not in {*COLUMNS, *LATER})
    known = COLUMNS | {name: kind for name, kind in LATER.items() if any(one.get(name) is not None for one in entries)}
    columns = {name: pa.type_for_alias(alias) for name, alias in known.items()} | dict.fromkeys(others, pa.string())
    made = pa.table({name: pa.array([one.get(name) for one in entries], type_) for name, type_ in columns.items()})
    about = {"kind": "batch index", "version": VERSION, "planned": planned, "complete": len(entries) == planned}
    buffer = io.BytesIO()
    pq.write_table(made.replace_schema_metadata({KEY: json.dumps(about).encode()}), buffer)
    write_changed(folder / INDEX, buffer.getvalue())
    if table or (folder / TABLE).exists():  # an old one beside a new index would mislead
        write_changed(folder / TABLE, csv_text([columns, *([one.get(name) for name in columns] for one in entries)]).encode())
    return folder / INDEX


def read_index(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """The index of a folder, or of a file; `attrs` has what it says of itself: `complete`, `planned`.

    Raises MissingError if there is none, InputError if it is damaged; the batch's command writes it again.
    """
    table, about = _read(user_path(folder))
    frame = table.to_pandas()
    frame.attrs = {name: about.get(name) for name in ("complete", "planned")}
    return frame


def known_hashes(folder: Path, warn: Callable[[str], None]) -> dict[str, str]:
    """The sha256 of each file by the picture's id, as the index has them. warn: called with a sentence where it is damaged."""
    try:
        table, _ = _read(folder)
    except MissingError:
        return {}
    except InputError as error:
        warn(f"{error.problem} It is made anew from the pictures, whose sums are not known without it.")
        return {}
    return dict(zip(table["id"].to_pylist(), table["sha256"].to_pylist(), strict=True))


def _read(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    path = path / INDEX if path.is_dir() else path
    again = "Run the `emoticrafter batch` command that made the folder: it writes the index at its end."
    table, about = read_parquet(path, "index", again)
    try:
        if about.get("kind") != "batch index":
            raise ValueError("it lacks our mark")
        return check_columns(table, COLUMNS, _NEVER_NULL), about
    except ValueError as error:
        raise damaged(path, "index", again, error) from error
