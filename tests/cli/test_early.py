"""What can be known at once is refused at once: before a model is loaded, pictures are encoded, or a server is asked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from emoticrafter import checkpoint
from emoticrafter.backbones.registry import read_outline
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.data.tables import write_table
from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.judges.folder import save_head
from emoticrafter.judges.head import Head
from emoticrafter.judges.trust import Trust
from emoticrafter.locks import hold
from emoticrafter.sampling import Sampling
from tests.cli.conftest import Done
from tests.single_file import write_single_file
from tests.tiny import SIZE, tiny_eit

Cli = Callable[..., Done]
ROWS: dict[str, Any] = {
    "id": ["a", "b"], "valence": [1.0, -2.0], "arousal": [0.0, 1.0], "content": ["c", "d"], "neutral_prompt": ["cat", "dog"],
    "emotional_prompt": ["a cat", "a dog"], "picture": ["a.png", "b.png"], "split": ["train"] * 2, "doubts": [""] * 2,
    "dataset": ["own"] * 2, "tag": [None] * 2,
}  # fmt: skip


@pytest.fixture
def nothing_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model, no text encoder and no judge is opened, and no picture is encoded."""

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("something was loaded")

    for place in (
        "emoticrafter.backbones.sdxl.opening.load_pipeline",
        "emoticrafter.backbones.sdxl.text.load_pipeline",
        "emoticrafter.rivals.material.cached_latents",
        "emoticrafter.storybook.judge.load_judge",
        "emoticrafter.judges.storybook.load_judge",
    ):
        monkeypatch.setattr(place, refused)


