"""LoRA weights: how many of their tensors fit is counted and told, and what does not fit is refused with what it is for."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from emoticrafter.backbones.lora_files import Lora
from emoticrafter.backbones.loras import LoraWarning, read_lora
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.errors import CheckpointError, InputError, MissingError

Shapes = dict[str, tuple[int, ...]]
WIDTH = 32  # of a tiny SDXL's prompts


@pytest.fixture(scope="module")
def layers(tiny_sdxl: Path) -> Shapes:
    """The linear layers of the UNet, with the shapes of their weights."""
    unet = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32").pipeline.unet
    return {name: tuple(module.weight.shape) for name, module in unet.named_modules() if isinstance(module, torch.nn.Linear)}


def lora_of(layers: Shapes) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    sides = {
        f"unet.{name}.{side}.weight": shape
        for name, (out, into) in layers.items()
        for side, shape in (("lora_A", (2, into)), ("lora_B", (out, 2)))
    }
    return {name: torch.randn(shape) for name, shape in sides.items()}


def kohya_of(layers: Shapes) -> dict[str, torch.Tensor]:
    """The same in the form of the most used trainer, each pair with a scale of its own."""
    names = {"lora_A": "lora_down", "lora_B": "lora_up"}
    made: dict[str, torch.Tensor] = {}
    for name, tensor in lora_of(layers).items():
        layer, side, _ = name.removeprefix("unet.").rsplit(".", 2)
        made[f"lora_unet_{layer.replace('.', '_')}.{names[side]}.weight"] = tensor
        made[f"lora_unet_{layer.replace('.', '_')}.alpha"] = torch.tensor(2.0)
    return made


def wrong(count: int, width: int = WIDTH) -> Shapes:
    """Layers that this UNet does not have, as a deeper one has them."""
    return {f"down_blocks.7.attentions.{i}.transformer_blocks.0.attn2.to_k": (16, width) for i in range(count)}


def write(tensors: dict[str, torch.Tensor], path: Path, **metadata: str) -> str:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, {"format": "pt", **metadata})
    return str(path)


def opened(folder: Path, lora: str) -> SDXLBackbone:
    return SDXLBackbone.open(folder, device="cpu", dtype="float32", loras=[lora])


def drawn(backbone: SDXLBackbone) -> np.ndarray:
    return np.asarray(backbone.render(backbone.encode(["a cat"]), seeds=[1])[0], np.int16)


@pytest.mark.parametrize("form", [lora_of, kohya_of])
def test_one_that_fits_is_used_whole_and_nothing_is_said(
    tiny_sdxl: Path, layers: Shapes, tmp_path: Path, form: Callable[[Shapes], dict[str, torch.Tensor]]
) -> None:
    some = {name: shape for name, shape in layers.items() if "attn2.to_v" in name}
    path = write(form(some), tmp_path / "style.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("error", LoraWarning)
        changed = drawn(opened(tiny_sdxl, path))
    plain = drawn(SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32"))
    assert np.abs(changed - plain).max() > 2


def test_a_folder_with_one_file_is_that_file(tiny_sdxl: Path, layers: Shapes, tmp_path: Path) -> None:
    (tmp_path / "style").mkdir()
    path = write(lora_of(layers), tmp_path / "style" / "any.safetensors")
    assert read_lora(f"{tmp_path}/style:0.5") == Lora(source=path, scale=0.5)
    assert np.array_equal(drawn(opened(tiny_sdxl, path)), drawn(opened(tiny_sdxl, str(tmp_path / "style"))))
    write(lora_of(layers), tmp_path / "style" / "other.safetensors")
    with pytest.raises(MissingError, match=r"holds 2 \.safetensors files. Give the file itself"):
        read_lora(str(tmp_path / "style"))
    write(lora_of(layers), tmp_path / "style" / "pytorch_lora_weights.safetensors")
    assert read_lora(str(tmp_path / "style")).source.endswith("pytorch_lora_weights.safetensors")


def test_tensors_that_fit_nothing_are_counted_and_told(tiny_sdxl: Path, layers: Shapes, tmp_path: Path) -> None:
    two = dict(list(layers.items())[:2])
    path = write(lora_of({**two, **wrong(1)}), tmp_path / "style.safetensors")
    with pytest.warns(LoraWarning, match=r"Of the 6 tensors of the LoRA '.*style\.safetensors', 4 fit this model"):
        opened(tiny_sdxl, path)


def test_what_the_library_leaves_out_is_told_too(tiny_sdxl: Path, layers: Shapes, tmp_path: Path) -> None:
    some = {name: shape for name, shape in layers.items() if "attn2.to_v" in name}
    tensors = kohya_of(some)
    layer = next(iter(tensors)).partition(".")[0]
    path = write({**tensors, f"{layer}.dora_scale": torch.ones(1, 4)}, tmp_path / "style.safetensors")
    count = 2 * len(some)
    with pytest.warns(LoraWarning, match=rf"Of the {count + 1} tensors of the LoRA '.*', {count} fit this model"):
        opened(tiny_sdxl, path)


def test_one_that_fits_by_less_than_half_is_refused(tiny_sdxl: Path, layers: Shapes, tmp_path: Path) -> None:
    two = dict(list(layers.items())[:2])
    path = write(lora_of({**two, **wrong(40)}), tmp_path / "style.safetensors")
    with pytest.raises(CheckpointError, match=r"Of the 84 tensors of the LoRA '.*', 4 fit this model; it seems") as caught:
        opened(tiny_sdxl, path)
    assert caught.value.hint == "Give one that was made for this model, whose prompts have 32 channels."


@pytest.mark.parametrize(
    ("tensors", "metadata", "model"),
    [
        (lora_of(wrong(3, 768)), {}, "Stable Diffusion 1"),
        (kohya_of(wrong(3, 1024)), {}, "Stable Diffusion 2"),
        (lora_of(wrong(3, 2048)), {}, "SDXL"),
        (lora_of(wrong(3, 96)), {}, "a model whose prompts have 96 channels"),
        (lora_of(wrong(3, 96)), {"modelspec.architecture": "flux-1-dev/lora"}, "'flux-1-dev/lora'"),
        ({"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": torch.zeros(2, 8)}, {}, "a model without a UNet"),
        ({"nonsense": torch.zeros(1)}, {}, "another kind of model, or to be no LoRA"),
    ],
    ids=["sd1", "sd2", "sdxl", "width", "told", "flux", "none"],
)
def test_one_of_which_nothing_fits_is_refused_with_what_it_is_for(
    tiny_sdxl: Path, tmp_path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str], model: str
) -> None:
    path = write(tensors, tmp_path / "style.safetensors", **metadata)
    with pytest.raises(CheckpointError, match="0 fit this model") as caught:
        opened(tiny_sdxl, path)
    assert f"it seems to be made for {model}" in str(caught.value)
    assert "whole model" not in str(caught.value)


def test_one_of_the_right_layers_and_another_width_is_refused(
    tiny_sdxl: Path, layers: Shapes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("diffusers"), "propagate", True)
    wide: Shapes = {name: (out, 768) for name, (out, _) in layers.items() if name.endswith(("attn2.to_k", "attn2.to_v"))}
    path = write(lora_of(wide), tmp_path / "style.safetensors")
    with pytest.raises(CheckpointError, match=r"0 fit this model; it seems to be made for Stable Diffusion 1\."):
        opened(tiny_sdxl, path)
    assert caplog.text == "", "the library's own words are no help beside ours"


# Before a model is loaded


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("emoticrafter.backbones.sdxl.opening.load_pipeline", refused)


@pytest.mark.usefixtures("no_model")
def test_values_that_are_not_finite_are_told_before_a_model_is_loaded(tiny_sdxl: Path, layers: Shapes, tmp_path: Path) -> None:
    path = tmp_path / "style.safetensors"
    write(lora_of(layers), path)
    tensors = load_file(path)
    name = sorted(tensors)[3]
    tensors[name][0, 0] = torch.inf
    save_file(tensors, path)
    with pytest.raises(CheckpointError) as caught:
        opened(tiny_sdxl, str(path))
    told = f"In the LoRA {str(path)!r} the tensor {name} holds values that are not finite. Fetch or train it again."
    assert str(caught.value) == told


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize(
    ("lora", "error", "message"),
    [
        ("gone.safetensors", MissingError, r"There is no LoRA 'gone\.safetensors'"),
        ("gone/sub/file.safetensors:0.5", MissingError, "There is no LoRA"),
        ("text.bin", CheckpointError, r"is not a \.safetensors file; other forms can hold code"),
        ("cut.safetensors", CheckpointError, "is corrupt or cut short"),
        ("cut.safetensors:99", InputError, "Give a number from -10 to 10"),
        ("cut.safetensors:nan", InputError, "Give a number from -10 to 10"),
        (
            "cut.safetensors:abc",
            InputError,
            r"scale of the LoRA 'cut\.safetensors' is 'abc', which is no number. Give a number from -10",
        ),
        ("owner/name:abc", InputError, "scale of the LoRA 'owner/name' is 'abc', which is no number"),
        (
            "empty/gone.safetensors",
            MissingError,
            r"There is no LoRA 'empty/gone\.safetensors'. Give a .safetensors file, or a hub",
        ),
        ("nowhere/gone.safetensors:0.5", MissingError, r"There is no LoRA 'nowhere/gone\.safetensors'"),
        ("empty/gone.BIN", MissingError, r"There is no LoRA 'empty/gone\.BIN'"),
        ("empty/gone.pt", MissingError, r"There is no LoRA 'empty/gone\.pt'"),
        ("empty", MissingError, r"holds no \.safetensors file"),
    ],
)
def test_what_is_no_lora_is_told_before_a_model_is_loaded(
    tiny_sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lora: str, error: type[Exception], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.bin").write_bytes(b"x")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(error, match=message):
        opened(tiny_sdxl, lora)
