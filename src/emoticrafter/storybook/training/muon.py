"""Muon for a GPU: matrices of one shape are made orthogonal together.

torch's own Muon goes through the matrices one by one, some thirty small kernels each. The UNet has 135 of them, so that a GPU
waits for Python. State and results are those of torch.optim.Muon, to the rounding of bfloat16.
"""

# g matrices of one shape

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class GroupedMuon(torch.optim.Muon):
    """torch.optim.Muon, of which `match_rms_adamw` is the only way to adjust the rate, in few kernels."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One step along the gradients. Takes no closure."""
        assert closure is None
        for group in self.param_groups:
            parameters: list[Tensor] = []
            gradients: list[Tensor] = []
            momenta: list[Tensor] = []
            self._init_group(group, parameters, gradients, momenta)
            if not parameters:
                continue
            torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
            updates = torch._foreach_lerp(gradients, momenta, group["momentum"]) if group["nesterov"] else momenta
            torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
            alike: dict[torch.Size, list[int]] = defaultdict(list)
            for index, update in enumerate(updates):
                alike[update.shape].append(index)
            for (rows, columns), indices in alike.items():
                stacked = torch.stack([updates[index] for index in indices])
                steps = orthogonal(stacked, group["ns_coefficients"], group["ns_steps"], group["eps"])
                rate = group["lr"] * 0.2 * math.sqrt(max(rows, columns))
                torch._foreach_add_([parameters[i] for i in indices], list(steps.to(stacked.dtype).unbind()), alpha=-rate)


def orthogonal(matrices: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """The nearest half-orthogonal matrices, nearly, (g, rows, columns) in bfloat16, by Newton-Schulz iterations."""
    a, b, c = coefficients
    x = matrices.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.mT.contiguous() if tall else x
    x = x / torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
