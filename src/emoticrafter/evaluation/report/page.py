"""The report as one HTML page that needs nothing else: pictures and plots lie in it, and no script runs.

`page.html` says what stands where, and escapes whatever is put into it; here is what has to be drawn or chosen for it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from emoticrafter.evaluation.comparing import Rows, in_short
from emoticrafter.evaluation.methods import NEUTRAL
from emoticrafter.evaluation.pictures import PictureRow
from emoticrafter.evaluation.report import plots
from emoticrafter.evaluation.report.plots import data_uri, themed
from emoticrafter.evaluation.report.tables import ARROWS, NONE, cell, number
from emoticrafter.inputs.pictures import image_of
from emoticrafter.metrics.emotion import AXES

if TYPE_CHECKING:
    from jinja2 import Template

    from emoticrafter.evaluation.cases import Case
    from emoticrafter.evaluation.suite import Suite

__all__ = ["image_data", "write_page"]

PicturesByLabel = Mapping[str, Sequence[PictureRow]]  # by label
THUMB, LARGE = 72, 128  # pixels of a picture in a grid, of a worst one


def write_page(report: Mapping[str, Any], rows: Rows, pictures: PicturesByLabel, suite: Suite, cases: Sequence[Case]) -> str:
    """The whole page. rows: what was measured, by label, with every point. pictures: of each row, where it has any."""
    ours = suite.bars.of
    tests = [(axis, one) for axis, some in report["comparisons"].items() for one in some]
    return _template().render(
        report=report,
        drawn=sum(row["pictures"] for row in report["rows"] if row["method"]),
        bars_of=report["suite"]["settings"]["bars"]["of"],
        in_short=in_short(report["verdicts"]),
        overview=themed(partial(plots.intervals, rows), "V-Error and A-Error of each method"),
        axes=[_axis(axis, rows, suite) for axis in AXES],
        pareto=_pareto(rows),
        grids=_grids(pictures, suite, cases),
        worst=_worst(rows),
        tests_of_first=[(axis, one) for axis, one in tests if ours in (one["first"], one["second"])],
        all_tests=tests,
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    page.filters |= {
        "number": number,
        "thousands": "{:,}".format,
        "spaced": lambda name: name.replace("_", " "),
        "short": _short,
        "point": lambda point: ", ".join(f"{x:+.1f}" for x in point),
        "indented": partial(json.dumps, indent=1, ensure_ascii=False),
    }
    page.globals |= {"cell": cell, "decided": _decided, "ARROWS": ARROWS, "NONE": NONE}
    return page.get_template("page.html")


def _axis(axis: str, rows: Rows, suite: Suite) -> dict[str, Any]:
    emotions = suite.emotions
    agreement = themed(partial(plots.agreement, rows, axis), f"{axis} asked for against {axis} read")
    whole = partial(plots.error_maps, rows, axis, emotions.valences, emotions.arousals)
    return {"name": axis, "agreement": agreement, "map": themed(whole, f"mean error of {axis} over the plane")}


def _pareto(rows: Rows) -> dict[str, str] | None:
    if not any((row["figures"].get("retention") or {}).get("value") is not None for row in rows.values()):
        return None
    return themed(partial(plots.pareto, rows), "error against content kept")


def _grids(pictures: PicturesByLabel, suite: Suite, cases: Sequence[Case]) -> list[dict[str, Any]]:
    grids = []
    for case in cases[: suite.show.grids]:
        sheets = {label: _sheet(label, found, case.prompt, suite) for label, found in pictures.items()}
        figures = [
            {"label": label, "image": image_data(sheet, f"{label}: {case.prompt}")}
            for label, sheet in sheets.items()
            if sheet is not None
        ]
        if figures:
            grids.append({"prompt": case.prompt, "figures": figures})
    return grids


def _sheet(label: str, found: Sequence[PictureRow], prompt: str, suite: Suite) -> Image.Image | None:
    """The grid of a prompt as one image; the neutral picture alone for the row that has no other; None where any is missing."""
    emotions = suite.emotions
    here = {one.point: one.file for one in found if one.case.prompt == prompt and one.seed == emotions.seeds[0]}
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


def _worst(rows: Rows) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "pictures": [{**one, "image": image_data(_square(one["file"], LARGE), one["prompt"])} for one in row["worst"]],
        }
        for label, row in rows.items()
        if row["method"] and row["worst"]
    ]


def image_data(image: Image.Image, alt: str) -> dict[str, Any]:
    """A picture as data for a page, with the words for those who do not see it."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82, method=6)
    return {"uri": data_uri(buffer.getvalue()), "alt": alt, "width": image.width, "height": image.height}


def _square(file: Any, side: int) -> Image.Image:
    image = image_of(file)
    width, height = image.size
    least = min(width, height)
    left, top = (width - least) // 2, (height - least) // 2
    return image.crop((left, top, left + least, top + least)).resize((side, side), Image.Resampling.LANCZOS)


def _decided(row: Mapping[str, Any]) -> dict[str, Any]:
    """What decided the pictures of a row."""
    return {name: value for name, value in row["describe"].items() if name not in ("defaults", "method")}


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)[:160]
    return f"{value:,}" if isinstance(value, int) else str(value)[:160]
