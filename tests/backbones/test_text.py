"""The text encoders by themselves give the features that the whole backbone gives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import torch

from emoticrafter.backbones import registry
from emoticrafter.backbones.registry import open_backbone, open_encoder
from emoticrafter.backbones.sdxl import text
from emoticrafter.backbones.sdxl.text import SDXLPromptEncoder
from emoticrafter.errors import CheckpointError, DeviceError, InputError, MissingError
from tests.single_file import write_single_file
from tests.tiny import SECTION

PROMPTS = ["a cat on the beach", "", "A  RED ball, playing", "a child playing in the forest, berry", "naïve 海"]


@pytest.fixture(scope="module")
def encoder(tiny_sdxl: Path) -> SDXLPromptEncoder:
    return SDXLPromptEncoder.open(tiny_sdxl, device="cpu")


@pytest.mark.parametrize("name", ["tiny", "storybook"])
def test_the_features_are_those_of_the_backbone(name: str, tiny_sdxl: Path) -> None:
    source = tiny_sdxl if name == "tiny" else name
    encoder, backbone = open_encoder(source, device="cpu"), open_backbone(source, device="cpu")
    assert (encoder.family, encoder.prompt_channels, encoder.section) == (
        backbone.family,
        backbone.prompt_channels,
        backbone.section,
    )
    assert encoder.computed == "float32"
    found, expected = encoder.encode(PROMPTS).tokens, backbone.encode(PROMPTS).tokens[:, : backbone.section]
    assert found.shape == (len(PROMPTS), encoder.section, encoder.prompt_channels)
    assert torch.allclose(found, expected, atol=1e-4), (found - expected).abs().max()


def test_plain_layers_give_the_same(tiny_sdxl: Path, encoder: SDXLPromptEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_has_onednn", lambda: False)
    plain = SDXLPromptEncoder.open(tiny_sdxl, device="cpu")
    assert torch.allclose(plain.encode(PROMPTS).tokens, encoder.encode(PROMPTS).tokens, atol=1e-5)


def test_quick_gelu_in_parts_is_the_same_to_the_bit() -> None:
    from transformers.activations import QuickGELUActivation

    x = 4 * torch.randn(3, 300, 7)
    assert torch.equal(text._QuickGELU()(x.clone()), QuickGELUActivation()(x))


def test_bits_do_not_depend_on_the_number_of_threads(encoder: SDXLPromptEncoder) -> None:
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            assert encoder.threads == threads
            found.append(encoder.encode(PROMPTS * 10).tokens)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_a_prompt_of_several_sections_keeps_its_first(tiny_sdxl: Path, encoder: SDXLPromptEncoder) -> None:
    long = "a cat on the beach " * 4
    whole = open_backbone(tiny_sdxl, device="cpu").encode([long]).tokens
    assert whole.shape[1] > SECTION
    assert torch.allclose(encoder.encode([long]).tokens, whole[:, :SECTION], atol=1e-5)


def test_lengths_count_start_and_end(encoder: SDXLPromptEncoder) -> None:
    assert encoder.lengths(["a cat", "", "a cat on the beach " * 4]) == [4, 2, 22]
    assert encoder.lengths([]) == []


def test_a_counted_prompt_is_split_once_and_then_forgotten(
    tiny_sdxl: Path, encoder: SDXLPromptEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = SDXLPromptEncoder.open(tiny_sdxl, device="cpu")
    split: list[str] = []
    real = fresh._ids

    def counted(prompts: list[str]) -> Any:
        split.extend(prompts)
        return real(prompts)

    monkeypatch.setattr(fresh, "_ids", counted)
    fresh.lengths(PROMPTS)
    found = fresh.encode([*PROMPTS[1:], "a dog", *PROMPTS]).tokens
    assert split == [*PROMPTS, "a dog"]
    assert torch.equal(found[:4], found[6:])
    assert torch.equal(found[5:], encoder.encode([*PROMPTS[1:], "a dog", *PROMPTS]).tokens[5:])
    assert fresh._counted == {}


def test_tokenizers_that_split_otherwise_are_both_asked(tiny_sdxl: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_sdxl, tmp_path / "other"))
    path = folder / "tokenizer_2" / "tokenizer.json"
    parts = json.loads(path.read_text())
    parts["model"]["merges"] = []  # letters only
    path.write_text(json.dumps(parts))
    both = [SDXLPromptEncoder.open(source, device="cpu") for source in (tiny_sdxl, folder)]
    assert [one._alike for one in both] == [False, False]  # the tiny ones' fillers differ, as SDXL's do, and "!" with them
    assert open_encoder("storybook", device="cpu")._alike  # type: ignore[attr-defined]
    assert [one.lengths(["a cat", "beach"]) for one in both] == [[4, 3], [6, 7]]
    usual, other = (one.encode(["a cat"]).tokens for one in both)
    assert torch.equal(usual[..., :12], other[..., :12])
    assert not torch.allclose(usual[..., 12:], other[..., 12:], atol=1e-3)


def test_the_fingerprint_is_of_the_text_encoders_alone(tiny_sdxl: Path, encoder: SDXLPromptEncoder, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(tiny_sdxl, tmp_path / "other"))
    for part in ("unet", "vae", "emotion"):
        shutil.rmtree(folder / part)  # never read
    assert SDXLPromptEncoder.open(folder, device="cpu").fingerprint == encoder.fingerprint
    assert SDXLPromptEncoder.open(folder, device="cpu", dtype="bfloat16").fingerprint == encoder.fingerprint
    path = folder / "text_encoder_2" / "model.safetensors"
    weights = load_file(path)
    next(iter(weights.values())).view(-1)[0] += 1
    save_file(weights, path, metadata={"format": "pt"})
    assert SDXLPromptEncoder.open(folder, device="cpu").fingerprint != encoder.fingerprint


def test_a_dtype_to_compute_in_is_kept_to(tiny_sdxl: Path, encoder: SDXLPromptEncoder) -> None:
    rough = SDXLPromptEncoder.open(tiny_sdxl, device="cpu", dtype="bfloat16")
    assert rough.computed == "bfloat16"
    found = rough.encode(PROMPTS).tokens
    assert found.dtype == torch.bfloat16
    assert 1e-4 < (found.float() - encoder.encode(PROMPTS).tokens).abs().max() < 0.2
    with pytest.raises(InputError, match="float16"):
        SDXLPromptEncoder.open(tiny_sdxl, device="cpu", dtype="float16")


def test_too_large_a_batch_is_an_error_with_a_cure(tiny_sdxl: Path) -> None:
    encoder = SDXLPromptEncoder.open(tiny_sdxl, device="cpu")

    def small_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    encoder._towers[1].register_forward_pre_hook(small_memory)
    with pytest.raises(DeviceError, match="5 prompts at once") as caught:
        encoder.encode(PROMPTS)
    assert "--batch" in caught.value.hint


def test_of_a_hub_model_only_the_text_half_is_fetched(
    tiny_sdxl: Path, encoder: SDXLPromptEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetch(repository: str, files: Sequence[str]) -> Path:
        names = [path.relative_to(tiny_sdxl).as_posix() for path in tiny_sdxl.rglob("*") if path.is_file()]
        asked.extend(name for name in names if any(fnmatch(name, pattern) for pattern in files))
        return tiny_sdxl

    monkeypatch.setattr(registry, "fetch", fetch)
    monkeypatch.setattr(text, "fetch", fetch)
    assert open_encoder("someone/model", device="cpu").fingerprint == encoder.fingerprint
    assert {"model_index.json", "defaults.json", "text_encoder_2/model.safetensors", "tokenizer/tokenizer.json"} <= set(asked)
    assert not [name for name in asked if "safetensors" in name and not name.startswith("text_encoder")]


def test_what_is_no_model_is_an_error(tiny_sdxl: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no backbone 'nonesuch'"):
        open_encoder("nonesuch")
    with pytest.raises(MissingError, match=r"model_index\.json"):
        open_encoder(tmp_path)
    folder = Path(shutil.copytree(tiny_sdxl, tmp_path / "broken"))
    (folder / "text_encoder" / "model.safetensors").write_bytes(b"\0" * 50)
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        open_encoder(folder)


def test_a_single_file_holds_the_same_encoders(tiny_sdxl: Path, encoder: SDXLPromptEncoder, tmp_path: Path) -> None:
    path = write_single_file(tiny_sdxl, tmp_path / "model.safetensors")
    found = SDXLPromptEncoder.open(path, device="cpu", config=str(tiny_sdxl))
    assert torch.equal(found.encode(PROMPTS).tokens, encoder.encode(PROMPTS).tokens)
    assert found.fingerprint == encoder.fingerprint
