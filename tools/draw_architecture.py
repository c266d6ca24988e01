"""Draw docs/pictures/architecture.png: the way of the data to a picture, to a checkpoint, to the embedded model, to a report.

Needs matplotlib, of the extra `storybook`.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle
from PIL import Image

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "architecture.png"
PAPER, INK, GREY, FILE, LINE = "#fcfbf8", "#26262c", "#66656d", "#4a6d9c", "#85848c"
GIVEN, CODE, FROZEN, LEARNED, MADE = "#fdeecb", "#eef0f4", "#dfeaf7", "#eadff5", "#ddf0de"
LEGEND = {"given": GIVEN, "code": CODE, "frozen network": FROZEN, "network in training": LEARNED, "result": MADE}
WIDE, HIGH, LOW = 192, 156, -46
Point = tuple[float, float]


class Box:
    """A box with a name, a line about it and where it lives."""

    high = 14.0

    def __init__(self, axes: Axes, x: float, y: float, wide: float, name: str, about: str, home: str, fill: str) -> None:
        self.left, self.right, self.middle = (x, y + self.high / 2), (x + wide, y + self.high / 2), x + wide / 2
        self.top, self.bottom = (self.middle, y + self.high), (self.middle, y)
        style = "round,pad=0,rounding_size=1.8"
        axes.add_patch(FancyBboxPatch((x, y), wide, self.high, boxstyle=style, facecolor=fill, edgecolor=INK, linewidth=0.8))
        axes.text(self.middle, y + 10.6, name, fontsize=11, color=INK, weight="bold", ha="center", va="center")
        axes.text(self.middle, y + 6.9, about, fontsize=8.4, color=GREY, ha="center", va="center")
        axes.text(self.middle, y + 3.0, home, fontsize=7.4, color=FILE, ha="center", va="center", family="monospace")


def way(axes: Axes, *points: Point, label: str = "", at: Point | None = None) -> None:
    """An arrow along straight pieces."""
    for begin, end in zip(points, points[1:-1], strict=False):
        axes.plot(*zip(begin, end, strict=True), color=LINE, linewidth=1.2, solid_capstyle="round", zorder=0)
    style = {"arrowstyle": "-|>", "color": LINE, "linewidth": 1.2, "mutation_scale": 12, "shrinkA": 0, "shrinkB": 1}
    axes.annotate("", points[-1], points[-2], arrowprops=style, zorder=0)
    if label:
        x, y = at or ((points[0][0] + points[1][0]) / 2, points[0][1] + 1.2)
        axes.text(x, y, label, fontsize=8.4, color=GREY, ha="center", va="bottom", linespacing=1.25)


def heading(axes: Axes, y: float, name: str, about: str) -> None:
    axes.text(2, y, name, fontsize=15, color=INK, weight="bold", va="center")
    axes.text(2, y - 4.6, about, fontsize=9.4, color=GREY, va="center")


def row(axes: Axes, y: float, *boxes: tuple[float, float, str, str, str, str]) -> list[Box]:
    """Boxes side by side: where each begins, how wide it is, its three lines, its fill."""
    return [Box(axes, x, y, wide, *lines) for x, wide, *lines in boxes]


def chain(axes: Axes, y: float, *boxes: tuple[float, float, str, str, str, str]) -> None:
    """Boxes side by side, an arrow from each to the next."""
    for before, after in pairwise(row(axes, y, *boxes)):
        way(axes, before.right, after.left)


def draw_picture(axes: Axes) -> None:
    """The main job, from left to right."""
    about = "Three steps in crafter.py: encode, inject, render. Grids and sweeps are the same steps over many emotions at once."
    heading(axes, 152, "A picture", about)
    y = 119
    prompt, encode, inject, render, picture = row(
        axes, y,
        (2, 24, "prompt", "“a dog on a beach”", "cli/  or Python", GIVEN),
        (38, 28, "encode", "two text encoders", "backbones/", FROZEN),
        (86, 28, "inject", "tokens + strength × residual", "eit.py", FROZEN),
        (134, 26, "render", "UNet, solver, VAE", "backbones/", FROZEN),
        (170, 20, "Picture", "image + recipe", "picture.py", MADE),
    )  # fmt: skip
    emotion, noise, files = row(
        axes, y - 21,
        (86, 28, "Emotion", "valence −2, arousal 1", "emotion.py", GIVEN),
        (134, 26, "noise", "from the seed, on the CPU", "backbones/", CODE),
        (170, 20, "file", "PNG, WebP, GIF, sheet", "recipe.py  sheet.py", MADE),
    )  # fmt: skip
    way(axes, prompt.right, encode.left)
    way(axes, encode.right, inject.left, label="tokens\n(B, T, C)")
    way(axes, inject.right, render.left, label="emotional\ntokens")
    way(axes, render.right, picture.left)
    over = y + Box.high + 5
    way(
        axes, encode.top, (encode.middle, over), (render.middle, over), render.top,
        label="pooled features stay neutral, and so does the negative prompt", at=(inject.middle, over + 0.8),
    )  # fmt: skip
    way(axes, emotion.top, inject.bottom)
    way(axes, noise.top, render.bottom)
    way(axes, picture.bottom, files.top)


def draw_training(axes: Axes) -> None:
    """From annotations to a checkpoint, from left to right."""
    about = "Every arrow is a file: each step is a command of its own, and is taken up where it was stopped."
    heading(axes, 89, "An emotion checkpoint", about)
    chain(
        axes, 64,
        (2, 24, "annotations", "OASIS, EMOTIC, a CSV", "yours", GIVEN),
        (38, 24, "import", "one table, a report", "data/", CODE),
        (74, 26, "write-pairs", "neutral, emotional prompts", "prompts/", CODE),
        (112, 24, "encode", "features in shards", "features/encoding", FROZEN),
        (146, 20, "train", "the EIT", "training/", LEARNED),
        (174, 16, "checkpoint", "for inject", "checkpoint.py", MADE),
    )  # fmt: skip


def draw_build(axes: Axes) -> None:
    """The stages of the build."""
    about = (
        "The stages of storybook/training/, from nothing to a folder that diffusers opens; each is taken up where it was stopped."
    )
    heading(axes, 54, "The embedded model", about)
    judge_y, upper, lower = 34, 15, -4
    scenes = Box(axes, 2, (upper + lower) / 2, 22, "scenes", "contents and emotions", "storybook/scenes", CODE)
    world = Box(axes, 36, upper, 23, "render", "each scene at two moods", "storybook/world/", CODE)
    captions = Box(axes, 36, lower, 23, "captions", "neutral and emotional", "storybook/captions", CODE)
    vae = Box(axes, 72, upper, 22, "vae", "pictures and latents", "training/vae", LEARNED)
    tokenizer = Box(axes, 72, lower, 22, "tokenizer", "byte pairs of captions", "training/tokenizer", LEARNED)
    text = Box(axes, 102, lower, 24, "text", "two CLIP encoders", "training/text", LEARNED)
    judge = Box(axes, 140, judge_y, 20, "judge", "picture to emotion", "training/judge", LEARNED)
    unet = Box(axes, 140, upper, 20, "unet", "latents from text", "training/unet", LEARNED)
    eit = Box(axes, 140, lower, 20, "eit", "pairs of features", "training/eit", LEARNED)
    calibrate = Box(axes, 168, upper, 22, "calibrate", "the default strength", "training/calibrate", CODE)
    model = Box(axes, 168, lower, 22, "assemble", "an SDXL folder, fp16", "storybook/weights/", MADE)
    fork = 30
    way(axes, scenes.right, (fork, scenes.right[1]), (fork, world.left[1]), world.left)
    way(axes, scenes.right, (fork, scenes.right[1]), (fork, captions.left[1]), captions.left)
    way(axes, world.right, vae.left, label="pictures")
    way(axes, captions.right, tokenizer.left)
    way(axes, tokenizer.right, text.left)
    way(axes, vae.right, unet.left, label="latents", at=(104, vae.right[1] + 1.2))
    way(axes, (text.middle, vae.right[1]), text.top)
    way(
        axes, world.top, (world.middle, judge.left[1]), judge.left,
        label="pictures as drawn, and as the VAE gives them back", at=(94, judge.left[1] + 0.8),
    )  # fmt: skip
    way(axes, text.right, eit.left, label="features", at=(131, text.right[1] + 1.2))
    way(axes, (136, text.right[1]), (136, unet.left[1] - 3), (140, unet.left[1] - 3))
    way(axes, judge.right, (calibrate.middle, judge.right[1]), calibrate.top)
    way(axes, unet.right, calibrate.left)
    way(axes, eit.right, (164, eit.right[1]), (164, calibrate.left[1] - 3.5), (168, calibrate.left[1] - 3.5))
    way(axes, calibrate.bottom, model.top)


def draw_evaluation(axes: Axes) -> None:
    """From a suite to a report, from left to right."""
    about = "The stages of evaluation/run.py. Every method makes pictures the same way; what is unchanged is not done again."
    heading(axes, -15, "The evidence", about)
    chain(
        axes, -40,
        (2, 26, "suite", "prompts, grid, bars", "evaluation/suite", GIVEN),
        (38, 28, "methods", "ours, rivals, truth, zero", "evaluation/methods", FROZEN),
        (76, 26, "generate", "a row per picture, kept", "batch/", CODE),
        (110, 24, "judge", "emotion, content, CLIP", "judges/", FROZEN),
        (142, 22, "measure", "errors, ranks, tests", "evaluation/figures", CODE),
        (172, 18, "report", "HTML and JSON", "evaluation/report/", MADE),
    )  # fmt: skip


def draw_legend(axes: Axes) -> None:
    x = 116.0
    for name, fill in LEGEND.items():
        axes.add_patch(Rectangle((x, 151), 3.2, 2.4, facecolor=fill, edgecolor=INK, linewidth=0.6))
        axes.text(x + 4.4, 152.1, name, fontsize=8.6, color=GREY, va="center")
        x += 7.8 + 0.8 * len(name)


def main() -> None:
    figure = plt.figure(figsize=(14.4, 14.4 * (HIGH - LOW) / (WIDE + 2)), dpi=110, facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(-1, WIDE + 1)
    axes.set_ylim(LOW, HIGH)
    axes.axis("off")
    draw_picture(axes)
    draw_training(axes)
    draw_build(axes)
    draw_evaluation(axes)
    draw_legend(axes)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.canvas.draw()
    drawn = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    drawn.quantize(64, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    print(PICTURE)


if __name__ == "__main__":
    main()
