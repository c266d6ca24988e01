"""The loop that storybook's networks and rivals share."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from emoticrafter.descent import STATE, Descent, MovingAverage, Optimizers, StepRandom, TrainingPlace
from emoticrafter.errors import CheckpointError, EmotiCrafterError
from emoticrafter.progress import Progress

After = Callable[[dict[str, Tensor], bool], None]


def nothing(losses: Mapping[str, Tensor], last: bool) -> None:
    pass


def descent(folder: Path, steps: int = 6, *, average: bool = False, **more: Any) -> Descent:
    """A small network with dropout that learns the sum of its inputs."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        network = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.Linear(8, 1))

    def loss(random: StepRandom) -> dict[str, Tensor]:
        x = torch.randn(16, 3, generator=random.tensors)
        return {"loss": (network(x)[:, 0] - x.sum(dim=1)).square().mean()}

    given: dict[str, Any] = {
        "name": "toy",
        "folder": folder,
        "network": network,
        "optimizers": Optimizers(optimizer=torch.optim.AdamW(network.parameters())),
        "loss": loss,
        "schedule": lambda step, seconds: 0.01 if step < steps else None,
        "seed": 2,
        "clip": 1.0,
        "average": MovingAverage(network, 0.9) if average else None,
        "save_seconds": 1e9,
        "notes": dict,
        "cure": "Delete it.",
    }
    return Descent(**given | more)


def run(one: Descent, after: After = nothing) -> int | None:
    one.take_up(TrainingPlace, lambda place: None)
    return one.run(Progress("toy", quiet=True), after)


def state_of(folder: Path) -> dict[str, Any]:
    """What a state says, and its tensors."""
    with safe_open(folder / STATE, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        return {"place": json.loads(file.metadata()["training"]), **tensors}


@pytest.mark.parametrize("average", [False, True])
def test_taken_up_after_a_stop_between_two_steps_it_ends_in_the_same_state(average: bool, tmp_path: Path) -> None:
    assert run(descent(tmp_path / "whole", average=average)) is None
    stopped = descent(tmp_path / "parts", average=average)

    def stop(losses: Mapping[str, Tensor], last: bool) -> None:
        if stopped.step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    assert run(stopped, stop) == signal.SIGTERM
    assert state_of(tmp_path / "parts")["place"]["step"] == 4
    assert run(descent(tmp_path / "parts", average=average)) is None
    whole, parts = state_of(tmp_path / "whole"), state_of(tmp_path / "parts")
    assert (whole.pop("place")["step"], parts.pop("place")["step"]) == (6, 6)
    assert any(name.startswith("averaged.") for name in whole) is average
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_last_step_is_told_as_such_and_the_rate_is_the_schedules(tmp_path: Path) -> None:
    told: list[bool] = []
    rates = iter([0.5, 0.25, None])
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))])
    one = descent(tmp_path, optimizers=Optimizers(optimizer=optimizer), schedule=lambda step, seconds: next(rates))
    run(one, lambda losses, last: told.append(last))
    assert told == [False, True]
    assert optimizer.param_groups[0]["lr"] == 0.25


def test_a_loss_that_is_not_finite_leaves_the_last_state(tmp_path: Path) -> None:
    one = descent(tmp_path, save_seconds=0.0)
    sound = one.loss
    one.loss = lambda random: {"loss": sound(random)["loss"] * (float("nan") if random.step == 3 else 1)}
    with pytest.raises(EmotiCrafterError, match="toy: the loss is nan at step 4") as caught:
        run(one)
    assert caught.value.hint == "The last state is kept: run again, or begin anew with a lower rate."
    assert state_of(tmp_path)["place"]["step"] == 3


def test_torchs_random_stream_goes_on_as_if_nothing_had_been_trained(tmp_path: Path) -> None:
    torch.manual_seed(1)
    expected = torch.randn(2)
    torch.manual_seed(1)
    run(descent(tmp_path))
    assert torch.equal(torch.randn(2), expected)


def optimizers(*names: str) -> tuple[Optimizers, nn.Module]:
    layers = nn.ModuleDict({name: nn.Linear(2, 2, bias=False) for name in names})
    return Optimizers(**{name: torch.optim.AdamW(layer.parameters()) for name, layer in layers.items()}), layers


def stepped(*names: str) -> dict[str, Tensor]:
    made, layers = optimizers(*names)
    for parameter in layers.parameters():
        parameter.grad = torch.ones(2, 2)
    made.step(0.1)
    assert all(parameter.grad is None for parameter in layers.parameters())
    return made.state()


@pytest.mark.parametrize(("saved", "own"), [(("a", "b"), ("a",)), (("a",), ("a", "b")), (("a",), ("b",))])
def test_the_state_of_other_optimizers_is_refused(saved: tuple[str, ...], own: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="it is of another optimizer"):
        optimizers(*own)[0].load(stepped(*saved))
    optimizers(*saved)[0].load(stepped(*saved))


def test_a_state_from_before_the_first_step_is_taken_up(tmp_path: Path) -> None:
    descent(tmp_path).save()
    one = descent(tmp_path)
    assert one.take_up(TrainingPlace, lambda place: None) == TrainingPlace(seed=2, step=0, seconds=0.0)
    assert run(one) is None
    assert one.step == 6


def test_a_place_of_another_training_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    run(descent(tmp_path))
    one = descent(tmp_path)
    before = one.network.state_dict()["0.weight"].clone()

    def refuse(place: TrainingPlace) -> None:
        raise CheckpointError(f"seed {place.seed}")

    with pytest.raises(CheckpointError, match="seed 2"):
        one.take_up(TrainingPlace, refuse)
    assert torch.equal(one.network.state_dict()["0.weight"], before)
    assert one.step == 0
