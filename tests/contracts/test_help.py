"""Help loads little, every command shows an example, and docs/commands.md says what the help says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.main import get_command

from emoticrafter.cli.main import PROGRAM, app

ROOT = Path(__file__).parents[2]


def leaves(command: Any, name: str = PROGRAM) -> list[tuple[str, Any]]:
    children = getattr(command, "commands", {})
    if not children:
        return [(name, command)]
    return [leaf for child, below in children.items() for leaf in leaves(below, f"{name} {child}")]


COMMANDS = dict(leaves(get_command(app)))


def test_the_commands_are_these() -> None:
    assert set(COMMANDS) == {
        f"{PROGRAM} {name}"
        for name in (
            "generate", "grid", "sweep", "batch", "info", "moods", "train", "calibrate", "evaluate", "stimuli",
            "checkpoint import", "checkpoint show", "checkpoint push",
            "data import oasis", "data import emotic", "data import findingemo", "data import table", "data import pairs",
            "data show", "data write-pairs", "data apply-votes", "data encode",
            "rival list", "rival train",
            "panel example", "panel check", "panel preview", "panel serve", "panel export", "panel withdraw",
            "panel analyse", "panel plan",
            "judge train", "judge import", "judge show", "judge read", "judge validate",
            "storybook render", "storybook annotate", "storybook build", "storybook card",
        )
    }  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_that_parses(name: str) -> None:
    examples = re.findall(r"^- `(.+)`$", COMMANDS[name].help or "", re.MULTILINE)
    assert examples, f"{name} shows no example"
    for example in examples:
        words = shlex.split(example)
        assert words[: len(name.split())] == name.split()
        # Parses the words, checks types and required options, runs nothing.
        COMMANDS[name].make_context(name, words[len(name.split()) :])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    silent = [parameter.name for parameter in COMMANDS[name].params if not (parameter.help or "").endswith(".")]
    assert not silent


@pytest.mark.parametrize("name", [f"{PROGRAM} generate", f"{PROGRAM} grid", f"{PROGRAM} sweep"])
def test_commands_that_draw_share_their_options(name: str) -> None:
    given = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert given >= {
        "--backbone", "--emotion", "--method", "--strength", "--start", "--steps", "--guidance", "--size", "--negative",
        "--device", "--dtype", "--offload", "--json", "--seed", "--out", "--force",
    }  # fmt: skip


# Runs the program, and writes the modules that it had loaded by its end.
LOADED = """
import atexit, runpy, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
sys.argv[1:] = {arguments!r}
runpy.run_module("emoticrafter", run_name="__main__")
"""


@pytest.mark.parametrize("arguments", [["--help"], ["generate", "--help"]])
def test_help_loads_no_library_but_those_that_write_it(arguments: list[str]) -> None:
    """So that it answers at once; benchmarks/speed.py holds the half second that this is for."""
    code = LOADED.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    loaded = set(done.stderr.split())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    heavy = {canonicalize_name(Requirement(line).name) for line in declared}
    heavy -= {"emoticrafter", "typer", "rich", "pydantic"}  # the last is typer's own wish
    heavy -= {"psutil"}  # small; the load is measured from the program's start on
    homes = packages_distributions()
    assert [name for name in loaded if any(canonicalize_name(home) in heavy for home in homes.get(name, ()))] == []
    assert 0 < sum(name.split(".")[0] == "emoticrafter" for name in loaded) <= 60


def test_the_command_reference_is_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "write_commands.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
