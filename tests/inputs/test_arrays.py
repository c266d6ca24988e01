"""Arrays that were kept, and what became of them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from emoticrafter.errors import CheckpointError, MissingError
from emoticrafter.inputs.arrays import read_array, read_arrays

ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


def read(path: Path, mapped: bool = False) -> np.ndarray:
    return read_array(path, "array of latents", "Run again.", mapped=mapped)


def test_an_array_is_read_whole_or_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ROWS)
    assert read(tmp_path / "a.npy").tolist() == ROWS.tolist()
    assert isinstance(read(tmp_path / "a.npy", mapped=True), np.memmap)
    np.savez(tmp_path / "a.npz", rows=ROWS, number=3)
    found = read_arrays(tmp_path / "a.npz", "shard", "Run again.")
    assert (found["rows"].tolist(), int(found["number"])) == (ROWS.tolist(), 3)


@pytest.mark.parametrize("mapped", [False, True])
def test_what_is_damaged_or_no_file_is_named(tmp_path: Path, mapped: bool) -> None:
    path = tmp_path / "a.npy"
    with pytest.raises(MissingError, match=r"There is no array of latents .*a\.npy'\. Run again"):
        read(path, mapped)
    np.save(path, ROWS)
    whole = path.read_bytes()
    np.save(path, np.array([{"an": "object"}]), allow_pickle=True)  # would run what a stranger wrote
    pickled = path.read_bytes()
    np.savez(tmp_path / "a.npz", rows=ROWS)
    for content in (b"", b"nonsense", whole[:-8], whole[:20], pickled, (tmp_path / "a.npz").read_bytes()):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"The array of latents .*a\.npy' is damaged: .*\. Run again"):
            read(path, mapped)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match=r"a\.npy' cannot be read: it is a named pipe"):
        read(path, mapped)


@pytest.mark.parametrize("content", [b"", b"PK\3\4 and no more"])
def test_an_archive_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"The shard .*a\.npz' is damaged"):
        read_arrays(tmp_path / "a.npz", "shard", "Run again.")
    np.save(tmp_path / "b.npy", ROWS)
    with pytest.raises(CheckpointError, match=r"The shard .*b\.npy' is damaged"):
        read_arrays(tmp_path / "b.npy", "shard", "Run again.")
