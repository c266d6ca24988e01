from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.cli.conftest import Done

Cli = Callable[..., Done]

SAMPLE = Path(__file__).parents[1] / "data" / "released-checkpoint-sample.pth"


def test_import_then_show(cli: Cli, tmp_path: Path) -> None:
    done = cli("checkpoint", "import", str(SAMPLE), "--out", "emotion")
    assert (done.code, done.out) == (0, "emotion\n"), done.err
    assert sorted(path.name for path in (tmp_path / "emotion").iterdir()) == ["config.json", "eit.safetensors"]
    about = json.loads(cli("checkpoint", "show", "emotion", "--json").out)
    assert (about["width"], about["blocks"], about["variant"]) == (32, 2, "released")
    assert "released" in cli("checkpoint", "show", "emotion").out
    assert json.loads(cli("checkpoint", "show", str(SAMPLE), "--json").out)["parameters"] == about["parameters"]


def test_import_prints_json(cli: Cli) -> None:
    assert json.loads(cli("checkpoint", "import", str(SAMPLE), "--out", "emotion", "--json").out)["path"] == "emotion"


def test_import_replaces_only_when_forced(cli: Cli, tmp_path: Path) -> None:
    cli("checkpoint", "import", str(SAMPLE), "--out", "emotion")
    done = cli("checkpoint", "import", str(SAMPLE), "--out", "emotion")
    assert done.code == 2
    assert "--force" in done.err
    assert cli("checkpoint", "import", str(SAMPLE), "--out", "emotion", "--force").code == 0


def test_import_never_replaces_a_folder_of_other_files(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("precious")
    for force in ([], ["--force"]):
        assert cli("checkpoint", "import", str(SAMPLE), "--out", "letters", *force).code == 2
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["dear.txt"]


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("harmed"),)  # type: ignore[return-value]


@pytest.mark.parametrize("case", ["missing", "empty", "truncated", "code", "other keys"])
def test_files_that_are_no_released_checkpoint(cli: Cli, tmp_path: Path, case: str) -> None:
    path = tmp_path / "a.pth"
    if case == "empty":
        path.write_bytes(b"")
    elif case == "truncated":
        path.write_bytes(SAMPLE.read_bytes()[:-500_000])
    elif case == "code":
        path.write_bytes(pickle.dumps({"module.wte.weight": Harmful()}))
    elif case == "other keys":
        torch.save({"module.weight": torch.zeros(2)}, path)
    before = sorted(tmp_path.iterdir())
    done = cli("checkpoint", "import", "a.pth", "--out", "emotion")
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["nowhere", "owner/name"])
def test_show_of_what_is_not_there(cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    done = cli("checkpoint", "show", name)
    assert done.code == 2
    assert name in done.err
