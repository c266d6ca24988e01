"""The losses, by their equations."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import DDPMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler
from safetensors.torch import load_file, save_file

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.outline import UNKNOWN_DEFAULTS, Limits
from emoticrafter.backbones.registry import open_backbone
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.backbones.sdxl.learning import SDXLDenoiser
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.rivals import Budget
from emoticrafter.rivals.denoising import frozen
from emoticrafter.rivals.material import RivalMaterial
from emoticrafter.rivals.opening import method_class
from tests.tiny import build_tiny_sdxl

CLEAN = torch.randn(64, 2, 4, 4, generator=torch.Generator().manual_seed(5))


def denoising(scheduler: Any, unet: Any = None) -> SDXLDenoiser:
    network: Any = SimpleNamespace(pipeline=SimpleNamespace(scheduler=scheduler, unet=unet), autocast=nullcontext)
    nothing: Any = None
    return SDXLDenoiser(network, nothing, nothing, Limits.unknown("unknown", UNKNOWN_DEFAULTS))


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_a_flow_goes_straight_from_the_picture_to_noise(shift: float) -> None:
    scheduler = DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)
    noisy, times, target = denoising(scheduler).noised(CLEAN, seeded())
    t = (times / 1000)[:, None, None, None]
    assert bool(((t > 0) & (t < 1)).all())
    torch.testing.assert_close(noisy - t * target, CLEAN, atol=1e-5, rtol=1e-5)  # x_t = x + t (n - x)
    noise = target + CLEAN
    assert abs(float(noise.std()) - 1) < 0.05
    middle = shift / (1 + shift)  # where the shift puts t = 1/2
    assert abs(float((t.flatten() < middle).float().mean()) - 0.5) < 0.2


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_the_others_follow_the_schedulers_betas(kind: str) -> None:
    betas: dict[str, Any] = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    loss = denoising(EulerDiscreteScheduler(prediction_type=kind, **betas))
    noisy, times, target = loss.noised(CLEAN, seeded())
    share = DDPMScheduler(**betas).alphas_cumprod[times][:, None, None, None]
    noise = (noisy - share.sqrt() * CLEAN) / (1 - share).sqrt()
    expected = {"epsilon": noise, "sample": CLEAN, "v_prediction": share.sqrt() * noise - (1 - share).sqrt() * CLEAN}[kind]
    torch.testing.assert_close(target, expected, atol=1e-3, rtol=1e-3)
    assert times.min() < 100
    assert times.max() > 900


def test_the_loss_is_that_of_the_networks_prediction() -> None:
    """A network that knows the answer has no loss; one that says nothing has the target's square. It is told the sizes."""
    scheduler = DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1)
    told: dict[str, Any] = {}

    class Network:
        dtype = torch.float32
        known: torch.Tensor | None = None

        def __call__(self, noisy: torch.Tensor, times: torch.Tensor, tokens: torch.Tensor, **more: Any) -> Any:
            told.update(more["added_cond_kwargs"], times=times)
            return (torch.zeros_like(noisy) if self.known is None else self.known,)

    network = Network()
    loss = denoising(scheduler, network)
    features = PromptFeatures.of(torch.zeros(64, 3, 8), torch.ones(64, 5))
    _, times, target = loss.noised(CLEAN, seeded())
    assert float(loss.loss(CLEAN, features, seeded(), size=(32, 24))) == pytest.approx(float(target.square().mean()))
    assert torch.equal(told["times"], times)
    assert told["time_ids"][0].tolist() == [24, 32, 0, 0, 24, 32]
    assert torch.equal(told["text_embeds"], torch.ones(64, 5))
    network.known = target
    assert float(loss.loss(CLEAN, features, seeded(), size=(32, 24))) == 0


def test_what_is_frozen_is_free_again_afterwards() -> None:
    layer, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    other.bias.requires_grad_(False)
    with frozen(layer, other):
        assert not any(parameter.requires_grad for parameter in (*layer.parameters(), *other.parameters()))
    assert [p.requires_grad for p in (*layer.parameters(), *other.parameters())] == [True, True, True, False]


def test_a_model_that_is_moved_about_or_in_float16_is_not_trained_on(
    backbone: SDXLBackbone, material: RivalMaterial, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    rival = method_class("time_embedding")(backbone)
    monkeypatch.setitem(backbone._about, "offload", "model")
    with pytest.raises(InputError, match="moved in and out"):
        rival.learn(material, Budget(steps=1), tmp_path, seed=0, quiet=True)
    monkeypatch.setitem(backbone._about, "offload", None)
    monkeypatch.setattr(type(backbone.pipeline.unet), "dtype", torch.float16)
    with pytest.raises(InputError, match="float16"):
        rival.learn(material, Budget(steps=1), tmp_path, seed=0, quiet=True)


def test_a_broken_network_is_told_as_such_and_not_as_a_rate(tmp_path: Any, material: RivalMaterial) -> None:
    folder = build_tiny_sdxl(tmp_path / "sdxl")
    file = next((folder / "unet").glob("*.safetensors"))
    tensors = load_file(file)
    tensors["conv_in.weight"][0] = torch.nan
    save_file(tensors, file, {"format": "pt"})
    rival = method_class("time_embedding")(open_backbone(folder, device="cpu", dtype="float32"))
    with pytest.raises(CheckpointError, match=r"unet.*the tensor conv_in\.weight holds values that are not finite"):
        rival.learn(material, Budget(steps=1), tmp_path, seed=0, quiet=True)
