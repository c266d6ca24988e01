"""What a study has people judge: sets, sheets, pictures, comparisons or pairs of prompts, made from pictures and tables."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from emoticrafter.coordinates import on_plane
from emoticrafter.data.sheets import find_file, read_sheet
from emoticrafter.data.values import number
from emoticrafter.errors import InputError
from emoticrafter.files import user_path
from emoticrafter.inputs.named import below, file_hash
from emoticrafter.panel.images import StudyPicture, find_pictures
from emoticrafter.panel.study import Study

__all__ = ["Unit", "Units", "find_units"]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What is judged at once.

    content, condition and axis: its place in the design; a unit is what one content is under one condition (a method, or a pair
    of them) on one axis. pictures: ids, in the order of their emotions. neutral: of pairs of prompts, whose prompt is the
    emotional one.
    """

    id: str
    content: str
    condition: str
    axis: str | None
    pictures: tuple[str, ...]
    prompt: str | None
    prompt_id: str | None
    seed: int | None
    neutral: str | None = None
    valence: float | None = None
    arousal: float | None = None


@dataclass(frozen=True, kw_only=True)
class Units:
    """All units of a study, crossed: every content is there under every condition and on every axis.

    pictures: those that the units show, by id. left_out: sentences on what could not be used.
    """

    contents: tuple[str, ...]
    conditions: tuple[str, ...]
    axes: tuple[str | None, ...]
    units: tuple[Unit, ...]
    pictures: Mapping[str, StudyPicture]
    left_out: tuple[str, ...] = ()
    by_place: Mapping[tuple[str, str, str | None], Unit] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = {(one.content, one.condition, one.axis): one for one in self.units}
        object.__setattr__(self, "by_place", places)


def find_units(study: Study, folder: Path) -> Units:
    """What the study asks people about. folder: that of the study's file. Raises MissingError and InputError."""
    if study.kind == "validate-pairs":
        return _pairs(study, folder)
    pictures = find_pictures(study.pictures, folder)
    methods = tuple(dict.fromkeys(one.method for one in pictures))
    made = _MAKERS[study.kind](study, pictures)
    if study.kind == "compare":
        conditions = tuple(_versus(*pair) for pair in combinations(methods, 2))
        if not conditions:
            raise InputError(f"All pictures are of one method, {methods[0]!r}.", "Add a table [[pictures]] of another method.")
    else:
        conditions = methods
    axes: tuple[str | None, ...] = study.rank.axes if study.kind == "rank" else (None,)
    return _crossed(made, conditions, axes, pictures, _NEEDS[study.kind])


def _crossed(
    made: Sequence[Unit],
    conditions: tuple[str, ...],
    axes: tuple[str | None, ...],
    pictures: Iterable[StudyPicture],
    needs: str,
) -> Units:
    places: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    for one in made:
        places[one.content].add((one.condition, one.axis))
    whole = len(conditions) * len(axes)
    contents = tuple(content for content, found in places.items() if len(found) == whole)
    if not contents:
        raise InputError(f"No content of the study is whole: {needs}.", "Draw what is missing, or name fewer sources.")
    kept = set(contents)
    units = tuple(one for one in made if one.content in kept)
    shown = {name for one in units for name in one.pictures}
    lost = len(places) - len(contents)
    note = f"{lost} of {len(places)} contents are left out, which not every method has: {needs}."
    return Units(
        contents=contents,
        conditions=conditions,
        axes=axes,
        units=units,
        pictures={one.id: one for one in pictures if one.id in shown},
        left_out=(note,) if lost else (),
    )


def _single(study: Study, pictures: Sequence[StudyPicture]) -> list[Unit]:
    return [
        _unit(_content(one), one.method, None, [one], id=one.id, valence=one.valence, arousal=one.arousal) for one in pictures
    ]


def _sets(study: Study, pictures: Sequence[StudyPicture]) -> list[Unit]:
    """Sets along each axis, at the other one's fixed value: so many pictures, spread over the values that there are."""
    found = []
    for axis in study.rank.axes:
        other = "arousal" if axis == "valence" else "valence"
        rows: dict[tuple[str, str], list[StudyPicture]] = defaultdict(list)
        for one in pictures:
            if one.prompt_id and getattr(one, axis) is not None and getattr(one, other) == study.rank.other:
                rows[one.method, _digits(one.prompt_id, one.seed)].append(one)
        for (method, content), row in rows.items():
            row = sorted(row, key=lambda one: getattr(one, axis))
            if len(row) >= study.rank.size:
                last = study.rank.size - 1
                chosen = [row[round(i * (len(row) - 1) / last)] for i in range(study.rank.size)]
                found.append(_unit(content, method, axis, chosen))
    return found


