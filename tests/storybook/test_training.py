"""The whole build at smoke size, and that a killed training ends as an undisturbed one does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import load_file

from emoticrafter import checkpoint
from emoticrafter.errors import CheckpointError, InputError, MissingError, OutputError
from emoticrafter.locks import LOCK, hold
from emoticrafter.storybook import scenes, training
from emoticrafter.storybook.judge import load_judge
from emoticrafter.storybook.training import unet
from emoticrafter.storybook.training.captioning import Told
from emoticrafter.storybook.training.presets import SMOKE
from emoticrafter.storybook.training.render import Pictures

pytestmark = pytest.mark.slow  # all but a few need the build


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage of the smoke preset has run."""
    folder = tmp_path_factory.mktemp("build")
    training.run("smoke", folder, device="cpu", quiet=True)
    return folder


def _command(out: Path, *more: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "emoticrafter.storybook.training",
        "--preset",
        "smoke",
        "--out",
        str(out),
        "--device",
        "cpu",
        *more,
    ]


def _environment() -> dict[str, str]:
    source = str(Path(training.__file__).parents[3])
    paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}


def test_every_stage_is_finished_and_not_run_again(out: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.rglob("done.json")}
    assert {path.parent.name for path in before} == set(training.STAGES)
    assert training.run("smoke", out, device="cpu", quiet=True) == out / "assemble" / "model"
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("done.json")}


def test_a_stage_is_made_by_one_run_at_a_time(tmp_path: Path) -> None:
    with (
        hold(tmp_path / "tokenizer" / LOCK, "", ""),
        pytest.raises(OutputError, match=r"Another run is writing to .*tokenizer"),
    ):
        training.run("smoke", tmp_path, ["tokenizer"], device="cpu", quiet=True)
    assert [path.name for path in (tmp_path / "tokenizer").iterdir()] == [LOCK]
    training.run("smoke", tmp_path, ["tokenizer"], device="cpu", quiet=True)
    assert sorted(path.name for path in (tmp_path / "tokenizer").iterdir()) == ["done.json", "model"]


def test_held_out_contents_are_in_no_training_picture(out: Path) -> None:
    train, held_out = (Pictures(out / "render" / split) for split in ("train", "held_out"))
    assert len(train) == 2 * SMOKE.scenes == len(train.scenes) == len(train.valence)
    assert not any(scenes.holds_held_out(scene) for scene in train.scenes)
    assert all(scenes.is_held_out(*scene.content()) for scene in held_out.scenes)
    assert train.scenes[0] == train.scenes[1]
    assert train[np.array([0, 47])].shape == (2, 128, 128, 3)


