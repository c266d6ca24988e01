"""The processes of one run and the folder that they share: opened at the beginning, left in order at the end."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from accelerate.tracking import get_available_trackers
from accelerate.utils import LoggerType, ProjectConfiguration

from emoticrafter.backbones.devices import choose_device, choose_precision
from emoticrafter.errors import CheckpointError, InputError, MissingError, OutputError
from emoticrafter.files import atomic_path, check_writable, names_in
from emoticrafter.locks import LOCK, busy, hold
from emoticrafter.settings import as_toml
from emoticrafter.training.recipe import Recipe
from emoticrafter.training.record import Metrics, read_metrics
from emoticrafter.training.state import States

if TYPE_CHECKING:
    import torch

__all__ = ["Job", "forget_accelerator", "open_job", "write_recipe"]

T = TypeVar("T")
RECIPE, METRICS, RUN, CURVES, CHECKPOINT = "recipe.toml", "metrics.jsonl", "run.json", "curves.png", "checkpoint"
_HALF_WRITTEN = re.compile(r"\.[0-9a-f]{16}\.tmp\.\w+")  # as files.atomic_path names them
BASELINES, PROBE, EMPTY_PROMPT = "baselines.json", "probe.safetensors", "empty_prompt.safetensors"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run's processes (`accelerator`), its folder, and how a batch is shared.

    share: pairs of a batch that each process takes. pieces: forward passes that each takes for them.
    """

    out: Path
    accelerator: Accelerator
    share: int
    pieces: int

    @property
    def main(self) -> bool:
        """Whether this is the one process that writes."""
        return bool(self.accelerator.is_main_process)

    @property
    def device(self) -> torch.device:
        return self.accelerator.device

    @property
    def states(self) -> States:
        return States(self.out / "states")

    @property
    def metrics(self) -> Metrics:
        return Metrics(self.out / METRICS)

    def once(self, path: Path, make: Callable[[Path], None], read: Callable[[Path], T]) -> T:
        """What `read` finds in a file that one process makes if it is not there yet, and all wait for."""
        if self.main and not path.is_file():
            make(path)
        self.accelerator.wait_for_everyone()
        return read(path)


def write_recipe(recipe: Recipe, out: Path) -> None:
    """Keep the recipe in the run's folder, every key of it."""
    with atomic_path(out / RECIPE, force=True) as temporary:
        temporary.write_text(as_toml(recipe), encoding="utf-8")


@contextmanager
def open_job(recipe: Recipe, out: Path) -> Iterator[Job]:
    """Join the other processes, if there are any, and take the folder. Raises InputError, MissingError, OutputError."""
    config = recipe.train
    device = choose_device(config.device)
    precision = choose_precision(config.precision, device)
    half = "bfloat16" in (precision.name, str(precision.autocast))
    _check_trackers(recipe.log.trackers)
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if config.batch % processes:
        raise InputError(
            f"A batch of {config.batch} pairs cannot be shared by {processes} processes.",
            f"Let train.batch be a multiple of {processes}.",
        )
    share = config.batch // processes
    most = min(config.micro_batch or share, share)
    pieces = next(n for n in range(-(-share // most), share + 1) if share % n == 0)
    accelerator = Accelerator(
        mixed_precision="bf16" if half else "no",
        gradient_accumulation_steps=pieces,
        cpu=device.type == "cpu",
        log_with=list(recipe.log.trackers) or None,
        project_config=ProjectConfiguration(project_dir=str(out), logging_dir=str(out / "trackers")),
    )
    try:
        with _alone(out) if accelerator.is_main_process else nullcontext():
            if accelerator.is_main_process and not (out / RECIPE).is_file():
                write_recipe(recipe, out)
            accelerator.wait_for_everyone()
            yield Job(out=out, accelerator=accelerator, share=share, pieces=pieces)
    finally:
        with suppress(Exception):  # what ends a run early must not be hidden by a tracker's trouble
            accelerator.end_training()
        forget_accelerator()


def forget_accelerator() -> None:
    """Let go of the state that Accelerate keeps for a process, so that one process may train twice, in another precision."""
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


def _check_trackers(names: tuple[str, ...]) -> None:
    known = [str(kind.value) for kind in LoggerType]
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"Unknown tracker {unknown[0][:60]!r} in log.trackers.", f"Known ones: {', '.join(known)}.")
    there = {str(kind.value) for kind in map(LoggerType, get_available_trackers())} | {"all"}
    if absent := [name for name in names if name not in there]:
        raise MissingError(
            f"The tracker {absent[0]!r} is not installed.", f"pip install {absent[0].replace('_', '-')}, or set log.trackers=[]."
        )


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the folder: a second run into it is refused, and so is a folder of other files. A killed run lets go of it."""
    check_writable(out / RECIPE, force=True)
    others = names_in(out) - {LOCK}
    if not (out / RECIPE).is_file() and not all(map(_HALF_WRITTEN.fullmatch, others)):
        raise OutputError(f"The output {str(out)!r} holds files that are no training run.", "Choose another --out.")
    with hold(out / LOCK, *busy(out)):
        _clear(out)
        yield


def _clear(out: Path) -> None:
    """Put right what a killed run left: the checkpoint that it was replacing, files half-written or before the first state.

    Raises CheckpointError for a run whose states are gone.
    """
    for old in out.glob(f".{CHECKPOINT}.*.old"):
        if not (out / CHECKPOINT).exists():
            old.rename(out / CHECKPOINT)
        shutil.rmtree(old, ignore_errors=True)
    for half in out.glob(f".{CHECKPOINT}.*.tmp"):
        shutil.rmtree(half, ignore_errors=True)
    for path in out.glob(".*.tmp*"):
        if _HALF_WRITTEN.fullmatch(path.name):
            path.unlink(missing_ok=True)
    states = States(out / "states")
    states.clean()
    if not states.found():
        _begin_anew(out)


def _begin_anew(out: Path) -> None:
    """Remove what was written before the first state, at step 0, where weights are as they were made."""
    if any(line["step"] for line in read_metrics(out / METRICS)):
        raise CheckpointError(
            f"{str(out)!r} was begun, as its {METRICS} shows, but none of its states is left.",
            "Put the folder states/ back, or choose another --out to begin anew.",
        )
    if (out / METRICS).exists():
        shutil.rmtree(out / CHECKPOINT, ignore_errors=True)
    for name in (METRICS, BASELINES, PROBE, EMPTY_PROMPT):
        (out / name).unlink(missing_ok=True)
