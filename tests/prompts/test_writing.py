from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from emoticrafter.data.tables import read_table, write_table
from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError, MissingError, OutputError
from emoticrafter.prompts.checks import LengthEstimate
from emoticrafter.prompts.writer import Failure, Pair, PairTask, Tell
from emoticrafter.prompts.writers import open_writer
from emoticrafter.prompts.writing import read_source, write_pairs

ROWS: dict[str, list[Any]] = {
    "id": ["oasis/Acorns 1", "oasis/Dog 2", "x/3", "x/4"],
    "valence": [1.0, -2.0, float("nan"), 3.5],
    "arousal": [0.5, 2.0, 0.0, 0.0],
    "dataset": ["oasis", "oasis", "x", "x"],
    "tag": ["Acorns 1", "Angry_dog 12", "three", None],
    "picture": ["Acorns 1.jpg", None, None, None],
    "split": ["train", None, None, None],
    "caption": ["Acorns on a table", " ", None, "four"],
}


def annotated(folder: Path, rows: dict[str, Any] | None = None) -> Path:
    return write_table(pd.DataFrame(rows or ROWS), folder / "a.parquet", "annotations", {}, force=True)


class Parrot:
    """Says each caption twice; has no pair for an odd one."""

    name = "parrot"

    def write(self, tasks: Sequence[PairTask], tell: Tell) -> list[Pair | Failure]:
        self.tasks = list(tasks)
        return [
            Pair(neutral=task.caption, emotional=f"{task.caption} in the dark")
            if task.caption
            else Failure(reason="odd; very odd")
            for task in tasks
        ]


def test_tasks_of_annotations(tmp_path: Path) -> None:
    source = read_source(annotated(tmp_path))
    assert source.kind == "annotations"
    assert source.tasks[:2] == [
        PairTask(
            id="oasis/Acorns 1", emotion=Emotion(valence=1, arousal=0.5), caption="Acorns on a table", picture="Acorns 1.jpg"
        ),
        PairTask(id="oasis/Dog 2", emotion=Emotion(valence=-2, arousal=2), caption="Angry dog"),
    ]
    assert [type(task) for task in source.tasks[2:]] == [Failure, Failure]
    assert "valence is 3.5" in source.tasks[3].reason  # type: ignore[union-attr]
    for column, captions in (("caption", ["Acorns on a table", None]), ("tag", ["Acorns", "Angry dog"])):
        tasks = read_source(annotated(tmp_path), caption_column=column, limit=2).valid()
        assert [task.caption for task in tasks] == captions
    without = annotated(tmp_path, {name: values for name, values in ROWS.items() if name != "caption"})
    assert [task.caption for task in read_source(without).valid()] == ["Acorns", "Angry dog"]


def test_tasks_of_pairs(tmp_path: Path) -> None:
    table = pd.DataFrame({
        "id": ["a"], "valence": [1.0], "arousal": [1.0], "dataset": ["d"], "content": ["the one"], "neutral_prompt": ["A dog 2"],
        "emotional_prompt": ["A happy dog"],
    })  # fmt: skip
    write_table(table, tmp_path / "p.parquet", "pairs", {})
    source = read_source(tmp_path / "p.parquet")
    assert source.kind == "pairs"
    assert source.valid()[0].caption == "A dog 2"
    write_pairs(source, Parrot(), tmp_path / "new.parquet", lambda _: None, ruler=LengthEstimate(), about={})
    rows, _ = read_table(tmp_path / "new.parquet", "pairs")
    assert rows.loc[0, "content"] == "the one"  # kept from the source
    assert rows.loc[0, "emotional_prompt"] == "A dog 2 in the dark"


