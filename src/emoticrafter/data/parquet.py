"""Parquet files, of this program and of others: read as bytes first, for what is no file hangs; each column of its type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from emoticrafter.errors import InputError, MissingError, reason_of
from emoticrafter.inputs.named import CHECK, Error, PathLike, read_file
from emoticrafter.inputs.records import damaged, parse_json
from emoticrafter.inputs.typed import typed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["KEY", "check_columns", "read_parquet"]

KEY = b"emoticrafter"  # of what our own files say about themselves
MAX_BYTES = 1 << 32


def read_parquet(
    path: PathLike, what: str = "file", cure: str = CHECK, *, error: Error = InputError, missing: Error = MissingError
) -> tuple[pa.Table, dict[str, Any]]:
    """The table, and what the file says about itself under `KEY`: {} where it says nothing.

    what, cure: of errors. Raises `missing` where there is none, and `error` for what cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = read_file(path, MAX_BYTES, what, cure, error=error, missing=missing)
    try:
        # Without threads of Arrow's own: one that has not ended yet aborts a program that ends at once, with an error, say.
        table = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False).read(use_threads=False)
        table.validate(full=True)  # Arrow reads texts that are none, which Python finds out later
        if twice := sorted(name for name, count in Counter(table.column_names).items() if count > 1):
            raise ValueError(f"the column {twice[0]} comes more than once")
        return table, typed("metadata", parse_json((table.schema.metadata or {}).get(KEY, b"{}")), dict[str, Any])
    except (pa.ArrowException, OSError, ValueError, InputError) as problem:
        raise damaged(path, what, cure, problem, error) from problem


def check_columns(table: pa.Table, columns: Mapping[str, str], never_null: Collection[str] = ()) -> pa.Table:
    """The table with these columns in the type of each, an alias of Arrow; others as they are.

    Raises ValueError, which names the column, where one is missing, holds other values, or a null that it must not hold.
    """
    import pyarrow as pa

    if lacking := [name for name in columns if name not in table.column_names]:
        raise ValueError(f"it lacks {', '.join(lacking)}")
    for name, alias in columns.items():
        column = table.column(name)
        if name in never_null and column.null_count:
            row = column.to_pylist().index(None) + 1
            raise ValueError(f"{name} is null in row {row}")
        kind = pa.type_for_alias(alias)
        if column.type != kind:
            try:
                table = table.set_column(table.column_names.index(name), name, column.cast(kind))
            except pa.ArrowException as error:
                raise ValueError(f"{name} is no {alias}: {reason_of(error)}") from error
    return table
