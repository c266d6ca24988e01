"""The loop: budgets, and that a training which was stopped ends where the one that was not does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from emoticrafter.errors import CheckpointError, DeviceError, EmotiCrafterError, InputError
from emoticrafter.rivals import Budget, Learned
from emoticrafter.rivals.learning import STATE, learn, rate_at


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Linear(4, 1)


def fitting(module: nn.Module, at: Callable[[int], None] = lambda step: None) -> Callable[[torch.Generator], Tensor]:
    calls = iter(range(10_000))

    def loss(generator: torch.Generator) -> Tensor:
        at(next(calls))
        x = torch.randn(8, 4, generator=generator)
        value: Tensor = (module(x)[:, 0] - x.sum(dim=1)).square().mean()
        return value

    return loss


def run(
    module: nn.Module, folder: Path, *, steps: int = 30, at: Callable[[int], None] = lambda step: None, **more: Any
) -> Learned:
    given: dict[str, Any] = {"rate": 0.1, "batch": 8, "seed": 1, "origin": {"method": "toy"}, "quiet": True}
    return learn(module, fitting(module, at), Budget(steps=steps), folder, **given | more)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_training_ends_as_one_that_was_not(number: int, tmp_path: Path) -> None:
    straight, stopped = network(), network()
    whole = run(straight, tmp_path / "a")
    assert (whole.steps, whole.examples, whole.signal) == (30, 240, None)
    assert whole.figures["loss"] < 10
    first = run(stopped, tmp_path / "b", at=lambda step: os.kill(os.getpid(), number) if step == 11 else None)
    assert (first.steps, first.signal) == (12, number)
    taken_up = network()
    rest = run(taken_up, tmp_path / "b")
    assert (rest.steps, rest.examples, rest.signal) == (30, 240, None)
    assert rest.seconds >= first.seconds
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), taken_up.parameters(), strict=True))


KILLED = """
import sys, time, torch
from pathlib import Path
from emoticrafter.rivals import learning
from tests.rivals import test_learning as t
learning.SAVE_SECONDS = 0.0
t.run(t.network(), Path(sys.argv[1]), steps=400, at=lambda step: time.sleep(0.01))
"""


def test_kill_9_loses_little(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), str(root / "src"), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], env={**os.environ, "PYTHONPATH": path})
    until = time.monotonic() + 60
    while not (tmp_path / STATE).exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.3)
    process.kill()
    process.wait()
    straight, taken_up = network(), network()
    run(straight, tmp_path / "straight", steps=400)
    begun: list[int] = []
    run(taken_up, tmp_path, steps=400, at=begun.append)
    assert len(begun) < 400
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), taken_up.parameters(), strict=True))


def note_of(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    with safe_open(folder / STATE, "pt") as file:
        return json.loads(file.metadata()["training"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def test_the_losses_from_before_a_stop_count_and_older_states_tell_none(tmp_path: Path) -> None:
    whole = run(network(), tmp_path / "whole")
    for folder in (tmp_path / "told", tmp_path / "older"):
        stopped_state(folder)
    note, tensors = note_of(tmp_path / "older")
    assert len(note.pop("losses")) == note["step"] == 4
    save_file(tensors, tmp_path / "older" / STATE, {"training": json.dumps(note)})
    assert run(network(), tmp_path / "told").figures == whole.figures
    older = run(network(), tmp_path / "older")
    assert older.steps == 30
    assert older.figures["loss"] < whole.figures["loss"]  # without those of the first steps


def stopped_state(folder: Path) -> None:
    run(network(), folder, at=lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 3 else None)


@pytest.mark.parametrize("other", [{"seed": 2}, {"origin": {"method": "another"}}])
def test_a_state_of_something_else_is_refused(other: dict[str, Any], tmp_path: Path) -> None:
    stopped_state(tmp_path)
    with pytest.raises(InputError, match="was begun with another"):
        run(network(), tmp_path, **other)


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    stopped_state(tmp_path)
    path = tmp_path / STATE
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CheckpointError, match=r"state\.safetensors' is corrupt or cut short.*Delete it to begin anew"):
        run(network(), tmp_path)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"step": None}, "step is None; it must be a whole number"),
        ({"seconds": "long"}, "seconds is 'long'; it must be a number"),
        ({"origin": ["toy"]}, r"origin is \['toy'\]; it must be an object"),
    ],
)
def test_a_state_with_a_strange_note_is_refused(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    stopped_state(tmp_path)
    note, tensors = note_of(tmp_path)
    save_file(tensors, tmp_path / STATE, {"training": json.dumps(note | changes)})
    with pytest.raises(CheckpointError, match=says):
        run(network(), tmp_path)


def test_minutes_end_a_training_and_are_counted(tmp_path: Path) -> None:
    module = network()
    learned = learn(
        module, fitting(module, lambda step: time.sleep(0.01)), Budget(minutes=0.3 / 60), tmp_path,
        rate=0.1, batch=8, seed=1, origin={"method": "toy"}, quiet=True,
    )  # fmt: skip
    assert learned.seconds >= 0.3
    assert learned.steps <= 30  # each of them sleeps for a thirtieth of it
    assert learned.examples == 8 * learned.steps > 8


def test_a_loss_that_is_not_finite_ends_it(tmp_path: Path) -> None:
    module = network()
    with pytest.raises(EmotiCrafterError, match="loss is nan at step 1"):
        learn(
            module, lambda generator: module(torch.full((1, 4), torch.nan)).sum(), Budget(steps=3), tmp_path,
            rate=0.1, batch=8, seed=1, origin={"method": "toy"}, quiet=True,
        )  # fmt: skip


def test_a_memory_that_does_not_suffice_is_told(tmp_path: Path) -> None:
    def refuse(generator: torch.Generator) -> Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 68719476736 bytes.")

    with pytest.raises(DeviceError, match=r"memory does not suffice for 8 examples at once.* --set batch=8"):
        learn(
            network(), refuse, Budget(steps=3), tmp_path,
            rate=0.1, batch=8, seed=1, origin={"method": "toy"}, quiet=True,
        )  # fmt: skip


def test_the_rate_rises_stays_and_falls() -> None:
    assert rate_at(0) < 0.1
    assert rate_at(0.1) == rate_at(0.6) == 1
    assert 0 < rate_at(0.999) < 0.05


@pytest.mark.parametrize("budget", [{}, {"minutes": 1.0, "steps": 1}, {"minutes": 0.0}, {"minutes": float("nan")}, {"steps": 0}])
def test_a_budget_is_one_number_above_nothing(budget: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="budget"):
        Budget(**budget)
