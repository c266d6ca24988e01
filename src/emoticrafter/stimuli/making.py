"""A set from its design: drawn, read, measured, chosen, checked, written. Killed at any point, the same call goes on.

SET/candidates/   all that was drawn, a batch's folder; may go once the set is done
SET/pictures/     the set, each picture with its recipe
SET/set.html      what is looked at; set.json the same for programs
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoticrafter.errors import InputError
from emoticrafter.evaluation.cases import people_seen
from emoticrafter.files import atomic_folder, atomic_path, check_folder
from emoticrafter.inputs.named import check_file
from emoticrafter.inputs.pictures import read_picture
from emoticrafter.inputs.records import plain_json
from emoticrafter.locks import LOCK, busy, hold
from emoticrafter.settings import as_dict
from emoticrafter.stimuli.candidates import Candidate, draw_candidates
from emoticrafter.stimuli.choosing import SetChoice, choose
from emoticrafter.stimuli.constraints import checked_wishes, confounds, property_spreads
from emoticrafter.stimuli.design import PROPERTIES, StimulusDesign
from emoticrafter.stimuli.exports import NORMS, export_texts, rated_norms
from emoticrafter.stimuli.properties import distances, measure, thumbnail
from emoticrafter.stimuli.set_page import write_page
from emoticrafter.version import installed_version
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from emoticrafter.evaluation.readings import Judges
    from emoticrafter.method import Method

__all__ = ["MadeSet", "check_set_folder", "make_set"]

CANDIDATES, PICTURES, PAGE, DOCUMENT = "candidates", "pictures", "set.html", "set.json"
FORMAT, VERSION = "emoticrafter-stimuli", 1
WRONG_PEOPLE = 3.0  # what people who are not asked for, or missing, cost, as units of a feeling that is off
_OURS = {
    CANDIDATES,
    PICTURES,
    PAGE,
    DOCUMENT,
    NORMS,
    LOCK,
    "pictures.csv",
    "study.toml",
    "psychopy",
    "jspsych",
    "methods.md",
    "LICENSE.md",
}
BATCH = 64


@dataclass(frozen=True, kw_only=True)
class MadeSet:
    """folder: of the set. report: the document that is in set.json."""

    folder: Path
    report: Mapping[str, Any]


def check_set_folder(out: str | os.PathLike[str]) -> Path:
    """The folder, before any work. Raises OutputError, and InputError for one that holds other things than a set."""
    target = check_folder(out)
    inside = {path.name for path in target.iterdir()} - _OURS if target.exists() else set()
    if others := sorted(name for name in inside if not name.startswith(".")):
        raise InputError(f"The folder {str(target)!r} holds other files: {others[0]!r}.", "Give another one with --out.")
    return target


def make_set(
    design: StimulusDesign,
    method: Method,
    judges: Judges,
    out: str | os.PathLike[str],
    *,
    norms: Path | None = None,
    command: str = "",
    doubt: str | None = None,
    watch: Watch = SILENT,
) -> MadeSet:
    """Make the set, or make again what is there of it. norms: of people who rated it, by `panel analyse`.

    doubt: what is to be said of the judge. Raises StoppedError where the caller ended it, InputError where no choice of the
    candidates holds what must hold, and what `batch.run_batch` does.
    """
    folder = check_set_folder(out)
    if norms is not None:
        check_file(norms, "norms")
    folder.mkdir(parents=True, exist_ok=True)
    with hold(folder / LOCK, *busy(folder)):
        candidates = draw_candidates(design, method, folder / CANDIDATES, watch)
        rows = _read(design, candidates, judges, watch)
        apart = distances([row.pop("thumbnail") for row in rows])
        choice = _choose(design, rows, apart)
        chosen = _named(design, rows, choice, apart)
        rated = rated_norms(norms, chosen) if norms is not None else {}
        for row in chosen:
            row |= rated.get(row["file"], {})
        report = _report(design, rows, chosen, choice, judges, len(rated), command, doubt)
        _write(folder, design, chosen, [candidates[i] for i in choice.chosen], report)
    return MadeSet(folder=folder, report=report)


def _read(design: StimulusDesign, candidates: Sequence[Candidate], judges: Judges, watch: Watch) -> list[dict[str, Any]]:
    """A row for each candidate: what was asked for, what was read, what was measured, and its thumbnail."""
    step = watch.stage("reading")
    rows: list[dict[str, Any]] = []
    for start in range(0, len(candidates), BATCH):
        watch.check()
        part = candidates[start : start + BATCH]
        images = [read_picture(one.file) for one in part]
        read = judges.emotion.emotions(images)
        seen = judges.content.contents(images) if judges.content is not None else [None] * len(part)
        for one, image, (valence, arousal), content in zip(part, images, read.tolist(), seen, strict=True):
            wanted = design.contents[one.content]
            rows.append(
                {
                    "cell": one.cell, "content": one.content, "prompt": one.prompt, "people": wanted.people, "method": one.method,
                    "seed": one.seed, "valence_asked": one.valence, "arousal_asked": one.arousal, "valence_judged": valence,
                    "arousal_judged": arousal, **measure(image), "people_seen": people_seen(content) if content else None,
                    "sha256": one.sha256, "thumbnail": thumbnail(image),
                }
            )  # fmt: skip
        step(len(rows), len(candidates))
    return rows


def _choose(design: StimulusDesign, rows: Sequence[Mapping[str, Any]], apart: np.ndarray) -> SetChoice:
    spreads = property_spreads(rows, design.matching.properties)
    properties = np.array([[(row[name] - mean) / sd for name, (mean, sd) in spreads.items()] for row in rows])
    errors = np.array([max(abs(row[f"{axis}_judged"] - row[f"{axis}_asked"]) for axis in ("valence", "arousal")) for row in rows])
    errors += WRONG_PEOPLE * np.array([row["people_seen"] not in (None, row["people"]) for row in rows])
    share = design.balance.people
    return choose(
        np.array([row["cell"] for row in rows]),
        np.array([row["content"] for row in rows]),
        np.array([row["people"] for row in rows]),
        errors,
        properties.reshape(len(rows), -1),
        [(int(i), int(j)) for i, j in np.argwhere(np.triu(apart < design.matching.apart, 1))],
        per_cell=design.set.per_cell,
        tolerance=design.plane.tolerance,
        balanced=design.balance.contents,
        with_people=None if share is None else round(share * design.set.per_cell),
        matching=design.matching.weight,
        matching_tolerance=design.matching.tolerance,
    )


def _named(
    design: StimulusDesign, rows: Sequence[Mapping[str, Any]], choice: SetChoice, apart: np.ndarray
) -> list[dict[str, Any]]:
    """The rows of the set, in the order of cells, each with its file and its distance from the nearest other."""
    own = apart[np.ix_(choice.chosen, choice.chosen)].copy()
    np.fill_diagonal(own, np.inf)
    made, counts = [], dict.fromkeys(range(len(design.cells)), 0)
    for place, i in enumerate(choice.chosen):
        row = dict(rows[i])
        cell = design.cells[row["cell"]]
        counts[row["cell"]] += 1
        row["file"] = f"{PICTURES}/v{cell.valence:+g}_a{cell.arousal:+g}_{counts[row['cell']]:02d}.png"
        row["nearest"] = float(own[place].min()) if len(own) > 1 else None
        made.append(row)
    return made


def _report(
    design: StimulusDesign,
    rows: Sequence[Mapping[str, Any]],
    chosen: Sequence[Mapping[str, Any]],
    choice: SetChoice,
    judges: Judges,
    rated: int,
    command: str,
    doubt: str | None,
) -> dict[str, Any]:
    names = design.matching.properties
    nearest = min((row["nearest"] for row in chosen if row["nearest"] is not None), default=float("inf"))
    spreads = property_spreads(rows, PROPERTIES)
    return {
        "format": FORMAT,
        "version": VERSION,
        "design": as_dict(design),
        "made": {"command": command, "emoticrafter": installed_version()},
        "judges": {"emotion": dict(judges.emotion.describe()), "trust": judges.emotion.trust.as_dict(), "doubt": doubt},
        "candidates": len(rows),
        "choice": {"cost": choice.cost, "gap": choice.gap},
        "wishes": checked_wishes(design, chosen, spreads, nearest),
        "confounds": confounds(chosen, names),
        "cells": [
            {
                "valence": cell.valence,
                "arousal": cell.arousal,
                **{
                    name: float(np.mean([row[name] for row in chosen if row["cell"] == number]))
                    for name in ("valence_judged", "arousal_judged", *PROPERTIES)
                },
            }
            for number, cell in enumerate(design.cells)
        ],
        "rated": rated,
        "pictures": [{**row, "content": design.contents[row["content"]].name or row["prompt"]} for row in chosen],
    }


def _write(
    folder: Path,
    design: StimulusDesign,
    chosen: Sequence[Mapping[str, Any]],
    candidates: Sequence[Candidate],
    report: Mapping[str, Any],
) -> None:
    with atomic_folder(folder / PICTURES) as temporary:
        for row, candidate in zip(chosen, candidates, strict=True):
            shutil.copyfile(candidate.file, temporary / Path(row["file"]).name)
    texts = export_texts(design, report["pictures"], report)
    texts[PAGE] = write_page(design, report, folder)
    texts[DOCUMENT] = json.dumps(plain_json(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    for name, text in texts.items():
        with atomic_path(folder / name, force=True) as path:
            path.write_text(text, encoding="utf-8", newline="")
