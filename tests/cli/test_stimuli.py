"""`emoticrafter stimuli`, with the storybook itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Done

Cli = Callable[..., Done]

TINY = """
[set]
name = "tiny"
per_cell = 1
[plane]
valences = [-2, 2]
arousals = [1]
[drawing]
candidates = 1
steps = 2
[[contents]]
prompt = "a dog on a beach"
"""


def test_a_set_of_storybook_pictures(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "design.toml").write_text(TINY)
    done = cli("stimuli", "design.toml", "--out", "set", "--device", "cpu", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)["report"]
    assert found["judges"]["emotion"]["judge"] == "storybook"
    assert [row["file"] for row in found["pictures"]] == ["pictures/v-2_a+1_01.png", "pictures/v+2_a+1_01.png"]
    sad, glad = (row["valence_judged"] for row in found["pictures"])
    assert glad > sad + 1
    again = cli("stimuli", "design.toml", "--out", "set", "--device", "cpu")
    assert again.code == 0, again.err
    assert again.out.splitlines()[0] == "set/set.html"
    assert "2 pictures, chosen among 2 candidates" in again.err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("nothing", "--out", "set"), "There is no design 'nothing'"),
        (("design.toml", "--out", "set", "--set", "set.per_cell=3"), "a cell has 1 candidates for 3 places"),
        (("design.toml", "--out", "design.toml"), "is not a folder"),
        (("design.toml", "--out", "set", "--set", "judge.emotion=nobody"), "There is no judge 'nobody'"),
        (("design.toml", "--out", "set", "--set", "drawing.method=nobody"), "nobody"),
        (("design.toml", "--out", "set", "--norms", "none.csv"), "none.csv"),
    ],
)
def test_what_is_refused_before_anything_is_drawn(cli: Cli, tmp_path: Path, options: tuple[str, ...], problem: str) -> None:
    (tmp_path / "design.toml").write_text(TINY)
    done = cli("stimuli", *options)
    assert done.code == 2, done.err
    assert problem in done.err
    assert not (tmp_path / "set").exists()
