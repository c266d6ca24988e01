"""The command on a tiny SDXL; the judge is that of the storybook, in the place of which stands one that sees what it should."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emoticrafter import checkpoint, judges
from emoticrafter.cli.calibrate import _sentences
from emoticrafter.errors import OutputError
from emoticrafter.judges.trust import AxisTrust, Trust
from tests.cli.conftest import Done

Cli = Callable[..., Done]


class Knowing:
    """Reads the emotion out of the picture's recipe, at half its size."""

    name = "knowing"

    def __init__(self, r2: float = 0.9) -> None:
        axis = AxisTrust(r2=r2, spearman=0.9, error=0.2)
        self.trust = Trust(validated_on="itself", pictures=9, valence=axis, arousal=axis)

    def emotions(self, pictures: Sequence[Any]) -> np.ndarray:
        return np.array([[one.recipe["valence"] / 2, one.recipe["arousal"] / 2] for one in pictures], np.float32)

    def describe(self) -> Mapping[str, Any]:
        return {"judge": self.name, "sha256": "j" * 64}


@pytest.fixture
def model(tiny_sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(judges, "open_judge", lambda source: Knowing(0.1 if source == "weak" else 0.9))
    (tmp_path / "prompts.txt").write_text("a cat\n\na dog on the beach\na cat\na red ball\na child in the forest\n")
    return Path(shutil.copytree(tiny_sdxl, tmp_path / "model"))


def test_it_fits_reports_and_is_applied_from_then_on(cli: Cli, model: Path) -> None:
    command = ("calibrate", "--backbone", "model", "--device", "cpu", "--prompts", "prompts.txt", "--levels", "5", "--steps", "1")
    done = cli(*command, "--json")
    assert done.code == 0, done.err
    about = json.loads(done.out)
    assert about["paths"] == ["model/emotion/calibration.json"]
    assert (about["prompts"], about["prompts kept out"]) == (3, 1)
    assert about["without"]["valence"]["error"] == pytest.approx(0.9)
    assert about["with"]["valence"]["error"] == pytest.approx(0.7, abs=0.1)  # half of the way stays out of reach
    kept = json.loads((model / "emotion" / "calibration.json").read_text())
    assert kept["strength"] == 0.8
    assert kept["valence"]["levels"][0] == -3
    again = cli(*command)
    assert again.code == 2
    assert "--force" in again.err
    forced = cli(*command, "--force")
    assert forced.code == 0, forced.err
    assert "without calibration: valence error 0.90" in forced.err
    for more, calibrated in (((), True), (("--no-calibration",), False)):
        made = cli("generate", "a cat", "--backbone", "model", "--device", "cpu", "--steps", "1", "--json", "--force", *more)
        assert (json.loads(made.out)["recipes"][0]["calibration"] is not None) is calibrated


def test_a_weak_judge_is_refused_or_recorded(cli: Cli, model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    command = ("calibrate", "--backbone", "model", "--device", "cpu", "--prompts", "prompts.txt", "--levels", "3", "--steps", "1")
    refused = cli(*command, "--judge", "weak", "--out", "out")
    assert refused.code == 2
    assert "R2 below" in refused.err
    forced = cli(*command, "--judge", "weak", "--out", "out", "--trust")
    assert forced.code == 0, forced.err
    assert "used all the same" in json.loads((tmp_path / "out" / "calibration.json").read_text())["figures"]["doubt"]


def test_a_byte_order_mark_is_no_part_of_the_first_prompt(tmp_path: Path) -> None:
    text = "a cat\u2028on a mat\r\na dog\r\na ball\r\na child\r\n"
    (tmp_path / "plain.txt").write_bytes(text.encode())
    (tmp_path / "marked.txt").write_bytes(text.encode("utf-8-sig"))
    wanted = ["a cat on a mat", "a dog", "a ball", "a child"]
    assert [_sentences(tmp_path / name, 9) for name in ("plain.txt", "marked.txt")] == [wanted, wanted]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--out", "nowhere"), "not a folder"),
        (("--emotion", "owner/name"), "--out"),
        (("--prompts", "none.txt"), "There is no file"),
        (("--prompts", "few.txt"), "at least 4"),
        (("--method", "time_embedding"), "has no calibration"),
    ],
)
def test_mistakes_are_named_before_any_picture(
    cli: Cli, model: Path, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    (tmp_path / "few.txt").write_text("a cat\na dog\n")
    done = cli("calibrate", "--backbone", "model", "--device", "cpu", *arguments)
    assert done.code == 2, done.err
    assert says in done.err


def test_the_checkpoint_is_held_while_it_is_calibrated(cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, refused = Knowing.emotions, []

    def nosy(self: Knowing, pictures: Sequence[Any]) -> np.ndarray:
        for write in (lambda: checkpoint.save(checkpoint.load("model/emotion"), "model/emotion", force=True), second):
            with pytest.raises(OutputError, match="Another run is writing to"):
                write()
            refused.append(write)
        return read(self, pictures)

    def second() -> None:
        done = cli(*command)
        raise OutputError(done.err) if done.code == 2 else AssertionError(done)

    monkeypatch.setattr(Knowing, "emotions", nosy)
    command = ("calibrate", "--backbone", "model", "--device", "cpu", "--prompts", "prompts.txt", "--levels", "3", "--steps", "1")
    assert cli(*command).code == 0
    assert refused
    assert sorted(path.name for path in model.iterdir() if path.name.startswith(".")) == []
    assert sorted(path.name for path in (model / "emotion").iterdir()) == [
        "calibration.json", "config.json", "eit.safetensors",
    ]  # fmt: skip
