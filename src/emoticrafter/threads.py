"""How many threads a CPU's work gets: as many as there are cores that nothing else uses.

Works of some milliseconds are shared out among threads that wait for each other. Where another program holds one of the cores,
each work waits until the system gives that core back: a picture then takes three times as long as with one thread
(benchmarks/results/speed.json). Pixels do not depend on the number of threads. Trainings keep theirs, since gradients may.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

import psutil

__all__ = ["limit_spinning", "suit_threads"]

_LONG_ENOUGH = 0.25  # seconds over which the load is measured
_HELD = 0.3  # share of a core that others may use of it, and it still counts as free
_SPINS = "10000"  # a thousand costs an idle machine a quarter of its speed, torch's own number a busy one most of it


@dataclass(frozen=True)
class _Reading:
    """Seconds: of the clock, of all cores in use, of this process on them."""

    clock: float
    busy: float
    own: float

    @classmethod
    def take(cls) -> _Reading:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        return cls(time.monotonic(), sum(times[:8]) - idle, time.process_time())


_lock = threading.Lock()
_last = _Reading.take()
_most: int | None = None  # threads, as torch or the user had set them
_chosen: int | None = None


def limit_spinning() -> None:
    """Have threads that wait go to sleep soon. It works before torch is loaded; a user's own setting stays."""
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
        os.environ["GOMP_SPINCOUNT"] = _SPINS


def free_cores(before: _Reading, now: _Reading, cores: int) -> int:
    """How many cores others have left free between two readings, at least 1."""
    others = max((now.busy - before.busy) - (now.own - before.own), 0.0) / (now.clock - before.clock)
    return max(int(cores - others + _HELD), 1)


def suit_threads() -> int:
    """Set torch's threads to the cores that are free now, at most as many as were set before; their number.

    The load is that since the last call. Calls that follow within a quarter of a second change nothing, so this may be called
    at every step of a work.
    """
    import torch

    global _last, _most, _chosen
    with _lock:
        if _most is None or (_chosen is not None and torch.get_num_threads() != _chosen):
            _most = torch.get_num_threads()  # set by somebody else
        now = _Reading.take()
        if now.clock - _last.clock >= _LONG_ENOUGH:
            _chosen = min(free_cores(_last, now, psutil.cpu_count() or 1), _most)
            _last = now
            if torch.get_num_threads() != _chosen:
                torch.set_num_threads(_chosen)
        return torch.get_num_threads()
