"""What a piece of work costs beside another one in the same run: a bound that a busy or a slow machine does not break."""

from __future__ import annotations

import time
from collections.abc import Callable


def cost(work: Callable[[], object], times: int = 3) -> float:
    """CPU seconds of this process, the least of some runs: the first may build tables."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)
