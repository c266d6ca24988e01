"""A model gets an autoencoder of twice the pixels upon its own latents; everything else of it stays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL

from emoticrafter import EmotiCrafter, Emotion
from emoticrafter.errors import CheckpointError, MissingError
from tests.tiny import build_tiny_sdxl
from tools.exchange_autoencoder import exchange

SAD = Emotion(valence=-2, arousal=1)


def autoencoder(folder: Path, levels: int = 3, channels: int = 6) -> Path:
    torch.manual_seed(1)
    AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=(8,) * levels,
        norm_num_groups=4,
        latent_channels=channels,
        force_upcast=False,
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return build_tiny_sdxl(tmp_path / "model", latent_channels=6, flow=True)


def contents(folder: Path, *apart: str) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {name: data for name, data in found.items() if not name.startswith(apart)}


def test_pictures_are_twice_as_large_and_the_rest_is_as_it_was(model: Path, tmp_path: Path) -> None:
    rest = contents(model, "vae/", "defaults.json")
    before = json.loads((model / "defaults.json").read_text())
    settings = exchange(model, autoencoder(tmp_path / "vae"), [128, 64])
    assert settings == before | {"size": 64, "told_size": 32, "sizes": [64, 128]}
    assert json.loads((model / "defaults.json").read_text()) == settings
    assert contents(model, "vae/", "defaults.json") == rest
    crafter = EmotiCrafter.from_pretrained(model, device="cpu", dtype="float32")
    assert [crafter.generate("a cat", SAD, size=size)[0].image.size for size in (None, 32, 128)] == [
        (64, 64),
        (32, 32),
        (128, 128),
    ]
    assert json.loads((model / "vae" / "config.json").read_text())["_name_or_path"] == ""
    # And back again, as a later one would be: what the network is told was said once.
    assert exchange(model, autoencoder(tmp_path / "small", levels=2)) == before


def test_other_latents_and_sizes_that_cannot_be_change_nothing(model: Path, tmp_path: Path) -> None:
    before = contents(model)
    with pytest.raises(CheckpointError, match=r"has 4 latent channels; the model has 6\..*own latents"):
        exchange(model, autoencoder(tmp_path / "other", channels=4))
    good = autoencoder(tmp_path / "vae")
    for sides in ([128], [64, 90]):
        with pytest.raises(CheckpointError, match="The sizes of"):
            exchange(model, good, sides)
    with pytest.raises(MissingError, match=r"There is no .*config\.json"):
        exchange(model, tmp_path / "nowhere")
    assert contents(model) == before
    tool = Path(__file__).parents[2] / "tools" / "exchange_autoencoder.py"
    done = subprocess.run([sys.executable, tool, model, good, "--sizes", "128"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "its own, 64, among them" in done.stderr
    assert "Traceback" not in done.stderr
