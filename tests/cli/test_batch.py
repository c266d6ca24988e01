"""`emoticrafter batch`, with a tiny SDXL that really runs, and once with the model that ships."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emoticrafter.backbones.registry import STORYBOOK
from emoticrafter.batch import drawing, read_index
from emoticrafter.batch.drawing import draw
from emoticrafter.cli import batch as command
from emoticrafter.cli.options import absolute
from emoticrafter.locks import hold
from emoticrafter.recipe import read_recipe
from tests.cli.conftest import Done
from tests.contents import contents

ROOT = Path(__file__).parents[2]
Cli = Callable[..., Done]
PROMPTS = ["a cat on the beach", "a dog in the forest", "a child playing, the red ball on the beach, a dog in the forest"]


@pytest.fixture
def given(tmp_path: Path, tiny_sdxl: Path) -> list[str]:
    (tmp_path / "prompts.txt").write_text("\n".join(PROMPTS))
    return ["batch", "prompts.txt", "--backbone", str(tiny_sdxl), "--device", "cpu", "--dtype", "float32", "--grid", "2x2"]


def pictures(folder: Path) -> list[Path]:
    return sorted(folder.glob("pictures/*/[!.]*"))


def test_prompts_become_a_folder_with_an_index(cli: Cli, given: list[str]) -> None:
    done = cli(*given, "--out", "made", "--seeds", "0-1", "--csv", "--strength", "1.5", "--steps", "2", "--batch-size", "5")
    assert (done.code, done.out) == (0, f"{Path('made/index.parquet')}\n"), done.err
    assert "24 pictures drawn in" in done.err
    index = read_index("made")
    assert len(index) == len(pictures(Path("made"))) == 24
    assert set(index["prompt"]) == set(PROMPTS)
    assert {tuple(row) for row in index[["valence", "arousal", "seed"]].itertuples(index=False)} == {
        (v, a, s) for v in (-3, 3) for a in (-3, 3) for s in (0, 1)
    }
    assert (set(index["strength"]), set(index["steps"]), set(index["method"])) == ({1.5}, {2}, {"emoticrafter"})
    assert Path("made/index.csv").read_text().count("\n") == 25
    recipe = read_recipe(Path("made") / index["file"][7])
    assert (recipe["prompt"], recipe["seed"], recipe["valence"]) == tuple(index.loc[7, ["prompt", "seed", "valence"]])


def test_its_pictures_are_those_of_generate(cli: Cli, given: list[str], tiny_sdxl: Path) -> None:
    cli(*given, "--out", "made")
    row = next(row for row in read_index("made").itertuples() if row.prompt == PROMPTS[2] and row.valence == row.arousal == 3)
    one = ["--valence", "3", "--arousal", "3", "--backbone", str(tiny_sdxl), "--device", "cpu", "--dtype", "float32"]
    cli("generate", PROMPTS[2], *one, "--out", "one.png")
    first, second = (np.asarray(Image.open(path), dtype=np.int16) for path in (Path("made") / row.file, Path("one.png")))
    assert np.abs(first - second).max() <= 2  # sampled in another batch, so equal up to rounding


def test_the_summary_for_machines(cli: Cli, given: list[str]) -> None:
    about = json.loads(cli(*given, "--out", "made", "--json", "--preview").out)
    expected = {"path": "made", "rows": 12, "before": 0, "drawn": 12, "damaged": 0, "missing": 0, "others": 0, "complete": True}
    assert about.items() >= expected.items()
    assert about["pictures_per_second"] > 0
    pictures(Path("made"))[3].write_bytes(b"")
    about = json.loads(cli(*given, "--out", "made", "--json", "--preview").out)
    assert (about["before"], about["drawn"], about["damaged"]) == (11, 1, 1)


def test_emotions_and_columns_from_tables(cli: Cli, given: list[str], tmp_path: Path) -> None:
    (tmp_path / "prompts.csv").write_text("prompt,place\na cat,beach\na dog,forest\n")
    (tmp_path / "moods.csv").write_text("mood\nsad\nserene\n")
    given = ["batch", "prompts.csv", *given[2:-2]]
    assert cli(*given, "--emotions", "moods.csv", "--out", "made", "--format", "webp").code == 0
    index = read_index("made")
    assert [*zip(index["place"], index["mood"], strict=True)] == [
        ("beach", "sad"), ("beach", "serene"), ("forest", "sad"), ("forest", "serene"),
    ]  # fmt: skip
    assert {path.suffix for path in pictures(tmp_path / "made")} == {".webp"}
    assert cli(*given, "--valence=-1,2", "--arousal", "0", "--out", "axes").code == 0
    assert sorted(set(read_index("axes")["valence"])) == [-1, 2]


def test_a_table_s_own_emotions_seeds_and_settings_are_drawn(cli: Cli, given: list[str], tmp_path: Path) -> None:
    lines = ["prompt,valence,arousal,seed,steps,place", "a cat,-2,1.5,7,2,beach", "a dog,3,-1,8,,forest", "a cat,1,0,,3,beach"]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    given = ["batch", "rows.csv", *given[2:-2], "--out", "made"]
    done = cli(*given, "--steps", "4", "--seeds", "5,6")
    assert done.code == 0, done.err
    assert "warning: 'rows.csv' has columns that decide nothing here and only go along into the index: 'place'." in done.err
    index = read_index("made")
    columns = ["prompt", "valence", "arousal", "seed", "steps", "place"]
    assert [tuple(row) for row in index[columns].itertuples(index=False)] == [
        ("a cat", -2, 1.5, 7, 2, "beach"), ("a dog", 3, -1, 8, 4, "forest"), ("a cat", 1, 0, 5, 3, "beach"),
        ("a cat", 1, 0, 6, 3, "beach"),
    ]  # fmt: skip
    for row in index.itertuples():
        recipe = read_recipe(Path("made") / row.file)
        assert [recipe[name] for name in columns[:-1]] == [getattr(row, name) for name in columns[:-1]]
    again = cli(*given, "--steps", "4", "--seeds", "5,6", "--json")
    assert json.loads(again.out).items() >= {"rows": 4, "before": 4, "drawn": 0}.items()


def test_what_evaluate_asks_for_can_be_drawn_by_batch(cli: Cli, given: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("\n".join(PROMPTS[:2]))
    settings = [
        'prompts.source="file"',
        'prompts.file="mine.txt"',
        'judge.content="none"',
        "prompts.count=2",
        "emotions.seeds=[3]",
    ]
    settings += [
        "emotions.valences=[-3,3]",
        "emotions.arousals=[-1.5,0]",
        "metrics.diversity_prompts=0",
        "metrics.step_prompts=0",
    ]
    assert cli("evaluate", "--suite", "quick", "--requests", "wanted.csv", *(f"--set={one}" for one in settings)).code == 0
    done = cli("batch", "wanted.csv", *given[2:-2], "--out", "made", "--steps", "1")
    assert done.code == 0, done.err
    assert "warning" not in done.err
    index = read_index("made")
    assert [tuple(row) for row in index[["prompt", "valence", "arousal", "seed"]].itertuples(index=False)] == [
        (prompt, v, a, 3) for prompt in PROMPTS[:2] for a in (0, -1.5) for v in (-3, 3)
    ]
    assert set(index["input_prompt_id"]) == set(index["prompt_id"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--grid", "2x2"], "--grid was given, and the rows of 'rows.csv' have emotions of their own"),
        (["--valence", "1"], "--valence/--arousal was given, and the rows"),
        (["--seeds", "1"], "--seeds was given, and every row has a seed of its own"),
        (["--size", "32"], "--size was given, and every row has a size of its own"),
    ],
)
def test_options_that_no_row_has_a_use_for(cli: Cli, given: list[str], tmp_path: Path, options: list[str], words: str) -> None:
    (tmp_path / "rows.csv").write_text("prompt,valence,arousal,seed,width,height\na cat,-2,1.5,7,32,32\n")
    done = cli("batch", "rows.csv", *given[2:-2], "--out", "made", *options)
    assert (done.code, words in done.err) == (2, True), done
    assert not Path("made").exists()


def test_words_that_the_model_does_not_know_are_named_once(cli: Cli, given: list[str], tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("a catt\n")
    done = cli(*given, "--out", "made", "--batch-size", "1")
    assert done.err.count("'catt'") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--grid", "5"], "VALENCESxAROUSALS"),
        (["--valence", "1"], "--grid and --valence/--arousal were given together"),
        (["--emotions", "moods.csv"], "--grid and --emotions"),
        (["--seeds", "one"], "no seed"),
        (["--seeds", "9223372036854775807"], "whole number from 0"),
        (["--steps", "0"], "number of steps is 0"),
        (["--strength", "99"], "strength is 99"),
        (["--start", "2"], "start is 2"),
        (["--size", "33"], "multiple of"),
        (["--guidance", "1", "--negative", "blur"], "no effect"),
        (["--format", "bmp"], "png, webp, jpeg"),
        (["--batch-size", "0"], "from 1 to"),
        (["--engine", "spark"], "local, ray"),
        (["--ray-workers", "2"], "--engine ray"),
        (["--engine", "ray", "--ray-workers", "0"], "at least 1"),
        (["--backbone", "nonesuch"], "no backbone"),
        (["--out", "prompts.txt"], "no folder"),
    ],
)
def test_bad_options_are_told_before_any_work(cli: Cli, given: list[str], options: list[str], words: str) -> None:
    done = cli(*given, "--out", "made", *options)
    assert done.code == 2, done
    assert words in done.err
    assert not Path("made").exists() or not pictures(Path("made"))


def test_a_prompt_that_the_model_refuses_is_refused_before_any_work(cli: Cli, given: list[str], tmp_path: Path) -> None:
    for text, words in (("a\x07bell", "U+0007"), ("x" * 5000, "5000 characters")):
        (tmp_path / "prompts.txt").write_text(f"a cat\n{text}\n")
        done = cli(*given, "--out", "made")
        assert (done.code, words in done.err) == (2, True), done
        assert not Path("made").exists()


def test_another_command_into_the_folder_is_refused_with_both_values(cli: Cli, given: list[str]) -> None:
    cli(*given, "--out", "made", "--steps", "2")
    done = cli(*given, "--out", "made", "--steps", "3")
    assert done.code == 2
    assert "begun with the steps 2; now it is 3" in done.err
    done = cli(*given, "--out", "made", "--steps", "2", "--scheduler", "Euler,timestep_spacing=trailing")
    assert "begun with the scheduler 'EulerDiscreteScheduler'; now it is 'Euler,timestep_spacing=trailing'" in done.err


@pytest.fixture
def long(given: list[str]) -> list[str]:
    """A batch of 48 pictures in 24 calls, long enough to be ended among them."""
    return [*given, "--seeds", "0-3", "--batch-size", "2", "--steps", "6", "--csv"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_the_program_killed_and_started_again_ends_in_the_same_bytes(cli: Cli, long: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    run = subprocess.Popen(
        [sys.executable, "-m", "emoticrafter", *long, "--out", "killed"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        while run.poll() is None and len(pictures(Path("killed"))) < 7:
            time.sleep(0.01)
    finally:
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
    kept = {path: path.stat().st_mtime_ns for path in pictures(Path("killed"))}
    assert 7 <= len(kept) < 48
    assert not Path("killed/index.parquet").exists()
    about = json.loads(cli(*long, "--out", "killed", "--json").out)
    assert (about["before"], about["drawn"]) == (len(kept), 48 - len(kept))
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    cli(*long, "--out", "whole")
    assert contents(Path("killed")) == contents(Path("whole"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_finishes_the_batch_and_says_how_to_go_on(
    cli: Cli, given: list[str], monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    calls: list[int] = []

    def signalled(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(number)
        return draw(*arguments)

    given += ["--batch-size", "2"]
    with monkeypatch.context() as patch:
        patch.setattr(drawing, "draw", signalled)
        done = cli(*given, "--out", "stopped")
    assert done.code == code, done
    assert "finishing the batch" in done.err
    assert f"stopped by {signal.Signals(number).name} with 8 pictures missing" in done.err
    assert len(pictures(Path("stopped"))) == len(read_index("stopped")) == 4
    assert read_index("stopped").attrs == {"complete": False, "planned": 12}
    assert "4 pictures were there already" in cli(*given, "--out", "stopped").err
    assert read_index("stopped").attrs["complete"]


def test_a_signal_in_the_last_batch_is_not_swallowed(cli: Cli, given: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def signalled(*arguments: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return draw(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(drawing, "draw", signalled)
        done = cli(*given, "--out", "made", "--batch-size", "12")
    assert done.code == 130
    assert "stopped by SIGINT with nothing left to do" in done.err
    assert read_index("made").attrs == {"complete": True, "planned": 12}


def test_a_folder_that_another_run_writes_to_is_refused(cli: Cli, given: list[str]) -> None:
    with hold(Path("made/.lock"), "", ""):
        done = cli(*given, "--out", "made")
    assert (done.code, "Another run is writing to 'made'" in done.err) == (2, True)
    assert [path.name for path in Path("made").iterdir()] == [".lock"]
    assert cli(*given, "--out", "made").code == 0


def test_paths_are_made_such_that_every_worker_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("storybook", "model", "lora.safetensors"):
        Path(name).touch()
    assert absolute("model") == str(tmp_path / "model")
    assert [absolute(name) for name in ("storybook", "owner/model")] == ["storybook", "owner/model"]
    loras = [command._absolute_lora(text) for text in ("lora.safetensors", "lora.safetensors:0.5", "owner/lora:0.5")]
    assert loras == [str(tmp_path / "lora.safetensors"), f"{tmp_path / 'lora.safetensors'}:0.5", "owner/lora:0.5"]


@pytest.mark.skipif(not (STORYBOOK / "model_index.json").is_file(), reason="the embedded model is not here")
def test_the_shipped_model_draws_the_same_bytes_stopped_or_not(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("a girl on a beach\na dog in a park\n")
    given = ["batch", "prompts.txt", "--grid", "2x2", "--steps", "3", "--device", "cpu", "--batch-size", "4"]
    done = cli(*given, "--out", "whole")
    assert done.code == 0, done.err
    for number, path in enumerate(cells := [p.relative_to("whole") for p in pictures(Path("whole"))]):
        if number in (0, 3, 4):
            (Path("whole") / path).rename(path.name)
    about = json.loads(cli(*given, "--out", "whole", "--json").out)
    assert about["drawn"] == 3
    for number in (0, 3, 4):
        assert (Path("whole") / cells[number]).read_bytes() == Path(cells[number].name).read_bytes()
    assert read_index("whole").attrs["complete"]
