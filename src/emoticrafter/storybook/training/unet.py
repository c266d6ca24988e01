"""The picture model: a flow from noise to latents, told by text features.

Rectified flow (Liu et al. 2022, arXiv 2209.03003): x_t = (1 - t) x + t noise, and the network predicts noise - x. Times are drawn
as in Esser et al. 2024 (arXiv 2403.03206), t = sigmoid(normal), moved towards noise: where many channels tell of one place, it
takes more noise to hide it. The sampler is given t x 1000, as the pipeline's
DPMSolverMultistepScheduler does with `use_flow_sigmas`.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, UNet2DConditionModel
from torch import Tensor, nn

from emoticrafter.backbones.devices import attention_for_learning
from emoticrafter.storybook.training.captioning import Choice, Choices, Told, choose, tell
from emoticrafter.storybook.training.common import Losses, Workshop, autocast, save_sheet, tensor_to_pictures
from emoticrafter.storybook.training.double import load_doubled
from emoticrafter.storybook.training.phrasing import TextEncoders
from emoticrafter.storybook.training.render import SPLITS, Pictures, load_marks
from emoticrafter.storybook.training.text import load_text_encoders
from emoticrafter.storybook.training.vae import load_latents

STEPS, GUIDANCE = 12, 3.0
MEAN_TIME = 0.35  # of the normal in t = sigmoid(normal)
SUBJECT_WEIGHT = 3.0  # of the error where the subjects are, against 1 elsewhere; it falls to 1 with the rate, in the cool-down
CHECKED = 256  # held-out pictures behind the logged loss

SAMPLE_PROMPTS = (
    "a girl on a playground",
    "a dog running on a beach, joyful",
    "a castle at night, terrifying storm",
    "a boy and a girl holding hands in a forest, gloomy",
    "a red car in a street",
    "an elephant in a meadow, serene",
    "an astronaut in the desert",
    "a cat sleeping in a room, lonely, rain",
    "a man reading in a park, happy",
    "a hospital",
    "a woman dancing at the market, ecstatic",
    "a sailboat in the harbour, calm",
    "a dog chasing a ball in a meadow",
    "an old man in a cemetery, sad",
    "a penguin in a snowy village",
    "a child flying a kite, excited",
)  # fmt: skip


def scheduler() -> DPMSolverMultistepScheduler:
    """The sampler that is shipped: it takes the flow's velocity."""
    return DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0)


def size_ids(number: int, size: int, device: torch.device) -> Tensor:
    """SDXL's sizes: the original, the crop's corner, the target; one value for all pictures here."""
    return torch.tensor([size, size, 0, 0, size, size], dtype=torch.float32).to(device).expand(number, -1)


def velocity(unet: nn.Module, noisy: Tensor, times: Tensor, told: Told, size: int) -> Tensor:
    """The predicted velocity, float32 (n, channels, h, w); `times` (n,) in 0..1."""
    more = {"text_embeds": told.pooled, "time_ids": size_ids(len(noisy), size, noisy.device)}
    attention = attention_for_learning(noisy.device) if torch.is_grad_enabled() else nullcontext()
    with autocast(noisy.device), attention:
        predicted: Tensor = unet(noisy, times * 1000, told.tokens, added_cond_kwargs=more).sample
    return predicted.float()


