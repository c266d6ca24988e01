"""The bar that all long works share."""

from __future__ import annotations

import sys

import pytest

from emoticrafter.progress import Progress, clock


def test_lines_where_nobody_watches_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with Progress("baking", 10, early=True) as bar:
        for done in range(11):
            if bar.due():
                bar.tell(done, f"{done} of 10")
            now[0] += 5.0
        bar.say("burnt")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == ["baking: 0 of 10", "baking: 4 of 10", "baking: 8 of 10", "burnt"]


def test_the_first_line_waits_unless_it_is_to_be_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    assert Progress("baking", 10, early=True).due()
    assert not Progress("baking", 10).due()


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("baking", 10, early=True, quiet=True) as bar:
        bar.tell(5, "5 of 10")
        bar.say("burnt")
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress("baking [/a] [red]cake", 10) as bar:
        bar.say("[not markup]")
        bar.tell(12, "nearly [done]")  # more than all is all
    shown = capsys.readouterr().err
    assert "[not markup]" in shown
    assert "baking [/a] [red]cake" in shown
    assert "nearly [done]" in shown


def test_clock() -> None:
    assert clock(3725.4) == "1:02:05"
