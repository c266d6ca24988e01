"""Which backbone a model is opened by, and what each is opened with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from emoticrafter import EmotiCrafter, Emotion
from emoticrafter.backbones import registry
from emoticrafter.backbones.registry import Architecture, open_backbone, open_encoder, read_outline, recorded_options, register
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.errors import CheckpointError, InputError
from tests.single_file import write_single_file


@pytest.fixture
def flux(tmp_path: Path) -> Path:
    """A folder of a class that no backbone runs."""
    (tmp_path / "flux").mkdir()
    (tmp_path / "flux" / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"}))
    return tmp_path / "flux"


def test_a_class_that_is_not_in_the_table_is_refused_by_every_door(flux: Path) -> None:
    for door in (open_backbone, open_encoder, read_outline):
        with pytest.raises(CheckpointError, match=r"a FluxPipeline, which no backbone runs\. Known ones: StableDiffusionXL"):
            door(flux)


def test_of_a_model_on_the_hub_its_index_is_asked_first(flux: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    asked: list[tuple[str, list[str]]] = []

    def fetch(repository: str, files: list[str]) -> Path:
        asked.append((repository, files))
        return flux

    monkeypatch.setattr(registry, "fetch", fetch)
    with pytest.raises(CheckpointError, match="is a FluxPipeline"):
        open_backbone("someone/model", device="cpu")
    assert asked == [("someone/model", ["model_index.json"])]
    assert read_outline("someone/model").family is None  # of which nothing is fetched
    assert len(asked) == 1


def test_a_single_file_is_told_by_its_tensors(tiny_sdxl: Path, tmp_path: Path) -> None:
    path = write_single_file(tiny_sdxl, tmp_path / "model.safetensors")
    assert registry._architecture_of(str(path), {}).name == "SDXL"
    odd = tmp_path / "odd.safetensors"
    save_file({"double_blocks.0.img_attn.norm.key_norm.scale": torch.zeros(1)}, odd)
    with pytest.raises(CheckpointError, match=r"of no known kind: it holds 1 tensors, such as double_blocks\.0.*SDXL"):
        open_backbone(odd, device="cpu")
    assert registry._architecture_of(str(odd), {"config": str(tiny_sdxl)}).name == "SDXL"  # what describes it tells


def test_the_config_of_a_single_file_must_be_of_its_own_kind(tiny_sdxl: Path, flux: Path, tmp_path: Path) -> None:
    path = write_single_file(tiny_sdxl, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="is a FluxPipeline; this backbone runs StableDiffusionXLPipeline"):
        open_backbone(path, device="cpu", config=str(flux))


def test_of_a_model_that_the_table_names_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    defaults = read_outline("stabilityai/sdxl-turbo").defaults
    assert (defaults.steps, defaults.guidance, defaults.size) == (1, 0.0, (512, 512))
    assert read_outline("someone/model").defaults.steps == 25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"speed": 3},
            "Unknown options: speed. Known ones: attention_slicing, batch_size, config, device, dtype",
        ),
        ({"batch_size": 0}, "batch_size is 0; it must be a whole number from 1 to 1024"),
        ({"watermark": "yes"}, "watermark is 'yes'; it must be true or false"),
        ({"config": 5}, "config is 5; it must be text"),
        ({"loras": "style.safetensors"}, "loras is 'style.safetensors'; it must be a list"),
    ],
)
def test_options_are_those_that_the_class_declares(tiny_sdxl: Path, options: dict[str, Any], message: str) -> None:
    for door in (open_backbone, read_outline, EmotiCrafter.from_pretrained, SDXLBackbone.open):
        with pytest.raises(InputError, match=message):
            door(tiny_sdxl, **options)


def test_the_text_encoders_have_options_of_their_own(tiny_sdxl: Path) -> None:
    assert open_encoder(tiny_sdxl, device=torch.device("cpu")).computed
    with pytest.raises(InputError, match=r"Unknown options: scheduler\. Known ones: config, device, dtype\."):
        open_encoder(tiny_sdxl, scheduler="Euler")


def test_a_recipe_tells_what_its_backbone_was_opened_with(tiny_sdxl: Path) -> None:
    crafter = EmotiCrafter.from_pretrained(tiny_sdxl, device="cpu", dtype="float32", scheduler="Euler", batch_size=2)
    recipe = crafter.generate("a cat", Emotion(valence=1, arousal=1))[0].recipe
    told = recorded_options(tiny_sdxl, recipe)
    assert told == {"dtype": "float32", "scheduler": "Euler", "watermark": False}


def test_an_architecture_without_encoders_alone_says_so(flux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ARCHITECTURES", dict(registry.ARCHITECTURES))
    row = Architecture(name="FLUX", pipelines=("FluxPipeline",), backbone="nowhere:Nothing")
    register(row)
    with pytest.raises(InputError, match=r"The text encoders of .*flux' cannot be opened alone"):
        open_encoder(flux)
    with pytest.raises(AssertionError, match="FLUX is registered already"):
        register(row)
