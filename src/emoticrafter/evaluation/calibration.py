"""Fitting of the calibration: what must be asked for so that the judged emotion is the requested one.

Pictures are made at points x of the plane without a calibration and read by a judge. A smooth surface g tells what is judged,

    g(x) = x + ridge regression of (judged - x) on a tensor product of cubic B-splines        (Eilers, Marx 1996)

and the map is its inverse on a lattice of the plane, the nearest where g does not reach:

    map(y) = argmin over x of |g(x) - y|^2 + 0.01 |x - y|^2

Along its own axis each row is then made never to fall (isotonic regression; Barlow et al. 1972), and to run straight on to the
end of the plane where it would stay at its edge, so that a step always shows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from emoticrafter.calibration import AxisMap, Calibration
from emoticrafter.emotion import LIMIT, Emotion
from emoticrafter.errors import InputError
from emoticrafter.judges.trust import AXES, Judge
from emoticrafter.metrics import emotion as metrics
from emoticrafter.picture import Picture
from emoticrafter.watch import SILENT, Step, Watch

__all__ = ["JudgedPoints", "collect", "figures_of", "fit_axes", "fit_calibration", "latin_points", "storybook_prompts"]

_LEVELS = 13  # of the map: every 0.5
_POINTS = 121  # of the search for the inverse: every 0.05
_KNOTS = 9
_PULL = 0.01
_LEAST_SLOPE = 0.02


class Drawer(Protocol):
    """What makes the pictures: a crafter, or any method with the same interface."""

    def generate(
        self, prompt: str, emotion: Sequence[Emotion], *, seed: int, strength: float | None, steps: int | None
    ) -> list[Picture]: ...


@dataclass(frozen=True, kw_only=True)
class JudgedPoints:
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
    first: int = 0,
    strength: float | None = None,
    steps: int | None = None,
    calibration: Calibration | None = None,
    step: Step | None = None,
    watch: Watch = SILENT,
) -> JudgedPoints:
    """Every prompt at its `latin_points`, judged. first: number of the first prompt, by which points and seeds go on. settings:
    those of `generate`. step: called with (done, total) pictures. Raises StoppedError before a further prompt.
    """
    requested, judged = [], []
    for number, prompt in enumerate(prompts, start=first):
        watch.check()
        points = latin_points(levels, number)
        asked = calibration.many(points) if calibration else points
        pictures = drawer.generate(prompt, asked, seed=seed + number, strength=strength, steps=steps)
        judged.append(judge.emotions(pictures))
        requested.append([(point.valence, point.arousal) for point in points])
        if step is not None:
            step((number - first + 1) * levels, len(prompts) * levels)
    return JudgedPoints(
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
    watch: Watch = SILENT,
) -> Calibration:
    """The calibration of a method without one, fitted on three quarters of the prompts.

    The last quarter is drawn without it and with it: the two rows of its `figures`. checkpoint: sha256 of the weights. Raises
    InputError where there are fewer than 4 prompts, or nothing to calibrate.
    """
    if len(prompts) < 4:
        raise InputError(f"A calibration was asked for with {len(prompts)} prompts.", "Give at least 4.")
    fitted = len(prompts) - len(prompts) // 4
    total = (2 * len(prompts) - fitted) * levels
    done, step = 0, watch.stage("drawing")

    def read(first: int, last: int, calibration: Calibration | None = None) -> JudgedPoints:
        nonlocal done
        before = done

        def count(now: int, _: int) -> None:
            nonlocal done
            done = before + now
            step(done, total)

        return collect(
            drawer, judge, prompts[first:last], first=first, levels=levels, seed=seed, strength=strength, steps=steps,
            calibration=calibration, step=count, watch=watch,
        )  # fmt: skip

    fit, without = read(0, fitted), read(fitted, len(prompts))
    valence, arousal = fit_axes(fit.requested, fit.judged)
    made = Calibration(
        valence=valence,
        arousal=arousal,
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


def fit_axes(asked: np.ndarray, judged: np.ndarray) -> tuple[AxisMap, AxisMap]:
    """The maps of valence and arousal from the points asked for, (n, 2) in [-3, 3], and those judged.

    Raises InputError where the judged values do not rise with those asked for: there is nothing to calibrate.
    """
    from scipy.spatial.distance import cdist

    if min(metrics.slope(asked[:, i], judged[:, i]) for i in (0, 1)) < _LEAST_SLOPE:
        raise InputError(
            "What is judged does not rise with what is asked for.", "Train the checkpoint further, or use another judge."
        )
    levels = np.linspace(-LIMIT, LIMIT, _LEVELS)
    points, nodes = _square(np.linspace(-LIMIT, LIMIT, _POINTS)), _square(levels)
    expected = points + _surface(asked, judged - asked).predict(points)
    costs = cdist(nodes, expected, "sqeuclidean") + _PULL * cdist(nodes, points, "sqeuclidean")
    valence, arousal = points[costs.argmin(axis=1)].reshape(_LEVELS, _LEVELS, 2).transpose(2, 0, 1)
    return _axis_map(levels, valence.T), _axis_map(levels, arousal)


def _surface(points: np.ndarray, values: np.ndarray) -> Any:
    """Smooth in both coordinates, (n, 2) -> (n, 2). How smooth is chosen by leaving one picture out at a time."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, SplineTransformer

    splines = SplineTransformer(knots=np.linspace([-LIMIT] * 2, [LIMIT] * 2, _KNOTS), extrapolation="constant")
    products = PolynomialFeatures(2, interaction_only=True, include_bias=False)
    return make_pipeline(splines, products, RidgeCV(np.logspace(-2, 3, 11))).fit(points, values)


def _square(axis: np.ndarray) -> np.ndarray:
    """All pairs, valence the slower: (n * n, 2)."""
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)


def _axis_map(levels: np.ndarray, asked: np.ndarray) -> AxisMap:
    rows = [_rising(levels, row).clip(-LIMIT, LIMIT).round(4).tolist() for row in asked]
    return AxisMap(levels=tuple(levels.round(4).tolist()), asked=tuple(tuple(row) for row in rows))


def _rising(levels: np.ndarray, row: np.ndarray) -> np.ndarray:
    from sklearn.isotonic import IsotonicRegression

    row = IsotonicRegression().fit_transform(levels, row)
    kept = np.abs(row) < LIMIT
    kept[[0, -1]] = True
    return np.interp(levels, levels[kept], row[kept])


def figures_of(reading: JudgedPoints) -> dict[str, dict[str, float | None]]:
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
