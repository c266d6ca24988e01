"""The pictures of one method with what was asked for and what was read: columns, and the parts of them that figures need."""

# n pictures, R rows and C columns of the grid of emotions

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from emoticrafter.evaluation.cases import Case
from emoticrafter.evaluation.content import content_right, people_seen
from emoticrafter.evaluation.reading import Read
from emoticrafter.evaluation.suite import Emotions

__all__ = ["Gathered"]


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Columns of n pictures. requested, judged: float (n, 2); read: None for a method without pictures.

    files: None for a method without pictures; a picture may stand in several rows.
    """

    cases: Sequence[Case]
    requested: np.ndarray
    judged: np.ndarray
    seeds: np.ndarray
    read: Sequence[Read] | None = None
    files: Sequence[Path] | None = None

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def prompts(self) -> list[str]:
        """The id of each picture's prompt: what the bootstrap draws."""
        return [case.id for case in self.cases]

    def rows(self, which: Sequence[int] | np.ndarray) -> Gathered:
        """Some pictures."""
        numbers = [int(i) for i in which]
        return replace(
            self,
            cases=[self.cases[i] for i in numbers],
            requested=self.requested[numbers],
            judged=self.judged[numbers],
            seeds=self.seeds[numbers],
            read=None if self.read is None else [self.read[i] for i in numbers],
            files=None if self.files is None else [self.files[i] for i in numbers],
        )

    def on_grid(self, emotions: Emotions) -> Gathered:
        """The pictures of the suite's grid."""
        inside = _among(self.requested[:, 0], emotions.valences) & _among(self.requested[:, 1], emotions.arousals)
        return self.rows(np.flatnonzero(inside & np.isin(self.seeds, emotions.seeds)))

    def grids(self, emotions: Emotions) -> dict[tuple[str, int], np.ndarray]:
        """For every prompt and seed with a whole grid, the rows of its pictures, int (R, C), as `emotion.grid` orders them."""
        where: dict[tuple[str, int], dict[tuple[float, float], int]] = {}
        for row, (case, seed) in enumerate(zip(self.cases, self.seeds.tolist(), strict=True)):
            where.setdefault((case.id, seed), {})[_point(*self.requested[row])] = row
        wanted = [[_point(v, a) for v in emotions.valences] for a in reversed(emotions.arousals)]
        return {
            key: np.array([[found[point] for point in line] for line in wanted])
            for key, found in where.items()
            if all(point in found for line in wanted for point in line)
        }

    def content(self) -> np.ndarray:
        """The share of what each prompt asks for that was seen, float (n,); NaN where nobody can tell."""
        if self.read is None:
            return np.full(len(self), np.nan)
        return np.array(
            [
                content_right(case.expected, read.seen) if case.expected is not None and read.seen is not None else np.nan
                for case, read in zip(self.cases, self.read, strict=True)
            ],
            np.float64,
        )

    def strangers(self) -> np.ndarray:
        """Whether somebody is in each picture whose prompt names nobody, float (n,); NaN for the others."""
        if self.read is None:
            return np.full(len(self), np.nan)
        return np.array(
            [
                float(people_seen(read.seen))
                if case.expected is not None and not case.expected.people and read.seen is not None
                else np.nan
                for case, read in zip(self.cases, self.read, strict=True)
            ],
            np.float64,
        )

    def clip(self, name: str) -> np.ndarray:
        """CLIPScore or CLIP-IQA ("clip_score", "clip_iqa"), float (n,); NaN where there is none."""
        found = [getattr(one, name) for one in self.read or ()]
        return np.array([np.nan if one is None else one for one in found] or [np.nan] * len(self), np.float64)

    def spread_over(self, emotions: Emotions) -> Gathered:
        """One picture of each prompt and seed, standing for every emotion of the grid: what a neutral picture is held to."""
        points = [(v, a) for a in reversed(emotions.arousals) for v in emotions.valences]
        numbers = np.repeat(np.arange(len(self)), len(points))
        return replace(self.rows(numbers), requested=np.tile(np.array(points, np.float64), (len(self), 1)))

    @classmethod
    def of_constant(cls, cases: Sequence[Case], emotions: Emotions) -> Gathered:
        """A method without pictures that always answers 0."""
        zeros = np.zeros((len(cases), 2))
        one = cls(cases=list(cases), requested=zeros, judged=zeros, seeds=np.full(len(cases), emotions.seeds[0]))
        return one.spread_over(emotions)


def _point(valence: float, arousal: float) -> tuple[float, float]:
    return round(float(valence), 6), round(float(arousal), 6)


def _among(values: np.ndarray, known: Sequence[float]) -> np.ndarray:
    return np.isin(np.round(values, 6), np.round(np.array(known, np.float64), 6))
