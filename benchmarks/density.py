"""How long the density of a data set takes: the weights of as many points as the paper has pairs, by each preset."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.common import Report, clocked, parser, table
from emoticrafter.data.density import PRESETS, DensityConfig, weigh

BAR = 10.0  # seconds for 40,000 points


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("density", __doc__)
    options.add_argument("--points", type=int, default=40_000)
    given = options.parse_args(arguments)
    if given.smoke:
        given.points = 200
    report = Report("density", given)
    rng = np.random.default_rng(0)
    points = np.clip(rng.normal((0.6, 0.2), (1.4, 1.1), (given.points, 2)), -3, 3)
    presets: list[Any] = list(PRESETS)
    rows = [(preset, clocked(partial(weigh, DensityConfig(preset=preset), points))[0]) for preset in presets]
    report.figures = {"points": given.points, "rows": [{"preset": preset, "seconds": seconds} for preset, seconds in rows]}
    if given.points >= 40_000:
        report.bar("seconds for the slowest preset", max(seconds for _, seconds in rows), most=BAR)
    report.finish(table(f"density of {given.points} points", ("preset", "seconds"), rows))


if __name__ == "__main__":
    main()
