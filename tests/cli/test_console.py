from __future__ import annotations

import pytest

from emoticrafter.cli.console import printable, progress, table


def test_columns_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    table([("a", "long name", "x"), ("bbb", "c", "yy")])
    assert capsys.readouterr().out == "a    long name  x\nbbb  c          yy\n"


def test_printable_keeps_every_script_and_line_ends() -> None:
    assert printable("süß 犬\nb") == "süß 犬\nb"
    assert printable("a\x1b[2Jb\rc") == "a\ufffd[2Jb\ufffdc"


def test_progress_is_silent_away_from_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("drawing") as step:
        step(1, 2)
    assert capsys.readouterr() == ("", "")
