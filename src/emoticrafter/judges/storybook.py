"""The judges of storybook pictures: emotion, and content. Trained on rendered scenes only, never on generated pictures."""

# n pictures

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from emoticrafter.inputs.named import file_hash
from emoticrafter.inputs.pictures import Viewable, array_of, batches
from emoticrafter.judges.trust import AXES, AxisTrust, Trust
from emoticrafter.storybook.judge import load_judge
from emoticrafter.storybook.world.scene import PEOPLE

__all__ = ["SHIPPED", "ContentJudge", "Seen", "StorybookJudge", "StorybookJudges", "emotion_judge", "storybook_judges"]


SHIPPED = Path(str(resources.files("emoticrafter.storybook") / "judges"))
BATCH = 128


class StorybookJudge:
    """Emotions of storybook pictures; on others it means nothing."""

    name = "storybook"

    def __init__(self, path: Path, device: str = "cpu") -> None:
        self.network = load_judge(path, device)
        self.hash = file_hash(path)
        self.trust = _trust(self.network.figures)

    def emotions(self, pictures: Sequence[Viewable]) -> np.ndarray:
        """See `judges.trust.Judge`."""
        parts = [self.network.emotions(part) for part in _stacks(pictures)]
        return np.concatenate([np.zeros((0, 2), np.float32), *parts])

    def describe(self) -> Mapping[str, Any]:
        return {"judge": self.name, "sha256": self.hash}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is in a picture. place: the likeliest; subjects: every kind, likeliest first; people: the chance that somebody is
    there.
    """

    place: str
    subjects: tuple[str, ...]
    people: float


class ContentJudge:
    """Place, subjects and people of storybook pictures. figures: shares of held-out scenes that it reads right."""

    name = "storybook content"

    def __init__(self, path: Path, device: str = "cpu") -> None:
        self.network = load_judge(path, device)
        self.hash = file_hash(path)
        self.figures: dict[str, Any] = self.network.figures

    def contents(self, pictures: Sequence[Viewable]) -> list[Seen]:
        """What each picture shows. people: 1 minus the product of 1 - p over the kinds of people, p the chance of each."""
        found: list[Seen] = []
        places, subjects = (self.network.config.labels[head] for head in ("place", "subjects"))
        people = [number for number, kind in enumerate(subjects) if kind in PEOPLE]
        for part in _stacks(pictures):
            read = self.network.read(part)
            chances = 1 / (1 + np.exp(-np.clip(read["subjects"].astype(np.float64), -60, 60)))
            nobody = np.prod(1 - chances[:, people], axis=1)
            found += [
                Seen(place=places[int(p.argmax())], subjects=tuple(subjects[i] for i in np.argsort(-s)), people=float(1 - no))
                for p, s, no in zip(read["place"], read["subjects"], nobody, strict=True)
            ]
        return found

    def describe(self) -> Mapping[str, Any]:
        return {"judge": self.name, "sha256": self.hash}


@dataclass(frozen=True, kw_only=True)
class StorybookJudges:
    """Both judges, opened."""

    emotion: StorybookJudge
    content: ContentJudge


def storybook_judges(folder: Path | None = None, device: str = "cpu") -> StorybookJudges:
    """The judges of storybook pictures, by default those that ship: the one place that knows where they lie.

    folder: of another pair, emotion.safetensors and content.safetensors. Raises MissingError and CheckpointError.
    """
    folder = folder or SHIPPED
    return StorybookJudges(
        emotion=StorybookJudge(folder / "emotion.safetensors", device),
        content=ContentJudge(folder / "content.safetensors", device),
    )


def emotion_judge(device: str = "cpu") -> StorybookJudge:
    """The emotion judge that ships."""
    return storybook_judges(device=device).emotion


def _trust(figures: Mapping[str, Any]) -> Trust:
    """The statement in the file; of a file without one, what its training measured on held-out contents, through the
    autoencoder.
    """
    if "trust" in figures:
        return Trust.from_dict(figures["trust"])
    measured = {axis: [figures.get(f"decoded_{axis}_{name}") for name in ("r2", "error")] for axis in AXES}
    axes = {
        axis: AxisTrust(r2=float(r2), spearman=float("nan"), error=float(error))
        for axis, (r2, error) in measured.items()
        if isinstance(r2, float | int) and isinstance(error, float | int)
    }
    known = len(axes) == len(AXES)
    where = "rendered scenes of held-out contents, through the autoencoder" if known else "nothing"
    return Trust(validated_on=where, pictures=int(known), valence=axes.get("valence"), arousal=axes.get("arousal"))


def _stacks(pictures: Sequence[Viewable]) -> Iterator[np.ndarray]:
    """The pictures in order as arrays uint8 (n, h, w, 3), neighbours of one size together."""
    for part in batches(pictures, BATCH):
        for _, group in groupby((array_of(picture) for picture in part), key=np.shape):
            yield np.stack(list(group))