@pytest.fixture
def place(tmp_path: Path, tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tiny model, prompts, pairs, pictures, and a checkpoint of another backbone."""
    monkeypatch.setenv("EMOTICRAFTER_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tiny").symlink_to(tiny_sdxl)
    (tmp_path / "prompts.txt").write_text("a cat\na dog\n")
    (tmp_path / "strange.txt").write_text("a cat\nbad\x01\n")
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "seeds.csv").write_text("prompt,seed\na cat,-1\n")
    (tmp_path / "sizes.csv").write_text("prompt,size\na cat,32\na dog,33\n")
    (tmp_path / "negatives.csv").write_text("mood,negative\nsad,dog\n")
    (tmp_path / "file").write_text("x")
    write_table(pd.DataFrame(ROWS), tmp_path / "pairs.parquet", "pairs", {})
    checkpoint.save(tiny_eit(prompt_channels=40), tmp_path / "other", {"backbone": "sdxl"})
    for name in ("a.png", "b.png"):
        Image.new("RGB", (40, 40)).save(tmp_path / name)
    return tmp_path


TINY = ("--backbone", "tiny", "--device", "cpu")
LONG = "\U0001f600" * 4000
HEAD = Head(
    layers=[(np.zeros((2, 512)), np.zeros(2))], activation="none", unit=True, clip="openai/clip-vit-base-patch32",
    fingerprint=None, trust=Trust(validated_on="nothing", pictures=0), about={},
)  # fmt: skip
DRAW: dict[str, tuple[str, ...]] = {
    "generate": ("generate", "a cat", *TINY, "--out", "made.png"),
    "grid": ("grid", "a cat", *TINY, "--valence=0,1", "--arousal=0", "--out", "made.png"),
    "sweep": ("sweep", "a cat", "--from=0,0", "--to=1,1", "--frames", "2", *TINY, "--out", "made.png"),
    "batch": ("batch", "prompts.txt", *TINY, "--grid", "2x2", "--out", "made"),
}


@pytest.mark.usefixtures("nothing_loads")
@pytest.mark.parametrize("command", list(DRAW))
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["--steps", "0"],
            "The number of steps is 0; it must be a whole number from 1 to 1000.\n       Leave it out for the model's own.",
        ),
        (["--steps", "1001"], "The number of steps is 1001; it must be a whole number from 1 to 1000."),
        (
            ["--guidance", "nan"],
            "The guidance is nan; it must be a number from 0 to 100.\n       Leave it out for the model's own.",
        ),
        (["--guidance", "1", "--negative", "dog"], "it has no effect at 1 and below."),
        (["--size", "33"], "The size is 33 x 33; each side must be a multiple of 8 from 8 to 8192."),
        (
            ["--strength", "inf"],
            "The strength is inf; it must be a number from 0 to 10.\n       0 is neutral, 1 is usual.",
        ),
        (
            ["--start", "2"],
            "The start is 2.0; it must be a number from 0 to 1.\n       It is the share of the steps that stay neutral",
        ),
        (["--negative", "bad\x01"], "The negative prompt holds the control character U+0001."),
        (["--scheduler", "best"], "The scheduler is 'best', which does not fit this model."),
        (["--scheduler", "Euler,timestep_spacing=bogus"], "timestep_spacing is 'bogus'"),
        (["--scheduler", "Euler,prediction_type=bogus"], "prediction_type is 'bogus'; it must be one of"),
        (["--lora", "gone.safetensors"], "There is no LoRA"),
        (["--dtype", "int8"], "The dtype is 'int8'."),
        (["--offload", "model"], "saves GPU memory; the device is cpu."),
        (["--emotion", "gone"], "There is no emotion checkpoint"),
        (["--emotion", "other"], "The emotion checkpoint belongs to sdxl (40 prompt channels); the backbone"),
        (["--method", "magic"], "There is no method 'magic'."),
        (["--method", "discrete"], "The method discrete is not trained for the backbone"),
        (["--config", "tiny"], "is a folder, which says itself what it is made of."),
    ],
)
def test_a_drawing_is_refused_before_the_model_is_loaded(
    place: Path, cli: Cli, command: str, given: list[str], message: str
) -> None:
    done = cli(*DRAW[command], *given)
    assert (done.code, message in done.err) == (2, True), done.err
    assert not (place / "made.png").exists()
    assert not (place / "made").exists()


@pytest.mark.usefixtures("nothing_loads", "place")
@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["generate", "bad\x01", *TINY], "The prompt holds the control character U+0001."),
        (["generate", "a" * 4001, *TINY, "--out", "made.png"], "The prompt has 4001 characters"),
        (
            ["generate", "a cat", *TINY, "--seed", "-1"],
            "The seed is -1; it must be a whole number from 0 to 9223372036854775806.\n       Give one, such as 0, the default.",
        ),
        (["generate", "a cat", *TINY, "--count", "0"], "--count is 0; it must be from 1 to 1000.\n       `emoticrafter batch`"),
        (
            ["grid", "a cat", *TINY, "--valence=-3:3:0"],
            "The number of --valence values is 0; it must be a whole number from 2 to 1000.\n       Write, for instance,",
        ),
        (["generate", "a cat", *TINY, "--seed", str(2**63 - 2), "--count", "2", "--out", "made.png"], "The seed is"),
        (["generate", "a cat", *TINY, "--out", "/proc/nowhere/a.png"], "Cannot write '/proc/nowhere/a.png'"),
        (["generate", "a cat", *TINY, "--out", "file/a.png"], "which is not a folder"),
        (["grid", "a cat", *TINY, "--valence=-3:3:101", "--arousal=-3:3:101"], "from 1 to 10000 pictures can be made at once"),
        (["grid", "a cat", *TINY, "--valence=-3:3:40", "--arousal=-3:3:40"], "cannot hold 1600 pictures with their recipes."),
        (["grid", "a cat", *TINY, "--valence=-3:3:500", "--arousal=0", "--out", "a.webp"], "WEBP holds 16383 at most"),
        (["generate", LONG, "--negative", LONG, *TINY, "--out", "made.jpg"], "The recipe is too long for a JPEG file."),
        (["grid", "a cat", *TINY, "--cells", "/proc/nowhere"], "Cannot write '/proc/nowhere"),
        (["sweep", "a cat", "--from=0,0", "--to=1,1", "--frames", "1", *TINY], "The number of frames is 1"),
        (["batch", "prompts.txt", *TINY, "--out", "made", "--format", "gif"], "The format is 'gif'."),
        (["batch", "prompts.txt", *TINY, "--out", "made", "--batch-size", "0"], "The batch size is 0"),
        (["batch", "prompts.txt", *TINY, "--out", "/proc/nowhere"], "Cannot write '/proc/nowhere'"),
        (["batch", "prompts.txt", *TINY, "--out", "file"], "'file'"),
        (["batch", "prompts.txt", *TINY, "--out", "."], "holds other files"),
        (["batch", "strange.txt", *TINY, "--out", "made"], "The prompt holds the control character U+0001."),
        (["batch", "prompts.txt", *TINY, "--out", "made", "--seeds", str(2**63 - 1)], "from 0 to 9223372036854775806."),
        (["batch", "prompts.txt", *TINY, "--out", "made", "--seeds=-1"], "from 0 to 9223372036854775806."),
        (
            ["batch", "seeds.csv", *TINY, "--out", "made"],
            "'seeds.csv', line 2: The seed is -1; it must be a whole number from 0 to 9223372036854775806.",
        ),
        (
            ["batch", "sizes.csv", *TINY, "--out", "made"],
            "'sizes.csv', line 3: The size is 33 x 33; each side must be a multiple of 8 from 8 to 8192.",
        ),
        (
            ["batch", "prompts.txt", *TINY, "--out", "made", "--emotions", "negatives.csv", "--guidance", "1"],
            "'negatives.csv', line 2: A negative prompt was given with guidance 1: it has no effect at 1 and below.",
        ),
        (
            ["batch", "empty.txt", *TINY, "--out", "made"],
            "make 0 pictures; a batch has from 1 to 1,000,000.\n       Give at least one prompt.",
        ),
    ],
)
def test_prompts_seeds_and_places_are_refused_before_the_model_is_loaded(cli: Cli, command: list[str], message: str) -> None:
    done = cli(*command)
    assert (done.code, message in done.err) == (2, True), done.err


@pytest.mark.usefixtures("nothing_loads", "place")
@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            ["rival", "train", "discrete", "--set", "words=-5", "--steps", "1"],
            "words is -5; it must be a whole number from 1 to 16.\n       Leave it out for the default, ",
        ),
        (["rival", "train", "discrete", "--set", "rate=NaN", "--steps", "1"], "rate is nan"),
        (["rival", "train", "rewriting", "--set", "writer=openai"], "No model was named."),
        (["rival", "train", "discrete", "--steps", "1", "--pairs", "gone.parquet", "--pictures", "."], "There is no file"),
        (["rival", "train", "discrete", "--steps", "1", "--pairs", "pairs.parquet", "--pictures", "tiny"], "There is no picture"),
        (["rival", "train", "discrete", "--steps", "1", "--cache", "file"], "The output 'file' is not a folder."),
        (["rival", "train", "discrete", "--minutes", "nan"], "The budget is nan minutes"),
    ],
)
def test_a_rival_s_training_is_refused_before_the_model_is_loaded(cli: Cli, command: list[str], message: str) -> None:
    done = cli(*command, *TINY, "--out", "made")
    assert (done.code, message in done.err) == (2, True), done.err
    assert not Path("made").exists()


def test_a_folder_of_another_training_is_refused_before_pictures_are_encoded(
    place: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["rival", "train", "time_embedding", "--pairs", "pairs.parquet", "--pictures", ".", *TINY, "--out", "made"]
    assert cli(*command, "--steps", "1").code == 0

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("pictures were encoded")

    monkeypatch.setattr("emoticrafter.rivals.material.cached_latents", refused)
    for other in (["--steps", "2"], ["--steps", "1", "--seed", "5"], ["--steps", "1", "--set", "rate=0.1"]):
        done = cli(*command, *other)
        assert (done.code, "holds a method that was trained otherwise" in done.err) == (2, True), done.err


@pytest.mark.usefixtures("nothing_loads", "place")
@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["data", "encode", "pairs.parquet", "--batch", "0"], "The batch is 0; it must be from 1"),
        (["data", "encode", "pairs.parquet", "--shard-rows", "0"], "The number of prompts per shard is 0"),
        (["data", "encode", "pairs.parquet", "--dtype", "int8"], "The dtype is 'int8'."),
        (["calibrate", "--steps", "0"], "The number of steps is 0"),
        (["calibrate", "--strength", "nan"], "The strength is nan"),
        (["calibrate", "--emotion", "gone"], "The checkpoint 'gone' is not a folder here"),
    ],
)
def test_encoding_and_calibration_are_refused_before_a_model_is_loaded(cli: Cli, command: list[str], message: str) -> None:
    done = cli(*command, *TINY, *(("--out", "made") if "encode" in command else ()))
    assert (done.code, message in done.err) == (2, True), done.err


@pytest.mark.usefixtures("nothing_loads", "place")
def test_pairs_that_cannot_be_encoded_are_refused_before_the_encoder_is_loaded(cli: Cli) -> None:
    write_table(pd.DataFrame(ROWS | {"id": ["a", "a"]}), Path("twice.parquet"), "pairs", {})
    done = cli("data", "encode", "twice.parquet", *TINY, "--out", "made")
    assert (done.code, "The id 'a' stands for several pairs." in done.err) == (2, True), done.err
    done = cli("data", "encode", "pairs.parquet", *TINY, "--out", "/proc/nowhere")
    assert (done.code, "Cannot write '/proc/nowhere'" in done.err) == (2, True), done.err


@pytest.mark.usefixtures("nothing_loads", "place")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--out", "/proc/nowhere"], "Cannot write '/proc/nowhere'"),
        (["--out", "file"], "The output 'file' is a file."),
        (["--out", "."], "holds other files"),
        (["--set", "metrics.distance=ssim"], "distance"),
        (["--set", "model.steps=1001"], "steps"),
        (["--set", "model.size=33"], "The size is 33 x 33"),
        (["--methods", "ours,magic"], "There is no method 'magic'."),
        (["--methods", "ours,discrete"], "The method discrete is not trained for the backbone"),
        (["--device", "gpu"], "'gpu' is not a device."),
        (["--dtype", "int8"], "The dtype is 'int8'."),
        (["--methods", "mine=other"], "The emotion checkpoint belongs to sdxl"),
        (["--images", "gone.csv", "--methods", "ours", "--name", "ours"], "Two rows are called 'ours'."),
        (["--images", "gone.csv", "--name", "no emotion"], "Two rows are called 'no emotion'."),
    ],
)
def test_an_evaluation_is_refused_before_anything_is_drawn(cli: Cli, given: list[str], message: str) -> None:
    out = [] if "--out" in given else ["--out", "made"]
    done = cli("evaluate", "--suite", "quick", "--backbone", "tiny", *out, *given)
    assert (done.code, message in done.err) == (2, True), done.err
    assert not Path("made").exists()


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--fields", '{"temperature": NaN}'], "it holds NaN or an infinite number, which JSON has not."),
        (["--fields", '{"temperature": [1e999]}'], "it holds NaN or an infinite number, which JSON has not."),
        (["--fields", '{"temperature": 0.7'], "is no JSON: Expecting"),
        (["--fields", "[1]"], "is no JSON object."),
        (["--price-in", "inf"], "--price-in is inf; it must be a finite number."),
    ],
)
def test_a_request_that_is_none_is_refused_before_one_is_sent(
    cli: Cli, given: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("something was loaded")

    monkeypatch.setattr("emoticrafter.prompts.lengths.PromptRuler.of", refused)
    server = ["--writer", "openai", "--model", "m", "--base-url", "http://127.0.0.1:9/v1"]
    done = cli("data", "write-pairs", "pairs.parquet", *server, "--out", "made.parquet", *given)
    assert (done.code, message in done.err) == (2, True), done.err
    assert sorted(Path().glob("made*")) == []


@pytest.mark.usefixtures("place")
def test_a_report_that_cannot_be_written_is_told_before_a_server_is_asked(cli: Cli) -> None:
    Path("made.report.csv").mkdir()
    server = ["--writer", "openai", "--model", "m", "--base-url", "http://127.0.0.1:9/v1"]
    done = cli("data", "write-pairs", "pairs.parquet", *server, "--out", "made.parquet")
    assert (done.code, "The output 'made.report.csv' is not a regular file." in done.err) == (2, True), done.err


@pytest.mark.usefixtures("nothing_loads", "place")
def test_pictures_that_are_not_there_are_told_before_a_judge_is_opened(cli: Cli) -> None:
    done = cli("judge", "read", "a.png", "gone.png")
    assert (done.code, "There is no picture 'gone.png'." in done.err) == (2, True), done.err


@pytest.mark.usefixtures("nothing_loads", "place")
@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["judge", "read", "a.png", "--device", "gpu"], "'gpu' is not a device."),
        (["storybook", "build", "--preset", "smoke", "--device", "gpu", "--out", "made"], "'gpu' is not a device."),
        (["storybook", "build", "--preset", "smoke", "--out", "/proc/nowhere"], "Cannot write '/proc/nowhere'"),
        (
            ["storybook", "build", "--preset", "smoke", "--stage", "render", "--stage", "text", "--out", "made"],
            "Stage 'text' needs stage 'tokenizer', which is not finished",
        ),
    ],
)
def test_devices_places_and_stages_are_refused_at_once(
    cli: Cli, command: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emoticrafter.storybook.training.common.restart_with_steady_memory", lambda: None)
    done = cli(*command)
    assert (done.code, message in done.err) == (2, True), done.err
    assert not Path("made").exists()


def test_a_judge_s_missing_tower_is_told_before_anything_is_drawn(place: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    save_head(HEAD, place / "judge")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place / "hub"))
    monkeypatch.setattr("emoticrafter.backbones.sdxl.opening.load_pipeline", lambda *_, **__: pytest.fail("a model was loaded"))
    done = cli("calibrate", *TINY, "--judge", "judge", "--prompts", "prompts.txt", "--trust")
    assert (done.code, "holds 2 prompts; at least 4 are needed" in done.err) == (2, True), done.err
    Path("prompts.txt").write_text("a\nb\nc\nd\n")
    done = cli("calibrate", *TINY, "--judge", "judge", "--prompts", "prompts.txt", "--trust", "--force")
    assert (done.code, "openai/clip-vit-base-patch32 is not in the cache" in done.err) == (2, True), done.err
    options = ["--set", "judge.emotion=judge", "--set", "judge.content=none", "--force-judge"]
    done = cli("evaluate", "--suite", "quick", "--backbone", "tiny", *options, "--out", "made")
    assert (done.code, "openai/clip-vit-base-patch32 is not in the cache" in done.err) == (2, True), done.err


def test_folds_are_counted_before_the_tower_is_opened(place: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emoticrafter.judges.clip.ClipModel.__init__", lambda *_, **__: pytest.fail("a tower was opened"))
    columns = ("id", "valence", "arousal", "picture", "dataset", "tag", "split")
    write_table(pd.DataFrame({name: ROWS[name] for name in columns}), place / "annotations.parquet", "annotations", {})
    done = cli("judge", "train", "annotations.parquet", "--out", "judge")
    assert (done.code, "2 pictures cannot be split into 5 folds of two or more." in done.err) == (2, True), done.err


# What is known of a model that is not loaded


def test_an_outline_refuses_what_the_model_refuses(tiny_sdxl: Path) -> None:
    outline, backbone = read_outline(tiny_sdxl), SDXLBackbone.open(tiny_sdxl, name=str(tiny_sdxl), device="cpu")
    assert (outline.family, outline.prompt_channels, outline.defaults) == ("tiny", 32, backbone.defaults)
    assert outline.emotion == backbone.emotion
    assert outline.unknown_words("a zorb") == backbone.unknown_words("a zorb")
    sound: dict[str, Any] = {"steps": 3, "guidance": 3.0, "size": (SIZE, SIZE), "negative": None}
    for wrong in ({"steps": 0}, {"steps": 1001}, {"guidance": -1}, {"size": (SIZE, 12)}, {"size": (8200, 8)}):
        told = []
        for sampler in (outline, backbone):
            sampler.check(Sampling(**sound))
            with pytest.raises(InputError) as caught:
                sampler.check(Sampling(**sound | wrong))
            told.append(str(caught.value))
        assert told[0] == told[1]


def test_of_a_single_file_its_config_tells(tiny_sdxl: Path, tmp_path: Path) -> None:
    path = write_single_file(tiny_sdxl, tmp_path / "model.safetensors")
    alone, told = read_outline(path), read_outline(path, config=str(tiny_sdxl))
    assert (alone.family, alone.prompt_channels, alone.defaults.size) == (None, None, (1024, 1024))
    assert (told.family, told.prompt_channels) == ("sdxl-12-20-12", 32)
    alone.check(Sampling(steps=1000, guidance=3.0, size=(8, 8), negative=None))
    with pytest.raises(InputError, match="multiple of 8"):
        alone.check(Sampling(steps=3, guidance=3.0, size=(33, 33), negative=None))


def test_of_what_is_on_the_hub_only_the_cache_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    outline = read_outline("someone/some-model")
    assert (outline.family, outline.prompt_channels) == (None, None)
    with pytest.raises(InputError, match="from 1 to 1000"):
        outline.check(Sampling(steps=1001, guidance=3.0, size=(512, 512), negative=None))
    with pytest.raises(MissingError, match="There is no backbone"):
        read_outline("sdlx")


def test_a_broken_description_is_told_at_once(tiny_sdxl: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_sdxl, tmp_path / "copy"))
    (folder / "unet" / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"unet/config\.json' is damaged"):
        read_outline(folder)
    (folder / "unet" / "config.json").write_text(json.dumps({"block_out_channels": "many", "cross_attention_dim": [1]}))
    assert read_outline(folder).prompt_channels is None


def test_a_lora_that_is_not_there_is_told_before_torch_is_loaded() -> None:
    code = "import sys; sys.modules['torch'] = None; from emoticrafter.cli.main import run; run(sys.argv[1:])"
    command = [sys.executable, "-c", code, "generate", "a cat", "--lora", "gone.safetensors:0.5", "--out", "made.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: There is no LoRA 'gone.safetensors'.\n       Give a .safetensors file")


@pytest.mark.usefixtures("nothing_loads")
@pytest.mark.parametrize(
    ("lock", "command"),
    [
        ("made/.lock", ["rival", "train", "cross_attention", "--steps", "1", *TINY, "--out", "made"]),
        ("made/.lock", ["batch", "prompts.txt", "--grid", "2x2", *TINY, "--out", "made"]),
        ("made/.lock", ["evaluate", "--suite", "quick", "--out", "made"]),
        ("made/.lock", ["data", "encode", "pairs.parquet", *TINY, "--out", "made"]),
        ("made/.lock", ["train", "smoke", "--features", "nowhere", "--out", "made"]),
        ("made/tokenizer/.lock", ["storybook", "build", "--preset", "smoke", "--out", "made"]),
        (".other.lock", ["calibrate", *TINY, "--emotion", "other"]),
        (".made.lock", ["checkpoint", "import", "nowhere.pth", "--out", "made"]),
        ("made/.lock", ["judge", "train", "pairs.parquet", "--pictures", ".", "--out", "made"]),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_busy_folder_is_refused_before_any_work(
    place: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, lock: str, command: list[str]
) -> None:
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "1")  # else a build would begin again, with its own settings of the memory
    with hold(place / lock, "", ""):
        before = sorted(place.rglob("*"))
        done = cli(*command)
        assert (done.code, "Another run is writing to" in done.err) == (2, True), done.err
        assert sorted(place.rglob("*")) == before


@pytest.mark.usefixtures("nothing_loads")
@pytest.mark.parametrize(
    "command",
    [
        ["generate", "a cat", "--backbone", "~/gone"],
        ["generate", "a cat", *TINY, "--emotion", "~/gone"],
        ["generate", "a cat", *TINY, "--lora", "~/gone"],
        ["generate", "a cat", "--backbone", "file", "--config", "~/gone"],
        ["checkpoint", "show", "~/gone"],
        ["judge", "show", "~/gone"],
        ["train", "~/gone", "--out", "made"],
        ["evaluate", "--suite", "~/gone", "--out", "made"],
    ],
    ids=lambda command: " ".join(command[:-1]),
)
def test_what_is_not_there_is_named_as_it_was_looked_for(
    place: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("HOME", str(place))
    done = cli(*command)
    assert (done.code, f"{str(place / 'gone')!r}." in done.err) == (2, True), done.err
