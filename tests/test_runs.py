"""The scripts of runs/, at toy size; and once more, where everything is there."""

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


@pytest.mark.slow
def test_the_rivals(tiny_sdxl: Path, tmp_path: Path) -> None:
    """runs/rivals.sh, all methods: on the tiny SDXL, with a few of the storybook's scenes. A second time nothing is done."""
    own = {"EMOTICRAFTER": f"{sys.executable} -m emoticrafter", "SCENES": "8", "STEPS": "1", "BACKBONE": str(tiny_sdxl)}
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, **own, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "METHODS": "time_embedding rewriting"}
    kept = []
    for _ in range(2):
        command = ["sh", str(ROOT / "runs" / "rivals.sh"), str(tmp_path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        files = [tmp_path / name / "config.json" for name in ("time_embedding", "rewriting")]
        kept.append([(file.read_bytes(), file.stat().st_mtime_ns) for file in files])
    assert kept[0] == kept[1]
    assert json.loads(kept[0][0][0])["training"]["examples"] > 0


def test_the_script_names_every_rival() -> None:
    from emoticrafter.rivals import METHODS

    text = (ROOT / "runs" / "rivals.sh").read_text(encoding="utf-8")
    [line] = [line for line in text.splitlines() if line.startswith("methods=")]
    assert line.removeprefix("methods=${METHODS:-").removesuffix("}").split() == list(METHODS)


COMMAND = """
import sys
from pathlib import Path

out = Path(sys.argv[sys.argv.index("--out") + 1])
out.mkdir(parents=True, exist_ok=True)
for name in ("report.html", "report.json"):
    (out / name).write_text(sys.argv[sys.argv.index("--suite") + 1])
with open(out / "calls", "a") as file:
    print(*sys.argv[1:], file=file)
"""


def test_the_ablations_are_all_run_in_one_folder_and_each_report_is_kept(tmp_path: Path) -> None:
    """What the command does is tested where it is (tests/evaluation); here, that the script asks for all of it."""
    (tmp_path / "command.py").write_text(COMMAND)
    own = {"EMOTICRAFTER": f"{sys.executable} {tmp_path / 'command.py'}", "OPTIONS": "--set prompts.count=2"}
    script = ["sh", str(ROOT / "runs" / "ablations.sh"), str(tmp_path / "out")]
    done = subprocess.run(script, env={**os.environ, **own}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    suites = sorted(path.stem for path in (ROOT / "src" / "emoticrafter" / "configs" / "suites").glob("ablation-*.toml"))
    assert [path.read_text() for path in sorted((tmp_path / "out").glob("*.json"))] == suites
    assert [path.read_text() for path in sorted((tmp_path / "out").glob("*.html"))] == suites
    calls = (tmp_path / "out" / "work" / "calls").read_text().splitlines()
    assert sorted(call.split()[2] for call in calls) == suites
    assert all(call.endswith(f"--set prompts.count=2 --out {tmp_path / 'out' / 'work'}") for call in calls)
