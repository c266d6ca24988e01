"""The program `emoticrafter`: its commands, and how it ends.

Exit codes: 0 done; 2 a mistake of the user's, with a message; 130 stopped by Ctrl-C; 143 stopped by SIGTERM, where a command
saves first; 1 a mistake of the program's.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, NoReturn

import typer
from typer.main import get_command

from emoticrafter.cli import batch, checkpoints, data, generate, judge_validation, panel_analysis, rivals, storybook, train
from emoticrafter.cli.calibrate import calibrate
from emoticrafter.cli.commands import Commands
from emoticrafter.cli.console import note, say, warn
from emoticrafter.cli.evaluate import evaluate
from emoticrafter.cli.stimuli import stimuli
from emoticrafter.cli.streams import standard_streams
from emoticrafter.errors import DeviceError, EmotiCrafterError
from emoticrafter.signals import noted_signals
from emoticrafter.threads import limit_spinning

PROGRAM = "emoticrafter"

app = Commands(
    name=PROGRAM,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command()(generate.generate)
app.command()(generate.grid)
app.command()(generate.sweep)
app.command()(batch.batch)
app.command()(generate.info)
app.command()(generate.moods)
app.command()(train.train)
app.command()(calibrate)
app.command()(evaluate)
app.command()(stimuli)
app.add_typer(checkpoints.app)
app.add_typer(data.app)
app.add_typer(rivals.app)
app.add_typer(judge_validation.app)
app.add_typer(panel_analysis.app)
app.add_typer(storybook.app)


def _print_version(asked: bool) -> None:
    if asked:
        from emoticrafter.version import installed_version

        say(f"{PROGRAM} {installed_version()}")
        raise typer.Exit


@app.callback(epilog="`emoticrafter COMMAND --help` shows the options of a command, with examples.")
def program(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose, and the warnings of libraries.")] = False,
) -> None:
    """Pictures whose content you say and whose feeling you choose.

    Examples:

    - `emoticrafter generate "a children's playground" --valence -2 --arousal 1`
    - `emoticrafter grid "a dog on a beach"`
    """


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program with `arguments`, or those of the process, and exit."""
    limit_spinning()
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = given[:1] == ["--debug"]
    with standard_streams() as flush, warnings.catch_warnings():
        if not debug:
            _show_only_our_warnings()
        code = _run(given, debug, flush)
    sys.exit(code)


def _run(given: list[str], debug: bool, flush: Callable[[], None]) -> int:
    try:
        with noted_signals() as received:
            code = _exit_code(given)
        if code == 0:
            flush()
        if code == 0 and received:  # too late to stop anything, and yet not to be swallowed
            note(f"stopped by {signal.Signals(received[0]).name} with nothing left to do")
            return 128 + received[0]
        return code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except EmotiCrafterError as error:
        if debug:
            traceback.print_exc()
        _say_error(error.problem, error.hint)
        return error.exit_code
    except Exception as error:
        if debug:
            traceback.print_exc()
        if _is_out_of_memory(error):
            _say_error(
                "This machine has not enough memory for that.", "Try a smaller --size, fewer pictures, or close other programs."
            )
            return DeviceError.exit_code
        again = "" if debug else f" To see where it arose: {shlex.join([PROGRAM, '--debug', *given])}"
        _say_error(f"{type(error).__name__}: {error}", f"This is a fault of the program.{again}")
        return 1


def _exit_code(given: list[str]) -> int:
    """Run the command. Raises what it raises; Ctrl-C, too, where a library made another exception of it."""
    try:
        get_command(app).main(args=given, prog_name=PROGRAM)
    except SystemExit as end:
        return int(end.code or 0)
    except Exception as error:
        below: BaseException | None = error
        while below is not None:
            if isinstance(below, KeyboardInterrupt):
                raise below from None
            below = below.__cause__ or below.__context__
        raise
    return 0


def _is_out_of_memory(error: Exception) -> bool:
    if "torch" not in sys.modules:
        return isinstance(error, MemoryError)
    from emoticrafter.backbones.devices import is_out_of_memory

    return is_out_of_memory(error)


def _say_error(problem: str, hint: str) -> None:
    note(f"error: {problem}")
    if hint:
        note(f"       {hint}")


def _show_only_our_warnings() -> None:
    """One line for each warning of this program, none for those of its libraries."""
    for library in ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY"):
        os.environ.setdefault(library, "error")

    def show(message: Warning | str, category: type[Warning], *_: object) -> None:
        if category.__module__.partition(".")[0] == PROGRAM:
            warn(str(message))

    warnings.showwarning = show  # type: ignore[assignment]
