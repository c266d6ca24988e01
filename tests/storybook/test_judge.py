"""The judge: what it reads, in which ranges, and a file that carries its own sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from emoticrafter.errors import CheckpointError, MissingError
from emoticrafter.storybook.judge import CONTENT_HEADS, EMOTION_HEADS, JudgeConfig, JudgeNetwork, load_judge, save_judge
from emoticrafter.storybook.world.scene import PLACES, SUBJECTS

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3)).astype(np.uint8)


def judge(heads: dict[str, int]) -> JudgeNetwork:
    torch.manual_seed(0)
    return JudgeNetwork(JudgeConfig(width=4, heads=heads)).eval()


def test_emotions_are_points_of_the_plane() -> None:
    made = judge(EMOTION_HEADS)
    with torch.no_grad():
        made.get_parameter("heads.feeling.bias").copy_(torch.tensor([5.0, -5.0]))
    found = made.emotions(PICTURES)
    assert found.dtype == np.float32
    assert found.tolist() == [[3, -3]] * 3


def test_contents_are_names_the_likeliest_first() -> None:
    made = judge(CONTENT_HEADS)
    with torch.no_grad():
        made.get_parameter("heads.place.bias")[PLACES.index("lake")] = 100
        made.get_parameter("heads.subjects.bias")[SUBJECTS.index("owl")] = 100
        made.get_parameter("heads.subjects.bias")[SUBJECTS.index("cat")] = 50
    for place, subjects in made.contents(PICTURES):
        assert place == "lake"
        assert list(subjects)[:2] == ["owl", "cat"]
        assert set(subjects) == set(SUBJECTS)


def test_batches_and_sizes_do_not_matter() -> None:
    made = judge(EMOTION_HEADS)
    whole = made.read(PICTURES)["feeling"]
    assert np.allclose(made.read(PICTURES, batch=2)["feeling"], whole, atol=1e-5)
    flat = np.full((1, 128, 128, 3), 90, np.uint8)
    assert np.allclose(made.read(flat)["feeling"], made.read(flat[:, ::2, ::2])["feeling"], atol=1e-4)


def test_a_saved_judge_reads_the_same(tmp_path: Path) -> None:
    made, path = judge(CONTENT_HEADS), tmp_path / "judge.safetensors"
    save_judge(made, path, {"accuracy": 0.99}, torch.float32)
    again = load_judge(path)
    assert again.config == made.config
    assert again.figures == {"accuracy": 0.99}
    assert np.array_equal(again.read(PICTURES)["place"], made.read(PICTURES)["place"])


def test_a_judge_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "judge.safetensors"
    with pytest.raises(MissingError, match="--stage judge"):
        load_judge(path)
    save_judge(judge(EMOTION_HEADS), path, {})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match=r"The judge .*judge\.safetensors' is corrupt or cut short"):
        load_judge(path)


def test_a_judge_with_broken_weights_is_refused(tmp_path: Path) -> None:
    made = judge(EMOTION_HEADS)
    with torch.no_grad():
        made.first.weight[0] = torch.nan
    save_judge(made, tmp_path / "judge.safetensors", {})
    with pytest.raises(CheckpointError, match=r"the tensor first\.weight holds values that are not finite"):
        load_judge(tmp_path / "judge.safetensors")


@pytest.mark.parametrize(
    ("about", "says"),
    [
        (None, "it says nothing of a judge"),
        ("[", "Expecting value"),
        ("{}", "it has no config"),
        ('{"config": {}}', "it has no figures"),
        ('{"config": [], "figures": {}}', "config is []; it must be an object"),
        ('{"config": {"width": "4"}, "figures": {}}', "config.width is '4'; it must be a whole number"),
        ('{"config": {"width": 1000000000}, "figures": {}}', "has the width 1000000000"),
        ('{"config": {"heads": {"feeling": 3}}, "figures": {}}', "the heads {'feeling': 3}"),
        ('{"config": {"width": 8, "heads": {"feeling": 2}}, "figures": {}}', "is of another network"),
        ('{"config": {"width": 4, "heads": {"feeling": 2}}, "figures": []}', "figures is []; it must be an object"),
    ],
)
def test_a_judge_with_strange_notes(tmp_path: Path, about: str | None, says: str) -> None:
    path = tmp_path / "judge.safetensors"
    state = {name: tensor.clone() for name, tensor in judge(EMOTION_HEADS).state_dict().items()}
    save_file(state, path, None if about is None else {"judge": about})
    with pytest.raises(CheckpointError) as error:
        load_judge(path)
    assert str(path) in str(error.value)
    assert says in str(error.value)
    assert "--stage judge" in error.value.hint
