"""The program with a real model: a tiny SDXL with random weights, through every part of the main path."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from emoticrafter import EmotiCrafter, checkpoint
from emoticrafter.data.tables import write_table
from emoticrafter.recipe import read_recipe
from tests.cli.conftest import Done
from tests.single_file import write_single_file
from tests.tiny import tiny_eit

Cli = Callable[..., Done]
Tiny = tuple[str, ...]
ROWS = {
    "id": ["a"], "valence": [1.0], "arousal": [0.0], "content": ["c"], "neutral_prompt": ["cat"], "emotional_prompt": ["a cat"],
    "picture": [None], "split": ["train"], "doubts": [""], "dataset": ["own"], "tag": [None],
}  # fmt: skip


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


@pytest.fixture
def tiny(tiny_sdxl: Path) -> Tiny:
    return ("--backbone", str(tiny_sdxl), "--device", "cpu", "--dtype", "float32")


def test_the_same_command_makes_the_same_pixels_in_another_process(tiny: Tiny, cli: Cli, tmp_path: Path) -> None:
    command = ["generate", "a dog on the beach", "--valence", "-2", "--arousal", "1", "--seed", "7", *tiny]
    done = subprocess.run(
        [sys.executable, "-m", "emoticrafter", *command, "--out", "first.png"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "first.png\n"), done.stderr
    assert cli(*command, "--out", "second.png").code == 0
    assert np.array_equal(pixels(tmp_path / "first.png"), pixels(tmp_path / "second.png"))
    recipe = read_recipe(tmp_path / "first.png")
    assert (recipe["prompt"], recipe["valence"], recipe["arousal"], recipe["seed"]) == ("a dog on the beach", -2, 1, 7)
    assert recipe == read_recipe(tmp_path / "second.png")


def test_emotion_strength_seed_and_start_all_reach_the_picture(tiny: Tiny, cli: Cli, tmp_path: Path) -> None:
    plain = ["generate", "a cat", "--valence", "3", "--arousal", "-3", *tiny]
    variants = {
        "plain": [], "other": ["--valence", "-3"], "seed": ["--seed", "1"], "off": ["--strength", "0"],
        "late": ["--start", "1"], "negative": ["--negative", "forest"],
        "steps": ["--steps", "5"], "guidance": ["--guidance", "1"], "range": ["--guidance-range", ".3:.85"],
    }  # fmt: skip
    for name, extra in variants.items():
        done = cli(*plain, *extra, "--out", f"{name}.png")
        assert done.code == 0, done.err
    made = {name: pixels(tmp_path / f"{name}.png") for name in variants}
    for name in set(variants) - {"plain"}:
        assert not np.array_equal(made["plain"], made[name]), f"{name} changed nothing"
    assert np.abs(made["late"] - made["off"]).max() <= 1  # all steps neutral is no emotion


def test_grid_and_its_cells_are_the_pictures_of_generate(tiny: Tiny, cli: Cli, tmp_path: Path) -> None:
    done = cli("grid", "a cat", "--valence=-3,3", "--arousal=-3,3", "--seed", "4", "--out", "grid.png", "--cells", "cells", *tiny)
    assert done.code == 0, done.err
    assert len(list((tmp_path / "cells").iterdir())) == 4
    assert cli("generate", "a cat", "--valence", "3", "--arousal", "-3", "--seed", "4", "--out", "one.png", *tiny).code == 0
    difference = np.abs(pixels(tmp_path / "cells" / "v+3_a-3.png") - pixels(tmp_path / "one.png"))
    assert difference.max() <= 2  # sampled in a batch, so equal up to rounding


def test_sweep_and_several_sizes(tiny: Tiny, cli: Cli, tmp_path: Path) -> None:
    done = cli(
        "sweep", "", "--from=-3,2", "--to=3,-1", "--frames", "3", "--start", "0.5", "--size", "48x32", "--out", "a.gif", *tiny
    )
    assert done.code == 0, done.err
    with Image.open(tmp_path / "a.gif") as image:
        assert (image.n_frames, image.size) == (3, (48, 32))  # type: ignore[attr-defined]


def test_info_tells_the_range_of_guidance(tiny: Tiny, cli: Cli, tmp_path: Path) -> None:
    for name, limits in (("plain", ()), ("limited", ("--guidance-range", ".3:.85")), ("whole", ("--guidance-range", "0:1"))):
        assert cli("generate", "a cat", "--mood", "sad", *limits, "--out", f"{name}.png", *tiny).code == 0
    assert json.loads(cli("info", "limited.png", "--json").out)["guidance_range"] == [0.3, 0.85]
    assert "guidance_range" in cli("info", "limited.png").out
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "whole.png").read_bytes()
    (tmp_path / "prompts.txt").write_text("a cat\n")
    batch = ("batch", "prompts.txt", "--emotions", "sad.csv", "--guidance-range", ".3:.85", "--out", "many", *tiny)
    (tmp_path / "sad.csv").write_text("mood\nsad\n")
    done = cli(*batch)
    assert done.code == 0, done.err
    (file,) = (tmp_path / "many").rglob("*.png")
    assert np.abs(pixels(file) - pixels(tmp_path / "limited.png")).max() == 0
    refused = cli(*batch[:4], "--guidance-range", "1:0", "--out", "none", *tiny)
    assert (refused.code, (tmp_path / "none").exists()) == (2, False)


def test_unknown_words_are_named_on_stderr_only(tiny: Tiny, cli: Cli) -> None:
    done = cli("generate", "a catt on a \u6d77\u8fba", "--json", *tiny)
    assert done.code == 0
    assert json.loads(done.out)["recipes"][0]["prompt"].startswith("a catt")
    assert done.err.startswith("warning: ")
    assert "'catt'" in done.err
    assert "cat" in done.err
    assert "\u6d77\u8fba" in done.err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["x" * 10_000], "10000 characters"),
        (["a\x07bell"], "U+0007"),
        (["a", "--strength", "nan"], "strength"),
        (["a", "--start", "1.5"], "start"),
        (["a", "--steps", "0"], "steps"),
        (["a", "--steps", "1000000"], "steps"),
        (["a", "--guidance", "inf"], "guidance"),
        (["a", "--guidance-range", "0.9:0.2"], "guidance range"),
        (["a", "--scheduler", "EDMEuler,sigma_min=0.002,sigma_max=80"], "does not fit this model"),
        (["a", "--size", "0"], "size"),
        (["a", "--size", "1000000"], "size"),
        (["a", "--size", "33"], "size"),
        (["a", "--seed", "-1"], "seed"),
        (["a", "--dtype", "int3"], "dtype"),
        (["a", "--device", "abacus"], "abacus"),
        (["a", "--emotion", "nowhere"], "nowhere"),
        (["a", "--negative", "\x00"], "U+0000"),
    ],
    ids=lambda value: " ".join(value)[:20] if isinstance(value, list) else "",
)
def test_what_the_model_refuses(tiny: Tiny, cli: Cli, tmp_path: Path, arguments: list[str], word: str) -> None:
    done = cli("generate", *tiny, *arguments, "--out", "a.png")
    assert done.code == 2, done
    assert done.err.startswith("error: ")
    assert word in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_cuda_where_there_is_none(tiny: Tiny, cli: Cli, tmp_path: Path) -> None:
    done = cli("generate", "a", *tiny, "--device", "cuda")
    assert done.code == 2
    assert "--device cpu" in done.err
    assert list(tmp_path.iterdir()) == []


def test_missing_models(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    for backbone, word in (("nowhere", "storybook"), ("owner/model", "hf download"), ("sdxl", "hf download")):
        done = cli("generate", "a", "--backbone", backbone, "--out", "a.png")
        assert done.code == 2, done
        assert word in done.err
        assert not (tmp_path / "a.png").exists()


def test_an_emotion_checkpoint_of_another_backbone(tiny: Tiny, cli: Cli, tmp_path: Path) -> None:
    sample = Path(__file__).parents[1] / "data" / "released-checkpoint-sample.pth"
    assert cli("checkpoint", "import", str(sample), "--out", "emotion").code == 0
    done = cli("generate", "a", *tiny, "--emotion", "emotion", "--out", "a.png")
    assert done.code == 2
    assert "belongs to" in done.err
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("part", ["emotion/eit.safetensors", "emotion/config.json", "model_index.json"])
def test_a_truncated_model(tiny_sdxl: Path, cli: Cli, tmp_path: Path, part: str) -> None:
    copy = tmp_path / "model"
    shutil.copytree(tiny_sdxl, copy)
    content = (copy / part).read_bytes()
    (copy / part).write_bytes(content[: len(content) // 2])
    done = cli("generate", "a", "--backbone", "model", "--device", "cpu", "--out", "a.png")
    assert done.code == 2, done
    assert "Traceback" not in done.err
    assert not (tmp_path / "a.png").exists()


# A model that gives no pictures


@pytest.fixture
def broken(tiny_sdxl: Path, tmp_path: Path) -> Tiny:
    """A model whose VAE holds a NaN."""
    folder = Path(shutil.copytree(tiny_sdxl, tmp_path / "broken"))
    file = next((folder / "vae").glob("*.safetensors"))
    tensors = load_file(file)
    tensors["decoder.conv_out.weight"][0] = torch.nan
    save_file(tensors, file, {"format": "pt"})
    return ("--backbone", str(folder), "--device", "cpu")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_no_picture_is_not_written(broken: Tiny, cli: Cli, tmp_path: Path, dtype: str) -> None:
    done = cli("generate", "a cat", *broken, "--dtype", dtype, "--out", "a.png")
    assert done.code == 2
    assert "diffusion_pytorch_model.safetensors' the tensor decoder.conv_out.weight holds values that are not finite." in done.err
    assert "--dtype" not in done.err
    assert not (tmp_path / "a.png").exists()


def test_a_batch_keeps_nothing_that_is_no_picture(broken: Tiny, tiny: Tiny, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("a cat\n")
    done = cli("batch", "prompts.txt", *broken, "--grid", "2x2", "--out", "made")
    assert (done.code, "decoder.conv_out.weight holds values that are not finite" in done.err) == (2, True)
    assert list((tmp_path / "made").rglob("*.png")) == []


# A single file of weights, without a connection


@pytest.fixture
def single(tiny_sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with model.safetensors, what it is made of in config/ (no weights), and an emotion checkpoint for any backbone."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    write_single_file(tiny_sdxl, tmp_path / "model.safetensors")
    shutil.copytree(tiny_sdxl, tmp_path / "config", ignore=shutil.ignore_patterns("*.safetensors", "emotion", "defaults.json"))
    checkpoint.save(tiny_eit(), tmp_path / "emotion", {})
    return tmp_path


FILE = ("--backbone", "model.safetensors", "--device", "cpu", "--dtype", "float32")
SMALL = ("--emotion", "emotion", "--steps", "2", "--size", "32", "--guidance", "3")


def test_a_single_file_is_drawn_with_by_its_config(single: Path, cli: Cli, tiny: Tiny) -> None:
    done = cli("generate", "a cat", *FILE, *SMALL, "--config", "config", "--out", "file.png")
    assert done.code == 0, done.err
    assert cli("generate", "a cat", *tiny, *SMALL, "--out", "folder.png").code == 0
    assert np.abs(pixels(single / "file.png") - pixels(single / "folder.png")).max() <= 1
    assert read_recipe(single / "file.png")["config"] == str(single / "config")
    again = EmotiCrafter.from_recipe(read_recipe(single / "file.png"), device="cpu", emotion=single / "emotion")
    assert np.array_equal(np.asarray(again.again(read_recipe(single / "file.png")).image), pixels(single / "file.png"))


@pytest.mark.usefixtures("single")
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ((), "give a pipeline folder as `config` (--config), whose weights are not needed"),
        (("--config", "nowhere"), "There is no config 'nowhere'"),
        (("--config", "emotion"), "'emotion' holds no model_index.json"),
    ],
)
def test_a_single_file_that_cannot_be_understood_names_the_option(cli: Cli, config: tuple[str, ...], message: str) -> None:
    done = cli("generate", "a cat", *FILE, *SMALL, *config, "--out", "a.png")
    assert (done.code, Path("a.png").exists()) == (2, False)
    assert message in done.err.replace(f"{Path.cwd()}/", "")


@pytest.mark.usefixtures("single")
def test_a_config_beside_a_folder_is_refused(cli: Cli, tiny: Tiny) -> None:
    done = cli("generate", "a cat", *tiny, "--config", "config", "--out", "a.png")
    assert (done.code, "is a folder, which says itself what it is made of" in done.err) == (2, True)


def test_the_other_commands_take_a_single_file_too(single: Path, cli: Cli) -> None:
    Path("prompts.txt").write_text("a cat\n")
    model = (*FILE, "--config", "config")
    done = cli("batch", "prompts.txt", *model, *SMALL, "--grid", "2x2", "--out", "pictures")
    assert done.code == 0, done.err
    done = cli("rival", "train", "rewriting", *model, "--out", "method")
    assert done.code == 0, done.err
    write_table(pd.DataFrame(ROWS), single / "pairs.parquet", "pairs", {})
    done = cli("data", "encode", "pairs.parquet", *FILE[:4], "--config", "config", "--out", "features")
    assert done.code == 0, done.err
    assert json.loads((single / "features" / "manifest.json").read_text())["channels"] == 32
