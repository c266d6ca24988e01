"""Does the emotion arrive? Held-out prompts at 25 points of the plane, read by the storybook judge.

Beside the model stand: always answering 0; the neutral text; the emotion told in words; the rendered scenes themselves, which
show what the judge can read at best. Then whether steps of 0.2 change the picture, and a sheet of the corners to look at.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.stats import rankdata

from benchmarks.common import Report, numbers, parser, table
from benchmarks.grids import ASKED, AXIS, POINTS, Drawer, add_options, flat, stacked
from benchmarks.world import find_sprites
from emoticrafter.emotion import Emotion
from emoticrafter.files import atomic_path
from emoticrafter.storybook import captions

AXES = ("valence", "arousal")
CORNERS = tuple(Emotion(valence=v, arousal=a) for v, a in ((-3, -3), (-3, 3), (3, -3), (3, 3)))
STEP = 0.2


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's; NaN where one does not vary."""
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x**2).sum() * (y**2).sum())
    return float((x * y).sum() / scale) if scale > 0 else float("nan")


def agreement(read: np.ndarray) -> dict[str, Any]:
    """Requested against read emotions, float (n, 25, 2): figures of each axis, over all pictures, and the errors of each cell.

    `slope` is that of the line from requested to read; `error` the mean absolute one.
    """
    asked = np.broadcast_to(ASKED, read.shape)
    figures: dict[str, Any] = {}
    for i, axis in enumerate(AXES):
        x, y = asked[..., i].ravel(), read[..., i].ravel()
        figures[axis] = {
            "spearman": correlation(rankdata(x), rankdata(y)),
            "pearson": correlation(x, y),
            "slope": float(np.polyfit(x, y, 1)[0]),
            "error": float(np.abs(x - y).mean()),
            "cells": np.abs(asked - read)[..., i].mean(axis=0).reshape(len(AXIS), len(AXIS)),
        }
    return figures


def told(drawer: Drawer, seed: int) -> np.ndarray:
    """The emotion in words behind each prompt, drawn as plain text, uint8 (n, 25, h, w, 3)."""
    rng = random.Random("benchmark/feeling")
    made = []
    for number, case in enumerate(drawer.cases):
        texts = [f"{case.prompt.rstrip('.')}, {captions.feeling(point, rng, case.scene)}" for point in POINTS]
        made.append(drawer.texts(texts, seed + number))
    return np.stack(made)


def steps(drawer: Drawer, prompts: int, seed: int, frames: int, threshold: float) -> dict[str, Any]:
    """How far steps of 0.2 along each axis move the picture: mean absolute difference of its pixels, 0 to 255."""
    figures: dict[str, Any] = {"threshold": threshold}
    for axis in AXES:
        ends = [Emotion(**{"valence": 0.0, "arousal": 0.0, axis: x}) for x in (-3.0, -3.0 + STEP * (frames - 1))]
        moved = []
        for number, case in enumerate(drawer.cases[:prompts]):
            made = stacked(drawer.crafter.sweep(case.prompt, *ends, frames=frames, seed=seed + number, **drawer.settings))
            moved += [float(np.abs(a.astype(np.int16) - b).mean()) for a, b in pairwise(made)]
        share = float(np.mean([step > threshold for step in moved]))
        figures[axis] = {"share": share, "median": float(np.median(moved)), "least": min(moved), "steps": len(moved)}
    return figures


def corner_sheet(drawer: Drawer, grids: np.ndarray, neutral: np.ndarray, rows: int, path: Path) -> Path:
    """The neutral picture and the four corners of some prompts, side by side."""
    where = [POINTS.index(corner) for corner in CORNERS]
    titles = ["neutral", *(f"{AXES[0]} {c.valence:+g}, {AXES[1]} {c.arousal:+g}" for c in CORNERS)]
    side, line, font = max(grids.shape[2], 96), 18, ImageFont.load_default(12)
    sheet = Image.new("RGB", (len(titles) * side, rows * (side + line) + line), "white")
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        draw.text((column * side + 3, 2), title, "black", font)
    for row in range(rows):
        top = line + row * (side + line)
        draw.text((3, top + 2), drawer.cases[row].prompt, "black", font)
        for column, picture in enumerate((neutral[row], *grids[row][where])):
            sheet.paste(Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS), (column * side, top + line))
    with atomic_path(path, force=True) as temporary:
        sheet.save(temporary)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("emotion", __doc__)
    add_options(options)
    options.add_argument("--strength", type=numbers, help="one or several, split by commas; the first is held to the bars")
    options.add_argument("--step-prompts", type=int, default=6, help="prompts that steps of 0.2 are measured on")
    options.add_argument("--step-threshold", type=float, default=0.25, help="mean change of pixels, 0 to 255, that shows")
    options.add_argument("--sheet-prompts", type=int, default=8, help="prompts on the sheet of corners")
    given = options.parse_args(arguments)
    frames = 31
    if given.smoke:
        given.prompts, given.steps, given.step_prompts, frames = 2, 1, 1, 3
    report, drawer = Report("emotion", given), Drawer(given)
    judge, sprites = drawer.judge("emotion"), find_sprites(given.smoke)

    def read(grids: np.ndarray) -> dict[str, Any]:
        return agreement(judge.emotions(flat(grids)).reshape(len(grids), len(POINTS), 2))

    strengths = given.strength or [None]
    grids, neutral = drawer.kept(strengths[0])
    rows = {f"strength {drawer.strength(strengths[0]):g}": read(grids)}
    rows |= {f"strength {strength:g}": read(drawer.emotional(strength)) for strength in strengths[1:]}
    ours = next(iter(rows.values()))
    rows["always 0"] = agreement(np.zeros((len(drawer.cases), len(POINTS), 2)))
    rows["neutral text"] = read(np.repeat(neutral[:, None], len(POINTS), axis=1))
    rows["emotion in words"] = read(told(drawer, given.seed))
    rows["rendered scenes"] = read(drawer.rendered(sprites))
    moved = steps(drawer, given.step_prompts, given.seed, frames, given.step_threshold)
    sheet = corner_sheet(drawer, grids, neutral, min(given.sheet_prompts, len(drawer.cases)), report.path.with_suffix(".webp"))
    report.figures = {
        "prompts": [case.prompt for case in drawer.cases],
        "points": ASKED,
        "cells": "rows: arousal from 3 to -3; columns: valence from -3 to 3",
        "judge": judge.figures,
        "sprites": type(sprites).__name__,
        "rows": rows,
        "steps": moved,
        "sheet": sheet.name,
    }
    for axis in AXES:
        report.bar(f"{axis}: Spearman", ours[axis]["spearman"], least=0.95)
        report.bar(f"{axis}: mean absolute error", ours[axis]["error"], most=0.50)
        report.bar(f"{axis}: share of steps of 0.2 that show", moved[axis]["share"], least=1.0)
    keys = ("spearman", "pearson", "slope", "error")
    lines = [(name, *(row[axis][key] for axis in AXES for key in keys)) for name, row in rows.items()]
    main_table = table("requested and read", ("", *(f"{axis[0].upper()} {key}" for axis in AXES for key in keys)), lines)
    cells = [
        (f"a {a:+g}", *(f"{ours['valence']['cells'][i, j]:.2f} / {ours['arousal']['cells'][i, j]:.2f}" for j in range(len(AXIS))))
        for i, a in enumerate(reversed(AXIS))
    ]
    report.finish(main_table, table("error of valence / arousal, by cell", ("", *(f"v {v:+g}" for v in AXIS)), cells))


if __name__ == "__main__":
    main()
