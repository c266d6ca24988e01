"""Which scenes and which feelings the storybook is made of: random scenes, held-out contents, random emotions."""

from __future__ import annotations

import random
import zlib

from emoticrafter.emotion import Emotion
from emoticrafter.storybook.words import split_names
from emoticrafter.storybook.world import scene as world
from emoticrafter.storybook.world.scene import Scene, Subject

HELD_OUT_PERCENT = 6

# What random scenes are made of. Held-out sets, recorded figures and the shipped weights go by these names in this order, so what
# the world gains is drawn, told and read, but comes into no random scene until it is named here: together with new weights and
# figures, for a change here makes other scenes of every seed.
_PLACES = (
    "playground", "beach", "forest", "street", "room", "lake", "meadow", "harbour", "desert", "snowy_village",
    "night_city", "park", "school", "hospital", "cemetery", "market", "farm", "castle",
)  # fmt: skip
_PEOPLE = (
    "girl", "boy", "woman", "man", "grandmother", "grandfather", "toddler", "doctor", "firefighter", "astronaut",
)  # fmt: skip
_ANIMALS = (
    "dog", "cat", "rabbit", "horse", "cow", "pig", "sheep", "elephant", "duck", "penguin", "turtle", "butterfly", "owl",
    "bird", "deer", "rooster", "squirrel", "camel", "tiger", "monkey", "flamingo", "hedgehog", "kangaroo", "dinosaur",
    "snail", "swan",
)  # fmt: skip
_VEHICLES = (
    "car", "taxi", "bus", "truck", "tractor", "fire_engine", "train", "bicycle", "scooter", "sailboat", "rocket",
)  # fmt: skip
_THINGS = (
    "balloon", "ball", "teddy_bear", "umbrella", "guitar", "cake", "gift", "tent", "sunflower", "pumpkin", "snowman",
    "fountain", "drum", "chair", "lantern",
)  # fmt: skip
_KINDS = (_PEOPLE, _ANIMALS, _VEHICLES, _THINGS)
_COLOURS = ("red", "blue", "green", "yellow", "pink", "orange", "purple")
_TIMES = {"day": 65, "evening": 20, "night": 15}
_RELATIONS = {"beside": 45, "chasing": 20, "hand_in_hand": 18, "on_bench": 17}

