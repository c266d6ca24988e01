"""Every example of docs/python.md runs by itself, in an empty folder, and prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emoticrafter.data.tables import write_table
from emoticrafter.recipe import read_recipe
from tests.tiny_features import make_pairs

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
SECTIONS = (
    "Open and draw", "Grids and sweeps", "Watch, look and stop", "Requests as JSON", "Many pictures in one folder", "Judge",
    "Evaluate", "Train", "Errors",
)  # fmt: skip
# The heading, the code, what it prints.
EXAMPLES = [
    (heading, *example)
    for heading, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    for example in re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", body, re.MULTILINE | re.DOTALL)
]
MADE = {
    "Grids and sweeps": {"grid.png", "sweep.webp"},
    "Watch, look and stop": set(),
    "Requests as JSON": set(),
    "Many pictures in one folder": {"pictures"},
    "Judge": set(),
    "Evaluate": {"report"},
    "Train": {"features", "runs", "mine.png", "pairs.parquet"},
    "Errors": set(),
}


def test_every_example_says_what_it_prints() -> None:
    assert tuple(dict.fromkeys(heading for heading, *_ in EXAMPLES)) == SECTIONS
    assert len(EXAMPLES) == PAGE.count("```python")


@pytest.mark.parametrize(
    ("heading", "code", "printed"),
    [pytest.param(*one, id=one[0], marks=[pytest.mark.slow] if one[0] == "Evaluate" else []) for one in EXAMPLES],
)
def test_an_example(
    heading: str, code: str, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if heading == "Train":
        pairs = make_pairs(48)
        pairs["neutral_prompt"] = [f"a dog on a beach and {number // 4} cats" for number in range(48)]
        pairs["emotional_prompt"] = [f"a sad dog on a beach and {number} cats" for number in range(48)]
        write_table(pairs, Path("pairs.parquet"), "pairs", {})
    exec(compile(code, "docs/python.md", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out == printed
    assert {path.name for path in tmp_path.iterdir()} == MADE.get(heading, {"dog.png"} if "dog.png" in code else set())
    for path in tmp_path.glob("*.png"):
        assert read_recipe(path)["backbone"] == "storybook"
