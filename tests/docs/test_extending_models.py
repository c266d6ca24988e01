"""The rival and the backbone of docs/extending.md do what a method and a model of the package do."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from emoticrafter import Emotion
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.rivals import METHODS, Budget, open_method, train_method
from tests.docs.test_extending import code_of
from tests.tiny_material import tiny_material

SAD = Emotion(valence=-2, arousal=1)


def test_a_rival(backbone: SDXLBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It trains through the public places, is kept, opened again and draws; the network stays as it is."""
    module, entry = code_of("A rival")
    (tmp_path / "time_shift.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    weights = {name: tensor.clone() for name, tensor in backbone.pipeline.unet.state_dict().items()}
    try:
        exec(compile(entry, "docs/extending.md", "exec"), {})
        importlib.import_module("time_shift")
        config = {"rate": 0.5, "batch": 4}
        _, learned = train_method(
            "time_shift", tiny_material(), tmp_path / "kept", Budget(steps=5), backbone=backbone, config=config, quiet=True
        )
        assert (learned.steps, learned.examples) == (5, 20)
        opened = open_method(tmp_path / "kept", backbone)
        picture, neutral = (opened.generate("a cat", SAD, strength=strength)[0] for strength in (None, 0))
        assert picture.recipe["method"] == "time_shift"
        assert np.abs(np.asarray(picture.image, float) - np.asarray(neutral.image, float)).max() > 0
        assert neutral.image == backbone.render(backbone.encode(["a cat"]), seeds=[0])[0]
        assert all(torch.equal(tensor, weights[name]) for name, tensor in backbone.pipeline.unet.state_dict().items())
    finally:
        METHODS.pop("time_shift", None)
        sys.modules.pop("time_shift", None)
