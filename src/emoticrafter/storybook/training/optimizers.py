"""What moves the weights: AdamW for all of them, or Muon for the matrices and AdamW for the rest.

Muon (K. Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks") takes steps that are orthogonal matrices.
A convolution counts as the matrix (output channels, the rest). Its rate is matched to AdamW's root mean square (Liu et al. 2025,
arXiv 2502.16982), so that one rate serves both.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from emoticrafter.descent import Optimizers
from emoticrafter.storybook.training.muon import GroupedMuon
from emoticrafter.storybook.training.presets import BuildRecipe


def optimizers_of(model: nn.Module, recipe: BuildRecipe) -> Optimizers:
    """The optimizers that a recipe asks for."""
    trained = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in trained if p.ndim > 1]
    # Gains and biases are left alone: decay is for matrices.
    groups = [
        {"params": [] if recipe.muon else matrices, "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    fused = all(p.device.type in ("cpu", "cuda") for p in trained)
    adam = torch.optim.AdamW(groups, lr=recipe.rate, betas=recipe.betas, fused=fused)
    return Optimizers(optimizer=adam, muon=_muon(matrices, recipe)) if recipe.muon and matrices else Optimizers(optimizer=adam)


def _muon(matrices: list[nn.Parameter], recipe: BuildRecipe) -> torch.optim.Muon:
    views = [nn.Parameter(p.data.view(p.shape[0], -1)) for p in matrices]  # the same numbers, seen as a matrix
    kind = GroupedMuon if views[0].device.type == "cuda" else torch.optim.Muon
    muon = kind(views, lr=recipe.rate, weight_decay=recipe.weight_decay, adjust_lr_fn="match_rms_adamw")

    def hand_over(*_: Any) -> None:
        for view, parameter in zip(views, matrices, strict=True):
            view.grad = None if parameter.grad is None else parameter.grad.view(view.shape)
            parameter.grad = None

    muon.register_step_pre_hook(hand_over)
    return muon
