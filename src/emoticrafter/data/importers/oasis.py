"""OASIS: `OASIS.csv`, 900 pictures rated on valence and arousal from 1 to 7.

Kurdi, Lozano & Banaji (2017), "Introducing the Open Affective Standardized Image Set", Behav. Res. Methods 49.
Columns: an unnamed index, Theme, Category, Source, Valence_mean, Valence_SD, Valence_N, Arousal_mean, Arousal_SD, Arousal_N.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from emoticrafter.data.reports import ImportLedger
from emoticrafter.data.sheets import Sheet, SheetRow, find_file, read_sheet
from emoticrafter.data.values import number, on_scale

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load"]

CENTRE = 4.0  # of the scale 1 to 7
_NEEDED = ("theme", "valence_mean", "arousal_mean")
_OTHERS = ("category", "valence_sd", "arousal_sd", "valence_n", "arousal_n")


def load(source: Path, ledger: ImportLedger) -> pd.DataFrame:
    """The table of annotations (data.tables), x - 4 on both axes, with the pictures' `category` as a column of its own.

    source: the file, or the folder that holds it. The picture of a theme is `<Theme>.jpg`, its tag the theme without its number;
    raters is the smaller of the two counts. Raises MissingError and InputError.
    """
    import pandas as pd

    path = find_file(source, ["OASIS.csv", "oasis.csv"], "OASIS.csv, which comes with the pictures")
    sheet = read_sheet(path, ".csv", warn=None)
    found = sheet.find([*_NEEDED, *_OTHERS])
    sheet.require(_NEEDED, found, "Give OASIS.csv as its authors publish it.")
    ledger.read = len(sheet.rows)
    ledger.notes += sheet.notes
    seen: set[str] = set()
    made = (_annotation(row, sheet, found, ledger, seen) for row in sheet.rows)
    columns = ["id", "picture", "valence", "arousal", "valence_sd", "arousal_sd", "raters", "dataset", "tag", "category"]
    return pd.DataFrame([one for one in made if one is not None], columns=columns)


def _annotation(
    row: SheetRow, sheet: Sheet, found: dict[str, int], ledger: ImportLedger, seen: set[str]
) -> dict[str, object] | None:
    if row.fault:
        ledger.drop(row.line, "", row.fault, before=row.raw)
        return None
    cell = {name: row.cells[i] for name, i in found.items()}
    theme = " ".join(cell["theme"].split())
    id = f"oasis/{theme}"
    if not theme or "/" in theme or "\\" in theme:
        ledger.drop(row.line, id, "theme is no file name" if theme else "theme is empty", sheet.columns[found["theme"]], theme)
        return None
    if id in seen:
        ledger.drop(row.line, id, "theme comes twice", sheet.columns[found["theme"]], cell["theme"])
        return None
    ratings = {axis: on_scale(cell[f"{axis}_mean"], CENTRE) for axis in ("valence", "arousal")}
    for axis, rating in ratings.items():
        if rating.fault:
            ledger.drop(row.line, id, f"{axis} {rating.fault}", sheet.columns[found[f"{axis}_mean"]], cell[f"{axis}_mean"])
            return None
    if row.raw:
        ledger.change(row.line, id, "quotes do not close", before=row.raw, after=" | ".join(row.cells))
    if theme != cell["theme"]:
        ledger.change(row.line, id, "stray spaces", sheet.columns[found["theme"]], cell["theme"], theme)
    for axis, rating in ratings.items():
        if rating.remark:
            before = cell[f"{axis}_mean"]
            ledger.change(row.line, id, rating.remark, sheet.columns[found[f"{axis}_mean"]], before, f"{rating.value + CENTRE:g}")
    seen.add(id)
    counts = [number(cell[name]) for name in ("valence_n", "arousal_n") if name in cell]
    raters = min((int(count) for count in counts if not math.isnan(count)), default=None)
    return {
        "id": id,
        "picture": f"{theme}.jpg",
        **{axis: rating.value for axis, rating in ratings.items()},
        **{f"{axis}_sd": number(cell.get(f"{axis}_sd", "")) for axis in ratings},
        "raters": raters,
        "dataset": "oasis",
        "tag": re.sub(r"\s*\d+$", "", theme) or theme,
        "category": " ".join(cell.get("category", "").split()) or None,
    }