_GROUPS = {
    "WATER": "beach lake harbour",
    "ROADS": "street night_city school hospital market park farm castle harbour snowy_village desert beach",
    "GREEN": "forest meadow park lake farm cemetery castle playground",
    "OUTSIDE": " ".join(place for place in _PLACES if place != "room"),
}
# Where a kind is at home; whatever is not listed is at home everywhere. One scene in ten ignores this: people ask for odd things.
_HOME_NAMES = {
    "car": "ROADS", "taxi": "ROADS", "bus": "ROADS", "truck": "ROADS", "fire_engine": "ROADS", "scooter": "ROADS",
    "bicycle": "ROADS meadow lake forest playground", "tractor": "farm farm meadow street market snowy_village",
    "train": "OUTSIDE", "rocket": "OUTSIDE", "dinosaur": "OUTSIDE", "sailboat": "WATER",
    "horse": "GREEN beach street snowy_village market desert", "cow": "GREEN street snowy_village", "pig": "GREEN street market",
    "sheep": "GREEN snowy_village street", "elephant": "GREEN desert beach street market school",
    "duck": "GREEN harbour beach street market", "turtle": "WATER park meadow desert room",
    "penguin": "snowy_village snowy_village beach harbour lake street night_city room school park",
    "butterfly": "GREEN street school market room beach", "owl": "GREEN snowy_village night_city street school",
    "deer": "GREEN snowy_village street", "rooster": "farm farm meadow street market snowy_village park castle playground",
    "squirrel": "GREEN street snowy_village school", "camel": "desert desert desert market beach castle street farm",
    "tiger": "forest meadow desert castle lake night_city park", "flamingo": "WATER park meadow castle",
    "monkey": "forest market beach park room castle playground school street", "hedgehog": "GREEN",
    "kangaroo": "desert meadow farm beach forest park", "snail": "GREEN street market school",
    "swan": "lake lake park harbour castle meadow beach", "sunflower": "GREEN street market school hospital",
    "fountain": "park castle market street night_city school hospital cemetery playground",
    "snowman": "snowy_village snowy_village snowy_village street forest park playground school farm",
    "tent": "forest meadow lake beach desert park farm snowy_village market",
}  # fmt: skip
_HOMES = {
    kind: tuple(place for name in names.split() for place in _GROUPS.get(name, name).split())
    for kind, names in _HOME_NAMES.items()
}
_CHASERS = split_names("dog, dog, dog, cat, cat, girl, boy, toddler, rabbit, monkey, tiger, dinosaur, horse")
_CHASED = split_names("ball, ball, ball, butterfly, butterfly, cat, rabbit, duck, squirrel, bird, rooster, balloon, dog, pig")
_COMPANIONS = {  # beside a person; anything else now and then
    "dog": 8, "cat": 5, "rabbit": 2, "horse": 3, "bicycle": 3, "car": 4, "teddy_bear": 2, "snowman": 2, "gift": 2, "cake": 2,
    "ball": 2, "tent": 2, "sunflower": 1, "duck": 1, "sheep": 1, "cow": 1, "elephant": 1, "penguin": 1, "scooter": 1,
    "sailboat": 1, "pumpkin": 1, "rocket": 1, "fire_engine": 1, "bus": 1, "fountain": 1,
}  # fmt: skip
_PERSON_ACTIONS = {
    "standing": 40, "walking": 7, "running": 5, "jumping": 4, "dancing": 4, "waving": 5, "sitting": 6, "reading": 4,
    "flying_kite": 5, "holding_balloon": 4, "holding_umbrella": 4, "playing_ball": 4, "playing_guitar": 3, "eating_ice_cream":
    3, "hugging_teddy": 3,
}  # fmt: skip
_ANIMAL_ACTIONS = {"standing": 45, "running": 22, "jumping": 15, "sleeping": 18}
_VEHICLE_ACTIONS = {"standing": 50, "driving": 50}


def is_held_out(place: str, kind: str, action: str) -> bool:
    """Whether this content is kept from all training: a fixed 6% of contents, by a hash, the same on every machine.

    A place without a subject (`kind` empty) is never held out.
    """
    return bool(kind) and zlib.crc32(f"{place}/{kind}/{action}".encode()) % 100 < HELD_OUT_PERCENT


def holds_held_out(scene: Scene) -> bool:
    """Whether any subject of the scene makes a held-out content with its place and action."""
    return any(is_held_out(scene.place, subject.kind, subject.action) for subject in scene.subjects)


def sample_scene(rng: random.Random, held_out: bool = False) -> Scene:
    """A random plausible scene without held-out content; with `held_out`, one whose first subject makes such a content."""
    while True:
        scene = _draw(rng)
        if is_held_out(*scene.content()) if held_out else not holds_held_out(scene):
            return scene


def sample_emotion(rng: random.Random) -> Emotion:
    """Uniform over the plane, and exactly neutral 15% of the time: what the picture model is trained on."""
    if rng.random() < 0.15:
        return Emotion(valence=0.0, arousal=0.0)
    return Emotion(valence=rng.uniform(-3, 3), arousal=rng.uniform(-3, 3))


# Weight, mean and spread (valence, arousal) of what people annotate: mostly pleasant and calm, unpleasant mostly excited.
_ANNOTATED = (
    (0.42, 1.1, -0.6, 0.9, 0.9),
    (0.18, 1.7, 0.9, 0.8, 0.8),
    (0.18, -1.4, 0.8, 0.9, 0.9),
    (0.10, -1.1, -0.8, 0.9, 0.8),
    (0.12, 0.0, 0.0, 1.8, 1.8),
)


def annotated_emotion(rng: random.Random) -> Emotion:
    """An emotion as unbalanced as annotated pictures are: a mixture of Gaussians, clipped to the plane."""
    _, v, a, v_spread, a_spread = rng.choices(_ANNOTATED, [part[0] for part in _ANNOTATED])[0]
    return Emotion(valence=_clipped(rng.gauss(v, v_spread)), arousal=_clipped(rng.gauss(a, a_spread)))


