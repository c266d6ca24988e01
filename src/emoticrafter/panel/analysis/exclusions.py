"""Whose answers do not count, by the rules that the study fixed before anybody answered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from emoticrafter.panel.responses import Response
from emoticrafter.panel.study import Exclusion

__all__ = ["REASONS", "Screening", "screen"]

REASONS = {
    "checks": "failed more attention checks than allowed",
    "incomplete": "answered too few of the main trials",
    "quick": "too many answers were too quick",
    "same": "too many answers on scales were one and the same",
}
SCALES = 5  # answers on scales, below which it means nothing that they are all the same


@dataclass(frozen=True, kw_only=True)
class Screening:
    """Whose answers count, and why those of others do not.

    kept: participants in the order of the answers. left_out: the reasons of each other participant, keys of `REASONS`.
    """

    kept: tuple[str, ...]
    left_out: Mapping[str, tuple[str, ...]]

    def counts(self) -> dict[str, int]:
        """How many people each reason holds for; one may have several."""
        found = Counter(reason for reasons in self.left_out.values() for reason in reasons)
        return {reason: found[reason] for reason in REASONS if found[reason]}


def screen(responses: Iterable[Response], rules: Exclusion, main_trials: Mapping[str, int]) -> Screening:
    """Apply the rules. main_trials: how many main trials each participant was to answer.

    Answers are those of main and repeated trials; a set that is ordered or rated is one answer to each question. On scales that
    give two answers at once, such as the affect grid, two answers are the same where both are.
    """
    by_person: dict[str, list[Response]] = {name: [] for name in main_trials}
    for one in responses:
        by_person.setdefault(one.participant, []).append(one)
    left_out = {
        person: found for person, own in by_person.items() if (found := tuple(_against(own, rules, main_trials.get(person, 0))))
    }
    return Screening(kept=tuple(person for person in by_person if person not in left_out), left_out=left_out)


def _against(own: Sequence[Response], rules: Exclusion, wanted: int) -> Iterable[str]:
    failed = sum(one.answer != one.expected for one in own if one.part == "check")
    if failed > rules.failed_checks:
        yield "checks"
    if len({one.trial for one in own if one.part == "main"}) < rules.complete * wanted or not wanted:
        yield "incomplete"
    answers = [one for one in own if one.part in ("main", "repeat")]
    if answers and sum(one.rt_ms < rules.quick_ms for one in answers) > rules.quick_share * len(answers):
        yield "quick"
    scaled: dict[tuple[int, str | None], list[float]] = defaultdict(list)
    for one in answers:
        if one.low is not None and one.high is not None:
            scaled[one.trial, one.picture].append((one.answer - one.low) / (one.high - one.low))
    if len(scaled) >= SCALES:
        most = Counter(map(tuple, scaled.values())).most_common(1)[0][1]
        if most > rules.same_share * len(scaled):
            yield "same"
