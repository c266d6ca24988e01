"""`emoticrafter rival`, and `--method` of the commands that draw, on a tiny SDXL that really runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import safe_open

from emoticrafter.picture import Picture
from emoticrafter.rivals import METHODS
from tests.cli.conftest import Done
from tests.rivals.test_material import write_pairs

Run = Callable[..., Done]


@pytest.fixture
def train(cli: Run, tiny_sdxl: Path, tmp_path: Path) -> Run:
    table = write_pairs(tmp_path)

    def run(*arguments: str) -> Done:
        data = ("--pairs", str(table), "--pictures", str(tmp_path / "pictures"), "--cache", str(tmp_path / "cache"))
        place = ("--backbone", str(tiny_sdxl), "--device", "cpu", "--dtype", "float32", "--json")
        return cli("rival", "train", *arguments, *data, *place)

    return run


def test_the_list_names_every_method_and_its_source(cli: Run) -> None:
    listed = json.loads(cli("rival", "list", "--json").out)
    assert set(listed) == set(METHODS)
    assert all(entry["source"] and entry["about"] for entry in listed.values())
    told = cli("rival", "list").out
    assert all(name in told for name in METHODS)


def test_a_method_is_trained_and_draws(train: Run, cli: Run, tiny_sdxl: Path, tmp_path: Path) -> None:
    done = train("time_embedding", "--steps", "2", "--out", "te", "--set", "batch=2", "--set", "hidden=8")
    assert done.code == 0, done.err
    assert json.loads(done.out)["examples"] == 4
    kept = json.loads((tmp_path / "te" / "config.json").read_text(encoding="utf-8"))
    assert kept["config"]["hidden"] == 8
    model = ("--backbone", str(tiny_sdxl), "--device", "cpu", "--method", "te", "--steps", "1")
    for command in (
        ("generate", "a cat", "--valence", "2", "--out", "a.png"),
        ("grid", "a cat", "--valence=-2,2", "--arousal=1", "--out", "g.png"),
        ("sweep", "a cat", "--from=-1,0", "--to=1,0", "--frames", "2", "--out", "s.webp"),
    ):
        drawn = cli(*command, *model)
        assert drawn.code == 0, drawn.err
    assert Picture.open(tmp_path / "a.png").recipe["method"] == "time_embedding"


def test_a_method_that_learns_nothing_needs_neither_budget_nor_data(cli: Run, tiny_sdxl: Path, tmp_path: Path) -> None:
    done = cli("rival", "train", "rewriting", "--backbone", str(tiny_sdxl), "--set", "seed=4", "--out", "r")
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "r" / "config.json").read_text(encoding="utf-8"))["config"]["seed"] == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["magic", "--steps", "1"], "There is no method 'magic'"),
        (["discrete"], "minutes or a number of steps"),
        (["discrete", "--steps", "1", "--minutes", "1"], "minutes or a number of steps"),
        (["discrete", "--steps", "1", "--set", "colour=1"], "Unknown settings of discrete: colour"),
        (["discrete", "--steps", "1", "--set", "batch"], "is not KEY=VALUE"),
        (["discrete", "--steps", "1", "--set", "batch=many"], "batch is 'many'"),
    ],
)
def test_mistakes_are_told(arguments: list[str], said: str, train: Run) -> None:
    done = train(*arguments, "--out", "x")
    assert done.code == 2
    assert said in done.err


def test_pictures_and_methods_are_asked_for_sensibly(cli: Run, tiny_sdxl: Path, tmp_path: Path) -> None:
    done = cli("rival", "train", "discrete", "--pairs", "p.parquet", "--steps", "1", "--out", "x")
    assert (done.code, "Give --pictures" in done.err) == (2, True)
    done = cli("rival", "train", "discrete", "--pictures", ".", "--steps", "1", "--out", "x")
    assert (done.code, "are drawn" in done.err) == (2, True)
    done = cli("generate", "a cat", "--method", "rewriting", "--emotion", "e", "--out", "a.png")
    assert (done.code, "together with --emotion" in done.err) == (2, True)
    done = cli("generate", "a cat", "--backbone", str(tiny_sdxl), "--method", "magic", "--out", "a.png")
    assert (done.code, "no method 'magic'" in done.err) == (2, True)


@pytest.mark.slow
def test_sigterm_saves_and_the_same_command_goes_on(tiny_sdxl: Path, tmp_path: Path) -> None:
    table = write_pairs(tmp_path)
    out = tmp_path / "te"
    command = [
        sys.executable, "-m", "emoticrafter", "rival", "train", "time_embedding", "--steps", "3000", "--out", str(out),
        "--pairs", str(table), "--pictures", str(tmp_path / "pictures"), "--cache", str(tmp_path),
        "--backbone", str(tiny_sdxl), "--device", "cpu",
    ]  # fmt: skip
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2] / "src"), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    steps = []
    for _ in range(2):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        heard = ""
        while "%, step" not in heard:
            heard = process.stderr.readline()
            assert heard, "it ended before its first step"
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 143, said
        with safe_open(out / "state.safetensors", "pt") as state:
            steps.append(json.loads(state.metadata()["training"])["step"])
        assert not (out / "config.json").exists()
    assert steps[1] > steps[0] > 0


def test_a_batch_is_drawn_by_a_method(cli: Run, tiny_sdxl: Path, tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("a cat\na dog\n", encoding="utf-8")
    model = ("--backbone", str(tiny_sdxl), "--device", "cpu", "--method", "rewriting", "--steps", "1")
    done = cli("batch", "prompts.txt", "--grid", "2x2", "--out", "drawn", *model)
    assert done.code == 0, done.err
    recipes = [Picture.open(path).recipe for path in sorted((tmp_path / "drawn").rglob("*.png"))]
    assert len(recipes) == 8
    assert {recipe["method"] for recipe in recipes} == {"rewriting"}
    assert all(recipe["rewritten"] for recipe in recipes)
