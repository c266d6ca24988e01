"""People and items as random effects at once: what differs between methods, whoever answers and whatever is shown."""

# n answers

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ENOUGH", "FixedEffect", "MixedFit", "fit_crossed", "too_few"]

ENOUGH = {"people": 5, "items": 5, "answers": 40}  # below, variances between people or items mean nothing
MOST = 12_000  # answers; a fit of more takes minutes


@dataclass(frozen=True, kw_only=True)
class FixedEffect:
    """A coefficient with its standard error, degrees of freedom, interval of 95% and two-sided p-value."""

    name: str
    value: float
    error: float
    freedom: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, kw_only=True)
class MixedFit:
    """A fitted model. effects: the intercept (of the first method), then each other method's difference to it.

    deviations: standard deviations of people, of items, of either by method, of what is left ("rest"). note: what to be careful
    about, "" for nothing.
    """

    effects: tuple[FixedEffect, ...]
    deviations: dict[str, float]
    answers: int
    people: int
    items: int
    note: str


def too_few(people: Sequence[Hashable], items: Sequence[Hashable]) -> str:
    """Why a model is not fitted to these answers, "" where it is."""
    found = {"people": len(set(people)), "items": len(set(items)), "answers": len(people)}
    lacking = [f"{found[what]} {what} (needs {least})" for what, least in ENOUGH.items() if found[what] < least]
    if len(people) > MOST:
        return f"{len(people):,} answers are too many (at most {MOST:,})"
    return "too few: " + ", ".join(lacking) if lacking else ""


def fit_crossed(
    values: np.ndarray,
    people: Sequence[Hashable],
    items: Sequence[Hashable],
    methods: Sequence[Hashable] | None = None,
    reference: Hashable | None = None,
) -> MixedFit:
    """y = method + person + item + person by method + item by method + rest, all but the first drawn at random, by REML.

    values: (n,), without NaN. methods: what each answer was about, by default one; reference: the one that the others are taken
    from, by default the first. The interactions say that people take to methods, and items suit them, differently; each is there
    where answers are at least twice as many as its levels,
    and where most people, or items, came by several methods. Baayen, Davidson & Bates (2008), Journal of Memory and Language 59,
    390-412; Barr et al. (2013), ibid. 68, 255-278, on why the interactions are needed. As statsmodels fits it; the degrees of
    freedom are those of a quasi-F of people and items, after Satterthwaite (1946), Biometrics Bulletin 2.
    """
    import pandas as pd

    names = list(dict.fromkeys(methods)) if methods is not None else []
    names.sort(key=lambda name: reference is not None and name != reference)
    fixed = pd.DataFrame({"intercept": np.ones(len(people))})
    for name in names[1:]:
        fixed[str(name)] = [float(one == name) for one in methods or ()]
    groups: dict[str, Sequence[Hashable]] = {"people": people, "items": items}
    if len(names) > 1:
        by_method = {what: list(zip(some, methods or (), strict=True)) for what, some in list(groups.items())}
        for what, some in by_method.items():
            if len(people) >= 2 * len(set(some)) and len(set(some)) >= 1.5 * len(set(groups[what])):
                groups[f"{what} by method"] = some
    fit, note = _fitted(np.asarray(values, np.float64), fixed, groups)
    deviations = {name: math.sqrt(max(float(variance), 0.0)) for name, variance in zip(sorted(groups), fit.vcomp, strict=True)}
    deviations["rest"] = math.sqrt(fit.scale)
    sizes = len(set(people)), len(set(items)), len(people) / max(len(names), 1)
    own = [_freedom(deviations, "", *sizes), *[_freedom(deviations, " by method", *sizes)] * max(len(names) - 1, 0)]
    effects = tuple(
        _effect(str(name), float(value), float(error), freedom)
        for name, value, error, freedom in zip(fixed.columns, fit.fe_params, fit.bse_fe, own, strict=True)
    )
    return MixedFit(effects=effects, deviations=deviations, answers=len(people), people=sizes[0], items=sizes[1], note=note)


def _fitted(values: np.ndarray, fixed: Any, groups: dict[str, Sequence[Hashable]]) -> tuple[Any, str]:
    """The fit, and what to be careful about. An interaction that leaves the model without a solution is taken out of `groups`."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    while True:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = MixedLM(values, fixed, groups=np.ones(len(values)), exog_vc=_components(groups))
            try:
                fit: Any = model.fit(reml=True, method=["lbfgs", "powell"])
                break
            except np.linalg.LinAlgError:
                if len(groups) == 2:
                    raise
                groups.popitem()
    if not fit.converged:
        return fit, "the fit did not converge: take its figures with care"
    if any("singular" in str(one.message) for one in caught):
        return fit, "the fit lies at the edge of what it can be: take its intervals with care"
    return fit, ""


def _freedom(deviations: dict[str, float], suffix: str, people: int, items: int, answers: float) -> float:
    """Of a contrast whose error is made of people's and items' deviations, and of the rest. answers: on each of its sides."""
    rest = deviations["rest"] ** 2
    by_person = rest + answers / people * deviations.get(f"people{suffix}", 0.0) ** 2
    by_item = rest + answers / items * deviations.get(f"items{suffix}", 0.0) ** 2
    below = by_person**2 / (people - 1) + by_item**2 / (items - 1) + rest**2 / ((people - 1) * (items - 1))
    return (by_person + by_item - rest) ** 2 / below


def _components(groups: dict[str, Sequence[Hashable]]) -> Any:
    from statsmodels.regression.mixed_linear_model import VCSpec

    matrices, labels = [], []
    for name in sorted(groups):
        codes = np.array(_codes(groups[name]))
        matrix = np.zeros((len(codes), codes.max() + 1))
        matrix[np.arange(len(codes)), codes] = 1
        matrices.append([matrix])
        labels.append([[f"{name} {code}" for code in range(matrix.shape[1])]])
    return VCSpec(sorted(groups), labels, matrices)


def _codes(some: Sequence[Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(one, len(numbers)) for one in some]


def _effect(name: str, value: float, error: float, freedom: float) -> FixedEffect:
    from scipy.stats import t

    half = float(t.ppf(0.975, freedom)) * error
    p = float(2 * t.sf(abs(value) / error, freedom)) if error > 0 else math.nan
    return FixedEffect(name=name, value=value, error=error, freedom=freedom, low=value - half, high=value + half, p=p)
