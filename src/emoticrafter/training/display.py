"""How far a training is: loss, rate, time left and memory."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Mapping
from types import ModuleType

import torch

from emoticrafter.progress import Progress, clock

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None

__all__ = ["Display", "memory_gib"]

_HISTORY = 20.0  # seconds over which the rate is measured


class Display(Progress):
    """Progress of `steps` updates of `batch` pairs."""

    def __init__(self, title: str, steps: int, batch: int, device: torch.device, quiet: bool = False) -> None:
        super().__init__(title, steps, quiet=quiet)
        self.batch, self.device = batch, device
        self._seen: deque[tuple[float, int]] = deque()

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
        if not self.due():
            return
        left = clock((self.total - step) * self.batch / rate) if rate else "?"
        shown = " ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.tell(step, f"{step}/{self.total} {shown}, {rate:.4g} pairs/s, {left} left, {memory_gib(self.device):.2f} GiB")


def memory_gib(device: torch.device) -> float:
    """The most memory used so far: of the GPU, where there is one, else resident memory of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    if resource is None:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)
