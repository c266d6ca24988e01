"""Where the rows of a table lie: counts, and a picture of their density over the valence-arousal plane."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.coordinates import LIMIT, ROUNDING
from emoticrafter.data.parquet import read_parquet
from emoticrafter.data.tables import COLUMNS, Kind, read_table
from emoticrafter.errors import EmotiCrafterError, InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["CELLS", "QUADRANTS", "cell_counts", "count", "quadrant", "rare_cells", "read_any"]

CELLS = 7  # per axis: an odd number, so that whole ratings lie inside the squares and not on their borders
RARE = 0.1  # of an even share
QUADRANTS = {
    "pleasant, excited": (1, 1),
    "unpleasant, excited": (-1, 1),
    "unpleasant, calm": (-1, -1),
    "pleasant, calm": (1, -1),
}


def read_any(path: str | os.PathLike[str]) -> tuple[pd.DataFrame, Kind, dict[str, Any]]:
    """A table of annotations or of pairs, which of the two it is, and what it says about itself; raises as `read_table`."""
    kind: Kind = "annotations"
    with suppress(EmotiCrafterError):  # read_table says what is wrong
        said = read_parquet(path)[1].get("kind")
        kind = said if said in COLUMNS else kind
    table, about = read_table(path, kind)
    axes = ["valence", "arousal"]
    outside = table.index[~(table[axes].abs() <= LIMIT + ROUNDING).all(axis=1)]
    if len(outside):
        one = table.loc[outside[0]]
        raise InputError(
            f"{Path(path).name!r} holds {len(outside)} rows outside -3 to 3; the first is {one['id']!r} at"
            f" {one['valence']:g}, {one['arousal']:g}.",
            "Make the table with `emoticrafter data import`, which checks that.",
        )
    if not len(table):
        raise InputError(f"{Path(path).name!r} holds no rows.", "Import a data set into it.")
    table[axes] = table[axes].clip(-LIMIT, LIMIT)
    return table, kind, about


def count(table: pd.DataFrame) -> dict[str, Any]:
    """JSON values: rows; rows by data set, split and quadrant; the tags by frequency, each word of "a; b" by itself;
    mean and deviation of both axes; and how the CELLS x CELLS squares of the plane are filled, the rarest first.
    """
    words = (word for tag in table["tag"].dropna() for word in str(tag).split("; "))
    cells = cell_counts(table)
    rare = rare_cells(cells)
    return {
        "rows": len(table),
        "datasets": _counted(table["dataset"]),
        "splits": _counted(table["split"]),
        "quadrants": _quadrants(table),
        "tags": dict(Counter(words).most_common()),
        "axes": {
            axis: {"mean": round(float(table[axis].mean()), 4), "deviation": round(float(table[axis].std(ddof=0)), 4)}
            for axis in ("valence", "arousal")
        },
        "regions": {"squares": CELLS**2, "empty": int((cells == 0).sum()), "rare": len(rare), "rarest": rare},
    }


def cell_counts(table: pd.DataFrame) -> np.ndarray:
    """Rows in each square of the plane, (CELLS, CELLS): arousal rises with the first index, valence with the second."""
    import numpy as np

    edges = np.linspace(-LIMIT, LIMIT, CELLS + 1)
    return np.histogram2d(table["arousal"], table["valence"], bins=(edges, edges))[0].astype(int)


def rare_cells(cells: np.ndarray) -> list[dict[str, Any]]:
    """The squares with less than a tenth of an even share, each with its range on both axes.

    The emptiest come first, of these the nearest to neutral: that the corners of the plane are empty is less of a surprise.
    """
    import numpy as np

    share = RARE * cells.sum() / cells.size
    edges = np.linspace(-LIMIT, LIMIT, CELLS + 1).round(2).tolist()
    found = [
        {"valence": [edges[j], edges[j + 1]], "arousal": [edges[i], edges[i + 1]], "rows": int(cells[i, j])}
        for i in range(CELLS)
        for j in range(CELLS)
        if cells[i, j] < share
    ]
    return sorted(found, key=lambda one: (one["rows"], sum(abs(sum(one[axis])) for axis in ("valence", "arousal"))))


def _quadrants(table: pd.DataFrame) -> dict[str, int]:
    found = Counter(quadrant(v, a) for v, a in zip(table["valence"], table["arousal"], strict=True))
    return {name: found[name] for name in (*QUADRANTS, "on an axis")}


def quadrant(valence: float, arousal: float) -> str:
    """The name of the quadrant in which a point lies; "on an axis" for those that lie in none."""
    signs = ((valence > 0) - (valence < 0), (arousal > 0) - (arousal < 0))
    return next((name for name, own in QUADRANTS.items() if own == signs), "on an axis")


def _counted(column: pd.Series) -> dict[str, int]:
    found = Counter("none" if value is None or value != value else str(value) for value in column)
    return dict(found.most_common())
