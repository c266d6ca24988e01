"""Answers handed on: tables with a codebook, a folder like BIDS, votes that `data apply-votes` reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emoticrafter.data.sheets import read_sheet
from emoticrafter.errors import InputError
from emoticrafter.panel.exports import export, votes
from emoticrafter.panel.responses import COLUMNS, Response
from emoticrafter.panel.store import Store
from emoticrafter.prompts.votes import agreement, read_votes
from tests.panel.studies import SCREEN, answers_to, frozen_study

S = "session-one"


def answered(folder: Path, kind: str, more: str, people: int = 2) -> Store:
    frozen = frozen_study(folder, kind, more, values=(-3.0, 0.0, 3.0))
    store = Store.create(frozen)
    for entry in store.invite(people + 1)[:people]:
        store.begin(entry.participant)
        store.take(entry.participant, S)
        for trial in frozen.trials(entry.sequence):
            answers, times = answers_to(trial)
            store.add(entry.participant, S, trial, answers, times, SCREEN)
        store.finish(entry.participant, S)
    return store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return answered(tmp_path, "rank", "[rank]\nsize = 3\n[design]\nchecks = 1\nrepeats = 1\n")


def test_csv_comes_back_as_it_was(store: Store, tmp_path: Path) -> None:
    files = export(store, tmp_path / "out")
    assert [path.name for path in files] == ["codebook.json", "participants.csv", "pictures.csv", "responses.csv"]
    sheet = read_sheet(tmp_path / "out" / "responses.csv", marked=True)
    assert sheet.columns == tuple(one.name for one in COLUMNS)
    rows = store.responses()
    assert len(sheet.rows) == len(rows) > 100
    for line, row in zip(sheet.rows, rows, strict=True):
        assert _read(dict(zip(sheet.columns, line.cells, strict=True))) == row
    book = json.loads((tmp_path / "out" / "codebook.json").read_text(encoding="utf-8"))
    assert book["responses"].keys() == {one.name for one in COLUMNS}
    assert book["hash"] == store.frozen.hash


def _read(cells: dict[str, str]) -> Response:
    """A row of the CSV, by the codebook's types."""
    readers = {"integer": int, "real": float, "truth": lambda text: text == "true", "text": str, "json": str}
    entries = {one.name: readers[one.kind](cells[one.name]) if cells[one.name] else None for one in COLUMNS}  # type: ignore[operator]
    return Response.of(entries)


def test_jsonl_holds_values(store: Store, tmp_path: Path) -> None:
    export(store, tmp_path / "out", "jsonl")
    lines = (tmp_path / "out" / "responses.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [Response(**json.loads(line)) for line in lines]
    assert rows == store.responses()


def test_bids_has_a_table_per_participant_and_tells_what_columns_hold(store: Store, tmp_path: Path) -> None:
    export(store, tmp_path / "out", "bids")
    out = tmp_path / "out"
    about = json.loads((out / "dataset_description.json").read_text(encoding="utf-8"))
    assert (about["Name"], about["DatasetType"], about["Simulated"], about["Withdrawn"]) == ("tiny", "raw", False, 0)
    people = (out / "participants.tsv").read_text(encoding="utf-8").splitlines()
    assert people[0].split("\t")[0] == "participant_id"
    assert [line.split("\t")[0] for line in people[1:]] == ["sub-p001", "sub-p002"]  # who was only invited is not there
    described = json.loads((out / "task-tiny_beh.json").read_text(encoding="utf-8"))
    for name in ("p001", "p002"):
        lines = (out / f"sub-{name}" / "beh" / f"sub-{name}_task-tiny_beh.tsv").read_text(encoding="utf-8").splitlines()
        columns = lines[0].split("\t")
        assert set(columns) <= set(described)
        assert {len(line.split("\t")) for line in lines} == {len(columns)}
        assert len(lines) - 1 == sum(one.participant == name for one in store.responses())
        assert "n/a" in lines[1]
    shown = (out / "stimuli.tsv").read_text(encoding="utf-8").splitlines()
    assert len(shown) - 1 == len(store.frozen.units.pictures)
    for line in shown[1:]:
        assert (out / line.split("\t")[1]).is_file()


@pytest.mark.parametrize("form", ["csv", "jsonl", "bids"])
def test_no_export_holds_a_token(store: Store, tmp_path: Path, form: str) -> None:
    files = export(store, tmp_path / "out", form)  # type: ignore[arg-type]
    text = b"".join(path.read_bytes() for path in files)
    assert [one.token for one in store.invite(3) if one.token.encode() in text] == []


def test_votes_go_into_the_pairs_own_command(tmp_path: Path) -> None:
    store = answered(tmp_path, "validate-pairs", "[design]\npractice = 0\n", 3)
    first = store.participants()[0]
    export(store, tmp_path / "out")
    found = read_votes(tmp_path / "out" / "votes.csv")
    assert {pair: dict(cast) for pair, cast in found.of.items()} == {
        pair: {"p001": True, "p002": True, "p003": True} for pair in ("a", "b", "c", "d")
    }
    assert [(one.raters, one.pairs) for one in agreement(found)] == [(3, 4)]
    rows = store.responses()
    doubted = [
        one if (one.participant, one.prompt_id, one.question) != (first.participant, "b", "fluent") else _no(one) for one in rows
    ]
    assert ("b", "p001", "drop") in votes(doubted)
    assert ("b", "p002", "keep") in votes(doubted)


def _no(one: Response) -> Response:
    return Response.of({**one.entries(), "answer": "false"})


def test_a_folder_that_is_not_empty_is_replaced_only_when_asked(store: Store, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.csv").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="is not empty"):
        export(store, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["old.csv"]
    export(store, tmp_path / "out", force=True)
    assert not (tmp_path / "out" / "old.csv").exists()
    with pytest.raises(InputError, match=r"The form is 'xlsx'. Known ones: csv, jsonl, bids"):
        export(store, tmp_path / "other", "xlsx")  # type: ignore[arg-type]


def test_a_text_that_a_spreadsheet_would_compute_is_marked(tmp_path: Path) -> None:
    frozen = frozen_study(tmp_path, "rate", "[people]\nentry = 'open'\n", values=(0.0,))
    with Store.create(frozen) as store:
        store.join({"PROLIFIC_PID": "x", "STUDY_ID": "=cmd()"})
        export(store, tmp_path / "out")
        export(store, tmp_path / "bids", "bids")
    assert '"{""PROLIFIC_PID"": ""x""' in (tmp_path / "out" / "participants.csv").read_text(encoding="utf-8")
