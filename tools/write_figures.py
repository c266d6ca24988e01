"""Write the tables of docs/metrics.md from the entries of `evaluation.figures`; `--check` only says whether they are current."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from emoticrafter.evaluation.evidence import NEEDS
from emoticrafter.evaluation.figures import FIGURES, Figure
from tools.markdown import table

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
BEGIN = "<!-- figures: written by tools/write_figures.py (`make docs`) from evaluation/figures.py -->"
END = "<!-- end of figures -->"
HEAD = ("figure", "in report.json", "formula", "range", "best", "computed from")
BEST = {"lower": "lower", "higher": "higher", "one": "1", "zero": "0"}


def page(text: str) -> str:
    """The page with its tables as the entries have them."""
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{figures()}\n{END}{rest.split(END, 1)[1]}"


def figures() -> str:
    """A table for each table of the report, and what figures are computed from."""
    titles = dict.fromkeys(figure.group for figure in FIGURES.values())
    tables = (f"### {title}\n\n{table(HEAD, _lines(title))}" for title in titles)
    return "\n".join([*tables, "".join(f"- {name}: {need.about}\n" for name, need in NEEDS.items())])


def _lines(group: str) -> list[list[str]]:
    """A line for each figure, one for both axes where they differ in nothing else."""
    inside = [figure for figure in FIGURES.values() if figure.group == group]
    return [_line(list(alike)) for _, alike in groupby(inside, lambda one: (one.formula, one.about) if one.axis else one.name)]


def _line(alike: list[Figure]) -> list[str]:
    one = alike[0]
    title, names = _listed(figure.column for figure in alike), ", ".join(f"`{figure.name}`" for figure in alike)
    text = one.formula or one.about
    return [title, names, *(cell.replace("|", "\\|") for cell in (text, one.scale, BEST[one.direction], ", ".join(one.needs)))]


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(column for column in columns if column) or "in no table"


def main() -> int:
    current = PAGE.read_text(encoding="utf-8")
    if sys.argv[1:] == ["--check"]:
        if current != page(current):
            print(f"{PAGE} is not current: run `make docs`", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(page(current), encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
