"""What every method has in common: stopped, watched, called from many threads, opened by one door."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emoticrafter import EmotiCrafter, Emotion
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.errors import InputError, StoppedError
from emoticrafter.method import BackboneMethod, UnknownWordsWarning
from emoticrafter.request import Request
from emoticrafter.rivals import open_method
from emoticrafter.rivals.cross_attention import CrossAttention
from emoticrafter.rivals.time_embedding import TimeEmbedding
from emoticrafter.sampling import settings
from emoticrafter.watch import Watch

SAD, GLAD = Emotion(valence=-2, arousal=1), Emotion(valence=3, arousal=-1)
METHODS = ["emoticrafter", "cross_attention", "time_embedding", "rewriting"]


def opened(name: str, backbone: SDXLBackbone) -> BackboneMethod:
    """A method; those that are learned have random weights, so that they change the network."""
    import torch

    kinds = {"cross_attention": CrossAttention, "time_embedding": TimeEmbedding}
    if name not in kinds:
        return open_method(name, backbone)
    rival = kinds[name](backbone)
    assert rival.module is not None
    torch.manual_seed(3)
    for parameter in rival.module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return rival


def pixels(method: BackboneMethod, request: Request, watch: Watch | None = None) -> np.ndarray:
    pictures = method.draw(request) if watch is None else method.draw(request, watch)
    return np.stack([np.asarray(picture.image) for picture in pictures])


class StopAfter:
    """Says stop once so many steps are done. steps: that were done."""

    def __init__(self, most: int) -> None:
        self.most, self.steps = most, 0

    def watch(self) -> Watch:
        def step(done: int, total: int) -> None:
            self.steps = done

        return Watch(stage=lambda name: step, stop=lambda: self.steps >= self.most)


@pytest.mark.parametrize("name", METHODS)
def test_a_stop_takes_effect_before_the_next_step_and_leaves_the_method_as_it_was(name: str, backbone: SDXLBackbone) -> None:
    method, request = (
        opened(name, backbone),
        Request.of("a red ball", SAD, seed=7, steps=6, guidance=5.0, guidance_range=(0.2, 0.6)),
    )
    before, processors = pixels(method, request), dict(backbone.pipeline.unet.attn_processors)
    hooks = [len(module._forward_hooks) for module in backbone.pipeline.unet.modules()]
    calls: list[Any] = []
    counter = backbone.pipeline.unet.register_forward_pre_hook(lambda *_: calls.append(0))
    try:
        with pytest.raises(StoppedError):
            pixels(method, request, StopAfter(2).watch())
    finally:
        counter.remove()
    assert len(calls) == 2
    assert backbone.pipeline.unet.attn_processors == processors
    assert [len(module._forward_hooks) for module in backbone.pipeline.unet.modules()] == hooks
    assert backbone.lock.acquire(blocking=False)
    backbone.lock.release()
    assert np.array_equal(pixels(method, request), before)


def test_a_stop_from_the_start_draws_nothing_and_frees_what_is_offloaded(
    backbone: SDXLBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, freed = open_method("emoticrafter", backbone), list[int]()
    monkeypatch.setattr(backbone.pipeline, "maybe_free_model_hooks", lambda: freed.append(1))
    with pytest.raises(StoppedError):
        method.generate("cat", SAD, watch=Watch(stop=lambda: True))
    assert freed == []
    with pytest.raises(StoppedError):
        method.generate("cat", SAD, steps=4, watch=StopAfter(1).watch())
    assert freed == [1]


@pytest.mark.parametrize("scheduler", [None, "Euler", "EulerAncestral", "DPMSolverMultistep", "Heun", "DDIM", "LCM"])
def test_previews_come_before_each_further_step_and_change_no_pixel(tiny_sdxl: Path, scheduler: str | None) -> None:
    method = EmotiCrafter.from_pretrained(tiny_sdxl, device="cpu", dtype="float32", scheduler=scheduler)
    request = Request.of(["cat", "dog"], SAD, seed=[1, 2], steps=4, guidance=3.0)
    shown: list[tuple[int, Image.Image]] = []
    watch = Watch(preview=lambda number, image: shown.append((number, image)))
    assert np.array_equal(pixels(method, request, watch), pixels(method, request))
    assert [number for number, _ in shown[:6]] == [0, 1, 0, 1, 0, 1]
    assert {(image.mode, image.size) for _, image in shown} == {("RGB", (16, 16))}


def test_a_preview_soon_looks_like_the_picture() -> None:
    method = EmotiCrafter.from_pretrained("storybook", device="cpu")
    shown: list[Image.Image] = []
    watch = Watch(preview=lambda number, image: shown.append(image))
    picture = method.generate("a dog on a beach", SAD, seed=7, steps=12, watch=watch)[0].image
    small = np.asarray(picture.resize((64, 64), Image.Resampling.BOX), float)
    distances = [np.abs(np.asarray(one, float) - small).mean() for one in shown]
    assert (len(shown), shown[0].size) == (11, (64, 64))
    assert distances[3] < 12 < distances[0]  # of 255
    assert max(distances[4:]) < 10


def in_threads(works: list[Callable[[], Any]]) -> list[Any]:
    """What works give that run at the same time, each in a thread of its own; an error is given as it is."""
    made: list[Any] = [None] * len(works)
    together = threading.Barrier(len(works))

    def run(place: int, work: Callable[[], Any]) -> None:
        together.wait()
        try:
            made[place] = work()
        except BaseException as error:
            made[place] = error

    threads = [threading.Thread(target=run, args=one) for one in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return made


def test_four_threads_draw_what_each_draws_alone_and_a_stop_stops_one(backbone: SDXLBackbone) -> None:
    ours, rival = open_method("emoticrafter", backbone), opened("cross_attention", backbone)
    late = Request.of("a blue house", GLAD, seed=3, steps=7, start=0.5, negative="dog")
    asked: list[tuple[BackboneMethod, Request]] = [
        (ours, Request.of("a red ball", SAD, seed=1, steps=5, guidance=4.0)),
        (rival, Request.of("a red ball", SAD, seed=1, steps=4, guidance_range=(0.3, 0.6))),
        (ours, late),
        (rival, Request.of(["dog", "a cat in the forest"], [GLAD, SAD], seed=2, count=2, steps=3)),
    ]
    alone = [pixels(method, request) for method, request in asked]
    for _ in range(2):
        works: list[Callable[[], Any]] = [partial(pixels, method, request) for method, request in asked]
        works.append(lambda: pixels(ours, late, StopAfter(2).watch()))
        *drawn, stopped = in_threads(works)
        assert [np.array_equal(one, other) for one, other in zip(drawn, alone, strict=True)] == [True] * 4
        assert isinstance(stopped, StoppedError)


def test_who_waits_for_another_picture_can_be_stopped(backbone: SDXLBackbone) -> None:
    method, begun, go = open_method("emoticrafter", backbone), threading.Event(), threading.Event()

    def hold(done: int, total: int) -> None:
        begun.set()
        assert go.wait(20)

    first = threading.Thread(target=method.generate, args=("cat", SAD), kwargs={"steps": 2, "progress": hold})
    first.start()
    assert begun.wait(20)
    with pytest.raises(StoppedError):
        method.generate("dog", SAD, watch=Watch(stop=lambda: True))
    go.set()
    first.join()


def test_every_method_has_the_calls_of_ours_with_every_setting_by_name(backbone: SDXLBackbone) -> None:
    for name in METHODS:
        method = opened(name, backbone)
        for call in (method.generate, method.grid, method.sweep):
            assert list(inspect.signature(call).parameters)[-len(settings()) :] == list(settings())
        with pytest.raises(InputError, match="Unknown settings: speed") as caught:
            method.generate("cat", SAD, speed=3)
        assert caught.value.field == "speed"
        assert method.draw(Request.of("cat", SAD, steps=1))[0].recipe["seed"] == 0


def test_without_a_watch_warnings_are_python_s_own_and_name_the_caller(backbone: SDXLBackbone) -> None:
    method = open_method("emoticrafter", backbone)
    for call in (lambda: method.generate("zeppelin", SAD, steps=1), lambda: method.grid("zeppelin", valences=[0], arousals=[0])):
        with pytest.warns(UnknownWordsWarning, match="zeppelin") as told:
            call()
        (ours,) = (one for one in told if one.category is UnknownWordsWarning)
        assert Path(ours.filename) == Path(__file__)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("emoticrafter", "emoticrafter"),
        ("ours", "emoticrafter"),  # as older suites call it
        ("rewriting", "rewriting"),
        ("no emotion", "no_emotion"),
        ("truth", "rewriting"),
        ("rules writer", "rewriting"),
    ],
)
def test_one_door_opens_them_all_by_name(source: str, name: str, tiny_sdxl: Path, backbone: SDXLBackbone) -> None:
    assert open_method(source, backbone).describe()["method"] == name
    assert open_method(source, str(tiny_sdxl), device="cpu", dtype="float32").describe()["method"] == name


def test_a_model_s_refusal_names_its_field_too(backbone: SDXLBackbone) -> None:
    method = open_method("emoticrafter", backbone)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"size": 33}, "size"), ({"negative": "x", "guidance": 1}, "negative"),
    ]  # fmt: skip
    for asked, field in refused:
        with pytest.raises(InputError) as caught:
            method.generate("cat", SAD, **asked)
        assert caught.value.field == field
