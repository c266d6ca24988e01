"""Is the prompt still in the picture? Figures from what a content judge saw."""

# n pictures

from __future__ import annotations

import numpy as np

__all__ = ["conflict", "retention", "unprompted_people"]


def retention(right: np.ndarray, neutral: np.ndarray) -> float:
    """mean(right) / mean(neutral): content that the emotional pictures keep of what the neutral ones show.

    right: of each picture (n,), the share of the asked-for content that the judge found, 0 to 1; neutral: the same of the neutral
    pictures of the same prompts and seeds, of any number. Range from 0, higher is better; 1 is as good as neutral, and above 1 is
    possible. NaN if nothing was right in the neutral pictures.
    """
    kept, base = float(np.mean(right)), float(np.mean(neutral))
    return kept / base if base > 0 else float("nan")


def unprompted_people(seen: np.ndarray, prompted: np.ndarray) -> float:
    """Share of pictures with people, of those whose prompt names none. Range 0 to 1, lower is better.

    seen, prompted: bool (n,). Compare it with the neutral pictures' own. NaN if every prompt names people. After the paper's
    remark that people appear unprompted (Dang et al. 2025, section 6).
    """
    free = ~np.asarray(prompted, bool)
    return float(np.asarray(seen, bool)[free].mean()) if free.any() else float("nan")


def conflict(errors: np.ndarray, requested: np.ndarray, own: np.ndarray) -> tuple[float, float, float]:
    """(error in conflict, error in harmony, their difference): a sad playground, a joyful cemetery.

    errors: of each picture (n,), such as |y - x| of valence; requested: valence asked for (n,); own: the valence that the content
    has by itself (n,). Conflict where requested * own < 0, harmony where > 0, the rest is left out. Difference: conflict minus
    harmony, 0 is best, above 0 contents resist feelings that do not suit them. NaN where a side is empty.
    """
    errors, product = np.asarray(errors, np.float64), np.asarray(requested, np.float64) * np.asarray(own, np.float64)
    sides = [float(errors[side].mean()) if side.any() else float("nan") for side in (product < 0, product > 0)]
    return sides[0], sides[1], sides[0] - sides[1]
