"""How far a training is: a bar on a terminal, elsewhere a plain line now and then, both on stderr."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Mapping
from types import ModuleType, TracebackType

import torch

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None

__all__ = ["Display", "memory_gib"]

PLAIN_SECONDS = 20.0  # between two lines when nobody watches a terminal
_HISTORY = 20.0  # seconds over which the rate is measured


class Display:
    """Progress of `steps` updates of `batch` pairs. Use as a context manager."""

    def __init__(self, steps: int, batch: int, device: torch.device, quiet: bool = False) -> None:
        self.steps, self.batch, self.device, self.quiet = steps, batch, device, quiet
        self._seen: deque[tuple[float, int]] = deque()
        self._printed = time.monotonic()
        self._bar = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[figures]}"))
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task("", total=steps, figures="")

    def __enter__(self) -> Display:
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
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def samples_per_second(self, step: int) -> float:
        """The rate over the last seconds; to be called once an update."""
        now = time.monotonic()
        self._seen.append((now, step))
        while len(self._seen) > 2 and now - self._seen[1][0] > _HISTORY:
            self._seen.popleft()
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return self.batch * (last - first) / max(ended - began, 1e-9) if last > first else 0.0

    def update(self, step: int, rate: float, figures: Mapping[str, float]) -> None:
        """Show loss and other figures beside rate, time left and memory. rate: pairs per second."""
        left = clock((self.steps - step) * self.batch / rate) if rate else "?"
        shown = " ".join(f"{name} {value:.4g}" for name, value in figures.items())
        line = f"{shown}, {rate:.4g} pairs/s, {left} left, {memory_gib(self.device):.2f} GiB"
        if self._bar:
            self._bar.update(self._task, completed=step, figures=line)
        elif not self.quiet and time.monotonic() - self._printed >= PLAIN_SECONDS:
            self._printed = time.monotonic()
            self.say(f"{step}/{self.steps} {line}")


def clock(seconds: float) -> str:
    """Hours, minutes, seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def memory_gib(device: torch.device) -> float:
    """The most memory used so far: of the GPU, where there is one, else resident memory of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    if resource is None:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)
