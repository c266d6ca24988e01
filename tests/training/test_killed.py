"""Runs that are killed, stopped, or find the disk full end, when they are taken up again, as an undisturbed one does."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from emoticrafter.training.recipe import Recipe
from emoticrafter.training.record import read_metrics
from emoticrafter.training.state import States
from tests.training.tiny_runs import assert_same, process, run_program, small_recipe, train_here, wait_for_step

STEPS = 60
# Everything that has a state of its own: averaged weights, a schedule, sums that several steps go into.
FULL = (
    f"train.steps={STEPS}", "train.average=0.9", "train.schedule=cosine", "train.warmup=3", "train.micro_batch=4",
    "train.save_every=4", "train.validate_every=10", "log.every=3", "objective.counterfactual=0.5",
)  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    whole = process(train_here, small_recipe(features, *FULL), out)
    whole.join(120)
    assert whole.exitcode == 0
    return out


def test_killed_at_random_steps_it_ends_in_the_same_bits(features: Path, undisturbed: Path, tmp_path: Path) -> None:
    recipe, out, rng = small_recipe(features, *FULL), tmp_path / "run", random.Random(time.time_ns())
    seen = []
    for least in (3, 21, 39):
        step = 3 * rng.randrange(least // 3, least // 3 + 5)
        victim = process(train_here, recipe, out)
        wait_for_step(out, step, victim)
        time.sleep(rng.random() * 0.02)
        os.kill(victim.pid or 0, signal.SIGKILL)
        victim.join(30)
        seen.append((step, victim.exitcode))
    assert [code for _, code in seen] == [-signal.SIGKILL] * 3, seen
    last = process(train_here, recipe, out)
    last.join(120)
    assert last.exitcode == 0
    assert_same(undisturbed, out)
    assert not list((out / "states").glob(".*"))
    assert json.loads((out / "run.json").read_text())["finished"] is True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_at_the_next_step_and_the_exit_code_says_so(
    features: Path, undisturbed: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    out = tmp_path / "run"
    recipe = tmp_path / "recipe.toml"
    from emoticrafter.settings import as_toml

    recipe.write_text(as_toml(small_recipe(features, *FULL, "train.save_every=1000")))
    asked = process(run_program, ["train", str(recipe), "--out", str(out)])
    wait_for_step(out, 12, asked)
    os.kill(asked.pid or 0, number)
    asked.join(60)
    assert asked.exitcode == code
    about = json.loads((out / "run.json").read_text())
    assert about["finished"] is False
    assert 12 <= about["step"] < STEPS
    assert (out / "states" / f"step-{about['step']:08d}").is_dir()
    again = process(run_program, ["train", str(recipe), "--out", str(out)])
    again.join(60)
    assert again.exitcode == 0
    assert_same(undisturbed, out)


def _with_little_disk(recipe: Recipe, out: Path, most: int) -> None:
    """Train where no file may grow beyond so many bytes."""
    import resource

    from emoticrafter.cli.main import _say_error
    from emoticrafter.errors import OutputError
    from emoticrafter.training import train

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        train(recipe, out, quiet=True)
    except OutputError as error:
        (out / "told.txt").write_text(str(error))
        _say_error(error.problem, error.hint)
        raise SystemExit(2) from error


def test_a_full_disk_is_told_and_the_last_state_stays_whole(features: Path, undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    begun = process(train_here, small_recipe(features, *FULL, "train.steps=8"), out)
    begun.join(60)
    assert begun.exitcode == 0
    whole = {path: path.read_bytes() for path in (out / "states" / "step-00000008").iterdir()}
    size = (out / "states" / "step-00000008" / "optimizer.safetensors").stat().st_size
    full = process(_with_little_disk, small_recipe(features, *FULL), out, size - 1000)
    full.join(60)
    assert full.exitcode == 2
    told = (out / "told.txt").read_text()
    assert "disk is full" in told
    assert "step 12" in told
    assert "step-00000008" in told
    assert {path: path.read_bytes() for path in whole} == whole
    assert sorted(path.name for path in (out / "states").iterdir()) == ["step-00000004", "step-00000008"]
    # With space again it goes on; a constant-length schedule would give the same bits, a longer cosine need not.
    after = process(train_here, small_recipe(features, *FULL), out)
    after.join(60)
    assert after.exitcode == 0


def _without_room_for_states(recipe: Recipe, out: Path) -> None:
    """Train where the checkpoint of the first validation has room, and the first state has none."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    States.save = full  # type: ignore[method-assign, assignment]
    train_here(recipe, out)


@pytest.mark.parametrize("kept", [False, True])
def test_a_disk_that_is_full_before_the_first_state(features: Path, undisturbed: Path, tmp_path: Path, kept: bool) -> None:
    """The first validation is in the metrics, and of nothing else is anything left: the same command begins anew."""
    out, recipe = tmp_path / "run", small_recipe(features, *FULL)
    size = (undisturbed / "checkpoint" / "eit.safetensors").stat().st_size
    full = process(_without_room_for_states, recipe, out) if kept else process(_with_little_disk, recipe, out, size - 100)
    full.join(60)
    assert full.exitcode == (1 if kept else 2)
    assert kept or "The disk is full: the checkpoint" in (out / "told.txt").read_text()
    assert [line["step"] for line in read_metrics(out / "metrics.jsonl")] == [0]
    assert States(out / "states").found() == []
    assert (out / "checkpoint").is_dir() is kept
    last = process(train_here, recipe, out)
    last.join(120)
    assert last.exitcode == 0
    assert_same(undisturbed, out)


@pytest.mark.parametrize("lines", ["", '{"step": 0, "val": 1.0}\n', '{"step": 0, "val": 1.0}\n{"step": 0, "va'])
def test_killed_during_the_first_validation(features: Path, undisturbed: Path, tmp_path: Path, lines: str) -> None:
    out, recipe = tmp_path / "run", small_recipe(features, *FULL)
    out.mkdir()
    shutil.copy(undisturbed / "recipe.toml", out)
    (out / "metrics.jsonl").write_text(lines)
    shutil.copytree(undisturbed / "checkpoint", out / "checkpoint")
    last = process(train_here, recipe, out)
    last.join(120)
    assert last.exitcode == 0
    assert_same(undisturbed, out)
