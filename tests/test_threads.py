"""Threads follow what others leave free: the arithmetic on readings made up, torch's own number, and the real program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from emoticrafter import EmotiCrafter, Emotion, threads
from emoticrafter.backbones.sdxl import network
from emoticrafter.threads import _Reading, free_cores, limit_spinning, suit_threads


@pytest.mark.parametrize(
    ("busy", "own", "cores", "free"),
    [
        (0.0, 0.0, 2, 2),  # nothing runs
        (2.0, 2.0, 2, 2),  # we run alone
        (1.2, 1.0, 2, 2),  # others take a fifth of a core
        (2.0, 1.0, 2, 1),  # another program holds one core
        (2.0, 0.0, 2, 1),  # all are held: one thread works all the same
        (16.0, 8.0, 16, 8),
        (0.9, 1.0, 4, 4),  # the clocks differ a little
    ],
)
def test_cores_that_others_leave(busy: float, own: float, cores: int, free: int) -> None:
    assert free_cores(_Reading(10.0, 50.0, 7.0), _Reading(11.0, 50.0 + busy, 7.0 + own), cores) == free


class Readings:
    """Readings a second apart at which others hold so many cores."""

    def __init__(self) -> None:
        self.now = _Reading(0.0, 0.0, 0.0)

    def pass_by(self, seconds: float, others: float) -> None:
        self.now = _Reading(self.now.clock + seconds, self.now.busy + seconds * others, self.now.own)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Readings]:
    made, before = Readings(), torch.get_num_threads()
    monkeypatch.setattr(_Reading, "take", classmethod(lambda cls: made.now))
    monkeypatch.setattr(threads, "_last", made.now)
    monkeypatch.setattr(threads, "_most", None)
    monkeypatch.setattr(threads, "_chosen", None)
    monkeypatch.setattr(threads.psutil, "cpu_count", lambda: 4)
    torch.set_num_threads(4)
    yield made
    torch.set_num_threads(before)


def test_threads_go_and_come_back_with_the_load(readings: Readings) -> None:
    found = []
    for others in (0.0, 2.0, 4.0, 1.0, 0.0):
        readings.pass_by(1.0, others)
        assert suit_threads() == torch.get_num_threads()
        found.append(torch.get_num_threads())
    assert found == [4, 2, 1, 3, 4]


def test_a_moment_decides_nothing(readings: Readings) -> None:
    readings.pass_by(0.1, 4.0)
    assert suit_threads() == 4


def test_what_a_user_sets_is_the_most(readings: Readings) -> None:
    torch.set_num_threads(3)
    readings.pass_by(1.0, 0.0)
    assert suit_threads() == 3
    readings.pass_by(1.0, 3.0)
    assert suit_threads() == 1
    torch.set_num_threads(2)
    readings.pass_by(1.0, 0.0)
    assert suit_threads() == 2


@pytest.mark.parametrize(
    ("given", "spins"), [({}, "10000"), ({"GOMP_SPINCOUNT": "5"}, "5"), ({"OMP_WAIT_POLICY": "active"}, None)]
)
def test_spinning_is_limited_unless_a_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], spins: str | None
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    limit_spinning()
    assert os.environ.get("GOMP_SPINCOUNT") == spins


def test_the_program_limits_it_before_torch_is_loaded() -> None:
    code = """
import os, sys
from emoticrafter.cli import main
try:
    main.run(["moods"])
finally:
    print("torch" in sys.modules, os.environ["GOMP_SPINCOUNT"], file=sys.stderr)
"""
    own = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=own)
    assert done.stderr.split() == ["False", "10000"]


def test_pixels_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "suit_threads", lambda: None)
    crafter, before, drawn = EmotiCrafter.from_pretrained("storybook"), torch.get_num_threads(), []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            drawn.append(crafter.generate("a dog on a beach", Emotion(valence=-2, arousal=1), seed=3, steps=2)[0].image.tobytes())
    finally:
        torch.set_num_threads(before)
    assert drawn[0] == drawn[1] == drawn[2]
