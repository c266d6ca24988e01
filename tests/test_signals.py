"""Signals that ask a run to stop."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

import pytest

from emoticrafter.signals import begin_worker, noted_signals, stop_signals


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_blocks_around_are_told_and_the_second_signal_ends_all_of_them(number: int) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with noted_signals() as noted, stop_signals() as outer:
        with stop_signals() as inner:
            signal.raise_signal(number)
        assert (inner, outer, noted) == ([number], [number], [number])
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_block_that_has_ended_is_not_told() -> None:
    with noted_signals() as early:
        pass
    with noted_signals() as noted, stop_signals():
        signal.raise_signal(signal.SIGTERM)
    assert (early, noted) == ([], [signal.SIGTERM])


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_does_not_end_a_worker() -> None:
    with multiprocessing.get_context("spawn").Pool(1, begin_worker, (os.umask, 0o77)) as pool:
        worker = pool.apply(os.getpid)
        os.kill(worker, signal.SIGINT)
        assert pool.apply(os.umask, (0o77,)) == 0o77  # it was begun
        assert pool.apply(os.getpid) == worker
