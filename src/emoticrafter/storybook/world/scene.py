"""What a scene holds: a place, a time of day, up to two subjects, what they do. The vocabulary of the world.

A `Scene` says nothing about feeling: the same scene is drawn at any `Emotion`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from emoticrafter.errors import InputError
from emoticrafter.storybook.words import PLACE_NAMES

PEOPLE = ("girl", "boy", "woman", "man", "grandmother", "grandfather", "toddler", "doctor", "firefighter", "astronaut")
ANIMALS = (
    "dog", "cat", "rabbit", "horse", "cow", "pig", "sheep", "elephant", "duck", "penguin", "turtle", "butterfly", "owl", "bird",
    "deer", "rooster", "squirrel", "camel", "tiger", "monkey", "flamingo", "hedgehog", "kangaroo", "dinosaur", "snail", "swan",
)  # fmt: skip
VEHICLES = ("car", "taxi", "bus", "truck", "tractor", "fire_engine", "train", "bicycle", "scooter", "sailboat", "rocket")
THINGS = (
    "balloon", "ball", "teddy_bear", "umbrella", "guitar", "cake", "gift", "tent", "sunflower", "pumpkin", "snowman",
    "fountain", "drum", "chair", "lantern",
)  # fmt: skip
SUBJECTS = PEOPLE + ANIMALS + VEHICLES + THINGS

PLACES = tuple(PLACE_NAMES)  # a place is whatever has names in the captions and is drawn in `places/`
TIMES = ("day", "evening", "night")

PERSON_ACTIONS = (
    "standing", "walking", "running", "jumping", "dancing", "waving", "sitting", "reading", "flying_kite", "holding_balloon",
    "holding_umbrella", "playing_ball", "playing_guitar", "eating_ice_cream", "hugging_teddy",
)  # fmt: skip
ANIMAL_ACTIONS = ("standing", "running", "jumping", "sleeping")
VEHICLE_ACTIONS = ("standing", "driving")
THING_ACTIONS = ("standing",)
RELATIONS = ("beside", "chasing", "hand_in_hand", "on_bench")  # of the first subject to the second

CLOTHES = {
    "red": (214, 62, 66), "blue": (62, 112, 206), "green": (58, 152, 92), "yellow": (242, 190, 56), "pink": (236, 122, 168),
    "orange": (238, 136, 58), "purple": (142, 92, 186),
}  # fmt: skip


def actions_of(kind: str) -> tuple[str, ...]:
    """The actions that a kind of subject can do; the first is the plain one."""
    if kind in PEOPLE:
        return PERSON_ACTIONS
    if kind in ANIMALS:
        return ANIMAL_ACTIONS
    return VEHICLE_ACTIONS if kind in VEHICLES else THING_ACTIONS


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One subject: its kind, what it does and, for people, the colour of the clothes (None: drawn by seed)."""

    kind: str
    action: str = "standing"
    clothes: str | None = None

    def __post_init__(self) -> None:
        _known("subject", self.kind, SUBJECTS)
        _known(f"action of a {self.kind}", self.action, actions_of(self.kind))
        if self.clothes is not None:
            _known("colour of clothes", self.clothes, tuple(CLOTHES))


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A scene without its feeling. `seed` chooses composition and looks; the layout of a seed never depends on emotion."""

    place: str
    time: str = "day"
    subjects: tuple[Subject, ...] = ()
    relation: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        _known("place", self.place, PLACES)
        _known("time of day", self.time, TIMES)
        if len(self.subjects) > 2:
            raise InputError(f"a scene holds {len(self.subjects)} subjects, expected at most 2: leave some out")
        if self.relation is not None:
            _known("relation", self.relation, RELATIONS)
            if len(self.subjects) != 2:
                raise InputError(f"relation {self.relation!r} needs two subjects, got {len(self.subjects)}")

    def content(self) -> tuple[str, str, str]:
        """(place, first subject, its action): what held-out contents are told apart by."""
        first = self.subjects[0] if self.subjects else None
        return self.place, first.kind if first else "", first.action if first else ""

    def rng(self, layer: str) -> random.Random:
        """A random stream of its own per layer, so that one layer's draws never move another's."""
        return random.Random(f"{self.seed}/{layer}")


def _known(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"unknown {what} {value!r}; known: {', '.join(known)}")
