from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from emoticrafter.judges import storybook_judges
from emoticrafter.storybook.judge import CONTENT_HEADS, EMOTION_HEADS, JudgeConfig, JudgeNetwork, load_judge, save_judge
from emoticrafter.storybook.scenes import is_held_out
from emoticrafter.storybook.world.sprites import CodeSprites
from tools.measure_judges import drawn, measure


def test_the_statement_is_written_and_the_weights_stay(tmp_path: Path) -> None:
    torch.manual_seed(0)
    for name, heads in (("emotion", EMOTION_HEADS), ("content", CONTENT_HEADS)):
        save_judge(JudgeNetwork(JudgeConfig(width=4, heads=heads)), tmp_path / f"{name}.safetensors", {"before": 1})
    before = {name: load_judge(tmp_path / f"{name}.safetensors").state_dict() for name in ("emotion", "content")}
    found = measure(tmp_path, 12, sprites=CodeSprites())
    judges = storybook_judges(tmp_path)
    assert judges.emotion.trust == found["emotion"]
    assert judges.emotion.trust.pictures == 12
    assert "12 rendered scenes" in judges.emotion.trust.validated_on
    assert judges.content.figures == {"before": 1, "held_out": found["content"]}
    for name, state in before.items():
        again = load_judge(tmp_path / f"{name}.safetensors").state_dict()
        assert all(torch.equal(again[key], tensor) for key, tensor in state.items())


def test_scenes_are_of_held_out_contents_and_a_function_of_the_seed() -> None:
    ((scenes, points, pictures),) = drawn(6, 0, CodeSprites())
    assert all(is_held_out(*scene.content()) for scene in scenes)
    ((_, again, same),) = drawn(6, 0, CodeSprites())
    assert np.array_equal(points, again)
    assert np.array_equal(pictures, same)
    ((_, other, _),) = drawn(6, 1, CodeSprites())
    assert not np.array_equal(points, other)
