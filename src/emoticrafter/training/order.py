"""Which pairs are held out, and in which order the others come.

Both are functions of the seed alone: not of the machine, the number of processes or how often a run was taken up again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emoticrafter.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Draws", "PairOrder", "Split", "split_pairs"]

_RANK = {"train": 0, "val": 1, "test": 2}
_FREE = -1


@dataclass(frozen=True, kw_only=True)
class Split:
    """Numbers of pairs, ascending int64. test: marked so by the data sets; they take no part in the training at all."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


def split_pairs(pairs: pd.DataFrame, *, val_share: float, given: bool, seed: int) -> Split:
    """Hold out pairs for validation so that one content's pairs, and one picture's, all lie on one side.

    Pairs that share a content or a picture form a group, also by way of a third. A group goes where the data set put any of
    its pairs: test before val before train (unless not `given`). Groups that no data set placed are held out, in an order that
    only the seed and their content decide, until the pairs for validation make up `val_share` of all. Raises InputError if
    nothing is left to train on, or nothing can be held out.
    """
    groups = _groups([pairs["content"], pairs["picture"]])
    marks = pairs["split"].map(_RANK).fillna(_FREE).to_numpy(dtype=np.int64) if given else np.full(len(pairs), _FREE)
    side = np.full(groups.max(initial=-1) + 1, _FREE)
    np.maximum.at(side, groups, marks)
    sizes = np.bincount(groups, minlength=len(side))
    free = [group for group in _shuffled(pairs["content"], groups, seed) if side[group] == _FREE]
    if free and not (side == _RANK["train"]).any():
        free.remove(max(free, key=sizes.__getitem__))  # something must be left to train on
    missing = max(round(val_share * len(pairs)), 1) - int(sizes[side == _RANK["val"]].sum()) if val_share else 0
    for group in free:
        if 0 < sizes[group] <= missing:
            side[group] = _RANK["val"]
            missing -= int(sizes[group])
    if val_share and free and not (side == _RANK["val"]).any():  # every group is larger than the share
        side[min(free, key=sizes.__getitem__)] = _RANK["val"]
    of_pairs = side[groups]
    train = np.flatnonzero((of_pairs == _RANK["train"]) | (of_pairs == _FREE))
    val, test = (np.flatnonzero(of_pairs == _RANK[name]) for name in ("val", "test"))
    if not len(train):
        raise InputError(
            f"None of the {len(pairs)} pairs is left to train on: {len(val)} are for validation, {len(test)} for testing.",
            "Add pairs, or set data.given_splits=false.",
        )
    if val_share and not len(val):
        raise InputError(
            f"No pair can be held out: the {len(pairs)} pairs share their contents or pictures.",
            "Give each content its own words in the column `content`, or set data.val_share=0 to train without validation.",
        )
    return Split(train=train, val=val, test=test)


def _groups(columns: list[pd.Series]) -> np.ndarray:
    """The number of each row's group: rows that share a value of any column, nulls and empty texts apart, are of one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = len(columns[0])
    heads, tails = [], []
    for column in columns:
        codes, _ = column.where(column.astype("string").fillna("") != "").factorize()
        known = np.flatnonzero(codes >= 0)
        first = np.full(codes.max(initial=-1) + 1, rows, dtype=np.int64)
        np.minimum.at(first, codes[known], known)
        heads.append(known)
        tails.append(first[codes[known]])
    head, tail = np.concatenate(heads), np.concatenate(tails)
    graph = coo_array((np.ones(len(head), dtype=np.int8), (head, tail)), shape=(rows, rows))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _shuffled(contents: pd.Series, groups: np.ndarray, seed: int) -> list[int]:
    """The groups in an order by a hash of the seed and their least content, so that added pairs hardly change it."""
    least: dict[int, str] = {}
    for group, content in zip(groups.tolist(), contents.fillna("").astype(str), strict=True):
        least[group] = min(least.get(group, content), content)
    return sorted(least, key=lambda group: (hashlib.sha256(f"{seed}/{least[group]}".encode()).digest(), group))


@dataclass(frozen=True, kw_only=True)
class Draws:
    """What a step is made of, one entry per pair of the batch over all processes.

    rows: numbers of pairs. empty: whether the prompt is taken away. partner: a number in [0, 1) that chooses another pair of
    the same content.
    """

    rows: np.ndarray
    empty: np.ndarray
    partner: np.ndarray

    def part(self, start: int, end: int) -> Draws:
        return Draws(rows=self.rows[start:end], empty=self.empty[start:end], partner=self.partner[start:end])


class PairOrder:
    """The endless order of some pairs: epoch after epoch, each a permutation drawn from (seed, epoch), cut into full batches.

    A batch may hold the end of one epoch and the beginning of the next, so all are of one size. `rows`: numbers of pairs.
    """

    def __init__(self, rows: np.ndarray, *, batch: int, seed: int, dropout: float = 0.0) -> None:
        self.rows, self.batch, self.seed, self.dropout = rows, batch, seed, dropout
        self._kept: tuple[int, np.ndarray] = (-1, rows)

    def place(self, step: int) -> tuple[int, int]:
        """(epoch, offset in it) of the first pair of that step."""
        return divmod(step * self.batch, len(self.rows))

    def epoch(self, number: int) -> np.ndarray:
        """The pairs in the order of that epoch."""
        if self._kept[0] != number:
            self._kept = (number, np.random.default_rng((self.seed, number)).permutation(self.rows))
        return self._kept[1]

    def draws(self, step: int) -> Draws:
        """The batch of that step, counted from 0."""
        epoch, offset = self.place(step)
        parts: list[np.ndarray] = []
        while (lacking := self.batch - sum(map(len, parts))) > 0:
            parts.append(self.epoch(epoch)[offset : offset + lacking])
            epoch, offset = epoch + 1, 0
        rng = np.random.default_rng((self.seed, 1, step))
        empty = rng.random(self.batch) < self.dropout
        return Draws(rows=np.concatenate(parts), empty=empty, partner=rng.random(self.batch))
