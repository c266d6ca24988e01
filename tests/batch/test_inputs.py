"""Prompts, emotions, seeds and grids as people write them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from emoticrafter import Emotion
from emoticrafter.batch import Feeling, Prompt, parse_grid, parse_seeds, read_emotions, read_prompts
from emoticrafter.data.sheets import SheetWarning
from emoticrafter.errors import InputError, MissingError


def file_of(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_text_file_has_a_prompt_on_each_line(tmp_path: Path) -> None:
    path = file_of(tmp_path, "p.txt", "\ufeffa cat\r\n\r\n  a dog, running \n\u6d77\u8fba")
    assert [one.text.strip() for one in read_prompts(path)] == ["a cat", "a dog, running", "\u6d77\u8fba"]


def test_only_line_ends_end_a_line(tmp_path: Path) -> None:
    path = file_of(tmp_path, "p.txt", "a cat\u2028on a mat\na\x0bdog\x0cand\x85a ball\n")
    assert [one.text for one in read_prompts(path)] == ["a cat\u2028on a mat", "a\x0bdog\x0cand\x85a ball"]
    table = file_of(tmp_path, "p.csv", "prompt,place\na cat\u2028on a mat,room\n")
    assert read_prompts(table) == [Prompt(text="a cat\u2028on a mat", columns={"place": "room"})]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("suffix", [".txt", ".csv", ".jsonl", ".parquet"])
def test_a_pipe_or_a_device_is_refused_at_once(tmp_path: Path, suffix: str) -> None:
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="cannot be read: it is a named pipe"):
        read_prompts(tmp_path / f"pipe{suffix}")
    with pytest.raises(InputError, match="cannot be read: it is a device"):
        read_prompts(tmp_path / f"zero{suffix}")


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_s_other_columns_go_along(tmp_path: Path, form: str) -> None:
    frame = pd.DataFrame({"Prompt": ["a cat", "a dog"], "place": ["room", "park"], "id": ["7", "8"]})
    path = tmp_path / f"p.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    elif form == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if form == "tsv" else ",")
    assert read_prompts(path) == [
        Prompt(text="a cat", columns={"place": "room", "input_id": "7"}),
        Prompt(text="a dog", columns={"place": "park", "input_id": "8"}),
    ]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("p.csv", "text\na cat\n", "no column for prompt; it has 'text'"),
        ("p.csv", "prompt,place\na cat,room\n,park\n", "line 3 has no prompt"),
        ("p.csv", "prompt,place\na cat\n", "line 2 cannot be read: row has too few cells"),
        ("p.csv", "prompt,place\n", "no rows"),
        ("p.csv", "prompt,id,input_id\na,1,2\n", "two columns 'input_id'"),
        ("p.doc", "a cat", ".doc"),
    ],
)
def test_prompts_that_cannot_be_read(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_prompts(file_of(tmp_path, name, text))


def test_files_that_are_not_there_or_no_text(tmp_path: Path) -> None:
    for name in ("p.txt", "p.csv"):
        with pytest.raises(MissingError, match="no file"):
            read_prompts(tmp_path / name)
    (tmp_path / "p.txt").write_bytes(b"a caf\xe9")
    with pytest.raises(InputError, match="no text in UTF-8"):
        read_prompts(tmp_path / "p.txt")
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read_prompts(tmp_path / "folder.txt")


def test_emotions_are_numbers_or_moods(tmp_path: Path) -> None:
    points = read_emotions(file_of(tmp_path, "e.csv", "valence,arousal,mood\n-2,1.5,mine\n3,-3,yours\n"))
    assert [(one.emotion, dict(one.columns)) for one in points] == [
        (Emotion(valence=-2, arousal=1.5), {"mood": "mine"}),
        (Emotion(valence=3, arousal=-3), {"mood": "yours"}),
    ]
    named = read_emotions(file_of(tmp_path, "m.jsonl", '{"mood": "sad"}\n{"mood": "serene"}\n'))
    assert [one.emotion for one in named] == [Emotion.named("sad"), Emotion.named("serene")]
    assert dict(named[0].columns) == {"mood": "sad"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("valence,arousal\n-4,1\n", "'e.csv', line 2: The valence is -4; it must lie"),
        ("valence,arousal\n1,high\n", "line 2: The arousal 'high' is no number"),
        ("mood\nsad\nsadly\n", "line 3: .*sadly"),
        ("valence\n1\n", "no column for arousal; it has 'valence'"),
        ("feeling\nsad\n", "no column for valence, arousal"),
    ],
)
def test_emotions_that_cannot_be_read(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_emotions(file_of(tmp_path, "e.csv", text))


def test_a_row_s_own_emotion_and_settings_are_its_own(tmp_path: Path) -> None:
    header = "Prompt,Valence,arousal,seed,strength,start,steps,guidance,guidance range,size,negative,place\n"
    lines = ["a cat,-2,1.5,7,1.5,0.25,9,3,0.3:0.8,96x64,blur,room", "a cat,2,-1,,,,,,,,,park"]
    path = file_of(tmp_path, "p.csv", header + "\n".join(lines))
    told: list[str] = []
    assert read_prompts(path, told.append) == [
        Prompt(
            text="a cat", emotion=Emotion(valence=-2, arousal=1.5), columns={"place": "room"},
            settings={
                "seed": 7, "strength": 1.5, "start": 0.25, "steps": 9, "guidance": 3.0, "guidance_range": (0.3, 0.8),
                "size": (96, 64), "negative": "blur",
            },
        ),
        Prompt(text="a cat", emotion=Emotion(valence=2, arousal=-1), columns={"place": "park"}),
    ]  # fmt: skip
    (sentence,) = told
    assert sentence.startswith("'p.csv' has columns that decide nothing here and only go along into the index: 'place'. ")


def test_numbers_of_tables_with_gaps_are_read_as_they_are_meant(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"prompt": ["a", "b"], "mood": ["sad", "calm"], "seed": [3.0, None], "width": [64, 32], "height": [32, 64]}
    )
    frame.to_parquet(tmp_path / "p.parquet")
    one, two = read_prompts(tmp_path / "p.parquet")
    assert (one.emotion, one.settings) == (Emotion.named("sad"), {"seed": 3, "size": (64, 32)})
    assert (two.emotion, two.settings) == (Emotion.named("calm"), {"size": (32, 64)})
    assert one.columns == {"mood": "sad"}


def test_a_table_of_emotions_may_have_settings_too(tmp_path: Path) -> None:
    told: list[str] = []
    path = file_of(tmp_path, "e.csv", "valence,arousal,mood,strength,note\n,,sad,0.5,x\n1,2,mine,,y\n")
    assert read_emotions(path, told.append) == [
        Feeling(emotion=Emotion.named("sad"), settings={"strength": 0.5}, columns={"mood": "sad", "note": "x"}),
        Feeling(emotion=Emotion(valence=1, arousal=2), columns={"mood": "mine", "note": "y"}),
    ]
    assert ["'note'" in one for one in told] == [True]


def test_nothing_is_said_of_a_file_whose_columns_all_decide(tmp_path: Path) -> None:
    text = "prompt_id,prompt,valence,arousal,seed\n51e4674156,a cat,-3.0,1.5,0\n"  # as `evaluate --requests` writes it
    told: list[str] = []
    (one,) = read_prompts(file_of(tmp_path, "wanted.csv", text), told.append)
    assert (one.emotion, one.settings, told) == (Emotion(valence=-3, arousal=1.5), {"seed": 0}, [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prompt,valence\na,1\n", "no column for arousal"),
        ("prompt,width\na,64\n", "no column for height"),
        ("prompt,size,width,height\na,1,2,3\n", "a size, and a width and a height"),
        ("prompt,valence,arousal\na,1,\n", "'p.csv', line 2: The arousal '' is no number"),
        ("prompt,valence,arousal\na,1,1\nb,,\n", "line 3: It has no emotion"),
        ("prompt,valence,arousal\na,1,9\n", "line 2: The arousal is 9; it must lie from -3 to 3"),
        ("prompt,mood\na,sadd\n", "line 2: .*sadd"),
        ("prompt,seed\na,1.5\n", "line 2: The seed '1.5' is no whole number"),
        (
            "prompt,seed\na,9223372036854775808\n",
            "line 2: The seed '9223372036854775808' is no whole number from 0 to 9223372036854775806",
        ),
        ("prompt,steps\na,many\n", "line 2: The steps 'many' is no whole number"),
        ("prompt,guidance\na,strong\n", "line 2: The guidance 'strong' is no number"),
        ("prompt,guidance_range\na,1\n", r"line 2: The guidance range is \[1.0\]"),
        ("prompt,size\na,64x\n", "line 2: The size '64x' is neither"),
        ("prompt,width,height\na,64,\n", "line 2: It has only one of width and height"),
        (
            "prompt,seed\na,-1\n",
            "'p.csv', line 2: The seed is -1; it must be a whole number from 0 to .* Give one, such as 0, the",
        ),
        ("prompt,steps\na,0\n", "'p.csv', line 2: The number of steps is 0; it must be a whole number from 1 to 1000"),
        ("prompt,strength\na,1\nb,11\n", "'p.csv', line 3: The strength is 11.0; it must be a number from 0 to 10"),
        ("prompt\na\nb\x01\n", r"line 3: The prompt holds the control character U\+0001"),
        (
            "prompt,mood,valence,arousal\na,serene,1,1\n",
            "'p.csv', line 2: The mood 'serene' was given together with the valence 1;",
        ),
        ("prompt,mood,valence,arousal\na,serene,1,\n", "line 2: The mood 'serene' was given together with the valence 1;"),
        ("prompt,mood,valence,arousal\na,Sad,,1\n", "line 2: The mood 'Sad' was given together with the arousal 1;"),
    ],
)
def test_cells_that_cannot_be_meant(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_prompts(file_of(tmp_path, "p.csv", text))


def test_a_mood_may_stand_beside_its_own_numbers(tmp_path: Path) -> None:
    serene = Emotion.named("serene")
    text = f"prompt,mood,valence,arousal\na,serene,{serene.valence},{serene.arousal}\nb,serene,,\nc,serene,{serene.valence},\n"
    assert [one.emotion for one in read_prompts(file_of(tmp_path, "p.csv", text))] == [serene] * 3


def test_a_mood_that_contradicts_the_numbers_of_an_emotion_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'e\.csv', line 2: The mood 'serene' was given together with the arousal 1;"):
        read_emotions(file_of(tmp_path, "e.csv", "mood,valence,arousal\nserene,,1\n"))


@pytest.mark.parametrize("text", ['prompt,seed\n"a dog,1\n', 'prompt,seed\n"a dog,1\na cat,2\n', 'prompt\n"a dog\na cat\n'])
def test_a_quote_that_is_never_closed_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        InputError, match=r"'quote\.csv': line 2 cannot be read: a quote is opened and never closed: '\"a dog"
    ) as caught:
        read_prompts(file_of(tmp_path, "quote.csv", text))
    assert caught.value.hint.startswith("Close it;")


def test_quotes_within_a_text_are_its_own(tmp_path: Path) -> None:
    path = file_of(tmp_path, "p.csv", 'prompt,seed\na 5" disk,1\n"a 5"" disk",2\n"hi" he said,3\n')
    assert [one.text for one in read_prompts(path)] == ['a 5" disk', 'a 5" disk', '"hi" he said']


@pytest.mark.parametrize(
    ("encoding", "sentence"),
    [("cp1252", "'t.csv': 1 line is not UTF-8 and was read as Windows-1252."), ("utf-16", "'t.csv': the file is UTF-16.")],
)
def test_another_encoding_of_a_table_is_told(tmp_path: Path, encoding: str, sentence: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("prompt,mood\na caf\xe9,sad\n".encode(encoding))
    told: list[str] = []
    assert [one.text for one in read_prompts(path, told.append)] == ["a caf\xe9"]
    assert told == [sentence]
    with pytest.warns(SheetWarning) as warned:
        read_prompts(path)
    assert [str(one.message) for one in warned] == [sentence]
    path.write_bytes("mood,valence,arousal\ncaf\xe9,1,1\n".encode(encoding))
    told.clear()
    read_emotions(path, told.append)
    assert told == [sentence]


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_comma_without_quotes_is_told_as_such(tmp_path: Path, separator: str) -> None:
    path = file_of(
        tmp_path, "p.csv", f"prompt{separator}place\na cat{separator}room\na dog{separator} on a beach{separator}park\n"
    )
    with pytest.raises(InputError) as caught:
        read_prompts(path)
    assert caught.value.problem == (
        f"'p.csv': line 3 cannot be read: row has too many cells: 'a dog{separator} on a beach{separator}park'."
    )
    assert caught.value.hint.startswith(
        f"Put quotes around a cell that holds a {({',': 'comma', ';': 'semicolon'})[separator]}: "
    )


def test_a_lone_column_of_prompts_with_a_comma_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2 cannot be read: row has too many cells: 'a dog, on a beach'.*quotes"):
        read_prompts(file_of(tmp_path, "p.csv", "prompt\na dog, on a beach\n"))


def test_seeds_are_numbers_and_ranges() -> None:
    assert parse_seeds("0,1, 2") == [0, 1, 2]
    assert parse_seeds("3-5,100") == [3, 4, 5, 100]
    for text, words in (("", "no seed"), ("1,,2", "no seed"), ("-1", "no seed"), ("5-3", "must rise"), ("0-999999", "by less")):
        with pytest.raises(InputError, match=words):
            parse_seeds(text)


def test_a_grid_is_two_counts() -> None:
    assert parse_grid("5x3") == ("-3:3:5", "-3:3:3")
    for text in ("5", "1x5", "axb", "5x5x5", "0x0"):
        with pytest.raises(InputError, match="VALENCESxAROUSALS"):
            parse_grid(text)
