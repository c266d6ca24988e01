"""A shipped model becomes a build again, whose UNet goes on from the shipped weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from diffusers import UNet2DConditionModel

from emoticrafter.errors import OutputError
from emoticrafter.storybook import training
from emoticrafter.storybook.training.presets import SMOKE
from tools.install_storybook import JUDGES, WEIGHTS, install
from tools.reopen_storybook import reopen


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that ships a model of smoke size."""
    folder = tmp_path_factory.mktemp("checkout")
    training.run("smoke", folder / "build", device="cpu", quiet=True)
    install(folder / "build", folder)
    shutil.rmtree(folder / "build")
    return folder


@pytest.mark.slow
def test_the_unet_goes_on_from_the_shipped_weights(checkout: Path, tmp_path: Path) -> None:
    out = reopen(tmp_path / "again", checkout, SMOKE, quiet=True)
    training.run("smoke", out, ["unet"], steps=SMOKE.unet_recipe.steps + 1, device="cpu", quiet=True)
    before = UNet2DConditionModel.from_pretrained(checkout / WEIGHTS / "unet").float().state_dict()
    after = UNet2DConditionModel.from_pretrained(out / "unet" / "model").state_dict()
    far = max(float((before[name] - after[name]).abs().max()) for name in before)
    assert 0 < far < 0.05  # one step, averaged: near, and not the same
    training.run("smoke", out, ["calibrate", "assemble"], device="cpu", quiet=True)
    install(out, tmp_path / "root")
    for name in ("vae", "text_encoder", "emotion"):
        for path in (checkout / WEIGHTS / name).glob("*.safetensors"):
            assert path.read_bytes() == (tmp_path / "root" / WEIGHTS / name / path.name).read_bytes(), path
    assert (checkout / JUDGES / "emotion.safetensors").read_bytes() == (
        tmp_path / "root" / JUDGES / "emotion.safetensors"
    ).read_bytes()


def test_a_unet_in_training_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "state.safetensors").write_bytes(b"hours of work")
    with pytest.raises(OutputError, match="holds a UNet already"):
        reopen(tmp_path, quiet=True)
    assert (tmp_path / "unet" / "state.safetensors").read_bytes() == b"hours of work"
