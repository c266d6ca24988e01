"""The pictures of a study: found in a batch, in an evaluation's report, or by a CSV; each with what it was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoticrafter.batch.index import INDEX, read_index
from emoticrafter.coordinates import on_plane
from emoticrafter.data.sheets import read_sheet
from emoticrafter.data.values import number, whole
from emoticrafter.errors import InputError, MissingError
from emoticrafter.files import safe_name, user_path
from emoticrafter.inputs.named import below, file_hash
from emoticrafter.panel.study import PictureSource

__all__ = ["StudyPicture", "find_pictures"]

_REPORT, _DRAWN = "report.json", "work/pictures"  # as `emoticrafter evaluate` lays out its folder
_TABLES = (".csv", ".tsv", ".jsonl")
_HINT = "Give a batch's folder, the folder of an evaluation's report, or a CSV."
_COLUMNS = ("file", "valence", "arousal", "prompt", "prompt_id", "method", "seed")


@dataclass(frozen=True, kw_only=True)
class StudyPicture:
    """A picture and what it was asked for; valence, arousal and seed are None where that is not known.

    id: says nothing of the rest, so that people cannot read from an address what they are to judge. file: as its source names
    it. path: where it lies, "" once the study is frozen.
    """

    id: str
    method: str
    prompt: str
    prompt_id: str
    valence: float | None
    arousal: float | None
    seed: int | None
    file: str
    sha256: str
    path: str


def find_pictures(sources: Iterable[PictureSource], folder: Path) -> list[StudyPicture]:
    """The pictures of all sources in their order. folder: that of the study's file, where sources are looked for first.

    Raises MissingError and InputError, also for two pictures of one method, prompt, emotion and seed.
    """
    found: dict[tuple[Any, ...], StudyPicture] = {}
    for source in sources:
        for picture in _of_source(source, folder):
            known = (picture.prompt_id, picture.valence, picture.arousal, picture.seed)
            key = (picture.method, *(known if picture.prompt else (picture.file,)))
            if key in found:
                two = f"{picture.file!r} and {found[key].file!r}"
                raise InputError(
                    f"{two} are of one method, {picture.method!r}, one prompt, emotion and seed.",
                    "Give one of the sources another method, or take one of them out.",
                )
            found[key] = picture
    return list(found.values())


def _of_source(source: PictureSource, folder: Path) -> Iterator[StudyPicture]:
    beside = folder / source.source
    path = beside if beside.exists() else user_path(source.source)
    if not path.exists():
        raise MissingError(f"There are no pictures at {source.source!r}.", _HINT)
    if path.is_dir() and (path / _REPORT).is_file() and (path / _DRAWN).is_dir():
        yield from _of_report(path, source.method)
    elif path.is_dir() or path.name == INDEX:
        yield from _of_batch(path, source.method)
    elif path.suffix.lower() in _TABLES:
        yield from _of_table(path, source.method)
    else:
        raise InputError(f"{source.source!r} is no source of pictures.", _HINT)


def _of_batch(path: Path, method: str) -> Iterator[StudyPicture]:
    folder = path if path.is_dir() else path.parent
    for row in read_index(path).to_dict("records"):
        yield _picture(row | {"method": method or row["method"] or ""}, below(folder, row["file"], "picture"), row["sha256"])


def _of_report(path: Path, method: str) -> Iterator[StudyPicture]:
    """What a report's methods drew: a batch each, in folders METHOD-KEY."""
    folders = {one.name.rpartition("-")[0]: one for one in sorted((path / _DRAWN).iterdir()) if (one / INDEX).is_file()}
    chosen = {name: one for name, one in folders.items() if not method or name == safe_name(method, 40)}
    if not chosen:
        raise InputError(
            f"The report {str(path)!r} has no pictures of {method!r}.", f"It has those of {', '.join(folders) or 'no method'}."
        )
    for name, one in chosen.items():
        yield from _of_batch(one, method or name)


def _of_table(path: Path, method: str) -> Iterator[StudyPicture]:
    sheet = read_sheet(path, marked=True)
    columns = sheet.find(_COLUMNS)
    sheet.require(["file"], columns, "Name the pictures in a column file; paths begin at the table's folder.")
    for line in sheet.rows:
        if line.fault:
            raise sheet.fault(line)
        cells = {name: line.cells[at].strip() for name, at in columns.items()}
        where = f"{path.name!r}, {sheet.unit} {line.line}"
        axes = {axis: _coordinate(cells.get(axis, ""), axis, where) for axis in ("valence", "arousal")}
        seed = whole(cells["seed"]) if cells.get("seed") else None
        if cells.get("seed") and seed is None:
            raise InputError(f"{where} has the seed {cells['seed'][:40]!r}.", "Write a whole number.")
        file = below(path.parent, cells["file"], "picture")
        yield _picture({**cells, **axes, "seed": seed, "method": method or cells.get("method", "")}, file, None)


def _coordinate(text: str, axis: str, where: str) -> float | None:
    if not text:
        return None
    value = on_plane(number(text))
    if value is None:
        raise InputError(f"{where} has the {axis} {text[:40]!r}; it goes from -3 to 3.", "Mend it, or leave it empty.")
    return value


def _picture(row: Mapping[str, Any], path: Path, sha256: str | None) -> StudyPicture:
    sha256 = sha256 or file_hash(path, "picture")
    prompt = row.get("prompt") or ""
    prompt_id = row.get("prompt_id") or (hashlib.sha256(prompt.encode()).hexdigest()[:10] if prompt else "")
    told = [sha256, row["file"], row["method"], prompt_id, row["valence"], row["arousal"], row["seed"]]
    return StudyPicture(
        id=hashlib.sha256(repr(told).encode()).hexdigest()[:12],
        method=row["method"],
        prompt=prompt,
        prompt_id=prompt_id,
        valence=None if row["valence"] is None else float(row["valence"]),
        arousal=None if row["arousal"] is None else float(row["arousal"]),
        seed=None if row["seed"] is None else int(row["seed"]),
        file=row["file"],
        sha256=sha256,
        path=str(path),
    )
