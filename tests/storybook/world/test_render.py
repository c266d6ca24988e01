from __future__ import annotations

import itertools
import os
from importlib import import_module

import numpy as np
import pytest

from emoticrafter.emotion import Emotion
from emoticrafter.errors import MissingError
from emoticrafter.storybook.world import Scene, Subject, render
from emoticrafter.storybook.world.scene import PLACES, RELATIONS, SUBJECTS, TIMES
from emoticrafter.storybook.world.sprites import CODES, CodeSprites, PackageSprites

PAINTING = import_module("emoticrafter.storybook.world.render")  # the package has the function under that name
SPRITES = CodeSprites()
NEUTRAL = Emotion(valence=0, arousal=0)
CORNERS = [Emotion(valence=v, arousal=a) for v, a in itertools.product((-3, 3), repeat=2)]


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute difference per channel, 0..255."""
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


@pytest.mark.parametrize("place", PLACES)
def test_every_place_shows_every_corner_of_the_plane(place: str) -> None:
    scene = Scene(place=place, subjects=(Subject(kind="girl"),), seed=1)
    pictures = [render(scene, emotion, 64, SPRITES) for emotion in (NEUTRAL, *CORNERS)]
    for first, second in itertools.combinations(pictures, 2):
        assert difference(first, second) > 12


@pytest.mark.parametrize("kind", SUBJECTS)
def test_every_subject_can_be_seen(kind: str) -> None:
    empty = render(Scene(place="meadow", seed=2), NEUTRAL, 64, SPRITES).astype(int)
    drawn = render(Scene(place="meadow", subjects=(Subject(kind=kind),), seed=2), NEUTRAL, 64, SPRITES).astype(int)
    assert (np.abs(drawn - empty).max(axis=2) > 24).mean() > 0.05  # share of the picture that it covers


def test_same_scene_same_pixels_and_another_seed_another_picture() -> None:
    scene = Scene(place="street", subjects=(Subject(kind="boy", action="running"),), seed=5)
    first = render(scene, CORNERS[0], 64, SPRITES)
    assert (first == render(scene, CORNERS[0], 64, SPRITES)).all()
    other = Scene(place="street", subjects=scene.subjects, seed=6)
    assert difference(first, render(other, CORNERS[0], 64, SPRITES)) > 2


@pytest.mark.parametrize("axis", ["valence", "arousal"])
@pytest.mark.parametrize("place", ["playground", "night_city", "room"])
def test_a_step_of_a_fifth_changes_the_picture_and_never_jumps(place: str, axis: str) -> None:
    scene = Scene(place=place, subjects=(Subject(kind="woman"), Subject(kind="dog")), relation="beside", seed=7)
    pictures = [render(scene, Emotion(**{"valence": 0.4, "arousal": -0.6, axis: i / 5}), 64, SPRITES) for i in range(-15, 16)]
    steps = [difference(a, b) for a, b in itertools.pairwise(pictures)]
    assert min(steps) > 0.05
    assert max(steps) < 14


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("relation", [None, *RELATIONS])
def test_every_relation_at_every_time(relation: str | None, time: str) -> None:
    pairs = {"chasing": ("dog", "ball"), "hand_in_hand": ("girl", "boy"), "on_bench": ("man", "woman")}
    kinds = pairs.get(relation or "", ("girl", "cat"))
    scene = Scene(place="park", time=time, subjects=tuple(Subject(kind=k) for k in kinds), relation=relation, seed=8)
    assert render(scene, NEUTRAL, 64, SPRITES).std() > 15


@pytest.mark.parametrize("relation", ["beside", "chasing"])
def test_everybody_looks_the_way_that_was_agreed(relation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the left when alone; the chaser after the chased; two towards each other, the first named on the right."""
    looks = {}

    def person(stage: object, subject: Subject, x: float, foot: float, height: float, flip: bool, layer: str) -> None:
        looks[subject.kind] = (round(x, 1), "left" if flip else "right")

    def actor(stage: object, subject: Subject, x: float, foot: float, scale: float, flip: bool, layer: str) -> None:
        looks[subject.kind] = (round(x, 1), "right" if flip else "left")

    monkeypatch.setattr(PAINTING, "draw_person", person)
    monkeypatch.setattr(PAINTING, "draw_actor", actor)
    for seed in range(3):
        pair = Subject(kind="girl"), Subject(kind="dog")
        render(Scene(place="park", subjects=pair, relation=relation, seed=seed), NEUTRAL, 64, SPRITES)
        second = "right" if relation == "beside" else "left"
        assert looks["girl"] == (0.7, "left")
        assert looks["dog"][0] < 0.4
        assert looks["dog"][1] == second
        for kind in ("girl", "dog"):
            render(Scene(place="park", subjects=(Subject(kind=kind),), seed=seed), NEUTRAL, 64, SPRITES)
            assert looks[kind][1] == "left"


def test_size_changes_the_pixels_not_the_scene() -> None:
    scene = Scene(place="harbour", subjects=(Subject(kind="man"),), seed=9)
    small, large = (render(scene, CORNERS[3], size, SPRITES).astype(float) for size in (128, 512))
    assert np.abs(large.reshape(128, 4, 128, 4, 3).mean(axis=(1, 3)) - small).mean() < 7


@pytest.fixture(scope="module")
def package_sprites() -> PackageSprites:
    try:
        return PackageSprites()
    except MissingError as error:
        if os.environ.get("EMOTICRAFTER_REAL_SPRITES") == "1":
            raise
        pytest.skip(str(error))


def test_the_declared_package_has_every_sprite(package_sprites: PackageSprites) -> None:
    for name in CODES:
        sprite = package_sprites.get(name)
        assert sprite.shape[2] == 4
        assert (sprite[..., 3] > 8).any(axis=1).all() or sprite.shape[0] > 32  # cropped to what is visible
        assert not sprite.flags.writeable


def test_a_scene_with_the_real_sprites(package_sprites: PackageSprites) -> None:
    scene = Scene(place="playground", subjects=(Subject(kind="dog"),), seed=3)
    real = render(scene, NEUTRAL, 128, package_sprites)
    assert difference(real, render(scene, NEUTRAL, 128, SPRITES)) > 4


def test_heads_are_known_and_their_expression_changes_nothing_else() -> None:
    scene = Scene(place="beach", subjects=(Subject(kind="girl"), Subject(kind="dog")), seed=4)
    elated, sad = (Emotion(valence=x, arousal=x) for x in (3, -3))
    plain, heads = PAINTING.render_with_heads(scene, elated, 128, SPRITES)
    assert np.array_equal(plain, render(scene, elated, 128, SPRITES))
    assert len(heads) == 1
    crying, same = PAINTING.render_with_heads(scene, elated, 128, SPRITES, sad)
    assert (same[0].ox, same[0].oy, same[0].across) == (heads[0].ox, heads[0].oy, heads[0].across)
    rows, columns = np.nonzero((plain != crying).any(axis=2))
    assert len(rows) > 60
    away = np.hypot((columns + 0.5) / 128 - heads[0].ox, (rows + 0.5) / 128 - heads[0].oy)
    assert away.max() < 1.2 * heads[0].along


def test_a_scene_without_people_has_no_heads() -> None:
    scene = Scene(place="beach", subjects=(Subject(kind="dog"),), seed=4)
    assert PAINTING.render_with_heads(scene, NEUTRAL, 64, SPRITES)[1] == []
