"""Commands that write a folder: while another run writes to it they are refused, and leave it as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from emoticrafter.locks import hold
from tests.cli.conftest import Done

Cli = Callable[..., Done]
SAMPLE = str(Path(__file__).parents[1] / "data" / "released-checkpoint-sample.pth")


@pytest.mark.parametrize(
    ("lock", "command"),
    [
        (".made.lock", ["checkpoint", "import", SAMPLE]),
        ("made/.lock", ["judge", "import", "va.pth", "--activation", "sigmoid"]),
        ("made/.lock", ["rival", "train", "rewriting", "--device", "cpu"]),
        ("made/.lock", ["batch", "prompts.txt", "--grid", "2x2", "--steps", "1", "--device", "cpu"]),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_folder_that_another_run_writes_to(cli: Cli, tmp_path: Path, tiny_sdxl: Path, lock: str, command: list[str]) -> None:
    torch.save({"classifier.0.weight": torch.zeros(2, 512), "classifier.0.bias": torch.tensor([0.0, 0.5])}, "va.pth")
    (tmp_path / "prompts.txt").write_text("a cat\n")
    if command[0] in ("rival", "batch"):
        command = [*command, "--backbone", str(tiny_sdxl)]
    with hold(tmp_path / lock, "", ""):
        before = sorted(tmp_path.rglob("*"))
        done = cli(*command, "--out", "made")
        assert (done.code, done.out) == (2, "")
        assert "Another run is writing to" in done.err
        assert "made'" in done.err
        assert sorted(tmp_path.rglob("*")) == before
    done = cli(*command, "--out", "made")
    assert done.code == 0, done.err
