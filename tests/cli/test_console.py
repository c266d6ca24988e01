from __future__ import annotations

import sys
import time

import pytest

from emoticrafter.cli.console import printable, progress, table


def test_columns_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    table([("a", "long name", "x"), ("bbb", "c", "yy")])
    assert capsys.readouterr().out == "a    long name  x\nbbb  c          yy\n"


def test_printable_keeps_every_script_and_line_ends() -> None:
    assert printable("süß 犬\nb") == "süß 犬\nb"
    assert printable("a\x1b[2Jb\rc") == "a\ufffd[2Jb\ufffdc"


def test_short_work_is_done_in_silence_away_from_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("drawing") as step:
        step(1, 2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("quiet", [False, True])
def test_long_work_tells_how_long_it_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with progress("drawing", quiet) as step:
        for seconds, done in ((5, 10), (31, 62), (40, 80), (7230, 20_000)):
            now[0] = 100.0 + seconds
            step(done, 40_000)
    lines = [
        "drawing: 62 of 40,000, 2 per second, 5:32:49 left",
        "drawing: 20,000 of 40,000, 2.8 per second, 2:00:30 left",
    ]
    assert capsys.readouterr().err.splitlines() == ([] if quiet else lines)


def test_a_bar_moves_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress("drawing") as step:
        time.sleep(0.6)
        step(1, 2)
    assert "1 of 2" in capsys.readouterr().err
