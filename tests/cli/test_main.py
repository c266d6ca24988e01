"""How the program ends: exit codes, messages, and nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from emoticrafter.cli import generate
from emoticrafter.errors import CheckpointError, DeviceError, EmotiCrafterError, MissingError
from emoticrafter.signals import stop_signals
from tests.cli.conftest import Done, FakeCrafter

Cli = Callable[..., Done]
Fake = type[FakeCrafter]


class OurWarning(UserWarning):
    """As this package's own warnings look."""

    __module__ = "emoticrafter.crafter"


def test_version(cli: Cli) -> None:
    done = cli("--version")
    assert done.code == 0
    assert done.out.startswith("emoticrafter ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["paint"],
        ["generate"],
        ["generate", "a", "--valenc", "1"],
        ["generate", "a", "--valence", "much"],
        ["generate", "a", "b"],
        ["generate", "a", "--steps", "2.5"],
        ["sweep", "a", "--from", "sad"],
        ["checkpoint", "import", "a.pth"],
    ],
    ids=" ".join,
)
def test_usage_errors_exit_2(cli: Cli, crafter: Fake, tmp_path: Path, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert done.code == 2
    assert "Error" in done.err
    assert crafter.opened is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [CheckpointError, DeviceError, MissingError])
def test_a_user_error_is_two_lines_and_exits_2(cli: Cli, crafter: Fake, tmp_path: Path, kind: type[EmotiCrafterError]) -> None:
    crafter.failure = kind("It is broken.", "Mend it.")
    done = cli("generate", "a")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: It is broken.\n       Mend it.\n"
    assert list(tmp_path.iterdir()) == []


def test_an_error_with_control_characters_cannot_steer_the_terminal(cli: Cli, crafter: Fake) -> None:
    crafter.failure = MissingError("There is no \x1b[31mred\x07.")
    assert "\x1b" not in cli("generate", "a").err


def test_a_fault_of_the_program_says_how_to_see_more(cli: Cli, crafter: Fake, tmp_path: Path) -> None:
    crafter.failure = ZeroDivisionError("division by zero")
    done = cli("generate", "a dog", "--seed", "1")
    assert done.code == 1
    assert "ZeroDivisionError: division by zero" in done.err
    assert "emoticrafter --debug generate 'a dog' --seed 1" in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_where(cli: Cli, crafter: Fake) -> None:
    crafter.failure = ZeroDivisionError("division by zero")
    done = cli("--debug", "generate", "a dog")
    assert done.code == 1
    assert "Traceback" in done.err
    crafter.failure = MissingError("Gone.")
    done = cli("--debug", "generate", "a dog")
    assert done.code == 2
    assert "Traceback" in done.err


def test_ctrl_c_exits_130_and_writes_nothing(cli: Cli, crafter: Fake, tmp_path: Path) -> None:
    crafter.failure = KeyboardInterrupt()
    assert cli("generate", "a").code == 130
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_that_a_library_made_another_exception_of_exits_130(cli: Cli, crafter: Fake) -> None:
    crafter.failure = RuntimeError("Error calling __set_name__ on 'Field' instance")
    crafter.failure.__cause__ = KeyboardInterrupt()
    done = cli("generate", "a")
    assert (done.code, done.out, done.err) == (130, "", "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_that_comes_too_late_is_not_swallowed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    def slow(*_: object) -> None:
        with stop_signals():
            signal.raise_signal(number)

    monkeypatch.setattr(generate, "table", slow)
    done = cli("moods")
    assert (done.code, done.err) == (code, f"stopped by {number.name} with nothing left to do\n")


LOADING = """
real = builtins.__import__
def load(name, *more):
    if name == "typer":
        builtins.__import__ = real
        signal.raise_signal(signal.SIGINT)
    return real(name, *more)
builtins.__import__ = load
"""
LEAVING = "atexit.register(lambda: signal.raise_signal(signal.SIGINT))"


@pytest.mark.parametrize("moment", [LOADING, LEAVING], ids=["loading", "leaving"])
@pytest.mark.parametrize(("before", "code"), [("", 130), ("signal.signal(signal.SIGINT, signal.SIG_IGN)", 0)])
def test_ctrl_c_before_and_after_the_work(moment: str, before: str, code: int) -> None:
    """In the background of a shell the signal is ignored from the start, and stays so."""
    script = f"import atexit, builtins, signal\n{before}\n{moment}\nfrom emoticrafter.__main__ import run\nrun()"
    done = subprocess.run([sys.executable, "-c", script, "moods"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")


def test_ctrl_c_within_an_exec_exits_130() -> None:
    """As while a class is made by one, as dataclasses are: Python itself would then end by the signal."""
    script = (
        "from emoticrafter.cli import generate; from emoticrafter.__main__ import run\n"
        "generate.table = lambda *_: exec('raise KeyboardInterrupt')\nrun()"
    )
    done = subprocess.run([sys.executable, "-c", script, "moods"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_the_crafter_warns_on_stderr_in_plain_words(cli: Cli, crafter: type[FakeCrafter]) -> None:
    crafter.surprise = "The model does not know 'zorb'\x1b."
    done = cli("generate", "a zorb", "--out", "a.png", "--json")
    assert done.err == "warning: The model does not know 'zorb'\ufffd.\n"
    assert json.loads(done.out)["paths"] == ["a.png"]


def test_our_warnings_are_one_line_and_those_of_libraries_silent(
    cli: Cli, crafter: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warn(*_: object, **__: object) -> list[object]:
        warnings.warn("Unknown word 'zorb'; the nearest known: orb.", OurWarning, stacklevel=1)
        warnings.warn("a library is changing", FutureWarning, stacklevel=1)
        return []

    monkeypatch.setattr(crafter, "generate", warn)
    monkeypatch.setattr(generate, "numbered", lambda path, count: [])
    done = cli("generate", "a zorb", "--json")
    assert done.err == "warning: Unknown word 'zorb'; the nearest known: orb.\n"


def test_a_closed_pipe_is_no_fault() -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m emoticrafter moods | head -1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "fault" not in done.stderr
    assert done.stdout.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_real_interrupt_while_a_file_is_written(tmp_path: Path) -> None:
    """The signal arrives in the middle of the saving of a picture: no file, no temporary one, exit 130."""
    script = textwrap.dedent(
        """
        import sys, time
        from types import SimpleNamespace
        from pathlib import Path
        from tests.cli.conftest import FakeCrafter
        from emoticrafter.cli.main import run

        def slow(path, data):
            with open(path, "wb") as file:
                file.write(data[: len(data) // 2])
            print("writing", flush=True)
            time.sleep(60)

        Path.write_bytes = slow
        sys.modules["emoticrafter.crafter"] = SimpleNamespace(EmotiCrafter=FakeCrafter)
        run(["generate", "a", "--out", sys.argv[1]])
        """
    )
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "a.png")],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    assert [path.suffix for path in tmp_path.iterdir()] == [".png"]  # the temporary file is there, and half of it
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []
