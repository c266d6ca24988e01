"""`emoticrafter data encode`, from the table of pairs to the summary, with real text encoders."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.ragged import IgnoringPadding
from emoticrafter.backbones.registry import open_encoder
from emoticrafter.data.tables import write_table
from emoticrafter.features import shards
from emoticrafter.features.index import prompts_of
from emoticrafter.features.store import FeatureStore
from tests.cli.conftest import Done
from tests.contents import contents
from tests.tiny_features import make_pairs

ROOT = Path(__file__).parents[3]
Cli = Callable[..., Done]


def pairs_of_words(count: int = 12) -> pd.DataFrame:
    """Pairs that fit in the tiny SDXL's 12 tokens; three in a row share a neutral prompt."""
    pairs = make_pairs(count)
    pairs["neutral_prompt"] = [f"a cat on the beach, {number // 3}" for number in range(count)]
    pairs["emotional_prompt"] = [f"a red cat on the beach, {number % 10}, {number // 10}" for number in range(count)]
    return pairs


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(pairs_of_words(), tmp_path / "pairs.parquet", "pairs", {})


@pytest.fixture
def given(table: Path, tiny_sdxl: Path) -> list[str]:
    return ["data", "encode", str(table), "--backbone", str(tiny_sdxl), "--device", "cpu", "--batch", "4", "--shard-rows", "4"]


def test_pairs_become_features_with_a_summary(cli: Cli, given: list[str]) -> None:
    done = cli(*given, "--out", "features")
    assert (done.code, done.out) == (0, "features\n")
    assert "12 pairs name 24 prompts, 16 of them distinct (8 shared)" in done.err
    assert "in 4 shards: 12 x 32 float16 per prompt, for the backbone tiny" in done.err
    assert "16 prompts encoded in" in done.err
    store = FeatureStore.open("features")
    store.check()
    store.require(backbone="tiny", prompt_channels=32, positions=12)
    assert store.rows(store.pairs["neutral"].to_numpy()).unique(dim=0).shape[0] == 4


def test_the_summary_for_machines(cli: Cli, given: list[str]) -> None:
    done = cli(*given, "--out", "features", "--json", "--dtype", "bfloat16")
    about = json.loads(done.out)
    expected = {"path": "features", "dtype": "bfloat16", "pairs": 12, "prompts": 16, "shared": 8, "encoded": 16, "shards": 4}
    assert about.items() >= {**expected, "dropped": 0, "cut": 0, "backbone": "tiny"}.items()
    assert about["prompts_per_second"] > 0
    assert about["bytes"] == sum(map(len, contents(Path("features")).values()))
    again = json.loads(cli(*given, "--out", "features", "--json", "--dtype", "bfloat16").out)
    assert again["encoded"] == 0


