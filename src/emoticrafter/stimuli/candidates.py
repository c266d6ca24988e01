"""The candidates: more pictures than the set needs, through `emoticrafter.batch`, in a folder that a killed run takes up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.batch import Row, plan_rows, read_index, run_batch
from emoticrafter.errors import StoppedError
from emoticrafter.stimuli.design import StimulusDesign
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from emoticrafter.method import Method

__all__ = ["Candidate", "candidate_rows", "draw_candidates"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A picture to choose from. cell, content: their numbers in the design. file: on the disk; sha256: of it."""

    cell: int
    content: int
    prompt: str
    valence: float
    arousal: float
    seed: int
    method: str
    file: Path
    sha256: str


def candidate_rows(design: StimulusDesign) -> list[Row]:
    """Every content in every cell, from seeds of that cell alone: no layout of a content comes twice."""
    own = design.drawing
    settings = {name: getattr(own, name) for name in ("strength", "steps", "guidance", "size")}
    rows = []
    for number, cell in enumerate(design.cells):
        first = design.set.seed + number * own.candidates
        seeds = range(first, first + own.candidates)
        rows += plan_rows([one.prompt for one in design.contents], [cell], seeds, settings)
    return rows


def draw_candidates(design: StimulusDesign, method: Method, folder: Path, watch: Watch = SILENT) -> list[Candidate]:
    """Draw what is missing of them, and list all. Raises StoppedError where the caller ended it, and what `run_batch` does."""
    done = run_batch(method, candidate_rows(design), folder, watch=watch)
    if done.missing:
        raise StoppedError(f"{done.missing:,} of {done.rows:,} candidates are not drawn.", "The same command goes on from there.")
    found: dict[tuple[str, float, float, int], dict[str, Any]] = {}
    for row in read_index(folder).to_dict("records"):
        found[row["prompt"], row["valence"], row["arousal"], row["seed"]] = row
    prompts = [" ".join(one.prompt.split()) for one in design.contents]
    cells = {(one.valence, one.arousal): number for number, one in enumerate(design.cells)}
    candidates = []
    for row in candidate_rows(design):
        entry = found[row.prompt, row.valence, row.arousal, row.seed]
        own = Candidate(
            cell=cells[row.valence, row.arousal], content=prompts.index(row.prompt), prompt=row.prompt, valence=row.valence,
            arousal=row.arousal, seed=row.seed, method=str(entry["method"] or design.drawing.method),
            file=folder / entry["file"], sha256=entry["sha256"],
        )  # fmt: skip
        candidates.append(own)
    return candidates
