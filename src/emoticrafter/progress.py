"""How far a long work is: a bar on a terminal, elsewhere a plain line now and then, both on stderr. No torch here."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import Any, Self

__all__ = ["PLAIN_SECONDS", "Progress", "clock"]

PLAIN_SECONDS = 20.0  # between two lines when nobody watches a terminal
BAR_SECONDS = 0.5  # between two looks of the bar


class Progress:
    """Progress towards `total`, of which `done` was there already; infinity is not known yet. Use as a context manager.

    A line is told about every 20 seconds, the first one at once if `early`; `quiet` tells nothing at all. A bar that is
    `transient` is wiped out at the end.
    """

    def __init__(
        self,
        title: str,
        total: float = 1.0,
        done: float = 0.0,
        *,
        early: bool = False,
        quiet: bool = False,
        transient: bool = False,
    ) -> None:
        self.title, self.total, self.quiet = title, total, quiet
        self._told = -math.inf if early else time.monotonic()
        self._bar: Any = None
        if not quiet and sys.stderr.isatty():
            from rich import progress
            from rich.console import Console

            title_column, line_column = (
                progress.TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[line]}")
            )
            console = Console(stderr=True)
            self._bar = progress.Progress(title_column, progress.BarColumn(), line_column, console=console, transient=transient)
            self._task = self._bar.add_task(title, total=self._known(), completed=done, line="")

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._bar:
            self._bar.console.print(text, markup=False, highlight=False)
        elif not self.quiet:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def due(self) -> bool:
        """Whether it is time to tell more; callers collect costly figures only then."""
        return time.monotonic() - self._told >= (BAR_SECONDS if self._bar else PLAIN_SECONDS)

    def tell(self, done: float, line: str) -> None:
        """Show `done`, and `line` beside it, now."""
        self._told = time.monotonic()
        if self._bar:
            self._bar.update(self._task, completed=min(done, self.total), total=self._known(), line=line)
        else:
            self.say(f"{self.title}: {line}" if self.title else line)

    def _known(self) -> float | None:
        return None if math.isinf(self.total) else self.total


def clock(seconds: float) -> str:
    """Hours, minutes, seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
