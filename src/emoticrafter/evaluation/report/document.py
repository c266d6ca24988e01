"""The report as one JSON document: what was compared, by whom, with which result; docs/evaluation.md lists its keys."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoticrafter.evaluation.comparing import best_of, columns_of
from emoticrafter.evaluation.figures import FIGURES, number_of
from emoticrafter.metrics.emotion import AXES, absolute_errors
from emoticrafter.settings import as_dict
from emoticrafter.version import installed_version

if TYPE_CHECKING:
    from emoticrafter.evaluation.cases import Case
    from emoticrafter.evaluation.evidence import Evidence
    from emoticrafter.evaluation.methods import Compared
    from emoticrafter.evaluation.readings import Judges
    from emoticrafter.evaluation.suite import Suite

__all__ = ["FORMAT", "VERSION", "assemble", "lasting", "row_of"]

FORMAT, VERSION = "emoticrafter-evaluation", 1
_PACKAGES = ("torch", "diffusers", "transformers", "numpy", "scipy")
_OF_A_ROW = ("source", "method", "describe", "budget", "pictures", "prompts", "figures", "cells", "threshold")


def assemble(
    suite: Suite,
    cases: Sequence[Case],
    judges: Judges,
    rows: Mapping[str, Mapping[str, Any]],
    compared: Mapping[str, Sequence[Mapping[str, Any]]],
    verdicts: Sequence[Mapping[str, Any]],
    *,
    name: str,
    doubt: str | None,
    command: str,
) -> dict[str, Any]:
    """The document. rows: by label, what was measured and what is known of each."""
    settings = as_dict(suite)
    content = judges.content
    return {
        "format": FORMAT,
        "version": VERSION,
        "suite": {"name": name, "title": suite.about.title or name, "text": suite.about.text, "settings": settings},
        "made": {
            "command": command,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": {"emoticrafter": installed_version(), **_versions()},
            "machine": f"{platform.system()} {platform.machine()}",
        },
        "judges": {
            **judges.describe(),
            "doubt": doubt,
            "trust": judges.emotion.trust.as_dict(),
            "content_figures": _numbers(getattr(content, "figures", {})) if content is not None else {},
        },
        "distance": suite.metrics.distance,
        "prompts": [{"id": case.id, "prompt": case.prompt} for case in cases],
        "columns": columns_of(rows),
        "rows": [
            {
                "label": label,
                **{key: row[key] for key in _OF_A_ROW if key in row},
                "curve": row["curve"],
                "worst": [{**one, "file": Path(one["file"]).name} for one in row["worst"]],
            }
            for label, row in rows.items()
        ],
        "best": best_of(rows),
        "comparisons": {axis: list(pairs) for axis, pairs in compared.items()},
        "verdicts": list(verdicts),
    }


def row_of(
    row: Compared,
    evidence: Evidence,
    kept: Mapping[str, Any],
    *,
    threshold: float | None,
    curve: Sequence[Mapping[str, Any]],
    worst: int,
) -> dict[str, Any]:
    """What is known of a row of the tables, as JSON values. kept: its figures, as `figures.measure` leaves them.

    Beside what `assemble` takes into the document there are every point, and the means of the prompts by which methods are
    compared in pairs.
    """
    return {
        "source": row.source,
        "method": row.method,
        "describe": dict(row.describe),
        "budget": dict(row.budget),
        "pictures": sum(one.file is not None for one in evidence.grid),
        "prompts": len(set(evidence.prompts)),
        "figures": {name: one["found"] for name, one in kept.items() if one["found"] is not None},
        "by_prompt": {FIGURES[name].paired: one["by_prompt"] for name, one in kept.items() if one["by_prompt"]},
        "cells": _cells(evidence),
        "points": [_rounded((*asked, *read)) for asked, read in zip(evidence.requested, evidence.judged, strict=True)],
        "threshold": threshold,
        "curve": list(curve),
        "worst": _worst(evidence, worst),
    }


def lasting(report: Mapping[str, Any]) -> dict[str, Any]:
    """The document without what differs from run to run though nothing changed."""
    return {name: value for name, value in report.items() if name != "made"}


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in figures.items() if isinstance(value, int | float)}


def _cells(evidence: Evidence) -> dict[str, list[list[float | None]]]:
    """By cell of the grid, highest arousal first: mean error of each axis, and the mean judged emotion."""
    requested, judged, emotions = evidence.requested, evidence.judged, evidence.emotions
    errors = absolute_errors(requested, judged)
    found: dict[str, list[list[float | None]]] = {f"{axis}_{what}": [] for axis in AXES for what in ("error", "judged")}
    for a in reversed(emotions.arousals):
        lines: dict[str, list[float | None]] = {name: [] for name in found}
        for v in emotions.valences:
            here = np.isclose(requested[:, 0], v) & np.isclose(requested[:, 1], a)
            for i, axis in enumerate(AXES):
                lines[f"{axis}_error"].append(number_of(errors[here, i].mean()) if here.any() else None)
                lines[f"{axis}_judged"].append(number_of(judged[here, i].mean()) if here.any() else None)
        for name, line in lines.items():
            found[name].append(line)
    return found


def _worst(evidence: Evidence, count: int) -> list[dict[str, Any]]:
    """The pictures that are read furthest from what was asked for, one of each prompt."""
    distances = np.hypot(*(evidence.judged - evidence.requested).T)
    chosen: dict[str, int] = {}
    for i in np.argsort(-distances, kind="stable").tolist():
        if len(chosen) < count and evidence.grid[i].file is not None:
            chosen.setdefault(evidence.prompts[i], i)
    return [
        {
            "prompt": evidence.grid[i].case.prompt,
            "file": str(evidence.grid[i].file),
            "seed": evidence.grid[i].seed,
            "requested": _rounded(evidence.requested[i]),
            "judged": _rounded(evidence.judged[i]),
        }
        for i in chosen.values()
    ]


def _rounded(numbers: Iterable[float]) -> list[float]:
    return [round(float(x), 3) for x in numbers]
