from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from emoticrafter.data.tables import write_table
from emoticrafter.judges import training
from tests.cli.conftest import Done

Cli = Callable[..., Done]


@pytest.fixture
def clip(tiny_clip: Path) -> str:
    return str(tiny_clip)


@pytest.fixture
def annotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty pictures whose colour is their emotion."""
    monkeypatch.setenv("EMOTICRAFTER_CACHE", str(tmp_path / "cache"))
    emotions = np.random.default_rng(0).uniform(-3, 3, (40, 2))
    (tmp_path / "pictures").mkdir()
    for i, (v, a) in enumerate(emotions):
        Image.new("RGB", (40, 40), (round(40 * (v + 3)), round(40 * (a + 3)), 128)).save(tmp_path / "pictures" / f"{i}.png")
    rows = {"id": [f"mine/{i}" for i in range(40)], "picture": [f"{i}.png" for i in range(40)], "dataset": "mine"}
    table = pd.DataFrame({**rows, "valence": emotions[:, 0], "arousal": emotions[:, 1]})
    return write_table(table, tmp_path / "mine.parquet", "annotations", {})


def test_train_show_and_read(cli: Cli, annotated: Path, clip: str, tmp_path: Path) -> None:
    done = cli("judge", "train", "mine.parquet", "--pictures", "pictures", "--clip", clip, "--out", "judge", "--json")
    assert done.code == 0, done.err
    about = json.loads(done.out)
    assert about["trust"]["valence"]["r2"] > 0.5
    assert sorted(path.name for path in (tmp_path / "judge").iterdir()) == ["card.md", "config.json", "head.safetensors"]
    again = cli("judge", "train", "mine.parquet", "--pictures", "pictures", "--clip", clip, "--out", "judge")
    assert again.code == 2
    assert "--force" in again.err
    shown = cli("judge", "show", "judge")
    assert shown.code == 0, shown.err
    assert "| arousal |" in shown.out
    assert "Comparisons take it" in shown.err
    read = cli("judge", "read", "pictures", "--judge", "judge", "--csv")
    assert read.code == 0, read.err
    rows = list(csv.DictReader(io.StringIO(read.out)))
    assert len(rows) == 40
    found = {Path(row["picture"]).stem: float(row["valence"]) for row in rows}
    true = pd.read_parquet("mine.parquet")["valence"]
    assert np.corrcoef([found[str(i)] for i in range(40)], true)[0, 1] > 0.7


def test_a_judge_is_trained_by_one_run_at_a_time(
    cli: Cli, annotated: Path, clip: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = ("judge", "train", "mine.parquet", "--pictures", "pictures", "--clip", clip, "--out", "judge")
    codes = []

    def nosy(*arguments: Any, **options: Any) -> Any:
        second = cli(*command)
        codes.append((second.code, "Another run is writing to 'judge'" in second.err))
        return train_judge(*arguments, **options)

    train_judge = training.train_judge
    monkeypatch.setattr(training, "train_judge", nosy)
    assert cli(*command).code == 0
    assert codes == [(2, True)]
    assert sorted(path.name for path in (tmp_path / "judge").iterdir()) == ["card.md", "config.json", "head.safetensors"]


def test_import_is_not_trusted(cli: Cli, tmp_path: Path) -> None:
    torch.save({"classifier.0.weight": torch.zeros(2, 512), "classifier.0.bias": torch.tensor([0.0, 0.5])}, "va.pth")
    done = cli("judge", "import", "va.pth", "--activation", "sigmoid", "--out", "judge")
    assert done.code == 0, done.err
    assert "judge/config.json" in done.out
    shown = cli("judge", "show", "judge")
    assert "never validated" in shown.out
    assert "refuse it unless forced" in shown.err
    assert cli("judge", "import", "va.pth", "--activation", "tanh", "--out", "other").code == 2
    assert cli("judge", "import", "va.pth", "--out", "other").code == 2  # the activation is never guessed


def test_the_storybook_judge_reads_and_prints_in_three_ways(cli: Cli) -> None:
    for name, colour in (("a.png", "red"), ("b.png", "blue")):
        Image.new("RGB", (64, 64), colour).save(name)
    plain = cli("judge", "read", "a.png", "b.png")
    assert plain.code == 0, plain.err
    assert [line.split()[-1] for line in plain.out.splitlines()] == ["picture", "a.png", "b.png"]
    rows = json.loads(cli("judge", "read", "a.png", "b.png", "--json").out)
    assert [row["picture"] for row in rows] == ["a.png", "b.png"]
    assert all(-3 <= row[axis] <= 3 for row in rows for axis in ("valence", "arousal"))
    assert cli("judge", "read", "a.png", "--json", "--csv").code == 2
    shown = json.loads(cli("judge", "show", "--json").out)
    assert shown["trust"]["valence"]["r2"] > 0.95


def test_a_folder_is_read_as_people_see_it(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (64, 48), "red").save("photos/a.jpg")
    for name in ("._a.jpg", ".DS_Store", "notes.txt"):
        (tmp_path / "photos" / name).write_bytes(b"\0\5\x16\7")
    done = cli("judge", "read", "photos", "--json")
    assert done.code == 0, done.err
    assert [row["picture"] for row in json.loads(done.out)] == ["photos/a.jpg"]


def test_what_is_no_picture_for_us_is_refused_at_once(cli: Cli, tmp_path: Path) -> None:
    os.mkfifo("pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "eps.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n")
    says = {"pipe.png": "it is a named pipe", "zero.png": "it is a device", "eps.png": "it is none of PNG, JPEG"}
    for name, words in says.items():
        done = cli("judge", "read", name)
        assert (done.code, done.out) == (2, "")
        assert f"{name}' cannot be" in done.err
        assert words in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("read", "none.png"), "no picture"),
        (("read", "empty"), "holds no pictures"),
        (("read", "a.png", "--judge", "nobody"), "There is no judge"),
        (("show", "empty"), "holds no judge"),
        (("train", "none.parquet", "--out", "judge"), "There is no file"),
        (("train", "none.parquet", "--head", "deep", "--out", "judge"), "linear, mlp"),
        (("import", "none.pth", "--activation", "none", "--out", "judge"), "There is no file"),
    ],
)
def test_mistakes_are_named(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    (tmp_path / "empty").mkdir()
    Image.new("RGB", (9, 9)).save("a.png")
    done = cli("judge", *arguments)
    assert done.code == 2, done.err
    assert says in done.err
