"""The parts of the build that are functions."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from transformers import CLIPTokenizer

from emoticrafter.emotion import Emotion
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.features.index import check_pairs
from emoticrafter.storybook.training import judge as judging
from emoticrafter.storybook.training import render as rendering
from emoticrafter.storybook.training import tokenizer as tokenizing
from emoticrafter.storybook.training.captioning import NOBODY, Choices, choose_captions, frequencies
from emoticrafter.storybook.training.common import Training, Workshop, cached_array, pictures_to_tensor, tensor_to_pictures
from emoticrafter.storybook.training.eit import EMPTY_EVERY, caption_pairs
from emoticrafter.storybook.training.phrasing import tokenize, truthful_caption
from emoticrafter.storybook.training.presets import CPU, GPU, NEEDS, PRESETS, SMOKE, STAGES, BuildRecipe
from emoticrafter.storybook.training.progress import Meter
from emoticrafter.storybook.training.render import CELL, Pictures, describe, load_marks, run
from emoticrafter.storybook.training.text import facts
from emoticrafter.storybook.training.vae import fold_statistics, psnr
from emoticrafter.storybook.world.scene import Scene, Subject
from emoticrafter.training import read_recipe


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A workshop with a tokenizer and pictures."""
    made = Workshop(preset=SMOKE, out=tmp_path_factory.mktemp("parts"), quiet=True)
    tokenizing.run(made)
    run(made)
    return made


@pytest.fixture(scope="module")
def tokenizer(work: Workshop) -> CLIPTokenizer:
    return tokenizing.load_tokenizer(work)


