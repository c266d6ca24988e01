from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from emoticrafter.panel.frozen import open_frozen
from emoticrafter.panel.store import Store
from tests.cli.conftest import Done
from tests.panel.studies import SCREEN, answers_to, frozen_study, write_pictures, write_study

Cli = Callable[..., Done]
LIKERT = "[rate]\ninstrument = 'likert'\n"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A study with one participant who has answered and one who has a link."""
    frozen = frozen_study(tmp_path, "rate", LIKERT, values=(0.0,))
    with Store.create(frozen) as store:
        first, _ = store.invite(2)
        store.begin(first.participant)
        store.take(first.participant, "session-one")
        for trial in frozen.trials(0):
            store.add(first.participant, "session-one", trial, *answers_to(trial), SCREEN)
        store.finish(first.participant, "session-one")
    assert frozen.folder is not None
    return frozen.folder


def test_check_says_what_a_study_will_be(cli: Cli, tmp_path: Path) -> None:
    write_pictures(tmp_path)
    done = cli("panel", "check", str(write_study(tmp_path, "rank", "[people]\nwanted = 6\n[design]\nchecks = 1\n")))
    assert done.code == 0
    assert "study:     tiny: Pictures in order (rank, en)" in done.out
    assert "people:    6, about 13 minutes each" in done.out
    assert "contents:  4, each person sees 4; 1 more for practice" in done.out
    assert "methods:   ours, other" in done.out
    assert "trials:    18 each: 1 practice, 16 main, 1 check" in done.out
    assert "balanced after 4 people; 6 are wanted: 8 would be even" in done.err


def test_check_in_json(cli: Cli, tmp_path: Path) -> None:
    write_pictures(tmp_path, values=(0.0,))
    told = json.loads(cli("panel", "check", str(write_study(tmp_path, "compare")), "--json").out)
    assert (told["kind"], told["conditions"], told["questions"]) == ("compare", ["ours : other"], ["feeling", "words"])
    assert told["balance"]["whole"] == 2
    assert told["notes"] == ["There are no attention checks: design.checks adds some."]


def test_export_and_withdraw(cli: Cli, kept: Path, tmp_path: Path) -> None:
    done = cli("panel", "export", str(kept), "--out", str(tmp_path / "out"))
    assert done.code == 0
    assert "2 participants, 1 finished, 18 responses, 0 withdrawn" in done.err
    assert (tmp_path / "out" / "responses.csv").read_text(encoding="utf-8").count("\n") == 19
    done = cli("panel", "withdraw", str(kept), "p001")
    assert (done.code, done.out) == (0, "p001: 18 answers deleted\n")
    told = json.loads(cli("panel", "export", str(kept), "--out", str(tmp_path / "out"), "--force", "--json").out)
    assert (told["participants"], told["responses"], told["withdrawn"]) == (1, 0, 1)


def test_example_then_check_says_what_is_missing(cli: Cli, tmp_path: Path) -> None:
    assert cli("panel", "example", "paper-1", "--out", str(tmp_path / "mine")).code == 0
    done = cli("panel", "check", str(tmp_path / "mine" / "paper-1.toml"))
    assert done.code == 2
    assert "There are no pictures at 'pictures/ours'" in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("check", "nothing.toml"), "There is no study 'nothing.toml'. "),
        (("serve", "nothing"), "There is no study 'nothing'. "),
        (("export", "nowhere", "--out", "x"), "There is no study 'nowhere/design.json'."),
        (("withdraw", "nowhere", "p001"), "There is no study 'nowhere/design.json'."),
        (("example", "paper-9", "--out", "x"), "There is no study 'paper-9'."),
    ],
)
def test_what_is_not_there_is_named(cli: Cli, words: tuple[str, ...], told: str) -> None:
    done = cli("panel", *words)
    assert (done.code, done.out) == (2, "")
    assert told.strip() in done.err
    assert "Traceback" not in done.err


def test_wrong_values_are_named(cli: Cli, kept: Path, tmp_path: Path) -> None:
    done = cli("panel", "withdraw", str(kept), "p009")
    assert done.code == 2
    assert "The study has no participant 'p009'" in done.err
    done = cli("panel", "export", str(kept), "--out", str(tmp_path / "out"), "--format", "xlsx")
    assert done.code == 2
    assert "Known ones: csv, jsonl, bids" in done.err
    assert not (tmp_path / "out").exists()
    assert len(open_frozen(kept).units.pictures) == 10
