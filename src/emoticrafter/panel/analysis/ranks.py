"""How well the order that people put a set into agrees with the one that was meant."""

# s sets, m pictures of a set

from __future__ import annotations

import numpy as np

from emoticrafter.metrics.emotion import tau_b

__all__ = ["chance_of_tau", "order_consistencies"]


def order_consistencies(meant: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of each set, float (s,): `meant` (s, m) the values asked for, `places` (s, m) where each picture was put.

    1 is the order meant, -1 its reverse. Study I of Dang et al. 2025 (arXiv 2501.05710), section 5.3.
    """
    return tau_b(meant, places)


def chance_of_tau(tau: float, size: int) -> float:
    """How often a set of `size` pictures without ties, put in order at random, reaches this tau or more (one-sided)."""
    from scipy.stats import kendalltau

    pairs = size * (size - 1) // 2
    discordant = round(pairs * (1 - tau) / 2)
    order = _with_inversions(size, discordant)
    return float(kendalltau(range(size), order, alternative="greater", method="exact").pvalue)


def _with_inversions(size: int, inversions: int) -> list[int]:
    """A permutation with so many pairs out of order."""
    left, order = list(range(size)), []
    for place in range(size):
        step = min(inversions, size - 1 - place)
        order.append(left.pop(step))
        inversions -= step
    return order
