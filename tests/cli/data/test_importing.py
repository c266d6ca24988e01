"""The commands on files as users have them: what is printed, what is written, what is refused."""

from __future__ import annotations

import csv
import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from scipy.io import savemat

from emoticrafter.data.tables import read_table
from tests.cli.conftest import Done

Cli = Callable[..., Done]

PAIRS = """Id,Arousal,Valence,Tag,Dataset,Neutral_Prompt,Emotional_Prompt
1,1,-2,dogs,OASIS,a dog,"Title: Sad. Prompt: a sad dog"
2,9,1,cats,EMOTIC,a cat,a wild cat
3,-1,2,cats,EMOTIC,a cat,a calm cat
"""
OASIS = (
    ",Theme,Category,Source,Valence_mean,Valence_SD,Valence_N,Arousal_mean,Arousal_SD,Arousal_N\rI1,Dog 1 ,Animal,x,6,1,9,2,1,9\r"
)
FINDINGEMO = "user,image_path,reject,age,valence,arousal,emotion\nu,/a.jpg,Keep,,1,5,Joy\nu,/b.jpg,Reject,,1,5,Joy\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "pairs.csv").write_text(PAIRS)
    (tmp_path / "OASIS.csv").write_bytes(OASIS.encode())
    (tmp_path / "annotations_single.ann").write_text(FINDINGEMO)
    person = {"annotations_continuous": {"valence": 7.0, "arousal": 4.0, "dominance": 5.5}}
    savemat(tmp_path / "Annotations.mat", {"train": {"filename": "a.jpg", "folder": "x", "person": person}})
    return tmp_path


def refused(done: Done, *words: str) -> None:
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.startswith("error: ")
    for word in words:
        assert word in done.err


@pytest.mark.parametrize(
    ("name", "source", "point"),
    [("oasis", "OASIS.csv", (2, -2)), ("emotic", "Annotations.mat", (1, -1)), ("findingemo", "annotations_single.ann", (1, 2))],
)
def test_annotations(cli: Cli, files: Path, name: str, source: str, point: tuple[float, float]) -> None:
    done = cli("data", "import", name, source, "--out", f"new/{name}.parquet", "--report", "what.csv")
    assert done.code == 0, done.err
    assert done.out == f"new/{name}.parquet\nwhat.csv\n"
    assert "read from" in done.err
    table, about = read_table(files / "new" / f"{name}.parquet", "annotations")
    assert table[["valence", "arousal", "dataset"]].values.tolist() == [[*point, name]]
    assert (about["importer"], about["source"]) == (name, source)
    assert (files / "what.csv").read_text().startswith("line,id,what,reason,column,before,after\n")
    again = cli("data", "import", name, ".", "--out", f"new/{name}.parquet", "--force", "--json")
    assert json.loads(again.out)["rows"] == 1


def test_pairs_with_their_summary_and_report(cli: Cli, files: Path) -> None:
    done = cli("data", "import", "pairs", "pairs.csv", "--out", "pairs.parquet")
    assert done.code == 0, done.err
    assert done.out == "pairs.parquet\npairs.report.csv\n"
    for line in ("3 rows read from pairs.csv: 2 pairs", "dropped: 1\n        1  arousal is outside -3 to 3", "1  wrapper"):
        assert line in done.err
    with (files / "pairs.report.csv").open(newline="") as stream:
        report = list(csv.DictReader(stream))
    assert [(row["line"], row["what"], row["before"], row["after"]) for row in report] == [
        ("2", "changed", "Title: Sad. Prompt: a sad dog", "a sad dog"),
        ("3", "dropped", "9", ""),
    ]
    table, about = read_table(files / "pairs.parquet", "pairs")
    assert table["id"].tolist() == ["oasis/1", "emotic/3"]
    assert (about["encoder"], about["tokens"], about["long"]) == ("storybook", 48, "drop")


def test_pairs_as_json(cli: Cli, files: Path) -> None:
    done = cli("data", "import", "pairs", "pairs.csv", "--out", "p.parquet", "--json", "--dataset", "mine")
    said = json.loads(done.out)
    assert done.err == ""
    assert said["paths"] == ["p.parquet", "p.report.csv"]
    assert (said["read"], said["rows"]) == (3, 2)
    assert said["dropped"] == {"rows": 1, "reasons": {"arousal is outside -3 to 3": 1}}
    assert said["changed"] == {"rows": 1, "reasons": {"wrapper": 1}}


def test_mapped_columns_and_long_prompts(cli: Cli, files: Path) -> None:
    (files / "mine.tsv").write_text(f"v\ta\tplain\tfelt\n1\t2\ta dog\t{' '.join(f'glad {n}' for n in range(50))}\n")
    mapped = ("valence=v", "arousal=a", "neutral_prompt=plain", "emotional_prompt=felt")
    options = [part for name in mapped for part in ("--column", name)]
    done = cli("data", "import", "pairs", "mine.tsv", *options, "--out", "p.parquet", "--long", "keep")
    assert done.code == 0, done.err
    assert "kept although doubtful: 1" in done.err
    assert read_table(files / "p.parquet", "pairs")[0]["doubts"].tolist() == ["emotional prompt is longer than 48 tokens"]
    refused(cli("data", "import", "pairs", "mine.tsv", *options, "--out", "q.parquet"), "nothing is left", "q.report.csv")
    assert not (files / "q.parquet").exists()
    assert "longer than 48 tokens" in (files / "q.report.csv").read_text()