def test_the_table_and_the_report(tmp_path: Path) -> None:
    rows = {name: values[:3] + ["x/4"] if name == "id" else values for name, values in ROWS.items()}
    source = read_source(annotated(tmp_path, rows), caption_column="caption")
    out = tmp_path / "out" / "p.parquet"
    summary = write_pairs(source, Parrot(), out, lambda _: None, ruler=LengthEstimate(), about={"seed": 3})
    assert (summary.rows, summary.written, summary.failed, summary.doubtful) == (4, 1, 3, 0)
    assert summary.failures["odd, very odd"] == 1
    table, about = read_table(out, "pairs")
    assert table.iloc[0].to_dict() == {
        "id": "oasis/Acorns 1", "valence": 1.0, "arousal": 0.5, "dataset": "oasis", "tag": "Acorns 1", "picture": "Acorns 1.jpg",
        "split": "train", "content": "acorns on a table", "neutral_prompt": "Acorns on a table",
        "emotional_prompt": "Acorns on a table in the dark", "writer": "parrot", "doubts": "",
    }  # fmt: skip
    assert about == {
        "kind": "pairs", "version": 1, "source": "a.parquet", "read": 4, "writer": "parrot", "dropped": summary.failures,
        "seed": 3,
    }  # fmt: skip
    assert summary.report == tmp_path / "out" / "p.report.csv"
    with summary.report.open(newline="", encoding="utf-8") as file:
        report = list(csv.DictReader(file))
    assert [(row["line"], row["id"], row["what"]) for row in report] == [
        ("2", "oasis/Dog 2", "dropped"), ("3", "x/3", "dropped"), ("4", "x/4", "dropped"),
    ]  # fmt: skip


def test_doubts_are_in_the_table(tmp_path: Path) -> None:
    source = read_source(annotated(tmp_path), limit=2)
    write_pairs(source, Parrot(), tmp_path / "p.parquet", lambda _: None, ruler=LengthEstimate(), about={})
    table, _ = read_table(tmp_path / "p.parquet", "pairs")
    assert list(table["doubts"]) == ["", "the neutral prompt has words of feeling: angry"]


def test_no_pair_at_all_is_an_error_with_a_report(tmp_path: Path) -> None:
    source = read_source(annotated(tmp_path, {**ROWS, "tag": [None] * 4, "caption": [None] * 4}))
    with pytest.raises(InputError, match="Not one of 4 rows") as caught:
        write_pairs(source, Parrot(), tmp_path / "p.parquet", lambda _: None, ruler=LengthEstimate(), about={})
    assert "p.report.csv" in caught.value.hint
    assert not (tmp_path / "p.parquet").exists()
    assert (tmp_path / "p.report.csv").read_text().count("\n") == 5


def test_an_existing_table_stays(tmp_path: Path) -> None:
    (tmp_path / "p.parquet").write_text("precious")
    with pytest.raises(OutputError, match="exists"):
        write_pairs(read_source(annotated(tmp_path)), Parrot(), tmp_path / "p.parquet", print, ruler=LengthEstimate(), about={})
    assert (tmp_path / "p.parquet").read_text() == "precious"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": ["a", "a", "b", "c"]}, "the id 'a' more than once"),
        ({"id": ["a", None, "b", "c"]}, "without an id"),
    ],
)
def test_tables_that_cannot_be(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_source(annotated(tmp_path, {**ROWS, **change}))


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'prompt'") as caught:
        read_source(annotated(tmp_path), caption_column="prompt")
    assert "caption, tag" in caught.value.hint
    with pytest.raises(MissingError, match="none"):
        read_source(tmp_path / "none.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"b\.parquet' is damaged"):
        read_source(tmp_path / "b.parquet")
    with pytest.raises(InputError, match="has no rows"):
        read_source(annotated(tmp_path, {name: [] for name in ROWS}))
    with pytest.raises(InputError, match="no text"):
        read_source(annotated(tmp_path), caption_column="valence")


def test_writers_by_name() -> None:
    assert open_writer("rules", seed=3).name == "rules"
    with pytest.raises(InputError, match="rules, openai, storybook"):
        open_writer("magic")