def test_rates_warm_up_and_fall_to_the_final_one() -> None:
    recipe = BuildRecipe(steps=100, batch=1, rate=1.0, final_rate=0.1, warmup=10)
    rates = [recipe.rate_at(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.1)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_sizes_of_the_parts_fit_together(preset: object) -> None:
    assert isinstance(preset, type(CPU))
    first, second = preset.text
    tokens = first["width"] + second["width"]
    assert preset.unet["cross_attention_dim"] == tokens
    assert preset.unet["projection_class_embeddings_input_dim"] == second["width"] + 6 * preset.unet["addition_time_embed_dim"]
    assert preset.unet["in_channels"] == preset.unet["out_channels"] == preset.vae["latent_channels"]
    assert preset.unet["sample_size"] * 2 ** (len(preset.vae["block_out_channels"]) - 1) == preset.size


@pytest.mark.parametrize("preset", [CPU, GPU], ids=["cpu", "gpu"])
def test_the_shipped_weights_stay_below_52_megabytes(preset: object, tokenizer: CLIPTokenizer) -> None:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    from emoticrafter.eit import EmotionInjectionTransformer
    from emoticrafter.storybook.training.text import text_config

    assert isinstance(preset, type(CPU))
    tokens = sum(sizes["width"] for sizes in preset.text)
    configs = [text_config(tokenizer, sizes) for sizes in preset.text]
    for config in configs:
        config.vocab_size = preset.vocabulary
    parts = (
        AutoencoderKL(**preset.vae),
        UNet2DConditionModel(**preset.unet),
        EmotionInjectionTransformer(read_recipe("storybook", preset.eit).model.eit(tokens, preset.prompt_tokens)),
        CLIPTextModel(configs[0]),
        CLIPTextModelWithProjection(configs[1]),
    )
    bytes_at_rest = 2 * sum(parameter.numel() for part in parts for parameter in part.parameters())
    assert bytes_at_rest < 51.9e6


def test_stages_come_after_what_they_need() -> None:
    for stage, needs in NEEDS.items():
        assert all(STAGES.index(need) < STAGES.index(stage) for need in needs)


def test_a_scene_is_a_function_of_split_number_and_seed() -> None:
    assert describe("train", 5, 0) == describe("train", 5, 0)
    assert describe("train", 5, 0) != describe("train", 5, 1)
    assert describe("train", 5, 0) != describe("train", 6, 0)


def test_tokens_of_known_unknown_and_long_texts(tokenizer: CLIPTokenizer) -> None:
    assert tokenizer("").input_ids == [tokenizer.bos_token_id, tokenizer.eos_token_id]
    assert tokenizer.decode(tokenizer("A DOG,on a beach").input_ids, skip_special_tokens=True) == "a dog , on a beach"
    strange = tokenizer("日本 🙂 é").input_ids
    assert set(strange[1:-1]) == {tokenizer.unk_token_id}  # and never the end of text, where the pooled feature is read
    ids = tokenize(tokenizer, ["dog " * 100, "dog"], torch.device("cpu"))
    assert ids.shape == (2, SMOKE.prompt_tokens)
    assert ids[0, -1] == ids[1, -1] == tokenizer.eos_token_id == tokenizer.pad_token_id == len(tokenizer) - 1


def test_the_tokenizer_comes_in_the_classic_files_too(work: Workshop, tokenizer: CLIPTokenizer) -> None:
    folder = work.folder("tokenizer") / "model"
    again = CLIPTokenizer(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"), unk_token=tokenizing.UNKNOWN)
    text = "a terrified girl with a balloon at the harbour"
    assert again(text).input_ids == tokenizer(text).input_ids


def test_captions_tell_the_truth() -> None:
    scene = Scene(place="beach", subjects=(Subject(kind="dog"),), seed=3)
    rng = random.Random(0)
    neutral = [truthful_caption(scene, Emotion(valence=0.0, arousal=0.1), rng) for _ in range(50)]
    strong = [choose_captions(scene, Emotion(valence=-3.0, arousal=3.0), rng) for _ in range(200)]
    assert any(len(text.split()) < 6 for text in neutral)
    assert all(text for text, _ in strong)
    assert 0.15 < np.mean([text == about for text, about in strong]) < 0.35


def test_choices_are_the_same_written_ahead_or_on_the_way(work: Workshop, tokenizer: CLIPTokenizer) -> None:
    folder = work.folder("render") / "train"
    here = Choices(folder, tokenizer, batch=3, seed=1).steps(5)
    ahead = Choices(folder, tokenizer, batch=3, seed=1, workers=1).steps(5)
    for one, two in islice(zip(here, ahead, strict=False), 3):
        assert np.array_equal(one.pictures, two.pictures)
        assert np.array_equal(one.ids, two.ids)
        assert np.array_equal(one.pooled_ids, two.pooled_ids)
        assert np.array_equal(one.told, two.told)
    ahead.close()  # type: ignore[attr-defined]


def test_rare_kinds_are_chosen_oftener(work: Workshop, tokenizer: CLIPTokenizer) -> None:
    girl, tiger = (Scene(place="park", subjects=(Subject(kind=kind),)) for kind in ("girl", "tiger"))
    both = Scene(place="park", subjects=(Subject(kind="tiger"), Subject(kind="girl")))
    often = frequencies([girl] * 7 + [tiger, both, Scene(place="park")])
    assert often[7] / often[0] == pytest.approx(2)  # eight girls, two tigers
    assert often[8] == often[7]
    assert often[:9].mean() == pytest.approx(1)
    assert often[9] == NOBODY
    assert frequencies([Scene(place="park")] * 2).tolist() == [1, 1]


def test_pictures_are_chosen_as_often_as_they_should_be(work: Workshop, tokenizer: CLIPTokenizer) -> None:
    pictures = Pictures(work.folder("render") / "train")
    choices = islice(Choices(work.folder("render") / "train", tokenizer, batch=40, seed=1).steps(0), 20)
    chosen = np.bincount(np.concatenate([choice.pictures for choice in choices]), minlength=len(pictures))
    often = frequencies(pictures.scenes)
    assert chosen.sum() == 800
    assert np.abs(chosen / 800 - often / often.sum()).max() < 0.025


def test_marks_lie_where_the_subjects_are(work: Workshop) -> None:
    folder = work.folder("render") / "train"
    pictures, marks = Pictures(folder), load_marks(folder)
    side = work.preset.size // CELL
    assert marks.shape == (len(pictures), side, side)
    for scene, mark in zip(pictures.scenes, marks, strict=True):
        assert bool(mark.any()) == bool(scene.subjects)
        assert mark[:, 0].max(initial=0) == 0 or len(scene.subjects) == 2  # a single one stands in the middle
        if len(scene.subjects) == 1 and scene.time == "day":
            assert mark[:, side // 4 : -side // 4].sum() > mark[:, : side // 4].sum() + mark[:, -side // 4 :].sum()


def test_facts_of_a_scene() -> None:
    empty, busy = Scene(place="room"), Scene(place="room", subjects=(Subject(kind="cat", action="sleeping"),))
    assert facts(empty).sum() == 2  # place and time
    assert facts(busy).sum() == 5  # with the cat, that it comes first, and what it does


def test_folding_the_statistics_changes_latents_and_no_picture() -> None:
    torch.manual_seed(0)
    vae = AutoencoderKL(**SMOKE.vae).eval()
    pictures = torch.rand(4, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        before = vae.encode(pictures).latent_dist
        drawn = vae.decode(before.mean).sample
        mean, deviation = before.mean.mean(dim=(0, 2, 3)), before.mean.std(dim=(0, 2, 3))
        fold_statistics(vae, mean, deviation)
        after = vae.encode(pictures).latent_dist
        again = vae.decode(after.mean).sample
    assert torch.allclose(after.mean.mean(dim=(0, 2, 3)), torch.zeros(len(mean)), atol=1e-4)
    assert torch.allclose(after.mean.std(dim=(0, 2, 3)), torch.ones(len(mean)), atol=1e-4)
    assert torch.allclose(after.std * deviation[:, None, None], before.std, rtol=1e-3)
    assert torch.allclose(again, drawn, atol=1e-4)


def test_psnr_of_a_known_error() -> None:
    assert psnr(torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.2)) == pytest.approx(20.0, abs=1e-4)


def test_pictures_survive_the_way_to_tensors_and_back() -> None:
    pictures = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    assert np.array_equal(tensor_to_pictures(pictures_to_tensor(pictures, torch.device("cpu"))), pictures)


def test_pairs_are_a_table_that_can_be_encoded_with_the_empty_prompt_among_them() -> None:
    pairs = caption_pairs(60, seed=1)
    check_pairs(pairs)
    assert pairs.equals(caption_pairs(60, seed=1))
    empty = pairs["neutral_prompt"] == ""
    assert np.flatnonzero(empty).tolist() == list(range(0, 60, EMPTY_EVERY))
    assert all(e.startswith(n) for n, e in zip(pairs["neutral_prompt"], pairs["emotional_prompt"], strict=True))
    assert (pairs["content"] != "").all()


def test_disturbed_pictures_stay_what_they_are() -> None:
    pictures = torch.rand(2, 3, 128, 128) * 2 - 1
    for seed in range(6):
        disturbed = judging.disturb(pictures, np.random.default_rng(seed))
        assert disturbed.shape == pictures.shape
        assert (disturbed.mean() - pictures.mean()).abs() < 0.05


def test_figures_of_perfect_judges(work: Workshop) -> None:
    class Shown:
        feeling = np.array([[0.5, -1.0], [-0.2, 0.3]], np.float32)
        places, subjects = judging.contents_of([Scene(place="farm", subjects=(Subject(kind="cow"),)), Scene(place="room")])

    views = Shown()
    figures = judging.feeling_figures({"feeling": views.feeling}, views, 2)  # type: ignore[arg-type]
    assert figures == {"valence_r2": 1, "arousal_r2": 1, "valence_error": 0, "arousal_error": 0}
    places = np.eye(18, dtype=np.float32)[views.places]
    found = {"place": places, "subjects": views.subjects}
    assert set(judging.content_figures(found, views, 2).values()) == {1.0}  # type: ignore[arg-type]


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path: Path) -> None:
    from emoticrafter.errors import EmotiCrafterError

    model = torch.nn.Linear(1, 1)

    def loss(step: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        return {"loss": model(torch.full((1, 1), float("nan"))).sum()}

    recipe = BuildRecipe(steps=2, batch=1, rate=1e-3, warmup=1)
    with pytest.raises(EmotiCrafterError, match="the loss is nan at step 2"):
        Training(name="bad", folder=tmp_path, model=model, recipe=recipe, loss=loss, quiet=True).run()


def test_plain_progress_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Meter("baking", 10, unit="cakes") as meter:
        meter.update(1)  # too soon for a line
        meter.update(10, last=True, sweetness=0.123456)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("baking: 10/10 ")
    assert lines[0].endswith("0:00:00 left sweetness 0.1235")


def test_what_the_build_kept_and_is_damaged_is_named_or_made_again(tmp_path: Path) -> None:
    work = Workshop(preset=SMOKE, out=tmp_path)
    assert work.done("vae") is None
    work.finish("vae", psnr=30.0)
    assert work.done("vae") == {"psnr": 30.0}
    (tmp_path / "vae" / "done.json").write_text("[")
    with pytest.raises(InputError, match=r"done\.json' is damaged: .*Delete it: the stage is done again"):
        work.done("vae")
    made: list[int] = []

    def make() -> np.ndarray:
        made.append(1)
        return np.arange(6.0)

    path = tmp_path / "rows.npy"
    for spoil in (
        lambda: None,
        lambda: path.write_bytes(b"cut"),
        lambda: path.with_suffix(".json").write_text("[]"),
        path.unlink,
    ):
        spoil()
        assert cached_array(path, {"from": "here"}, make).tolist() == [0, 1, 2, 3, 4, 5]
    assert len(made) == 4
    assert cached_array(path, {"from": "here"}, make).tolist() == [0, 1, 2, 3, 4, 5]
    assert len(made) == 4


def test_damaged_pictures_of_the_build_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "pictures-0000000.npy", np.zeros((2, 8, 8, 3), np.uint8))
    (tmp_path / "scenes-0000000.jsonl").write_text('{"valence": 1}\n[]\n')
    with pytest.raises(
        CheckpointError, match=r"scenes-0000000\.jsonl' is damaged: it is \[\].* the stage `render` draws them again"
    ):
        _ = Pictures(tmp_path).valence
    (tmp_path / "pictures-0000000.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(CheckpointError, match=r"pictures-0000000\.npy' is damaged"):
        Pictures(tmp_path)


def test_pictures_that_another_renderer_began_are_refused(work: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    run(work)  # by the same one
    monkeypatch.setattr(rendering, "renderer_version", lambda: "another")
    with pytest.raises(CheckpointError, match="were begun by another version of the world's sources") as caught:
        run(work)
    assert caught.value.hint == f"Delete {work.folder('render')}: the pictures are drawn anew."
