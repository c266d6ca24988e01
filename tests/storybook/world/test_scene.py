from __future__ import annotations

from collections.abc import Callable

import pytest

from emoticrafter.errors import InputError
from emoticrafter.storybook.world import scene as world
from emoticrafter.storybook.world.scene import Scene, Subject
from emoticrafter.storybook.world.sprites import CODES


def test_the_world_is_wide_enough() -> None:
    assert len(world.PLACES) >= 16
    assert len(world.SUBJECTS) >= 40
    assert len(set(world.SUBJECTS)) == len(world.SUBJECTS)


def test_every_subject_that_is_a_sprite_has_its_code() -> None:
    assert set(world.SUBJECTS) - set(world.PEOPLE) <= set(CODES)


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: Scene(place="moon"), "playground"),
        (lambda: Scene(place="beach", time="noon"), "evening"),
        (lambda: Subject(kind="dragon"), "dog"),
        (lambda: Subject(kind="dog", action="reading"), "sleeping"),
        (lambda: Subject(kind="girl", clothes="beige"), "red"),
        (lambda: Scene(place="beach", relation="beside"), "two subjects"),
        (lambda: Scene(place="beach", subjects=(Subject(kind="dog"),) * 3), "at most 2"),
    ],
)
def test_what_the_world_does_not_know_is_refused_with_what_it_knows(build: Callable[[], object], named: str) -> None:
    with pytest.raises(InputError, match=named):
        build()


def test_streams_of_layers_are_their_own() -> None:
    scene = Scene(place="beach", seed=3)
    assert scene.rng("sky").random() == scene.rng("sky").random()
    assert scene.rng("sky").random() != scene.rng("rain").random()
