"""Answers handed on: as CSV, as JSON lines, or as a folder like BIDS, each with a codebook that says what every column holds.

    csv     responses.csv, participants.csv, pictures.csv, codebook.json
    jsonl   the same tables as .jsonl
    bids    dataset_description.json, participants.tsv, sub-*/beh/*_beh.tsv, stimuli/, each table with its .json

Of pairs of prompts there is a votes.csv, too, which `emoticrafter data apply-votes` takes. Links and their tokens are in none.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from emoticrafter.errors import InputError
from emoticrafter.escapes import csv_text, plain
from emoticrafter.files import atomic_folder, check_folder
from emoticrafter.panel.frozen import Frozen
from emoticrafter.panel.people import Participant
from emoticrafter.panel.responses import COLUMNS, Response
from emoticrafter.panel.store import Store
from emoticrafter.version import installed_version

__all__ = ["Form", "export", "votes"]

Form = Literal["csv", "jsonl", "bids"]
BIDS_VERSION = "1.10.0"
_MISSING = "n/a"  # as BIDS writes it
_PICTURES = {
    "id": "id of the picture, as in responses", "method": "method that drew it", "prompt": "prompt that it was drawn from",
    "prompt_id": "id of the prompt", "valence": "valence that it was asked for, -3 to 3", "arousal": "arousal, likewise",
    "seed": "seed", "file": "name of the original in its source", "sha256": "of the original",
}  # fmt: skip
ResponseRows = list[dict[str, Any]]


def export(store: Store, out: str | Path, form: Form = "csv", *, force: bool = False) -> list[Path]:
    """Write what a study has so far into a folder, which appears whole or not at all; returns its files.

    force: replace the folder that is there. Raises InputError and OutputError.
    """
    if form not in get_args(Form):
        raise InputError(f"The form is {form[:40]!r}.", f"Known ones: {', '.join(get_args(Form))}.", field="form", value=form)
    target = check_folder(out)
    if target.exists() and any(target.iterdir()) and not force:
        raise InputError(f"The folder {str(target)!r} is not empty.", "Give another one, or pass --force to replace it.")
    responses, people = store.responses(), store.participants()
    with atomic_folder(target) as folder:
        if form == "bids":
            _write_bids(folder, store, responses, people)
        else:
            _write_tables(folder, store.frozen, responses, people, form)
        if store.frozen.study.kind == "validate-pairs":
            _write(folder / "votes.csv", csv_text([("pair_id", "rater", "vote"), *votes(responses)]))
    return sorted(path for path in target.rglob("*") if path.is_file())


def votes(responses: Iterable[Response]) -> list[tuple[str, str, str]]:
    """(pair, rater, keep or drop) of a study of pairs: a pair is kept by whoever answered every question about it with yes."""
    found: dict[tuple[str, str], bool] = {}
    for one in responses:
        if one.part == "main" and one.instrument == "yes-no":
            key = (str(one.prompt_id), one.participant)
            found[key] = found.get(key, True) and one.answer is True
    return [(pair, rater, "keep" if keep else "drop") for (pair, rater), keep in sorted(found.items())]


def _write_tables(folder: Path, frozen: Frozen, responses: list[Response], people: list[Participant], form: Form) -> None:
    tables = {
        "responses": ([one.name for one in COLUMNS], [one.entries() for one in responses]),
        "participants": (_fields(Participant), [_person(one) for one in people]),
        "pictures": (list(_PICTURES), _pictures(frozen)),
    }
    for name, (columns, rows) in tables.items():
        if form == "csv":
            cells = ([_cell(row[column]) for column in columns] for row in rows)
            _write(folder / f"{name}.csv", csv_text([columns, *cells]))
        else:
            plain_rows = [dataclasses.asdict(one) for one in responses] if name == "responses" else rows
            _write(folder / f"{name}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in plain_rows))
    book = {"responses": _responses_book(), "participants": _people_book(), "pictures": _PICTURES}
    _write_json(folder / "codebook.json", {"study": frozen.study.name, "hash": frozen.hash, **book})


def _write_bids(folder: Path, store: Store, responses: list[Response], people: list[Participant]) -> None:
    study = store.frozen.study
    task = re.sub("[^0-9A-Za-z]", "", study.name)
    about = {
        "Name": study.study.title or study.name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "emoticrafter panel", "Version": installed_version()}],
        "StudyHash": store.frozen.hash,
        "Simulated": store.simulated,
        "Withdrawn": store.withdrawn,
    }
    _write_json(folder / "dataset_description.json", about)
    _write(folder / "README", f"{study.name}: a study of the kind {study.kind}. The .json files say what the columns hold.\n")
    begun = [one for one in people if one.state != "invited"]
    names = ["participant_id", *(name for name in _fields(Participant) if name != "participant")]
    rows = [{"participant_id": f"sub-{one.participant}", **_person(one)} for one in begun]
    _write_tsv(folder / "participants.tsv", names, rows, {"participant_id": "sub- and the participant", **_people_book()})
    columns = [one.name for one in COLUMNS if one.name != "participant"]
    for one in begun:
        beh = folder / f"sub-{one.participant}" / "beh"
        beh.mkdir(parents=True)
        own = [row.entries() for row in responses if row.participant == one.participant]
        _write_tsv(beh / f"sub-{one.participant}_task-{task}_beh.tsv", columns, own)
    _write_json(folder / f"task-{task}_beh.json", {"TaskName": study.name, **_described(_responses_book(), columns)})
    (folder / "stimuli").mkdir()
    for name in store.frozen.units.pictures:
        shutil.copyfile(store.frozen.picture_path(name), folder / "stimuli" / f"{name}.webp")
    shown = [{**row, "stimulus_id": row["id"], "filename": f"stimuli/{row['id']}.webp"} for row in _pictures(store.frozen)]
    about_pictures = {"stimulus_id": _PICTURES["id"], "filename": "the picture as it was shown", **_PICTURES}
    wanted = ["stimulus_id", "filename", *(name for name in _PICTURES if name not in ("id", "file"))]
    _write_tsv(folder / "stimuli.tsv", wanted, shown, about_pictures)


def _write_tsv(path: Path, columns: Sequence[str], rows: ResponseRows, about: Mapping[str, str] | None = None) -> None:
    lines = [list(columns), *([_MISSING if row[name] is None else plain(_cell(row[name])) for name in columns] for row in rows)]
    _write(path, "".join("\t".join(line) + "\n" for line in lines))
    if about is not None:
        _write_json(path.with_suffix(".json"), _described(about, columns))


def _described(about: Mapping[str, str], columns: Sequence[str]) -> dict[str, dict[str, str]]:
    return {name: {"Description": about[name]} for name in columns}


def _responses_book() -> dict[str, str]:
    return {one.name: f"{one.about} ({one.kind})" for one in COLUMNS}


def _people_book() -> dict[str, str]:
    return {name: get_args(hint)[1] for name, hint in get_type_hints(Participant, include_extras=True).items()}


def _person(one: Participant) -> dict[str, Any]:
    return {**dataclasses.asdict(one), "parameters": json.dumps(one.parameters, ensure_ascii=False)}


def _pictures(frozen: Frozen) -> ResponseRows:
    return [{name: getattr(one, name) for name in _PICTURES} for one in frozen.units.pictures.values()]


def _fields(kind: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else value


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")


def _write_json(path: Path, value: Any) -> None:
    _write(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
