"""How far a training or a rendering is: a bar on a terminal, elsewhere a plain line now and then, both on stderr."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import Any

__all__ = ["Showing"]

PLAIN_SECONDS = 20.0  # between two lines when nobody watches a terminal


class Showing:
    """Progress as a share of the whole. Use as a context manager."""

    def __init__(self, title: str, quiet: bool = False) -> None:
        self.title, self.quiet = title, quiet
        self._printed = -math.inf  # the first step is told at once
        self._bar: Any = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[figures]}"))
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task(title, total=1.0, figures="")

    def __enter__(self) -> Showing:
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

    def update(self, share: float, figures: str) -> None:
        """Show the share that is done, 0 to 1, with figures beside it."""
        if self._bar:
            self._bar.update(self._task, completed=min(share, 1.0), figures=figures)
        elif not self.quiet and time.monotonic() - self._printed >= PLAIN_SECONDS:
            self._printed = time.monotonic()
            self.say(f"{self.title}: {100 * min(share, 1.0):.0f}% {figures}")
