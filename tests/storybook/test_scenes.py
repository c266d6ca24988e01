from __future__ import annotations

import random
from collections import Counter

from emoticrafter.emotion import Emotion
from emoticrafter.storybook import scenes
from emoticrafter.storybook.world import scene as world


def _sampled(count: int, seed: int = 0, held_out: bool = False) -> list[world.Scene]:
    rng = random.Random(seed)
    return [scenes.sample_scene(rng, held_out=held_out) for _ in range(count)]


def test_the_same_stream_draws_the_same_scenes() -> None:
    assert _sampled(100) == _sampled(100)
    assert len({scene.seed for scene in _sampled(100)}) == 100


def test_scenes_cover_the_world() -> None:
    drawn = _sampled(6000)
    subjects = [subject for scene in drawn for subject in scene.subjects]
    assert {scene.place for scene in drawn} == set(world.PLACES)
    assert {subject.kind for subject in subjects} == set(world.SUBJECTS)
    assert {subject.action for subject in subjects} == {action for kind in world.SUBJECTS for action in world.actions_of(kind)}
    assert {scene.relation for scene in drawn} == {None, *world.RELATIONS}
    assert {subject.clothes for subject in subjects} == {None, *world.CLOTHES}
    places = Counter(scene.place for scene in drawn)
    assert min(places.values()) > len(drawn) / 36


def test_shares_of_numbers_and_times() -> None:
    drawn = _sampled(6000, seed=1)
    numbers = Counter(len(scene.subjects) for scene in drawn)
    assert 0.09 < numbers[0] / len(drawn) < 0.16
    assert 0.22 < numbers[2] / len(drawn) < 0.32
    assert 0.55 < sum(scene.time == "day" for scene in drawn) / len(drawn) < 0.7
    assert all(scene.time == "night" for scene in drawn if scene.place == "night_city")


def test_relations_are_plausible() -> None:
    for scene in _sampled(4000, seed=2):
        kinds = [subject.kind for subject in scene.subjects]
        if scene.relation in ("hand_in_hand", "on_bench"):
            assert set(kinds) <= set(world.PEOPLE)
        if scene.relation == "on_bench":
            assert {subject.action for subject in scene.subjects} == {"sitting"}
        if scene.relation == "chasing":
            assert kinds[0] in world.PEOPLE + world.ANIMALS
            assert kinds[0] != kinds[1]


def test_odd_places_are_rare_but_there() -> None:
    boats = [
        scene.place for scene in _sampled(20000, seed=3) if len(scene.subjects) == 1 and scene.subjects[0].kind == "sailboat"
    ]
    odd = sum(place not in ("beach", "lake", "harbour") for place in boats)
    assert 0 < odd < len(boats) / 5


def test_held_out_contents_are_about_six_percent_and_never_change() -> None:
    contents = [(place, kind, action) for place in world.PLACES for kind in world.SUBJECTS for action in world.actions_of(kind)]
    held_out = [content for content in contents if scenes.is_held_out(*content)]
    assert 0.05 < len(held_out) / len(contents) < 0.07
    # A model's figures on held-out contents mean nothing once this list changes.
    assert held_out[:3] == [
        ("playground", "girl", "walking"),
        ("playground", "girl", "holding_balloon"),
        ("playground", "grandfather", "sitting"),
    ]
    assert {content[0] for content in held_out} == set(world.PLACES)
    assert not any(scenes.is_held_out(place, "", "") for place in world.PLACES)


def test_held_out_contents_are_never_drawn_for_training() -> None:
    assert not any(scenes.holds_held_out(scene) for scene in _sampled(4000, seed=4))
    assert all(scenes.is_held_out(*scene.content()) for scene in _sampled(300, seed=5, held_out=True))


def test_emotions_for_training_fill_the_plane_and_are_often_neutral() -> None:
    rng = random.Random(6)
    drawn = [scenes.sample_emotion(rng) for _ in range(4000)]
    assert 0.12 < drawn.count(Emotion.neutral()) / len(drawn) < 0.18
    moved = [emotion for emotion in drawn if emotion != Emotion.neutral()]
    for v, a in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        corner = sum(v * emotion.valence > 1.5 and a * emotion.arousal > 1.5 for emotion in moved)
        assert 0.04 < corner / len(moved) < 0.09


def test_annotated_emotions_are_unbalanced_and_on_the_plane() -> None:
    rng = random.Random(7)
    drawn = [scenes.annotated_emotion(rng) for _ in range(4000)]
    pleasant_calm = sum(emotion.valence > 0 > emotion.arousal for emotion in drawn)
    unpleasant_calm = sum(emotion.valence < 0 > emotion.arousal for emotion in drawn)
    assert pleasant_calm > 2 * unpleasant_calm
    assert unpleasant_calm > 200
