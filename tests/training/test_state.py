from __future__ import annotations

import errno
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emoticrafter.errors import CheckpointError, OutputError
from emoticrafter.training import state as module
from emoticrafter.training.state import States, random_state, set_random_state


def parts(value: float = 1.0) -> dict[str, dict[str, torch.Tensor]]:
    model = {"a": torch.full((3, 2), value), "b": torch.tensor(value)}
    return {"model": model, "optimizer": {"a.step": torch.tensor(2.0)}, "random-00000": random_state()}


@pytest.fixture
def states(tmp_path: Path) -> States:
    made = States(tmp_path / "states")
    for step in (100, 200, 300):
        made.save(step, parts(step), {"progress": {"step": step}}, keep=3)
    return made


def test_what_was_saved_is_read_back(states: States) -> None:
    latest = states.latest()
    assert latest is not None
    assert latest.about["progress"] == {"step": 300}
    assert latest.tensors["model"]["a"].tolist() == [[300.0, 300.0]] * 3
    assert latest.tensors["model"]["b"].shape == ()
    assert sorted(path.name for path in latest.folder.iterdir()) == [
        "model.safetensors", "optimizer.safetensors", "random-00000.safetensors", "state.json",
    ]  # fmt: skip


def test_only_the_last_few_are_kept(states: States) -> None:
    states.save(1_000_000_000, parts(), {}, keep=2)
    assert [path.name for path in states.found()] == ["step-00000300", "step-1000000000"]


def test_none_is_none(tmp_path: Path) -> None:
    assert States(tmp_path / "nowhere").latest() is None


def damage(folder: Path, how: str) -> None:
    model = folder / "model.safetensors"
    if how == "missing part":
        model.unlink()
    elif how == "cut short":
        model.write_bytes(model.read_bytes()[:-1])
    elif how == "one bit":
        data = bytearray(model.read_bytes())
        data[-1] ^= 1
        model.write_bytes(data)
    elif how == "no state.json":
        (folder / "state.json").unlink()
    elif how == "state.json cut short":
        (folder / "state.json").write_text((folder / "state.json").read_text()[:50])
    elif how == "state.json of something else":
        (folder / "state.json").write_text("[]")
    elif how == "another version":
        about = json.loads((folder / "state.json").read_text())
        (folder / "state.json").write_text(json.dumps(about | {"version": 99}))
    elif how == "parts not named":
        about = json.loads((folder / "state.json").read_text())
        (folder / "state.json").write_text(json.dumps(about | {"files": {}}))
    else:
        about = json.loads((folder / "state.json").read_text())
        about["files"]["../../secret"] = {"bytes": 1, "sha256": ""}
        (folder / "state.json").write_text(json.dumps(about))


HOW = (
    "missing part", "cut short", "one bit", "no state.json", "state.json cut short", "state.json of something else",
    "another version", "parts not named", "a path that leads out",
)  # fmt: skip


@pytest.mark.parametrize("how", HOW)
def test_a_damaged_state_is_an_error_that_names_the_last_good_one(states: States, how: str) -> None:
    damage(states.folder / "step-00000300", how)
    damage(states.folder / "step-00000200", "one bit")
    with pytest.raises(CheckpointError) as error:
        states.latest()
    assert "step-00000300" in error.value.problem
    assert "The last good one is step-00000100: delete the folder step-00000300" in error.value.hint
    shutil.rmtree(states.folder / "step-00000300")
    shutil.rmtree(states.folder / "step-00000200")
    latest = states.latest()  # as the hint says
    assert latest is not None
    assert latest.about["step"] == 100


def test_where_none_is_whole_it_says_so(states: States) -> None:
    for folder in states.found():
        damage(folder, "one bit")
    with pytest.raises(CheckpointError, match="None is whole"):
        states.latest()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EACCES])
def test_what_cannot_be_written_leaves_the_others_whole(states: States, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    calls: list[Path] = []
    real = module._sync

    def refuse(path: Path) -> None:
        calls.append(path)
        if len(calls) == 2:  # the second file
            raise OSError(code, "refused")
        real(path)

    monkeypatch.setattr(module, "_sync", refuse)
    with pytest.raises(OutputError) as error:
        states.save(400, parts(), {}, keep=1)
    assert ("disk is full" in str(error.value)) is (code != errno.EACCES)
    assert "step 400" in error.value.problem
    assert "step-00000300 is whole" in error.value.hint
    assert sorted(path.name for path in states.folder.iterdir()) == ["step-00000100", "step-00000200", "step-00000300"]
    assert states.latest() is not None


def test_a_full_disk_as_safetensors_tells_it(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors import SafetensorError

    def refuse(*_: Any) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", refuse)
    with pytest.raises(OutputError, match="disk is full"):
        states.save(400, parts(), {}, keep=1)


def test_an_interrupt_while_saving_leaves_nothing_half_written(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_sync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        states.save(400, parts(), {}, keep=1)
    assert len(list(states.folder.iterdir())) == 3


def test_leavings_of_killed_runs_are_removed_and_nothing_else(states: States) -> None:
    (states.folder / ".step-00000400.0123456789abcdef.tmp").mkdir()
    (states.folder / ".step-00000400.mine").mkdir()
    states.clean()
    assert (states.folder / ".step-00000400.mine").is_dir()
    assert len(list(states.folder.iterdir())) == 4


def draw() -> list[Any]:
    return [random.gauss(0, 1), random.random(), np.random.standard_normal(), np.random.rand(3).tolist(), torch.rand(3).tolist()]


def test_random_generators_go_on_where_they_were(tmp_path: Path) -> None:
    random.gauss(0, 1)  # leaves the second of a pair behind
    np.random.standard_normal()
    States(tmp_path).save(1, parts(), {}, keep=1)
    expected = draw()
    draw()
    latest = States(tmp_path).latest()
    assert latest is not None
    set_random_state(latest.tensors["random-00000"])
    assert draw() == expected
    random.seed(0)
    set_random_state(random_state())
    assert random_state()["python_gauss"].shape == (0,)


def test_nothing_is_pickled(states: States) -> None:
    from safetensors import safe_open

    for path in states.folder.rglob("*"):
        if path.is_file():
            assert path.suffix in (".json", ".safetensors")
            if path.suffix == ".safetensors":
                with safe_open(path, "pt") as file:
                    assert file.keys()
