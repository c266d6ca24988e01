"""Trainings small enough for a test, here or in a process that can be killed."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from emoticrafter.settings import read_settings
from emoticrafter.training.recipe import Recipe, find_recipe

SMALL = (
    "model.width=16", "model.encoder_width=8", "train.batch=8", "train.precision=float32", "train.device=cpu", "train.steps=6",
    "train.validate_every=3", "train.save_every=2", "log.ridge_pairs=0", "log.every=1",
)  # fmt: skip
PRELOADED = [
    "emoticrafter.training", "emoticrafter.cli.main", "torch._dynamo", "pandas", "pyarrow.parquet", "scipy.sparse.csgraph",
    "matplotlib.figure", "matplotlib.backends.backend_agg", __name__,
]  # fmt: skip
TIMES = {"seconds", "pairs_per_second", "memory_gib"}  # what may differ between two runs


def small_recipe(features: Path, *changes: str) -> Recipe:
    """The smoke recipe, smaller, in float32."""
    return read_settings(Recipe, find_recipe("smoke"), [f'data.features="{features}"', *SMALL, *changes])


def numbers(run: Path) -> dict[str, Any]:
    """Everything that a run ended in and that must not depend on how it got there, as comparable values."""
    last = sorted((run / "states").glob("step-*"))[-1]
    tensors = {f"{path.stem}/{name}": tensor for path in last.glob("*.safetensors") for name, tensor in load_file(path).items()}
    tensors |= {f"kept/{name}": tensor for name, tensor in load_file(run / "checkpoint" / "eit.safetensors").items()}
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return {
        "name": last.name,
        "tensors": tensors,
        "metrics": [{name: value for name, value in line.items() if name not in TIMES} for line in lines],
    }


def assert_same(one: Path, other: Path) -> None:
    """Two runs ended in the same numbers, to the bit."""
    mine, theirs = numbers(one), numbers(other)
    assert mine["name"] == theirs["name"]
    assert mine["tensors"].keys() == theirs["tensors"].keys()
    differing = [name for name, tensor in mine["tensors"].items() if not torch.equal(tensor, theirs["tensors"][name])]
    assert differing == []
    assert mine["metrics"] == theirs["metrics"]


def train_here(recipe: Recipe, out: Path) -> None:
    """What a process of a test runs."""
    from emoticrafter.training import train

    torch.set_num_threads(1)
    train(recipe, out, quiet=True)


def run_program(arguments: list[str]) -> None:
    """The program in a process of a test."""
    from emoticrafter.cli.main import run

    torch.set_num_threads(1)
    run(arguments)


def process(target: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """A real process, started quickly: its parent has the libraries loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    made = context.Process(target=target, args=arguments)
    made.start()
    return made


def wait_for_step(run: Path, step: int, process: ForkServerProcess, seconds: float = 60) -> None:
    """Until the run has written the metrics of that step."""
    path, ends = run / "metrics.jsonl", time.monotonic() + seconds
    while time.monotonic() < ends and process.is_alive():
        lines = path.read_text().splitlines() if path.is_file() else []
        if any(f'"step": {step},' in line for line in lines):
            return
        time.sleep(0.002)
    raise AssertionError(f"step {step} was not seen; the process is {'alive' if process.is_alive() else 'gone'}")
