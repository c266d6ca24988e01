"""The command that holds a judge against people's ratings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoticrafter.cli.console import note, progress, say_json, table
from emoticrafter.cli.judges import JudgeDevice, app
from emoticrafter.cli.options import Json
from emoticrafter.extras import need_extra
from emoticrafter.inputs.records import plain_json


@app.command()
def validate(
    ratings: Annotated[
        Path,
        typer.Option(
            help="People's ratings: file, rater, valence, arousal from -3 to 3; what `panel analyse` writes.",
            metavar="RATINGS.csv",
        ),
    ],
    judge: Annotated[str, typer.Option(help="The judge: storybook, or the folder of one.", metavar="NAME|PATH")] = "storybook",
    pictures: Annotated[
        Path | None, typer.Option(help="The folder of the pictures; by default that of the ratings.", metavar="DIR")
    ] = None,
    device: JudgeDevice = "cpu",
    as_json: Json = False,
) -> None:
    """Say how well a judge agrees with people, beside how well people agree with each other.

    The noise ceiling is how people's own ratings correlate with everybody's mean: a judge that reaches it agrees with people as
    people do. Without a column for the rater, rows are means, and there is no ceiling.

    Examples:

    - `emoticrafter judge validate --ratings reports/norms/ratings.csv`
    - `emoticrafter judge validate --ratings oasis-means.csv --pictures OASIS/images --judge judges/oasis --json`
    """
    need_extra("panel", "scipy", "pandas", "pyarrow", "cv2")
    from emoticrafter.judges import open_judge
    from emoticrafter.panel.analysis.judge_validation import AXES, read_ratings, validate_axis

    rated = read_ratings(ratings, pictures)
    opened = open_judge(judge, device=device)
    with progress("reading pictures", as_json):
        read = opened.emotions(rated.files)
    found = {axis: validate_axis(read[:, i], rated.ratings[axis]) for i, axis in enumerate(AXES)}
    if as_json:
        say_json(
            plain_json({"judge": dict(opened.describe()), "pictures": len(rated.files), "raters": rated.raters, "axes": found})
        )
        return
    rows: list[tuple[str, ...]] = [("", "r", "95%", "ceiling", "R2", "error", "alpha of people")]
    for axis, one in found.items():
        ceiling = "-" if one.ceiling is None else f"{one.ceiling[0]:.2f} to {one.ceiling[1]:.2f}"
        alpha = "-" if one.alpha is None else f"{one.alpha:.2f}"
        r = one.correlation
        rows.append((axis, f"{r.value:.2f}", f"{r.low:.2f} to {r.high:.2f}", ceiling, f"{one.r2:.2f}", f"{one.error:.2f}", alpha))
    table(rows)
    note(f"{len(rated.files):,} pictures, {rated.raters:,} raters; r, R2 and error are of {opened.name} with people's means")
    for axis, one in found.items():
        if one.ceiling is not None:
            reached = "as well as people do with each other" if one.correlation.value >= one.ceiling[0] else "less than people do"
            note(f"{axis}: it agrees with people {reached}")
