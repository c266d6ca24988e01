"""What a suite asks for: prompts with a name each; and, on the storybook, what of them must be seen, and whether it is."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emoticrafter.errors import InputError
from emoticrafter.judges.storybook import Seen
from emoticrafter.storybook import captions, words
from emoticrafter.storybook.scenes import sample_scene
from emoticrafter.storybook.world.scene import PEOPLE, Scene

__all__ = [
    "PLACE_VALENCE", "Case", "Expected", "StorybookCase", "content_right", "expected_content", "file_cases", "held_out_cases",
    "people_seen", "place_right", "prompt_id", "subjects_right",
]  # fmt: skip


# The feeling that a place has by itself, for pictures in conflict with it; the others have none to speak of. Placed by us.
PLACE_VALENCE = {
    "playground": 2.0, "beach": 1.5, "meadow": 1.5, "park": 1.0, "market": 0.5, "farm": 0.5, "cemetery": -2.0, "hospital": -1.5,
}  # fmt: skip

_PLACES = {
    place: tuple(noun.rstrip("*") for part in text.split(";") for noun in words.split_names(part.strip().split(" ", 2)[2]))
    for place, text in words.PLACE_NAMES.items()
}
_SUBJECTS = {kind: words.split_names(text) for kind, text in words.SUBJECT_NAMES.items()}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a prompt asks for. places: any of them is right; subjects: for each kind in the scene, the kinds that its word can
    mean.
    """

    places: frozenset[str]
    subjects: tuple[frozenset[str], ...]

    @property
    def people(self) -> bool:
        """Whether the prompt asks for somebody."""
        return any(kinds & set(PEOPLE) for kinds in self.subjects)


def expected_content(prompt: str, scene: Scene) -> Expected | None:
    """What a caption of a scene asks for: "child" is a girl or a boy. None where it leaves the place or a subject unsaid."""
    places = _meanings(prompt, scene.place, _PLACES)
    subjects = tuple(_meanings(prompt, kind, _SUBJECTS) for kind in dict.fromkeys(one.kind for one in scene.subjects))
    return Expected(places=places, subjects=subjects) if places and all(subjects) else None


def place_right(expected: Expected, seen: Seen) -> bool:
    """Whether the likeliest place is one that was asked for."""
    return seen.place in expected.places


def subjects_right(expected: Expected, seen: Seen) -> float:
    """The share of the k kinds asked for that are among the k likeliest; NaN where none was asked for."""
    first = set(seen.subjects[: len(expected.subjects)])
    if not expected.subjects:
        return float("nan")
    return sum(bool(kinds & first) for kinds in expected.subjects) / len(expected.subjects)


def content_right(expected: Expected, seen: Seen) -> float:
    """The share of what was asked for, place and subjects counting one each, that is there: what `metrics.content.retention`
    takes.
    """
    number = len(expected.subjects)
    subjects = subjects_right(expected, seen) * number if number else 0.0
    return (place_right(expected, seen) + subjects) / (1 + number)


def people_seen(seen: Seen) -> bool:
    """Whether somebody is rather there than not."""
    return seen.people > 0.5


@dataclass(frozen=True, kw_only=True)
class Case:
    """A prompt. expected: what must be seen, None where nobody can tell. own_valence: of the place by itself, 0 for none to
    speak of.
    """

    prompt: str
    expected: Expected | None = None
    own_valence: float = 0.0

    @property
    def id(self) -> str:
        """Ten hexadecimal digits, the `prompt_id` of a batch's index."""
        return prompt_id(self.prompt)


@dataclass(frozen=True, kw_only=True)
class StorybookCase(Case):
    """A prompt and the scene that it tells of."""

    expected: Expected
    scene: Scene


def prompt_id(prompt: str) -> str:
    """As `batch.rows.Row.prompt_id` has it."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:10]


def held_out_cases(number: int, seed: int = 0) -> list[StorybookCase]:
    """Prompts for contents (place, subject, action) that no training has seen, each content once.

    The prompts are the storybook's own neutral captions; those that leave the place or a subject unsaid are drawn again.
    """
    rng = random.Random(f"benchmark/{seed}")
    cases: dict[tuple[str, str, str], StorybookCase] = {}
    said: set[str] = set()
    while len(cases) < number:
        scene = sample_scene(rng, held_out=True)
        prompt = captions.neutral_caption(scene, rng)
        asked = expected_content(prompt, scene)
        if asked is None or prompt in said or scene.content() in cases:
            continue
        said.add(prompt)
        own = PLACE_VALENCE.get(scene.place, 0.0)
        cases[scene.content()] = StorybookCase(prompt=prompt, expected=asked, own_valence=own, scene=scene)
    return list(cases.values())


def file_cases(path: Path, count: int | None = None) -> list[Case]:
    """The prompts of a file, as `emoticrafter batch` reads them, each once. Raises MissingError and InputError."""
    from emoticrafter.batch import read_prompts

    texts = list(dict.fromkeys(" ".join(one.text.split()) for one in read_prompts(path)))
    return [Case(prompt=text) for text in _first(texts, count, path)]


def _first(texts: Sequence[str], count: int | None, path: Path) -> Sequence[str]:
    if not texts:
        raise InputError(f"{path.name!r} holds no prompts.", "Give one on each line.")
    if count is not None and count > len(texts):
        raise InputError(f"{path.name!r} holds {len(texts)} prompts; {count} were asked for.", "Lower prompts.count.")
    return texts[:count]


def _meanings(text: str, wanted: str, names: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The entries that share the longest name of `wanted` found in the text; empty if it has none of them."""
    said = f" {' '.join(words.words_of(text))} "
    found = [name for name in names[wanted] if f" {' '.join(words.words_of(name))} " in said]
    longest = max(found, key=len, default=None)
    return frozenset(key for key, others in names.items() if longest in others)
