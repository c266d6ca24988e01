"""What a judge is: a reader of pictures that says how far it may be trusted."""

# n pictures

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

import numpy as np

from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.inputs.pictures import Viewable
from emoticrafter.inputs.records import plain_json
from emoticrafter.inputs.typed import typed
from emoticrafter.metrics.emotion import AXES, absolute_errors, intercept, slope, spearman

__all__ = ["R2_FLOOR", "AxisTrust", "Judge", "Trust", "measure_trust", "prepare", "r2", "require_trust"]

R2_FLOOR = 0.5  # of each axis: a judge in a comparison explains at least half of what its validation pictures differ in
REGIONS = (("low", -3.0, -1.0), ("middle", -1.0, 1.0), ("high", 1.0, 3.0))
_REGION = ("pictures", "valence_error", "arousal_error")
BINS = 6  # of the calibration, over the values read


@dataclass(frozen=True, kw_only=True)
class AxisTrust:
    """One axis of a validation. r2: 1 - sum (true - read)^2 / sum (true - mean)^2; spearman; error: mean |true - read|.

    slope, intercept: of the line from what was read to the truth, 1 and 0 where the judge is calibrated. bins: over six ranges of
    what was read, [mean read, mean true, pictures].
    """

    r2: float
    spearman: float
    error: float
    slope: float = math.nan
    intercept: float = math.nan
    bins: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Trust:
    """How a judge did on pictures that it was not trained on.

    validated_on: what these were; pictures: how many, 0 if it was never validated. regions: by thirds of the plane, such as
    "valence low, arousal high", the pictures there and the mean errors of both axes.
    """

    validated_on: str
    pictures: int
    valence: AxisTrust | None = None
    arousal: AxisTrust | None = None
    regions: dict[str, dict[str, float]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON values; what is not defined is null."""
        return plain_json(asdict(self))

    @classmethod
    def from_dict(cls, found: Any) -> Trust:
        """What `as_dict` gave; raises CheckpointError for anything else."""
        try:
            entries = typed("", found, dict[str, Any])
            return cls(
                validated_on=typed("validated_on", entries.get("validated_on"), str),
                pictures=typed("pictures", entries.get("pictures"), int, {"from": 0}),
                regions={name: _region_of(name, one) for name, one in typed("regions", entries.get("regions", {}), dict).items()},
                **{axis: _axis_of(axis, entries.get(axis)) for axis in AXES},
            )
        except InputError as error:
            raise CheckpointError(f"A judge's statement of trust is broken: {error.problem}", "Train the judge again.") from error


class Judge(Protocol):
    """Reads emotions from pictures. name: how reports call it; trust: how it did on pictures that it was not trained on."""

    name: str
    trust: Trust

    def emotions(self, pictures: Sequence[Viewable]) -> np.ndarray:
        """Valence and arousal of each picture, float32 (n, 2) in [-3, 3]."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """JSON values that tell this judge from others: its name, the hash of its weights."""
        ...


def r2(true: np.ndarray, read: np.ndarray) -> float:
    """1 - sum (true - read)^2 / sum (true - mean true)^2. 1 is perfect, 0 as good as the mean, below 0 worse. NaN if true is
    constant.
    """
    true, read = np.asarray(true, np.float64), np.asarray(read, np.float64)
    spread = float(((true - true.mean()) ** 2).sum())
    return 1 - float(((true - read) ** 2).sum()) / spread if spread > 0 else math.nan


def measure_trust(true: np.ndarray, read: np.ndarray, validated_on: str) -> Trust:
    """The statement for emotions (n, 2) as annotated and as read. Needs two pictures at least."""
    true, read = np.asarray(true, np.float64), np.asarray(read, np.float64)
    assert true.shape == read.shape == (len(true), 2) and len(true) > 1
    axes = [_axis(true[:, i], read[:, i]) for i in range(2)]
    errors = absolute_errors(true, read)
    regions = {}
    for v_name, v_low, v_high in REGIONS:
        for a_name, a_low, a_high in REGIONS:
            inside = _within(true[:, 0], v_low, v_high) & _within(true[:, 1], a_low, a_high)
            if inside.any():
                mean = errors[inside].mean(axis=0)
                figures = map(float, (inside.sum(), *mean))
                regions[f"valence {v_name}, arousal {a_name}"] = dict(zip(_REGION, figures, strict=True))
    return Trust(validated_on=validated_on, pictures=len(true), valence=axes[0], arousal=axes[1], regions=regions)


def prepare(judge: Judge) -> None:
    """Have a judge open all that it reads with, so that what is missing is told before there are pictures to read."""
    getattr(judge, "prepare", lambda: None)()


def require_trust(judge: Judge, force: bool = False, floor: float = R2_FLOOR) -> str | None:
    """Refuse a judge whose validation R2 is below the floor on either axis, or that was never validated.

    Returns None for a judge that may be trusted. Raises InputError for another one, unless forced: then the sentence that every
    report on its readings must carry.
    """
    found = {axis: getattr(judge.trust, axis) for axis in AXES}
    if judge.trust.pictures == 0 or not all(found.values()):
        problem = f"The judge {judge.name} was never validated"
    else:
        weak = [f"{axis} {one.r2:.2f}" for axis, one in found.items() if not one.r2 >= floor]  # NaN is weak
        if not weak:
            return None
        problem = f"The judge {judge.name} has a validation R2 below {floor:g} ({', '.join(weak)})"
    if not force:
        raise InputError(f"{problem}: a comparison by it would mean little.", "Take another judge, or force it.")
    return f"{problem}; it was used all the same."


def _axis(true: np.ndarray, read: np.ndarray) -> AxisTrust:
    edges = np.linspace(-3, 3, BINS + 1)
    where = np.clip(np.digitize(read, edges) - 1, 0, BINS - 1)
    bins = [[float(read[where == b].mean()), float(true[where == b].mean()), float((where == b).sum())] for b in np.unique(where)]
    return AxisTrust(
        r2=r2(true, read),
        spearman=spearman(true, read),
        error=float(absolute_errors(true, read).mean()),
        slope=slope(read, true),
        intercept=intercept(read, true),
        bins=bins,
    )


def _within(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """In [low, high), the highest third with its end; -1 belongs to the middle, 1 to the highest."""
    return (x >= low) & ((x < high) | (high == 3.0))


def _axis_of(name: str, found: Any) -> AxisTrust | None:
    """What is not defined is null in the file, and NaN here."""
    if found is None:
        return None
    entries = typed(name, found, dict[str, Any])
    figures = {one.name: entries.get(one.name) for one in fields(AxisTrust) if one.name != "bins"}
    if lacking := [figure for figure in ("r2", "spearman", "error") if figure not in entries]:
        raise InputError(f"{name} has no {lacking[0]}.")
    numbers = {figure: typed(f"{name}.{figure}", value, float | None) for figure, value in figures.items()}
    bins = typed(f"{name}.bins", entries.get("bins", []), list[tuple[float, float, float]])
    return AxisTrust(**{figure: math.nan if x is None else x for figure, x in numbers.items()}, bins=[list(one) for one in bins])


def _region_of(name: str, found: Any) -> dict[str, float]:
    entries: dict[str, float] = typed(f"regions.{name}", found, dict[str, float])
    if lacking := [figure for figure in _REGION if figure not in entries]:
        raise InputError(f"regions.{name} has no {lacking[0]}.")
    return entries
