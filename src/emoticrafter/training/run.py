"""The main path of a training: features in, checkpoint out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from accelerate.utils import set_seed

from emoticrafter import checkpoint
from emoticrafter.backbones.devices import memory_errors, total_memory
from emoticrafter.eit import EmotionInjectionTransformer
from emoticrafter.errors import CheckpointError, DeviceError, InputError
from emoticrafter.features.store import FeatureStore
from emoticrafter.files import user_path
from emoticrafter.inputs.records import damaged, read_record
from emoticrafter.inputs.typed import typed
from emoticrafter.objective import Objective
from emoticrafter.settings import as_dict
from emoticrafter.training import job as names
from emoticrafter.training.baselines import baselines
from emoticrafter.training.job import Job, open_job, write_recipe
from emoticrafter.training.learner import Learner
from emoticrafter.training.loop import Begun, Loop
from emoticrafter.training.material import Material, read_empty_prompt, write_empty_prompt
from emoticrafter.training.probe import fit_probe, load_probe, save_probe
from emoticrafter.training.recipe import Recipe, differences
from emoticrafter.training.record import Display, draw_curves, read_metrics, revision, versions, write_json
from emoticrafter.training.state import ABOUT
from emoticrafter.training.state import AGAIN as STATE_AGAIN

__all__ = ["Outcome", "train"]

AGAIN = "Delete the file: it is made again."
FEWER = "Set train.micro_batch, as --set train.micro_batch=64: a batch then goes through in several passes."


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a sitting ended. checkpoint: None before any was kept. signal: the one that ended it early, else None.

    main: whether this process is the one that writes and tells.
    """

    out: Path
    checkpoint: Path | None
    step: int
    steps: int
    best_step: int | None
    best_loss: float | None
    baselines: dict[str, float]
    seconds: float
    signal: int | None
    main: bool


def train(recipe: Recipe, out: str | os.PathLike[str], *, title: str = "", quiet: bool = False) -> Outcome:
    """Train an emotion injection transformer into the folder `out`, or go on with what was begun there.

    The result is `out/checkpoint`, which `emoticrafter generate --emotion` takes. SIGTERM and Ctrl-C save and return early.
    title: stands before what is told on the way; quiet: nothing is. With `torchrun` every process calls this with the same
    arguments. Raises EmotiCrafterError.
    """
    out = user_path(out)
    store = FeatureStore.open(recipe.data.features)
    with open_job(recipe, out) as job:
        pairs = job.share // job.pieces
        _check_memory(pairs, store, job)
        with memory_errors(f"The memory does not suffice for {pairs:,} pairs in one pass of the transformer.", FEWER):
            return _train(recipe, store, job, title, quiet)


def _train(recipe: Recipe, store: FeatureStore, job: Job, title: str, quiet: bool) -> Outcome:
    material = Material(recipe, store, job.device)
    eit = _transformer(recipe, store)
    learner = Learner(eit, recipe.train, _objective(recipe, job, material), job.accelerator, job.pieces)
    compared = job.once(job.out / names.BASELINES, lambda path: write_json(path, _baselines(recipe, material)), _read_figures)
    steps = recipe.steps(len(material.split.train))
    with Display(title, steps, recipe.train.batch, job.device, quiet=quiet or not job.main) as display:
        loop = Loop(recipe, job, material, learner, compared, display)
        _begin_or_take_up(loop)
        loop.run()
    return _finish(loop, learner)


def _check_memory(pairs: int, store: FeatureStore, job: Job) -> None:
    """Refuse at once what no memory can hold: the system might end the program instead of refusing it the memory."""
    values = pairs * store.manifest.feature_bytes // (2 * store.manifest.prompts)  # of prompts of the usual length
    needed = values * (2 * 2 + 2 * 4)  # both prompts as they are kept; residual and prediction in float32
    there = total_memory(job.device)
    if there is not None and needed > there:
        gib = f"{needed / 2**30:,.0f} GiB at least; there are {there / 2**30:,.0f} in all"
        raise DeviceError(f"A pass of {pairs:,} pairs through the transformer takes {gib}.", FEWER)


def _transformer(recipe: Recipe, store: FeatureStore) -> EmotionInjectionTransformer:
    """A new transformer for these features, or the one that the recipe begins with."""
    manifest = store.manifest
    set_seed(recipe.train.seed)  # Python's, numpy's and torch's: states of equal runs are equal
    eit = EmotionInjectionTransformer(recipe.model.eit(manifest.channels, manifest.tokens))
    if recipe.model.begin is None:
        return eit
    begun = checkpoint.load(recipe.model.begin)
    store.require(prompt_channels=begun.config.prompt_channels, backbone=begun.metadata.get("backbone"))
    if begun.config != eit.config:
        wanted, found = eit.config.as_dict(), begun.config.as_dict()
        differs = [f"{name} {found[name]}, not {wanted[name]}" for name in wanted if found[name] != wanted[name]]
        raise InputError(
            f"The checkpoint {recipe.model.begin!r} has {'; '.join(differs)}.", "Set the keys of [model] to its sizes."
        )
    return begun


