"""Parquet files that are damaged inside."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emoticrafter.data.parquet import read_parquet
from emoticrafter.errors import InputError


def test_a_text_that_is_none_is_found_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"name": ["first", "second"]})
    pq.write_table(table, path, compression="none", use_dictionary=False, write_statistics=False)
    assert read_parquet(path)[0].to_pylist() == [{"name": "first"}, {"name": "second"}]
    path.write_bytes(path.read_bytes().replace(b"second", b"s\xf2cond"))
    with pytest.raises(InputError, match=r"a\.parquet' is damaged"):
        read_parquet(path, "table")
