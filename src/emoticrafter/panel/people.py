"""The table of participants: who took part, how far they came. No names, no addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

__all__ = ["Participant"]


@dataclass(frozen=True, kw_only=True)
class Participant:
    """A row per participant who is in the study; who has withdrawn is in no table, only in a count."""

    participant: Annotated[str, "p001, p002, ..."]
    sequence: Annotated[int, "row of the counterbalanced design that the participant follows, from 0"]
    simulated: Annotated[bool, "whether the participant is a program; never true of people"]
    state: Annotated[str, "invited: has a link; begun: has consented; finished"]
    trials: Annotated[int, "trials of the participant's order, practice and checks counted"]
    answered: Annotated[int, "trials that were answered"]
    begun_at: Annotated[str | None, "when consent was given: UTC, ISO 8601"]
    finished_at: Annotated[str | None, "when the last page was reached: UTC, ISO 8601"]
    parameters: Annotated[dict[str, str], "parameters of the address that the study keeps, such as PROLIFIC_PID"]
