"""Holding a folder against a second run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from emoticrafter.errors import OutputError
from emoticrafter.locks import hold

pytest.importorskip("fcntl")
BUSY = "Somebody holds it.", "Wait."


def test_one_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "new" / ".lock"
    with hold(lock, *BUSY):
        with pytest.raises(OutputError, match="Somebody holds it") as caught, hold(lock, *BUSY):
            pass
        assert caught.value.hint == "Wait."
    with hold(lock, *BUSY):
        pass


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from emoticrafter.locks import hold\n"
        "with hold(pathlib.Path(sys.argv[1]), '', ''): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / ".lock")], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="Somebody"), hold(tmp_path / ".lock", *BUSY):
            pass
    finally:
        other.kill()
        other.wait()
    with hold(tmp_path / ".lock", *BUSY):
        pass


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write"), hold(tmp_path / "file" / ".lock", *BUSY):
        pass
