"""Norms and single ratings as tables that other programs read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emoticrafter.escapes import csv_text
from emoticrafter.panel.responses import Response

__all__ = ["NORMS", "RATINGS", "norms_csv", "ratings_csv"]

NORMS, RATINGS = "norms.csv", "ratings.csv"
_QUESTIONS = ("valence", "arousal", "dominance")


def norms_csv(norms: Sequence[Mapping[str, Any]], file_of: Callable[[str], str]) -> str:
    """A row per picture: file, what it was asked for, mean, sd and number of ratings. file_of: the file of a picture's id."""
    names = list(dict.fromkeys(name for one in norms for name in one))
    rows = [[file_of(one["picture"]), *(_rounded(one.get(name)) for name in names)] for one in norms]
    return csv_text([["file", *names], *rows])


def ratings_csv(responses: Sequence[Response], file_of: Callable[[str], str]) -> str:
    """A row per person and picture of the main trials: file, rater, and each scale on the plane, -3 to 3. Empty for none.

    What `emoticrafter judge validate --ratings` reads.
    """
    found: dict[tuple[str, str], dict[str, float]] = {}
    for one in responses:
        picture = one.picture or (one.pictures[0] if len(one.pictures) == 1 else None)
        if one.part == "main" and picture is not None and one.question in _QUESTIONS and one.on_plane is not None:
            found.setdefault((picture, one.participant), {})[one.question] = one.on_plane
    if not found:
        return ""
    asked = [name for name in _QUESTIONS if any(name in own for own in found.values())]
    rows = [[file_of(picture), rater, *(_rounded(own.get(name)) for name in asked)] for (picture, rater), own in found.items()]
    return csv_text([["file", "rater", *asked], *rows])


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
