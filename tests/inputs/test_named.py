"""Files as users name them, and what is no file: refused at once, whatever `stat` says of its length."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.inputs.named import below, check_file, file_hash, open_file, read_file


def read_all(path: Path) -> object:
    return read_file(path, 100)


READERS: list[Callable[[Path], object]] = [open_file, read_all, check_file, file_hash]
pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and devices")


def test_a_file_or_a_link_to_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for name in ("a", "link"):
        assert read_file(tmp_path / name, 100) == b"x" * 100
        assert check_file(str(tmp_path / name)) == tmp_path / name
        assert file_hash(tmp_path / name)[:16] == "09ecb6ebc8bcefc7"
        with open_file(tmp_path / name) as file:
            assert file.read(3) == b"xxx"


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Callable[[Path], object]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")  # its whole path may be too long for one
        (tmp_path / "to-pipe").symlink_to("pipe")
        (tmp_path / "to-device").symlink_to("/dev/zero")
        pipe, device = "a named pipe", "a device"
        kinds = {"pipe": pipe, "to-pipe": pipe, "to-device": device, "socket": "a socket", "folder": "a folder"}
        for name, kind in kinds.items():
            with pytest.raises(InputError, match=rf"{name}' cannot be read: it is {kind}\. Give a regular file\."):
                reader(tmp_path / name)


@pytest.mark.parametrize("reader", READERS)
def test_what_is_not_there_is_missing(tmp_path: Path, reader: Callable[[Path], object]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "broken").symlink_to("nowhere")
    for name in ("none", "broken", "file/below"):
        with pytest.raises(MissingError, match=r"There is no file .*Check the name"):
            reader(tmp_path / name)
    with pytest.raises(InputError, match="null"):
        reader(tmp_path / "a\0b")


def test_a_length_is_read_and_not_asked_of_stat(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 101)
    with pytest.raises(InputError, match=r"a' is longer than 100 bytes"):
        read_file(tmp_path / "a", 100)
    status = Path("/proc/self/status")  # of 0 bytes, says stat
    if status.exists():
        assert status.stat().st_size == 0
        with pytest.raises(InputError, match="longer than 10 bytes"):
            read_file(status, 10)


def test_errors_are_of_the_kind_that_a_caller_wants(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"There is no config '.*none'. Fetch it again."):
        read_file(tmp_path / "none", 1, "config", "Fetch it again.", missing=CheckpointError)
    with pytest.raises(CheckpointError, match=r"cannot be read: it is a folder. Fetch it again."):
        read_file(tmp_path, 1, "config", "Fetch it again.", error=CheckpointError)


def test_a_name_below_a_folder_is_followed_and_then_compared(tmp_path: Path) -> None:
    folder, other = tmp_path / "data", tmp_path / "data-other"
    for place in (folder / "in", other):
        place.mkdir(parents=True)
    (tmp_path / "link").symlink_to(folder)
    (folder / "inside").symlink_to("in/a.png")
    (folder / "outside").symlink_to(other)
    (folder / "round").symlink_to("round")
    for name in ("a.png", "in/a.png", "in/../a.png", "inside", str(folder / "a.png"), "../data/a.png"):
        assert below(folder, name) == folder / name
        assert below(tmp_path / "link", name) == tmp_path / "link" / name
    for name in ("../a.png", "outside/a.png", "in/../../a.png", str(other / "a.png"), "/etc/passwd", "a\0b"):
        with pytest.raises(InputError, match=r"The picture .* does not lie below '.*data'"):
            below(folder, name, "picture")
