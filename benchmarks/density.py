"""How long the density of a data set takes: the weights of as many points as the paper has pairs, by each preset."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from benchmarks.common import Report, clocked, parser, table
from emoticrafter.data.density import PRESETS, DensityConfig, Weights

BAR = 10.0  # seconds for 40,000 points


def weigh(config: DensityConfig, points: np.ndarray) -> np.ndarray:
    """The weights of the points that the density is of."""
    return Weights(config, points)(points)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("density", __doc__)
    options.add_argument("--points", type=int, default=40_000)
    given = options.parse_args(arguments)
    if given.smoke:
        given.points = 200
    report = Report("density", given)
    rng = np.random.default_rng(0)
    points = np.clip(rng.normal((0.6, 0.2), (1.4, 1.1), (given.points, 2)), -3, 3)
    rows = []
    for preset in PRESETS:
        seconds = clocked(partial(weigh, DensityConfig(preset=preset), points))[0]
        rows.append({"preset": preset, "seconds": seconds})
    report.figures = {"points": given.points, "rows": rows}
    if given.points >= 40_000:
        report.bar("seconds for the slowest preset", max(row["seconds"] for row in rows), most=BAR)
    report.finish(table(f"density of {given.points} points", ("preset", "seconds"), [(r["preset"], r["seconds"]) for r in rows]))


if __name__ == "__main__":
    main()
