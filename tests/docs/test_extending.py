"""Every section of docs/extending.md does what it says, with its own code: a file, and an entry in a registry."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from emoticrafter.storybook.scenes import sample_scene

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
LONGEST = 30  # lines of a section, empty ones apart


def code_of(section: str) -> list[str]:
    """The Python of a section, block by block."""
    body = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert body is not None, f"docs/extending.md has no section {section!r}"
    return re.findall(r"^```python\n(.*?)^```", body[1], re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("section", re.findall(r"^## (.+)$", PAGE, re.MULTILINE))
def test_a_section_is_short(section: str) -> None:
    assert 0 < sum(bool(line.strip()) for block in code_of(section) for line in block.splitlines()) <= LONGEST


def test_a_data_set(tmp_path: Path) -> None:
    module, entry = code_of("A data set")
    (tmp_path / "diary.py").write_text(module)
    (tmp_path / "diary.csv").write_text("day,pleasure,energy\nmonday,10,5\ntuesday,much,5\n")
    program = f"{entry}\nfrom emoticrafter.__main__ import run\nrun()\n"
    command = ["data", "import", "diary", "diary.csv", "--out", "diary.parquet", "--json"]
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["rows"], said["dropped"]["reasons"]) == (1, {"is not a number": 1})

    from emoticrafter.data.tables import read_table

    table, about = read_table(tmp_path / "diary.parquet", "annotations")
    assert table[["id", "valence", "arousal"]].to_dict("records") == [{"id": "diary/monday", "valence": 3.0, "arousal": 0.0}]
    assert about["importer"] == "diary"
    listed = [sys.executable, "-c", program, "data", "import", "--help"]
    help_text = subprocess.run(listed, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert "diary" in help_text
    assert "ratings from 0 to 10" in help_text


# Trains for a step with the term, and writes the card of the run.
WITH_A_TERM = """
import size
from pathlib import Path

from emoticrafter.settings import keys
from emoticrafter.training import Recipe, train
from emoticrafter.training.publish import gather
from tests.tiny_features import make_features
from tests.training.tiny_runs import small_recipe

recipe = small_recipe(make_features(Path("features")), "objective.size=0.25", "train.steps=1")
train(recipe, "run", quiet=True)
gather("run", "someone/small", Path("card"))
print(*(f"{one.name}: {one.about}, {one.rule}, {one.default}" for one in keys(Recipe) if one.name == "objective.size"))
"""


def test_a_loss_term(tmp_path: Path) -> None:
    (module,) = code_of("A loss term")
    (tmp_path / "size.py").write_text(module)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root / "src"), str(root)])}
    done = subprocess.run(
        [sys.executable, "-c", WITH_A_TERM], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr
    about = "weight of the squared residual: small changes, where they suffice"
    assert done.stdout == f"objective.size: {about}, a number from 0, 0.0\n"
    assert "size = 0.25" in (tmp_path / "run" / "recipe.toml").read_text()
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    line = next(line for line in lines if "loss" in line)
    assert line["loss"] == pytest.approx(line["paper"] + line["size"], rel=1e-5)
    assert line["size"] > 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]["objective"]["size"] == 0.25
    assert "| loss | alpha 1.5, weights `paper`, size |" in (tmp_path / "card" / "README.md").read_text()


def test_a_place(tmp_path: Path) -> None:
    program = """
import random
import numpy as np
from emoticrafter import Emotion
from emoticrafter.storybook import captions
from emoticrafter.storybook.scenes import sample_scene
from emoticrafter.storybook.world import Scene, render
drawn = [np.array(render(Scene(place="island", seed=3), Emotion(valence=v, arousal=0), size=64)) for v in (-3, 3)]
told = {captions.neutral_caption(Scene(place="island"), random.Random(seed)) for seed in range(40)}
moved = abs(drawn[0] - drawn[1].astype(int)).mean() > 10
print([picture.shape for picture in drawn], any("island" in text for text in told), moved)
print(sample_scene(random.Random(7)))
"""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*code_of("A place"), program])],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    said, scene = done.stdout.splitlines()
    assert said == "[(64, 64, 3), (64, 64, 3)] True True"
    assert scene == repr(sample_scene(random.Random(7)))
