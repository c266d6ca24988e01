"""Guidance at some times of the sampling: how often the network is called, and what it is told, on tiny SDXLs that really run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import EDMEulerScheduler

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.schedulers import schedulers_for
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.guidance import EVERYWHERE, GuidanceRange
from emoticrafter.sampling import Sampling
from emoticrafter.watch import Watch
from tests.pixels import pixels
from tests.tiny import SIZE

PROMPT = "a cat on the beach"
LONG = "a child playing in the forest, a red ball, a dog on the beach, a berry, a cat in the forest"
MIDDLE = GuidanceRange(0.3, 0.85)
SCHEDULERS = sorted(cls.__name__ for cls in schedulers_for(flow=False) if cls.__name__ != "EDMEulerScheduler")
FLOWS = sorted(cls.__name__ for cls in schedulers_for(flow=True))


def moved(features: PromptFeatures) -> PromptFeatures:
    torch.manual_seed(3)
    return features.with_tokens(features.tokens + torch.randn(features.tokens.shape))


@contextmanager
def watched(backbone: SDXLBackbone) -> Iterator[list[tuple[float, torch.Tensor]]]:
    """Each call of the network: the time, and the tokens that its rows are told."""
    calls: list[tuple[float, torch.Tensor]] = []

    def watch(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        latents, time, tokens = given[0], float(given[1]), named["encoder_hidden_states"]
        assert len(latents) == len(tokens) == len(named["added_cond_kwargs"]["time_ids"])
        assert named["added_cond_kwargs"]["time_ids"].tolist() == [[SIZE, SIZE, 0, 0, SIZE, SIZE]] * len(latents)
        calls.append((time, tokens))

    hook = backbone.pipeline.unet.register_forward_pre_hook(watch, with_kwargs=True)
    try:
        yield calls
    finally:
        hook.remove()


@contextmanager
def as_told_outside(backbone: SDXLBackbone, limits: tuple[float, float]) -> Iterator[None]:
    """The long way: the network is always called with both halves, and outside the range both give what the prompt's gives."""

    def both(_: Any, given: tuple[Any, ...], output: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        with_text = output[0].chunk(2)[1]
        return output if limits[0] <= float(given[1]) / 1000 <= limits[1] else (torch.cat([with_text, with_text]),)

    hook = backbone.pipeline.unet.register_forward_hook(both)
    try:
        yield
    finally:
        hook.remove()


def test_the_network_is_called_once_outside_and_twice_within(flow_backbone: SDXLBackbone) -> None:
    features = flow_backbone.encode([PROMPT])
    with watched(flow_backbone) as calls:
        flow_backbone.render(features, seeds=[1], sampling=Sampling(steps=12, guidance=3.0, guidance_range=MIDDLE))
    assert [time for time, _ in calls] == [999, 915, 832, 749, 666, 582, 499, 416, 332, 249, 166, 83]
    assert [len(tokens) for _, tokens in calls] == [1, 1, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1]
    for _, tokens in calls:
        torch.testing.assert_close(tokens[-1], features.tokens[0])
        assert len(tokens) == 1 or not tokens[0].any()  # the unconditional half


@pytest.mark.parametrize(
    ("limits", "rows"),
    [
        ((0, 1), [2] * 6),
        ((0.9, 1), [2] + [1] * 5),
        ((0, 0.2), [1] * 5 + [2]),
        ((0.4, 0.6), [1, 1, 1, 2, 1, 1]),
        ((0.4, 0.41), [1] * 6),
    ],
)
def test_ranges_at_the_ends_and_between_the_steps(
    flow_backbone: SDXLBackbone, limits: tuple[float, float], rows: list[int]
) -> None:
    with watched(flow_backbone) as calls:
        sampling = Sampling(steps=6, guidance_range=GuidanceRange(*limits))
        flow_backbone.render(flow_backbone.encode([PROMPT]), seeds=[1], sampling=sampling)
    assert [time for time, _ in calls] == [999, 832, 666, 499, 332, 166]
    assert [len(tokens) for _, tokens in calls] == rows


@pytest.mark.parametrize(("kind", "scheduler"), [*(("noise", name) for name in SCHEDULERS), *(("flow", name) for name in FLOWS)])
def test_every_scheduler_draws_what_the_long_way_draws(tiny_sdxl: Path, tiny_flow: Path, kind: str, scheduler: str) -> None:
    settings = f"{scheduler},use_flow_sigmas=true" if kind == "flow" else scheduler
    backbone = SDXLBackbone.open(tiny_flow if kind == "flow" else tiny_sdxl, device="cpu", dtype="float32", scheduler=settings)
    features = backbone.encode([PROMPT, "dog"])

    def drawn(**more: Any) -> np.ndarray:
        return pixels(backbone.render(features, seeds=[7, 8], sampling=Sampling(steps=5, guidance=5.0, **more)))

    plain = drawn()
    assert np.array_equal(drawn(guidance_range=EVERYWHERE), plain)
    with watched(backbone) as calls:
        limited = drawn(guidance_range=MIDDLE)
    assert [len(tokens) for _, tokens in calls] == [4 if 300 <= time <= 850 else 2 for time, _ in calls]
    assert {len(tokens) for _, tokens in calls} == {2, 4}
    with as_told_outside(backbone, MIDDLE):
        assert np.abs(drawn() - limited).max() <= 1
    assert np.abs(limited - plain).max() > 2
    assert np.array_equal(drawn(), plain)  # nothing of it stays


def test_guidance_at_no_step_is_no_guidance(flow_backbone: SDXLBackbone) -> None:
    features = flow_backbone.encode([PROMPT])
    none = flow_backbone.render(features, seeds=[1], sampling=Sampling(steps=6, guidance_range=GuidanceRange(0.4, 0.41)))
    assert np.array_equal(
        pixels(none), pixels(flow_backbone.render(features, seeds=[1], sampling=Sampling(steps=6, guidance=1.0)))
    )


@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_without_guidance_a_range_changes_nothing(flow_backbone: SDXLBackbone, guidance: float) -> None:
    features = flow_backbone.encode([PROMPT])
    first, second = (
        flow_backbone.render(features, seeds=[1], sampling=Sampling(guidance=guidance, guidance_range=limits))
        for limits in (EVERYWHERE, MIDDLE)
    )
    assert np.array_equal(pixels(first), pixels(second))


@pytest.mark.parametrize("start", [0.1, 0.5, 0.8, 1.0])
def test_start_and_range_each_change_where_they_say(flow_backbone: SDXLBackbone, start: float) -> None:
    neutral = flow_backbone.encode(["dog", PROMPT])
    emotional = moved(neutral)

    def drawn(**more: Any) -> np.ndarray:
        sampling = Sampling(start=start, steps=6, **more)
        return pixels(flow_backbone.render(emotional, neutral=neutral, seeds=[1, 2], sampling=sampling))

    with watched(flow_backbone) as calls:
        limited = drawn(guidance_range=GuidanceRange(0.4, 0.7))
    assert [len(tokens) for _, tokens in calls] == [2, 2, 4, 4, 2, 2]
    for number, (_, tokens) in enumerate(calls):
        seen = neutral if number < round(start * 6) else emotional
        torch.testing.assert_close(tokens[-2:], seen.tokens)
    with as_told_outside(flow_backbone, (0.4, 0.7)):
        assert np.abs(drawn() - limited).max() <= 1


@pytest.mark.parametrize("negative", ["red ball", LONG])
def test_a_negative_prompt_steers_within_the_range_alone(flow_backbone: SDXLBackbone, negative: str) -> None:
    features = flow_backbone.encode([PROMPT])
    draw = lambda **more: pixels(flow_backbone.render(features, seeds=[1], sampling=Sampling(steps=6, **more)))  # noqa: E731
    with watched(flow_backbone) as calls:
        steered = draw(negative=negative, guidance_range=GuidanceRange(0.4, 0.7))
    assert [len(tokens) for _, tokens in calls] == [1, 1, 2, 2, 1, 1]
    assert {tokens.shape[1] for _, tokens in calls if len(tokens) == 1} == {features.tokens.shape[1]}
    assert np.abs(steered - draw(guidance_range=GuidanceRange(0.4, 0.7))).max() > 2
    nowhere = GuidanceRange(0.4, 0.41)  # no step of it lies there
    assert np.array_equal(draw(negative=negative, guidance_range=nowhere), draw(guidance=1.0))


def test_a_picture_does_not_depend_on_its_batch(tiny_flow: Path) -> None:
    backbone = SDXLBackbone.open(tiny_flow, device="cpu", dtype="float32", batch_size=2)
    prompts = [PROMPT, LONG, "dog", "", "cat"]
    together = pixels(
        backbone.render(backbone.encode(prompts), seeds=[1, 2, 3, 4, 5], sampling=Sampling(steps=4, guidance_range=MIDDLE))
    )
    for row, prompt in enumerate(prompts):
        alone = backbone.render(backbone.encode([prompt]), seeds=[row + 1], sampling=Sampling(steps=4, guidance_range=MIDDLE))
        assert np.abs(pixels(alone)[0] - together[row]).max() <= 1


def test_progress_and_before_step_count_as_without_a_range(backbone: SDXLBackbone) -> None:
    calls: list[Any] = []
    note = lambda *call: calls.append(call)  # noqa: E731
    for limits in (EVERYWHERE, MIDDLE):
        sampling, watch = Sampling(steps=4, guidance_range=limits), Watch(stage=lambda name: note)
        backbone.render(backbone.encode([PROMPT]), seeds=[1], sampling=sampling, watch=watch, before_step=note)
    assert calls == [([0], 0, 4), (1, 4), ([0], 1, 4), (2, 4), ([0], 2, 4), (3, 4), ([0], 3, 4), (4, 4)] * 2


@pytest.mark.parametrize("limits", [(0.85, 0.3), (0.3,), (-1, 1), (0.5, float("nan"))])
def test_a_bad_range_is_refused_before_any_work(backbone: SDXLBackbone, limits: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    features = backbone.encode([PROMPT])
    monkeypatch.setattr(backbone._sampler, "sample", None)
    with pytest.raises(InputError, match="two numbers that rise"):
        backbone.render(features, seeds=[1], sampling=Sampling(guidance_range=limits))
    with pytest.raises(InputError, match="two numbers that rise"):
        backbone.check(Sampling(steps=3, guidance=3.0, guidance_range=limits, size=(SIZE, SIZE), negative=None))


def test_a_scheduler_that_tells_no_timesteps_is_refused(tiny_sdxl: Path, tmp_path: Path) -> None:
    """Those of EDM, which a model of EDM's kind has."""
    folder = Path(shutil.copytree(tiny_sdxl, tmp_path / "edm"))
    EDMEulerScheduler(sigma_min=0.002, sigma_max=80.0).save_pretrained(folder / "scheduler")
    index = folder / "model_index.json"
    index.write_text(re.sub(r'"scheduler": \[[^\]]*\]', '"scheduler": ["diffusers", "EDMEulerScheduler"]', index.read_text()))
    backbone = SDXLBackbone.open(folder, device="cpu", dtype="float32")
    with pytest.raises(InputError, match=r"EDMEulerScheduler tells no timesteps of the training.*0:1"):
        backbone.check(Sampling(steps=3, guidance=3.0, guidance_range=MIDDLE, size=(SIZE, SIZE), negative=None))
    backbone.check(Sampling(steps=3, guidance=3.0, guidance_range=EVERYWHERE, size=(SIZE, SIZE), negative=None))


def test_a_network_that_reads_its_guidance_has_one_half_and_no_range(tiny_sdxl: Path, tmp_path: Path) -> None:
    """As those distilled into latent consistency models: the guidance is one of their inputs."""
    from diffusers import UNet2DConditionModel

    folder = Path(shutil.copytree(tiny_sdxl, tmp_path / "lcm"))
    config = UNet2DConditionModel.load_config(folder / "unet")
    torch.manual_seed(0)
    UNet2DConditionModel.from_config({**config, "time_cond_proj_dim": 8}).save_pretrained(folder / "unet")
    backbone = SDXLBackbone.open(folder, name="lcm", device="cpu", dtype="float32")
    neutral = backbone.encode([PROMPT])
    with watched(backbone) as calls:
        backbone.render(moved(neutral), neutral=neutral, seeds=[1], sampling=Sampling(start=0.5, steps=4, guidance=5.0))
    assert [len(tokens) for _, tokens in calls] == [1, 1, 1, 1]
    with pytest.raises(InputError, match="the network of lcm is told the guidance once for all steps"):
        backbone.check(Sampling(steps=3, guidance=3.0, guidance_range=MIDDLE, size=(SIZE, SIZE), negative=None))


def test_the_folder_may_say_where_there_is_guidance(tiny_flow: Path, tmp_path: Path, flow_backbone: SDXLBackbone) -> None:
    assert flow_backbone.defaults.guidance_range == (0, 1)  # of a folder that says nothing
    folder = Path(shutil.copytree(tiny_flow, tmp_path / "copy"))
    settings = json.loads((folder / "defaults.json").read_text())
    (folder / "defaults.json").write_text(json.dumps({**settings, "guidance_range": [0.3, 0.85]}))
    limited = SDXLBackbone.open(folder, device="cpu", dtype="float32")
    assert limited.defaults.guidance_range == GuidanceRange(0.3, 0.85)
    features = flow_backbone.encode([PROMPT])
    own, asked = (
        limited.render(features, seeds=[1]),
        flow_backbone.render(features, seeds=[1], sampling=Sampling(guidance_range=MIDDLE)),
    )
    assert np.array_equal(pixels(own), pixels(asked))
    everywhere = limited.render(features, seeds=[1], sampling=Sampling(guidance_range=EVERYWHERE))
    assert np.array_equal(pixels(everywhere), pixels(flow_backbone.render(features, seeds=[1])))
    for broken in ([0.85, 0.3], 0.3, "0.3:0.85", [0.3], None):
        (folder / "defaults.json").write_text(json.dumps({**settings, "guidance_range": broken}))
        with pytest.raises(CheckpointError, match="holds no sampling settings"):
            SDXLBackbone.open(folder, device="cpu")
