"""What all commands understand alike: paths that begin with ~, and texts that the locale's encoding knows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from emoticrafter.backbones.registry import STORYBOOK, open_backbone, open_encoder
from emoticrafter.batch import read_index
from emoticrafter.cli.options import absolute
from emoticrafter.errors import EmotiCrafterError
from emoticrafter.evaluation.suite import find_suite
from emoticrafter.judges import open_judge
from emoticrafter.judges.clip import locate_clip
from emoticrafter.prompts.lengths import PromptRuler
from emoticrafter.recipe import read_recipe
from emoticrafter.training.recipe import find_recipe
from tests.cli.conftest import Done, FakeCrafter

Cli = Callable[..., Done]
SAMPLE = Path(__file__).parents[1] / "data" / "released-checkpoint-sample.pth"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("EMOTICRAFTER_CACHE", str(Path("~/.cache/emoticrafter").expanduser()))
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))
    return folder


def test_outputs_at_home(cli: Cli, crafter: type[FakeCrafter], home: Path) -> None:
    for command in (
        ["generate", "a", "--count", "2"],
        ["grid", "a", "--cells=~/cells"],
        ["sweep", "a", "--from", "sad", "--to", "calm"],
    ):
        done = cli(*command, f"--out=~/new/{command[0]}.png")
        assert done.code == 0, done.err
        assert str(home / "new" / command[0]) in done.out
    assert sorted(path.name for path in (home / "new").iterdir()) == ["generate-1.png", "generate-2.png", "grid.png", "sweep.png"]
    assert len(list((home / "cells").iterdir())) == 25
    assert not Path("~").exists()


def test_inputs_at_home(cli: Cli, home: Path) -> None:
    assert cli("storybook", "render", "--size", "64", "--out=~/a.png").code == 0
    assert read_recipe("~/a.png")["width"] == 64
    assert json.loads(cli("info", "~/a.png", "--json").out)["width"] == 64
    rows = json.loads(cli("judge", "read", "~/a.png", "~/", "--json").out)
    assert [row["picture"] for row in rows] == [str(home / "a.png")] * 2


def test_names_of_models_at_home(cli: Cli, home: Path, tiny_sdxl: Path) -> None:
    """A backbone, a checkpoint and a method that are given as texts."""
    shutil.copytree(tiny_sdxl, home / "model")
    shutil.copytree(tiny_sdxl / "emotion", home / "emotion")
    model = ["--backbone=~/model", "--device", "cpu", "--dtype", "float32", "--steps", "1"]
    done = cli("generate", "a cat", *model, "--emotion=~/emotion", "--out", "a.png")
    assert done.code == 0, done.err
    (home / "prompts.txt").write_text("a cat\n")
    done = cli("batch", "~/prompts.txt", *model, "--emotion=~/emotion", "--grid", "2x2", "--out=~/made")
    assert done.code == 0, done.err
    assert len(read_index("~/made")) == 4
    done = cli("rival", "train", "rewriting", *model[:-2], "--out=~/method")
    assert done.code == 0, done.err
    assert cli("generate", "a cat", *model, "--method=~/method", "--out", "b.png").code == 0
    assert read_recipe("b.png")["method"] == "rewriting"
    assert cli("checkpoint", "import", str(SAMPLE), "--out=~/sample").code == 0
    assert cli("checkpoint", "show", "~/sample").code == 0
    assert not Path("~").exists()


def test_sources_at_home(home: Path, tiny_sdxl: Path) -> None:
    shutil.copytree(tiny_sdxl, home / "model")
    (home / "a.toml").touch()
    (home / "clip").mkdir()
    (home / "clip" / "config.json").touch()
    assert open_backbone("~/model", device="cpu").prompt_channels == open_encoder("~/model", device="cpu").prompt_channels
    shutil.copytree(STORYBOOK / "tokenizer", home / "words")
    assert PromptRuler.of("~/words").limit == PromptRuler.of("storybook").limit
    assert find_suite("~/a.toml") == find_recipe("~/a.toml") == home / "a.toml"
    assert locate_clip("~/clip") == home / "clip"
    assert absolute("~/model") == str(home / "model")
    with pytest.raises(EmotiCrafterError, match="home"):
        open_judge("~/model")


@pytest.mark.skipif(os.name == "nt", reason="bytes in arguments are of POSIX")
@pytest.mark.parametrize(
    ("argument", "environment", "words"),
    [
        (b"caf\xe9", {"LC_ALL": "C.UTF-8"}, "byte 0xE9, which is no utf-8, the encoding of the locale (LC_ALL=C.UTF-8)"),
        (
            "café".encode(),
            {"LC_ALL": "C", "PYTHONUTF8": "0"},
            "byte 0xC3, which is no ascii, the encoding of the locale (LC_ALL=C)",
        ),
    ],
)
@pytest.mark.parametrize("command", [["generate"], ["generate", "a", "--negative"], ["grid", "a", "--backbone"]], ids=" ".join)
def test_bytes_that_the_locale_does_not_know(
    tmp_path: Path, command: list[str], argument: bytes, environment: dict[str, str], words: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emoticrafter", *command, argument],
        cwd=tmp_path,
        env=os.environ | environment | {"PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr.decode()
    assert "LC_ALL=C.UTF-8, for instance" in done.stderr.decode() or "Give it in that encoding" in done.stderr.decode()
    assert list(tmp_path.iterdir()) == []
