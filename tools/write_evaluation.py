"""Record evaluations, and write docs/results.md, the README's table and its plot from the records.

python -m tools.write_evaluation reports/storybook reports/ablation-alpha     records these reports, then writes
python -m tools.write_evaluation                                              writes from the records there are
python -m tools.write_evaluation --check                                      only says whether both pages are current
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from emoticrafter.errors import EmotiCrafterError
from emoticrafter.escapes import markdown
from emoticrafter.evaluation.figures import FIGURES, Page
from emoticrafter.evaluation.report import plots, tables
from emoticrafter.evaluation.report.document import FORMAT, VERSION
from emoticrafter.inputs.records import read_marked
from tools.markdown import table

ROOT = Path(__file__).parents[1]
RESULTS, PAGE, README = Path("benchmarks/results"), Path("docs/results.md"), Path("README.md")
PLOT = Path("docs/pictures/evaluation.webp")
MAIN = "storybook"  # the suite that the README shows
MOST = 20_000_000  # bytes of a report
BEGIN, END = "<!-- evaluation: written by tools/write_evaluation.py -->", "<!-- end of evaluation -->"
HEADER = """# Results

<!-- Written by tools/write_evaluation.py from benchmarks/results/evaluation-*.json: run it again, do not edit. -->

This page shows what `emoticrafter evaluate` measured. [evaluation.md](evaluation.md) says how to read these tables, and
[metrics.md](metrics.md) has every formula. Each section gives the command that makes it again.
"""
_MET = {True: "met", False: "**missed**", None: "not measured"}


def record(report: Path, root: Path = ROOT) -> Path:
    """Keep a report's JSON among the results; the file. Raises MissingError and InputError where there is none."""
    path = report / "report.json" if report.is_dir() else report
    cure = "Give a folder that `emoticrafter evaluate --out` wrote."
    document = read_marked(path, FORMAT, VERSION, "evaluation's report", cure, most=MOST)
    kept = root / RESULTS / f"evaluation-{document['suite']['name']}.json"
    for row in document["rows"]:
        row.pop("worst", None)
    kept.write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
    return kept


def records(root: Path = ROOT) -> list[dict[str, Any]]:
    """The recorded reports, that of the README first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((root / RESULTS).glob("evaluation-*.json"))]
    return sorted(found, key=lambda one: one["suite"]["name"] != MAIN)


def page(root: Path = ROOT) -> str:
    """The whole text of docs/results.md."""
    return "\n".join([HEADER, *(_section(report) for report in records(root))])


def readme(root: Path = ROOT) -> str:
    """The README with the table of the main suite between its two marks; as it is where there is no record."""
    text = (root / README).read_text(encoding="utf-8")
    main = [report for report in records(root) if report["suite"]["name"] == MAIN]
    if not main or BEGIN not in text:
        return text
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{figures(main[0], shown_on('README'))}\n{END}{rest.split(END, 1)[1]}"


def shown_on(page: Page) -> list[str]:
    """The names of the figures that a page shows: those of shorter pages, too."""
    longest_first = get_args(Page)
    pages = longest_first[longest_first.index(page) :]
    return [figure.name for figure in FIGURES.values() if figure.page in pages]


def figures(report: Mapping[str, Any], names: Sequence[str]) -> str:
    """The table of a report: errors with their intervals, the best method of each column bold, no methods in italics."""
    columns = [column for name in names for column in report["columns"] if column["figure"] == name]
    head = ["", *(f"{column['title'].strip()} {tables.ARROWS[column['direction']]}" for column in columns)]
    lines = []
    for row in report["rows"]:
        label = markdown(row["label"]) if row["method"] else f"*{markdown(row['label'])}*"
        lines.append([label, *(_cell(report, row, column) for column in columns)])
    return table(head, lines, figures=True)


def draw(report: Mapping[str, Any], path: Path) -> None:
    """The plot of emotion against content."""
    rows = {row["label"]: row for row in report["rows"]}
    path.write_bytes(plots.render(lambda theme: plots.pareto(rows, theme), plots.LIGHT))


def _section(report: Mapping[str, Any]) -> str:
    suite, made = report["suite"], report["made"]
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items() if name in ("python", "torch"))
    about = f"`{made['command']}`, {made['time'][:10]}, {versions}; {len(report['prompts'])} prompts."
    parts = [
        f"## {markdown(suite['title'])}\n\n{markdown(suite['text'], None)}\n\n{about}\n",
        figures(report, shown_on("results")),
    ]
    if report["verdicts"]:
        lines = [[one["bar"], _number(one["value"]), markdown(one["wanted"]), _MET[one["met"]]] for one in report["verdicts"]]
        parts.append(table(["bar", "value", "wanted", ""], lines, figures=True))
    return "\n".join(parts)


def _cell(report: Mapping[str, Any], row: Mapping[str, Any], column: Mapping[str, Any]) -> str:
    found = tables.cell(report, row, column)
    if found is None:
        return tables.NONE
    value = f"**{found.value}**" if found.best else found.value
    return f"{value} <sub>{found.low} to {found.high}</sub>" if found.low and column["figure"].endswith("_error") else value


def _number(value: float | None) -> str:
    return tables.NONE if value is None else f"{value:.3g}"


def main(root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path, nargs="*", help="folders that `emoticrafter evaluate --out` wrote")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page is not current")
    options = parser.parse_args()
    if options.check:
        wanted = {PAGE: page(root), README: readme(root)}
        stale = [path for path, text in wanted.items() if (root / path).read_text(encoding="utf-8") != text]
        for path in stale:
            print(f"{path} is not current: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    try:
        for report in options.reports:
            print(record(report, root))
    except EmotiCrafterError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    (root / PAGE).write_text(page(root), encoding="utf-8")
    (root / README).write_text(readme(root), encoding="utf-8")
    for report in records(root):
        if report["suite"]["name"] == MAIN:
            draw(report, root / PLOT)
    print(root / PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
