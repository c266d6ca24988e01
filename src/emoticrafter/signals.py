"""Signals that ask a run to stop, received in a way that lets it finish what it is doing, and forgotten by nobody."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["begin_worker", "noted_signals", "stop_signals"]

_blocks: list[list[int]] = []  # what the blocks that run have received, the outermost first


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """A list of the signals that the blocks of `stop_signals` within receive, also of those that came too late to stop them."""
    received: list[int] = []
    _blocks.append(received)
    try:
        yield received
    finally:
        _blocks[:] = [block for block in _blocks if block is not received]


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """A list that receives the first SIGTERM or SIGINT instead of the process, which can then save; the second ends it.

    Blocks around this one receive it, too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    before: dict[int, Any] = {}

    def note(number: int, frame: object) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        if received:  # by a block within, whose process goes on; this one is the second
            signal.raise_signal(number)
        for block in _blocks:
            block.append(number)

    with noted_signals() as received:
        before |= {each: signal.signal(each, note) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield received
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def begin_worker(begin: Callable[..., object], *arguments: Any) -> None:
    """Begin a worker process: a terminal sends Ctrl-C to all processes, and its parent acts on it. Then `begin(*arguments)`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    begin(*arguments)
