"""Annotated pictures of one's own: any CSV, TSV, JSONL or parquet with a valence and an arousal per row, on any scale."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emoticrafter.data.reports import ImportLedger
from emoticrafter.data.sheets import Sheet, SheetRow, read_sheet
from emoticrafter.data.values import folder_path, number, on_scale
from emoticrafter.emotion import LIMIT
from emoticrafter.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CAPTION", "NEEDED", "OPTIONAL", "Scale", "load"]

CAPTION = "caption"  # a column of its own, beside those of data.tables: what is to be seen
NEEDED = ("valence", "arousal")
OPTIONAL = ("id", "picture", "dominance", "valence_sd", "arousal_sd", "raters", "dataset", "tag", "split", CAPTION)
_SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The ends of the scale that people rated on; both coordinates are brought from it to -3 .. 3."""

    low: float = -LIMIT
    high: float = LIMIT

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InputError(
                f"The scale runs from {self.low:g} to {self.high:g}.", "Give its lowest and its highest rating: --scale 1:9."
            )

    @classmethod
    def parse(cls, text: str) -> Scale:
        """Read LOW:HIGH; raises InputError."""
        ends = [number(part) for part in re.split(r"\s*:\s*", text.strip())]
        if len(ends) != 2 or any(math.isnan(end) for end in ends):
            raise InputError(f"The scale {text[:40]!r} is not LOW:HIGH.", "Write, for instance, --scale 1:9.")
        return cls(low=ends[0], high=ends[1])

    @property
    def centre(self) -> float:
        return (self.low + self.high) / 2

    @property
    def step(self) -> float:
        """What one unit of ours is on this scale."""
        return (self.high - self.low) / (2 * LIMIT)


def load(
    path: Path,
    ledger: ImportLedger,
    *,
    columns: Mapping[str, str] | None = None,
    dataset: str | None = None,
    scale: Scale | None = None,
) -> pd.DataFrame:
    """The table of annotations (data.tables), with `caption` as a column of its own; (x - centre) / step on all axes.

    columns: names of the file by our name, where they differ by more than case and punctuation. dataset: for rows that name
    none; by default the file's name. scale: by default -3 to 3. Spreads are divided by the step. A row without an id gets its
    line's number. Raises MissingError and InputError.
    """
    import pandas as pd

    sheet = read_sheet(path, warn=None)
    found = sheet.find([*NEEDED, *OPTIONAL], columns)
    sheet.require(NEEDED, found, "Say which of its columns are meant: --column valence=THEIRS, and so on.")
    ledger.unit, ledger.read = sheet.unit, len(sheet.rows)
    ledger.notes += sheet.notes
    if others := [name for i, name in enumerate(sheet.columns) if name and i not in found.values()]:
        ledger.notes.append(f"columns that are not used: {', '.join(others)}")
    reader = _Reader(sheet=sheet, found=found, ledger=ledger, dataset=dataset or path.stem, scale=scale or Scale(), seen=set())
    made = [one for row in sheet.rows if (one := reader.read(row)) is not None]
    return pd.DataFrame(made, columns=[*NEEDED, *OPTIONAL])


@dataclass(frozen=True, kw_only=True)
class _Reader:
    sheet: Sheet
    found: dict[str, int]
    ledger: ImportLedger
    dataset: str
    scale: Scale
    seen: set[str]

    def read(self, row: SheetRow) -> dict[str, object] | None:
        """The annotation of a row, or None with the reason in the ledger."""
        if row.fault:
            self.ledger.drop(row.line, "", row.fault, before=row.raw)
            return None
        cell = {name: " ".join(row.cells[i].split()) for name, i in self.found.items()}
        dataset = cell.get("dataset") or self.dataset
        own = cell.get("id") or str(row.line)
        id = own if own.startswith(f"{dataset}/") else f"{dataset}/{own}"
        if id in self.seen:
            self._dropped(row, id, "id comes twice", "id")
            return None
        ratings = {}
        for axis in ("valence", "arousal", "dominance"):
            if axis == "dominance" and not cell.get(axis):
                continue
            rating = on_scale(cell[axis], self.scale.centre, self.scale.step)
            if rating.fault:
                self._dropped(row, id, f"{axis} {rating.fault}", axis)
                return None
            if rating.remark:
                after = f"{rating.value * self.scale.step + self.scale.centre:g}"
                self.ledger.change(row.line, id, rating.remark, self._column(axis), cell[axis], after)
            ratings[axis] = rating.value
        picture = folder_path(cell["picture"]) if cell.get("picture") else None
        if cell.get("picture") and picture is None:
            self._dropped(row, id, "picture is no path below a folder", "picture")
            return None
        split = cell.get("split", "").lower() or None
        if split is not None and split not in _SPLITS:
            self._dropped(row, id, f"split is none of {', '.join(_SPLITS)}", "split")
            return None
        self.seen.add(id)
        for name in ("tag", CAPTION):
            if name in cell and cell[name] != row.cells[self.found[name]]:
                self.ledger.change(row.line, id, "stray spaces", self._column(name), row.cells[self.found[name]], cell[name])
        raters = number(cell.get("raters", ""))
        return {
            "id": id,
            "picture": picture,
            **ratings,
            **{f"{axis}_sd": number(cell.get(f"{axis}_sd", "")) / self.scale.step for axis in ("valence", "arousal")},
            "raters": None if math.isnan(raters) else int(raters),
            "dataset": dataset,
            "tag": cell.get("tag") or None,
            "split": split,
            CAPTION: cell.get(CAPTION) or None,
        }

    def _dropped(self, row: SheetRow, id: str, reason: str, name: str) -> None:
        self.ledger.drop(row.line, id, reason, self._column(name), row.cells[self.found[name]] if name in self.found else "")

    def _column(self, name: str) -> str:
        return self.sheet.columns[self.found[name]] if name in self.found else name
