"""Strengths of methods out of comparisons of two: who is preferred to whom, and how often."""

# m methods

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["RIDGE", "Strengths", "bradley_terry", "strengths_over_people", "tables_of"]

RIDGE = 0.01  # added to every cell where the comparisons alone do not fix all strengths
STEPS, CLOSE = 200, 1e-12


@dataclass(frozen=True, kw_only=True)
class Strengths:
    """log strengths b (m,), of mean 0, with their covariance (m, m): i is preferred to j with 1 / (1 + exp(b_j - b_i)).

    ridged: comparisons that do not connect all methods both ways fix no strengths by themselves; a little was added to each.
    """

    b: np.ndarray
    covariance: np.ndarray
    ridged: bool

    def preference(self) -> np.ndarray:
        """How often each method (row) is preferred to each other (column), as the model says, float (m, m)."""
        return 1 / (1 + np.exp(self.b[None, :] - self.b[:, None]))

    def deviation(self, first: int, second: int) -> float:
        """The standard error of b_first - b_second."""
        c = self.covariance
        return float(np.sqrt(max(c[first, first] + c[second, second] - 2 * c[first, second], 0.0)))


def bradley_terry(wins: np.ndarray, ridge: float = 0.0) -> Strengths:
    """The likeliest strengths for `wins` (m, m), how often row was preferred to column; a draw counts half for each.

    Maximises sum_ij w_ij log p_ij, p_ij = 1 / (1 + exp(b_j - b_i)), sum b = 0, by Newton's method. Bradley & Terry (1952),
    Biometrika 39. The covariance is the inverse of the information on that plane. Where the maximum is not finite or not one
    (Ford 1957: the graph of preferences is not strongly connected), `RIDGE` is added to every cell.
    """
    wins = np.asarray(wins, np.float64).copy()
    np.fill_diagonal(wins, 0.0)
    m = len(wins)
    ridged = ridge > 0 or not _connected(wins)
    if ridged:
        wins += (ridge or RIDGE) * (1 - np.eye(m))
    games = wins + wins.T
    b = np.zeros(m)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(b[None, :] - b[:, None]))
        slope = wins.sum(axis=1) - (games * p).sum(axis=1)
        step = _inverse(_information(games, p)) @ slope
        step /= max(1.0, float(np.abs(step).max()))  # from afar, no further than the curve holds
        b = b + step
        if np.abs(step).max() < CLOSE:
            break
    b -= b.mean()
    p = 1 / (1 + np.exp(b[None, :] - b[:, None]))
    return Strengths(b=b, covariance=_inverse(_information(games, p)), ridged=ridged)


def strengths_over_people(tables: np.ndarray, *, samples: int = 1000, seed: int = 0) -> np.ndarray:
    """Strengths of samples of people drawn with replacement, float (samples, m), for the `wins` of each person (p, m, m)."""
    rng = np.random.default_rng(seed)
    count = len(tables)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=samples)
    return np.array([bradley_terry(np.tensordot(w, tables, axes=1)).b for w in weights])


def tables_of(
    first: Sequence[int], second: Sequence[int], preferred: Sequence[float], people: Sequence[int], methods: int, count: int
) -> np.ndarray:
    """Wins of each person, float (p, m, m). preferred: 1 for the first, 0 for the second, 0.5 for neither."""
    tables = np.zeros((count, methods, methods))
    share = np.asarray(preferred, np.float64)
    np.add.at(tables, (np.asarray(people), np.asarray(first), np.asarray(second)), share)
    np.add.at(tables, (np.asarray(people), np.asarray(second), np.asarray(first)), 1 - share)
    return tables


def _information(games: np.ndarray, p: np.ndarray) -> np.ndarray:
    weight = games * p * (1 - p)
    return np.diag(weight.sum(axis=1)) - weight


def _inverse(information: np.ndarray) -> np.ndarray:
    """On the plane of sum 0."""
    return np.linalg.pinv(information, hermitian=True)


def _connected(wins: np.ndarray) -> bool:
    """Whether from every method a way of preferences leads to every other."""
    reach = (wins > 0) | np.eye(len(wins), dtype=bool)
    for _ in range(max(len(wins) - 1, 1).bit_length()):
        reach = (reach.astype(np.int64) @ reach.astype(np.int64)) > 0
    return bool(reach.all())
