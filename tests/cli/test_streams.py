"""What is printed never ends the program: terminals without UTF-8, closed streams, pipes that end, full disks."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from emoticrafter.cli.main import run
from emoticrafter.cli.streams import standard_streams
from emoticrafter.errors import OutputError
from emoticrafter.picture import Picture
from tests.contracts.test_help import COMMANDS

posix = pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")


def program(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A line of bash in which $E is the program."""
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=folder,
        env=os.environ | {"E": f"{sys.executable} -m emoticrafter"} | environment,
        capture_output=True,
        check=False,
    )


def end_in(encoding: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    """The exit code of the program, and what it prints to a stdout of this encoding."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(SystemExit) as end:
        run(arguments)
    return int(end.value.code or 0), stdout.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


# Encodings


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_help_in_every_encoding(name: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = end_in(encoding, monkeypatch, *name.split()[1:], "--help")
    assert code == 0
    assert f" * {name}" in text
    assert "\\" not in text


def test_a_recipe_in_every_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Picture(image=Image.new("RGB", (8, 8)), recipe={"prompt": "café 犬"}).save(tmp_path / "a.png")
    for encoding, shown in (("ascii", "caf\\xe9 \\u72ac"), ("latin-1", "café \\u72ac"), ("cp932", "caf\\xe9 犬")):
        assert end_in(encoding, monkeypatch, "info", str(path)) == (0, f"prompt  {shown}\n")
        code, text = end_in(encoding, monkeypatch, "info", str(path), "--json")
        assert (code, json.loads(text)) == (0, {"prompt": "café 犬"})


@posix
@pytest.mark.parametrize(
    ("encoding", "printed"), [("ascii", b"\\xe9.png\n"), ("latin-1", b"\xe9.png\n"), ("utf-8", b"\xc3\xa9.png\n")]
)
def test_a_picture_is_saved_and_named_on_every_terminal(tmp_path: Path, encoding: str, printed: bytes) -> None:
    done = program("$E storybook render --size 16 --out é.png", tmp_path, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stdout) == (0, printed), done.stderr
    assert done.stderr.startswith(b"done in")
    assert (tmp_path / "é.png").is_file()


@posix
def test_a_name_that_no_encoding_reads_is_printed_as_it_is(tmp_path: Path) -> None:
    done = program("$E storybook render --size 16 --out $'\\xe9.png'", tmp_path)
    assert (done.returncode, done.stdout) == (0, b"\xe9.png\n"), done.stderr
    done = program("$E info $'\\xe9.png' --json", tmp_path)
    assert json.loads(done.stdout)["width"] == 16


# Streams that take nothing


@posix
@pytest.mark.parametrize("command", ["moods", "generate --help", "info"])
def test_a_pipe_that_ends_is_not_missed(tmp_path: Path, command: str) -> None:
    done = program(f"$E {command} | true", tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")


@posix
def test_work_goes_on_when_nobody_reads_what_it_tells(tmp_path: Path) -> None:
    done = program("$E storybook render --size 16 --out a.png 2>&1 | true", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert Picture.open(tmp_path / "a.png").recipe["width"] == 16


@posix
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_takes_everything(tmp_path: Path, closed: str) -> None:
    done = program(f"$E storybook render --size 16 --out a.png {closed}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"error" not in done.stderr
    assert Picture.open(tmp_path / "a.png").image.size == (16, 16)  # nothing was printed into it


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("command", ["storybook render --size 16 --out a.png", "moods --json", "generate --help"])
def test_a_full_stdout_is_told(tmp_path: Path, command: str) -> None:
    done = program(f"$E {command} >/dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[-2:] == [
        "error: What this command prints could not be written: No space left on device.",
        "       Let it print elsewhere; what it made is in its files.",
    ]
    assert (tmp_path / "a.png").is_file() == ("a.png" in command)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_stderr_costs_nothing(tmp_path: Path) -> None:
    done = program("$E storybook render --size 16 --out a.png 2>/dev/full", tmp_path)
    assert (done.returncode, done.stdout) == (0, b"a.png\n")
    assert program("$E moods --no 2>/dev/full", tmp_path).returncode == 2


def test_the_streams_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    own = io.TextIOWrapper(io.BytesIO(), "ascii"), io.StringIO()
    monkeypatch.setattr(sys, "stdout", own[0])
    monkeypatch.setattr(sys, "stderr", own[1])
    with standard_streams() as flush:
        assert sys.stdout is not own[0]
        assert sys.stderr is own[1]  # it has no bytes below it
        sys.stdout.write("é…")
        flush()
    assert (sys.stdout, sys.stderr) == own
    assert own[0].buffer.getvalue() == b"\\xe9..."  # type: ignore[attr-defined]


def test_a_stream_that_is_busy_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy(io.BytesIO):
        refused = 3

        def write(self, data: bytes) -> int:  # type: ignore[override]
            Busy.refused -= 1
            return None if Busy.refused >= 0 else super().write(data)  # type: ignore[return-value]

    written = Busy()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "utf-8"))
    with standard_streams() as flush:
        sys.stdout.write("all of it")
        flush()
    assert written.getvalue() == b"all of it"


def test_after_a_refusal_nothing_more_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            if b"second" in bytes(data):
                raise OSError(28, "No space left on device")
            return super().write(data)

    written = Full()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "utf-8"))
    with standard_streams() as flush:
        for line in ("first\n", "second\n", "third\n"):
            sys.stdout.write(line)
            sys.stdout.flush()
        with pytest.raises(OutputError, match="No space left on device"):
            flush()
    assert written.getvalue() == b"first\n"


def test_a_stream_whose_end_was_closed_is_no_terminal(tmp_path: Path) -> None:
    """Ray keeps the stream, and colorama asks it at exit."""
    code = (
        "import io, sys; from emoticrafter.cli.streams import standard_streams\n"
        "sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO('a.txt', 'w')))\n"
        "with standard_streams(): kept = sys.stdout\n"
        "sys.stdout.close(); print(kept.isatty(), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"False\n")