def test_the_summary_says_what_leaving_padding_out_has_saved(
    cli: Cli, given: list[str], tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads(cli(*given, "--out", "whole", "--json").out)["saved_bytes"] == 0
    encoder = IgnoringPadding(open_encoder(tiny_sdxl, device="cpu"))
    monkeypatch.setattr("emoticrafter.backbones.registry.open_encoder", lambda *_, **__: encoder)
    done = cli(*given, "--out", "features")
    own = sum(encoder.lengths(prompts_of(pairs_of_words())))
    share = 1 - own / (16 * 12)
    assert f"0.0 MB of padding ({share:.0%}) were left out: {own / 16:.1f} tokens per prompt are its own" in done.err
    about = json.loads(cli(*given, "--out", "features", "--json").out)
    assert (about["version"], about["own_tokens"], about["saved_bytes"]) == (2, own, 2 * 32 * (16 * 12 - own))


def test_a_finished_folder_is_checked_and_a_damaged_one_is_mended(cli: Cli, given: list[str]) -> None:
    cli(*given, "--out", "features")
    whole = contents(Path("features"))
    assert "all prompts were there already" in cli(*given, "--out", "features").err
    shard = Path("features/shards/tokens-00002.safetensors")
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x07")
    done = cli(*given, "--out", "features")
    assert done.code == 2
    assert "tokens-00002.safetensors' is damaged" in done.err
    assert "--repair" in done.err
    done = cli(*given, "--out", "features", "--repair")
    assert "12 prompts were there already" in done.err
    assert contents(Path("features")) == whole


def test_a_folder_of_another_backbone_is_refused_with_both(cli: Cli, given: list[str]) -> None:
    cli(*given, "--out", "features")
    given[given.index("--backbone") + 1] = "storybook"
    done = cli(*given, "--out", "features")
    assert done.code == 2
    assert "begun with the backbone 'tiny'; now it is 'storybook'" in done.err


def test_long_prompts_are_refused_or_treated_as_asked(cli: Cli, given: list[str], table: Path) -> None:
    pairs = pairs_of_words()
    pairs.loc[5, "emotional_prompt"] = "a cat " * 20
    write_table(pairs, table, "pairs", {}, force=True)
    done = cli(*given, "--out", "features")
    assert done.code == 2
    assert "emotional of 'tiny/5' (42)" in done.err
    assert "--long cut" in done.err
    assert not Path("features").exists()
    assert "1 prompts of over 12 tokens lost their end" in cli(*given, "--out", "cut", "--long", "cut").err
    assert "1 pairs with a prompt of over 12 tokens were left out" in cli(*given, "--out", "drop", "--long", "drop").err


def test_doubtful_pairs_can_be_left_out(cli: Cli, given: list[str], table: Path) -> None:
    pairs = pairs_of_words()
    pairs["doubts"] = ["", "other content", None] * 4
    write_table(pairs, table, "pairs", {}, force=True)
    done = cli(*given, "--out", "features", "--without-doubts", "--json")
    assert json.loads(done.out)["pairs"] == 8
    assert "4 pairs that the automatic checks doubt are left out" in done.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--dtype", "float32"], "float16, bfloat16"),
        (["--long", "never"], "refuse, cut, drop"),
        (["--engine", "spark"], "local, ray"),
        (["--ray-workers", "2"], "--engine ray"),
        (["--ray-address", "head:6379"], "--engine ray"),
        (["--batch", "0"], "must be from 1 to"),
        (["--shard-rows", "-1"], "must be from 1 to"),
        (["--device", "abacus"], "is not a device"),
        (["--compute", "float8"], "Known ones"),
        (["--backbone", "nonesuch"], "no backbone"),
        (["--engine", "ray", "--ray-workers", "0"], "at least 1"),
    ],
)
def test_bad_options_are_told_with_the_cure(cli: Cli, given: list[str], options: list[str], words: str) -> None:
    done = cli(*given, "--out", "features", *options)
    assert done.code == 2
    assert words in done.err
    assert not Path("features").exists()


def test_a_table_that_holds_no_pairs_is_refused(cli: Cli, given: list[str], table: Path) -> None:
    write_table(make_pairs(), table, "annotations", {}, force=True)
    assert "it says it holds annotations" in cli(*given, "--out", "features").err
    table.write_text("id,valence\r\n1,2\r\n")
    assert cli(*given, "--out", "features").code == 2
    table.unlink()
    done = cli(*given, "--out", "features")
    assert (done.code, "no file" in done.err) == (2, True)


def test_ctrl_c_says_how_to_go_on(cli: Cli, given: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shards, "encode_shard", interrupted)
    done = cli(*given, "--out", "features")
    assert done.code == 130
    assert "The same command goes on where it stopped" in done.err
    monkeypatch.undo()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_the_program_killed_and_started_again_ends_in_the_same_bytes(cli: Cli, given: list[str], table: Path) -> None:
    write_table(pairs_of_words(60), table, "pairs", {}, force=True)
    given += ["--shard-rows", "1"]  # 80 shards, long enough to be killed among them
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    run = subprocess.Popen(
        [sys.executable, "-m", "emoticrafter", *given, "--out", "stopped"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        while run.poll() is None and len(list(Path("stopped").glob("unfinished/*.sha256"))) < 3:
            time.sleep(0.001)
    finally:
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
    assert not Path("stopped/manifest.json").exists()
    assert "prompts were there already" in cli(*given, "--out", "stopped").err
    cli(*given, "--out", "whole")
    assert contents(Path("stopped")) == contents(Path("whole"))
