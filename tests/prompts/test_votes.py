from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from emoticrafter.errors import InputError, MissingError
from emoticrafter.prompts.votes import Votes, agreement, apply_votes, fleiss_kappa, read_votes


def given(tmp_path: Path, text: str | bytes, name: str = "votes.csv") -> Votes:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_votes(path)


def pairs(*ids: str) -> pd.DataFrame:
    return pd.DataFrame({"id": ids, "doubts": "a doubt"})


def votes(**of: str) -> Votes:
    """a="++-" : two raters keep a, one drops it."""
    return Votes(of={name: {str(i): mark == "+" for i, mark in enumerate(text)} for name, text in of.items()}, empty=0, again=0)


# Fleiss (1971), table 1: the diagnoses of 30 patients by 6 psychiatrists each (depression, personality disorder, schizophrenia,
# neurosis, other). Published: shares .144 .144 .167 .306 .239, observed agreement .556, by chance .220, kappa .430.
PATIENTS = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 00501 30012 51000 02040 10203
00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
# A worked example often reprinted: 10 subjects, 14 raters, 5 categories; kappa .210.
SUBJECTS = [
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1), (7, 7, 0, 0, 0), (3, 2, 6, 3, 0),
    (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
]  # fmt: skip


def test_kappa_of_the_published_examples() -> None:
    counts = [[int(digit) for digit in row] for row in PATIENTS.split()]
    shares = [sum(column) / 180 for column in zip(*counts, strict=True)]
    assert [round(share, 3) for share in shares] == [0.144, 0.144, 0.167, 0.306, 0.239]
    assert fleiss_kappa(counts) == pytest.approx(0.430, abs=5e-4)
    assert fleiss_kappa(SUBJECTS) == pytest.approx(0.210, abs=5e-4)


def test_kappa_by_hand() -> None:
    # Three raters, keep and drop: P_i = 1, 1/3, 1, 1/3, so P = 2/3; p = 7/12 and 5/12, so P_e = 74/144.
    assert fleiss_kappa([(3, 0), (2, 1), (0, 3), (2, 1)]) == pytest.approx((2 / 3 - 74 / 144) / (1 - 74 / 144))
    assert fleiss_kappa([(2, 0), (0, 2)]) == 1.0
    assert fleiss_kappa([(1, 1), (1, 1)]) == -1.0


def test_kappa_where_it_is_not_defined() -> None:
    assert fleiss_kappa([(3, 0), (3, 0)]) is None
    assert fleiss_kappa([(1, 0), (0, 1)]) is None
    assert fleiss_kappa([]) is None
    with pytest.raises(AssertionError, match="same number"):
        fleiss_kappa([(3, 0), (2, 0)])


def test_agreement_by_the_number_of_raters() -> None:
    found = agreement(votes(a="+++", b="---", c="++-", d="+-", e="+", f="--", g="++++"))
    assert [(one.raters, one.pairs) for one in found] == [(2, 2), (3, 3), (4, 1)]
    assert found[1].kappa == fleiss_kappa([(3, 0), (0, 3), (2, 1)])
    assert found[2].kappa is None


def test_the_majority_of_an_odd_number() -> None:
    cast = votes(a="+++", b="++-", c="+--", d="+-", e="++", f="--", g="+", h="-", i="++++-", z="+++")
    verdict = apply_votes(pairs(*"abcdefghij"), cast)
    assert list(verdict.kept["id"]) == ["a", "b", "g", "i", "j"]
    assert verdict.left_out == [
        ("c", "voted out", 1, 2), ("d", "tie", 1, 1), ("e", "even number of votes", 2, 0), ("f", "even number of votes", 0, 2),
        ("h", "voted out", 0, 1),
    ]  # fmt: skip
    assert verdict.counts() == {"voted out": 2, "even number of votes": 2, "tie": 1}
    assert (verdict.unvoted, verdict.unknown) == (1, 1)
    assert list(verdict.kept["doubts"]) == ["", "", "", "", "a doubt"]  # people settled the others
    assert list(apply_votes(pairs(*"aj"), cast, only_voted=True).kept["id"]) == ["a"]


def test_votes_on_other_pairs() -> None:
    with pytest.raises(InputError, match="None of the 1 voted pairs is in the table; the first is 'x'"):
        apply_votes(pairs("a"), votes(x="+"))


@pytest.mark.parametrize(
    "text",
    [
        "pair_id,rater,vote\na,1,keep\na,2,Drop\na,3,KEEP\n",
        "\ufeffPair ID;Rater;Vote;comment\r\na;1;yes;fine\r\na;2; no ;\r\na;3;Y;\r\n",
        "id\tvote\tannotator\na\t1\tx\na\t0\ty\na\ttrue\tz\n",
        "rater,vote,pair\r1,good,a\r2,bad,a\r3,accept,a\r",
        'vote,id,pair_id,user\n+,17,a,1\n-,18,a,2\n"ok",19,a,3\n',
    ],
    ids=["plain", "BOM and semicolons", "tabs", "CR", "an id of its own"],
)
def test_votes_in_many_spellings(tmp_path: Path, text: str) -> None:
    cast = given(tmp_path, text, "votes.tsv" if "\t" in text else "votes.csv")
    assert [list(by.values()) for by in cast.of.values()] == [[True, False, True]]
    assert list(cast.of) == ["a"]


def test_the_last_vote_of_a_rater_counts(tmp_path: Path) -> None:
    cast = given(tmp_path, "pair_id,rater,vote\na,1,keep\na,1,drop\nb,1,\nb,2,keep\n")
    assert cast.of == {"a": {"1": False}, "b": {"2": True}}
    assert (cast.again, cast.empty) == (1, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("pair_id,rater,vote\n", "no votes"),
        ("pair_id,rater,vote\na,1,\n", "no votes"),
        ("pair_id,rater\na,1\n", "no column for the vote; it has 'pair_id', 'rater'"),
        ("rater,vote\n1,keep\n", "no column for the pair id"),
        ("pair_id,rater,vote\na,1,keep\na,2,maybe\n", "Line 3 .* has the vote 'maybe'"),
        ("pair_id,rater,vote\na,,keep\n", "Line 2 .* without a rater"),
        ("pair_id,rater,vote\n,1,keep\n", "Line 2 .* without a pair id"),
        ("pair_id,rater,vote\na,1\n", "line 2 cannot be read: row has too few cells"),
        (b"pair_id,rater,vote\n\0\0\0", "null bytes"),
    ],
)
def test_votes_that_are_none(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        given(tmp_path, text)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="votes"):
        read_votes(tmp_path / "votes.csv")
