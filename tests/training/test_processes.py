"""Several processes give what one gives, and a run goes on with another number of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import emoticrafter
from emoticrafter import checkpoint
from emoticrafter.settings import as_toml
from emoticrafter.training import train
from emoticrafter.training.recipe import Recipe
from emoticrafter.training.record import read_metrics
from tests.tiny_features import make_features
from tests.training.tiny_runs import process, small_recipe, train_here, wait_for_step

SETTINGS = (
    "objective.identity=0.2",
    "objective.counterfactual=0.3",
    "train.micro_batch=2",
    "train.clip=0.5",
    "train.average=0.5",
)


def torchrun(processes: int, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    source = str(Path(emoticrafter.__file__).parents[1])
    paths = os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes),
            "-m", "emoticrafter", "train", *arguments,
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def train_as(rank: int, processes: int, port: int, recipe: Recipe, out: Path) -> None:
    """What torchrun would start, in a process of a test."""
    os.environ |= {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    train_here(recipe, out)


def assert_close(one: Path, other: Path) -> None:
    mine, theirs = (checkpoint.load(run / "checkpoint").state_dict() for run in (one, other))
    for name, tensor in mine.items():
        assert torch.allclose(tensor, theirs[name], rtol=1e-5, atol=2e-6), name
    for a, b in zip(read_metrics(one / "metrics.jsonl"), read_metrics(other / "metrics.jsonl"), strict=True):
        assert a["step"] == b["step"]
        for figure in {"loss", "paper", "identity", "counterfactual", "norm", "val", "val_plain"} & set(a):
            assert a[figure] == pytest.approx(b[figure], rel=1e-4)


@pytest.mark.slow
def test_two_processes_give_the_result_of_one_and_one_goes_on_where_two_were(tmp_path: Path) -> None:
    features = make_features(tmp_path / "features")
    shorter, longer = (small_recipe(features, *SETTINGS, f"train.steps={steps}") for steps in (4, 8))
    train(shorter, tmp_path / "one", quiet=True)
    (tmp_path / "shorter.toml").write_text(as_toml(shorter))
    done = torchrun(2, str(tmp_path / "shorter.toml"), "--out", str(tmp_path / "two"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "two" / "checkpoint")]  # one of them speaks
    assert_close(tmp_path / "one", tmp_path / "two")
    states = tmp_path / "two" / "states" / "step-00000004"
    assert {"random-00000.safetensors", "random-00001.safetensors"} <= {path.name for path in states.iterdir()}
    shutil.copytree(tmp_path / "one", tmp_path / "one_then_two")
    train(longer, tmp_path / "one", quiet=True)
    train(longer, tmp_path / "two", quiet=True)
    assert_close(tmp_path / "one", tmp_path / "two")
    port = free_port()
    both = [process(train_as, rank, 2, port, longer, tmp_path / "one_then_two") for rank in range(2)]
    for each in both:
        each.join(120)
    assert [each.exitcode for each in both] == [0, 0]
    assert_close(tmp_path / "one", tmp_path / "one_then_two")


def test_a_signal_to_one_process_stops_all_at_the_same_step(tmp_path: Path) -> None:
    recipe = small_recipe(make_features(tmp_path / "features"), "train.steps=2000", "train.save_every=2000")
    out, port = tmp_path / "run", free_port()
    both = [process(train_as, rank, 2, port, recipe, out) for rank in range(2)]
    wait_for_step(out, 20, both[0])
    os.kill(both[1].pid or 0, signal.SIGTERM)  # not the one that writes
    for each in both:
        each.join(60)
    assert [each.exitcode for each in both] == [0, 0]
    about = json.loads((out / "run.json").read_text())
    assert about["finished"] is False
    assert about["processes"] == 2
    assert [path.name for path in (out / "states").iterdir() if path.name != "step-00000000"] == [f"step-{about['step']:08d}"]