def test_the_folder_is_an_sdxl_pipeline_that_draws_what_the_build_draws(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = out / "assemble" / "model"
    pipeline = StableDiffusionXLPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    assert pipeline.tokenizer.model_max_length == SMOKE.prompt_tokens
    prompts = ["a dog on a beach, joyful", "a hospital"]
    noise = torch.randn((2, SMOKE.unet["in_channels"], 16, 16), generator=torch.Generator().manual_seed(3))
    drawn = pipeline(prompts, latents=noise, num_inference_steps=4, guidance_scale=3.0, output_type="np").images

    monkeypatch.setattr(unet, "autocast", lambda device: nullcontext())
    tokens, _, pooled, _ = pipeline.encode_prompt(prompts, device=torch.device("cpu"), do_classifier_free_guidance=False)
    ours = unet.sample(pipeline.unet, pipeline.vae, Told(tokens, pooled), SMOKE, seed=3, steps=4, guidance=3.0)
    assert np.abs(ours / 255 - drawn).max() < 0.01
    assert not np.array_equal(ours[0], ours[1])


def test_what_emoticrafter_adds_to_the_folder(out: Path) -> None:
    folder = out / "assemble" / "model"
    card = json.loads((folder / "card.json").read_text())
    assert card["recipe"]["name"] == "smoke"
    assert card["stages"]["vae"]["steps"] == SMOKE.vae_recipe.steps
    assert set(card["stages"]["calibrate"]["errors"]) >= {"0.5", "1.0"}
    eit = checkpoint.load(folder / "emotion")
    assert eit.metadata["strength"] == card["stages"]["calibrate"]["strength"]
    assert eit.metadata["backbone"] == json.loads((folder / "defaults.json").read_text())["family"] == "storybook"
    assert "dog" in json.loads((folder / "vocabulary.json").read_text())["words"]
    weights = list(folder.rglob("*.safetensors"))
    assert sum(path.stat().st_size for path in weights) == card["weights"]["bytes"]
    assert all(tensor.dtype == torch.float16 for path in weights for tensor in load_file(path).values())


def test_judges_are_there_with_their_figures(out: Path) -> None:
    pictures = Pictures(out / "render" / "train")[np.arange(3)]
    emotion, content = (load_judge(out / "judge" / f"{name}.safetensors") for name in ("emotion", "content"))
    assert emotion.emotions(pictures).shape == (3, 2)
    place, subjects = content.contents(pictures)[0]
    assert place in content_places()
    assert len(subjects) > 40
    assert {"decoded_valence_r2", "rendered_arousal_r2"} <= set(emotion.figures)


def content_places() -> tuple[str, ...]:
    from emoticrafter.storybook.world.scene import PLACES

    return PLACES


def test_sample_sheets_are_drawn(out: Path) -> None:
    names = {path.name.split("-")[0] for path in (out / "samples").glob("*.png")}
    assert names == {"render", "vae", "double", "unet", "calibrate"}


def _until(condition: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not condition.exists():
        assert process.poll() is None, "the build ended early"
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_training_ends_in_the_same_weights(out: Path, tmp_path: Path, sign: signal.Signals) -> None:
    """kill -9 loses the steps since the last checkpoint, SIGTERM none; taken up again, both end bit for bit the same."""
    steps = 90
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    for folder in (straight, broken):
        shutil.copytree(out / "render", folder / "render")
    training.run("smoke", straight, ["vae"], device="cpu", steps=steps, quiet=True)

    with subprocess.Popen(
        _command(broken, "--stage", "vae", "--steps", str(steps)), env=_environment(), stdout=subprocess.PIPE
    ) as process:
        _until(broken / "vae" / "state.safetensors", process)
        process.send_signal(sign)
        process.wait(60)
    assert process.returncode == (-9 if sign == signal.SIGKILL else 128 + 15)
    assert not (broken / "vae" / "done.json").exists()
    training.run("smoke", broken, ["vae"], device="cpu", steps=steps, quiet=True)

    first, second = (load_file(folder / "vae" / "state.safetensors") for folder in (straight, broken))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_finished_training_is_taken_up_for_more_steps(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "more")
    training.run("smoke", tmp_path / "more", ["text"], device="cpu", steps=5, quiet=True)
    assert json.loads((tmp_path / "more" / "text" / "done.json").read_text())["steps"] == 5


def test_minutes_choose_the_number_of_steps(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "timed", ignore=shutil.ignore_patterns("text"))
    training.run("smoke", tmp_path / "timed", ["text"], device="cpu", minutes=0.02, quiet=True)
    assert json.loads((tmp_path / "timed" / "text" / "done.json").read_text())["steps"] > 40


def test_wrong_requests_say_what_to_do(out: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Known stages: render"):
        training.run("smoke", tmp_path, ["paint"])
    with pytest.raises(InputError, match="Known presets: cpu"):
        training.run("huge", tmp_path)
    with pytest.raises(InputError, match="above 0"):
        training.run("smoke", tmp_path, steps=0)
    with pytest.raises(MissingError, match="Add --stage render"):
        training.run("smoke", tmp_path, ["vae"], quiet=True)


def test_a_damaged_or_foreign_state_is_refused(out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(out, folder)
    state = folder / "text" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="Delete"):
        training.run("smoke", folder, ["text"], device="cpu", steps=9, quiet=True)
    shutil.copy(out / "text" / "state.safetensors", state)
    with pytest.raises(CheckpointError, match="seed 0, not 1"):
        training.run("smoke", folder, ["text"], device="cpu", seed=1, steps=9, quiet=True)


def test_the_command_prints_progress_and_errors_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(_command(tmp_path, "--stage", "render"), env=_environment(), capture_output=True, text=True, check=True)
    assert "render train: 48/48" in done.stderr
    done = subprocess.run(_command(tmp_path, "--stage", "text"), env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("Add --stage tokenizer.")
    assert "Traceback" not in done.stderr
