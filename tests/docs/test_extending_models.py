"""The rival and the backbone of docs/extending.md do what a method and a model of the package do."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from emoticrafter import EmotiCrafter, Emotion, checkpoint
from emoticrafter.backbones.registry import ARCHITECTURES, is_known, open_backbone, read_outline
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.eit import EITConfig, EmotionInjectionTransformer
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.rivals import METHODS, Budget, open_method, train_method
from tests.docs.test_extending import code_of
from tests.tiny_material import tiny_material

SAD = Emotion(valence=-2, arousal=1)


@pytest.fixture
def hue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a pipeline of the page's backbone, which is registered."""
    module, entry = code_of("A backbone")
    (tmp_path / "hue.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model_index.json").write_text(json.dumps({"_class_name": "HuePipeline"}))
    with pytest.raises(CheckpointError, match=r"is a HuePipeline, which no backbone runs. Known ones: StableDiffusionXLPipeline"):
        open_backbone(tmp_path / "model")
    try:
        exec(compile(entry, "docs/extending.md", "exec"), {})
        yield tmp_path / "model"
    finally:
        ARCHITECTURES.pop("hue", None)
        sys.modules.pop("hue", None)


def test_a_backbone(hue: Path, tmp_path: Path) -> None:
    """It is found by the class that its folder names, has options of its own, and draws with an emotion."""
    torch.manual_seed(0)
    eit = EmotionInjectionTransformer(EITConfig(prompt_channels=3, width=8, heads=2, blocks=1, emotion_tokens=2, positions=4))
    with torch.no_grad():
        eit.residual_norm.weight.fill_(1.0)
    kept = checkpoint.save(eit, tmp_path / "emotion", {"backbone": "hue", "prompt_tokens": 4})
    crafter = EmotiCrafter.from_pretrained(hue, kept, device="cpu")
    assert (type(crafter.backbone).__name__, crafter.backbone.name) == ("HueBackbone", str(hue))
    neutral, sad = (crafter.generate("a dog", SAD, strength=strength)[0] for strength in (0, 1))
    assert neutral.image.getpixel((3, 3)) == (71, 58, 57)
    assert sad.image.getpixel((3, 3)) != (71, 58, 57)
    assert sad.recipe["backbone"] == str(hue)
    assert EmotiCrafter.from_recipe(sad.recipe, emotion=kept).again(sad.recipe).image == sad.image
    assert len(crafter.grid("a dog", valences=[-1, 1], arousals=[0]).pictures) == 2
    assert is_known("HuePipeline")
    assert read_outline(hue).defaults.steps == 25
    with pytest.raises(InputError, match=r"Unknown options: scheduler\. Known ones: device\."):
        EmotiCrafter.from_pretrained(hue, kept, scheduler="Euler")
    with pytest.raises(InputError, match="offers no network to learn from"):
        train_method("time_embedding", None, tmp_path / "rival", Budget(steps=1), backbone=crafter.backbone)


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
