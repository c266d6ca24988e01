"""The report as one HTML page that needs nothing else: pictures and plots lie in it, and no script runs."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from emoticrafter.evaluation import plots, tables
from emoticrafter.evaluation.comparing import in_short
from emoticrafter.evaluation.estimates import AXES
from emoticrafter.evaluation.makers import NEUTRAL
from emoticrafter.evaluation.tables import escaped
from emoticrafter.evaluation.viewing import image_of

if TYPE_CHECKING:
    from emoticrafter.evaluation.cases import Case
    from emoticrafter.evaluation.suite import Suite

__all__ = ["write_page"]

Report = Mapping[str, Any]
Rows = Mapping[str, Mapping[str, Any]]
Pictures = Mapping[str, Sequence[Mapping[str, Any]]]  # by label, rows with prompt, valence, arousal, seed, file
THUMB, LARGE = 72, 128  # pixels of a picture in a grid, of a worst one

_TEXTS = {
    "intervals": """The mean distance of the emotion that the judge read from the one that was asked for, from -3 to 3 on each
axis, with 95% intervals over prompts. <em>always 0</em> is what a method scores that ignores the emotion
and sits in the middle: whoever is not clearly below it has shown nothing.""",
    "table": """Arrows say which way is better: down, up, towards 1, towards 0. The best method of each column is bold. Rows
in italics are no methods but marks to read the others by. Below each figure is its 95% interval.""",
    "agreement": """Each dot is a picture. The line is the middle of what was read at each level, the band the middle half; the
dashed diagonal is perfect. A flat line is a method that does not listen; a steep one exaggerates.""",
    "maps": """The mean error in each cell of the grid, all in one scale from 0 to 2. The corners are where feelings are
strongest.""",
    "pareto": """Does feeling cost content? Up is content kept, to the right is a smaller error; the upper right corner is
best. Thin curves are sweeps of strength, with the least and the greatest written at their ends; they are drawn on
fewer prompts, and show how far each strength is from the method's own on these.""",
    "grids": """One prompt, one seed, the whole plane: more pleasant to the right, more excited upwards. The same for every
method.""",
    "worst": """Of each method, the pictures that were read furthest from what was asked for (valence, arousal), one of each
prompt.""",
    "tests": """Every two rows on the same prompts, by Wilcoxon's signed-rank test on each prompt's mean error; the p-values
of an axis are corrected together after Holm. A difference counts where p is below 0.05.""",
    "judge": """Every figure about emotion is a reading of this judge; these say how it did on pictures that it was not
trained on. Below an R2 of 0.5 on either axis a judge is refused. Where the judge itself errs, no method can
be told right from wrong.""",
}


def write_page(report: Report, rows: Rows, pictures: Pictures, suite: Suite, cases: Sequence[Case]) -> str:
    """The whole page. rows: what was measured, by label, with every point. pictures: of each row, where it has any."""
    emotions = suite.emotions
    overview = _plot(lambda theme: plots.intervals(rows, theme), "V-Error and A-Error of each method")
    agreement, maps = [], []
    for axis in AXES:
        title = f"<h3>{axis.capitalize()}</h3>"
        drawn = _plot(partial(plots.agreement, rows, axis), f"{axis} asked for against {axis} read")
        agreement.append(title + drawn)
        whole = partial(plots.error_maps, rows, axis, emotions.valences, emotions.arousals)
        table = _plot(whole, f"mean error of {axis} over the plane")
        maps.append(title + table)
    parts = [
        _head(report),
        _verdicts(report),
        _section("Does the emotion arrive?", _TEXTS["intervals"], overview),
        _section("All figures", _TEXTS["table"], tables.figures(report)),
        _section("Asked for and read", _TEXTS["agreement"], *agreement),
        _section("Where in the plane the errors are", _TEXTS["maps"], *maps),
        _pareto(rows),
        _grids(pictures, suite, cases),
        _worst(rows),
        _section("Are the differences chance?", _TEXTS["tests"], tables.tests(report, suite.bars.of)),
        _section("How far to trust the judge", _TEXTS["judge"], tables.judge(report)),
        _section("What each method was given", "", tables.given(report)),
        _section("How this was made", "", tables.made(report)),
    ]
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    body = "\n".join(part for part in parts if part)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escaped(report["suite"]["title"])}</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _head(report: Report) -> str:
    suite, judges = report["suite"], report["judges"]
    drawn = sum(row["pictures"] for row in report["rows"] if row["method"])
    doubt = f'<p class="doubt"><strong>Beware.</strong> {escaped(judges["doubt"])}</p>' if judges["doubt"] else ""
    about = f"<p>{escaped(suite['text'])}</p>" if suite["text"] else ""
    reader = escaped(judges["emotion"].get("judge", "of its own"))
    told = f"{len(report['prompts'])} prompts, {drawn:,} pictures of methods compared, judge: {reader}."
    return f'<header>\n<h1>{escaped(suite["title"])}</h1>\n{about}<p class="soft">{told}</p>\n{doubt}</header>'


