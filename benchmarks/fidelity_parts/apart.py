"""Told apart: how often a fresh network that was trained to tell generated from given-back pictures errs on others of them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from emoticrafter.storybook.judge import JudgeConfig, JudgeNetwork
from emoticrafter.storybook.training.common import Losses, Training, autocast, pictures_to_tensor
from emoticrafter.storybook.training.presets import BuildRecipe

RECIPE = BuildRecipe(steps=600, batch=32, rate=2e-3, warmup=20, average=0.99, muon=True)
WIDTH = 16
LEARNED = 384  # scenes that it learns from at most: the error falls with their number
HELD_OUT = 0.25  # share of the scenes that the error is of, at least
MAX_SHIFT = 4  # pixels
HEADS = {"generated": 1}


def told_apart(
    generated: np.ndarray, true: np.ndarray, *, device: str | torch.device = "cpu", recipe: BuildRecipe = RECIPE, seed: int = 0
) -> dict[str, Any]:
    """`error` of a network in telling the two sets apart: 0.5 where it cannot, 0 where it always can.

    Both uint8 (n, h, w, 3), row i of both of one scene, so that no scene is learned from and tested on. `loss`: the mean cross
    entropy of the test in bits; 1 knows nothing.
    """
    assert generated.shape == true.shape
    device = torch.device(device)
    learned = min(LEARNED, len(true) - max(round(HELD_OUT * len(true)), 1))
    torch.manual_seed(seed)
    network = JudgeNetwork(JudgeConfig(width=WIDTH, heads=HEADS)).to(device)
    half = max(recipe.batch // 2, 1)
    labels = torch.cat([torch.ones(half), torch.zeros(half)]).to(device)

    def loss(step: int, rng: np.random.Generator) -> Losses:
        some = [which[np.sort(rng.choice(learned, half, replace=learned < half))] for which in (generated, true)]
        x = _moved(pictures_to_tensor(np.concatenate(some), device), rng)
        with autocast(device):
            found = network(x)["generated"][:, 0].float()
        return {"loss": F.binary_cross_entropy_with_logits(found, labels)}

    with tempfile.TemporaryDirectory() as folder:
        trained = Training(name="told apart", folder=Path(folder), model=network, recipe=recipe, loss=loss, seed=seed).run()
    assert isinstance(trained, JudgeNetwork)
    odds = [torch.from_numpy(trained.read(which[learned:])["generated"][:, 0]) for which in (generated, true)]
    errors = torch.cat([odds[0] <= 0, odds[1] > 0]).double().mean()
    bits = torch.cat([F.softplus(-odds[0]), F.softplus(odds[1])]).mean() / np.log(2)
    return {"error": float(errors), "loss": float(bits), "learned_from": 2 * learned, "tested_on": 2 * (len(true) - learned)}


def _moved(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """A batch mirrored or not, and shifted a little, so that few pictures teach more."""
    if rng.random() < 0.5:
        pictures = pictures.flip(-1)
    y, x = (int(shift) for shift in rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, size=2))
    return torch.roll(pictures, (y, x), (2, 3))
