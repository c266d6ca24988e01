"""The loop that trains the parameters of a rival: everything random in step n comes from (seed, n), and a kill loses little."""

from __future__ import annotations

import json
import math
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from emoticrafter.backbones.devices import memory_errors
from emoticrafter.errors import CheckpointError, EmotiCrafterError, InputError
from emoticrafter.files import atomic_path
from emoticrafter.inputs.records import damaged, parse_json
from emoticrafter.progress import Progress
from emoticrafter.rivals.budget import Budget, Learned
from emoticrafter.signals import stop_signals
from emoticrafter.tensors import fill, read_header, read_noted_tensors

__all__ = ["STATE", "check_begun", "learn", "rate_at"]

STATE = "state.safetensors"
WARM_UP, COOL_DOWN = 0.02, 0.3  # shares of the budget
CLIP = 1.0  # of the gradient's norm
SHOWN = 50  # steps whose mean loss is told
SAVE_SECONDS = 60.0
_ANEW = "Delete it to begin anew."


def rate_at(used: float) -> float:
    """The learning rate, in parts of its highest, when this share of the budget is used up."""
    return min(1.0, (used + 1e-3) / WARM_UP, max(1 - used, 0.0) / COOL_DOWN + 0.01)


def learn(
    module: nn.Module,
    loss: Callable[[torch.Generator], Tensor],
    budget: Budget,
    folder: Path,
    *,
    rate: float,
    batch: int,
    seed: int,
    origin: Mapping[str, Any],
    quiet: bool,
) -> Learned:
    """Minimise `loss`, drawn anew from the generator at each step, by AdamW; only `module`'s parameters are moved.

    origin: JSON values that a state must have been begun with to be taken up. The state, in `folder`, is written about every
    minute, and when SIGTERM or Ctrl-C ends the training early.
    """
    parameters = dict(module.named_parameters())
    optimizer = torch.optim.AdamW(parameters.values(), lr=rate, betas=(0.9, 0.99), weight_decay=1e-4)
    about = {"origin": dict(origin), "seed": seed}
    step, before = _take_up(folder / STATE, module, optimizer, about)
    began = saved = time.monotonic()
    last: deque[float] = deque(maxlen=SHOWN)
    seconds = before
    module.train()
    with Progress(str(origin["method"]), early=True, quiet=quiet) as show, stop_signals() as stopped:
        if step:
            show.say(f"{origin['method']}: taken up at step {step}")
        while not stopped and (used := budget.used(step, seconds)) < 1:
            with memory_errors(f"The memory does not suffice for {batch:,} examples at once.", "Give fewer: --set batch=8."):
                last.append(_one_step(loss, optimizer, rate * rate_at(used), seed, step))
            step += 1
            seconds = before + time.monotonic() - began
            if not math.isfinite(last[-1]):
                raise EmotiCrafterError(f"The loss is {last[-1]} at step {step}.", "Begin again with a lower rate.")
            if show.due():
                share = min(budget.used(step, seconds), 1.0)
                show.tell(share, f"{share:.0%}, step {step}, loss {sum(last) / len(last):.4g}")
            if time.monotonic() - saved > SAVE_SECONDS:
                _save(folder / STATE, module, optimizer, {**about, "step": step, "seconds": seconds})
                saved = time.monotonic()
        if stopped or not last:
            _save(folder / STATE, module, optimizer, {**about, "step": step, "seconds": seconds})
    module.eval()
    figures = {"loss": round(sum(last) / len(last), 6)} if last else {}
    ended = stopped[0] if stopped else None
    return Learned(steps=step, seconds=seconds, examples=step * batch, figures=figures, signal=ended)


def check_begun(folder: Path, expected: Mapping[str, Any], seed: int) -> None:
    """Raise InputError for a folder whose state was begun with another seed, or whose origin has other values of these entries.

    A state that cannot be read is left to whoever takes it up.
    """
    try:
        about = parse_json(read_header(folder / STATE, "state", _ANEW)[1]["training"])
        found = {name: about["origin"].get(name) for name in expected}
        same = found == json.loads(json.dumps(dict(expected))) and about["seed"] == seed
    except (EmotiCrafterError, ValueError, TypeError, KeyError, AttributeError):
        return
    if not same:
        raise _begun_otherwise(folder / STATE)


def _begun_otherwise(path: Path) -> InputError:
    told = f"{str(path.parent)!r} was begun with another method, config, material, budget or seed."
    return InputError(told, "Give another --out.")


def _one_step(
    loss: Callable[[torch.Generator], Tensor], optimizer: torch.optim.Optimizer, rate: float, seed: int, step: int
) -> float:
    group = optimizer.param_groups[0]
    group["lr"] = rate
    optimizer.zero_grad()
    value = loss(torch.Generator().manual_seed(seed * 1_000_003 + step))
    value.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(group["params"], CLIP)
    optimizer.step()
    return float(value.detach())


def _save(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, about: Mapping[str, Any]) -> None:
    """Everything that the next step depends on in one file, whole or not at all."""
    from safetensors.torch import save_file

    tensors = {f"model.{name}": tensor for name, tensor in module.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
    with atomic_path(path, force=True) as temporary:
        note = {"training": json.dumps(about, sort_keys=True)}
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary, note)


def _take_up(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, expected: Mapping[str, Any]) -> tuple[int, float]:
    """Step and seconds of the state that is there, which is loaded; (0, 0) where there is none."""
    if not os.path.lexists(path):
        return 0, 0.0
    place, tensors = read_noted_tensors(path, "training", _Place, "state", _ANEW)
    if (place.origin, place.seed) != (json.loads(json.dumps(expected["origin"])), expected["seed"]):
        raise InputError(
            f"{str(path.parent)!r} was begun with another method, config, material, budget or seed.", "Give another --out."
        )
    own = {name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")}
    fill(module, own, path, "state", _ANEW)
    try:
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, number, part = name.split(".", 2)
                states.setdefault(int(number), {})[part] = tensor
        optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
    except (ValueError, KeyError, RuntimeError) as error:
        raise damaged(path, "state", _ANEW, error, CheckpointError) from error
    return place.step, place.seconds


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What a state says beside its tensors: what it was begun with, and how far it is."""

    origin: dict[str, Any]
    seed: int
    step: int
    seconds: float
