"""The one training loop of all stages: seeded by step, averaged weights, a checkpoint that survives kill -9.

Everything random in step n comes from (seed, n): the data order, the noise, the dropout. So a run that was killed and taken
up again from its last checkpoint walks the same path, to the bit on the same machine.
"""

from __future__ import annotations

import copy
import json
import math
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
from safetensors.torch import save_file
from torch import Tensor, nn

from emoticrafter.errors import CheckpointError, EmotiCrafterError, MissingError, reason_of
from emoticrafter.files import atomic_path
from emoticrafter.inputs.arrays import read_array
from emoticrafter.inputs.folders import check_model_folder
from emoticrafter.inputs.records import damaged, read_record
from emoticrafter.signals import stop_signals
from emoticrafter.storybook.training.optimizers import Optimizers
from emoticrafter.storybook.training.presets import BuildRecipe, Preset
from emoticrafter.storybook.training.progress import Meter
from emoticrafter.tensors import fill, read_noted_tensors

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
class _Place:
    """What a state says beside its tensors."""

    step: int
    steps: int
    seed: int
    seconds: float


@dataclass(kw_only=True)
class Training:
    """One network in training.

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
        self.averaged = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimizers = Optimizers(self.model, self.recipe)
        self.step = 0
        self.seconds = 0.0

    @property
    def state_path(self) -> Path:
        return self.folder / "state.safetensors"

    # -- checkpoint --------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write everything that the next step depends on into one file, whole or not at all."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"averaged.{k}": v for k, v in self.averaged.state_dict().items()}
        tensors |= dict(self.optimizers.state())
        about = {"step": self.step, "steps": self.recipe.steps, "seed": self.seed, "seconds": round(self.seconds, 1)}
        with atomic_path(self.state_path, force=True) as path:
            save_file({k: v.detach().contiguous() for k, v in tensors.items()}, path, {"training": json.dumps(about)})

    def resume(self) -> bool:
        """Take up the last checkpoint, if there is one. Raises CheckpointError when it is not of this network."""
        if not os.path.lexists(self.state_path):
            return False
        path, what, cure = self.state_path, f"state of the {self.name} network", f"Delete {self.folder} to train it from nothing."
        place, tensors = read_noted_tensors(path, "training", _Place, what, cure)
        fill(self.model, _under("model.", tensors), path, what, cure)
        fill(self.averaged, _under("averaged.", tensors), path, what, cure)
        try:
            self.optimizers.load(tensors)
        except Exception as error:  # the state of another optimizer fails anywhere in it
            raise damaged(path, what, cure, error, CheckpointError) from error
        if place.seed != self.seed:
            raise CheckpointError(
                f"{path} was begun with seed {place.seed}, not {self.seed}.", "Use that seed, or another --out."
            )
        self.step, self.seconds = place.step, place.seconds
        if not self.steps:  # the schedule that was begun is kept, unless the user asks for another
            self.recipe = replace(self.recipe, steps=place.steps)
        return True

    # -- loop --------------------------------------------------------------------------------------------------------

    def run(self) -> nn.Module:
        """Train to the last step of the recipe and return the averaged network. SIGTERM and Ctrl-C save first."""
        resumed = self.resume()
        if self.minutes and self.step < _MEASURED:
            self.recipe = replace(self.recipe, steps=max(self.recipe.steps, _MEASURED + 1))
        began = time.monotonic() - self.seconds
        saved = watched = time.monotonic()
        self.model.train()
        with Meter(self.name, self.recipe.steps, self.step, quiet=self.quiet) as meter, stop_signals() as stopped:
            if resumed:
                meter.say(f"{self.name}: taken up at step {self.step}")
            while self.step < self.recipe.steps and not stopped:
                losses = self._one_step()
                now = time.monotonic()
                self.seconds = now - began
                if self.minutes and not self.steps and self.step == _MEASURED:
                    meter.total = self._fit_minutes()
                last = self.step == self.recipe.steps
                if meter.due() or last:
                    figures = self._figures(losses)
                    self._log(figures)
                    meter.update(self.step, last=last, **figures)
                if last or now - saved > self.checkpoint_seconds:
                    self.save()
                    saved = time.monotonic()
                if self.watch and (last or now - watched > self.watch_seconds):
                    with torch.no_grad(), kept_torch_seed():
                        seen = self.watch(self.averaged, self.step)
                    if seen:
                        self._log(seen)
                        meter.update(self.step, last=True, **seen)
                    watched = time.monotonic()
            if stopped:
                self.save()
                meter.say(f"{self.name}: stopped and saved at step {self.step}; run again to go on")
                sys.exit(128 + stopped[0])
        return self.averaged

    def _one_step(self) -> Losses:
        recipe = self.recipe
        torch.manual_seed(self.seed * 1_000_003 + self.step)
        losses = self.loss(self.step, np.random.default_rng((self.seed, self.step)))
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
        self.optimizers.step(recipe.rate_at(self.step))
        decay = min(recipe.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.averaged.parameters()), list(self.model.parameters()), 1 - decay)
            for kept, now in zip(self.averaged.buffers(), self.model.buffers(), strict=True):
                kept.copy_(now)
        self.step += 1
        return losses

    def _fit_minutes(self) -> int:
        assert self.minutes
        steps = max(round(self.minutes * 60 * _MEASURED / self.seconds), _MEASURED + 1)
        self.recipe = replace(self.recipe, steps=steps)
        return steps

    def _figures(self, losses: Losses) -> dict[str, float]:
        figures = {name: float(value.detach()) for name, value in losses.items()}
        if not math.isfinite(figures["loss"]):
            raise EmotiCrafterError(
                f"{self.name}: the loss is {figures['loss']} at step {self.step}.",
                "Run again: the last checkpoint is kept; or lower the rate.",
            )
        return figures

    def _log(self, figures: dict[str, float]) -> None:
        record = {"step": self.step, "seconds": round(self.seconds, 1), **{k: round(v, 6) for k, v in figures.items()}}
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}


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
