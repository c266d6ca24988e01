"""What the validation loss is compared with: no change at all, and a linear map.

    neutral   r_hat = 0
    ridge     r_hat(t) = W f_n(t) + b(t) + sum_k u_k(t) p_k(v, a),   p = v, a, v^2, v a, a^2

one matrix W for all tokens, with a bias and the effect of the emotion for each position t. It is fitted by weighted least
squares on the same targets and weights as the transformer; of a few penalties the best on the validation pairs is reported, so
that it is not beaten by a bad choice.
"""

# B pairs, T prompt tokens, C prompt channels, P inputs of the ridge regression

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from emoticrafter.objective import Pairs, residual_target, weighted_square
from emoticrafter.training.order import Draws
from emoticrafter.training.reading import Reader

__all__ = ["baselines"]

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # in means of the diagonal
CHUNK = 16  # pairs at once


@torch.no_grad()
def baselines(
    reader: Reader, train: np.ndarray, val: np.ndarray, *, alpha: float, ridge_pairs: int, seed: int
) -> dict[str, float]:
    """The weighted validation losses `neutral` and `ridge`, and `ridge_penalty`; without the ridge if `ridge_pairs` is 0."""
    if not len(val):
        return {}
    whole = sum(float(weighted_square(_target(pairs, alpha), pairs.weight).sum()) for pairs in _chunks(reader, val))
    found = {"neutral": whole / len(val)}
    if not ridge_pairs:
        return found
    chosen = np.sort(np.random.default_rng((seed, 2)).permutation(train)[:ridge_pairs])
    maps = _fit(reader, chosen, alpha)
    losses = dict.fromkeys(maps, 0.0)
    for pairs in _chunks(reader, val):
        inputs, target = _inputs(pairs), _target(pairs, alpha)
        for penalty, matrix in maps.items():
            error = (inputs @ matrix).view_as(target) - target
            losses[penalty] += float(weighted_square(error, pairs.weight).sum()) / len(val)
    best = min(losses, key=losses.__getitem__)
    return {**found, "ridge": losses[best], "ridge_penalty": best}


def _fit(reader: Reader, rows: np.ndarray, alpha: float) -> dict[float, Tensor]:
    """The map (P, C) for each penalty: (X'WX + penalty) M = X'WY, summed in double precision."""
    gram = cross = None
    for pairs in _chunks(reader, rows):
        inputs, target = _inputs(pairs), _target(pairs, alpha).flatten(0, 1)
        weighed = inputs * pairs.weight.repeat_interleave(len(inputs) // len(pairs))[:, None]
        exact = (weighed.T @ inputs).cpu().double(), (weighed.T @ target).cpu().double()
        gram, cross = exact if gram is None or cross is None else (gram + exact[0], cross + exact[1])
    assert gram is not None and cross is not None
    mean = gram.diagonal().mean().clamp_min(1e-12)
    maps = {}
    for penalty in PENALTIES:
        factor = torch.linalg.cholesky(gram + penalty * mean * torch.eye(len(gram), dtype=gram.dtype))
        maps[penalty] = torch.cholesky_solve(cross, factor).float().to(reader.device)
    return maps


def _inputs(pairs: Pairs) -> Tensor:
    """(B T, C + 6 T): the neutral feature, and for the token's own position 1, v, a, v^2, v a, a^2."""
    batch, length, _ = pairs.neutral.shape
    v, a = pairs.valence, pairs.arousal
    terms = torch.stack([torch.ones_like(v), v, a, v * v, v * a, a * a], dim=1)
    places = torch.eye(length, device=v.device)
    at_place = (places[None, :, :, None] * terms[:, None, None, :]).reshape(batch, length, -1)
    return torch.cat([pairs.neutral.float(), at_place], dim=2).flatten(0, 1)


def _target(pairs: Pairs, alpha: float) -> Tensor:
    return residual_target(pairs.neutral, pairs.emotional, alpha)


def _chunks(reader: Reader, rows: np.ndarray) -> Iterator[Pairs]:
    """The pairs a few at a time."""
    draws = (
        Draws(rows=some, empty=np.zeros(len(some), dtype=bool), partner=np.zeros(len(some)))
        for some in np.array_split(rows, -(-len(rows) // CHUNK))
    )
    return (pairs for _, pairs in reader.stream(draws))
