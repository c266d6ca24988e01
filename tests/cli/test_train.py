from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from emoticrafter import checkpoint
from tests.cli.conftest import Done
from tests.training.tiny_runs import SMALL

Cli = Callable[..., Done]
SETTINGS = [word for change in (*SMALL, "train.steps=2") for word in ("--set", change)]


def test_a_shipped_recipe_by_name_makes_a_checkpoint(cli: Cli, features: Path, tmp_path: Path) -> None:
    done = cli("train", "smoke", "--features", str(features), "--out", "run", *SETTINGS)
    assert (done.code, done.out) == (0, "run/checkpoint\n"), done.err
    assert "validation loss" in done.err
    assert "--emotion run/checkpoint" in done.err
    assert checkpoint.load(tmp_path / "run" / "checkpoint").metadata["backbone"] == "tiny"
    assert cli("checkpoint", "show", "run/checkpoint").code == 0
    assert f'features = "{features}' in (tmp_path / "run" / "recipe.toml").read_text()
    again = cli("train", "run/recipe.toml", "--out", "run", "--json")
    assert json.loads(again.out)["step"] == 2
    assert again.err == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["paper", "--set", "train.stpes=3"], "Did you mean steps?"),
        (["paper", "--set", "trian.steps=3"], "Did you mean train?"),
        (["paper", "--set", "train.steps=many"], "not TOML"),
        (["papre"], "paper, released, smoke, storybook"),
        (["paper", "--features", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_exit_2_and_write_nothing(cli: Cli, tmp_path: Path, arguments: list[str], told: str) -> None:
    done = cli("train", *arguments, "--out", "run")
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert told in done.err
    assert not (tmp_path / "run").exists()


def test_an_unknown_key_of_a_file_lists_the_known_ones(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xef\xbb\xbf[train]\r\nlearning_rate = 1\r\n")
    done = cli("train", "mine.toml", "--out", "run")
    assert done.code == 2
    assert "train.learning_rate" in done.err
    assert "rate, schedule, warmup" in done.err
