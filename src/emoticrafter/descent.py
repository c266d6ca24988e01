"""The loop of gradient descent for storybook's networks and for rivals: seeded by step, and it survives kill -9.

Everything random in step n comes from (seed, n): the data order, the noise, the dropout. So a run that was killed and taken up
again from its last state walks the same path, to the bit on the same machine.
"""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from emoticrafter.errors import CheckpointError, EmotiCrafterError
from emoticrafter.files import atomic_path
from emoticrafter.inputs.records import damaged
from emoticrafter.progress import Progress
from emoticrafter.signals import stop_signals
from emoticrafter.tensors import fill, read_noted_tensors

__all__ = ["NOTE", "STATE", "Descent", "MovingAverage", "Optimizers", "StepRandom", "TrainingPlace"]

STATE = "state.safetensors"
NOTE = "training"  # what a state says beside its tensors


@dataclass(frozen=True, kw_only=True)
class StepRandom:
    """The random numbers of one step; torch's own generator is seeded, too."""

    step: int
    arrays: np.random.Generator
    tensors: torch.Generator

    @classmethod
    def of(cls, seed: int, step: int) -> StepRandom:
        number = seed * 1_000_003 + step
        torch.manual_seed(number)
        return cls(step=step, arrays=np.random.default_rng((seed, step)), tensors=torch.Generator().manual_seed(number))


class Optimizers:
    """The optimizers of one network by name; all of them step at one rate."""

    def __init__(self, **parts: torch.optim.Optimizer) -> None:
        self._parts = parts

    def step(self, rate: float) -> None:
        """One step along the gradients, which are then forgotten."""
        for part in self._parts.values():
            for group in part.param_groups:
                group["lr"] = rate
            part.step()
            part.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on beside the weights, by name."""
        return {
            f"{name}.{index}.{key}": torch.as_tensor(value)
            for name, part in self._parts.items()
            for index, entries in part.state_dict()["state"].items()
            for key, value in entries.items()
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `state` gave. Raises ValueError for the state of other optimizers."""
        states: dict[str, dict[int, dict[str, Tensor]]] = {name: {} for name in self._parts}
        for key, value in tensors.items():
            name, index, entry = key.split(".", 2)
            if name not in states:
                raise ValueError("it is of another optimizer")
            states[name].setdefault(int(index), {})[entry] = value
        moving = [name for name, part in self._parts.items() if any(group["params"] for group in part.param_groups)]
        if tensors and not all(states[name] for name in moving):
            raise ValueError("it is of another optimizer")
        for name, part in self._parts.items():
            part.load_state_dict({"state": states[name], "param_groups": part.state_dict()["param_groups"]})


