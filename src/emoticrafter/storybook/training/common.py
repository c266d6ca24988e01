"""What the stages have in common: where things are kept, and a training by a recipe in `descent`'s loop."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from emoticrafter.descent import Descent, MovingAverage, StepRandom, TrainingPlace
from emoticrafter.errors import CheckpointError, EmotiCrafterError, MissingError, reason_of
from emoticrafter.files import atomic_path
from emoticrafter.inputs.arrays import read_array
from emoticrafter.inputs.folders import check_model_folder
from emoticrafter.inputs.records import read_record
from emoticrafter.storybook.training.optimizers import optimizers_of
from emoticrafter.storybook.training.presets import BuildRecipe, Preset
from emoticrafter.storybook.training.progress import Meter

Losses = dict[str, Tensor]  # the key "loss" is minimised, the others are shown
LossFunction = Callable[[int, np.random.Generator], Losses]
WatchFunction = Callable[[nn.Module, int], dict[str, float]]
_AGAIN = "Run again: it is made anew."
_MEASURED = 40  # steps after which the rate is known well enough to choose a length in minutes


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What every stage is given: the preset, where things are kept, and what the user asked for beside."""

    preset: Preset
    out: Path
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    steps: int | None = None  # instead of the preset's
    minutes: float | None = None  # instead of steps: as many as fit, measured at the start
    quiet: bool = False

    def folder(self, stage: str) -> Path:
        return self.out / stage

    def done(self, stage: str) -> dict[str, Any] | None:
        """What a finished stage wrote about itself, else None."""
        path = self.folder(stage) / "done.json"
        return read_record(path, what="record", cure="Delete it: the stage is done again.") if os.path.lexists(path) else None

    def finish(self, stage: str, **figures: object) -> None:
        with atomic_path(self.folder(stage) / "done.json", force=True) as path:
            path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")

    def sheet(self, name: str) -> Path:
        return self.out / "samples" / f"{name}.png"

    def say(self, text: str) -> None:
        if not self.quiet:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def training(
        self,
        name: str,
        model: nn.Module,
        recipe: BuildRecipe,
        loss: LossFunction,
        watch: WatchFunction | None = None,
    ) -> Training:
        """A training with this workshop's seed, folder and habits."""
        return Training(
            name=name,
            folder=self.folder(name),
            model=model,
            recipe=recipe,
            loss=loss,
            watch=watch,
            seed=self.seed,
            steps=self.steps,
            minutes=self.minutes,
            watch_seconds=self.preset.watch_seconds,
            checkpoint_seconds=self.preset.checkpoint_seconds,
            quiet=self.quiet,
        )


@dataclass(frozen=True, kw_only=True)
class _Place(TrainingPlace):
    """A place on the way to so many steps."""

    steps: int


@dataclass(kw_only=True)
class Training:
    """One network in training by a recipe; what is trained is its average.

    `loss(step, rng)` runs the forward pass on the network given as `model`; torch's own generator is seeded before each call.
    `watch(averaged, step)` is called about every `watch_seconds` and at the end; the figures that it returns are logged.
    """

    name: str
    folder: Path
    model: nn.Module
    recipe: BuildRecipe
    loss: LossFunction
    watch: WatchFunction | None = None
    seed: int = 0
    steps: int | None = None
    minutes: float | None = None
    watch_seconds: float = 300.0
    checkpoint_seconds: float = 150.0
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.steps:
            self.recipe = replace(self.recipe, steps=self.steps)
        self.average = MovingAverage(self.model, self.recipe.average)
        self.descent = Descent(
            name=self.name,
            folder=self.folder,
            network=self.model,
            optimizers=optimizers_of(self.model, self.recipe),
            loss=self._loss,
            schedule=self._rate,
            seed=self.seed,
            clip=self.recipe.clip,
            average=self.average,
            save_seconds=self.checkpoint_seconds,
            notes=lambda: {"steps": self.recipe.steps},
            what=f"state of the {self.name} network",
            cure=f"Delete {self.folder} to train it from nothing.",
        )
        self._watched = time.monotonic()

    @property
    def step(self) -> int:
        return self.descent.step

    @property
    def seconds(self) -> float:
        return self.descent.seconds

    def save(self) -> None:
        """Write a state that a training goes on from, as it stands."""
        self.descent.save()

    def run(self) -> nn.Module:
        """Train to the last step of the recipe and return the averaged network. SIGTERM and Ctrl-C save first."""
        place = self.descent.take_up(_Place, self._check_seed)
        if place and not self.steps:  # the schedule that was begun is kept, unless the user asks for another
            self.recipe = replace(self.recipe, steps=place.steps)
        if self.minutes and self.step < _MEASURED:
            self.recipe = replace(self.recipe, steps=max(self.recipe.steps, _MEASURED + 1))
        self._watched = time.monotonic()
        with Meter(self.name, self.recipe.steps, self.step, quiet=self.quiet) as meter:
            signal = self.descent.run(meter, lambda losses, last: self._tell(meter, losses, last))
            if signal is not None:
                meter.say(f"{self.name}: stopped and saved at step {self.step}; run again to go on")
                sys.exit(128 + signal)
        return self.average.averaged

    def _check_seed(self, place: _Place) -> None:
        if place.seed != self.seed:
            raise CheckpointError(
                f"{self.descent.path} was begun with seed {place.seed}, not {self.seed}.", "Use that seed, or another --out."
            )

    def _loss(self, random: StepRandom) -> Losses:
        return self.loss(random.step, random.arrays)

    def _rate(self, step: int, seconds: float) -> float | None:
        """The recipe's rate. Where minutes are given, the first steps tell how many fit."""
        if self.minutes and not self.steps and step == _MEASURED:
            fitting = round(self.minutes * 60 * _MEASURED / seconds)
            self.recipe = replace(self.recipe, steps=max(fitting, _MEASURED + 1))
        return self.recipe.rate_at(step) if step < self.recipe.steps else None

    def _tell(self, meter: Meter, losses: Losses, last: bool) -> None:
        """Show and log the figures, and watch, where it is time to."""
        meter.total = self.recipe.steps
        if meter.due() or last:
            figures = self.descent.figures(losses)
            self._log(figures)
            meter.update(self.step, last=last, **figures)
        if self.watch and (last or time.monotonic() - self._watched > self.watch_seconds):
            with torch.no_grad(), kept_torch_seed():
                seen = self.watch(self.average.averaged, self.step)
            if seen:
                self._log(seen)
                meter.update(self.step, last=True, **seen)
            self._watched = time.monotonic()

    def _log(self, figures: dict[str, float]) -> None:
        record = {"step": self.step, "seconds": round(self.seconds, 1), **{k: round(v, 6) for k, v in figures.items()}}
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


