"""The shipped judges, behind the interface of all judges, on scenes drawn here."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError, MissingError
from emoticrafter.judges import open_judge, storybook_judges
from emoticrafter.judges.trust import measure_trust, require_trust
from emoticrafter.storybook.judge import CONTENT_HEADS, EMOTION_HEADS, JudgeConfig, JudgeNetwork, save_judge
from emoticrafter.storybook.world import Scene, Subject, render
from emoticrafter.storybook.world.scene import SUBJECTS
from emoticrafter.storybook.world.sprites import CodeSprites

PLACES = ("beach", "forest", "street", "cemetery", "lake", "meadow")


def drawn(place: str, v: float = 0, a: float = 0, kind: str | None = None, size: int = 128) -> np.ndarray:
    subjects = (Subject(kind=kind),) if kind else ()
    return render(Scene(place=place, subjects=subjects, seed=5), Emotion(valence=v, arousal=a), size, CodeSprites())


def test_the_shipped_judge_reads_the_emotion_of_rendered_scenes() -> None:
    judge = storybook_judges().emotion
    points = [(v, a) for v, a in itertools.product((-2.5, 0, 2.5), repeat=2)]
    true = np.array(points * len(PLACES))
    read = judge.emotions([drawn(place, v, a) for place in PLACES for v, a in points])
    found = measure_trust(true, read, "these")
    assert found.valence is not None
    assert found.arousal is not None
    assert found.valence.r2 > 0.85
    assert found.arousal.r2 > 0.85


def test_the_shipped_judge_may_be_trusted_and_says_who_it_is() -> None:
    judge = open_judge("storybook")
    assert require_trust(judge) is None
    assert judge.trust.valence is not None
    assert judge.trust.arousal is not None
    assert judge.trust.valence.r2 >= 0.95
    assert judge.trust.arousal.r2 >= 0.90
    assert len(judge.describe()["sha256"]) == 64


def test_the_content_judge_sees_places_and_people() -> None:
    judge = storybook_judges().content
    pictures = [drawn(place) for place in PLACES] + [drawn(place, kind="girl") for place in PLACES]
    seen = judge.contents(pictures)
    assert np.mean([one.place == place for one, place in zip(seen, PLACES * 2, strict=True)]) > 0.9
    assert max(one.people for one in seen[: len(PLACES)]) < 0.5 < min(one.people for one in seen[len(PLACES) :])
    assert set(seen[0].subjects) == set(SUBJECTS)


def test_people_are_seen_if_any_kind_of_them_is(tmp_path: Path) -> None:
    network = JudgeNetwork(JudgeConfig(width=4, heads=CONTENT_HEADS)).eval()
    with torch.no_grad():
        for parameter in network.heads["subjects"].parameters():
            parameter.zero_()
        bias = network.get_parameter("heads.subjects.bias")
        bias.fill_(-50)
        bias[[SUBJECTS.index("girl"), SUBJECTS.index("man"), SUBJECTS.index("dog")]] = 0.0
    save_judge(network, tmp_path / "content.safetensors", {})
    save_judge(JudgeNetwork(JudgeConfig(width=4, heads=EMOTION_HEADS)), tmp_path / "emotion.safetensors", {})
    judges = storybook_judges(tmp_path)
    (seen,) = judges.content.contents([drawn("beach")])
    assert seen.people == pytest.approx(1 - 0.5 * 0.5)
    assert judges.emotion.trust.pictures == 0
    with pytest.raises(InputError, match="never validated"):
        require_trust(judges.emotion)


def test_sizes_may_be_mixed_and_order_is_kept(tmp_path: Path) -> None:
    judge = storybook_judges().emotion
    small, large = drawn("lake", 2, 2, size=64), drawn("lake", -2, -2)
    Image.fromarray(large).save(tmp_path / "a.png")
    mixed = judge.emotions([small, large, Image.fromarray(small), tmp_path / "a.png"])
    assert mixed[0] == pytest.approx(mixed[2])
    assert mixed[1] == pytest.approx(mixed[3])
    assert mixed[0, 0] > mixed[1, 0] + 2
    assert judge.emotions([]).shape == (0, 2)


def test_judges_that_are_not_there_or_read_something_else(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no judge"):
        open_judge(tmp_path / "none")
    with pytest.raises(MissingError, match="no judge"):
        storybook_judges(tmp_path)
    save_judge(JudgeNetwork(JudgeConfig(width=4, heads=CONTENT_HEADS)), tmp_path / "content.safetensors", {})
    with pytest.raises(InputError, match="not emotions"):
        open_judge(tmp_path / "content.safetensors")