class MovingAverage:
    """A copy of a network that holds the exponential average of its weights, and its buffers as they are."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay = network, decay
        self.averaged = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after this step; the first steps count for more."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.averaged.parameters()), list(self.network.parameters()), 1 - decay)
        for kept, now in zip(self.averaged.buffers(), self.network.buffers(), strict=True):
            kept.copy_(now)


@dataclass(frozen=True, kw_only=True)
class TrainingPlace:
    """What a state says beside its tensors; trainings that say more declare it in a class of their own."""

    seed: int
    step: int
    seconds: float


P = TypeVar("P", bound=TrainingPlace)


@dataclass(kw_only=True)
class Descent:
    """One network in training.

    loss: of a step, from its random numbers; the entry "loss" is minimised, the others are only shown. schedule: the learning
    rate at a step, after these seconds of all sittings; None ends the training. notes: JSON values that the state is to say
    beside its place. cure: the next step where a state cannot be taken up.
    """

    name: str
    folder: Path
    network: nn.Module
    optimizers: Optimizers
    loss: Callable[[StepRandom], dict[str, Tensor]]
    schedule: Callable[[int, float], float | None]
    seed: int
    clip: float  # of the gradient's norm
    average: MovingAverage | None = None
    save_seconds: float
    notes: Callable[[], Mapping[str, Any]]
    what: str = "state"
    cure: str
    step: int = field(default=0, init=False)
    seconds: float = field(default=0.0, init=False)

    @property
    def path(self) -> Path:
        return self.folder / STATE

    def save(self) -> None:
        """Write everything that the next step depends on into one file, whole or not at all."""
        tensors = {f"model.{name}": tensor for name, tensor in self.network.state_dict().items()}
        if self.average:
            tensors |= {f"averaged.{name}": tensor for name, tensor in self.average.averaged.state_dict().items()}
        tensors |= self.optimizers.state()
        place = {"seed": self.seed, "step": self.step, "seconds": self.seconds}
        note = json.dumps({**self.notes(), **place}, sort_keys=True)
        with atomic_path(self.path, force=True) as path:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path, {NOTE: note})

    def take_up(self, kind: type[P], check: Callable[[P], None]) -> P | None:
        """Take up the last state and tell its place; None where there is none.

        check: raises where the place is of another training. Raises CheckpointError for a state that is damaged or of another
        network.
        """
        if not os.path.lexists(self.path):
            return None
        place: P
        place, tensors = read_noted_tensors(self.path, NOTE, kind, self.what, self.cure)
        check(place)
        fill(self.network, _taken(tensors, "model."), self.path, self.what, self.cure)
        if self.average:
            fill(self.average.averaged, _taken(tensors, "averaged."), self.path, self.what, self.cure)
        try:
            self.optimizers.load(tensors)
        except Exception as error:  # the state of another optimizer fails anywhere in it
            raise damaged(self.path, self.what, self.cure, error, CheckpointError) from error
        self.step, self.seconds = place.step, place.seconds
        return place

    def run(self, progress: Progress, after: Callable[[dict[str, Tensor], bool], None]) -> int | None:
        """Go on to the end of the schedule, save, and return None; SIGTERM and Ctrl-C save first and are returned.

        after: called after each step, with its losses and whether it was the last. torch's random stream is afterwards what it
        was before. Raises EmotiCrafterError, and keeps the last state, for a loss that is not finite.
        """
        if self.step:
            progress.say(f"{self.name}: taken up at step {self.step}")
        saved = time.monotonic()
        began = saved - self.seconds
        losses: dict[str, Tensor] = {}
        self.network.train()
        with torch.random.fork_rng(devices=[]), stop_signals() as stopped:
            rate = self.schedule(self.step, self.seconds)
            while rate is not None and not stopped:
                losses = self._one_step(rate)
                self.seconds = time.monotonic() - began
                rate = self.schedule(self.step, self.seconds)
                if rate is None or time.monotonic() - saved > self.save_seconds:
                    self.figures(losses)
                    self.save()
                    saved = time.monotonic()
                after(losses, rate is None)
            if stopped:
                if losses:
                    self.figures(losses)
                self.save()
        return stopped[0] if stopped else None

    def figures(self, losses: Mapping[str, Tensor]) -> dict[str, float]:
        """The losses of the last step as numbers. Raises EmotiCrafterError unless the one that is minimised is finite."""
        figures = {name: float(value.detach()) for name, value in losses.items()}
        if not math.isfinite(figures["loss"]):
            raise EmotiCrafterError(
                f"{self.name}: the loss is {figures['loss']} at step {self.step}.",
                "The last state is kept: run again, or begin anew with a lower rate.",
            )
        return figures

    def _one_step(self, rate: float) -> dict[str, Tensor]:
        losses = self.loss(StepRandom.of(self.seed, self.step))
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimizers.step(rate)
        if self.average:
            self.average.update(self.step)
        self.step += 1
        return losses


def _taken(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, without that, and no longer among the others."""
    return {name.removeprefix(prefix): tensors.pop(name) for name in list(tensors) if name.startswith(prefix)}
