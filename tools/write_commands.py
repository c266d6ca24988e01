"""Write docs/commands.md from the help of the commands; `--check` only says whether it is current."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from emoticrafter.cli.main import PROGRAM, app

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
HEADER = """# Commands

<!-- Written by tools/write_commands.py from the help pages (`make docs`): change the commands, not this file. -->

Results go to stdout, everything said about them to stderr. Exit codes: 0 done; 2 a mistake in what was given, with a message
that names the next step; 130 stopped by Ctrl-C, with no half-written file, 143 by SIGTERM; 1 a fault of the program. Negative
numbers are values like any other: `--valence -2` and `--from=-3,2` both work. A prompt that starts with a hyphen follows `--`.
"""


def commands(command: Any, name: str = PROGRAM) -> Iterator[tuple[str, Any]]:
    """Every command under its full name, groups before what they hold."""
    yield name, command
    for child, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {child}")


def page() -> str:
    """The whole text of docs/commands.md."""
    parts = [HEADER]
    for name, command in commands(get_command(app)):
        if name == PROGRAM:
            parts.append("Before the name of a command: " + "; ".join(f"`{_names(p)}` {_help(p)}" for p in command.params) + "\n")
            continue
        parts.append(f"## {name}\n")
        parts.append(inspect.cleandoc(command.help or "").strip() + "\n")
        rows = [f"| `{_names(p)}` | {_help(p)} | {_default(p)} |" for p in command.params if p.name != "help"]
        if rows:
            parts.append("\n".join(["| option | what it does | default |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _names(parameter: Any) -> str:
    metavar = (parameter.metavar or (parameter.name or "").upper()).replace("|", "\\|")
    if parameter.param_type_name == "argument":
        return metavar
    names = ", ".join(parameter.opts)
    return names if parameter.is_flag else f"{names} {metavar}"


def _help(parameter: Any) -> str:
    return (parameter.help or "").replace("|", "\\|") + (" May be repeated." if getattr(parameter, "multiple", False) else "")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default is None or parameter.default is False else f"`{parameter.default}`"


def main() -> int:
    current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if sys.argv[1:] == ["--check"]:
        if current != page():
            print(f"{PAGE} is not current: run `make docs`", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
