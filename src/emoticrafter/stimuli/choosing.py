"""Which candidates make the set: a mixed-integer program, solved by HiGHS through scipy.

One variable of 0 or 1 for each candidate. What must hold are equations: so many in each cell, contents as often as each other,
so many with people, no two alike. What should hold costs: how far a picture was read from its cell's middle, and how far a
cell's mean of what is measured lies from that of all cells. Without the last two it is an assignment problem.
"""

# n candidates, c cells, k properties

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from emoticrafter.errors import InputError

__all__ = ["SetChoice", "choose"]

BEYOND = 5.0  # what a unit beyond a tolerance costs, beside a unit within it
GAP, NODES = 0.002, 3000  # from the best possible; nodes of the search, instead of a time, so that every machine chooses alike


@dataclass(frozen=True, kw_only=True)
class SetChoice:
    """chosen: numbers of the candidates, in their order. gap: how far the cost may be above the least there is, as a share."""

    chosen: tuple[int, ...]
    cost: float
    gap: float


def choose(
    cells: np.ndarray,
    contents: np.ndarray,
    people: np.ndarray,
    errors: np.ndarray,
    properties: np.ndarray,
    alike: Iterable[tuple[int, int]],
    *,
    per_cell: int,
    tolerance: float,
    balanced: bool,
    with_people: int | None,
    matching: float,
    matching_tolerance: float,
) -> SetChoice:
    """Choose `per_cell` candidates of each cell.

    cells, contents: numbers, int (n,). people: whether each shows people, bool (n,). errors: distances of what was read from the
    cell's middle, float (n,), the larger axis's. properties: float (n, k), standardised. alike: pairs of which one may be taken.
    with_people: pictures with people in each cell; None for any. Raises InputError where no choice holds all that must.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    n, k, numbers = len(cells), properties.shape[1], np.unique(cells)
    slack = n + k  # then for each cell and property: distance to the middle, and what of it lies beyond the tolerance
    total = slack + 2 * len(numbers) * k
    rows = _Rows(total)
    for cell in numbers:
        inside = np.flatnonzero(cells == cell)
        rows.add(inside, 1.0, per_cell, per_cell)
        if balanced:
            _balance(rows, inside, contents[inside], per_cell, people[inside], with_people)
        if with_people is not None:
            rows.add(inside[people[inside]], 1.0, with_people, with_people)
    for first, second in alike:
        rows.add([first, second], 1.0, 0, 1)
    if matching > 0:
        for place, cell in enumerate(numbers):
            inside = np.flatnonzero(cells == cell)
            for j in range(k):
                middle, near = n + j, slack + 2 * (place * k + j)
                share = properties[inside, j] / per_cell
                for sign in (1.0, -1.0):  # distance >= +-(mean of the cell - middle of all)
                    rows.add([*inside, middle, near], [*(sign * share), -sign, -1.0], -np.inf, 0)
                rows.add([near, near + 1], [1.0, -1.0], -np.inf, matching_tolerance)
    cost = np.zeros(total)
    cost[:n] = (errors + BEYOND * np.maximum(errors - tolerance, 0)) / per_cell
    cost[slack::2], cost[slack + 1 :: 2] = matching, matching * BEYOND
    low, high = np.zeros(total), np.full(total, np.inf)
    high[:n] = 1
    low[n:slack] = -np.inf
    whole = np.zeros(total)
    whole[:n] = 1
    done = milp(
        cost,
        constraints=LinearConstraint(*rows.made()),
        bounds=Bounds(low, high),
        integrality=whole,
        options={"mip_rel_gap": GAP, "node_limit": NODES},
    )
    if done.x is None:
        raise InputError(
            "No choice of the candidates holds all that must hold: pictures in each cell, balance, and no two alike.",
            "Set drawing.candidates higher, matching.apart lower, or ask for fewer in each cell.",
        )
    return SetChoice(
        chosen=tuple(int(i) for i in np.flatnonzero(done.x[:n] > 0.5)), cost=float(done.fun), gap=float(done.mip_gap or 0.0)
    )


def _balance(
    rows: _Rows, inside: np.ndarray, contents: np.ndarray, per_cell: int, people: np.ndarray, with_people: int | None
) -> None:
    """Each content as often as every other of its sort, give or take one; people, where wanted, make two sorts."""
    sorts = [(np.ones(len(inside), bool), per_cell)]
    if with_people is not None:
        sorts = [(people, with_people), (~people, per_cell - with_people)]
    for of_sort, places in sorts:
        own = np.unique(contents[of_sort])
        for content in own:
            which = inside[of_sort & (contents == content)]
            least, most = divmod(places, len(own))
            rows.add(which, 1.0, least, least + bool(most))


class _Rows:
    """Rows of a sparse matrix with the ends that each product must lie between."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.places: list[np.ndarray] = []
        self.values: list[np.ndarray] = []
        self.ends: list[tuple[float, float]] = []

    def add(self, columns: Sequence[int] | np.ndarray, values: float | Sequence[float], low: float, high: float) -> None:
        where = np.asarray(columns, np.int64)
        self.places.append(where)
        self.values.append(np.broadcast_to(np.asarray(values, np.float64), where.shape))
        self.ends.append((low, high))

    def made(self) -> tuple[object, np.ndarray, np.ndarray]:
        from scipy.sparse import csr_array

        starts = np.concatenate([[0], np.cumsum([len(one) for one in self.places])])
        matrix = csr_array(
            (np.concatenate(self.values), np.concatenate(self.places), starts), shape=(len(self.places), self.columns)
        )
        ends = np.array(self.ends)
        return matrix, ends[:, 0], ends[:, 1]
