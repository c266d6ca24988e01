"""Files of prompt pairs with every fault that such files have, imported row by row."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from emoticrafter.data.reports import ImportLedger
from emoticrafter.data.tables import COLUMNS, read_table, write_table
from emoticrafter.errors import InputError
from emoticrafter.prompts.lengths import PromptRuler
from emoticrafter.prompts.pairs import load, parse_columns, parse_long

AUTHORS = ["Id", "Arousal", "Valence", "Tag", "Dataset", "Neutral_Prompt", "Emotional_Prompt"]
LONG = "".join(f"a dog, {number} girls and " for number in range(10, 22))


def authors_csv(*rows: list[Any]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows([AUTHORS, *rows])
    return stream.getvalue()


def row(number: Any = 1, neutral: str = "a dog", emotional: str = "a sad dog", **other: Any) -> list[Any]:
    values = {"Arousal": 1, "Valence": -2, "Tag": "dogs", "Dataset": "OASIS", **other}
    return [number, values["Arousal"], values["Valence"], values["Tag"], values["Dataset"], neutral, emotional]


def imported(
    folder: Path, data: str | bytes, name: str = "pairs.csv", strict: bool = False, **options: Any
) -> tuple[pd.DataFrame, ImportLedger]:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    ledger = ImportLedger(source=name, strict=strict)
    return load(path, ledger, **options), ledger


def entries(ledger: ImportLedger) -> list[tuple[Any, ...]]:
    return [(e.line, e.id, e.what, e.reason, e.column, e.before, e.after) for e in ledger.entries]


def test_the_authors_file(tmp_path: Path) -> None:
    text = authors_csv(row(1), row(40273, "a cat", "a cat that purrs", Arousal=-1.25, Valence=0.5, Dataset="FindingEmo"))
    table, ledger = imported(tmp_path, text)
    assert list(table.columns) == list(COLUMNS["pairs"])
    assert table.loc[1].to_dict() == {
        "id": "findingemo/40273", "valence": 0.5, "arousal": -1.25, "dataset": "findingemo", "tag": "dogs", "picture": None,
        "split": None, "content": "a cat", "neutral_prompt": "a cat", "emotional_prompt": "a cat that purrs", "writer": None,
        "doubts": "",
    }  # fmt: skip
    assert table.loc[0, ["id", "valence", "arousal"]].tolist() == ["oasis/1", -2, 1]
    assert ledger.entries == []
    assert ledger.read == 2


def test_every_change_is_reported_and_the_rest_stays(tmp_path: Path) -> None:
    text = authors_csv(
        row(1, "Title: A dog. Prompt: a dog", "a  sad dog"),
        row(2, "a cat", 'the catâ€™s day"', Valence="−1,5"),
        row("", "a fox", "a sly fox", Arousal="3.0000001"),
    )
    table, ledger = imported(tmp_path, text)
    assert entries(ledger) == [
        (2, "oasis/1", "changed", "wrapper", "Neutral_Prompt", "Title: A dog. Prompt: a dog", "a dog"),
        (2, "oasis/1", "changed", "doubled or outer spaces", "Emotional_Prompt", "a  sad dog", "a sad dog"),
        (3, "oasis/2", "changed", "number written another way", "Valence", "−1,5", "-1.5"),
        (3, "oasis/2", "changed", "mojibake; stray quotes", "Emotional_Prompt", 'the catâ€™s day"', "the cat’s day"),
        (4, "oasis/line 4", "changed", "id is empty", "Id", "", "oasis/line 4"),
        (4, "oasis/line 4", "changed", "rounded into the range", "Arousal", "3.0000001", "3"),
    ]
    assert table["emotional_prompt"].tolist() == ["a sad dog", "the cat’s day", "a sly fox"]
    assert table["valence"].tolist() == [-2, -1.5, -2]
    assert table["arousal"].tolist() == [1, 1, 3]


@pytest.mark.parametrize(
    ("bad", "reason", "column"),
    [
        (row(2, Valence="x"), "valence is not a number", "Valence"),
        (row(2, Arousal=""), "arousal is not a number", "Arousal"),
        (row(2, Arousal="nan"), "arousal is not a number", "Arousal"),
        (row(2, Valence=3.5), "valence is outside -3 to 3", "Valence"),
        (row(2, Valence="-1e999"), "valence is outside -3 to 3", "Valence"),
        (row(2, neutral=' "" '), "prompt is empty", "Neutral_Prompt"),
        (row(2, emotional="Prompt:"), "prompt is empty", "Emotional_Prompt"),
        (row(2, "a cat", '"A  cat."'), "prompts are identical", "Emotional_Prompt"),
        (row(1, "a cat", "a sad cat"), "id comes twice", "Id"),
        (row(2, "a dog ", '"a sad dog"'), "pair comes twice", "Emotional_Prompt"),
        ([2, 1, 1, "dogs", "OASIS", "a cat"], "row has too few cells", ""),
        ([*row(2), "more"], "row has too many cells", ""),
    ],
)
def test_what_is_dropped_and_why(tmp_path: Path, bad: list[Any], reason: str, column: str) -> None:
    table, ledger = imported(tmp_path, authors_csv(row(1), bad, row(3, "a fox", "a sly fox")))
    assert table["id"].tolist() == ["oasis/1", "oasis/3"]
    (entry,) = ledger.entries
    assert (entry.line, entry.what, entry.reason, entry.column, entry.after) == (3, "dropped", reason, column, "")
    if column:
        assert entry.before == str(bad[AUTHORS.index(column)])
    with pytest.raises(InputError, match="Line 3 of"):
        imported(tmp_path, authors_csv(row(1), bad, row(3, "a fox", "a sly fox")), strict=True)


def test_strict_stops_at_the_first_row_of_the_file(tmp_path: Path) -> None:
    text = authors_csv(row(1), row(2, '"a cat', "a sad cat"), row(3, Valence=9))
    with pytest.raises(InputError, match=r"Line 3 of 'pairs.csv' \(id 'oasis/2'\): (quotes do not close|stray quotes)"):
        imported(tmp_path, text, strict=True)
    assert len(imported(tmp_path, authors_csv(row(1)), strict=True)[0]) == 1


def test_the_same_pair_at_another_emotion_and_the_id_of_a_dropped_row_are_free(tmp_path: Path) -> None:
    table, ledger = imported(tmp_path, authors_csv(row(1, Valence=9), row(1), row(2, Valence=-1)))
    assert table["id"].tolist() == ["oasis/1", "oasis/2"]
    assert ledger.counts("dropped") == {"valence is outside -3 to 3": 1}


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_stray_quotes_in_the_file_itself(tmp_path: Path, end: str) -> None:
    lines = [
        ",".join(AUTHORS),
        '1,1,1,x,OASIS,"a dog,a sad dog',
        '2,1,1,x,OASIS,a cat,"a ""sad"" cat"',
        '3,1,1,x,OASIS,a fox,a sly fox"',
    ]
    table, ledger = imported(tmp_path, b"\xef\xbb\xbf" + end.join(lines).encode())
    assert table["neutral_prompt"].tolist() == ["a dog", "a cat", "a fox"]
    assert table["emotional_prompt"].tolist() == ["a sad dog", 'a "sad" cat', "a sly fox"]
    assert {(e.line, e.reason) for e in ledger.entries} == {(2, "quotes do not close"), (2, "stray quotes"), (4, "stray quotes")}


@pytest.mark.parametrize("form", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_mapped_columns_in_every_format(tmp_path: Path, form: str) -> None:
    rows = [{"v": 1.5, "a": -2, "plain": "a dog", "felt": "a glad dog", "file": "dogs/1.jpg", "part": "Validation", "more": "x"}]
    path = tmp_path / f"mine{form}"
    if form == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
    elif form == ".jsonl":
        path.write_text(json.dumps(rows[0]))
    else:
        pd.DataFrame(rows).to_csv(path, sep="\t" if form == ".tsv" else ",", index=False)
    mapped = parse_columns(
        ["valence=v", "Arousal=a", "Neutral-Prompt=plain", "emotional_prompt = felt", "picture=file", "split=part"]
    )
    ledger = ImportLedger(source=path.name)
    table = load(path, ledger, columns=mapped)
    unit = "row" if form == ".parquet" else "line"
    line = 2 if form in (".csv", ".tsv") else 1
    assert table.loc[0, ["id", "valence", "arousal", "dataset", "picture", "split", "content"]].tolist() == [
        f"mine/{unit} {line}", 1.5, -2, "mine", "dogs/1.jpg", "val", "mine/dogs/1.jpg",
    ]  # fmt: skip
    assert ledger.entries == []
    assert ledger.notes == ["columns that are not used: more"]


def test_contents_pictures_and_splits(tmp_path: Path) -> None:
    text = (
        "valence,arousal,neutral_prompt,emotional_prompt,picture,split,content\n"
        "0,1,a dog,a sad dog,../../etc/passwd,Train,\n"
        "0,1,A Dog!,a wild dog,a\\b.jpg,holdout,\n"
        "0,1,a cat,a sad cat,,dev,  cats \n"
    )
    table, ledger = imported(tmp_path, text, dataset="My Set")
    assert table["content"].tolist() == ["a dog", "My Set/a/b.jpg", "cats"]
    assert table["picture"].fillna("-").tolist() == ["-", "a/b.jpg", "-"]
    assert table["split"].fillna("-").tolist() == ["train", "-", "val"]
    assert [(e.line, e.reason, e.before, e.after) for e in ledger.entries] == [
        (2, "path leads out of the data set's folder", "../../etc/passwd", ""),
        (3, "path written another way", "a\\b.jpg", "a/b.jpg"),
        (3, "split is none of train, val, test", "holdout", ""),
    ]


@pytest.mark.parametrize("long", ["drop", "cut", "keep"])
def test_prompts_longer_than_the_encoder_reads(tmp_path: Path, long: Any) -> None:
    ruler = PromptRuler.of("storybook")
    text = authors_csv(row(1), row(2, "a dog", f'"{LONG}and sad'))
    table, ledger = imported(tmp_path, text, ruler=ruler, long=long)
    (entry,) = [e for e in ledger.entries if "48 tokens" in e.reason]
    assert (entry.line, entry.column, entry.before) == (3, "Emotional_Prompt", f'"{LONG}and sad')
    if long == "drop":
        assert len(table) == 1
        assert (entry.what, entry.reason) == ("dropped", "longer than 48 tokens")
        assert "storybook, which reads 48" in ledger.notes[-1]
        return
    prompt, doubts = table.loc[1, ["emotional_prompt", "doubts"]]
    if long == "cut":
        assert (entry.what, entry.reason, entry.after) == ("changed", "stray quotes; cut to 48 tokens", prompt)
        assert LONG.startswith(prompt)
        assert ruler.count([prompt])[0] <= 48
        assert doubts == "emotional prompt was cut"
    else:
        assert (entry.what, entry.reason) == ("kept", "longer than 48 tokens")
        assert prompt == f"{LONG}and sad"
        assert doubts == "emotional prompt is longer than 48 tokens"
        assert {e.reason for e in ledger.entries} == {"longer than 48 tokens", "stray quotes"}


def test_a_pair_that_differs_only_beyond_the_cut_is_dropped(tmp_path: Path) -> None:
    text = authors_csv(row(1), row(2, f"{LONG}on a day", f"{LONG}on a sad day"))
    table, ledger = imported(tmp_path, text, ruler=PromptRuler.of("storybook"), long="cut")
    assert len(table) == 1
    assert ledger.counts("dropped") == {"prompts are identical": 1}


def test_characters_that_are_lost_make_a_pair_doubtful(tmp_path: Path) -> None:
    table, _ = imported(tmp_path, authors_csv(row(1, "a caf\ufffd", "a sad caf\ufffd")))
    assert table["doubts"].tolist() == ["neutral prompt has lost characters; emotional prompt has lost characters"]


def test_a_table_of_pairs_comes_back_as_it_was(tmp_path: Path) -> None:
    table, _ = imported(tmp_path, authors_csv(row(1), row(2, "a cat", "a sad cat")))
    table.loc[0, "doubts"] = "too short"
    write_table(table, tmp_path / "one.parquet", "pairs", {})
    ledger = ImportLedger(source="one.parquet")
    again = load(tmp_path / "one.parquet", ledger)
    write_table(again, tmp_path / "two.parquet", "pairs", {})
    assert ledger.entries == []
    pd.testing.assert_frame_equal(
        read_table(tmp_path / "one.parquet", "pairs")[0], read_table(tmp_path / "two.parquet", "pairs")[0]
    )


def test_a_file_without_the_columns(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="no column for valence, emotional_prompt; it has 'a', 'arousal', 'neutral prompt'"
    ) as raised:
        imported(tmp_path, "a,arousal,neutral prompt\n1,2,3\n")
    assert "--column valence=THEIRS" in str(raised.value)


def test_nothing_but_a_header(tmp_path: Path) -> None:
    table, ledger = imported(tmp_path, ",".join(AUTHORS), ruler=PromptRuler.of("storybook"))
    assert (len(table), ledger.read) == (0, 0)


@pytest.mark.parametrize("texts", [["valence"], ["=v"], ["valence="], ["size=v"], ["valence=a", "Valence=b"]])
def test_mappings_that_are_none(texts: list[str]) -> None:
    with pytest.raises(InputError, match=r"valence|size|=v"):
        parse_columns(texts)


def test_a_mapping_may_hold_an_equals_sign() -> None:
    assert parse_columns(["valence=v=1"]) == {"valence": "v=1"}


def test_what_to_do_with_long_prompts() -> None:
    assert parse_long("cut") == "cut"
    with pytest.raises(InputError, match="drop, cut, keep"):
        parse_long("Cut!")