def _sheets(study: Study, pictures: Sequence[StudyPicture]) -> list[Unit]:
    """Whole grids of valence by arousal: rows of arousal from high to low, columns of valence rising."""
    grids: dict[tuple[str, str], list[StudyPicture]] = defaultdict(list)
    for one in pictures:
        if one.prompt_id and one.valence is not None and one.arousal is not None:
            grids[one.method, _digits(one.prompt_id, one.seed)].append(one)
    found = []
    for (method, content), grid in grids.items():
        sides = [len({getattr(one, axis) for one in grid}) for axis in ("valence", "arousal")]
        if min(sides) >= 2 and max(sides) <= 9 and sides[0] * sides[1] == len(grid):
            found.append(_unit(content, method, None, sorted(grid, key=lambda one: (-(one.arousal or 0), one.valence))))
    return found


def _comparisons(study: Study, pictures: Sequence[StudyPicture]) -> list[Unit]:
    methods = dict.fromkeys(one.method for one in pictures)
    by_content: dict[str, dict[str, StudyPicture]] = defaultdict(dict)
    for one in pictures:
        if one.prompt_id and one.valence is not None and one.arousal is not None:
            by_content[_content(one)][one.method] = one
    found = []
    for content, drawn in by_content.items():
        for first, second in combinations([one for one in methods if one in drawn], 2):
            pair = [drawn[first], drawn[second]]
            found.append(_unit(content, _versus(first, second), None, pair, valence=pair[0].valence, arousal=pair[0].arousal))
    return found


def _pairs(study: Study, folder: Path) -> Units:
    named = study.validate_pairs.pairs
    sheet = read_sheet(find_file(_beside(folder, named), ("pairs.parquet", "pairs.csv"), "a table of pairs"), marked=True)
    needed = ["id", "neutral_prompt", "emotional_prompt", "valence", "arousal"]
    columns = sheet.find([*needed, "picture"])
    sheet.require(needed, columns, "It is the table of `emoticrafter data`, or has its columns.")
    root = _beside(folder, study.validate_pairs.pictures) if study.validate_pairs.pictures else None
    units, pictures, seen = [], [], set()
    for line in sheet.rows:
        if line.fault:
            raise sheet.fault(line)
        cells = {name: line.cells[at].strip() for name, at in columns.items()}
        where = f"{sheet.path.name!r}, {sheet.unit} {line.line}"
        emotion = {axis: on_plane(number(cells[axis])) for axis in ("valence", "arousal")}
        if None in emotion.values() or not all(cells[name] for name in needed):
            raise InputError(f"{where} lacks a value, or its emotion is outside -3 to 3.", "Mend the line, or take it out.")
        if cells["id"] in seen:
            raise InputError(f"{where} has the id {cells['id'][:60]!r} a second time.", "Give each pair its own.")
        seen.add(cells["id"])
        beside = []
        if root is not None and cells.get("picture"):
            file = below(root, cells["picture"], "picture")
            sha256 = file_hash(file, "picture")
            beside.append(
                StudyPicture(
                    id=_digits(sha256, cells["id"]), method="", prompt=cells["emotional_prompt"], prompt_id=cells["id"],
                    valence=emotion["valence"], arousal=emotion["arousal"], seed=None, file=cells["picture"], sha256=sha256,
                    path=str(file),
                )
            )  # fmt: skip
        pictures += beside
        units.append(
            Unit(
                id=_digits("pair", cells["id"]), content=_digits("pair", cells["id"]), condition="", axis=None,
                pictures=tuple(one.id for one in beside), prompt=cells["emotional_prompt"], prompt_id=cells["id"], seed=None,
                neutral=cells["neutral_prompt"], **emotion,
            )
        )  # fmt: skip
    return _crossed(units, ("",), (None,), pictures, "the table has no pair")


def _unit(
    content: str, condition: str, axis: str | None, pictures: Sequence[StudyPicture], *, id: str | None = None, **emotion: Any
) -> Unit:
    return Unit(
        id=id or _digits(content, condition, axis),
        content=content,
        condition=condition,
        axis=axis,
        pictures=tuple(one.id for one in pictures),
        prompt=pictures[0].prompt or None,
        prompt_id=pictures[0].prompt_id or None,
        seed=pictures[0].seed,
        **emotion,
    )


def _content(picture: StudyPicture) -> str:
    """Of a single picture: all that is no method. Pictures of no prompt are contents of their own."""
    if not picture.prompt_id:
        return _digits(picture.id)
    return _digits(picture.prompt_id, picture.valence, picture.arousal, picture.seed)


def _digits(*told: Any) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def _versus(first: str, second: str) -> str:
    return f"{first} : {second}"


def _beside(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).exists() else user_path(name)


_MAKERS: dict[str, Callable[[Study, Sequence[StudyPicture]], list[Unit]]] = {
    "rate": _single, "rank": _sets, "rate-sets": _sheets, "compare": _comparisons,
}  # fmt: skip
_NEEDS = {
    "rate": "each emotion of each prompt by every method",
    "rank": "a row of pictures along each axis, at the other axis' value rank.other, by every method",
    "rate-sets": "a whole grid of valences by arousals by every method",
    "compare": "each emotion of each prompt by every method",
}
