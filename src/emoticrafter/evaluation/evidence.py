"""What the figures of a method are computed from: its pictures with their readings, in the forms in which figures need them.

A figure names what it needs (`NEEDS`). What it was computed from then decides whether it must be computed again.
"""

# n pictures of the grid, R rows and C columns of the grid of emotions

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoticrafter.evaluation.cases import Case, content_right, people_seen
from emoticrafter.evaluation.pictures import PictureRow, Reading
from emoticrafter.evaluation.suite import CORNERS, EXTRA_SEEDS, STEPS
from emoticrafter.inputs.pictures import decode_picture, image_of
from emoticrafter.metrics import smoothness
from emoticrafter.metrics.statistics import Estimate, bootstrap, bootstrap_mean
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from emoticrafter.evaluation.suite import Emotions, Measuring
    from emoticrafter.metrics.distances import Distance

__all__ = ["NEEDS", "Evidence", "Need", "spread_over", "visible_threshold", "zero_rows"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Of one method. pictures: all of it at the strength compared, with their readings. neutral: one picture for each prompt and
    seed of the suite; None without. who: what describes the judges, by what they read: emotion, content, clip. distance: None
    leaves out what is looked at by it; threshold: the least distance that shows. label: for the progress of the looking.
    """

    pictures: Sequence[PictureRow]
    emotions: Emotions
    metrics: Measuring
    neutral: Sequence[PictureRow] | None = None
    who: Mapping[str, Any] = field(default_factory=dict)
    distance: Distance | None = None
    threshold: float | None = None
    label: str = ""
    watch: Watch = SILENT

    # -- the pictures of the grid, and what was read from them -------------------------------------------------------------

    @cached_property
    def grid(self) -> list[PictureRow]:
        """The n pictures at an emotion and a seed of the suite, as drawn."""
        valences, arousals = ({round(x, 6) for x in axis} for axis in (self.emotions.valences, self.emotions.arousals))
        seeds = set(self.emotions.seeds)
        return [row for row in self.pictures if row.point[0] in valences and row.point[1] in arousals and row.seed in seeds]

    @cached_property
    def requested(self) -> np.ndarray:
        """Valence and arousal asked for, float (n, 2)."""
        return np.array([(row.valence, row.arousal) for row in self.grid], np.float64).reshape(-1, 2)

    @cached_property
    def judged(self) -> np.ndarray:
        """Valence and arousal as read, float (n, 2)."""
        return np.array([(one.valence, one.arousal) for one in self.readings], np.float64).reshape(-1, 2)

    @property
    def readings(self) -> list[Reading]:
        return [_reading(row) for row in self.grid]

    @cached_property
    def prompts(self) -> list[str]:
        """The id of each picture's prompt: what the bootstrap draws."""
        return [row.case.id for row in self.grid]

    @cached_property
    def content(self) -> np.ndarray:
        """The share of what each prompt asks for that was seen, float (n,); NaN where nobody can tell."""
        return _content(self.grid)

    @cached_property
    def neutral_content(self) -> np.ndarray:
        """The same of the neutral pictures."""
        return _content(self.neutral or [])

    @cached_property
    def strangers(self) -> np.ndarray:
        """Whether somebody is in each picture whose prompt names nobody, float (n,); NaN for the others."""
        return np.array(
            [
                float(people_seen(read.seen))
                if row.case.expected is not None and not row.case.expected.people and read.seen is not None
                else np.nan
                for row, read in zip(self.grid, self.readings, strict=True)
            ],
            np.float64,
        )

    @cached_property
    def own_valences(self) -> np.ndarray:
        """Of the place of each prompt by itself, float (n,); 0 for none to speak of."""
        return np.array([row.case.own_valence for row in self.grid], np.float64)

    def of_clip(self, name: str) -> np.ndarray:
        """CLIPScore or CLIP-IQA ("clip_score", "clip_iqa"), float (n,); NaN where there is none."""
        return np.array([np.nan if (one := getattr(read, name)) is None else one for read in self.readings], np.float64)

    # -- intervals ---------------------------------------------------------------------------------------------------------

    @property
    def options(self) -> dict[str, Any]:
        """Of the bootstrap."""
        return {"samples": self.metrics.samples}

    def mean(self, values: np.ndarray, owners: Sequence[str] | None = None) -> Estimate:
        """The mean of a value of each picture of the grid, or of others whose prompts are the owners, with its interval."""
        return bootstrap_mean(values, self.prompts if owners is None else owners, **self.options)

    def whole(self, statistic: Callable[..., float], *arrays: np.ndarray, owners: Sequence[str] | None = None) -> Estimate:
        """A statistic of all rows of some arrays, with its interval."""
        return bootstrap(statistic, *arrays, clusters=self.prompts if owners is None else owners, **self.options)

    # -- the pictures themselves, for a distance ---------------------------------------------------------------------------

    @cached_property
    def grids(self) -> list[tuple[str, list[list[PictureRow]]]]:
        """Of every prompt and seed with a whole grid, the prompt's id and the pictures, R lines of C, as `emotion.grid` orders
        them.
        """
        where: dict[tuple[str, int], dict[tuple[float, float], PictureRow]] = {}
        for row in self.pictures:
            where.setdefault((row.case.id, row.seed), {})[row.point] = row
        valences, arousals = ([round(x, 6) for x in axis] for axis in (self.emotions.valences, self.emotions.arousals))
        return [
            (prompt, [[found[v, a] for v in valences] for a in reversed(arousals)])
            for (prompt, _), found in where.items()
            if all((v, a) in found and found[v, a].file is not None for v in valences for a in arousals)
        ]

    @cached_property
    def neighbours(self) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """Of each of `grids`, the prompt's id and the distances along its rows (R, C - 1) and columns (R - 1, C).

        The pictures of a grid are looked at together and then forgotten.
        """
        assert self.distance is not None
        step = self.watch.stage(f"measuring {self.label}")
        found = []
        for number, (prompt, lines) in enumerate(self.grids, 1):
            self.watch.check()
            views = {file: self.distance.view(file) for file in {_file(row) for line in lines for row in line}}
            looked = [[views[_file(row)] for row in line] for line in lines]
            found.append((prompt, *smoothness.neighbour_distances(looked, self.distance.between)))
            step(number, len(self.grids))
        return found

    @cached_property
    def corners(self) -> list[tuple[str, list[PictureRow]]]:
        """The pictures of one prompt and corner of the plane from different seeds, where none is missing."""
        wanted = self._first(self.metrics.diversity_prompts)
        seeds = {self.emotions.seeds[0] + more for more in EXTRA_SEEDS}
        groups: dict[tuple[str, float, float], list[PictureRow]] = {}
        for row in self.pictures:
            point = (row.valence, row.arousal)
            if row.case.id in wanted and point in CORNERS and row.seed in seeds and row.file is not None:
                groups.setdefault((row.case.id, *point), []).append(row)
        return [(key[0], rows) for key, rows in groups.items() if len(rows) == len(seeds)]

    @cached_property
    def sweeps(self) -> tuple[list[tuple[str, list[PictureRow]]], ...]:
        """By axis, the pictures of one prompt at steps of 0.2 of the axis, the other at 0, where none is missing."""
        seed, wanted = self.emotions.seeds[0], self._first(self.metrics.step_prompts)
        rows = {(row.case.id, *row.point): row for row in self.pictures if row.seed == seed and row.file is not None}
        found = []
        for axis in range(2):
            points = [(x, 0.0) if axis == 0 else (0.0, x) for x in STEPS]
            whole = [id for id in wanted if all((id, *point) in rows for point in points)]
            found.append([(id, [rows[id, *point] for point in points]) for id in whole])
        return tuple(found)

    def views(self, rows: Sequence[PictureRow]) -> list[Any]:
        """The pictures as the distance looks at them."""
        assert self.distance is not None
        return [self.distance.view(_file(row)) for row in rows]

    def between(self, first: Any, second: Any) -> float:
        """The distance of two views."""
        assert self.distance is not None
        return self.distance.between(first, second)

    def _first(self, count: int) -> list[str]:
        """The ids of the first prompts."""
        return list(dict.fromkeys(row.case.id for row in self.pictures))[:count]

    # -- what decides a figure ---------------------------------------------------------------------------------------------

    def inputs(self, needs: Sequence[str]) -> list[Any] | None:
        """JSON values that decide a figure with these needs; None where one of them is not met."""
        found = [self._inputs(name) for name in needs]
        return None if any(one is None for one in found) else [self.metrics.samples, *found]

    def _inputs(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = NEEDS[name].inputs(self)
        return self._known[name]

    @cached_property
    def _known(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, kw_only=True)
class Need:
    """Something that figures are computed from. about: for the documents. inputs: JSON values that stand for it; None where a
    method has none of it.
    """

    about: str
    inputs: Callable[[Evidence], Any]


def _emotions(evidence: Evidence) -> Any:
    rows = zip(evidence.grid, evidence.readings, strict=True)
    read = [[row.case.id, row.seed, row.valence, row.arousal, one.valence, one.arousal] for row, one in rows]
    return [evidence.who.get("emotion"), read] if read else None


def _contents(evidence: Evidence) -> Any:
    return _seen(evidence, evidence.grid)


def _neutral_contents(evidence: Evidence) -> Any:
    return _seen(evidence, evidence.neutral or [])


def _seen(evidence: Evidence, rows: Sequence[PictureRow]) -> Any:
    if all(row.case.expected is None or _reading(row).seen is None for row in rows):
        return None
    read = [
        [
            row.case.id,
            row.case.expected and [sorted(row.case.expected.places), [sorted(kinds) for kinds in row.case.expected.subjects]],
            (seen := _reading(row).seen) and astuple(seen),
        ]
        for row in rows
    ]
    return [evidence.who.get("content"), read]


def _places(evidence: Evidence) -> Any:
    return evidence.own_valences.tolist() if evidence.own_valences.any() else None


def _clip(evidence: Evidence) -> Any:
    read = [[id, one.clip_score, one.clip_iqa] for id, one in zip(evidence.prompts, evidence.readings, strict=True)]
    return [evidence.who.get("clip"), read] if any(score is not None for _, score, _ in read) else None


def _looked(evidence: Evidence, groups: Sequence[tuple[str, Sequence[PictureRow]]]) -> Any:
    if evidence.distance is None or not groups:
        return None
    return [evidence.distance.name, [[id, [row.sha256 for row in rows]] for id, rows in groups]]


def _grids(evidence: Evidence) -> Any:
    return _looked(evidence, [(id, [row for line in lines for row in line]) for id, lines in evidence.grids])


def _corners(evidence: Evidence) -> Any:
    return _looked(evidence, evidence.corners)


def _sweeps(evidence: Evidence) -> Any:
    looked = _looked(evidence, [group for axis in evidence.sweeps for group in axis])
    return None if looked is None or evidence.threshold is None else [evidence.threshold, looked]


NEEDS = {
    "emotions": Need(about="the emotions asked for and read, on the grid", inputs=_emotions),
    "content": Need(about="the place, subjects and people read, on the grid", inputs=_contents),
    "neutral content": Need(about="the same of the neutral pictures", inputs=_neutral_contents),
    "places": Need(about="the valence of the prompts' places by themselves", inputs=_places),
    "CLIP": Need(about="the readings of a CLIP, on the grid", inputs=_clip),
    "grid": Need(about="distances between the pictures of the grid", inputs=_grids),
    "corners": Need(about="distances between pictures of the corners of the plane, from three seeds", inputs=_corners),
    "steps": Need(about="distances between pictures at steps of 0.2 of an axis", inputs=_sweeps),
}


def spread_over(rows: Sequence[PictureRow], emotions: Emotions) -> list[PictureRow]:
    """One picture of each prompt and seed, standing for every emotion of the grid: what a neutral picture is held to."""
    points = [(v, a) for a in reversed(emotions.arousals) for v in emotions.valences]
    return [replace(row, valence=v, arousal=a) for row in rows for v, a in points]


def zero_rows(cases: Sequence[Case], emotions: Emotions) -> list[PictureRow]:
    """A method without pictures that always answers 0."""
    zero = Reading(valence=0.0, arousal=0.0)
    rows = [
        PictureRow(case=case, valence=0.0, arousal=0.0, seed=emotions.seeds[0], file=None, sha256="", reading=zero)
        for case in cases
    ]
    return spread_over(rows, emotions)


def visible_threshold(neutral: Sequence[PictureRow], distance: Distance, most: int = 24) -> float | None:
    """The median distance of neutral pictures to themselves as a JPEG of quality 90: a change that hardly shows.

    None without pictures.
    """
    found = []
    for row in neutral[:most]:
        image = image_of(_file(row))
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=90)
        found.append(distance.between(distance.view(image), distance.view(decode_picture(buffer.getvalue()))))
    return float(np.median(found)) if found else None


def _content(rows: Sequence[PictureRow]) -> np.ndarray:
    return np.array(
        [
            content_right(row.case.expected, seen)
            if row.case.expected is not None and (seen := _reading(row).seen) is not None
            else np.nan
            for row in rows
        ],
        np.float64,
    )


def _reading(row: PictureRow) -> Reading:
    assert row.reading is not None, "figures are computed from what was read"
    return row.reading


def _file(row: PictureRow) -> Path:
    assert row.file is not None, "a distance looks at pictures"
    return row.file
