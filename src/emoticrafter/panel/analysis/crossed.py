"""Intervals of means over people and items that cross: who else might have answered, what else might have been shown.

An interval over people says what other people would have said of these items; one over items, what these people would have said
of others; one over both holds for other people and other items, and is the one to publish. Davison & Hinkley (1997) for the
bootstrap; Owen (2007), Annals of Applied Statistics 1, 386-411, for both at once, which errs on the wide side.
"""

# p people, i items, B samples

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from emoticrafter.metrics.statistics import LEVEL, SAMPLES, Estimate

__all__ = ["CrossedEstimate", "crossed_mean", "person_bootstrap", "table_of"]


@dataclass(frozen=True, kw_only=True)
class CrossedEstimate:
    """A mean with its three intervals (low, high)."""

    value: float
    over_people: tuple[float, float]
    over_items: tuple[float, float]
    over_both: tuple[float, float]
    people: int
    items: int


def table_of(
    values: np.ndarray, people: Sequence[Hashable], items: Sequence[Hashable]
) -> tuple[np.ndarray, list[Hashable], list[Hashable]]:
    """The mean of the values of each person and item, float (p, i), NaN where there is none; and whose rows and columns."""
    rows, columns = ({one: number for number, one in enumerate(dict.fromkeys(some))} for some in (people, items))
    where = ([rows[one] for one in people], [columns[one] for one in items])
    values = np.asarray(values, np.float64)
    known = ~np.isnan(values)
    sums, counts = np.zeros((len(rows), len(columns))), np.zeros((len(rows), len(columns)))
    np.add.at(sums, where, np.where(known, values, 0.0))
    np.add.at(counts, where, known)
    with np.errstate(invalid="ignore"):
        return sums / np.where(counts, counts, np.nan), list(rows), list(columns)


def crossed_mean(table: np.ndarray, *, samples: int = SAMPLES, level: float = LEVEL, seed: int = 0) -> CrossedEstimate:
    """The mean of what is known in `table` (p, i), with percentile intervals over people, over items and over both."""
    table = np.asarray(table, np.float64)
    known = (~np.isnan(table)).astype(np.float64)
    values = np.where(known > 0, table, 0.0)
    rng = np.random.default_rng(seed)
    people, items = (rng.multinomial(n, np.full(n, 1 / max(n, 1)), size=samples).astype(np.float64) for n in table.shape)
    ones = np.ones(table.shape[1])

    def interval(by_person: np.ndarray | None, by_item: np.ndarray | None) -> tuple[float, float]:
        along = values @ (ones if by_item is None else by_item.T).reshape(table.shape[1], -1)  # (p, B) or (p, 1)
        counts = known @ (ones if by_item is None else by_item.T).reshape(table.shape[1], -1)
        if by_person is not None:
            along, counts = by_person.T * along, by_person.T * counts
        below = counts.sum(axis=0)
        found = along.sum(axis=0)[below > 0] / below[below > 0]
        low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2]) if len(found) else (np.nan, np.nan)
        return float(low), float(high)

    count = known.sum()
    return CrossedEstimate(
        value=float(values.sum() / count) if count else float("nan"),
        over_people=interval(people, None),
        over_items=interval(None, items),
        over_both=interval(people, items),
        people=int((known.sum(axis=1) > 0).sum()),
        items=int((known.sum(axis=0) > 0).sum()),
    )


def person_bootstrap(
    statistic: Callable[[np.ndarray], float],
    values: np.ndarray,
    *,
    samples: int = SAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Estimate:
    """Any statistic of one row per person, with its interval: people are drawn with replacement."""
    from emoticrafter.metrics.statistics import bootstrap

    return bootstrap(statistic, values, clusters=range(len(values)), samples=samples, level=level, seed=seed)
