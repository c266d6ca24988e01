"""The report of a study as one JSON document; docs/panel-analysis.md lists its keys."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from emoticrafter.panel.study import SECTIONS, Study
from emoticrafter.version import installed_version

__all__ = ["FORMAT", "VERSION", "assemble"]

FORMAT, VERSION = "emoticrafter-panel", 1
_PACKAGES = ("numpy", "scipy", "statsmodels", "pandas")


def assemble(
    study: Study, hash: str, results: Mapping[str, Any], *, simulated: bool, withdrawn: int, command: str, seed: int
) -> dict[str, Any]:
    """results: of `analysis.results.analyse`. withdrawn: how many people took their answers back. simulated: by programs."""
    own = SECTIONS[study.kind]
    return {
        "format": FORMAT,
        "version": VERSION,
        "simulated": simulated,
        "study": {
            "name": study.name,
            "title": study.study.title or study.name,
            "kind": study.kind,
            "hash": hash,
            "design": asdict(study.design),
            own: asdict(getattr(study, own)),
        },
        "rules": asdict(study.exclusion),
        "made": {
            "command": command,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "seed": seed,
            "versions": {"emoticrafter": installed_version(), "python": platform.python_version(), **_versions()},
        },
        **results,
        "people": {**results["people"], "withdrawn": withdrawn},
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
