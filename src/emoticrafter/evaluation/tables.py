"""The tables of the page, as HTML: verdicts, figures, tests, the judge, what each method was given, how it was made."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emoticrafter.evaluation.estimates import AXES

__all__ = ["ARROWS", "NONE", "cell", "escaped", "figures", "given", "judge", "made", "tests", "verdicts"]

Report = Mapping[str, Any]
NONE = "\N{EN DASH}"
_DOWN, _UP, _TO = "\N{DOWNWARDS ARROW}", "\N{UPWARDS ARROW}", "\N{RIGHTWARDS ARROW}"
ARROWS = {"lower": _DOWN, "higher": _UP, "one": f"{_TO}1", "zero": f"{_TO}0"}
_STATES = {True: ("met", "met"), False: ("missed", "not met"), None: ("", "not measured")}


def escaped(value: Any) -> str:
    """Text that HTML takes for nothing else."""
    return html.escape(str(value))


def verdicts(report: Report) -> str:
    """A card for each bar."""
    items = []
    for one in report["verdicts"]:
        kind, word = _STATES[one["met"]]
        value = f"<small>{escaped(one['bar'])}</small><b>{_number(one['value'], 3, 'g')}</b>"
        items.append(f'<li class="{kind}">{value}<small>{word}; wanted: {escaped(one["wanted"])}</small></li>')
    return f'<ul class="verdicts">\n{"".join(items)}\n</ul>'


def figures(report: Report) -> str:
    """A table for each group of columns: every figure with its interval, the best method's bold."""
    columns = report["columns"]
    parts = []
    for group in dict.fromkeys(one["group"] for one in columns):
        some = [one for one in columns if one["group"] == group]
        head = ["", *(f"{escaped(one['title'])} {ARROWS[one['direction']]}" for one in some)]
        lines = [
            _line([escaped(row["label"]), *(cell(report, row, one) for one in some)], "" if row["method"] else "always")
            for row in report["rows"]
        ]
        parts.append(f"<h3>{escaped(group)}</h3>{_table(head, lines)}")
    about = "".join(
        f"<li><b>{escaped(one['title'])}</b> {ARROWS[one['direction']]} {escaped(one['about'])}</li>" for one in columns
    )
    return "\n".join([*parts, _folded("What the columns are", f'<ul class="soft">{about}</ul>')])


def tests(report: Report, first: str) -> str:
    """The tests of the method `first` against every other row, and all of them folded away."""
    ours, every = [], []
    for axis, pairs in report["comparisons"].items():
        for one in pairs:
            p = one["p_holm"]
            cells = [
                f"{escaped(one['first'])} and {escaped(one['second'])}",
                axis,
                _number(one["difference"], 3, "+f"),
                NONE if p is None else f"{p:.3f}" if p >= 0.001 else "below 0.001",
                f"<b>{escaped(one['lower'])}</b> errs less" if one["lower"] else "no difference shown",
            ]
            every.append(_line(cells))
            if first in (one["first"], one["second"]):
                ours.append(_line(cells))
    head = ["rows", "axis", "median difference", "p, corrected", ""]
    return (_table(head, ours) if ours else "") + _folded(f"All {len(every)} tests", _table(head, every))


def judge(report: Report) -> str:
    """How far the judges may be trusted, by axis and by region."""
    trust = report["judges"]["trust"]
    names = {"r2": f"R2 {_UP}", "spearman": f"Spearman {_UP}", "error": f"error {_DOWN}", "slope": f"slope {_TO}1"}
    names["intercept"] = f"intercept {_TO}0"
    axes = [_line([axis, *(_number((trust.get(axis) or {}).get(name), 3) for name in names)]) for axis in AXES]
    regions = [
        _line([escaped(name), f"{one['pictures']:.0f}", *(_number(one[f"{axis}_error"], 2) for axis in AXES)])
        for name, one in trust["regions"].items()
    ]
    content = [
        _line([escaped(name.replace("_", " ")), _number(value, 3)]) for name, value in report["judges"]["content_figures"].items()
    ]
    parts = [
        f"<p>Validated on {escaped(trust['validated_on'])}, {trust['pictures']:,} pictures.</p>",
        _table(["", *names.values()], axes),
    ]
    if regions:
        parts.append(_folded("By region", _table(["region", "pictures", "valence error", "arousal error"], regions)))
    if content:
        parts.append(_folded("The judge of content", _table(["", "figure"], content)))
    return "\n".join(parts)


def given(report: Report) -> str:
    """What each row was trained with, and what decided its pictures."""
    lines = []
    for row in report["rows"]:
        if row["describe"]:
            about = {name: value for name, value in row["describe"].items() if name not in ("defaults", "method")}
            budget = _pairs(row["budget"]) if row["budget"] else "nothing that is known"
            lines.append(_line([escaped(row["label"]), budget, f"<small>{_pairs(about)}</small>"]))
    return _table(["", "training", "what decided its pictures"], lines, "text") if lines else "<p>Nothing was drawn here.</p>"


def made(report: Report) -> str:
    """Command, time, versions, the suite, the prompts."""
    about = report["made"]
    versions = ", ".join(f"{escaped(name)} {escaped(version)}" for name, version in about["versions"].items())
    settings = escaped(json.dumps(report["suite"]["settings"], indent=1, ensure_ascii=False))
    prompts = "".join(f"<li>{escaped(one['prompt'])} <small>{escaped(one['id'])}</small></li>" for one in report["prompts"])
    command = f"<p><code>{escaped(about['command'])}</code></p>" if about["command"] else ""
    told = f'<p class="soft">{escaped(about["time"])}; {escaped(about["machine"])}; {versions}.</p>'
    return (
        command
        + told
        + _folded("The suite", f"<pre><code>{settings}</code></pre>")
        + _folded("The prompts", f"<ol>{prompts}</ol>")
    )


def cell(
    report: Report,
    row: Mapping[str, Any],
    column: Mapping[str, Any],
    best: str = "<b>{}</b>",
    interval: str = "<small>{} to {}</small>",
) -> str:
    """The figure of a row. best: what the best one stands in; interval: what both ends of its interval stand in."""
    found, digits = row["figures"].get(column["figure"]), column["digits"]
    if found is None or found["value"] is None:
        return NONE
    value = f"{found['value']:.{digits}f}"
    if report["best"].get(column["figure"]) == row["label"]:
        value = best.format(value)
    ends = [] if found["low"] is None else [f"{found[end]:.{digits}f}" for end in ("low", "high")]
    return value + interval.format(*ends) if ends else value


def _number(value: float | None, digits: int, form: str = "f") -> str:
    sign = "+" if form.startswith("+") else ""
    return NONE if value is None else f"{value:{sign}.{digits}{form[-1]}}"


def _pairs(entries: Mapping[str, Any]) -> str:
    return "; ".join(f"{escaped(name.replace('_', ' '))} {_short(value)}" for name, value in entries.items())


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return escaped(json.dumps(value, ensure_ascii=False)[:160])
    return f"{value:,}" if isinstance(value, int) else escaped(str(value)[:160])


def _line(cells: Sequence[str], kind: str = "") -> str:
    mark = f' class="{kind}"' if kind else ""
    return f"<tr{mark}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _table(head: Iterable[str], lines: Iterable[str], kind: str = "") -> str:
    mark = f' class="{kind}"' if kind else ""
    titles = "".join(f"<th>{title}</th>" for title in head)
    body = "\n".join(lines)
    return f'<div class="scroll"><table{mark}>\n<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _folded(title: str, inside: str) -> str:
    return f"<details><summary>{title}</summary>{inside}</details>"
