"""Sets of pictures as the figures take them, and the figures of a set against other rendered scenes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.fidelity_parts import distances, faces
from benchmarks.fidelity_parts.distances import Gaussian
from benchmarks.fidelity_parts.face_reader import FaceReader
from benchmarks.fidelity_parts.truth import BLOCK, Case, blocks, judged
from emoticrafter.storybook.judge import JudgeNetwork
from emoticrafter.storybook.training.common import pictures_to_tensor

WIDE = 5  # neighbours of the precision and recall that the bars are set for
NEAREST = 8  # neighbourhoods of each picture, drawn or rendered, between which the nearest are looked for


@dataclass
class Seen:
    """A set of n pictures. pictures: as they are judged, uint8 (n, 128, 128, 3). features: the judges', (n, d). odds: log odds of
    each kind of subject, float32 (n, kinds). kinds: their names. latents: the model's own, (n, c, h, w), where they are wanted.
    """

    pictures: np.ndarray
    features: Tensor
    odds: np.ndarray
    kinds: Sequence[str]
    latents: Tensor | None

    def __len__(self) -> int:
        return len(self.pictures)


def look(judges: Mapping[str, JudgeNetwork], pictures: np.ndarray, latents: Tensor | None) -> Seen:
    """The set of these pictures of any size, with the judges `emotion` and `content`."""
    small = judged(pictures)
    content = judges["content"]
    odds, kinds = content.read(small)["subjects"], content.config.labels["subjects"]
    return Seen(small, features(list(judges.values()), small), odds, kinds, latents)


@torch.no_grad()
def features(judges: Sequence[JudgeNetwork], pictures: np.ndarray) -> Tensor:
    """The last features of all judges side by side, float32 (n, d), of pictures (n, 128, 128, 3)."""
    device = next(judges[0].parameters()).device
    parts = []
    for some in blocks(len(pictures), 128):
        x = pictures_to_tensor(np.array(pictures[some]), device)
        parts.append(torch.cat([judge.features(x).float() for judge in judges], dim=1))
    return torch.cat(parts)


class SeenReference:
    """What features (m, d) of pictures are held against: those of other rendered scenes."""

    def __init__(self, others: Tensor) -> None:
        self.features, self.gaussian = others, Gaussian.of(others)

    def __call__(self, some: Tensor) -> dict[str, float]:
        precision, recall = distances.precision_recall(some, self.features)
        wide = distances.precision_recall(some, self.features, WIDE)
        distance = distances.frechet(Gaussian.of(some), self.gaussian)
        return {"frechet": distance, "precision": precision, "recall": recall, "precision_5": wide[0], "recall_5": wide[1]}


class LocalReference:
    """What latents (n, c, h, w) are held against: 3 x 3 neighbourhoods of those of other rendered scenes, in the middle."""

    def __init__(self, others: Tensor) -> None:
        around = distances.neighbourhoods(others)
        self.some, self.gaussian = _some(around, seed=1), Gaussian.of(around.flatten(0, 1))

    def __call__(self, latents: Tensor) -> dict[str, float]:
        around = distances.neighbourhoods(latents)
        return {
            "local_frechet": distances.frechet(Gaussian.of(around.flatten(0, 1)), self.gaussian),
            "nearest": float(distances.nearest(_some(around, seed=0), self.some).double().mean()),
        }


def _some(around: Tensor, seed: int) -> Tensor:
    """A few neighbourhoods of each picture, chosen by the seed: (n, p, d) to (n NEAREST, d)."""
    chances = torch.rand(around.shape[:2], generator=torch.Generator().manual_seed(seed)).to(around.device)
    chosen = chances.argsort(dim=1)[:, :NEAREST, None]
    return torch.take_along_dim(around, chosen, dim=1).flatten(0, 1)


def by_blocks(points: Tensor, figures: Callable[[Tensor], dict[str, float]]) -> dict[str, Any]:
    """The figures of each whole block of pictures: their mean, and `spread`, the standard deviation between blocks; and those of
    the `whole` set.
    """
    found = [figures(part) for part in points.split(BLOCK) if len(part) == min(BLOCK, len(points))]
    means = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    spread = {name: float(np.std([one[name] for one in found], ddof=1)) for name in means} if len(found) > 1 else None
    return {**means, "spread": spread, "whole": figures(points)}


def missing(odds: np.ndarray, kinds_of_odds: Sequence[str], cases: Sequence[Case]) -> dict[str, Any]:
    """The share of subjects that were asked for and are not there, in scenes of one and of two subjects.

    A kind is there if the content judge finds it, or another that its word can mean, rather there than not. Scenes with two of a
    kind are left out: the judge does not count.
    """
    gone: dict[int, list[bool]] = {1: [], 2: []}
    for row, case in zip(odds, cases, strict=True):
        if len(case.scene.subjects) == len(case.expected.subjects):
            gone[len(case.scene.subjects)] += [
                all(row[kinds_of_odds.index(kind)] <= 0 for kind in kinds) for kinds in case.expected.subjects
            ]
    named = {1: "one", 2: "two"}
    return {named[number]: float(np.mean(lost)) if lost else None for number, lost in gone.items()} | {
        "subjects": {named[number]: len(lost) for number, lost in gone.items()}
    }


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """What sets of pictures are measured by, made once; a part that is None is not measured."""

    features: SeenReference | None = None
    latents: LocalReference | None = None
    reader: FaceReader | None = None
    count: bool = True

    def figures(self, seen: Seen, cases: Sequence[Case]) -> dict[str, Any]:
        """`features`, `local`, `faces` and `missing` of a set, whose pictures are of these cases in order."""
        found: dict[str, Any] = {}
        if self.features is not None:
            found["features"] = by_blocks(seen.features, self.features)
        if self.latents is not None and seen.latents is not None:
            found["local"] = by_blocks(seen.latents, self.latents)
        if self.reader is not None:
            people = [faces.people_of(case.scene) for case in cases]
            found["faces"] = faces.agreement(self.reader.read(seen.pictures, people), cases)
        if self.count:
            found["missing"] = missing(seen.odds, seen.kinds, cases)
        return found
