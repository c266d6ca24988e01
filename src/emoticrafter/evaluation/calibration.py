"""Fitting of the calibration: what must be asked for so that the judged emotion is the requested one.

Pictures are made at points of the plane without a calibration and read by a judge. For each axis, isotonic regression gives the
rising curve g from what was asked to what was judged; the map is its inverse, so that g(map(x)) = x wherever g reaches x:

    g = argmin over rising g of sum (judged_i - g(asked_i))^2        (Barlow et al. 1972; scikit-learn's IsotonicRegression)
    map(x) = g^-1(x) up to the last level within g's reach, and from there straight to the end of the plane,

so that a step always shows, beyond the reach too.
"""

# n pictures

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from emoticrafter.calibration import AxisMap, Calibration
from emoticrafter.emotion import LIMIT, Emotion
from emoticrafter.errors import InputError
from emoticrafter.evaluation.judges.base import AXES, Judge
from emoticrafter.evaluation.metrics import emotion as metrics
from emoticrafter.picture import Picture

__all__ = ["Reading", "collect", "figures_of", "fit_axis", "fit_calibration", "latin_points", "storybook_prompts"]

Progress = Callable[[int, int], None]
_LEAST_RISE = 1e-3  # of g from level to level, so that it has an inverse


class Drawer(Protocol):
    """What makes the pictures: a crafter, or any method with the same interface."""

    def generate(
        self, prompt: str, emotion: Sequence[Emotion], *, seed: int, strength: float | None, steps: int | None
    ) -> list[Picture]: ...


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was requested and what a judge read, float (n, 2) each, and the number of the prompt, int (n,)."""

    requested: np.ndarray
    judged: np.ndarray
    prompts: np.ndarray


def latin_points(levels: int, number: int) -> list[Emotion]:
    """`levels` points of the plane: every level of valence and every level of arousal once, -3 and 3 among them.

    number: of the prompt: each has points of its own, and `levels` prompts in a row have every pair of levels once.
    """
    axis = np.linspace(-LIMIT, LIMIT, levels).round(9).tolist()
    return [Emotion(valence=v, arousal=axis[(i + number) % levels]) for i, v in enumerate(axis)]


def storybook_prompts(count: int, seed: int = 0) -> list[str]:
    """Neutral captions of storybook scenes of contents that are not held out: none of those that methods are compared on."""
    from emoticrafter.storybook import captions, scenes

    rng = random.Random(f"{seed}/calibration")
    return [captions.neutral_caption(scenes.sample_scene(rng), rng) for _ in range(count)]


def collect(
    drawer: Drawer,
    judge: Judge,
    prompts: Sequence[str],
    *,
    levels: int = 9,
    seed: int = 0,
    tell: Progress | None = None,
    first: int = 0,
    strength: float | None = None,
    steps: int | None = None,
    calibration: Calibration | None = None,
) -> Reading:
    """Every prompt at its `latin_points`, judged. first: number of the first prompt, by which points and seeds go on. settings:
    those of `generate`. tell: called with (done, total) pictures.
    """
    requested, judged = [], []
    for number, prompt in enumerate(prompts, start=first):
        points = latin_points(levels, number)
        asked = calibration.many(points) if calibration else points
        pictures = drawer.generate(prompt, asked, seed=seed + number, strength=strength, steps=steps)
        judged.append(judge.emotions(pictures))
        requested.append([(point.valence, point.arousal) for point in points])
        if tell is not None:
            tell((number - first + 1) * levels, len(prompts) * levels)
    return Reading(
        requested=np.array(requested, np.float64).reshape(-1, 2),
        judged=np.concatenate(judged).astype(np.float64),
        prompts=np.repeat(np.arange(first, first + len(prompts)), levels),
    )


def fit_calibration(
    drawer: Drawer,
    judge: Judge,
    prompts: Sequence[str],
    *,
    checkpoint: str,
    strength: float,
    levels: int = 9,
    seed: int = 0,
    steps: int | None = None,
    tell: Progress | None = None,
) -> Calibration:
    """The calibration of a method without one, fitted on three quarters of the prompts.

    The last quarter is drawn without it and with it: the two rows of its `figures`. checkpoint: sha256 of the weights. Raises
    InputError where there are fewer than 4 prompts, or nothing to calibrate.
    """
    if len(prompts) < 4:
        raise InputError(f"A calibration was asked for with {len(prompts)} prompts.", "Give at least 4.")
    fitted = len(prompts) - len(prompts) // 4
    total = (2 * len(prompts) - fitted) * levels
    done = 0

    def read(first: int, last: int, calibration: Calibration | None = None) -> Reading:
        nonlocal done
        before = done

        def count(now: int, _: int) -> None:
            nonlocal done
            done = before + now
            if tell is not None:
                tell(done, total)

        return collect(
            drawer, judge, prompts[first:last], first=first, levels=levels, seed=seed, strength=strength, steps=steps,
            calibration=calibration, tell=count,
        )  # fmt: skip

    fit, without = read(0, fitted), read(fitted, len(prompts))
    made = Calibration(
        valence=fit_axis(fit.requested[:, 0], fit.judged[:, 0]),
        arousal=fit_axis(fit.requested[:, 1], fit.judged[:, 1]),
        checkpoint=checkpoint,
        judge=str(judge.describe()["sha256"]),
        strength=strength,
    )
    figures: dict[str, Any] = {
        "prompts": fitted,
        "prompts kept out": len(prompts) - fitted,
        "levels": levels,
        "judge": judge.name,
        "without": figures_of(without),
        "with": figures_of(read(fitted, len(prompts), made)),
    }
    return replace(made, figures=figures)


def fit_axis(asked: np.ndarray, judged: np.ndarray) -> AxisMap:
    """The map of one axis from values asked for (n,), on a few levels from -3 to 3, and those judged.

    Raises InputError where the judged values do not rise with those asked for: there is nothing to calibrate.
    """
    from sklearn.isotonic import IsotonicRegression

    levels = np.unique(np.asarray(asked, np.float64))
    if len(levels) < 2 or levels[0] != -LIMIT or levels[-1] != LIMIT:
        raise InputError(
            "A calibration needs pictures from one end of the axis to the other.", "Ask for -3, 3 and levels between."
        )
    curve = IsotonicRegression().fit(asked, judged).predict(levels)
    if curve[-1] - curve[0] < _LEAST_RISE * len(levels):
        raise InputError(
            "What is judged does not rise with what is asked for.", "Train the checkpoint further, or use another judge."
        )
    curve = curve + _LEAST_RISE * np.arange(len(levels))  # strictly rising: flat parts get a steep inverse
    inside = (np.abs(curve) < LIMIT - _LEAST_RISE) & (np.abs(levels) < LIMIT)
    requested, values = curve[inside], levels[inside]
    low, high = np.interp([-LIMIT, LIMIT], curve, levels)
    knots = [(-LIMIT, float(low)), *zip(requested.tolist(), values.tolist(), strict=True), (LIMIT, float(high))]
    return AxisMap(requested=tuple(round(r, 6) for r, _ in knots), asked=tuple(round(a, 6) for _, a in knots))


def figures_of(reading: Reading) -> dict[str, dict[str, float | None]]:
    """Error, bias, slope and Spearman's rho of both axes; None where one is not defined."""
    found: dict[str, dict[str, float | None]] = {}
    for i, axis in enumerate(AXES):
        x, y = reading.requested[:, i], reading.judged[:, i]
        figures = {
            "error": metrics.mean_error(x, y),
            "bias": metrics.bias(x, y),
            "slope": metrics.slope(x, y),
            "spearman": metrics.spearman(x, y),
        }
        found[axis] = {name: value if np.isfinite(value) else None for name, value in figures.items()}
    return found
