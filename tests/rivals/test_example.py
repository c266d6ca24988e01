"""The worked example of docs/rivals.md is a whole method, in under 30 lines."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from emoticrafter import Emotion
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.rivals import METHODS, Budget, open_method, train_method
from emoticrafter.rivals.material import RivalMaterial

PAGE = Path(__file__).parents[2] / "docs" / "rivals.md"
SAD = Emotion(valence=-2, arousal=1)


def test_ones_own_method_trains_and_draws(
    backbone: SDXLBackbone, material: RivalMaterial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [text] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(text.splitlines()) < 30
    (tmp_path / "tint.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        importlib.import_module("tint")
        config = {"rate": 0.5, "batch": 4}
        rival, learned = train_method(
            "tint", material, tmp_path / "t", Budget(steps=5), backbone=backbone, config=config, quiet=True
        )
        assert learned.examples == 20
        opened = open_method(tmp_path / "t", backbone)
        picture, neutral = (opened.generate("a cat", SAD, strength=strength)[0] for strength in (None, 0))
        assert picture.recipe["method"] == "tint"
        assert picture.image == rival.generate("a cat", SAD)[0].image
        assert np.abs(np.asarray(picture.image, float) - np.asarray(neutral.image, float)).max() > 0
    finally:
        METHODS.pop("tint", None)
        sys.modules.pop("tint", None)


def test_the_page_names_every_method() -> None:
    named = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert named == list(METHODS)
