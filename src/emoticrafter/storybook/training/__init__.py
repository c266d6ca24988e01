"""The embedded model made from nothing, in stages; each takes up where it was stopped, even by kill -9.

render      scenes drawn to pictures            tokenizer   a BPE learned from captions
vae         pictures <-> latents                text        two CLIP text encoders
unet        latents from text                   eit         neutral features -> emotional features
judge       pictures -> emotion, place, subject assemble    everything as a diffusers SDXL pipeline folder
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from emoticrafter.errors import InputError, MissingError
from emoticrafter.files import check_folder
from emoticrafter.locks import LOCK, busy, check_free, hold
from emoticrafter.storybook.training.presets import NEEDS, PRESETS, STAGES, Preset, preset_named

__all__ = ["PRESETS", "STAGES", "check_build", "run"]


def run(
    preset: str | Preset,
    out: str | Path,
    stages: Sequence[str] | None = None,
    *,
    seed: int = 0,
    device: str | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    quiet: bool = False,
) -> Path:
    """Run the stages (default: all) of a preset in `out`, skipping the finished ones; the folder of the finished model.

    `steps` or `minutes` replace the length of the trainings among `stages`; asking a finished training for more steps takes it
    up again. Raises InputError for unknown names, MissingError when an earlier stage is not finished, OutputError
    when another run is at the same stage.
    """
    out = check_build(out, stages)
    import torch
    from transformers.utils import logging

    from emoticrafter.backbones.devices import choose_device
    from emoticrafter.storybook.training.common import Workshop

    logging.disable_progress_bar()  # the stages have their own

    chosen = preset if isinstance(preset, Preset) else preset_named(preset)
    if (steps is not None and steps < 1) or (minutes is not None and not minutes > 0):
        raise InputError(
            f"The steps are {steps} and the minutes {minutes}; both must be above 0.", "Leave them out for the preset's."
        )
    where = choose_device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    work = Workshop(preset=chosen, out=out, seed=seed, device=where, steps=steps, minutes=minutes, quiet=quiet)
    wanted = [name for name in STAGES if name in (stages or STAGES)]
    for number, stage in enumerate(wanted):
        for need in NEEDS[stage]:
            if work.done(stage) is None and need not in wanted[:number] and work.done(need) is None:
                raise MissingError(
                    f"Stage {stage!r} needs stage {need!r}, which is not finished in {out}.", f"Add --stage {need}."
                )
    for stage in wanted:
        done = work.done(stage)
        if done is not None and not (stages and steps and int(str(done.get("steps", steps))) < steps):
            work.say(f"{stage}: finished already")
            continue
        folder = work.folder(stage)
        with hold(folder / LOCK, *busy(folder), passing=True):
            import_module(f"{__name__}.{stage}").run(work)
    return work.folder("assemble") / "model"


def check_build(out: str | Path, stages: Sequence[str] | None = None) -> Path:
    """The folder of a build. Raises InputError for unknown stages, OutputError where it cannot be written or is being written."""
    for stage in stages or ():
        if stage not in STAGES:
            raise InputError(f"Unknown stage {stage!r}.", f"Known stages: {', '.join(STAGES)}.")
    out = check_folder(out)
    for stage in stages or STAGES:
        check_free(out / stage)
    return out
