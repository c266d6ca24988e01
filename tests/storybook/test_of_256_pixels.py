"""A model in the shape of a storybook of 256 pixels, 16 of them to a latent, through everything that reads sizes from a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from emoticrafter import EmotiCrafter, Emotion, Picture
from emoticrafter.backbones.registry import open_backbone
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.batch import plan_rows, run_batch
from emoticrafter.batch.plan import read_plan
from emoticrafter.errors import InputError
from emoticrafter.judges import storybook_judges
from emoticrafter.recipe import read_recipe
from emoticrafter.request import Request
from emoticrafter.rivals import Budget, open_method, train_method
from emoticrafter.rivals.denoising import DenoisingRival
from emoticrafter.rivals.material import cached_latents
from emoticrafter.rivals.opening import method_class
from emoticrafter.rivals.scenes import storybook_material
from tests.cli.conftest import Done, cli  # noqa: F401 (a fixture)

SAD, HAPPY = Emotion(valence=-2, arousal=1), Emotion(valence=3, arousal=-1)
PROMPT = "a cat on the beach"
Cli = Callable[..., Done]


@pytest.fixture(scope="module")
def crafter(tiny_storybook: Path) -> EmotiCrafter:
    return EmotiCrafter.from_pretrained(tiny_storybook, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def backbone(crafter: EmotiCrafter) -> SDXLBackbone:
    assert isinstance(crafter.backbone, SDXLBackbone)
    return crafter.backbone


def array(picture: Picture) -> np.ndarray:
    return np.asarray(picture.image, dtype=np.int16)


def test_generate_and_grid_give_256_pixels_and_a_recipe_that_keeps_what_was_asked(crafter: EmotiCrafter, tmp_path: Path) -> None:
    whole, small = (crafter.generate(PROMPT, SAD, seed=7, size=size)[0] for size in (None, 128))
    assert (whole.image.size, small.image.size) == ((256, 256), (128, 128))
    assert [(one.recipe["width"], one.recipe["height"]) for one in (whole, small)] == [(256, 256), (128, 128)]
    again = crafter.again(read_recipe(small.save(tmp_path / "small.png")))
    assert np.array_equal(array(again), array(small))
    assert np.abs(array(small) - array(whole).reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))).max() <= 1
    sheet = crafter.grid(PROMPT, valences=[-2, 3], arousals=[1], seed=7, size=128)
    assert [one.image.size for one in sheet.pictures] == [(128, 128)] * 2
    assert np.abs(array(sheet.pictures[0]) - array(small)).max() <= 1
    assert sheet.image().width > 256
    with pytest.raises(InputError, match=r"one of 256, 384, 512"):
        crafter.check(Request.of(PROMPT, SAD, size=(1024, 1024)))


def test_start_keeps_the_first_steps_neutral(crafter: EmotiCrafter) -> None:
    told: dict[str, Any] = {"seed": 7, "steps": 4, "size": (384, 256)}
    neutral = crafter.generate(PROMPT, SAD, strength=0, **told)[0]
    late, half = (crafter.generate(PROMPT, SAD, start=start, **told)[0] for start in (1.0, 0.5))
    assert np.array_equal(array(late), array(neutral))
    assert np.abs(array(half) - array(neutral)).max() > 2
    assert half.image.size == (384, 256)


def test_a_batch_has_as_many_at_once_as_the_latents_allow(crafter: EmotiCrafter, tmp_path: Path) -> None:
    assert crafter.describe()["defaults"]["pixels_per_latent"] == 16
    done = run_batch(crafter, plan_rows(["a cat"], [SAD, HAPPY], [0], {"steps": 1, "size": 128}), tmp_path)
    assert read_plan(tmp_path / "plan.parquet").batch == 32
    assert pq.read_table(done.index)["width"].to_pylist() == [128, 128]
    assert {Image.open(path).size for path in tmp_path.rglob("*.png")} == {(128, 128)}
    own = run_batch(crafter, plan_rows(["a cat"], [SAD], [0], {"steps": 1}), tmp_path / "own")
    assert read_plan(tmp_path / "own" / "plan.parquet").batch == 32
    assert pq.read_table(own.index)["width"].to_pylist() == [256]


def test_rivals_encode_pictures_of_256_pixels_to_16_x_16_latents(backbone: SDXLBackbone, tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (2, 256, 256, 3), dtype=np.uint8)
    latents = cached_latents(backbone, iter(pictures), 2, {}, tmp_path, quiet=True)
    assert latents.shape == (2, 16, 16, 16)
    with torch.no_grad():
        found = backbone.denoiser.decode_latents(torch.from_numpy(latents[:].copy()).float())
        assert [image.size for image in found] == [(256, 256)] * 2
        pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 127.5 - 1
        expected = backbone.pipeline.vae.encode(pixels).latent_dist.mean
    np.testing.assert_allclose(latents, expected.numpy() * backbone.pipeline.vae.config.scaling_factor, atol=1e-3)


@pytest.mark.parametrize("name", ["cross_attention", "textual_inversion"])
def test_a_rival_learns_and_draws_upon_it(name: str, backbone: SDXLBackbone, tmp_path: Path) -> None:
    material = storybook_material(backbone, 6, cache=tmp_path / "cache", quiet=True)
    assert material.size == (256, 256)
    assert material.latents is not None
    assert material.latents.shape[1:] == (16, 16, 16)
    told: list[Any] = []
    hook = backbone.pipeline.unet.register_forward_pre_hook(
        lambda _, __, named: told.append(named["added_cond_kwargs"]["time_ids"][0].tolist()), with_kwargs=True
    )
    try:
        _, learned = train_method(name, material, tmp_path / "rival", Budget(steps=2), backbone=backbone, quiet=True)
        assert learned.steps == 2
        trained = len(told)
        picture = open_method(tmp_path / "rival", backbone).generate(PROMPT, SAD, seed=1, size=128)[0]
    finally:
        hook.remove()
    assert 0 < trained < len(told)
    assert told == [[128, 128, 0, 0, 128, 128]] * len(told)  # learning and drawing hear the same
    assert picture.image.size == (128, 128)
    assert issubclass(method_class(name), DenoisingRival)


def test_the_judges_read_pictures_of_256_pixels_as_their_means(crafter: EmotiCrafter) -> None:
    judges = storybook_judges()
    pictures = [np.asarray(one.image) for one in crafter.generate(PROMPT, [SAD, HAPPY], seed=3)]
    means = [one.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3)) for one in pictures]
    small = [np.rint(one).astype(np.uint8) for one in means]
    np.testing.assert_allclose(judges.emotion.emotions(pictures), judges.emotion.emotions(small), atol=0.02)
    seen = judges.content.contents([*pictures, *small])
    assert [one.place for one in seen[:2]] == [one.place for one in seen[2:]]
    network = judges.emotion.network
    with torch.no_grad():
        exact = torch.from_numpy(np.stack(means)).permute(0, 3, 1, 2).float() / 127.5 - 1
        expected = network(exact)["feeling"].numpy()
    np.testing.assert_allclose(network.read(np.stack(pictures))["feeling"], expected, atol=1e-4)


def test_an_evaluation_upon_it_ends_in_a_report(cli: Cli, tiny_storybook: Path, tmp_path: Path) -> None:  # noqa: F811
    settings = (
        f"model.backbone={tiny_storybook}", "model.steps=1", "model.guidance_range=[0.3,1]", "prompts.count=2",
        "emotions.valences=[-3,3]", "emotions.arousals=[-3,3]", "metrics.samples=20", "metrics.diversity_prompts=0",
        "metrics.step_prompts=0", "sweep.factors=[]", "show.grids=1",
    )  # fmt: skip
    options = [part for text in settings for part in ("--set", text)]
    command = ("evaluate", "--suite", "quick", *options, "--methods", "ours", "--device", "cpu", "--dtype", "float32")
    done = cli(*command, "--out", "report", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)["report"]
    assert [row["label"] for row in report["rows"]] == ["always 0", "no emotion", "truth", "ours"]
    assert report["suite"]["settings"]["model"]["guidance_range"] == [0.3, 1.0]
    drawn = [*(tmp_path / "report" / "work" / "pictures").rglob("*.png")]
    assert len(drawn) == 2 + 8 + 8
    assert {Image.open(path).size for path in drawn} == {(256, 256)}
    assert {tuple(read_recipe(path)["guidance_range"]) for path in drawn} == {(0.3, 1.0)}


def test_commands_draw_it_at_either_size(cli: Cli, tiny_storybook: Path, tmp_path: Path) -> None:  # noqa: F811
    model = ("--backbone", str(tiny_storybook), "--device", "cpu", "--dtype", "float32")
    for size, side in ((), 256), (("--size", "128"), 128), (("--size", "512"), 512):
        assert cli("generate", "a cat", "--mood", "sad", *size, "--out", f"{side}.png", *model).code == 0
        assert Image.open(tmp_path / f"{side}.png").size == (side, side)
    refused = cli("generate", "a cat", "--size", "320", "--out", "no.png", *model)
    assert refused.code == 2
    assert "320 x 320; each side must be one of 256, 384, 512" in refused.err
    assert not (tmp_path / "no.png").exists()


def test_diffusers_itself_runs_the_folder(tiny_storybook: Path) -> None:
    from diffusers import StableDiffusionXLPipeline

    pipeline = StableDiffusionXLPipeline.from_pretrained(tiny_storybook)
    image = pipeline("a cat", num_inference_steps=2, generator=torch.Generator().manual_seed(0)).images[0]
    assert image.size == (256, 256)
    assert isinstance(open_backbone(tiny_storybook, device="cpu"), SDXLBackbone)
