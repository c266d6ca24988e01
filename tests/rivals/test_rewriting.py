"""Rewriting: who writes, that answers are paid for once, and what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from emoticrafter import Emotion
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.errors import InputError
from emoticrafter.rivals import Budget, open_method, train_method
from emoticrafter.rivals.rewriting import Rewriting
from emoticrafter.storybook.annotated import CaptionWriter
from emoticrafter.watch import Watch
from tests.chat_server import ChatServer

SAD, HAPPY = Emotion(valence=-2, arousal=1), Emotion(valence=2, arousal=1)


@pytest.mark.parametrize("writer", ["rules", "storybook"])
def test_an_offline_writer_stands_in_and_says_so(writer: str, backbone: SDXLBackbone) -> None:
    rival = Rewriting(backbone, {"writer": writer})
    assert rival.describe()["writer"] == writer
    sad, happy, again = rival.generate("a dog on the beach", [SAD, HAPPY, SAD])
    texts = [picture.recipe["rewritten"] for picture in (sad, happy, again)]
    assert texts[0] == texts[2] != texts[1]
    assert "dog" in texts[0]
    assert sad.image == again.image
    plain = backbone.render(backbone.encode([texts[1]]), seeds=[0])[0]
    assert np.abs(np.asarray(happy.image, float) - np.asarray(plain, float)).max() <= 1
    assert rival.generate("a dog on the beach", SAD, strength=0)[0].recipe.get("rewritten") is None


def test_the_storybooks_words_are_its_grammars(backbone: SDXLBackbone) -> None:
    told = Rewriting(backbone, {"writer": "storybook"}).rewritten(["a dog on the beach"], _points(SAD))[0]
    assert told.startswith("a dog on the beach")
    assert CaptionWriter.name == "storybook"


def test_a_server_is_asked_once_for_each_answer(
    server: ChatServer, backbone: SDXLBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-1")
    config = {"writer": "openai", "model": "tiny", "base_url": server.url, "key_env": "OTHER_KEY"}
    rival, _ = train_method("rewriting", None, tmp_path / "kept", Budget(steps=1), backbone=backbone, config=config, quiet=True)
    assert rival.describe()["writer"] == "openai:tiny"
    first = rival.generate("a dog", [SAD, HAPPY, SAD], steps=1)
    assert first[0].recipe["rewritten"] == "a dog under a stormy sky"
    assert len(server.asked) == 2
    assert {name.lower(): value for name, value in server.headers[0].items()}["authorization"] == "Bearer sk-1"
    opened = open_method(tmp_path / "kept", backbone)
    second = opened.generate("a dog", [SAD, HAPPY], steps=1)
    assert len(server.asked) == 2
    assert first[1].image == second[1].image
    assert "sk-1" not in (tmp_path / "kept" / "config.json").read_text(encoding="utf-8")


def test_what_cannot_be_written_is_drawn_as_it_is_with_a_warning(
    server: ChatServer, backbone: SDXLBackbone, tmp_path: Path
) -> None:
    server.misdeeds["a red ball"] = ["refusal"]
    said: list[str] = []
    rival = Rewriting(backbone, {"writer": "openai", "model": "tiny", "base_url": server.url}, folder=tmp_path)
    picture = rival.generate("a red ball", SAD, steps=1, watch=Watch(warn=said.append))[0]
    assert picture.recipe["rewritten"] == "a red ball"
    assert len(said) == 1
    assert "is drawn as it is" in said[0]
    assert len(server.asked) == 1


def test_a_server_needs_a_model(backbone: SDXLBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMOTICRAFTER_MODEL", raising=False)
    with pytest.raises(InputError, match="No model was named"):
        Rewriting(backbone, {"writer": "openai"}, folder=tmp_path).generate("a dog", SAD)
    with pytest.raises(InputError, match="writer is 'magic'"):
        Rewriting(backbone, {"writer": "magic"})


def _points(*emotions: Emotion) -> torch.Tensor:
    return torch.tensor([(emotion.valence, emotion.arousal) for emotion in emotions])
