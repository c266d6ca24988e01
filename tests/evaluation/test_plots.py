"""Labels of a plot keep clear of each other and of other points."""

from __future__ import annotations

from emoticrafter.evaluation.plots import _apart


def test_a_label_far_from_others_stands_to_the_right() -> None:
    assert [(side, lift) for *_, side, lift in _apart([(1.8, 1.0, "none"), (0.2, 0.9, "ours")])] == [(1, 0), (1, 0)]


def test_labels_leave_close_points_free() -> None:
    placed = [
        (1.8, 1.0, "none"),
        (0.34, 0.991, "attention"),
        (0.30, 0.991, "truth"),
        (0.26, 0.987, "inversion"),
        (0.25, 0.983, "a"),
    ]
    found = {label: (side, lift) for *_, label, side, lift in _apart([*placed, (0.7, 0.92, "far")])}
    assert found["attention"] == (-1, 0)
    assert found["a"] == (1, 0)
    assert found["truth"] != (-1, 0)


def test_nothing_has_no_labels() -> None:
    assert list(_apart([])) == []
