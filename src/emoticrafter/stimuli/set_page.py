"""The set as one page that needs nothing else: the plane with its pictures, how well each wish holds, what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ImageOps

from emoticrafter.evaluation import report as reports
from emoticrafter.evaluation.report.page import image_data
from emoticrafter.evaluation.report.plots import Theme, new_panels, themed
from emoticrafter.evaluation.report.tables import NONE, number
from emoticrafter.inputs.pictures import read_picture
from emoticrafter.stimuli.design import StimulusDesign

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["write_page"]

THUMB = 112  # pixels of a picture on the page


def write_page(design: StimulusDesign, report: Mapping[str, Any], folder: Path) -> str:
    """The page of a set whose pictures are below the folder."""
    pictures = report["pictures"]
    cells = [
        {
            "valence": cell.valence,
            "arousal": cell.arousal,
            "pictures": [
                {**row, "image": image_data(ImageOps.fit(read_picture(folder / row["file"]), (THUMB, THUMB)), row["prompt"])}
                for row in pictures
                if row["cell"] == place
            ],
        }
        for place, cell in enumerate(design.cells)
    ]
    return _template().render(
        report=report,
        title=design.set.title or design.set.name,
        columns=len(design.plane.valences),
        cells=cells,
        judged=themed(partial(_judged, design, pictures), "what was read of each picture, by cell"),
        measured=themed(partial(_measured, design, pictures), "what was measured, by cell"),
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folders = [Path(__file__).parent, Path(reports.__file__).parent]
    page = Environment(loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    page.filters |= {"number": number, "thousands": "{:,}".format}
    page.globals |= {"NONE": NONE}
    return page.get_template("set.html")


def _judged(design: StimulusDesign, pictures: Sequence[Mapping[str, Any]], theme: Theme) -> Any:
    """Every picture where it was read, a cross at each cell's middle, a colour for each cell."""
    figure, (panel,) = new_panels(1, width=4.6, height=4.2)
    for place, cell in enumerate(design.cells):
        own = [row for row in pictures if row["cell"] == place]
        shade = _shades(theme)[place % len(_shades(theme))]
        panel.plot(
            [row["valence_judged"] for row in own], [row["arousal_judged"] for row in own], "o", color=shade, ms=4, alpha=0.7
        )
        panel.plot([cell.valence], [cell.arousal], "+", color=shade, ms=14, mew=2)
    panel.set(xlim=(-3.3, 3.3), ylim=(-3.3, 3.3), xticks=(-3, 0, 3), yticks=(-3, 0, 3), aspect="equal")
    panel.set_xlabel("valence read by the judge")
    panel.set_ylabel("arousal read by the judge")
    panel.grid()
    return figure


def _measured(design: StimulusDesign, pictures: Sequence[Mapping[str, Any]], theme: Theme) -> Any:
    """Each property in a panel: every picture, and each cell's mean."""
    names = design.matching.properties or ("luminance", "contrast", "colourfulness", "complexity")
    figure, panels = new_panels(len(names), width=4.2, height=2.0, columns=2)
    for panel, name in zip(panels, names, strict=False):
        for place in range(len(design.cells)):
            values = np.array([row[name] for row in pictures if row["cell"] == place])
            shade = _shades(theme)[place % len(_shades(theme))]
            shift = np.random.default_rng(0).uniform(-0.15, 0.15, len(values))
            panel.plot(place + shift, values, "o", color=shade, ms=3, alpha=0.5)
            panel.plot([place - 0.28, place + 0.28], [values.mean()] * 2, color=shade, lw=2)
        panel.set_title(name)
        panel.set_xticks(range(len(design.cells)), [f"{c.valence:g},{c.arousal:g}" for c in design.cells], fontsize=6.5)
        panel.grid(axis="y")
        panel.tick_params(length=0)
    return figure


def _shades(theme: Theme) -> tuple[str, ...]:
    return (theme.accent, *theme.rest)
