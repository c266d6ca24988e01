from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from emoticrafter.storybook.world.canvas import Canvas
from emoticrafter.storybook.world.faces import face_of
from emoticrafter.storybook.world.mood import Mood
from emoticrafter.storybook.world.people import draw_bench, draw_pair, draw_person
from emoticrafter.storybook.world.poses import ADULT, CHILD, pose_of
from emoticrafter.storybook.world.scene import CLOTHES, PEOPLE, PERSON_ACTIONS, Scene, Subject
from emoticrafter.storybook.world.sprites import CodeSprites
from emoticrafter.storybook.world.stage import Stage

BACKGROUND = (128, 160, 140)
FOOT = 0.86


def stage(v: float = 0.0, a: float = 0.0, *subjects: Subject, seed: int = 1, size: int = 96) -> Stage:
    canvas = Canvas(size)
    canvas.fill(BACKGROUND)
    return Stage(canvas, Scene(place="park", subjects=subjects, seed=seed), Mood(v, a), CodeSprites(), 0.66)


def person(
    kind: str = "girl",
    action: str = "standing",
    v: float = 0.0,
    a: float = 0.0,
    *,
    clothes: str | None = None,
    seed: int = 1,
    flip: bool = False,
    height: float = 0.57,
    size: int = 96,
    layer: str = "first",
) -> np.ndarray:
    """One person on a plain ground, int16 (size, size, 3)."""
    subject = Subject(kind=kind, action=action, clothes=clothes)
    on = stage(v, a, subject, seed=seed, size=size)
    draw_person(on, subject, 0.5, FOOT, height, flip, layer)
    return on.canvas.image().astype(np.int16)


