"""Holding a folder against a second run."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from emoticrafter.errors import OutputError
from emoticrafter.locks import LOCK, busy, hold

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


def test_what_is_said_of_a_busy_folder(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    with hold(folder / LOCK, *busy(folder)), pytest.raises(OutputError) as caught, hold(folder / LOCK, *busy(folder)):
        pass
    assert str(caught.value) == f"Another run is writing to {str(folder)!r}. Wait for it, or give another folder with --out."


def test_a_passing_lock_leaves_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "new" / LOCK
    with hold(lock, *BUSY, passing=True):
        assert lock.is_file()
        with pytest.raises(OutputError, match="Somebody holds it"), hold(lock, *BUSY, passing=True):
            pass
        assert lock.is_file()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    with hold(tmp_path / "there" / LOCK, *BUSY, passing=True):
        pass
    with hold(tmp_path / "new" / LOCK, *BUSY, passing=True):
        (tmp_path / "new" / "made").touch()
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["new", "new/made", "there"]


def test_a_passing_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    """Its file is removed and made anew all the time, among eight that want it."""
    inside, most, entered = 0, 0, 0
    end = time.monotonic() + 1.0

    def work() -> None:
        nonlocal inside, most, entered
        while time.monotonic() < end:
            try:
                with hold(tmp_path / LOCK, *BUSY, passing=True):
                    inside += 1
                    most, entered = max(most, inside), entered + 1
                    time.sleep(0.0005)
                    inside -= 1
            except OutputError:
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert entered > 2


def test_a_disk_without_locks_is_used_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: FileLock, **_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with hold(tmp_path / LOCK, *BUSY, passing=True):
        pass
