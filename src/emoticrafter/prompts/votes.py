"""People's votes on pairs: what a majority keeps, what it drops, and how far the raters agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emoticrafter.data.sheets import read_sheet
from emoticrafter.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Agreement", "Verdict", "Votes", "agreement", "apply_votes", "fleiss_kappa", "read_votes"]

_KEEP = "keep kept yes y true t 1 1.0 + +1 good accept accepted ok okay pass correct valid \u2713 \u2714"
_DROP = "drop dropped no n false f 0 0.0 - -1 bad reject rejected fail wrong invalid remove delete \u2717 \u2718"
_MEANING = {text: keep for texts, keep in ((_KEEP, True), (_DROP, False)) for text in texts.split()}
_COLUMNS = {  # the first one that is there
    "pair id": ("pair_id", "pair", "id"),
    "rater": ("rater", "rater_id", "annotator", "user", "worker"),
    "vote": ("vote", "verdict", "decision", "judgement", "judgment"),
}


@dataclass(frozen=True, kw_only=True)
class Votes:
    """Who wants to keep which pair.

    of: by pair id, each rater's vote, True to keep. empty: lines without a vote. again: votes that a later line of the same
    rater on the same pair replaced.
    """

    of: Mapping[str, Mapping[str, bool]]
    empty: int
    again: int


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Fleiss' kappa of the pairs that `raters` people voted on; None where it is not defined."""

    raters: int
    pairs: int
    kappa: float | None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The rows that stay, and why each of the others does not: (id, reason, votes to keep, votes to drop)."""

    kept: pd.DataFrame
    left_out: list[tuple[str, str, int, int]]
    unvoted: int  # rows that nobody voted on
    unknown: int  # voted pairs that the table does not have

    def counts(self) -> dict[str, int]:
        return dict(Counter(reason for _, reason, _, _ in self.left_out).most_common())


def read_votes(path: Path) -> Votes:
    """Read a CSV or TSV (JSONL or parquet too) with a column each for pair_id (or pair, id), rater and vote; others are ignored.

    A vote is keep or drop, or yes/no, true/false, 1/0, accept/reject, good/bad, +/-, whatever the case. Raises MissingError
    without the file, InputError with the line for a vote that is none of these, and for an id or a rater that is not there.
    """
    sheet = read_sheet(path)
    found = {}
    for what, names in _COLUMNS.items():
        there = sheet.find(names)
        if not there:
            raise InputError(
                f"{path.name!r} has no column for the {what}; it has {', '.join(map(repr, sheet.columns[:20]))}.",
                f"Call it {names[0]}.",
            )
        found[what] = next(there[name] for name in names if name in there)
    of: dict[str, dict[str, bool]] = defaultdict(dict)
    empty = again = 0
    for row in sheet.rows:
        where = f"{sheet.unit.capitalize()} {row.line} of {path.name!r}"
        if row.fault:
            raise sheet.fault(row)
        name, rater, text = (row.cells[found[what]].strip() for what in _COLUMNS)
        if not text:
            empty += 1
            continue
        vote = _MEANING.get(text.casefold())
        if vote is None:
            raise InputError(f"{where} has the vote {text[:40]!r}.", "Write keep or drop (or yes or no, 1 or 0).")
        if not name or not rater:
            raise InputError(
                f"{where} has a vote without a {'pair id' if not name else 'rater'}.", "Fill it in, or remove the line."
            )
        again += rater in of[name]
        of[name][rater] = vote
    if not of:
        raise InputError(f"{path.name!r} has no votes.", "Each line needs a pair id, a rater, and keep or drop.")
    return Votes(of=of, empty=empty, again=again)


def apply_votes(pairs: pd.DataFrame, votes: Votes, *, only_voted: bool = False) -> Verdict:
    """Keep the pairs that a majority of an odd number of raters keeps; their doubts are settled, and removed.

    A tie, an even number of votes, or a majority against it leaves a pair out. A pair without votes stays as it is, unless
    `only_voted`. Raises InputError if no vote is about a pair of the table.
    """
    ids = set(pairs["id"])
    unknown = [name for name in votes.of if name not in ids]
    if len(unknown) == len(votes.of):
        raise InputError(
            f"None of the {len(unknown)} voted pairs is in the table; the first is {unknown[0][:60]!r}.",
            "Votes name a pair by the table's column id.",
        )
    keeps, left_out, settled = [], [], []
    unvoted = 0
    for name in pairs["id"]:
        cast = votes.of.get(name, {}).values()
        yes, no = sum(cast), len(cast) - sum(cast)
        unvoted += not cast
        reason = ("no votes" if only_voted else "") if not cast else _against(yes, no)
        keeps.append(not reason)
        settled.append(bool(cast))
        if reason:
            left_out.append((name, reason, yes, no))
    kept = pairs.copy()
    kept["doubts"] = kept["doubts"].mask(settled, "")
    kept = kept[keeps].reset_index(drop=True)
    return Verdict(kept=kept, left_out=left_out, unvoted=unvoted, unknown=len(unknown))


def agreement(votes: Votes) -> list[Agreement]:
    """Fleiss' kappa wants the same number of raters for all: one figure for each number that occurs, from two on."""
    tables: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for cast in votes.of.values():
        tables[len(cast)].append((sum(cast.values()), len(cast) - sum(cast.values())))
    return [
        Agreement(raters=raters, pairs=len(rows), kappa=fleiss_kappa(rows))
        for raters, rows in sorted(tables.items())
        if raters > 1
    ]


def fleiss_kappa(counts: Sequence[Sequence[int]]) -> float | None:
    """Agreement beyond chance: 1 is perfect, 0 what chance gives. counts (N, k): how many raters put subject i in category j.

    With n raters for each of N subjects, n_ij the counts and p_j = sum_i n_ij / (N n),

        P_i   = (sum_j n_ij^2 - n) / (n (n - 1)),    P = sum_i P_i / N,    P_e = sum_j p_j^2,
        kappa = (P - P_e) / (1 - P_e).

    J. L. Fleiss (1971), "Measuring nominal scale agreement among many raters", Psychological Bulletin 76, 378-382. None
    where it is not defined: all ratings are of one category, or there are none.
    """
    raters = sum(counts[0]) if counts else 0
    assert all(sum(row) == raters for row in counts), "every subject needs the same number of raters"
    if raters < 2:
        return None
    subjects = len(counts)
    # In whole numbers up to the last step, so that no rounding makes 1 - P_e of unanimous ratings other than 0.
    chance = sum(total * total for total in map(sum, zip(*counts, strict=True)))  # P_e (N n)^2
    whole = (subjects * raters) ** 2
    if chance == whole:
        return None
    observed = sum(count * count for row in counts for count in row) - subjects * raters  # P N n (n - 1)
    expected = chance / whole
    return (observed / (subjects * raters * (raters - 1)) - expected) / (1 - expected)


def _against(yes: int, no: int) -> str:
    """Why a pair is left out, empty if it is kept."""
    if yes == no:
        return "tie"
    if (yes + no) % 2 == 0:
        return "even number of votes"
    return "" if yes > no else "voted out"
