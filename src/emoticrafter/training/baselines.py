"""What the validation loss is compared with: no change at all, and the linear map of `emoticrafter.ridge`.

The map is fitted on the same targets and weights as the transformer; of a few penalties the best on the validation pairs is
reported, so that it is not beaten by a bad choice.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from emoticrafter.objective import Pairs, residual_target, weighted_square
from emoticrafter.ridge import Sums, predicted_residual
from emoticrafter.training.material import PairReader
from emoticrafter.training.order import Draws

__all__ = ["baselines"]

CHUNK = 16  # pairs at once


@torch.no_grad()
def baselines(
    reader: PairReader, train: np.ndarray, val: np.ndarray, *, alpha: float, ridge_pairs: int, seed: int
) -> dict[str, float]:
    """The weighted validation losses `neutral` and `ridge`, and `ridge_penalty`; without the ridge if `ridge_pairs` is 0."""
    if not len(val):
        return {}
    whole = sum(
        float(weighted_square(_target(pairs, alpha), pairs.weight, pairs.shared_mask).sum()) for pairs in _chunks(reader, val)
    )
    found = {"neutral": whole / len(val)}
    if not ridge_pairs:
        return found
    chosen = np.sort(np.random.default_rng((seed, 2)).permutation(train)[:ridge_pairs])
    maps = _fit(reader, chosen, alpha)
    losses = dict.fromkeys(maps, 0.0)
    for pairs in _chunks(reader, val):
        target = _target(pairs, alpha)
        for penalty, matrix in maps.items():
            error = predicted_residual(matrix, pairs.neutral, _points(pairs)) - target
            losses[penalty] += float(weighted_square(error, pairs.weight, pairs.shared_mask).sum()) / len(val)
    best = min(losses, key=losses.__getitem__)
    return {**found, "ridge": losses[best], "ridge_penalty": best}


def _fit(reader: PairReader, rows: np.ndarray, alpha: float) -> dict[float, Tensor]:
    """The map for each penalty."""
    sums = Sums()
    for pairs in _chunks(reader, rows):
        sums.add(pairs.neutral, _points(pairs), _target(pairs, alpha), pairs.weight, pairs.shared_mask)
    return {penalty: matrix.to(reader.device) for penalty, matrix in sums.maps()}


def _points(pairs: Pairs) -> Tensor:
    return torch.stack([pairs.valence, pairs.arousal], dim=1)


def _target(pairs: Pairs, alpha: float) -> Tensor:
    return residual_target(pairs.neutral, pairs.emotional, alpha)


def _chunks(reader: PairReader, rows: np.ndarray) -> Iterator[Pairs]:
    """The pairs a few at a time, all of the store's length: the map knows each position."""
    draws = (
        Draws(rows=some, empty=np.zeros(len(some), dtype=bool), partner=np.zeros(len(some)))
        for some in np.array_split(rows, -(-len(rows) // CHUNK))
    )
    return (pairs.padded(reader.store.manifest.tokens) for _, pairs in reader.stream(draws))
