"""What of a storybook prompt a picture must show, and whether it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emoticrafter.judges.storybook import Seen
from emoticrafter.storybook import words
from emoticrafter.storybook.world.scene import PEOPLE, Scene

__all__ = ["PLACE_VALENCE", "Expected", "content_right", "expected_content", "people_seen", "place_right", "subjects_right"]

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


def _meanings(text: str, wanted: str, names: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The entries that share the longest name of `wanted` found in the text; empty if it has none of them."""
    said = f" {' '.join(words.words_of(text))} "
    found = [name for name in names[wanted] if f" {' '.join(words.words_of(name))} " in said]
    longest = max(found, key=len, default=None)
    return frozenset(key for key, others in names.items() if longest in others)
