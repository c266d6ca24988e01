"""How many people a wanted effect needs: the study is run on paper, many times, and its own test counts how often it finds it.

    y = effect (of the second method) + person + content + person by method + content by method + noise

with normal deviations, in the units of the measure; answers of yes or no are drawn with the probability of a logistic curve. Who
sees what is what the design says. Each simulated study is tested as a real one is: Shapiro-Wilk on the people's differences, then
paired t or Wilcoxon.
"""

# n people, c contents that each sees, B studies

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from emoticrafter.errors import InputError
from emoticrafter.panel.analysis.paired import p_values
from emoticrafter.panel.study import StudyKind

__all__ = ["SPREADS", "Forecasted", "Spreads", "people_needed", "power_of"]

ALPHA = 0.05
MOST = 2000  # people


@dataclass(frozen=True, kw_only=True)
class Spreads:
    """Standard deviations, in the units of the measure (of yes or no: of the log odds).

    noise: of an answer. taste: of people's own differences between two methods. contents: of contents' own differences. The level
    of a person or a content falls out of a comparison within them.
    """

    noise: float
    taste: float
    contents: float


# What studies like these had, roundly; a pilot knows better. Units: tau-b, points of five, the plane's, log odds.
SPREADS: dict[StudyKind, Spreads] = {
    "rank": Spreads(noise=0.4, taste=0.1, contents=0.15),
    "rate-sets": Spreads(noise=0.8, taste=0.3, contents=0.3),
    "rate": Spreads(noise=1.0, taste=0.2, contents=0.4),
    "compare": Spreads(noise=0.0, taste=0.5, contents=0.5),
    "validate-pairs": Spreads(noise=0.0, taste=0.5, contents=0.8),
}
BINARY = ("compare", "validate-pairs")


@dataclass(frozen=True, kw_only=True)
class Forecasted:
    """A number of people, and how often so many find the effect: the share of simulated studies, with its interval of 95%."""

    people: int
    power: float
    low: float
    high: float


def power_of(
    kind: StudyKind,
    effect: float,
    people: int,
    contents: int,
    spreads: Spreads | None = None,
    *,
    within: bool = True,
    studies: int = 1000,
    seed: int = 0,
) -> Forecasted:
    """How often a study of so many people, of `contents` contents each, finds the effect at 5%, two-sided.

    effect: the difference of two methods in the measure's units; of compare, how often the better one is preferred, less 0.5.
    within: whether each person sees each content by both methods; else by one, in turn. contents: are the same for all people.
    """
    spreads = spreads or SPREADS[kind]
    rng = np.random.default_rng([seed, people, contents])
    draw = _binary if kind in BINARY else _scaled
    differences = draw(rng, effect, people, contents, spreads, within, studies)
    found = int((p_values(differences) < ALPHA).sum())
    low, high = _interval(found, studies)
    return Forecasted(people=people, power=found / studies, low=low, high=high)


def people_needed(
    kind: StudyKind,
    effect: float,
    contents: int,
    spreads: Spreads | None = None,
    *,
    power: float = 0.8,
    within: bool = True,
    studies: int = 1000,
    seed: int = 0,
    most: int = MOST,
) -> list[Forecasted]:
    """The forecasts on the way to the least number of people that has the power, that number's the last; by number of people.

    Raises InputError where even `most` people are too few.
    """

    def forecast(people: int) -> Forecasted:
        return power_of(kind, effect, people, contents, spreads, within=within, studies=studies, seed=seed)

    tried = {people: forecast(people) for people in (4,)}
    above = 4
    while tried[above].power < power:
        if above == most:
            raise InputError(
                f"Even {most:,} people would find an effect of {effect:g} only {tried[above].power:.0%} of the time.",
                "Plan for a greater effect, more contents, or less power.",
                field="effect",
                value=effect,
            )
        above = min(above * 2, most)
        tried[above] = forecast(above)
    below = max((people for people in tried if people < above), default=4)
    while above - below > 1:
        middle = (above + below) // 2
        tried[middle] = forecast(middle)
        above, below = (middle, below) if tried[middle].power >= power else (above, middle)
    return [tried[people] for people in sorted(tried) if people <= above] or [tried[above]]


def _scaled(
    rng: np.random.Generator, effect: float, people: int, contents: int, spreads: Spreads, within: bool, studies: int
) -> np.ndarray:
    """Mean difference of each person, float (B, n)."""
    first, second = _seen(people, contents, within)  # (n, c) each: who sees which content by the first, the second method
    own = rng.normal(0, spreads.contents, (2, studies, contents))
    means = []
    for method, seen in enumerate((first, second)):
        noise = rng.normal(0, 1, (studies, people)) * spreads.noise / np.sqrt(seen.sum(axis=1))
        taste = rng.normal(0, spreads.taste / math.sqrt(2), (studies, people))
        means.append(own[method] @ seen.T / seen.sum(axis=1) / math.sqrt(2) + noise + taste + effect * method)
    return means[1] - means[0]


def _binary(
    rng: np.random.Generator, effect: float, people: int, contents: int, spreads: Spreads, within: bool, studies: int
) -> np.ndarray:
    """Share of answers for the second method, less 0.5, of each person, float (B, n)."""
    share = 0.5 + effect
    if not 0 < share < 1:
        raise InputError(
            f"The effect is {effect:g}: the better method would be preferred {share:.0%} of the time.",
            "Give a number between 0 and 0.5: 0.1 is preferred 60% of the time.",
            field="effect",
            value=effect,
        )
    spread = math.hypot(spreads.taste, spreads.contents)
    # The mean of a logistic curve over a normal spread: after MacKay (1992), with the spread's own slope.
    level = math.log(share / (1 - share)) * math.sqrt(1 + math.pi * spread**2 / 8)
    taste = rng.normal(0, spreads.taste, (studies, people, 1))
    own = rng.normal(0, spreads.contents, (studies, 1, contents))
    yes = rng.random((studies, people, contents)) < 1 / (1 + np.exp(-(level + taste + own)))
    return yes.mean(axis=2) - 0.5


def _seen(people: int, contents: int, within: bool) -> tuple[np.ndarray, np.ndarray]:
    if within:
        every = np.ones((people, contents))
        return every, every
    turn = (np.arange(people)[:, None] + np.arange(contents)[None, :]) % 2
    return 1.0 - turn, turn.astype(np.float64)


def _interval(found: int, studies: int) -> tuple[float, float]:
    """Wilson's interval of a share, 95%."""
    from scipy.stats import binomtest

    ends = binomtest(found, studies).proportion_ci(method="wilson")
    return float(ends.low), float(ends.high)
