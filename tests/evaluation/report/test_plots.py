"""Labels of a plot keep clear of each other and of other points."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from matplotlib.text import Text

from emoticrafter.evaluation.report.plots import (
    DARK,
    LIGHT,
    Theme,
    _apart,
    _through,
    agreement,
    error_maps,
    intervals,
    pareto,
    render,
)


def test_a_label_far_from_others_stands_to_the_right() -> None:
    assert list(_apart([(10, 200, "none"), (300, 150, "ours")])) == [("none", 1, 0), ("ours", 1, 0)]


def test_labels_cover_neither_points_nor_each_other() -> None:
    close = [(10, 230, "none"), (352, 228, "attention"), (362, 228, "truth"), (372, 227, "inversion"), (374, 226, "a")]
    placed = [*close, (200, 210, "far")]
    at = {label: (x, y) for x, y, label in placed}
    boxes: list[tuple[float, float, float]] = []
    for label, side, lift in _apart(placed):
        x, y = at[label]
        left, right = sorted((x + 9 * side, x + (9 + 6 * len(label)) * side))
        assert not any(left < a < right and abs(b - y - lift) < 9 for other, (a, b) in at.items() if other != label)
        assert not any(left < r and right > le and abs(m - y - lift) < 11 for le, r, m in boxes)
        boxes.append((left, right, y + lift))
    assert len(boxes) == len(placed)


def test_a_sweep_goes_through_the_mark() -> None:
    def at(strength: float, error: float, content: float) -> dict[str, Any]:
        return {"strength": strength, "error": {"value": error}, "retention": {"value": content}}

    row = {"describe": {"strength": 1.0}, "curve": [at(0.5, 0.9, 1.1), at(1.0, 0.4, 1.05), at(2.0, 0.6, 0.8)]}
    moved = _through(row, 0.3, 1.0)
    assert [strength for strength, *_ in moved] == [0.5, 1.0, 2.0]
    assert [point for _, *point in moved] == [pytest.approx(point) for point in ([0.8, 1.05], [0.3, 1.0], [0.5, 0.75])]
    assert _through({**row, "describe": {"strength": 0.7}}, 0.3, 1.0) == []
    assert _through({"describe": {}}, 0.3, 1.0) == []


LABEL = "cost $5 \\frac and x^$ {_} \u001b[1m\n#"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_a_label_is_a_label_whatever_it_holds(theme: Theme) -> None:
    figures = {
        name: {"value": 0.5, "low": 0.4, "high": 0.6} for name in ("valence_error", "arousal_error", "valence_slope", "retention")
    }
    points, cells = [[-3, -3, 0.1, 0.2], [3, 3, 1.0, 2.0]], {"valence_error": [[1.0, 2.0], [0.5, 0.1]]}
    row = {"method": True, "figures": figures, "points": points, "cells": cells, "describe": {"strength": 1.0}, "curve": []}
    rows = {LABEL: row, "plain": {**row, "method": False}}
    draws: list[Callable[[Theme], Any]] = [
        partial(intervals, rows),
        partial(agreement, rows, "valence"),
        partial(error_maps, rows, "valence", [-3, 3], [-3, 3]),
        partial(pareto, rows),
    ]
    for draw in draws:
        figure: list[Any] = []

        def kept(theme: Theme, draw: Callable[[Theme], Any] = draw, figure: list[Any] = figure) -> Any:
            figure.append(draw(theme))
            return figure[0]

        assert render(kept, theme)[:4] == b"RIFF"
        texts = [text.get_text() for text in figure[0].findobj(match=Text)]
        assert "cost $5 \\frac and x^$ {_}  [1m #" in texts


def test_nothing_has_no_labels() -> None:
    assert list(_apart([])) == []
