"""The report as one JSON document: what was compared, by whom, with which result; docs/evaluation.md lists its keys."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.evaluation.comparing import COLUMNS, best_of
from emoticrafter.settings import as_dict
from emoticrafter.version import installed_version

if TYPE_CHECKING:
    from emoticrafter.evaluation.cases import Case
    from emoticrafter.evaluation.reading import Judges
    from emoticrafter.evaluation.suite import Suite

__all__ = ["FORMAT", "VERSION", "assemble", "lasting"]

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
    measure_version: int,
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
            "versions": {"emoticrafter": installed_version(), "figures": measure_version, **_versions()},
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
        "columns": [asdict(one) for one in COLUMNS if any(one.figure in row["figures"] for row in rows.values())],
        "rows": [
            {
                "label": label,
                **{key: row[key] for key in _OF_A_ROW if key in row},
                "curve": row.get("curve", []),
                "worst": [{**one, "file": Path(one["file"]).name} for one in row["worst"]],
            }
            for label, row in rows.items()
        ],
        "best": best_of(rows),
        "comparisons": {axis: list(pairs) for axis, pairs in compared.items()},
        "verdicts": list(verdicts),
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