@contextmanager
def kept_torch_seed() -> Iterator[None]:
    """What is drawn inside does not move torch's random stream outside."""
    state = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(state)


def autocast(device: torch.device) -> AbstractContextManager[Any]:
    """bfloat16 where the machine computes in it, else float32."""
    if device.type == "cuda" or (device.type == "cpu" and torch.backends.mkldnn.is_available() and _cpu_has_bfloat16()):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def _cpu_has_bfloat16() -> bool:
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))


def pictures_to_tensor(pictures: np.ndarray, device: torch.device) -> Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def tensor_to_pictures(pictures: Tensor) -> np.ndarray:
    """float (n, 3, h, w) in [-1, 1] -> uint8 (n, h, w, 3)."""
    return ((pictures.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def cached_array(path: Path, origin: dict[str, str], make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array in this file, mapped from the disk; made anew unless the file was made from the same `origin`."""
    note = path.with_suffix(".json")
    with suppress(EmotiCrafterError):  # what is not there, or damaged, is made
        if read_record(note) == origin:
            return read_array(path, "array", _AGAIN, mapped=True)
    array = make()
    note.unlink(missing_ok=True)
    with atomic_path(path, force=True) as temporary:
        np.save(temporary, array)
    with atomic_path(note, force=True) as temporary:
        temporary.write_text(json.dumps(origin), encoding="utf-8")
    return read_array(path, "array", _AGAIN, mapped=True)


def load_part(kind: Any, folder: Path, **options: Any) -> Any:
    """A network or a tokenizer that an earlier stage saved. Raises CheckpointError where its folder is damaged."""
    again = f"Delete {folder.parent}: its stage makes it again."
    if not folder.is_dir():
        raise MissingError(f"There is no folder {folder}.", again)
    check_model_folder(folder)
    try:
        return kind.from_pretrained(folder, **options)
    except Exception as error:  # damaged files fail anywhere in the readers
        raise CheckpointError(f"{folder} does not hold a {kind.__name__}: {reason_of(error)}.", again) from error


def save_sheet(rows: list[np.ndarray], path: Path, **options: Any) -> None:
    """Rows of pictures, each uint8 (n, h, w, 3), as one picture with thin gaps; `options` are those of its format in Pillow."""
    from PIL import Image

    padded = [np.concatenate([np.pad(p, ((0, 2), (0, 2), (0, 0))) for p in row], axis=1) for row in rows]
    with atomic_path(path, force=True) as temporary:
        Image.fromarray(np.concatenate(padded, axis=0)).save(temporary, **options)


def restart_with_steady_memory() -> None:
    """Start this command anew with an allocator that keeps large blocks: a tenth faster on a CPU.

    glibc reads these settings only when a process starts.
    """
    if sys.platform == "linux" and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        os.environ |= {"MALLOC_MMAP_THRESHOLD_": str(4 << 30), "MALLOC_TRIM_THRESHOLD_": str(4 << 30)}
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
