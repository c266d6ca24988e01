"""How the parameters of a rival are trained: a budget of steps or minutes, in `descent`'s loop."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from emoticrafter.backbones.devices import memory_errors
from emoticrafter.descent import NOTE, STATE, Descent, Optimizers, StepRandom, TrainingPlace
from emoticrafter.errors import EmotiCrafterError, InputError
from emoticrafter.inputs.records import parse_json
from emoticrafter.progress import Progress
from emoticrafter.rivals.budget import Budget, Learned
from emoticrafter.tensors import read_header

__all__ = ["STATE", "check_begun", "learn", "rate_at"]

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
    minute, at the end, and when SIGTERM or Ctrl-C ends the training early.
    """
    name, begun = str(origin["method"]), json.loads(json.dumps(dict(origin)))
    last: deque[float] = deque(maxlen=SHOWN)

    def loss_of(random: StepRandom) -> dict[str, Tensor]:
        value = loss(random.tensors)
        last.append(float(value.detach()))
        return {"loss": value}

    def rate_of(step: int, seconds: float) -> float | None:
        used = budget.used(step, seconds)
        return rate * rate_at(used) if used < 1 else None

    def check(place: _Place) -> None:
        if (place.origin, place.seed) != (begun, seed):
            raise _begun_otherwise(folder)

    descent = Descent(
        name=name,
        folder=folder,
        network=module,
        optimizers=Optimizers(optimizer=torch.optim.AdamW(module.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=1e-4)),
        loss=loss_of,
        schedule=rate_of,
        seed=seed,
        clip=CLIP,
        save_seconds=SAVE_SECONDS,
        notes=lambda: {"origin": begun, "losses": list(last)},
        cure=_ANEW,
    )
    if place := descent.take_up(_Place, check):
        last.extend(place.losses)
    with Progress(name, early=True, quiet=quiet) as show:

        def tell(losses: dict[str, Tensor], ended: bool) -> None:
            descent.figures(losses)
            if show.due():
                share = min(budget.used(descent.step, descent.seconds), 1.0)
                show.tell(share, f"{share:.0%}, step {descent.step}, loss {sum(last) / len(last):.4g}")

        with memory_errors(f"The memory does not suffice for {batch:,} examples at once.", "Give fewer: --set batch=8."):
            signal = descent.run(show, tell)
    module.eval()
    figures = {"loss": round(sum(last) / len(last), 6)} if last else {}
    step = descent.step
    return Learned(steps=step, seconds=descent.seconds, examples=step * batch, figures=figures, signal=signal)


def check_begun(folder: Path, expected: Mapping[str, Any], seed: int) -> None:
    """Raise InputError for a folder whose state was begun with another seed, or whose origin has other values of these entries.

    A state that cannot be read is left to whoever takes it up.
    """
    try:
        about = parse_json(read_header(folder / STATE, "state", _ANEW)[1][NOTE])
        found = {name: about["origin"].get(name) for name in expected}
        same = found == json.loads(json.dumps(dict(expected))) and about["seed"] == seed
    except (EmotiCrafterError, ValueError, TypeError, KeyError, AttributeError):
        return
    if not same:
        raise _begun_otherwise(folder)


def _begun_otherwise(folder: Path) -> InputError:
    told = f"{str(folder)!r} was begun with another method, config, material, budget or seed."
    return InputError(told, "Give another --out.")


@dataclass(frozen=True, kw_only=True)
class _Place(TrainingPlace):
    """A place, with what the training was begun with, and the losses of the steps before; older states tell none."""

    origin: dict[str, Any]
    losses: tuple[float, ...] = ()
