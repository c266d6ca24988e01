"""Sizes that a model draws, that are brought down from larger ones, and that its network is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.backbones.sdxl.sampling import _batch_size
from emoticrafter.backbones.sizes import Sizes
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.sampling import Sampling

PROMPT = "a cat on the beach"
Size = tuple[int, int]


def sizes(cell: int = 16, levels: int = 3, own: int = 256, **settings: Any) -> Sizes:
    return Sizes.of(cell, levels, own, settings, "a model")


@pytest.fixture(scope="module")
def backbone(tiny_storybook: Path) -> SDXLBackbone:
    return SDXLBackbone.open(tiny_storybook, name="tiny", device="cpu", dtype="float32")


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float64)


def draw(backbone: SDXLBackbone, size: Size | None = None, **more: Any) -> Image.Image:
    return backbone.render(backbone.encode([PROMPT]), seeds=[7], sampling=Sampling(size=size, steps=2, **more))[0]


def means(picture: np.ndarray, times: int) -> np.ndarray:
    """The means of squares of so many pixels."""
    height, width, _ = picture.shape
    return picture.reshape(height // times, times, width // times, times, 3).mean(axis=(1, 3))


# The rule


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [
        ((256, 256), (256, 256)), ((384, 256), (384, 256)), ((512, 512), (512, 512)),
        ((128, 128), (256, 256)), ((64, 64), (256, 256)), ((192, 192), (256, 256)), ((100, 100), (256, 256)),
        ((8, 8), (256, 256)), ((128, 192), (256, 384)), ((256, 128), (512, 256)), ((100, 150), (256, 384)),
    ],
)  # fmt: skip
def test_what_is_listed_is_drawn_and_smaller_pictures_come_from_it(asked: Size, drawn: Size) -> None:
    assert sizes(sizes=[256, 384, 512]).drawn(asked, "tiny") == drawn


@pytest.mark.parametrize(
    "asked",
    [(320, 320), (1024, 1024), (640, 256), (256, 320), (96, 128), (128, 320), (4, 4), (0, 0), (-8, 8), (True, 256), (256.0, 256)],
)
def test_what_is_not_listed_is_refused(asked: Any) -> None:
    with pytest.raises(InputError, match=r"one of 256, 384, 512, or both smaller in such a shape.*tiny is best at 256 x 256"):
        sizes(sizes=[256, 384, 512]).drawn(asked, "tiny")


def test_without_a_list_any_multiple_is_drawn_as_it_is() -> None:
    for asked in ((64, 64), (272, 256), (1024, 64)):
        assert sizes().drawn(asked, "tiny") == asked
    for wrong in ((72, 64), (48, 64), (8208, 64)):
        with pytest.raises(InputError, match="each side must be a multiple of 16 from 64 to 8192"):
            sizes().drawn(wrong, "tiny")
    assert sizes(cell=2, own=32).drawn((40, 8), "tiny") == (40, 8)
    with pytest.raises(InputError, match="a multiple of 8 from 8 to 8192"):
        sizes(cell=2, own=32).drawn((36, 32), "tiny")


def test_the_network_is_told_in_the_measure_of_its_training() -> None:
    assert sizes().told_of((384, 256)) == (384, 256)
    assert sizes(told_size=128).told_of((384, 256)) == (192, 128)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sizes": [256, 300]}, r"\[256, 300\]; they must be multiples of 16 from 64 to 8192"),
        ({"sizes": [32, 256]}, "from 64"),
        ({"sizes": [384, 512]}, "its own, 256, among them"),
        ({"sizes": [256, 16384]}, "8192"),
        ({"sizes": 256}, "multiples of 16"),
        ({"sizes": [256.0]}, "multiples of 16"),
        ({"sizes": ["256"]}, "multiples of 16"),
        ({"told_size": 0}, "told_size of a model is 0"),
        ({"told_size": "128"}, "told_size of a model is 128"),
        ({"told_size": None}, "told_size of a model is None"),
    ],
)
def test_a_folder_that_says_nonsense_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        sizes(**settings)


@pytest.mark.parametrize(("size", "cell", "expected"), [(128, 8, 32), (256, 8, 8), (256, 16, 32), (512, 16, 8), (1024, 8, 1)])
def test_a_cpu_draws_as_many_at_once_as_their_latents_allow(size: int, cell: int, expected: int) -> None:
    assert _batch_size(torch.device("cpu"), (size, size), cell) == expected


# A model of 16 pixels to a latent


def test_a_picture_has_16_pixels_to_a_latent(backbone: SDXLBackbone) -> None:
    assert (backbone.defaults.size, backbone.pixels_per_latent) == ((256, 256), 16)
    shapes: list[Any] = []
    hook = backbone.pipeline.unet.register_forward_pre_hook(lambda _, given: shapes.append(tuple(given[0].shape[1:])))
    try:
        made = [draw(backbone, size).size for size in (None, (384, 256), (128, 128), (64, 96))]
    finally:
        hook.remove()
    assert made == [(256, 256), (384, 256), (128, 128), (64, 96)]
    assert shapes == [(16, 16, 16)] * 2 + [(16, 16, 24)] * 2 + [(16, 16, 16)] * 2 + [(16, 24, 16)] * 2


@pytest.mark.parametrize(("size", "times"), [(128, 2), (64, 4)])
def test_a_smaller_picture_is_the_larger_one_by_means_over_areas(backbone: SDXLBackbone, size: int, times: int) -> None:
    whole, small = draw(backbone), draw(backbone, (size, size))
    assert np.abs(means(pixels(whole), times) - pixels(small)).max() <= 1  # both are rounded
    assert np.array_equal(pixels(small), pixels(draw(backbone, (size, size))))
    assert np.abs(pixels(small) - pixels(draw(backbone, (size, size), guidance=0))).max() > 2


def test_a_size_between_is_brought_down_too(backbone: SDXLBackbone) -> None:
    """Each pixel is the mean of those that it touches: 192 of 256 touch two in each direction."""
    whole, small = pixels(draw(backbone)), pixels(draw(backbone, (192, 192)))
    firsts = [4 * i // 3 for i in range(192)]
    rows = (whole[firsts] + whole[[i + 1 for i in firsts]]) / 2
    expected = (rows[:, firsts] + rows[:, [i + 1 for i in firsts]]) / 2
    assert np.abs(expected - small).max() <= 1


def test_the_network_is_told_the_size_of_its_training(backbone: SDXLBackbone, tiny_storybook: Path, tmp_path: Path) -> None:
    def heard(one: SDXLBackbone, size: Size, **more: Any) -> list[Any]:
        told: list[Any] = []
        hook = one.pipeline.unet.register_forward_pre_hook(
            lambda _, __, named: told.append(named["added_cond_kwargs"]["time_ids"].tolist()), with_kwargs=True
        )
        try:
            draw(one, size, **more)
        finally:
            hook.remove()
        return told

    assert heard(backbone, (256, 256)) == [[[128, 128, 0, 0, 128, 128]] * 2] * 2
    assert heard(backbone, (128, 128)) == [[[128, 128, 0, 0, 128, 128]] * 2] * 2  # it is drawn at 256
    assert heard(backbone, (384, 256)) == [[[128, 192, 0, 0, 128, 192]] * 2] * 2  # heights first
    assert heard(backbone, (256, 256), guidance_range=(0, 0.6)) == [
        [[128, 128, 0, 0, 128, 128]],
        [[128, 128, 0, 0, 128, 128]] * 2,
    ]
    folder = Path(shutil.copytree(tiny_storybook, tmp_path / "copy"))
    settings = json.loads((folder / "defaults.json").read_text())
    settings.pop("told_size")
    (folder / "defaults.json").write_text(json.dumps(settings))
    plain = SDXLBackbone.open(folder, device="cpu", dtype="float32")
    assert heard(plain, (384, 256)) == [[[256, 384, 0, 0, 256, 384]] * 2] * 2
    assert np.abs(pixels(draw(plain)) - pixels(draw(backbone))).max() > 0
    (folder / "defaults.json").write_text(json.dumps({**settings, "sizes": [250]}))
    with pytest.raises(CheckpointError, match=r"The sizes of .* are \[250\]"):
        SDXLBackbone.open(folder, device="cpu")


def test_sizes_that_are_not_listed_are_refused_before_any_work(backbone: SDXLBackbone, monkeypatch: pytest.MonkeyPatch) -> None:
    features = backbone.encode([PROMPT])
    monkeypatch.setattr(backbone._sampler, "sample", None)
    with pytest.raises(InputError, match=r"The size is 320 x 320; each side must be one of 256, 384, 512"):
        backbone.render(features, seeds=[1], sampling=Sampling(size=(320, 320)))


def test_a_watermark_is_put_on_the_picture_as_it_is_given(backbone: SDXLBackbone, monkeypatch: pytest.MonkeyPatch) -> None:
    class Marking:
        def apply_watermark(self, images: torch.Tensor) -> torch.Tensor:
            assert images.shape[-2:] == (128, 128)
            return -images

    plain = pixels(draw(backbone, (128, 128)))
    monkeypatch.setattr(backbone.pipeline, "watermark", Marking())
    assert np.abs(plain + pixels(draw(backbone, (128, 128))) - 255).max() <= 1