def _clipped(x: float) -> float:
    return min(max(x, -3.0), 3.0)


def _weighted(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _kind(rng: random.Random) -> str:
    return rng.choice(rng.choices(_KINDS, (50, 28, 10, 12))[0])


def _action(kind: str, place: str, rng: random.Random) -> str:
    if kind in _PEOPLE:
        action = _weighted(rng, _PERSON_ACTIONS)
        return "standing" if action == "flying_kite" and place == "room" else action
    if kind in _ANIMALS:
        return _weighted(rng, _ANIMAL_ACTIONS)
    return _weighted(rng, _VEHICLE_ACTIONS) if kind in _VEHICLES else "standing"


def _place(kinds: tuple[str, ...], rng: random.Random) -> str:
    odd = rng.random() < 0.1
    homes = [_HOMES[kind] for kind in kinds if kind in _HOMES and not odd]
    shared = [place for place in homes[0] if all(place in home for home in homes)] if homes else []
    return rng.choice(shared or _PLACES)


def _clothes(kind: str, rng: random.Random) -> str | None:
    dressed = kind in _PEOPLE and kind not in ("doctor", "firefighter", "astronaut")
    return rng.choice(_COLOURS) if dressed and rng.random() < 0.3 else None


def _subject(kind: str, action: str, rng: random.Random) -> Subject:
    return Subject(kind=kind, action=action, clothes=_clothes(kind, rng))


def _draw(rng: random.Random) -> Scene:
    number = rng.choices((0, 1, 2), (12, 60, 28))[0]
    relation: str | None = None
    subjects: tuple[Subject, ...] = ()
    if number == 0:
        place = rng.choice(_PLACES)
    elif number == 1:
        kind = _kind(rng)
        place = _place((kind,), rng)
        subjects = (_subject(kind, _action(kind, place, rng), rng),)
    else:
        place, subjects, relation = _pair(rng)
    time = "night" if place == "night_city" else _weighted(rng, _TIMES)
    return Scene(place=place, time=time, subjects=subjects, relation=relation, seed=rng.getrandbits(48))


def _pair(rng: random.Random) -> tuple[str, tuple[Subject, ...], str]:
    relation = _weighted(rng, _RELATIONS)
    if relation == "chasing":
        first = rng.choice(_CHASERS)
        second = rng.choice([kind for kind in _CHASED if kind != first])
        place, actions = _place((first, second), rng), ("running", "running" if second in _ANIMALS else "standing")
    elif relation == "beside":
        first, second = _beside(rng)
        place = _place((first, second), rng)
        action = "standing" if rng.random() < 0.4 else _action(first, place, rng)
        alike = action in world.actions_of(second) and rng.random() < (0.7 if first == second else 0.25)
        actions = (action, action if alike else "sleeping" if second in _ANIMALS and rng.random() < 0.12 else "standing")
    else:
        first, second = rng.choice(_PEOPLE), rng.choice(_PEOPLE)
        if rng.random() < 0.4:
            first, second = rng.choice(
                (
                    ("girl", "boy"),
                    ("man", "woman"),
                    ("woman", "girl"),
                    ("man", "boy"),
                    ("grandmother", "grandfather"),
                    ("girl", "girl"),
                    ("boy", "boy"),
                )
            )
        place = _place((first, second), rng)
        action = "sitting" if relation == "on_bench" else rng.choice(("standing", "walking"))
        actions = (action, action)
    return place, (_subject(first, actions[0], rng), _subject(second, actions[1], rng)), relation


def _beside(rng: random.Random) -> tuple[str, str]:
    roll = rng.random()
    if roll < 0.18:  # two of a kind
        first = rng.choice(rng.choices(_KINDS, (30, 55, 7, 8))[0])
        return first, first
    if roll < 0.75:
        first = rng.choice(_PEOPLE)
        other = _weighted(rng, _COMPANIONS) if rng.random() < 0.7 else _kind(rng)
        return first, other
    first = _kind(rng)
    return first, (rng.choice(_ANIMALS) if first in _ANIMALS and rng.random() < 0.5 else _kind(rng))
