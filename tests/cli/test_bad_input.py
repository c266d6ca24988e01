"""What is given wrongly: exit 2, a message with the next step, nothing written, and no model loaded before it is said."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Done, FakeCrafter

Cli = Callable[..., Done]
Fake = type[FakeCrafter]


def refused(done: Done, *words: str) -> None:
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate", "a", "--valence", "3.1"], ["valence is 3.1", "-3 to 3"]),
        (["generate", "a", "--arousal", "-4"], ["arousal is -4"]),
        (["generate", "a", "--valence", "nan"], ["valence is nan"]),
        (["generate", "a", "--valence", "inf"], ["valence is inf"]),
        (["generate", "a", "--mood", "melancholy"], ["melancholic"]),
        (["generate", "a", "--mood", "sad", "--valence", "1"], ["--mood", "Leave one"]),
        (["generate", "a", "--count", "0"], ["--count is 0"]),
        (["generate", "a", "--size", "huge"], ["1216x832"]),
        (["generate", "a", "--guidance-range", ".85:.3"], ["0.85:0.3", "two numbers that rise", "0.3:0.85"]),
        (["grid", "a", "--guidance-range", "0.3"], ["two numbers that rise"]),
        (["sweep", "a", "--from", "sad", "--to", "calm", "--guidance-range", "low:high"], ["not LOW:HIGH", "0.3:0.85"]),
        (["generate", "a", "--out", "a.bmp"], [".png"]),
        (["generate", "a", "--out", "a"], ["no suffix"]),
        (["grid", "a", "--valence", "-3:3"], ["start:end:count"]),
        (["grid", "a", "--arousal=-5:3:5"], ["-5"]),
        (["grid", "a", "--out", "a.gif"], [".png"]),
        (["sweep", "a", "--from", "1", "--to", "sad"], ["valence and arousal"]),
        (["sweep", "a", "--from", "sad", "--to", "hapy", "--frames", "3"], ["happy"]),
        (["sweep", "a", "--from", "sad", "--to", "calm", "--out", "a.mp4"], [".gif"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_values(cli: Cli, crafter: Fake, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    refused(cli(*arguments), *words)
    assert crafter.opened is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frames", ["1", "1001"])
def test_frames(cli: Cli, crafter: Fake, tmp_path: Path, frames: str) -> None:
    refused(cli("sweep", "a", "--from", "sad", "--to", "calm", "--frames", frames), "2 to 1000")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "a", "--out", "kept.png"],
        ["generate", "a", "--count", "2", "--out", "kept.png"],
        ["grid", "a", "--out", "kept.png"],
        ["grid", "a", "--out", "sheet.png", "--cells", "cells"],
        ["sweep", "a", "--from", "sad", "--to", "calm", "--out", "kept.webp"],
    ],
    ids=" ".join,
)
def test_existing_output_is_kept_and_the_model_not_loaded(cli: Cli, crafter: Fake, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "cells").mkdir()
    for name in ("kept.png", "kept-2.png", "kept.webp", "cells/v+0_a+0.png"):
        (tmp_path / name).write_text("precious")
    before = sorted(tmp_path.rglob("*"))
    refused(cli(*arguments), "exists", "--force")
    assert crafter.opened is None
    assert sorted(tmp_path.rglob("*")) == before
    assert cli(*arguments, "--force").code == 0
    assert all(path.read_bytes() != b"precious" for path in [tmp_path / arguments[-1]] if path.is_file() and "2" not in arguments)


def test_an_output_that_is_a_folder_or_below_a_file(cli: Cli, crafter: Fake, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("x")
    refused(cli("generate", "a", "--out", "folder.png", "--force"), "not a regular file")
    refused(cli("generate", "a", "--out", "file/a.png"), "not a folder")
    refused(cli("generate", "a", "--out", "/dev/null/a.png"), "not a folder")
    assert crafter.opened is None


def test_a_full_disk(cli: Cli, crafter: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    refused(cli("generate", "a", "--out", "a.png"), "disk is full")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "failing", "told"),
    [
        (["generate", "a", "--count", "3", "--out", "a.png"], 2, "a-2.png"),
        (["grid", "a", "--valence=-1,1", "--arousal=-1,1", "--out", "a.png", "--cells", "cells"], 3, "cells/v"),
        (["grid", "a", "--valence=-1,1", "--arousal=-1,1", "--out", "a.png", "--cells", "cells"], 1, "a.png"),
    ],
    ids=["several pictures", "a cell", "the sheet"],
)
def test_when_one_picture_cannot_be_written_none_is_and_the_same_command_runs_again(
    cli: Cli, crafter: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], failing: int, told: str
) -> None:
    writes = []
    real = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        writes.append(self)
        if len(writes) == failing:
            real(self, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        refused(cli(*command), "disk is full", told)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    done = cli(*command)
    assert done.code == 0, done.err
    assert all((tmp_path / name).is_file() for name in done.out.split())


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")])
def test_out_of_memory(cli: Cli, crafter: Fake, tmp_path: Path, error: Exception) -> None:
    crafter.failure = error
    refused(cli("generate", "a"), "memory", "--size")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n\0\0\0"])
def test_info_about_a_file_that_is_no_picture(cli: Cli, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    refused(cli("info", "a.png"))


def test_info_about_a_picture_without_recipe_or_without_a_file(cli: Cli, tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    refused(cli("info", "a.png"), "no recipe")
    refused(cli("info", "b.png"), "no file")


def test_a_recipe_with_terminal_codes_is_shown_harmlessly(cli: Cli, crafter: Fake, tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_itxt("emoticrafter", json.dumps({"prompt": "a \u202e\u2028dog", "note": ["\u200b"]}, ensure_ascii=False))
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", pnginfo=chunks)
    done = cli("info", "a.png")
    assert done.code == 0
    assert all(c.isprintable() or c == "\n" for c in done.out)
