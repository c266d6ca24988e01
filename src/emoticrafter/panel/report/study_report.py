"""From the folder of a study to the folder of its report."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoticrafter.errors import InputError
from emoticrafter.files import atomic_folder, check_folder
from emoticrafter.panel.analysis.results import AnalysisOptions, analyse
from emoticrafter.panel.frozen import Frozen
from emoticrafter.panel.report.csv_tables import NORMS, RATINGS, norms_csv, ratings_csv
from emoticrafter.panel.report.document import assemble
from emoticrafter.panel.report.study_page import write_page
from emoticrafter.panel.store import Store
from emoticrafter.watch import SILENT, Watch

__all__ = ["DOCUMENT", "PAGE", "Reported", "check_report_folder", "report_study"]

PAGE, DOCUMENT = "report.html", "report.json"
_OURS = {PAGE, DOCUMENT, NORMS, RATINGS}


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What was written, and the document itself."""

    files: tuple[Path, ...]
    report: Mapping[str, Any]


def check_report_folder(out: str | os.PathLike[str], force: bool = False) -> Path:
    """The folder, before any work. Raises OutputError, and InputError for one that is not empty.

    force: one that holds nothing but an older report is replaced.
    """
    target = check_folder(out)
    inside = {path.name for path in target.iterdir()} if target.exists() else set()
    if inside - _OURS:
        raise InputError(f"The folder {str(target)!r} holds other files: {sorted(inside - _OURS)[0]!r}.", "Give another one.")
    if inside and not force:
        raise InputError(f"The folder {str(target)!r} holds a report.", "Give another one, or pass --force to replace it.")
    return target


def report_study(
    folder: str | Path,
    out: str | os.PathLike[str],
    *,
    mixed: bool = True,
    samples: int = 2000,
    seed: int = 0,
    command: str = "",
    force: bool = False,
    watch: Watch = SILENT,
) -> Reported:
    """Analyse what a study has so far, and write page, document, norms and ratings into a folder, all or none.

    Raises MissingError where the study has not begun, InputError where nobody answered yet, and what `check_report_folder` does.
    """
    target = check_report_folder(out, force)
    with Store.open(folder) as store:
        frozen, responses, simulated, withdrawn = store.frozen, store.responses(), store.simulated, store.withdrawn
        begun = {one.participant: one.sequence for one in store.participants() if one.state != "invited"}
    if not any(one.part == "main" for one in responses):
        raise InputError(f"Nobody has answered the study in {str(folder)!r} yet.", "Analyse it when people have taken part.")
    wanted = {name: sum(one.part == "main" for one in frozen.trials(sequence)) for name, sequence in begun.items()}
    options = AnalysisOptions(methods=_methods(frozen), samples=samples, mixed=mixed, seed=seed)
    results = analyse(responses, frozen.study.exclusion, wanted, options, watch.stage("analysing"))
    report = assemble(frozen.study, frozen.hash, results, simulated=simulated, withdrawn=withdrawn, command=command, seed=seed)
    left_out = {one["participant"] for one in report["people"]["left_out"]}
    kept = [one for one in responses if one.participant not in left_out]

    def file_of(picture: str) -> str:
        return Path(os.path.relpath(frozen.picture_path(picture).absolute(), target.absolute())).as_posix()

    texts = {
        PAGE: write_page(report),
        DOCUMENT: json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        NORMS: norms_csv(report["norms"], file_of) if report["norms"] else "",
        RATINGS: ratings_csv(kept, file_of),
    }
    with atomic_folder(target, lambda: check_report_folder(target, force)) as temporary:
        for name, text in texts.items():
            if text:
                (temporary / name).write_text(text, encoding="utf-8", newline="")
    return Reported(files=tuple(target / name for name, text in texts.items() if text), report=report)


def _methods(frozen: Frozen) -> tuple[str, ...]:
    """In the order of the study's pictures: the first one named is what the others are compared with."""
    return tuple(dict.fromkeys(one.method for one in frozen.units.pictures.values()))
