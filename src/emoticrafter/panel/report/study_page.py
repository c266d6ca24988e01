"""The report of a study as one HTML page that needs nothing else; no script runs, and `page.html` escapes what is put into it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.evaluation import report as reports
from emoticrafter.evaluation.report.plots import themed
from emoticrafter.evaluation.report.tables import NONE, number
from emoticrafter.panel.report import plots
from emoticrafter.panel.report.sentences import p_text, paper_sentences, people_text

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["write_page"]

AXES = ("valence", "arousal")


def write_page(report: Mapping[str, Any]) -> str:
    """The whole page of a report of `document.assemble`."""
    measures, norms = report["measures"], report["norms"]
    return _template().render(
        report=report,
        means=themed(partial(plots.means, measures), "each measure's mean by method, with intervals") if measures else None,
        strengths=themed(partial(plots.strengths, report["strengths"]), "strengths of the methods")
        if report["strengths"]
        else None,
        asked=_asked(norms),
        sentences=paper_sentences(report),
        verdicts=_verdicts(measures),
    )


def _asked(norms: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    known = [one for one in norms if one["valence_asked"] is not None and one["arousal_asked"] is not None]
    axes = [axis for axis in AXES if any(f"{axis}_mean" in one for one in known)]
    return themed(partial(plots.asked_and_rated, known, axes), "asked for against rated, by method and axis") if axes else None


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folders = [Path(__file__).parent, Path(reports.__file__).parent]
    page = Environment(loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    page.filters |= {
        "number": number,
        "thousands": "{:,}".format,
        "spaced": lambda name: name.replace("_", " "),
        "interval": _interval,
        "p": p_text,
        "p_value": lambda p: NONE if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}",
        "people": people_text,
        "indented": partial(json.dumps, indent=1, ensure_ascii=False),
    }
    page.globals |= {"NONE": NONE}
    return page.get_template("study.html")


def _verdicts(measures: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """In short, for each two methods and measure: what was found, with its p-value after Holm's correction."""
    found = []
    for measure in measures:
        values = {one["method"]: one["value"] for one in measure["methods"]}
        for test in measure["tests"]["people"]:
            p = test["result"]["p_holm"]
            shown = p is not None and p < 0.05 and test["better"] is not None
            found.append(
                {
                    "title": measure["title"],
                    "values": [(name, values[name]) for name in (test["first"], test["second"])],
                    "better": test["better"] if shown else None,
                    "p": p,
                }
            )
    return found


def _interval(ends: Sequence[float | None] | None, digits: int = 2) -> str:
    return NONE if not ends or None in ends else f"{ends[0]:.{digits}f} to {ends[1]:.{digits}f}"
