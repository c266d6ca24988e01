"""What moves the weights: AdamW for all of them, or Muon for the matrices and AdamW for the rest, behind one face.

Muon (K. Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks") takes steps that are orthogonal matrices.
A convolution counts as the matrix (output channels, the rest). Its rate is matched to AdamW's root mean square (Liu et al. 2025,
arXiv 2502.16982), so that one rate serves both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from emoticrafter.storybook.training.muon import GroupedMuon
from emoticrafter.storybook.training.presets import BuildRecipe


class Optimizers:
    """The optimizers of one network."""

    def __init__(self, model: nn.Module, recipe: BuildRecipe) -> None:
        trained = [p for p in model.parameters() if p.requires_grad]
        matrices = [p for p in trained if p.ndim > 1]
        self._viewed = matrices if recipe.muon else []
        self._views = [nn.Parameter(p.data.view(p.shape[0], -1)) for p in self._viewed]  # the same numbers, seen as a matrix
        # Gains and biases are left alone: decay is for matrices.
        groups = [
            {"params": [] if recipe.muon else matrices, "weight_decay": recipe.weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ]
        fused = all(p.device.type in ("cpu", "cuda") for p in trained)
        self._parts: dict[str, torch.optim.Optimizer] = {
            "optimizer": torch.optim.AdamW(groups, lr=recipe.rate, betas=recipe.betas, fused=fused)
        }
        if self._views:
            kind = GroupedMuon if self._views[0].device.type == "cuda" else torch.optim.Muon
            self._parts["muon"] = kind(
                self._views, lr=recipe.rate, weight_decay=recipe.weight_decay, adjust_lr_fn="match_rms_adamw"
            )

    def step(self, rate: float) -> None:
        """One step along the gradients, which are then forgotten."""
        for view, parameter in zip(self._views, self._viewed, strict=True):
            view.grad = None if parameter.grad is None else parameter.grad.view(view.shape)
            parameter.grad = None
        for part in self._parts.values():
            for group in part.param_groups:
                group["lr"] = rate
            part.step()
            part.zero_grad(set_to_none=True)

    def state(self) -> Iterator[tuple[str, Tensor]]:
        """Everything that the next step depends on beside the weights, by name."""
        for name, part in self._parts.items():
            for index, state in part.state_dict()["state"].items():
                for key, value in state.items():
                    yield f"{name}.{index}.{key}", value

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `state` gave; other names are passed over. Raises ValueError for the state of other optimizers."""
        if any(key.startswith("muon.") for key in tensors) != ("muon" in self._parts):
            raise ValueError("it is of another optimizer")
        for name, part in self._parts.items():
            states: dict[int, dict[str, Tensor]] = {}
            for key, value in tensors.items():
                if key.startswith(f"{name}."):
                    _, index, entry = key.split(".", 2)
                    states.setdefault(int(index), {})[entry] = value
            whole = part.state_dict()
            part.load_state_dict({"state": states, "param_groups": whole["param_groups"]})
