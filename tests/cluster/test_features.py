"""The engine on Ray: the same bytes as in one process, and errors that people can read."""

from __future__ import annotations

import importlib.util
import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from emoticrafter.backbones.registry import open_encoder
from emoticrafter.cluster import features
from emoticrafter.cluster.workers import connected, error_of, readable_errors, shares
from emoticrafter.errors import DeviceError, EmotiCrafterError, InputError, MissingError, OutputError
from emoticrafter.features.encoding import write_features
from emoticrafter.features.shards import ShardTask
from emoticrafter.features.store import FeatureStore
from tests.cli.data.test_encode import pairs_of_words
from tests.contents import contents

ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")


def node(alive: bool = True, **resources: float) -> dict[str, Any]:
    return {"Alive": alive, "Resources": resources}


@pytest.mark.parametrize(
    ("nodes", "gpu", "workers", "expected"),
    [
        ([node(CPU=2)], False, None, (1, 2)),
        ([node(CPU=2)], False, 2, (2, 1)),
        ([node(CPU=16), node(CPU=8), node(CPU=64, alive=False), node(memory=1)], False, None, (2, 8)),
        ([node(CPU=16), node(CPU=16)], False, 4, (4, 8)),
        ([node(CPU=4), node(CPU=4)], False, 1, (1, 4)),  # a worker lives on one machine
        ([node(CPU=64, GPU=8), node(CPU=64, GPU=8)], True, None, (16, 1)),
        ([node(CPU=64, GPU=8)], True, 3, (3, 1)),
        ([node(CPU=64, GPU=2)], True, 3, (2, 1)),
    ],
)
def test_workers_share_the_cluster(
    nodes: list[dict[str, Any]], gpu: bool, workers: int | None, expected: tuple[int, int]
) -> None:
    assert shares(nodes, gpu, workers) == expected


def test_a_cluster_that_is_too_small_is_an_error_with_both_numbers() -> None:
    with pytest.raises(InputError, match="5 Ray workers were asked for; the cluster has 4 cores"):
        shares([node(CPU=4)], False, 5)
    with pytest.raises(DeviceError, match="no GPU"):
        shares([node(CPU=4)], True, None)
    with pytest.raises(InputError, match="is 0"):
        features.ray_engine("storybook", fingerprint="", workers=0)


def row(folder: Path, **settings: Any) -> dict[str, str]:
    task = ShardTask(folder=str(folder), number=3, prompts=["a cat"], batch=1, dtype="float16")
    settings = {"backbone": "nonesuch", "fingerprint": "f" * 64, "device": "cpu", "compute": None, "threads": 1, **settings}
    return {"task": json.dumps({"task": asdict(task), "settings": settings})}


def test_a_worker_s_error_comes_back_as_it_was(tmp_path: Path, tiny_sdxl: Path) -> None:
    made = features.ShardMaker()(row(tmp_path))
    assert made["number"] == 3
    error = error_of(made["error"])
    assert type(error) is OutputError
    assert str(tmp_path) in error.problem
    assert "all of them share" in error.hint
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "plan.json").write_text("{}")
    error = error_of(features.ShardMaker()(row(tmp_path))["error"])
    assert type(error) is MissingError
    assert "no backbone 'nonesuch'" in error.problem
    error = error_of(features.ShardMaker()(row(tmp_path, backbone=str(tiny_sdxl)))["error"])
    assert type(error) is InputError
    assert "f" * 16 in error.problem
    assert open_encoder(tiny_sdxl, device="cpu").fingerprint[:16] in error.problem


@pytest.mark.parametrize(
    ("error", "kind"),
    [('["InputError", "no", "try"]', InputError), ('["SystemExit", "no", "try"]', EmotiCrafterError), ("", OutputError)],
)
def test_the_first_error_of_a_worker_ends_the_run(
    tmp_path: Path, tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch, error: str, kind: type[EmotiCrafterError]
) -> None:
    monkeypatch.setattr(features, "connected", lambda *_: nullcontext())
    monkeypatch.setattr(features, "readable_errors", nullcontext)
    monkeypatch.setattr(features, "_pipeline", lambda *_: iter([{"number": 0, "error": error}]))
    encoder = open_encoder(tiny_sdxl, device="cpu")
    with pytest.raises(kind, match="no try" if error else "does not appear") as caught:
        write_features(pairs_of_words(), tmp_path, encoder, engine=features.ray_engine("tiny", fingerprint=""))
    assert type(caught.value) is kind


@ray
def test_a_fault_of_ray_itself_is_told_in_one_line() -> None:
    from ray.exceptions import WorkerCrashedError

    with pytest.raises(DeviceError, match="workers failed: The worker died") as caught, readable_errors():
        raise WorkerCrashedError
    assert "goes on" in caught.value.hint


@ray
def test_an_address_without_a_cluster_is_an_error(tmp_path: Path, tiny_sdxl: Path) -> None:
    encoder = open_encoder(tiny_sdxl, device="cpu")
    engine = features.ray_engine(str(tiny_sdxl), fingerprint=encoder.fingerprint, address="not an address")
    with pytest.raises(MissingError, match="no Ray cluster at 'not an address'") as caught:
        write_features(pairs_of_words(), tmp_path / "made", encoder, engine=engine)
    assert "RAY_ADDRESS" in caught.value.hint


@ray
@pytest.mark.slow
def test_a_real_ray_writes_what_one_process_writes(tmp_path: Path, tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    encoder, pairs = open_encoder(tiny_sdxl, device="cpu"), pairs_of_words(40)
    settings: dict[str, Any] = {"batch": 4, "shard_rows": 8}
    write_features(pairs, tmp_path / "local", encoder, **settings)
    steps: list[tuple[int, int]] = []
    with connected(None, 2):
        assert not ray._private.worker.global_worker.node.webui_url  # nothing that could be looked at from elsewhere
        engine = features.ray_engine(str(tiny_sdxl), fingerprint=encoder.fingerprint, device="cpu", compute="float32", workers=2)
        written = write_features(
            pairs, tmp_path / "ray", encoder, **settings, engine=engine,
            progress=lambda name: lambda done, total: steps.append((done, total)),
        )  # fmt: skip
        assert written.encoded == written.manifest.prompts == 54
        assert contents(tmp_path / "ray") == contents(tmp_path / "local")
        assert len(steps) == 7
        assert steps[-1] == (54, 54)
    assert not ray.is_initialized()
    FeatureStore.open(tmp_path / "ray").check()
