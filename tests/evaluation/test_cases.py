from __future__ import annotations

import math
import random

import pytest

from emoticrafter.evaluation import cases as content
from emoticrafter.judges.storybook import Seen
from emoticrafter.storybook import captions, scenes
from emoticrafter.storybook.world.scene import PLACES, SUBJECTS, Scene, Subject


def seen(place: str, *first: str, people: float = 0.0) -> Seen:
    return Seen(place=place, subjects=(*first, *(kind for kind in SUBJECTS if kind not in first)), people=people)


SCENE = Scene(place="beach", subjects=(Subject(kind="girl"), Subject(kind="dog")), relation="beside")


def test_words_can_mean_several_kinds() -> None:
    found = content.expected_content("a child and a dog on a beach", SCENE)
    assert found is not None
    assert found.places == {"beach"}
    child, dog = found.subjects
    assert {"girl", "boy"} <= child
    assert dog == {"dog"}
    assert found.people


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("A child at the lake.", "girl", {"girl", "boy"}),
        ("a little girl at the lake", "girl", {"girl"}),
        ("an old woman at the lake", "grandmother", {"grandmother"}),
        ("a childish drawing of the lake", "girl", None),
    ],
)
def test_a_word_stands_for_every_kind_that_it_can_mean(text: str, kind: str, expected: set[str] | None) -> None:
    found = content.expected_content(text, Scene(place="lake", subjects=(Subject(kind=kind),)))
    assert (found and set(found.subjects[0])) == expected


def test_what_is_not_said_is_not_expected() -> None:
    assert content.expected_content("a dog", SCENE) is None
    assert content.expected_content("a girl on a beach", SCENE) is None


def test_shares_by_hand() -> None:
    found = content.expected_content("a girl and a dog on a beach", SCENE)
    assert found is not None
    both, half, none = seen("beach", "dog", "girl"), seen("beach", "cat", "dog"), seen("lake", "owl", "cat", "dog", "girl")
    assert [content.place_right(found, one) for one in (both, half, none)] == [True, True, False]
    assert [content.subjects_right(found, one) for one in (both, half, none)] == [1, 0.5, 0]
    assert [content.content_right(found, one) for one in (both, half, none)] == [1, 2 / 3, 0]


def test_a_place_alone() -> None:
    found = content.expected_content("a beach", Scene(place="beach"))
    assert found is not None
    assert not found.people
    assert math.isnan(content.subjects_right(found, seen("beach")))
    assert [content.content_right(found, seen(place)) for place in ("beach", "lake")] == [1, 0]


def test_people_are_there_or_not() -> None:
    assert content.people_seen(seen("beach", people=0.51))
    assert not content.people_seen(seen("beach", people=0.5))


def test_most_captions_say_what_their_scene_holds() -> None:
    rng = random.Random(0)
    drawn = [scenes.sample_scene(rng, held_out=True) for _ in range(60)]
    found = [content.expected_content(captions.neutral_caption(scene, rng), scene) for scene in drawn]
    told = [(scene, one) for scene, one in zip(drawn, found, strict=True) if one is not None]
    assert len(told) > 40
    for scene, one in told:
        assert scene.place in one.places
        assert all(any(subject.kind in kinds for kinds in one.subjects) for subject in scene.subjects)


def test_places_with_a_feeling_of_their_own_exist() -> None:
    assert set(content.PLACE_VALENCE) <= set(PLACES)
    assert content.PLACE_VALENCE["playground"] > 0 > content.PLACE_VALENCE["cemetery"]
