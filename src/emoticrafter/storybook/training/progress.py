"""How far a long work is: a bar on a terminal, elsewhere a plain line now and then. No torch here."""

from __future__ import annotations

import sys
import time
from types import TracebackType

PLAIN_SECONDS = 20.0  # between two lines when nobody watches a terminal


def say(text: str) -> None:
    """A plain line, seen at once also through a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


class Meter:
    """Progress of `total` things, of which `done` were there already. Use as a context manager."""

    def __init__(self, title: str, total: int, done: int = 0, unit: str = "steps", quiet: bool = False) -> None:
        self.title, self.total, self.unit, self.quiet = title, total, unit, quiet
        self._started = self._printed = time.monotonic()
        self._first = done
        self._bar = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            text = TextColumn("{task.description} {task.completed}/{task.total} {task.fields[figures]}")
            self._bar = Progress(text, BarColumn(), TimeRemainingColumn(), console=Console(stderr=True))
            self._task = self._bar.add_task(title, total=total, completed=done, figures="")

    def __enter__(self) -> Meter:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def due(self) -> bool:
        """Whether a plain line should be printed now; callers collect costly figures only then."""
        return time.monotonic() - self._printed >= (1.0 if self._bar else PLAIN_SECONDS)

    def update(self, done: int, last: bool = False, **figures: float) -> None:
        """Show that `done` are finished, with some figures beside."""
        if not (last or self.due()):
            return
        now = time.monotonic()
        rate = (done - self._first) / max(now - self._started, 1e-9)
        shown = " ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self._printed = now
        if self._bar:
            self._bar.update(self._task, completed=done, total=self.total, figures=shown)
        elif not self.quiet:
            left = clock((self.total - done) / rate) if rate else "?"
            speed = f"{rate:.2f} {self.unit}/s" if rate < 10 else f"{rate:.0f} {self.unit}/s"
            say(f"{self.title}: {done}/{self.total} {speed}, {left} left {shown}".rstrip())