def test_without_the_tokenizer_lengths_are_not_counted_and_that_is_said(
    cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emoticrafter.errors import MissingError

    def offline(*_: object) -> Path:
        raise MissingError("sdxl is not here.", "Fetch it.")

    monkeypatch.setattr("emoticrafter.prompts.lengths.fetch", offline)
    done = cli("data", "import", "pairs", "pairs.csv", "--backbone", "sdxl", "--out", "p.parquet")
    assert done.code == 0
    assert "note: prompt lengths were not counted. sdxl is not here. Fetch it." in done.err
    assert read_table(files / "p.parquet", "pairs")[1]["tokens"] is None
    refused(cli("data", "import", "pairs", "pairs.csv", "--backbone", "sdxl", "--strict", "--out", "q.parquet"), "not here")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pairs", "pairs.csv", "--strict"], ["Line 2 of 'pairs.csv'", "oasis/1", "wrapper", "Emotional_Prompt", "--strict"]),
        (["oasis", "OASIS.csv", "--strict"], ["Line 2 of 'OASIS.csv'", "stray spaces"]),
        (["findingemo", ".", "--strict"], ["Line 3 of", "rejected"]),
        (["pairs", "absent.csv"], ["There is no file 'absent.csv'"]),
        (["pairs", "Annotations.mat"], ["'.mat'", ".jsonl"]),
        (["pairs", "pairs.csv", "--column", "valence"], ["NAME=THEIRS"]),
        (["pairs", "pairs.csv", "--column", "valence=v"], ["no column 'v'", "'Valence'"]),
        (["pairs", "pairs.csv", "--long", "burn"], ["drop, cut, keep"]),
        (["pairs", "pairs.csv", "--report", "out.parquet"], ["both name"]),
        (["pairs", "pairs.csv", "--report", "pairs.csv"], ["exists"]),
        (["oasis", "pairs.csv"], ["theme"]),
        (["emotic", "pairs.csv"], ["MATLAB"]),
        (["findingemo", "pairs.csv"], ["image_path"]),
        (["oasis", "absent"], ["There is no file 'absent'"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_refused_leaves_nothing_behind(cli: Cli, files: Path, arguments: list[str], words: list[str]) -> None:
    before = sorted(files.iterdir())
    refused(cli("data", "import", *arguments, "--out", "out.parquet"), *words)
    assert sorted(files.iterdir()) == before


def test_outputs_are_checked_before_anything_is_read(cli: Cli, files: Path) -> None:
    (files / "a.report.csv").write_text("precious")
    refused(cli("data", "import", "pairs", "absent.csv", "--out", "a.parquet"), "a.report.csv", "exists", "--force")
    refused(cli("data", "import", "pairs", "absent.csv", "--out", "a.csv"), ".parquet")
    assert (files / "a.report.csv").read_text() == "precious"


def test_an_import_that_brought_nothing_can_be_run_again(cli: Cli, files: Path) -> None:
    (files / "mine.csv").write_text("valence,arousal,caption\n9,0,a dog\n")
    command = ("data", "import", "table", "mine.csv", "--out", "mine.parquet")
    for _ in range(2):
        refused(cli(*command), "nothing is left", "mine.report.csv")
        assert "9" in (files / "mine.report.csv").read_text()
    (files / "mine.csv").write_text("valence,arousal,caption\n1,0,a dog\n")
    done = cli(*command)
    assert done.code == 0, done.err
    assert len(read_table(files / "mine.parquet", "annotations")[0]) == 1
    assert (files / "mine.report.csv").read_text().count("\n") == 1
    refused(cli(*command), "mine.parquet", "exists")
    (files / "mine.parquet").unlink()
    assert cli(*command).code == 0


def test_a_table_that_cannot_be_written_leaves_no_report(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before, command = sorted(files.iterdir()), ("data", "import", "pairs", "pairs.csv", "--out", "p.parquet")
    with monkeypatch.context() as patch:
        patch.setattr("pyarrow.parquet.write_table", full)
        refused(cli(*command), "disk is full", "p.parquet")
    assert sorted(files.iterdir()) == before
    assert cli(*command).code == 0


def test_show_prints_counts_and_draws(cli: Cli, files: Path) -> None:
    cli("data", "import", "pairs", "pairs.csv", "--out", "pairs.parquet")
    done = cli("data", "show", "pairs.parquet")
    assert done.code == 0, done.err
    for part in ("2 pairs in pairs.parquet", "oasis", "pleasant, calm", "cats", "50.0%", "rarest of 49 regions"):
        assert part in done.out
    assert done.out.endswith("pairs.png\n")
    with Image.open(files / "pairs.png") as image:
        assert image.format == "PNG"
    refused(cli("data", "show", "pairs.parquet"), "exists", "--force")
    assert cli("data", "show", "pairs.parquet", "--force").code == 0


def test_show_as_json_and_without_a_picture(cli: Cli, files: Path) -> None:
    cli("data", "import", "oasis", "OASIS.csv", "--out", "o.parquet")
    said = json.loads(cli("data", "show", "o.parquet", "--json", "--no-picture").out)
    assert (said["paths"], said["kind"], said["rows"]) == ([], "annotations", 1)
    assert said["quadrants"]["pleasant, calm"] == 1
    assert said["about"]["importer"] == "oasis"
    assert not (files / "o.png").exists()
    refused(cli("data", "show", "o.parquet", "--out", "o.jpg"), ".png")
    refused(cli("data", "show", "OASIS.csv"), "parquet")
    assert not (files / "OASIS.png").exists()
