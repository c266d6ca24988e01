"""FindingEmo: `annotations_single.ann`, CSV with a row per annotator and picture; valence -3 to 3, arousal 0 to 6.

Mertens et al. (2024), "FindingEmo: An Image Dataset for Emotion Recognition in the Wild", NeurIPS Datasets and Benchmarks.
Its licence, CC BY-NC-SA 4.0, allows no commercial use. Columns are read by name: user, image_path, reject, valence, arousal,
emotion, datetime; others may be there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

from emoticrafter.data.reports import ImportLedger
from emoticrafter.data.sheets import Sheet, SheetRow, find_file, read_sheet
from emoticrafter.data.values import folder_path, on_scale

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load"]

_NEEDED = ("image_path", "reject", "valence", "arousal")
_OTHERS = ("user", "emotion", "datetime")
CENTRES = {"valence": 0.0, "arousal": 3.0}
_KEPT = {"keep", "kept", "false", "no", "0", "0.0", "", "nan", "none"}
_REJECTED = {"reject", "rejected", "true", "yes", "1", "1.0"}


@dataclass(frozen=True, kw_only=True)
class _Vote:
    """What one annotator said of one picture, on our scale."""

    line: int
    user: str
    valence: float
    arousal: float
    emotion: str
    when: str


def load(source: Path, ledger: ImportLedger) -> pd.DataFrame:
    """The table of annotations (data.tables): a row per picture, the annotators averaged.

    valence_sd and arousal_sd are their sample standard deviation, null for one annotator; raters is how many there are. The tag
    is the emotion that most of them named, on a tie the first by alphabet. Rejected rows are dropped; where one user annotated a
    picture more than once, the latest counts.
    source: the file, or the folder that holds it. Raises MissingError and InputError.
    """
    import pandas as pd

    path = find_file(source, ["annotations_single.ann"], "annotations_single.ann, which the authors publish")
    sheet = read_sheet(path, ".csv", warn=None)
    found = sheet.find([*_NEEDED, *_OTHERS])
    sheet.require(_NEEDED, found, "Give annotations_single.ann as its authors publish it.")
    ledger.read = len(sheet.rows)
    ledger.notes += sheet.notes
    votes: dict[str, list[_Vote]] = {}
    for row in sheet.rows:
        picture, vote = _vote(row, sheet, found, ledger)
        if picture is None or vote is None:
            continue
        earlier = [one for one in votes.get(picture, []) if vote.user and one.user == vote.user]
        if earlier:
            older, newer = sorted([earlier[0], vote], key=lambda one: (one.when, one.line))
            ledger.drop(older.line, f"findingemo/{picture}", "user annotated the picture again", "user", older.user)
            votes[picture] = [newer if one is earlier[0] else one for one in votes[picture]]
        else:
            votes.setdefault(picture, []).append(vote)
    several = sum(len(given) > 1 for given in votes.values())
    ledger.notes.append(
        f"{sum(map(len, votes.values()))} annotations of {len(votes)} pictures, {several} with several annotators"
    )
    columns = ["id", "picture", "valence", "arousal", "valence_sd", "arousal_sd", "raters", "dataset", "tag"]
    return pd.DataFrame([_annotation(picture, given) for picture, given in votes.items()], columns=columns)


def _vote(row: SheetRow, sheet: Sheet, found: dict[str, int], ledger: ImportLedger) -> tuple[str | None, _Vote | None]:
    """The picture and what is said of it; (None, None) where the row is dropped."""
    if row.fault:
        ledger.drop(row.line, "", row.fault, before=row.raw)
        return None, None
    cell = {name: row.cells[i].strip() for name, i in found.items()}
    picture = folder_path(cell["image_path"])
    id = f"findingemo/{picture or cell['image_path']}"
    reject = cell["reject"].casefold()
    ratings = {axis: on_scale(cell[axis], centre) for axis, centre in CENTRES.items()}
    refusals = [
        ("image_path", "path is empty or leads out of the data set's folder", picture is None),
        ("reject", "rejected by the annotator", reject in _REJECTED),
        ("reject", "reject says neither Keep nor Reject", reject not in _KEPT | _REJECTED),
        *((axis, f"{axis} {rating.fault}", bool(rating.fault)) for axis, rating in ratings.items()),
    ]
    for column, reason, refused in refusals:
        if refused:
            ledger.drop(row.line, id, reason, sheet.columns[found[column]], cell[column])
            return None, None
    if row.raw:
        ledger.change(row.line, id, "quotes do not close", before=row.raw, after=" | ".join(row.cells))
    for axis, rating in ratings.items():
        if rating.remark:
            after = f"{rating.value + CENTRES[axis]:g}"
            ledger.change(row.line, id, rating.remark, sheet.columns[found[axis]], cell[axis], after)
    return picture, _Vote(
        line=row.line,
        user=cell.get("user", ""),
        valence=ratings["valence"].value,
        arousal=ratings["arousal"].value,
        emotion=" ".join(cell.get("emotion", "").split()),
        when=cell.get("datetime", ""),
    )


def _annotation(picture: str, votes: list[_Vote]) -> dict[str, object]:
    valences, arousals = [vote.valence for vote in votes], [vote.arousal for vote in votes]
    named = Counter(vote.emotion for vote in votes if vote.emotion)
    return {
        "id": f"findingemo/{picture}",
        "picture": picture,
        "valence": mean(valences),
        "arousal": mean(arousals),
        "valence_sd": stdev(valences) if len(votes) > 1 else None,
        "arousal_sd": stdev(arousals) if len(votes) > 1 else None,
        "raters": len(votes),
        "dataset": "findingemo",
        "tag": min(named, key=lambda emotion: (-named[emotion], emotion), default=None),
    }
