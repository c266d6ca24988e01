"""A linear map from a neutral prompt feature and an emotion to the residual, by ridge regression in closed form.

    r_hat(t) = W f_n(t) + b(t) + sum_k u_k(t) p_k(v, a),   p = v, a, v^2, v a, a^2

one matrix W for all tokens, with a bias and the effect of the emotion for each position t. The least squares are weighted, and
summed in double precision, a few pairs at a time.
"""

# B pairs, T prompt tokens, C prompt channels, P inputs

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

__all__ = ["PENALTIES", "Sums", "predicted_residual"]

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # in means of the diagonal
TERMS = 6  # of the emotion, at each position


class Sums:
    """X'WX and X'WY of the pairs that were added."""

    def __init__(self) -> None:
        self._gram: Tensor | None = None
        self._cross: Tensor | None = None

    def add(
        self,
        neutral_BTC: Tensor,
        points_B2: Tensor,
        residual_BTC: Tensor,
        weight_B: Tensor | None = None,
        mask_BT: Tensor | None = None,
    ) -> None:
        """Take some pairs in, all of T tokens. points_B2: valence, arousal. mask_BT: the tokens that count."""
        inputs = _inputs(neutral_BTC, points_B2)
        weighed = inputs if weight_B is None else inputs * weight_B.repeat_interleave(neutral_BTC.shape[1])[:, None]
        if mask_BT is not None:
            weighed = weighed * mask_BT.flatten()[:, None]
        gram, cross = (weighed.T @ inputs).cpu().double(), (weighed.T @ residual_BTC.flatten(0, 1)).cpu().double()
        self._gram = gram if self._gram is None else self._gram + gram
        self._cross = cross if self._cross is None else self._cross + cross

    def maps(self, penalties: Iterable[float] = PENALTIES) -> Iterator[tuple[float, Tensor]]:
        """For each penalty the map (P, C) in float32: (X'WX + penalty) M = X'WY."""
        assert self._gram is not None and self._cross is not None, "no pairs were added"
        mean = self._gram.diagonal().mean().clamp_min(1e-12)
        for penalty in penalties:
            factor = torch.linalg.cholesky(self._gram + penalty * mean * torch.eye(len(self._gram), dtype=self._gram.dtype))
            yield penalty, torch.cholesky_solve(self._cross, factor).float()


def predicted_residual(map_PC: Tensor, neutral_BTC: Tensor, points_B2: Tensor) -> Tensor:
    """What the map makes of pairs, (B, T, C) in float32."""
    return (_inputs(neutral_BTC, points_B2) @ map_PC).view_as(neutral_BTC)


def _inputs(neutral_BTC: Tensor, points_B2: Tensor) -> Tensor:
    """(B T, C + 6 T): the neutral feature, and for the token's own position 1, v, a, v^2, v a, a^2."""
    batch, length, _ = neutral_BTC.shape
    v, a = points_B2.float().unbind(dim=1)
    terms = torch.stack([torch.ones_like(v), v, a, v * v, v * a, a * a], dim=1)
    places = torch.eye(length, device=v.device)
    at_place = (places[None, :, :, None] * terms[:, None, None, :]).reshape(batch, length, -1)
    return torch.cat([neutral_BTC.float(), at_place], dim=2).flatten(0, 1)
