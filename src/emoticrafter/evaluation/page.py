"""The report as one HTML page that needs nothing else: pictures and plots lie in it, and no script runs."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from emoticrafter.evaluation import plots
from emoticrafter.evaluation.estimates import AXES
from emoticrafter.evaluation.makers import NEUTRAL
from emoticrafter.evaluation.viewing import image_of

if TYPE_CHECKING:
    from emoticrafter.evaluation.cases import Case
    from emoticrafter.evaluation.suite import Suite

__all__ = ["write_page"]

Report = Mapping[str, Any]
Pictures = Mapping[str, Sequence[Mapping[str, Any]]]  # by label, rows with prompt, valence, arousal, seed, file
THUMB, LARGE = 72, 128  # pixels of a picture in a grid, of a worst one
_ARROWS = {
    "lower": "\N{DOWNWARDS ARROW}",
    "higher": "\N{UPWARDS ARROW}",
    "one": "\N{RIGHTWARDS ARROW}1",
    "zero": "\N{RIGHTWARDS ARROW}0",
}
_FIRST = 12  # pairs of the tests that are shown at once: those of the method that the bars are of come first


def write_page(
    report: Report, rows: Mapping[str, Mapping[str, Any]], pictures: Pictures, suite: Suite, cases: Sequence[Case]
) -> str:
    """The whole page. rows: what was measured, by label, with every point. pictures: of each row, where it has any."""
    parts = [
        _head(report),
        _verdicts(report),
        _section(
            "Does the emotion arrive?",
            _INTERVALS,
            _plot(lambda theme: plots.intervals(rows, theme), "V-Error and A-Error of each method"),
        ),
        _section("The table", _TABLE, _table(report)),
        _section("Asked for and read", _AGREEMENT, *(_agreement(rows, axis) for axis in AXES)),
        _section("Where in the plane the errors are", _MAPS, *(_maps(rows, axis, suite) for axis in AXES)),
        _pareto(rows),
        _grids(pictures, suite, cases),
        _worst(rows),
        _section("Are the differences chance?", _TESTS, _tests(report, suite.bars.of)),
        _section("How far to trust the judge", _JUDGE, _judge(report)),
        _section("What each method was given", "", _budgets(report)),
        _section("How this was made", "", _made(report)),
    ]
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    title = _text(report["suite"]["title"])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body>\n</html>\n"
    )


_INTERVALS = (
    "The mean distance of the emotion that the judge read from the one that was asked for, from -3 to 3 on each axis. The bars are 95% intervals "
    "over prompts. <em>always 0</em> is what a method scores that ignores the emotion and sits in the middle: whoever is not clearly below it has shown nothing."
)
_TABLE = (
    "Arrows say which way is better: down, up, towards 1, towards 0. The best method of each column is bold; rows in italics are no "
    "methods but marks to read the others by. Below each figure is its 95% interval."
)
_AGREEMENT = (
    "Each dot is a picture. The line is the middle of what was read at each level, the band the middle half; the dashed diagonal is perfect. "
    "A flat line is a method that does not listen; a steep one exaggerates."
)
_MAPS = "The mean error in each cell of the grid, all in one scale from 0 to 2. Corners are where feelings are strongest."
_PARETO = (
    "Does feeling cost content? Up is content kept, to the right is a smaller error; the upper right corner is best. Thin curves are sweeps of "
    "strength, with the least and the greatest written at their ends, on fewer prompts than the large marks."
)
_TESTS = (
    "Every two rows on the same prompts, by Wilcoxon's signed-rank test on each prompt's mean error; p-values of an axis are corrected together after Holm. "
    "A difference counts where p is below 0.05."
)
_JUDGE = (
    "Every figure about emotion is a reading of this judge, on pictures that it was not trained on. Below an R2 of 0.5 on either axis a judge "
    "is refused. Where the judge itself errs, no method can be told right from wrong."
)


def _head(report: Report) -> str:
    suite, judges = report["suite"], report["judges"]
    drawn = sum(row["pictures"] for row in report["rows"])
    doubt = f'<p class="doubt"><strong>Beware.</strong> {_text(judges["doubt"])}</p>' if judges["doubt"] else ""
    about = f"<p>{_text(suite['text'])}</p>" if suite["text"] else ""
    told = f"{len(report['prompts'])} prompts, {drawn:,} pictures compared, judge: {_text(judges['emotion'].get('judge', '?'))}."
    return f'<header>\n<h1>{_text(suite["title"])}</h1>\n{about}<p class="soft">{told}</p>\n{doubt}</header>'


def _verdicts(report: Report) -> str:
    if not report["verdicts"]:
        return ""
    items = []
    for one in report["verdicts"]:
        state, word = {True: ("met", "met"), False: ("missed", "not met"), None: ("", "not measured")}[one["met"]]
        shown = "\N{EN DASH}" if one["value"] is None else f"{one['value']:.3g}"
        items.append(
            f'<li class="{state}"><small>{_text(one["bar"])}</small><b>{shown}</b><small>{word}; wanted: {_text(one["wanted"])}</small></li>'
        )
    met = sum(one["met"] is True for one in report["verdicts"])
    told = f"{met} of {len(items)} bars of <em>{_text(report['suite']['settings']['bars']['of'])}</em> are met."
    return f'<section>\n<h2>The bars</h2>\n<p>{told}</p>\n<ul class="verdicts">\n' + "\n".join(items) + "\n</ul>\n</section>"


def _table(report: Report) -> str:
    columns, best = report["columns"], report["best"]
    head = "".join(f'<th title="{_text(one["about"])}">{_text(one["title"])} {_ARROWS[one["direction"]]}</th>' for one in columns)
    lines = []
    for row in report["rows"]:
        cells = []
        for one in columns:
            found = row["figures"].get(one["figure"])
            if found is None or found["value"] is None:
                cells.append("<td>\N{EN DASH}</td>")
                continue
            value = f"{found['value']:.{one['digits']}f}"
            between = (
                ""
                if found["low"] is None
                else f"<small>{found['low']:.{one['digits']}f} to {found['high']:.{one['digits']}f}</small>"
            )
            wins = best.get(one["figure"]) == row["label"]
            cells.append(f'<td class="best"><b>{value}</b>{between}</td>' if wins else f"<td>{value}{between}</td>")
        kind = "" if row["method"] else ' class="always"'
        lines.append(f"<tr{kind}><td>{_text(row['label'])}</td>{''.join(cells)}</tr>")
    about = "".join(f"<li><b>{_text(one['title'])}</b> {_ARROWS[one['direction']]} {_text(one['about'])}</li>" for one in columns)
    return (
        f'<div class="scroll"><table>\n<thead><tr><th></th>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody></table></div>\n"
        f'<details><summary>What the columns are</summary><ul class="soft">{about}</ul></details>'
    )


def _agreement(rows: Mapping[str, Mapping[str, Any]], axis: str) -> str:
    return f"<h3>{axis.capitalize()}</h3>" + _plot(
        lambda theme: plots.agreement(rows, axis, theme), f"{axis} asked for against {axis} read"
    )


def _maps(rows: Mapping[str, Mapping[str, Any]], axis: str, suite: Suite) -> str:
    emotions = suite.emotions
    drawn = _plot(
        lambda theme: plots.error_maps(rows, axis, emotions.valences, emotions.arousals, theme),
        f"mean error of {axis} over the plane",
    )
    return f"<h3>{axis.capitalize()}</h3>" + drawn


def _pareto(rows: Mapping[str, Mapping[str, Any]]) -> str:
    if not any((row["figures"].get("retention") or {}).get("value") is not None for row in rows.values()):
        return ""
    return _section(
        "Emotion against content", _PARETO, _plot(lambda theme: plots.pareto(rows, theme), "error against content kept")
    )


def _grids(pictures: Pictures, suite: Suite, cases: Sequence[Case]) -> str:
    parts = []
    seed = suite.emotions.seeds[0]
    for case in cases[: suite.show.grids]:
        figures = []
        for label, found in pictures.items():
            image = _sheet(label, found, case.prompt, seed, suite)
            if image is not None:
                figures.append(
                    f"<figure>{_img(image, f'{label}: {case.prompt}')}<figcaption>{_text(label)}</figcaption></figure>"
                )
        if figures:
            parts.append(f"<h3>\N{LEFT DOUBLE QUOTATION MARK}{_text(case.prompt)}\N{RIGHT DOUBLE QUOTATION MARK}</h3>")
            parts.append(f'<div class="grids">{"".join(figures)}</div>')
    if not parts:
        return ""
    about = "One prompt, one seed, the whole plane: more pleasant to the right, more excited upwards. The same for every method."
    return _section("The same prompt by every method", about, *parts)


def _sheet(label: str, found: Sequence[Mapping[str, Any]], prompt: str, seed: int, suite: Suite) -> Image.Image | None:
    """The grid of a prompt as one image; the neutral picture alone for the row that has no other; None where any is missing."""
    here = {
        (round(one["valence"], 6), round(one["arousal"], 6)): one["file"]
        for one in found
        if one["prompt"] == prompt and one["seed"] == seed
    }
    if label == NEUTRAL:
        file = here.get((0.0, 0.0))
        return None if file is None else _square(file, LARGE * 2)
    valences, arousals = suite.emotions.valences, suite.emotions.arousals
    if not all((round(v, 6), round(a, 6)) in here for v in valences for a in arousals):
        return None
    gap = 2
    sheet = Image.new("RGB", (len(valences) * (THUMB + gap) - gap, len(arousals) * (THUMB + gap) - gap), "#808890")
    for i, a in enumerate(reversed(arousals)):
        for j, v in enumerate(valences):
            sheet.paste(_square(here[round(v, 6), round(a, 6)], THUMB), (j * (THUMB + gap), i * (THUMB + gap)))
    return sheet


def _worst(rows: Mapping[str, Mapping[str, Any]]) -> str:
    parts = []
    for label, row in rows.items():
        if not row["method"] or not row["worst"]:
            continue
        figures = []
        for one in row["worst"]:
            (v, a), (jv, ja) = one["requested"], one["judged"]
            told = f"{_text(one['prompt'])}<br>asked {v:+.1f}, {a:+.1f}<br>read {jv:+.1f}, {ja:+.1f}"
            figures.append(f"<figure>{_img(_square(one['file'], LARGE), one['prompt'])}<figcaption>{told}</figcaption></figure>")
        opened = "" if parts else " open"
        parts.append(f'<details{opened}><summary>{_text(label)}</summary><div class="worst">{"".join(figures)}</div></details>')
    about = "Of each method, the pictures that were read furthest from what was asked for (valence, arousal), one of each prompt."
    return _section("The worst pictures", about, *parts) if parts else ""


def _tests(report: Report, first: str) -> str:
    lines = []
    for axis, pairs in report["comparisons"].items():
        for one in sorted(pairs, key=lambda one: first not in (one["first"], one["second"])):
            p = one["p_holm"]
            shown = "\N{EN DASH}" if p is None else f"{p:.3f}" if p >= 0.001 else "below 0.001"
            verdict = f"<b>{_text(one['lower'])}</b> errs less" if one["lower"] else "no difference shown"
            difference = "\N{EN DASH}" if one["difference"] is None else f"{one['difference']:+.3f}"
            lines.append(
                f"<tr><td>{_text(one['first'])} and {_text(one['second'])}</td><td>{axis}</td><td>{difference}</td><td>{shown}</td><td>{verdict}</td></tr>"
            )
    head = "<tr><th>rows</th><th>axis</th><th>median difference</th><th>p, corrected</th><th></th></tr>"
    ours = [line for line in lines if f"{_text(first)}" in line]
    body = f'<div class="scroll"><table>{head}{"".join(ours or lines[:_FIRST])}</table></div>'
    return f'{body}<details><summary>All {len(lines)} tests</summary><div class="scroll"><table>{head}{"".join(lines)}</table></div></details>'


def _judge(report: Report) -> str:
    trust = report["judges"]["trust"]
    lines = []
    for axis in AXES:
        one = trust.get(axis) or {}
        figures = [one.get(name) for name in ("r2", "spearman", "error", "slope", "intercept")]
        cells = "".join(f"<td>{'\N{EN DASH}' if x is None else f'{x:.3f}'}</td>" for x in figures)
        lines.append(f"<tr><td>{axis}</td>{cells}</tr>")
    head = "<tr><th></th><th>R2 \N{UPWARDS ARROW}</th><th>Spearman \N{UPWARDS ARROW}</th><th>error \N{DOWNWARDS ARROW}</th><th>slope \N{RIGHTWARDS ARROW}1</th><th>intercept \N{RIGHTWARDS ARROW}0</th></tr>"
    where = f"<p>Validated on {_text(trust['validated_on'])}, {trust['pictures']:,} pictures.</p>"
    return f'{where}<div class="scroll"><table>{head}{"".join(lines)}</table></div>{_regions(trust)}{_content(report)}'


def _regions(trust: Mapping[str, Any]) -> str:
    if not trust["regions"]:
        return ""
    lines = "".join(
        f"<tr><td>{_text(name)}</td><td>{one['pictures']:.0f}</td><td>{one['valence_error']:.2f}</td><td>{one['arousal_error']:.2f}</td></tr>"
        for name, one in trust["regions"].items()
    )
    head = "<tr><th>region</th><th>pictures</th><th>valence error</th><th>arousal error</th></tr>"
    return f'<details><summary>By region of the plane</summary><div class="scroll"><table>{head}{lines}</table></div></details>'


def _content(report: Report) -> str:
    figures = report["judges"]["content_figures"]
    if not figures:
        return ""
    lines = "".join(f"<tr><td>{_text(name.replace('_', ' '))}</td><td>{value:.3f}</td></tr>" for name, value in figures.items())
    return f'<details><summary>The judge of content</summary><div class="scroll"><table>{lines}</table></div></details>'


def _budgets(report: Report) -> str:
    lines = []
    for row in report["rows"]:
        if not row["describe"]:
            continue
        budget = "; ".join(f"{_text(name)} {_value(value)}" for name, value in row["budget"].items()) or "nothing to train"
        about = {name: value for name, value in row["describe"].items() if name not in ("defaults", "method")}
        told = "; ".join(f"{_text(name)} {_value(value)}" for name, value in about.items())
        lines.append(f"<tr><td>{_text(row['label'])}</td><td>{budget}</td><td><small>{told}</small></td></tr>")
    return f'<div class="scroll"><table class="text"><tr><th></th><th>training</th><th>what decided its pictures</th></tr>{"".join(lines)}</table></div>'


def _made(report: Report) -> str:
    made = report["made"]
    versions = ", ".join(f"{_text(name)} {_text(value)}" for name, value in made["versions"].items())
    settings = _text(json.dumps(report["suite"]["settings"], indent=1, ensure_ascii=False))
    prompts = "".join(f"<li>{_text(one['prompt'])} <small>{_text(one['id'])}</small></li>" for one in report["prompts"])
    command = f"<p><code>{_text(made['command'])}</code></p>" if made["command"] else ""
    return (
        f'{command}<p class="soft">{_text(made["time"])}; {_text(made["machine"])}; {versions}.</p>'
        f"<details><summary>The suite</summary><pre><code>{settings}</code></pre></details>"
        f"<details><summary>All prompts</summary><ol>{prompts}</ol></details>"
    )


def _section(title: str, about: str, *parts: str) -> str:
    told = f"<p>{about}</p>\n" if about else ""
    return f"<section>\n<h2>{title}</h2>\n{told}" + "\n".join(parts) + "\n</section>"


def _plot(draw: Callable[[plots.Theme], Any], alt: str) -> str:
    light, dark = (_uri(plots.render(draw, theme)) for theme in (plots.LIGHT, plots.DARK))
    return (
        f'<figure><picture><source media="screen and (prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" alt="{_text(alt)}"></picture></figure>'
    )


def _img(image: Image.Image, alt: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82, method=6)
    return f'<img src="{_uri(buffer.getvalue())}" alt="{_text(alt)}" width="{image.width}" height="{image.height}">'


def _square(file: Any, side: int) -> Image.Image:
    image = image_of(file)
    width, height = image.size
    least = min(width, height)
    left, top = (width - least) // 2, (height - least) // 2
    return image.crop((left, top, left + least, top + least)).resize((side, side), Image.Resampling.LANCZOS)


def _uri(data: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(data).decode()


def _value(value: Any) -> str:
    text = (
        json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict | list)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
    return _text(text[:160])


def _text(value: Any) -> str:
    return html.escape(str(value))
