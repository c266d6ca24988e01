"""runs/storybook.sh: the whole way from annotations to a picture, at toy size; and once more, where everything is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emoticrafter import checkpoint
from emoticrafter.picture import Picture

ROOT = Path(__file__).parents[1]


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    own = {"EMOTICRAFTER": f"{sys.executable} -m emoticrafter", "SCENES": "120", "RECIPE": "smoke", "OMP_NUM_THREADS": "1"}
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    command = ["sh", str(ROOT / "runs" / "storybook.sh"), str(folder)]
    return subprocess.run(command, env={**os.environ, **own, "PYTHONPATH": path}, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_whole_way(tmp_path: Path) -> None:
    done = run(tmp_path / "run")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "run" / "eit" / "run.json").read_text(encoding="utf-8"))
    assert record["finished"]
    assert record["best"]["loss"] < record["baselines"]["neutral"]
    assert checkpoint.load(tmp_path / "run" / "eit" / "checkpoint").metadata["backbone"] == "storybook"
    picture = Picture.open(tmp_path / "run" / "playground.png")
    assert picture.recipe["valence"] == -2
    weights = tmp_path / "run" / "eit" / "checkpoint" / "eit.safetensors"
    before = weights.read_bytes()
    again = run(tmp_path / "run")
    assert again.returncode == 0, again.stderr
    assert weights.read_bytes() == before
