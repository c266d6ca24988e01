"""The process of the command `emoticrafter`, which `python -m emoticrafter` is, too: Ctrl-C ends it quietly with exit code 130.

While it loads and while it leaves there is nothing to save, and an exception would end in whatever is being loaded; so it ends
at once there. Between the two `cli/main.py` meets the exception.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys

TYPE_CHECKING = False  # as typing has it, which takes longer to load than this
if TYPE_CHECKING:
    from typing import NoReturn


INTERRUPTED = 128 + signal.SIGINT


def run() -> NoReturn:
    """Load the program, run it with the arguments of the process, and exit."""
    interrupt = signal.getsignal(signal.SIGINT)
    ours = interrupt is signal.default_int_handler  # not so in the background of a shell, which has it ignored
    code: str | int | None = INTERRUPTED
    # Registered first, so the last to be called: Python would end by the signal itself where the exception came through an exec.
    atexit.register(lambda: os._exit(INTERRUPTED) if code == INTERRUPTED else None)
    try:
        if ours:
            signal.signal(signal.SIGINT, _end_at_once)
        from emoticrafter.cli import main

        if ours:
            signal.signal(signal.SIGINT, interrupt)
        main.run()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        pass
    finally:
        if ours:
            signal.signal(signal.SIGINT, _end_at_once)
    sys.exit(code)


def _end_at_once(number: int, frame: object) -> NoReturn:
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    run()
