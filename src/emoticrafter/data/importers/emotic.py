"""EMOTIC: `Annotations.mat` with the arrays train, val and test; every person rated from 1 to 10.

Kosti, Alvarez, Recasens & Lapedriza (2019), "Context Based Emotion Recognition using EMOTIC Dataset", TPAMI 42. Access is gated.
Each image has filename, folder, image_size and person, one record or an array; each person has `annotations_continuous` in
train and `combined_continuous` in val and test, with valence, arousal and dominance, and its categories beside them.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from emoticrafter.data.reports import ImportLedger
from emoticrafter.data.sheets import find_file
from emoticrafter.data.values import folder_path, on_scale
from emoticrafter.errors import InputError, reason_of
from emoticrafter.inputs.named import read_file

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load"]

CENTRE, STEP = 5.5, 1.5  # of the scale 1 to 10
SPLITS = ("train", "val", "test")
_MAX_BYTES = 1 << 30  # of the file; EMOTIC's has 5 million
_AXES = ("valence", "arousal", "dominance")


def load(source: Path, ledger: ImportLedger) -> pd.DataFrame:
    """The table of annotations (data.tables), (x - 5.5) / 1.5 on all axes, averaged over the people of a picture.

    `people`, a column of its own, is how many were averaged; raters and spreads are null, for those of several people are not
    one another's. The tag holds the categories of all people, split by "; ". A person without valid ratings is left out, an image
    without such a person dropped. `line` in the report is the place of the image in its split.
    source: the file, or the folder that holds it. Raises MissingError and InputError.
    """
    import pandas as pd

    path = find_file(source, ["Annotations.mat", "Annotations/Annotations.mat"], "Annotations.mat, which its authors send you")
    splits = _read(path)
    ledger.unit = "image"
    seen: set[str] = set()
    rows: list[dict[str, Any]] = []
    for split, images in splits.items():
        ledger.read += len(images)
        for line, image in enumerate(images, 1):
            made = _annotation(line, image, split, ledger, seen)
            if made is not None:
                rows.append(made)
    ledger.notes.append(f"{sum(row['people'] > 1 for row in rows)} pictures with several people, who were averaged")
    columns = ["id", "picture", "valence", "arousal", "dominance", "dataset", "tag", "split", "people"]
    return pd.DataFrame(rows, columns=columns)


def _read(path: Path) -> dict[str, list[Any]]:
    """The images of each split; raises InputError for a file that is not as EMOTIC's."""
    from scipy.io import loadmat

    data = read_file(path, _MAX_BYTES, cure="Fetch Annotations.mat again.")
    try:
        held = loadmat(io.BytesIO(data), simplify_cells=True, variable_names=list(SPLITS))
    except NotImplementedError as error:  # MATLAB 7.3 is HDF5
        raise InputError(f"{path.name!r} is a MATLAB 7.3 file.", "Save it again in MATLAB with `-v7`.") from error
    except Exception as error:  # damaged files fail anywhere in the reader
        hint = "Fetch Annotations.mat again."
        raise InputError(f"{path.name!r} cannot be read as a MATLAB file: {reason_of(error)}.", hint) from error
    splits = {split: _several(held[split]) for split in SPLITS if split in held}
    if not any(splits.values()):
        raise InputError(
            f"{path.name!r} holds none of the arrays {', '.join(SPLITS)}, or nothing in them.", "Give EMOTIC's Annotations.mat."
        )
    return splits


def _annotation(line: int, image: Any, split: str, ledger: ImportLedger, seen: set[str]) -> dict[str, Any] | None:
    fields = image if isinstance(image, dict) else {}
    given = (fields.get(name) for name in ("folder", "filename"))
    names = [name.strip() if isinstance(name, str) else "" for name in given]  # an empty text comes as an empty array
    picture = folder_path("/".join(["emotic", *names])) if all(names) else None
    if picture is None:
        ledger.drop(line, "", "image has no folder and filename below the data set's folder", split, "/".join(names))
        return None
    id = picture
    if id in seen:
        ledger.drop(line, id, "image comes twice", split)
        return None
    people, faults = [], []
    for number, person in enumerate(_several(fields.get("person")), 1):
        ratings, fault = _ratings(person)
        if fault:
            faults.append((f"{split}.person({number})", *fault))
        else:
            people.append((ratings, person))
    if not people:
        column, reason, before = faults[0] if faults else (f"{split}.person", "image has no person", "")
        ledger.drop(line, id, reason, column, before)
        return None
    for column, reason, before in faults:
        ledger.change(line, id, f"person left out: {reason}", column, before)
    seen.add(id)
    tags = dict.fromkeys(tag for _, person in people for tag in _categories(person))
    return {
        "id": id,
        "picture": picture,
        **{axis: _mean([ratings[axis] for ratings, _ in people]) for axis in _AXES},
        "dataset": "emotic",
        "tag": "; ".join(tags) or None,
        "split": split,
        "people": len(people),
    }


def _ratings(person: Any) -> tuple[dict[str, float], tuple[str, str] | None]:
    """A person on our scale, averaged over several annotators if they were not combined; or the reason and value why not.

    Dominance may be NaN.
    """
    fields = person if isinstance(person, dict) else {}
    given = [one for one in _several(fields.get("combined_continuous")) if isinstance(one, dict)]
    given = given or [one for one in _several(fields.get("annotations_continuous")) if isinstance(one, dict)]
    if not given:
        return {}, ("person has no ratings", "")
    ratings = {}
    for axis in _AXES:
        scaled = [(on_scale(str(one.get(axis, "")), CENTRE, STEP), one.get(axis, "")) for one in given]
        faulty = next(((f"{axis} {rating.fault}", str(value)) for rating, value in scaled if rating.fault), None)
        if faulty and axis != "dominance":
            return {}, faulty
        ratings[axis] = math.nan if faulty else mean(rating.value for rating, _ in scaled)
    return ratings, None


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return mean(known) if known else math.nan


def _categories(person: dict[str, Any]) -> Iterator[str]:
    """All words below `combined_categories`, else `annotations_categories`: MATLAB nests them as it likes."""
    yield from _words(person.get("combined_categories")) or _words(person.get("annotations_categories"))


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [word] if (word := " ".join(value.replace(";", ",").split())) else []
    many = isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0
    inner = list(value.values()) if isinstance(value, dict) else _several(value) if many else []
    return [word for one in inner for word in _words(one)]


def _several(value: Any) -> list[Any]:
    """One or many, as a list: a single record comes without its array, an empty one as an empty array."""
    if value is None:
        return []
    if isinstance(value, str | bytes | dict | int | float):
        return [value]
    return list(value.ravel() if hasattr(value, "ravel") else value)
