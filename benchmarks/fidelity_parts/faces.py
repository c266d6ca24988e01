"""Faces: the eyes, mouth and tears that a requested emotion has, and how many people of a set of pictures have them."""

# n pictures, f faces, k numbers of one face

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.fidelity_parts.truth import Case
from emoticrafter.emotion import Emotion
from emoticrafter.storybook.world.faces import face_of
from emoticrafter.storybook.world.mood import Mood
from emoticrafter.storybook.world.scene import PEOPLE, Scene

# What is read of a face, each from 0 to 1 over its range: the part of the face that it belongs to, lowest, highest.
NUMBERS = {
    "opening": ("eyes", 0.0, 2.3),  # of the lids, in eye heights
    "iris": ("eyes", 0.36, 0.92),
    "smile": ("mouth", -1.0, 1.0),
    "gape": ("mouth", 0.0, 0.56),
    "tears": ("tears", 0.0, 1.0),
}
PARTS = ("eyes", "mouth", "tears")
TOLERANCE = 0.25  # of a number's range


def face_numbers(emotion: Emotion) -> np.ndarray:
    """The NUMBERS of the face that an emotion has, float32 (k,), from 0 to 1."""
    face = face_of(Mood.of(emotion))
    given = {**face._asdict(), "opening": max(face.top, -face.bottom) + face.bottom}
    return np.array([(given[name] - low) / (high - low) for name, (_, low, high) in NUMBERS.items()], np.float32)


def people_of(scene: Scene) -> int:
    return sum(subject.kind in PEOPLE for subject in scene.subjects)


def agreement(read: np.ndarray, cases: Sequence[Case], seed: int = 0) -> dict[str, Any]:
    """How well faces (n, 2, k) agree with what was asked for, over all people of the cases.

    found: the share of people with a head. agree: those whose eyes, mouth and tears are all as asked, within the tolerance;
    those without a head are not. chance: the same, if each had been asked for what another one was. eyes, mouth, tears: each by
    itself. correlation: of each number, over those found.
    """
    there = np.array([[place < people_of(case.scene) for place in range(2)] for case in cases])
    asked = np.broadcast_to(np.stack([face_numbers(case.emotion) for case in cases])[:, None], read.shape)[there]
    faces = read[there]
    if not len(faces):
        return {"people": 0, "agree": None}
    rng = np.random.default_rng(seed)
    within = _within(faces, asked)
    seen = ~np.isnan(faces[:, 0])
    chance = np.mean([_within(faces, rng.permutation(asked))["agree"] for _ in range(20)])
    return {
        "people": len(faces),
        "found": float(seen.mean()),
        **{name: float(right.mean()) for name, right in within.items()},
        "chance": float(chance),
        "correlation": {name: _correlation(faces[seen, i], asked[seen, i]) for i, name in enumerate(NUMBERS)},
    }


def _within(faces: np.ndarray, asked: np.ndarray) -> dict[str, np.ndarray]:
    near = np.abs(faces - asked) <= TOLERANCE  # false for NaN
    parts = {part: near[:, [i for i, (of, _, _) in enumerate(NUMBERS.values()) if of == part]].all(axis=1) for part in PARTS}
    return {"agree": near.all(axis=1), **parts}


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1]) if len(x) > 1 and x.std() > 0 and y.std() > 0 else float("nan")