def _objective(recipe: Recipe, job: Job, material: Material) -> Objective:
    """The loss, with what its terms need: made once, kept in the folder."""
    config, split = recipe.objective, material.split
    probe = empty = None
    if config.affect:

        def make(path: Path) -> None:
            fitted, figures = fit_probe(material.reader, split.train, split.val, steps=config.probe_steps, seed=recipe.train.seed)
            write_json(path.with_suffix(".json"), figures)
            save_probe(fitted, path)

        probe = job.once(job.out / names.PROBE, make, lambda path: load_probe(path, job.device))
    if config.prompt_dropout:
        empty = job.once(
            job.out / names.EMPTY_PROMPT,
            lambda path: write_empty_prompt(material.store, path, job.device),
            lambda path: read_empty_prompt(material.store, path, job.device),
        )
    return Objective(config, probe, empty)


def _baselines(recipe: Recipe, material: Material) -> dict[str, float]:
    split, seed = material.split, recipe.train.seed
    alpha, pairs = recipe.objective.alpha, recipe.log.ridge_pairs
    return baselines(material.reader, split.train, split.val, alpha=alpha, ridge_pairs=pairs, seed=seed)


def _begin_or_take_up(loop: Loop) -> None:
    """Go on from the last state, if there is one; that of another recipe or of other data is refused."""
    job, out = loop.job, loop.job.out
    state = job.states.latest(check=job.main)
    if state is not None:
        origin = loop.material.origin()
        try:
            begun: Begun = typed("", state.about, Begun)
        except InputError as error:
            raise damaged(state.folder / ABOUT, "state", STATE_AGAIN, error, CheckpointError) from error
        if differ := differences(origin["recipe"], begun.recipe):
            raise InputError(
                f"{str(out)!r} was begun with another recipe: {'; '.join(differ)}.", "Use the same recipe, or another --out."
            )
        if origin["data"] != begun.data:
            raise InputError(
                f"{str(out)!r} was begun on features of hash {begun.data[:16]}; {str(loop.material.store.folder)!r} has"
                f" {origin['data'][:16]}.",
                "Give the same features, or another --out.",
            )
        loop.take_up(state, begun.progress)
        loop.display.say(f"taken up at step {loop.progress.step} of {loop.steps}")
    job.accelerator.wait_for_everyone()  # all have read before one writes
    if job.main:
        job.metrics.cut(loop.progress.step)
        write_recipe(loop.recipe, out)
    job.accelerator.init_trackers("emoticrafter")


def _finish(loop: Loop, learner: Learner) -> Outcome:
    """Write the record of the run, and say how it ended."""
    job, progress, material = loop.job, loop.progress, loop.material
    kept = job.out / names.CHECKPOINT
    outcome = Outcome(
        out=job.out,
        checkpoint=kept if kept.is_dir() else None,
        step=progress.step,
        steps=loop.steps,
        best_step=progress.best_step,
        best_loss=progress.best_loss,
        baselines=dict(loop.baselines),
        seconds=progress.seconds,
        signal=loop.asked,
        main=job.main,
    )
    if job.main:
        draw_curves(read_metrics(job.metrics.path), loop.baselines, job.out / names.CURVES)
        probe = job.out / "probe.json"
        write_json(
            job.out / names.RUN,
            {
                "finished": outcome.step >= outcome.steps,
                "recipe": as_dict(loop.recipe),
                "data": material.describe(),
                "parameters": learner.eit.parameter_count,
                "step": outcome.step,
                "steps": outcome.steps,
                "best": {"step": outcome.best_step, "loss": outcome.best_loss},
                "baselines": outcome.baselines,
                **({"probe": _read_figures(probe)} if probe.is_file() else {}),
                "seconds": round(outcome.seconds, 1),
                "device": str(job.device.type),
                "processes": job.accelerator.num_processes,
                "precision": str(job.accelerator.mixed_precision),
                "revision": revision(),
                "versions": versions(),
            },
        )
    job.accelerator.wait_for_everyone()
    return outcome


def _read_figures(path: Path) -> Mapping[str, float]:
    figures: dict[str, float] = read_record(path, dict[str, float], "record", AGAIN, error=CheckpointError)
    return figures
