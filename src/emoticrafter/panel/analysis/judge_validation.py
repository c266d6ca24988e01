"""People's ratings as a judge's test: how well it agrees with people, and how well people agree with each other."""

# n pictures, k raters

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emoticrafter.data.sheets import read_sheet
from emoticrafter.data.values import number
from emoticrafter.errors import InputError
from emoticrafter.inputs.named import below, check_file
from emoticrafter.metrics.emotion import pearson
from emoticrafter.metrics.statistics import Estimate, bootstrap
from emoticrafter.panel.analysis.agreement import complete_block, intraclass_correlation, krippendorff_alpha, noise_ceiling
from emoticrafter.panel.analysis.crossed import table_of

__all__ = ["AXES", "AxisValidation", "PictureRatings", "read_ratings", "validate_axis"]

AXES = ("valence", "arousal")
LEAST = 3  # pictures
_FILES, _RATERS = ("file", "picture", "path"), ("rater", "participant", "person")


@dataclass(frozen=True, kw_only=True)
class PictureRatings:
    """files: of n pictures. ratings: by axis, float (n, k), NaN where a rater did not rate; k is 1 where only means are known."""

    files: tuple[Path, ...]
    ratings: dict[str, np.ndarray]
    raters: int


@dataclass(frozen=True, kw_only=True)
class AxisValidation:
    """One axis. correlation: of the judge with people's mean; ceiling: how people's own ratings correlate with it (low, high).

    ceiling, alpha and single are None where single ratings are not known or too few. error: mean |judge - mean of people|.
    """

    correlation: Estimate
    r2: float
    error: float
    ceiling: tuple[float, float] | None
    alpha: float | None
    mean_icc: float | None


def read_ratings(path: Path, pictures: Path | None = None) -> PictureRatings:
    """Read a table with a row per rating: file, rater, valence and arousal from -3 to 3, as `panel analyse` writes it.

    Without a column for the rater each row is a picture's mean. pictures: the folder of the files, by default that of the table.
    Raises MissingError, and InputError with the line for what cannot be read.
    """
    sheet = read_sheet(path, marked=True)
    columns = sheet.find([*_FILES, *_RATERS, *AXES])
    file = next((columns[name] for name in _FILES if name in columns), None)
    rater = next((columns[name] for name in _RATERS if name in columns), None)
    if file is None:
        sheet.require(["file"], columns, "Each row needs a picture's file, and valence and arousal from -3 to 3.")
    sheet.require(AXES, columns, "Each row needs a picture's file, and valence and arousal from -3 to 3.")
    assert file is not None
    names, raters, values = [], [], {axis: [] for axis in AXES}  # type: ignore[var-annotated]
    for row in sheet.rows:
        if row.fault:
            raise sheet.fault(row)
        where = f"{sheet.unit.capitalize()} {row.line} of {path.name!r}"
        names.append(row.cells[file].strip())
        raters.append(row.cells[rater].strip() if rater is not None else "")
        if not names[-1]:
            raise InputError(f"{where} names no picture.", "Fill it in, or take the line out.")
        for axis in AXES:
            cell = row.cells[columns[axis]].strip()
            value = number(cell) if cell else math.nan
            if cell and not -3 <= value <= 3:
                raise InputError(f"{where} has the {axis} {cell[:40]!r}; it must be a number from -3 to 3.", "Mend the line.")
            values[axis].append(value)
    if len(set(names)) < LEAST:
        raise InputError(f"{path.name!r} has {len(set(names))} pictures; at least {LEAST} are needed.", "Rate more.")
    folder = path.absolute().parent if pictures is None else pictures
    tables = {axis: table_of(np.array(some), raters, names) for axis, some in values.items()}
    files = tuple(check_file(_within(folder, str(name), pictures), "picture") for name in tables[AXES[0]][2])
    return PictureRatings(files=files, ratings={axis: found[0].T for axis, found in tables.items()}, raters=len(set(raters)))


def validate_axis(read: np.ndarray, ratings: np.ndarray, *, samples: int = 2000, seed: int = 0) -> AxisValidation:
    """What a judge `read` (n,) against `ratings` (n, k) of the same pictures; the interval is over pictures."""
    rated = ~np.isnan(ratings).all(axis=1)
    read, ratings = np.asarray(read, np.float64)[rated], ratings[rated]
    means = np.nanmean(ratings, axis=1)
    rows, columns = complete_block(ratings)
    icc = intraclass_correlation(ratings[np.ix_(rows, columns)])
    spread = float(((means - means.mean()) ** 2).sum())
    return AxisValidation(
        correlation=bootstrap(pearson, read, means, clusters=range(len(means)), samples=samples, seed=seed),
        r2=1 - float(((means - read) ** 2).sum()) / spread if spread > 0 else math.nan,
        error=float(np.abs(means - read).mean()),
        ceiling=noise_ceiling(ratings),
        alpha=krippendorff_alpha(ratings),
        mean_icc=icc.mean if icc is not None else None,
    )


def _within(folder: Path, name: str, given: Path | None) -> Path:
    """A table of ours names the pictures of its study relative to itself; a folder that is given holds them all."""
    return folder / name if given is None else below(given, name, "picture")
