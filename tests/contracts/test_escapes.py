"""Text that could mean something is written through its one escape, and through nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "emoticrafter"


def places(pattern: str) -> set[str]:
    expression = re.compile(pattern)
    return {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if expression.search(path.read_text("utf-8"))}


@pytest.mark.parametrize(
    ("pattern", "only"),
    [
        (r"csv\.(writer|DictWriter)|to_csv\(", {"escapes.py"}),
        (r"parse_math|usetex", {"escapes.py"}),
        (r"html\.escape|Markup\(|\|\s*safe\b", set()),
        (r'replace\("\|"|replace\("<"', {"escapes.py"}),
    ],
)
def test_there_is_one_escape_for_each_target(pattern: str, only: set[str]) -> None:
    assert places(pattern) == only


def test_every_plot_that_shows_names_of_others_takes_them_as_they_are() -> None:
    drawn = places(r"import Figure\b")
    assert drawn - places(r"\*\*PLOT") == {"training/record.py"}  # shows losses over steps, and names of its own


def test_nothing_in_a_terminal_s_bars_is_markup() -> None:
    for path in SOURCE.rglob("*.py"):
        for call in re.findall(r"TextColumn\((?:[^()]|\([^()]*\))*\)", path.read_text("utf-8")):
            assert "markup=False" in call or '"{task.fields[spent]}"' in call, (path, call)