def _verdicts(report: Report) -> str:
    if not report["verdicts"]:
        return ""
    of = f"<em>{escaped(report['suite']['settings']['bars']['of'])}</em>"
    about = f"Of what was asked of {of}: {in_short(report['verdicts'])}."
    return _section("The bars", about, tables.verdicts(report))


def _pareto(rows: Rows) -> str:
    if not any((row["figures"].get("retention") or {}).get("value") is not None for row in rows.values()):
        return ""
    drawn = _plot(lambda theme: plots.pareto(rows, theme), "error against content kept")
    return _section("Emotion against content", _TEXTS["pareto"], drawn)


def _grids(pictures: Pictures, suite: Suite, cases: Sequence[Case]) -> str:
    parts = []
    for case in cases[: suite.show.grids]:
        figures = []
        for label, found in pictures.items():
            image = _sheet(label, found, case.prompt, suite)
            if image is not None:
                shown = _img(image, f"{label}: {case.prompt}")
                figures.append(f"<figure>{shown}<figcaption>{escaped(label)}</figcaption></figure>")
        if figures:
            title = f"\N{LEFT DOUBLE QUOTATION MARK}{escaped(case.prompt)}\N{RIGHT DOUBLE QUOTATION MARK}"
            parts.append(f'<h3>{title}</h3><div class="grids">{"".join(figures)}</div>')
    return _section("The same prompt by every method", _TEXTS["grids"], *parts) if parts else ""


def _sheet(label: str, found: Sequence[Mapping[str, Any]], prompt: str, suite: Suite) -> Image.Image | None:
    """The grid of a prompt as one image; the neutral picture alone for the row that has no other; None where any is missing."""
    emotions = suite.emotions
    here = {
        (round(one["valence"], 6), round(one["arousal"], 6)): one["file"]
        for one in found
        if one["prompt"] == prompt and one["seed"] == emotions.seeds[0]
    }
    side = len(emotions.valences) * (THUMB + 2) - 2, len(emotions.arousals) * (THUMB + 2) - 2
    if label == NEUTRAL:
        return _square(here[0.0, 0.0], min(side)) if (0.0, 0.0) in here else None
    points = [[(round(v, 6), round(a, 6)) for v in emotions.valences] for a in reversed(emotions.arousals)]
    if not all(point in here for line in points for point in line):
        return None
    sheet = Image.new("RGB", side, "#808890")
    for i, line in enumerate(points):
        for j, point in enumerate(line):
            sheet.paste(_square(here[point], THUMB), (j * (THUMB + 2), i * (THUMB + 2)))
    return sheet


def _worst(rows: Rows) -> str:
    parts: list[str] = []
    for label, row in rows.items():
        if not row["method"] or not row["worst"]:
            continue
        figures = []
        for one in row["worst"]:
            (v, a), (jv, ja) = one["requested"], one["judged"]
            told = f"{escaped(one['prompt'])}<br>asked {v:+.1f}, {a:+.1f}<br>read {jv:+.1f}, {ja:+.1f}"
            figures.append(f"<figure>{_img(_square(one['file'], LARGE), one['prompt'])}<figcaption>{told}</figcaption></figure>")
        opened = "" if parts else " open"
        parts.append(f'<details{opened}><summary>{escaped(label)}</summary><div class="worst">{"".join(figures)}</div></details>')
    return _section("The worst pictures", _TEXTS["worst"], *parts) if parts else ""


def _section(title: str, about: str, *parts: str) -> str:
    told = f"<p>{about}</p>\n" if about else ""
    return f"<section>\n<h2>{title}</h2>\n{told}" + "\n".join(parts) + "\n</section>"


def _plot(draw: Callable[[plots.Theme], Any], alt: str) -> str:
    light, dark = (_uri(plots.render(draw, theme)) for theme in (plots.LIGHT, plots.DARK))
    return (
        f'<figure><picture><source media="screen and (prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" alt="{escaped(alt)}"></picture></figure>'
    )


def _img(image: Image.Image, alt: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82, method=6)
    return f'<img src="{_uri(buffer.getvalue())}" alt="{escaped(alt)}" width="{image.width}" height="{image.height}">'


def _square(file: Any, side: int) -> Image.Image:
    image = image_of(file)
    width, height = image.size
    least = min(width, height)
    left, top = (width - least) // 2, (height - least) // 2
    return image.crop((left, top, left + least, top + least)).resize((side, side), Image.Resampling.LANCZOS)


def _uri(data: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(data).decode()
