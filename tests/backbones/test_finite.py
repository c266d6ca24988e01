"""Pictures that would be none: a VAE that overflows, and weights that are not finite, told by file and tensor."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from emoticrafter import EmotiCrafter, Emotion
from emoticrafter.backbones.devices import Precision
from emoticrafter.backbones.finite import broken_tensor, in_float32
from emoticrafter.backbones.registry import open_backbone, open_encoder
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.backbones.sdxl.loading import load_pipeline
from emoticrafter.errors import CheckpointError, DeviceError
from emoticrafter.sampling import Sampling
from tests.single_file import write_single_file
from tests.tiny import tiny_eit

HALF = Precision(weights=torch.float16)


@pytest.fixture
def copy(tiny_sdxl: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_sdxl, tmp_path / "copy"))


def weights_of(folder: Path, part: str) -> Path:
    return next((folder / part).glob("*.safetensors"))


def change(file: Path, name: str, how: Callable[[torch.Tensor], torch.Tensor]) -> None:
    tensors = load_file(file)
    save_file({key: how(tensor) if key == name else tensor for key, tensor in tensors.items()}, file, {"format": "pt"})


def loud(folder: Path) -> Path:
    """A VAE whose first layer gives values that float16 does not hold, and float32 does; the norm after it brings them back."""
    change(weights_of(folder, "vae"), "decoder.conv_in.weight", lambda weight: 20_000 * weight)
    return folder


def half(folder: Path) -> SDXLBackbone:
    """In float16, as it is opened on a GPU."""
    whole = open_backbone(folder, device="cpu", dtype="float32")
    assert isinstance(whole, SDXLBackbone)
    return SDXLBackbone(load_pipeline(folder, torch.float16), precision=HALF, defaults=whole.defaults, source=folder)


def spoilt(weight: torch.Tensor) -> torch.Tensor:
    weight.view(-1)[3] = torch.nan
    return weight


# A VAE that overflows


def test_a_vae_that_overflows_in_float16_is_run_in_float32_once(copy: Path) -> None:
    backbone = half(loud(copy))
    runs: list[torch.dtype] = []
    backbone.pipeline.vae.decoder.conv_in.register_forward_hook(lambda *call: runs.append(call[2].dtype))
    picture = backbone.render(backbone.encode(["a cat"]), seeds=[1])[0]
    assert runs == [torch.float16, torch.float32]
    assert picture.info["recipe"] == {"vae_dtype": "float32"}
    assert backbone.pipeline.vae.dtype == torch.float16
    whole = open_backbone(copy, device="cpu", dtype="float32")
    expected = whole.render(whole.encode(["a cat"]), seeds=[1])[0]
    assert np.abs(np.asarray(picture, np.int16) - np.asarray(expected, np.int16)).mean() < 4


def test_the_recipe_says_that_the_vae_was_run_in_float32_and_only_then(copy: Path, tiny_sdxl: Path) -> None:
    for folder, told in ((tiny_sdxl, None), (loud(copy), "float32")):
        crafter = EmotiCrafter(half(folder), tiny_eit())
        [picture] = crafter.generate("a cat", Emotion(valence=1, arousal=1))
        assert picture.recipe.get("vae_dtype") == told
        assert crafter.again(picture.recipe).image.tobytes() == picture.image.tobytes()


def test_only_the_pictures_that_overflow_are_decoded_again(tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, sizes = half(tiny_sdxl), []
    decoded = backbone.decoder.decoded

    def second_is_lost(latents: torch.Tensor) -> torch.Tensor:
        sizes.append(len(latents))
        pixels = decoded(latents)
        if len(sizes) == 1:
            pixels[1] = torch.inf
        return pixels

    monkeypatch.setattr(backbone.decoder, "decoded", second_is_lost)
    images = backbone.render(backbone.encode(["a cat"] * 3), seeds=[1, 2, 3])
    assert sizes == [3, 1]
    assert [image.info.get("recipe") for image in images] == [None, {"vae_dtype": "float32"}, None]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("layer", ["conv_in", "conv_out"])
def test_weights_that_overflow_in_float32_too_are_told_by_their_file(copy: Path, dtype: str, layer: str) -> None:
    file = weights_of(copy, "vae")
    for name in ("weight", "bias"):
        change(file, f"decoder.{layer}.{name}", lambda tensor: torch.full_like(tensor, 1e38))
    backbone = open_backbone(copy, device="cpu", dtype=dtype)
    with pytest.raises(CheckpointError) as caught:
        backbone.render(backbone.encode(["a cat"]), seeds=[1])
    assert str(caught.value) == (
        f"The weights of the vae in {str(file)!r} are so large that it overflows in float32, too."
        " Fetch the file again, or give a model with another vae."
    )


@pytest.mark.parametrize(("dtype", "hint"), [("float32", "Lower --strength"), ("bfloat16", "Use --dtype float32.")])
def test_latents_that_are_too_large_for_a_sound_vae_are_not_blamed_on_it(tiny_sdxl: Path, dtype: str, hint: str) -> None:
    backbone = open_backbone(tiny_sdxl, device="cpu", dtype=dtype)
    assert isinstance(backbone, SDXLBackbone)
    with pytest.raises(DeviceError, match=f"The latents overflowed the VAE in {dtype}") as caught:
        backbone.decoder.decode(torch.full((1, 4, 8, 8), 3e38))
    assert caught.value.hint.startswith(hint)


def test_in_float32_the_weights_are_afterwards_what_they_were(tiny_sdxl: Path) -> None:
    vae = load_pipeline(tiny_sdxl, torch.bfloat16).vae
    before = {name: tensor.clone() for name, tensor in vae.state_dict().items()}
    with in_float32(vae, torch.device("cpu")):
        assert vae.dtype == torch.float32
    after = vae.state_dict()
    assert {tensor.dtype for tensor in after.values()} == {torch.bfloat16}
    assert all(torch.equal(before[name], after[name]) for name in before)


# Weights that are not finite


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("part", "tensor"),
    [
        ("vae", "decoder.conv_in.weight"),
        ("unet", "conv_in.weight"),
        ("text_encoder", "text_model.encoder.layers.0.mlp.fc1.weight"),
        ("text_encoder_2", "text_model.encoder.layers.0.mlp.fc1.weight"),
    ],
)
def test_broken_weights_are_told_by_file_and_tensor(copy: Path, part: str, tensor: str, dtype: str) -> None:
    file = weights_of(copy, part)
    names = load_file(file)
    tensor = tensor if tensor in names else tensor.removeprefix("text_model.")
    change(file, tensor, spoilt)
    backbone = open_backbone(copy, device="cpu", dtype=dtype)
    with pytest.raises(CheckpointError) as caught:
        backbone.render(backbone.encode(["a cat"]), seeds=[1])
    assert str(caught.value) == f"In {str(file)!r} the tensor {tensor} holds values that are not finite. Fetch it again."


def test_in_a_single_file_the_tensor_is_told_too(tiny_sdxl: Path, tmp_path: Path) -> None:
    path = write_single_file(tiny_sdxl, tmp_path / "model.safetensors")
    change(path, "model.diffusion_model.out.2.weight", spoilt)
    backbone = open_backbone(path, device="cpu", dtype="float32", config=str(tiny_sdxl))
    with pytest.raises(CheckpointError, match=r"model\.safetensors' the tensor model\.diffusion_model\.out\.2\.weight holds"):
        backbone.render(backbone.encode(["a cat"]), seeds=[1], sampling=Sampling(steps=2, size=(32, 32)))


def test_weights_that_float16_does_not_hold_are_told_with_another_dtype(copy: Path) -> None:
    change(weights_of(copy, "unet"), "conv_in.weight", lambda weight: 1e9 * weight)
    backbone = half(copy)
    message = r"The weights of the unet overflowed in float16, in conv_in\.weight\. Use --dtype bfloat16 or float32\."
    with pytest.raises(DeviceError, match=message):
        backbone.render(backbone.encode(["a cat"]), seeds=[1])


@pytest.mark.parametrize(
    ("dtype", "hint"),
    [("float16", "Use --dtype bfloat16 or float32."), ("bfloat16", "Use --dtype float32."), ("float32", "Lower --strength")],
)
def test_the_setting_in_use_is_never_the_cure(tiny_sdxl: Path, dtype: str, hint: str) -> None:
    kind: Any = getattr(torch, dtype)
    backbone = SDXLBackbone(load_pipeline(tiny_sdxl, kind), precision=Precision(weights=kind), source=tiny_sdxl)
    features = backbone.encode(["a cat"])
    with pytest.raises(DeviceError, match=f"The picture overflowed in {dtype}") as caught:
        backbone.render(features.with_tokens(features.tokens * torch.inf), seeds=[1], sampling=Sampling(steps=2, size=(32, 32)))
    assert caught.value.hint.startswith(hint)


def test_an_encoder_with_broken_weights_writes_no_features(copy: Path) -> None:
    file = weights_of(copy, "text_encoder_2")
    name = next(key for key in load_file(file) if key.endswith("layers.0.mlp.fc1.weight"))
    change(file, name, spoilt)
    encoder = open_encoder(copy, device="cpu")
    with pytest.raises(
        CheckpointError, match=r"text_encoder_2.*the tensor .*layers\.0\.mlp\.fc1\.weight holds values that are not"
    ):
        encoder.encode(["a cat", "a dog"])


def test_broken_tensor_names_the_first_and_overlooks_what_is_not_in_memory() -> None:
    nan = torch.tensor([1.0, torch.nan])
    assert broken_tensor([("a", torch.ones(2)), ("b", nan), ("c", nan)]) == "b"
    assert broken_tensor([("a", torch.ones(2)), ("b", torch.tensor([1])), ("c", nan.to("meta"))]) is None