def run(work: Workshop) -> None:
    preset, device = work.preset, work.device
    torch.manual_seed(work.seed)
    unet = UNet2DConditionModel(**preset.unet).to(device)
    encoders = load_text_encoders(work)
    sheet = SampleSheet(work, encoders)
    latents, checked_latents = (torch.from_numpy(load_latents(work, split)).to(device) for split in SPLITS)
    marks = torch.from_numpy(load_marks(work.folder("render") / "train")).to(device)
    batch = preset.unet_recipe.batch
    writers = (os.cpu_count() or 2) - 1 if device.type == "cuda" else 0
    choices = Choices(work.folder("render") / "train", encoders.tokenizer, batch, work.seed, writers)
    ahead: Iterator[Choice] | None = None

    def loss_of(network: nn.Module, latents: Tensor, choice: Choice, weights: Tensor | float = 1.0) -> Tensor:
        """The mean squared error of the velocity; `weights` (n, 1, h, w) of the places, with mean 1."""
        clean = latents[torch.from_numpy(choice.pictures).to(device)].float()
        noise = torch.randn(clean.shape).to(device)
        times = torch.sigmoid(MEAN_TIME + torch.randn(len(clean))).to(device)
        t = times[:, None, None, None]
        predicted = velocity(network, (1 - t) * clean + t * noise, times, tell(encoders, choice, device), preset.pixels)
        return (weights * (predicted - (noise - clean)).square()).mean()

    def loss(step: int, rng: np.random.Generator) -> Losses:
        nonlocal ahead
        ahead = ahead or choices.steps(step)
        choice = next(ahead)
        shown = marks[torch.from_numpy(choice.pictures).to(device), None].float() / 255
        recipe = training.recipe
        weights = 1 + (SUBJECT_WEIGHT - 1) * (recipe.rate_at(step) / recipe.rate) * shown
        return {"loss": loss_of(unet, latents, choice, weights / weights.mean())}

    checked = Pictures(work.folder("render") / "held_out")
    parts = np.array_split(np.arange(min(CHECKED, len(checked))), -(-min(CHECKED, len(checked)) // 32))
    checks = [choose(checked, encoders.tokenizer, part, random.Random(0)) for part in parts]

    def check(network: nn.Module) -> float:
        """The loss on some held-out pictures, always with the same noise and captions."""
        torch.manual_seed(0)
        return float(np.mean([float(loss_of(network, checked_latents, choice)) for choice in checks]))

    def watch(averaged: nn.Module, step: int) -> dict[str, float]:
        sheet.draw(averaged, f"unet-{step:07d}")
        return {"held_out_loss": check(averaged)}

    training = work.training("unet", unet, preset.unet_recipe, loss, watch)
    if preset.compile:
        unet.compile()
    averaged = training.run()
    assert isinstance(averaged, UNet2DConditionModel)
    averaged.save_pretrained(work.folder("unet") / "model")
    work.finish("unet", steps=training.step, seconds=training.seconds, pictures_seen=training.step * batch)


class SampleSheet:
    """A page of pictures of fixed sentences and fixed noise, drawn by the sampler that is shipped."""

    def __init__(self, work: Workshop, encoders: TextEncoders) -> None:
        self.work, self.vae = work, load_doubled(work)
        with torch.no_grad():
            tokens, pooled = encoders.encode(SAMPLE_PROMPTS)
        self.told = Told(tokens.float(), pooled.float())

    def draw(self, unet: nn.Module, name: str) -> None:
        pictures = sample(unet, self.vae, self.told, self.work.preset, seed=7)
        save_sheet([pictures[i : i + 8] for i in range(0, len(pictures), 8)], self.work.sheet(name))


@torch.no_grad()
def sample(
    unet: nn.Module, vae: Any, told: Told, preset: Any, seed: int, steps: int = STEPS, guidance: float = GUIDANCE
) -> np.ndarray:
    """Pictures of `told` with classifier-free guidance against zeros, uint8 (n, side, side, 3) as the autoencoder draws them."""
    number, device = len(told.tokens), told.tokens.device
    side = preset.size // 8
    noise = torch.Generator().manual_seed(seed)
    latents = torch.randn((number, preset.unet["in_channels"], side, side), generator=noise).to(device)
    both = Told(torch.cat([torch.zeros_like(told.tokens), told.tokens]), torch.cat([torch.zeros_like(told.pooled), told.pooled]))
    solver = scheduler()
    solver.set_timesteps(steps, device=device)
    for time in solver.timesteps:
        times = (time / 1000).expand(2 * number)
        without, with_text = velocity(unet, torch.cat([latents, latents]), times, both, preset.pixels).chunk(2)
        latents = solver.step(without + guidance * (with_text - without), time, latents).prev_sample
    with autocast(device):
        return tensor_to_pictures(vae.decode(latents).sample)
