"""Training of the judges: what a picture feels like, and what it shows.

They will read generated pictures, so half of what they learn from has been through the autoencoder, and all of it is now and
then a little blurred, noisy or shifted: what they answer must rest on the scene and not on the last bit of sharpness.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emoticrafter.emotion import LIMIT
from emoticrafter.storybook.judge import CONTENT_HEADS, EMOTION_HEADS, LABELS, JudgeConfig, JudgeNetwork, save_judge
from emoticrafter.storybook.training.common import Losses, Workshop, autocast, pictures_to_tensor
from emoticrafter.storybook.training.double import decoded_pictures
from emoticrafter.storybook.training.render import SPLITS, Pictures
from emoticrafter.storybook.world.scene import Scene

DECODED = 12_000  # pictures of each split, at most, that are decoded from latents
MAX_SHIFT = 6  # pixels
Targets = dict[str, Tensor]


def contents_of(scenes: list[Scene]) -> tuple[np.ndarray, np.ndarray]:
    """Place numbers int64 (n,), and which subjects are there, float32 (n, subjects)."""
    places = np.array([LABELS["place"].index(scene.place) for scene in scenes])
    subjects = np.zeros((len(scenes), len(LABELS["subjects"])), np.float32)
    for row, scene in zip(subjects, scenes, strict=True):
        row[[LABELS["subjects"].index(subject.kind) for subject in scene.subjects]] = 1
    return places, subjects


class Views:
    """Pictures of a split as rendered and, of the first of them, as decoded from their latents."""

    def __init__(self, work: Workshop, split: str) -> None:
        self.rendered = Pictures(work.folder("render") / split)
        self.decoded = decoded_pictures(work, split, DECODED)
        self.feeling = np.stack([self.rendered.valence, self.rendered.arousal], axis=1) / LIMIT
        self.places, self.subjects = contents_of(self.rendered.scenes)

    def batch(self, indices: np.ndarray, decoded: bool, device: torch.device) -> tuple[Tensor, Targets]:
        pictures = self.decoded[indices] if decoded else self.rendered[indices]
        targets = {"feeling": self.feeling[indices], "place": self.places[indices], "subjects": self.subjects[indices]}
        return pictures_to_tensor(pictures, device), {k: torch.from_numpy(v).to(device) for k, v in targets.items()}


def disturb(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Mirrored, shifted, blurred or noisy, each now and then and never much."""
    if rng.random() < 0.5:
        pictures = pictures.flip(-1)
    y, x = rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, size=2)
    pictures = F.pad(pictures, (MAX_SHIFT,) * 4, mode="replicate")
    side = pictures.shape[-1] - 2 * MAX_SHIFT
    pictures = pictures[..., MAX_SHIFT + y : MAX_SHIFT + y + side, MAX_SHIFT + x : MAX_SHIFT + x + side]
    if rng.random() < 0.5:
        small = int(side * rng.uniform(0.5, 0.9))
        pictures = F.interpolate(pictures, size=(small, small), mode="bilinear", antialias=True, align_corners=False)
        pictures = F.interpolate(pictures, size=(side, side), mode="bilinear", align_corners=False)
    return pictures + torch.randn_like(pictures) * float(rng.uniform(0, 0.04))


def feeling_loss(found: Targets, true: Targets) -> Tensor:
    return 10 * F.smooth_l1_loss(found["feeling"], true["feeling"], beta=0.1)


def content_loss(found: Targets, true: Targets) -> Tensor:
    subjects = F.binary_cross_entropy_with_logits(found["subjects"], true["subjects"], reduction="none").sum(dim=1).mean()
    return F.cross_entropy(found["place"], true["place"]) + subjects


def feeling_figures(found: dict[str, np.ndarray], views: Views, count: int) -> dict[str, float]:
    true, read = views.feeling[:count] * LIMIT, found["feeling"] * LIMIT
    r2 = 1 - ((true - read) ** 2).sum(axis=0) / ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    error = np.abs(true - read).mean(axis=0)
    return dict(zip(("valence_r2", "arousal_r2", "valence_error", "arousal_error"), [*r2.tolist(), *error.tolist()], strict=True))


def content_figures(found: dict[str, np.ndarray], views: Views, count: int) -> dict[str, float]:
    """Share of pictures with the right place; and, of those with subjects, where as many as there are rank first, all right."""
    place = (found["place"].argmax(axis=1) == views.places[:count]).mean()
    right: list[bool] = []
    any_right: list[bool] = []
    for odds, true in zip(found["subjects"], views.subjects[:count], strict=True):
        number = int(true.sum())
        if number:
            right.append(set(np.argsort(-odds)[:number]) == set(np.flatnonzero(true)))
            any_right.append(bool(true[odds.argmax()]))
    return {
        "place_right": float(place),
        "subjects_right": float(np.mean(right or [False])),
        "top_subject_right": float(np.mean(any_right or [False])),
    }


def _train(
    work: Workshop,
    name: str,
    heads: dict[str, int],
    views: dict[str, Views],
    loss_of: Callable[[Targets, Targets], Tensor],
    figures_of: Callable[[dict[str, np.ndarray], Views, int], dict[str, float]],
) -> dict[str, float]:
    preset, device = work.preset, work.device
    torch.manual_seed(work.seed)
    judge = JudgeNetwork(JudgeConfig(width=preset.judge_width, heads=heads)).to(device)
    train, held_out = views["train"], views["held_out"]
    half = max(preset.judge_recipe.batch // 2, 1)

    def loss(step: int, rng: np.random.Generator) -> Losses:
        parts = [
            train.batch(rng.integers(len(train.rendered), size=half), False, device),
            train.batch(rng.integers(len(train.decoded), size=half), True, device),
        ]
        pictures = torch.cat([disturb(pictures, rng) for pictures, _ in parts])
        true = {key: torch.cat([targets[key] for _, targets in parts]) for key in parts[0][1]}
        with autocast(device):
            found = {key: value.float() for key, value in judge(pictures).items()}
        return {"loss": loss_of(found, true)}

    def watch(averaged: nn.Module, step: int) -> dict[str, float]:
        assert isinstance(averaged, JudgeNetwork)
        shown = {"rendered": held_out.rendered[np.arange(len(held_out.rendered))], "decoded": held_out.decoded}
        return {
            f"{kind}_{key}": float(value)
            for kind, pictures in shown.items()
            for key, value in figures_of(averaged.read(pictures), held_out, len(pictures)).items()
        }

    training = work.training(f"judge/{name}", judge, preset.judge_recipe, loss, watch)
    averaged = training.run()
    assert isinstance(averaged, JudgeNetwork)
    figures = watch(averaged, training.step)
    save_judge(averaged, work.folder("judge") / f"{name}.safetensors", figures)
    return figures | {"steps": training.step, "seconds": training.seconds}


def run(work: Workshop) -> None:
    views = {split: Views(work, split) for split in SPLITS}
    emotion = _train(work, "emotion", EMOTION_HEADS, views, feeling_loss, feeling_figures)
    content = _train(work, "content", CONTENT_HEADS, views, content_loss, content_figures)
    work.finish("judge", steps=content["steps"], emotion=emotion, content=content)
