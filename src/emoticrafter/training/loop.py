"""The loop: at each step boundary whatever is due (stop, validate, save), then one update.

So a run that was stopped anywhere does, when it is taken up again, exactly what was still to do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object

from emoticrafter import checkpoint
from emoticrafter.errors import EmotiCrafterError, OutputError
from emoticrafter.objective import Pairs, residual_target, weighted_square
from emoticrafter.signals import stop_signals
from emoticrafter.training.job import CHECKPOINT, Job
from emoticrafter.training.learner import Learner, NotFiniteError, Update
from emoticrafter.training.material import Material
from emoticrafter.training.order import Draws
from emoticrafter.training.recipe import Recipe
from emoticrafter.training.record import Display, memory_gib, write_json
from emoticrafter.training.state import State, random_state, set_random_state, sync_folder

__all__ = ["Begun", "Loop", "TrainingProgress"]

_NAMED = 10  # ids in the message on a loss that is not finite


@dataclass(kw_only=True)
class TrainingProgress:
    """Where a run stands: what the next step depends on beside weights and optimizer, and what is shown of it.

    seconds: of all sittings. validated: the step of the last validation. best_loss, best_step: of the weights in checkpoint/.
    pending: sums since the last line of the metrics, by name; `count` of updates among them.
    """

    step: int = 0
    seconds: float = 0.0
    validated: int | None = None
    best_loss: float | None = None
    best_step: int | None = None
    pending: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What a state says beside its tensors: what it was begun with, and where it stands."""

    recipe: dict[str, dict[str, Any]]
    data: str
    progress: TrainingProgress


