"""Which optimizer and batch bring a network of storybook furthest in the same time, each with its whole schedule.

Goes on from a finished build (`emoticrafter storybook build`): its pictures, and for the UNet its latents and text encoders.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.common import Report, parser, table
from emoticrafter.storybook.training.presets import NEEDS, PRESETS, BuildRecipe

# Stage: the figure that counts, and name: (muon, batch, peak rate).
VARIANTS: dict[str, tuple[str, dict[str, tuple[bool, int, float]]]] = {
    "vae": ("psnr", {"AdamW, batch 32": (False, 32, 2e-3), "Muon, batch 32": (True, 32, 3e-3)}),
    "unet": (
        "held_out_loss",
        {
            "AdamW, batch 16": (False, 16, 8e-4),
            "Muon, batch 16": (True, 16, 2e-3),
            "Muon, batch 32": (True, 32, 3e-3),
        },
    ),
}


def all_needs(stage: str) -> set[str]:
    """The stages that come before this one."""
    return {before for need in NEEDS[stage] for before in {need, *all_needs(need)}}


def train(stage: str, recipe: BuildRecipe, given: Any, folder: Path) -> dict[str, Any]:
    from emoticrafter.storybook.training import unet, vae
    from emoticrafter.storybook.training.common import Workshop

    folder.mkdir()
    for before in all_needs(stage):
        (folder / before).symlink_to((given.work / before).resolve())
    changes: dict[str, Any] = {f"{stage}_recipe": recipe, "watch_seconds": 1e9, "checkpoint_seconds": 1e9}
    preset = replace(PRESETS[given.preset], **changes)
    work = Workshop(preset=preset, out=folder, steps=2 if given.smoke else None, minutes=None if given.smoke else given.minutes)
    {"vae": vae, "unet": unet}[stage].run(work)
    lines = [json.loads(line) for line in (folder / stage / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    measure = VARIANTS[stage][0]
    done = work.done(stage) or {}
    return {
        measure: next(line[measure] for line in reversed(lines) if measure in line),
        "steps": done["steps"],
        "samples": done["steps"] * recipe.batch,
        "seconds": done["seconds"],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("optimizers", __doc__)
    options.add_argument("--work", type=Path, required=True, help="the folder of the build")
    options.add_argument("--preset", choices=list(PRESETS), default="cpu", help="of that build")
    options.add_argument("--stages", nargs="+", choices=list(VARIANTS), default=["unet"])
    options.add_argument("--minutes", type=float, default=4.0, help="of each training")
    given = options.parse_args(arguments)
    report = Report("optimizers", given)
    tables = []
    for stage in given.stages:
        measure, variants = VARIANTS[stage]
        report.figures[stage] = rows = {}
        own: BuildRecipe = getattr(PRESETS[given.preset], f"{stage}_recipe")
        for name, (muon, batch, rate) in variants.items():
            recipe = replace(own, muon=muon, batch=batch, rate=rate, average=0.99)
            with tempfile.TemporaryDirectory() as folder:
                rows[name] = {"rate": rate, **train(stage, recipe, given, Path(folder) / stage)}
            report.save()
        keys = ("rate", measure, "steps", "samples", "seconds")
        tables.append(table(stage, ("", *keys), [(name, *(row[key] for key in keys)) for name, row in rows.items()]))
    report.finish(*tables)


if __name__ == "__main__":
    main()
