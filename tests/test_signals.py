"""Signals that ask a run to stop."""

from __future__ import annotations

import signal
import threading

import pytest

from emoticrafter.signals import stop_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_is_noted_and_the_second_ends(number: int) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with stop_signals() as received:
        assert received == []
        signal.raise_signal(number)
        assert received == [number]
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_nothing_is_changed_in_another_thread() -> None:
    found: list[list[int]] = []

    def run() -> None:
        with stop_signals() as received:
            found.append(received)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [[]]
