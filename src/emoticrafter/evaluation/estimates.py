"""The figures of one method with their intervals, as the comparison's table shows them."""

# n pictures

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from emoticrafter.metrics import emotion as metrics
from emoticrafter.metrics.statistics import LEVEL, SAMPLES, Estimate, bootstrap, bootstrap_mean

__all__ = ["AXES", "emotion_estimates", "error_by_prompt"]

AXES = ("valence", "arousal")


def emotion_estimates(
    requested: np.ndarray,
    judged: np.ndarray,
    prompts: Sequence[Hashable],
    seeds: Sequence[Hashable] | None = None,
    *,
    samples: int = SAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Every figure of `metrics.emotion`, by name: "valence_error", "arousal_slope", ..., "valence_into_arousal".

    requested, judged: float (n, 2); prompts: (n,), what the bootstrap draws; seeds: (n,), which pictures of a prompt belong to
    one grid, by default all. The correlations and the slopes of a sample are those of all its rows.
    """
    x, y = np.asarray(requested, np.float64), np.asarray(judged, np.float64)
    clusters = list(prompts)
    groups = list(zip(clusters, seeds if seeds is not None else [0] * len(clusters), strict=True))
    options: dict[str, Any] = {"samples": samples, "level": level, "seed": seed}
    found: dict[str, Estimate] = {}
    for i, axis in enumerate(AXES):
        found[f"{axis}_error"] = bootstrap_mean(metrics.absolute_errors(x[:, i], y[:, i]), clusters, **options)
        found[f"{axis}_bias"] = bootstrap_mean(y[:, i] - x[:, i], clusters, **options)
        for name in ("error_sd", "slope", "intercept", "pearson", "spearman"):
            found[f"{axis}_{name}"] = bootstrap(getattr(metrics, name), x[:, i], y[:, i], clusters=clusters, **options)
        sets = metrics.sets_along(groups, x[:, 1 - i])
        owners = [clusters[row] for row in np.unique(sets, return_index=True)[1]]
        taus = metrics.set_consistencies(x[:, i], y[:, i], sets)
        found[f"{axis}_ranking"] = bootstrap_mean(taus, owners, **options)
    for i, name in enumerate(("valence_into_arousal", "arousal_into_valence")):
        found[name] = bootstrap(lambda a, b, i=i: metrics.coupling(a, b)[i], x, y, clusters=clusters, **options)
    return found


def error_by_prompt(requested: np.ndarray, judged: np.ndarray, prompts: Sequence[Hashable]) -> dict[str, dict[Hashable, float]]:
    """By axis, the mean |y - x| of each prompt: what `statistics.compare_all` pairs."""
    errors = metrics.absolute_errors(requested, judged)
    rows: dict[Hashable, list[int]] = {}
    for row, prompt in enumerate(prompts):
        rows.setdefault(prompt, []).append(row)
    return {axis: {prompt: float(errors[own, i].mean()) for prompt, own in rows.items()} for i, axis in enumerate(AXES)}
