"""Pictures drawn on Ray: the same bytes as in one process, and errors that people can read."""

from __future__ import annotations

import importlib.util
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from emoticrafter import EmotiCrafter, Emotion
from emoticrafter.batch import plan_rows, run_batch
from emoticrafter.cluster.drawing import PictureWorker, RayMethod
from emoticrafter.cluster.workers import connected, error_of
from emoticrafter.emotion import grid
from emoticrafter.errors import DeviceError, InputError, MissingError, StoppedError
from emoticrafter.request import Request
from emoticrafter.watch import Watch
from tests.batch.methods import Colours, Mortal
from tests.contents import contents

ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")
NEUTRAL = Emotion.neutral()
ASKED = {"prompts": ["a cat"], "emotions": [{"valence": 1, "arousal": 2}]}
ROWS = plan_rows(["a cat", "a dog on the beach"], grid([-3, 3], [-3, 3]), [0, 1])


def description(method: Any) -> str:
    return json.dumps(method.describe(), sort_keys=True)


def test_a_worker_answers_with_the_files_bytes_and_what_the_maker_warned_of(tiny_sdxl: Path) -> None:
    worker = PictureWorker(partial(EmotiCrafter.from_pretrained, tiny_sdxl, device="cpu", dtype="float32"), threads=1)
    about = worker.describe()["description"]
    row = plan_rows(["a catt"], grid([1], [2]), [5])[0].resolved(about)
    made = worker.draw_task(4, [dict(vars(row))], ".png", json.dumps(about))
    assert (made["number"], len(made["files"]), "error" in made) == (4, 1, False)
    assert made["files"][0][:4] == b"\x89PNG"
    assert "'catt'" in made["warnings"][0]
    assert worker.check(Request.of("a cat", NEUTRAL).model_dump_json()) == {"warnings": []}


def test_a_worker_s_error_comes_back_as_it_was(tiny_sdxl: Path) -> None:
    worker = PictureWorker(partial(EmotiCrafter.from_pretrained, tiny_sdxl, device="cpu"), threads=1)
    error = error_of(worker.check(json.dumps(ASKED | {"sampling": {"steps": 0}}))["error"])
    assert (type(error), "steps is 0" in error.problem) == (InputError, True)
    assert isinstance(error, InputError)
    assert (error.field, error.value) == ("steps", 0)
    error = error_of(PictureWorker(partial(EmotiCrafter.from_pretrained, "nonesuch"), threads=1).describe()["error"])
    assert (type(error), "nonesuch" in error.problem) == (MissingError, True)


def test_a_worker_with_other_weights_is_refused_with_both() -> None:
    worker = PictureWorker(partial(Colours, "beef"), threads=None)
    error = error_of(worker.draw_task(0, [dict(vars(ROWS[0]))], ".png", description(Colours()))["error"])
    assert "found the weights 'beef'; another one found 'f00d'" in error.problem


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="is 0"):
        RayMethod(Colours, workers=0)  # type: ignore[arg-type]


@ray
@pytest.mark.slow
def test_a_real_ray_draws_what_one_process_draws(tmp_path: Path, tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    opener = partial(EmotiCrafter.from_pretrained, str(tiny_sdxl), device="cpu", dtype="float32")
    run_batch(opener(), ROWS, tmp_path / "local", batch=3)
    steps: list[tuple[int, int]] = []
    with connected(None, 2):
        with RayMethod(opener, workers=2) as method:
            assert method.describe() == opener().describe()
            with pytest.raises(InputError, match="steps is 0"):
                run_batch(method, plan_rows(["a cat"], grid([1], [1]), [0], {"steps": 0}), tmp_path / "no", engine=method.engine)
            stopped = run_batch(
                method, ROWS, tmp_path / "ray", batch=3, engine=method.engine, watch=Watch(
                    stop=lambda: len(steps) > 0,
                    stage=lambda name: lambda done, total: steps.append((done, total)) if name == "drawing" else None,
                ),
            )  # fmt: skip
            assert 0 < stopped.drawn < 16
            done = run_batch(method, ROWS, tmp_path / "ray", engine=method.engine)
            assert (done.before, done.drawn) == (stopped.drawn, 16 - stopped.drawn)
            assert contents(tmp_path / "ray") == contents(tmp_path / "local")
        # A worker that dies is started again.
        run_batch(Colours(), ROWS, tmp_path / "plain", batch=3)
        with RayMethod(partial(Mortal, tmp_path / "mark"), workers=1) as method:  # type: ignore[arg-type]
            run_batch(method, ROWS, tmp_path / "mortal", batch=3, engine=method.engine)
        assert (tmp_path / "mark").exists()
        assert contents(tmp_path / "mortal") == contents(tmp_path / "plain")


@ray
def test_an_address_without_a_cluster_is_an_error() -> None:
    with pytest.raises(MissingError, match="no Ray cluster at 'not an address'"), RayMethod(Colours, address="not an address"):  # type: ignore[arg-type]
        pass


@ray
def test_an_error_within_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    from ray.exceptions import RayActorError

    from emoticrafter.cluster import drawing as pictures

    monkeypatch.setattr(pictures, "connected", lambda *_: nullcontext())
    monkeypatch.setattr(pictures, "shares", lambda *_: (0, 1))
    monkeypatch.setattr("ray.nodes", list)
    with pytest.raises(InputError, match="mine"), RayMethod(Colours):  # type: ignore[arg-type]
        raise InputError("mine")
    with pytest.raises(DeviceError, match="workers failed"), RayMethod(Colours):  # type: ignore[arg-type]
        raise RayActorError


@ray
@pytest.mark.slow
def test_a_ray_method_draws_a_request_as_one_process_does_and_can_be_stopped(
    tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    opener = partial(EmotiCrafter.from_pretrained, str(tiny_sdxl), device="cpu", dtype="float32")
    request = Request.of(["a cat", "a catt"], Emotion(valence=2, arousal=1), seed=[1, 2], steps=3)
    expected = opener().draw(request)
    said: list[str] = []
    with connected(None, 2), RayMethod(opener, workers=2) as method:
        drawn = method.draw(request, Watch(warn=said.append))
        assert [one.image.tobytes() for one in drawn] == [one.image.tobytes() for one in expected]
        assert [one.recipe for one in drawn] == [one.recipe for one in expected]
        assert len(said) == 1
        assert "'catt'" in said[0]
        assert len(method.grid("a cat", valences=[-1, 1], arousals=[0], steps=1).pictures) == 2
        with pytest.raises(InputError, match="each side must be a multiple") as caught:
            method.generate("a cat", NEUTRAL, size=33)
        assert caught.value.field == "size"
        steps: list[tuple[int, int]] = []
        shown: list[tuple[int, int]] = []
        watch = Watch(
            stage=lambda name: lambda done, total: steps.append((done, total)),
            stop=lambda: len(steps) > 0,
            preview=lambda number, image: shown.append(image.size),
        )
        with pytest.raises(StoppedError):
            method.generate("a cat", NEUTRAL, steps=1000, watch=watch)
        assert steps[0][1] == 1000
        assert steps[0][0] < 1000
        assert method.generate("a cat", NEUTRAL, steps=1)
