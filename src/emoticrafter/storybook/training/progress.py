"""How far a stage of the build is. No torch here."""

from __future__ import annotations

import time

from emoticrafter.progress import Progress, clock


class Meter(Progress):
    """Progress of `total` things, of which `done` were there already."""

    def __init__(self, title: str, total: int, done: int = 0, unit: str = "steps", quiet: bool = False) -> None:
        super().__init__(title, total, done, quiet=quiet)
        self.unit = unit
        self._first, self._started = done, time.monotonic()

    def update(self, done: int, last: bool = False, **figures: float) -> None:
        """Show that `done` are finished, with some figures beside."""
        if not (last or self.due()):
            return
        rate = (done - self._first) / max(time.monotonic() - self._started, 1e-9)
        left = clock((self.total - done) / rate) if rate else "?"
        speed = f"{rate:.2f} {self.unit}/s" if rate < 10 else f"{rate:.0f} {self.unit}/s"
        shown = "".join(f" {name} {value:.4g}" for name, value in figures.items())
        self.tell(done, f"{done}/{self.total} {speed}, {left} left{shown}")
