"""Where a sampling is going, told from the way between its points."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler

from emoticrafter.backbones.previews import Forecast, reduced

PICTURE, NOISE = torch.randn(2, 1, 4, 8, 8, generator=torch.manual_seed(0))
FLOW = {"prediction_type": "flow_prediction", "use_flow_sigmas": True}


@pytest.mark.parametrize("kind", ["flow", "euler", "variance"])
def test_on_the_straight_way_the_picture_is_known_from_two_points(kind: str) -> None:
    scheduler = {
        "flow": lambda: DPMSolverMultistepScheduler(**FLOW),
        "euler": EulerDiscreteScheduler,
        "variance": DPMSolverMultistepScheduler,
    }[kind]()  # type: ignore[operator]
    scheduler.set_timesteps(6)
    points = []
    for level in scheduler.sigmas.tolist():
        point = (1 - level) * PICTURE + level * NOISE if kind == "flow" else PICTURE + level * NOISE
        points.append(point / (1 + level**2) ** 0.5 if kind == "variance" else point)
    forecast = Forecast(scheduler, points[0])
    for index in range(5):
        torch.testing.assert_close(forecast.after(index, points[index + 1]), PICTURE, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", [DDIMScheduler, EulerAncestralDiscreteScheduler])
def test_without_levels_and_with_new_noise_in_each_step_the_latents_must_do(kind: type) -> None:
    scheduler = kind()
    scheduler.set_timesteps(6)
    assert Forecast(scheduler, NOISE).after(0, PICTURE) is PICTURE


def test_a_preview_has_half_the_side_and_256_pixels_at_most() -> None:
    assert reduced(torch.zeros(1, 4, 16, 12)).shape == (1, 4, 8, 6)
    assert reduced(torch.zeros(1, 4, 128, 96)).shape == (1, 4, 32, 24)