class Loop:
    """Trains to the last step of the recipe, or until the process is asked to stop."""

    def __init__(
        self, recipe: Recipe, job: Job, material: Material, learner: Learner, baselines: Mapping[str, float], display: Display
    ) -> None:
        self.recipe, self.job, self.material, self.learner = recipe, job, material, learner
        self.baselines, self.display = baselines, display
        self.steps = recipe.steps(len(material.split.train))
        self.progress = TrainingProgress(pending={})
        self.asked: int | None = None  # the signal that ended this sitting
        self._stop = False

    def take_up(self, state: State, progress: TrainingProgress) -> None:
        """Go on from a state, with its weights, its random generators and its place."""
        self.learner.load(state.tensors)
        self.progress = progress
        own = f"random-{self.job.accelerator.process_index:05d}"
        if own in state.tensors:
            set_random_state(state.tensors[own])
        else:  # there are more processes than before
            torch.manual_seed(self.recipe.train.seed + self.progress.step + self.job.accelerator.process_index)
        if self.progress.best_step is not None and not (self.job.out / CHECKPOINT).is_dir():
            self.display.say(f"{CHECKPOINT}/ is gone; the best weights from here on will be kept there")
            self.progress.best_loss = self.progress.best_step = self.progress.validated = None

    def run(self) -> None:
        """Raises EmotiCrafterError when the loss or the gradients are not finite, OutputError when the disk is full."""
        began = time.monotonic() - self.progress.seconds
        saved: int | None = self.progress.step if self.job.states.found() else None
        with stop_signals() as signals, closing(self._parts()) as parts:
            while True:
                now = self.progress.step
                if self._stop:
                    self.asked = signals[0] if signals else 15
                    self.save()
                    return
                if self._validation_due():
                    self.validate()
                if saved != now and (now % self.recipe.train.save_every == 0 or now == self.steps):
                    self.save()
                    saved = now
                if now == self.steps:
                    return
                self.update(parts, stop=bool(signals))
                self.progress.seconds = time.monotonic() - began

    # -- one update ------------------------------------------------------------------------------------------------

    def _parts(self) -> Generator[tuple[Draws, Pairs]]:
        """This process' pieces of every batch from here on, read ahead."""
        job, order = self.job, self.material.order
        first, size = job.accelerator.process_index * job.share, job.share // job.pieces

        def draws() -> Iterator[Draws]:
            for step in range(self.progress.step, self.steps):
                whole = order.draws(step)
                for start in range(first, first + job.share, size):
                    yield whole.part(start, start + size)

        return self.material.reader.stream(draws())

    def update(self, parts: Iterator[tuple[Draws, Pairs]], stop: bool) -> None:
        progress, seen = self.progress, []

        def pieces() -> Iterator[Pairs]:
            for draws, pairs in parts:
                seen.append(draws.rows)
                yield pairs

        rate = self.recipe.rate_at(progress.step, self.steps)
        try:
            update = self.learner.update(pieces(), progress.step, rate, stop)
        except NotFiniteError as error:
            self.save()
            raise self._not_finite(error, np.concatenate(seen)) from error
        progress.step += 1
        self._stop = update.stop
        self._tell(update, rate)

    def _tell(self, update: Update, rate: float) -> None:
        """Add the update to the sums, and write and show them every so often."""
        progress, log = self.progress, self.recipe.log
        new = {**update.losses, "norm": update.norm, "count": 1.0}
        sums = {name: progress.pending.get(name, 0.0) + value for name, value in new.items()}
        speed = self.display.samples_per_second(progress.step)
        self.display.update(progress.step, speed, {"loss": update.losses["loss"]})
        if progress.step % log.every and progress.step != self.steps:
            progress.pending = sums
            return
        count = sums.pop("count")
        figures: dict[str, Any] = {name: total / count for name, total in sums.items()}
        epoch = progress.step * self.recipe.train.batch / len(self.material.split.train)
        figures |= {"rate": rate, "epoch": epoch, "pairs_per_second": speed, "memory_gib": memory_gib(self.job.device)}
        figures["seconds"] = progress.seconds
        progress.pending = {}
        self._log(figures)

    def _log(self, figures: dict[str, Any]) -> None:
        if self.job.main:
            self.job.metrics.add(self.progress.step, figures)
        self.job.accelerator.log(figures, step=self.progress.step)

    def _not_finite(self, error: NotFiniteError, rows: np.ndarray) -> EmotiCrafterError:
        """The error that names the offending pairs; all of them are listed in a file."""
        step, all_ids = self.progress.step, self.material.ids
        culprits = [str(all_ids[rows[place]]) for place in error.places]
        found = list(gather_object(culprits))
        whole = not found
        if whole:  # the gradients alone overflowed: any pair of the batch may be the cause
            found = list(gather_object([str(all_ids[row]) for row in rows]))
        path = self.job.out / "not_finite.json"
        if self.job.main:
            write_json(path, {"step": step, "loss": error.loss, "norm": error.norm, "whole_batch": whole, "ids": found})
        named = ", ".join(found[:_NAMED]) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
        what = f"The loss is {error.loss}" if not math.isfinite(error.loss) else f"The gradients' norm is {error.norm}"
        return EmotiCrafterError(
            f"{what} at step {step}; nothing was updated. {'The batch' if whole else 'It comes from the pairs'}: {named}.",
            f"All are in {str(path)!r}. Look at these pairs and their features, or lower train.rate.",
        )

    # -- validation and what is kept -----------------------------------------------------------------------------------

    def _validation_due(self) -> bool:
        now, train = self.progress.step, self.recipe.train
        if self.progress.validated == now:
            return False
        if now == self.steps or now == 0:
            return True
        if train.validate_every is not None:
            return now % train.validate_every == 0
        return self.material.order.place(now)[0] > self.material.order.place(now - 1)[0]

    def validate(self) -> None:
        """The loss on the held-out pairs; the weights are kept if they are the best so far, or if there is nothing to tell."""
        progress = self.progress
        progress.validated = progress.step
        if len(self.material.split.val):
            weighted, plain = self._validation_losses()
            self._log({"val": weighted, "val_plain": plain, **{f"val_{name}": v for name, v in self.baselines.items()}})
            beside = ", ".join(f"{name} {self.baselines[name]:.4g}" for name in ("neutral", "ridge") if name in self.baselines)
            self.display.say(f"step {progress.step}: validation loss {weighted:.4g}{f' ({beside})' if beside else ''}")
            better = math.isfinite(weighted) and (progress.best_loss is None or weighted < progress.best_loss)
            progress.best_loss = weighted if better else progress.best_loss
        else:
            better = progress.step == self.steps
        if better:
            progress.best_step = progress.step
            self._keep()

    @torch.no_grad()
    def _validation_losses(self) -> tuple[float, float]:
        """Weighted and unweighted, over all held-out pairs: the paper's term alone."""
        job, material = self.job, self.material
        eit = self.learner.best_guess.eval()
        sums = torch.zeros(2, dtype=torch.float64)
        for pairs in material.validation(job.accelerator.process_index, job.accelerator.num_processes):
            with job.accelerator.autocast():
                found_BTC = eit.residual(pairs.neutral.float(), pairs.valence, pairs.arousal, pairs.neutral_mask)
            error_BTC = found_BTC.float() - residual_target(pairs.neutral, pairs.emotional, self.recipe.objective.alpha)
            for place, weight_B in enumerate((pairs.weight, torch.ones_like(pairs.weight))):
                sums[place] += float(weighted_square(error_BTC, weight_B, pairs.shared_mask).sum())
        self.learner.eit.train()
        whole = job.accelerator.reduce(sums.float().to(job.device), reduction="sum")
        weighted, plain = (whole / len(material.split.val)).tolist()
        return weighted, plain

    def _keep(self) -> None:
        """Write the weights as the checkpoint that `generate` takes."""
        if self.job.main:
            manifest, progress = self.material.store.manifest, self.progress
            about = {
                "backbone": manifest.backbone,
                "prompt_tokens": manifest.tokens,
                "strength": self.recipe.model.strength,
                "encoder": manifest.encoder,
                "alpha": self.recipe.objective.alpha,
                "step": progress.step,
                "pairs": len(self.material.split.train),
                "validation_loss": progress.best_loss,
            }
            folder = self.job.out / CHECKPOINT
            try:
                checkpoint.save(self.learner.best_guess, folder, about, force=True)
            except OutputError as error:
                raise OutputError(error.problem, "Free some space, and run the same command again: it goes on.") from error
            sync_folder(folder, files=True)
            sync_folder(self.job.out)
        self.job.accelerator.wait_for_everyone()

    def save(self) -> None:
        """Write everything that the next step depends on."""
        job, progress, order = self.job, self.progress, self.material.order
        randoms = gather_object([random_state()])
        if job.main:
            epoch, offset = order.place(progress.step)
            tensors = self.learner.state() | {f"random-{rank:05d}": state for rank, state in enumerate(randoms)}
            about = {
                "epoch": epoch,
                "offset": offset,
                "progress": asdict(progress),
                "schedule": {"steps": self.steps, "rate": self.recipe.rate_at(progress.step, self.steps)},
                **self.material.origin(),
            }
            job.states.save(progress.step, tensors, about, keep=self.recipe.train.keep)
        job.accelerator.wait_for_everyone()
