"""The sections of docs/extending.md about evaluations: a metric on a report that is there, and a judge."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emoticrafter.errors import MissingError
from emoticrafter.evaluation.figures import FIGURES
from emoticrafter.evaluation.run import Evaluated, evaluate, open_judges
from emoticrafter.evaluation.suite import Suite, read_suite
from tests.docs.test_extending import code_of
from tests.painted import CASES, ColourJudge, Studio, painted_judges
from tools import write_figures

SUITE = """
[emotions]
valences = [-3, 0, 3]
arousals = [-3, 3]
[metrics]
samples = 20
[[methods]]
source = "ours"
[[methods]]
source = "half"
"""


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    (tmp_path / "suite.toml").write_text(SUITE)
    return read_suite(tmp_path / "suite.toml")[0]


def run(suite: Suite, out: Path, studio: Studio, judge: ColourJudge) -> Evaluated:
    return evaluate(suite, CASES, out, painted_judges(judge), studio, name="painted")


def without_the_new_one(report: dict[str, Any]) -> dict[str, Any]:
    rows = [
        {**row, "figures": {name: one for name, one in row["figures"].items() if name != "larger_error"}}
        for row in report["rows"]
    ]
    left = {
        "columns": [one for one in report["columns"] if one["figure"] != "larger_error"],
        "best": {name: label for name, label in report["best"].items() if name != "larger_error"},
        "comparisons": {name: pairs for name, pairs in report["comparisons"].items() if name != "larger error"},
    }
    return {**report, "made": None, "rows": rows, **left}


def test_a_metric(suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run(suite, tmp_path / "report", Studio(), ColourJudge())
    module, entry = code_of("A metric")
    (tmp_path / "larger.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    studio, judge = Studio(), ColourJudge()
    try:
        exec(compile(entry, "docs/extending.md", "exec"), {})
        after, table = run(suite, tmp_path / "report", studio, judge), write_figures.figures()
    finally:
        FIGURES.pop("larger_error", None)
        sys.modules.pop("larger", None)

    assert sum(painter.drawn for painter in studio.painters.values()) == judge.seen == 0
    assert [one["figures"] for one in after.stages if one["stage"] == "measure"] == [["larger_error"]] * 5
    read = json.loads(after.json.read_text(encoding="utf-8"))
    values = {row["label"]: row["figures"]["larger_error"]["value"] for row in read["rows"]}
    assert values == {"always 0": 3, "no emotion": 3, "truth": 0, "ours": 0, "half": 1.5}
    assert read["best"]["larger_error"] == "ours"
    [pair] = [one for one in read["comparisons"]["larger error"] if {one["first"], one["second"]} == {"ours", "half"}]
    assert (pair["difference"], pair["pairs"]) == (-1.5, 3)
    assert "<th>larger \N{DOWNWARDS ARROW}</th>" in after.html.read_text(encoding="utf-8")
    assert "| larger | `larger_error` | mean max \\|y - x\\| over both axes | 0 to 6 | lower | emotions |" in table
    assert without_the_new_one(read) == without_the_new_one(before.report)


def test_a_judge(suite: Suite, tmp_path: Path) -> None:
    module, entry = code_of("A judge")
    (tmp_path / "brightness.py").write_text(module)
    Image.fromarray(np.full((8, 8, 3), 255, np.uint8)).save(tmp_path / "white.png")
    program = f"{entry}\nfrom emoticrafter.__main__ import run\nrun()\n"

    def command(*given: str) -> subprocess.CompletedProcess[str]:
        called = [sys.executable, "-c", program, *given]
        return subprocess.run(called, capture_output=True, text=True, check=False, cwd=tmp_path)

    read = command("judge", "read", "white.png", "--judge", "brightness", "--json")
    assert json.loads(read.stdout) == [{"picture": "white.png", "valence": 3.0, "arousal": -3.0}]
    assert "never validated" in read.stderr
    refused = command("evaluate", "--suite", "quick", "--set", "judge.emotion=brightness", "--out", "report")
    assert refused.returncode == 2
    assert "The judge brightness was never validated" in refused.stderr
    assert "storybook, brightness" in command("judge", "read", "--help").stdout


def test_an_unknown_judge_is_answered_with_those_known(suite: Suite) -> None:
    with pytest.raises(MissingError, match=r"There is no judge .*nobody.*Give storybook, or the folder"):
        open_judges(replace(suite, judge=replace(suite.judge, emotion="nobody")))