def painted(picture: np.ndarray) -> np.ndarray:
    return np.abs(picture - np.array(BACKGROUND)).max(axis=2) > 24


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Share of pixels that clearly differ."""
    return float((np.abs(first - second).max(axis=2) > 30).mean())


def test_the_ten_kinds_look_different() -> None:
    pictures = {kind: person(kind, clothes="blue") for kind in PEOPLE}
    for i, first in enumerate(PEOPLE):
        for second in PEOPLE[i + 1 :]:
            assert difference(pictures[first], pictures[second]) > 0.02, (first, second)


@pytest.mark.parametrize(("v", "a"), [(0, 0), (0.9, 0.9), (-0.9, -0.9), (-0.9, 0.9), (0.9, -0.9)])
def test_actions_stay_recognisable_at_every_emotion(v: float, a: float) -> None:
    pictures = [person("boy", action, v, a) for action in PERSON_ACTIONS]
    for i, first in enumerate(pictures):
        for j in range(i + 1, len(pictures)):
            assert difference(first, pictures[j]) > 0.008, (PERSON_ACTIONS[i], PERSON_ACTIONS[j])


@pytest.mark.parametrize("kind", PEOPLE)
@pytest.mark.parametrize("fixed", [-0.8, 0.0, 0.8])
def test_emotion_changes_people_in_small_steps(kind: str, fixed: float) -> None:
    steps = np.arange(-1, 1.001, 0.2 / 3)
    for along_valence in (True, False):
        pictures = [person(kind, v=s, a=fixed) if along_valence else person(kind, v=fixed, a=s) for s in steps]
        area = painted(pictures[len(pictures) // 2]).sum()
        for before, after in pairwise(pictures):
            changed = np.abs(before - after)
            assert changed.any()
            # A pop would repaint much of a figure at once; motion by about a pixel touches its edges only.
            assert changed.mean(axis=2).sum() / area < 26


def test_same_seed_same_person_whatever_else_is_drawn() -> None:
    assert np.array_equal(person("man", seed=4), person("man", seed=4))
    assert any(not np.array_equal(person("man", seed=s), person("man", seed=s + 1)) for s in range(3))
    assert not np.array_equal(person("man", seed=4, layer="first"), person("man", seed=4, layer="second"))


@pytest.mark.parametrize("kind", ["girl", "boy", "woman", "man", "grandmother", "grandfather", "toddler", "doctor"])
def test_clothes_take_the_named_colour(kind: str) -> None:
    for name in ("red", "blue"):
        away = np.abs(person(kind, clothes=name) - np.array(CLOTHES[name])).max(axis=2)
        assert (away < 45).sum() > 25, name


@pytest.mark.parametrize("kind", PEOPLE)
def test_people_stand_on_their_feet_and_keep_their_height(kind: str) -> None:
    rows = np.flatnonzero(painted(person(kind, size=128)).any(axis=1)) / 128
    assert abs(rows[-1] - FOOT) < 0.045
    height = rows[-1] - rows[0]
    low, high = {"girl": (0.40, 0.52), "boy": (0.40, 0.54), "toddler": (0.32, 0.44)}.get(kind, (0.48, 0.68))
    assert low < height < high


def test_flip_mirrors_the_silhouette() -> None:
    plain, mirrored = painted(person("boy", "running")), painted(person("boy", "running", flip=True))[:, ::-1]
    assert (plain & mirrored).sum() / (plain | mirrored).sum() > 0.9


@pytest.mark.parametrize("size", [32, 192])
def test_any_size_of_canvas(size: int) -> None:
    share = painted(person("firefighter", "playing_ball", -0.5, 0.5, size=size)).mean()
    assert 0.04 < share < 0.25


def test_partly_outside_the_picture() -> None:
    on = stage()
    for x, foot in ((-0.1, 0.86), (1.1, 0.5), (0.5, 0.1), (0.5, 1.4)):
        for action in PERSON_ACTIONS:
            draw_person(on, Subject(kind="astronaut", action=action), x, foot, 0.57, False, "edge")
    assert painted(on.canvas.image().astype(np.int16)).any()


def test_mouth_and_brow_carry_valence_and_opening_carries_arousal() -> None:
    for a in (-1, -0.3, 0, 0.6, 1):
        smiles = [face_of(Mood(v, a)).smile for v in np.linspace(-1, 1, 9)]
        assert all(p < q for p, q in pairwise(smiles))
    for v in (-1, 0, 1):
        gapes = [face_of(Mood(v, a)).gape for a in np.linspace(-1, 1, 9)]
        assert all(p <= q for p, q in pairwise(gapes))
        assert gapes[-1] > gapes[0]
    assert face_of(Mood(-1, -1)).tears > 0.9
    assert face_of(Mood(0.2, -1)).tears == 0
    assert face_of(Mood(-1, 1)).tears == 0
    serene, terrified = face_of(Mood(1, -1)), face_of(Mood(-1, 1))
    assert serene.top + serene.bottom == pytest.approx(0)
    assert terrified.iris < 0.5


def test_posture_follows_the_mood() -> None:
    sad, neutral, elated, afraid = (pose_of(CHILD, Mood(*at), "standing") for at in ((-1, -1), (0, 0), (1, 1), (-1, 1)))
    assert sad.head[1] < neutral.head[1]
    assert sad.head[0] > neutral.head[0]
    assert elated.lift > 0.05
    assert min(h[1] for h in elated.hands) > neutral.head[1]
    assert afraid.feet[1][0] > 1.5 * neutral.feet[1][0]
    for x, y in afraid.hands:
        assert abs(x - afraid.head[0]) < CHILD.rx
        assert abs(y - afraid.head[1]) < CHILD.ry


def test_who_sits_is_lower_and_a_bench_is_under_them() -> None:
    assert pose_of(ADULT, Mood(0, 0), "sitting", 0.165).head[1] < pose_of(ADULT, Mood(0, 0), "standing").head[1]
    on = stage()
    draw_bench(on, 0.5, FOOT, 0.4)
    wood = painted(on.canvas.image().astype(np.int16))
    columns = np.flatnonzero(wood.any(axis=0)) / 96
    assert columns[0] > 0.2
    assert columns[-1] < 0.8
    assert wood.sum() > 200


@pytest.mark.parametrize(("v", "a"), [(0, 0), (1, 1), (-1, 1), (-1, -1)])
def test_hands_meet_only_hand_in_hand(v: float, a: float) -> None:
    pair = Subject(kind="girl", clothes="red"), Subject(kind="boy", clothes="red")
    joined = {}
    for relation in ("hand_in_hand", "beside"):
        on = stage(v, a, *pair)
        draw_pair(on, *pair, 0.24, 0.76, FOOT, 0.57, relation, "pair")
        joined[relation] = painted(on.canvas.image().astype(np.int16))[:80, 46:50].any(axis=0).all()
    assert joined == {"hand_in_hand": True, "beside": False}


def test_a_pair_shares_one_bench() -> None:
    pair = Subject(kind="grandmother"), Subject(kind="grandfather")
    on = stage(0, 0, *pair)
    draw_pair(on, *pair, 0.32, 0.68, FOOT, 0.57, "on_bench", "pair")
    row = painted(on.canvas.image().astype(np.int16))[round((FOOT - 0.9 * 0.165 * 0.57) * 96)]
    assert row[20:76].mean() > 0.9
