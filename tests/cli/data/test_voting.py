from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from emoticrafter.data.tables import read_table, write_table
from tests.cli.conftest import Done

Cli = Callable[..., Done]
VOTES = """pair_id,rater,vote
a,1,keep
a,2,keep
a,3,drop
b,1,drop
b,2,drop
b,3,keep
c,1,keep
c,2,drop
z,1,keep
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    made = pd.DataFrame({
        "id": list("abcd"), "valence": 1.0, "arousal": 1.0, "dataset": "d", "content": "x", "neutral_prompt": "A dog",
        "emotional_prompt": "A happy dog", "doubts": "a doubt", "mine": range(4),
    })  # fmt: skip
    (tmp_path / "votes.csv").write_text(VOTES)
    return write_table(made, tmp_path / "pairs.parquet", "pairs", {"writer": "rules"})


def test_votes_by_default(cli: Cli, table: Path) -> None:
    done = cli("data", "apply-votes", "votes.csv")
    assert done.code == 0, done.err
    assert done.out == "pairs.voted.parquet\npairs.voted.report.csv\n"
    kept, about = read_table("pairs.voted.parquet", "pairs")
    assert list(kept["id"]) == ["a", "d"]
    assert list(kept["doubts"]) == ["", "a doubt"]
    assert list(kept["mine"]) == [0, 3]
    assert about["writer"] == "rules"
    assert about["votes"]["left_out"] == {"tie": 1, "voted out": 1}
    assert "4 pairs, 4 of them voted on: 2 stay" in done.err
    assert "1  pairs without votes, which stay as they are" in done.err
    assert "1  voted pairs that are not in the table" in done.err
    # Three raters on a and b: P = 1/3, P_e = 1/2.
    assert "Fleiss' kappa: -0.333 (2 pairs with 3 votes)" in done.err
    report = pd.read_csv("pairs.voted.report.csv")
    assert list(zip(report["line"], report["id"], report["reason"], report["before"], strict=True)) == [
        (2, "b", "voted out", "1 keep, 2 drop"), (3, "c", "tie", "1 keep, 1 drop"),
    ]  # fmt: skip


def test_only_the_voted_ones(cli: Cli, table: Path) -> None:
    done = cli("data", "apply-votes", "votes.csv", "--pairs", "pairs.parquet", "--out", "k.parquet", "--only-voted", "--json")
    result = json.loads(done.out)
    assert result["paths"] == ["k.parquet", "k.report.csv"]
    assert (result["rows"], result["kept"]) == (4, 1)
    assert result["left_out"] == {"no votes": 1, "tie": 1, "voted out": 1}
    assert result["fleiss_kappa"][1] == {"raters": 3, "pairs": 2, "kappa": pytest.approx(-1 / 3)}


def test_unanimous_raters_have_no_kappa(cli: Cli, table: Path) -> None:
    Path("votes.csv").write_text("id,rater,vote\na,1,1\na,2,1\na,3,1\n")
    assert (
        "Fleiss' kappa: not defined, all votes are the same (1 pairs with 3 votes)" in cli("data", "apply-votes", "votes.csv").err
    )


@pytest.mark.parametrize(
    ("votes", "words"),
    [
        ("id,rater,vote\na,1,perhaps\n", "perhaps"),
        ("id,rater,vote\nnobody,1,keep\n", "None of the 1 voted pairs"),
        ("id,rater,vote\na,1,no\nb,1,no\nc,1,no\nd,1,no\n", "leave none of the 4 pairs"),
        (None, "no file 'votes.csv'"),
    ],
)
def test_votes_that_do_not_do(cli: Cli, table: Path, votes: str | None, words: str) -> None:
    Path("votes.csv").unlink() if votes is None else Path("votes.csv").write_text(votes)
    done = cli("data", "apply-votes", "votes.csv")
    assert done.code == 2
    assert words in done.err
    assert not Path("pairs.voted.parquet").exists()


def test_outputs_are_refused_first(cli: Cli, table: Path) -> None:
    assert ".parquet" in cli("data", "apply-votes", "nothing.csv", "--out", "k.csv").err
    done = cli("data", "apply-votes", "votes.csv", "--out", "pairs.parquet")
    assert done.code == 2
    assert "exists" in done.err
    assert "none.parquet" in cli("data", "apply-votes", "votes.csv", "--pairs", "none.parquet").err


def test_votes_that_leave_nothing_can_be_mended(cli: Cli, table: Path) -> None:
    Path("votes.csv").write_text("id,rater,vote\na,1,no\nb,1,no\nc,1,no\nd,1,no\n")
    for _ in range(2):
        done = cli("data", "apply-votes", "votes.csv")
        assert (done.code, "pairs.voted.report.csv" in done.err) == (2, True)
    Path("votes.csv").write_text(VOTES)
    assert cli("data", "apply-votes", "votes.csv").code == 0
    Path("pairs.voted.parquet").unlink()
    Path("pairs.voted.report.csv").write_text("precious")
    done = cli("data", "apply-votes", "votes.csv")
    assert (done.code, "exists" in done.err) == (2, True)
    assert Path("pairs.voted.report.csv").read_text() == "precious"
