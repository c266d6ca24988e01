"""A recorded report becomes a page, the README's table and its plot, and nothing else does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from emoticrafter.errors import InputError, MissingError
from emoticrafter.evaluation.report.document import FORMAT, VERSION
from tools import write_evaluation


def figure(value: float | None, spread: float = 0.02) -> dict[str, float | None]:
    return {"value": value, "low": None if value is None else value - spread, "high": None if value is None else value + spread}


def row(label: str, error: float, *, method: bool = True) -> dict[str, Any]:
    names = ("valence_error", "arousal_error")
    figures = {name: figure(error) for name in names} | {"retention": figure(0.98), "valence_slope": figure(None)}
    return {"label": label, "method": method, "figures": figures, "curve": [], "worst": [{"prompt": "a dog", "file": "x.png"}]}


def document(name: str) -> dict[str, Any]:
    column = {"group": "g", "about": "", "digits": 2}
    return {
        "format": FORMAT,
        "version": VERSION,
        "suite": {"name": name, "title": f"The suite {name}", "text": "What it asks."},
        "made": {"command": f"emoticrafter evaluate --suite {name}", "time": "2026-01-31T10:00", "versions": {"torch": "2.13"}},
        "prompts": [{"id": "a", "prompt": "a dog"}],
        "columns": [
            {"figure": "retention", "title": "content", "direction": "higher", **column},
            {"figure": "valence_error", "title": "V-Error", "direction": "lower", **column},
            {"figure": "valence_slope", "title": "V slope", "direction": "one", **column},
        ],
        "rows": [row("always 0", 1.8, method=False), row("ours", 0.3), row("a | b", 0.7)],
        "best": {"valence_error": "ours"},
        "verdicts": [
            {"bar": "V-Error", "value": 0.3, "wanted": "at most 0.35", "met": True},
            {"bar": "x", "value": None, "wanted": "y", "met": None},
        ],
    }  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for folder in (write_evaluation.RESULTS, write_evaluation.PAGE.parent, write_evaluation.PLOT.parent):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "README.md").write_text(f"Before.\n\n{write_evaluation.BEGIN}\nold\n{write_evaluation.END}\nAfter.\n")
    return root


def report(folder: Path, name: str) -> Path:
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(document(name)))
    return folder


def test_the_page_holds_every_record_the_main_suite_first(tmp_path: Path, checkout: Path) -> None:
    for name in ("ablation-alpha", "storybook"):
        kept = write_evaluation.record(report(tmp_path / name, name), checkout)
        assert "worst" not in json.loads(kept.read_text())["rows"][0]
    text = write_evaluation.page(checkout)
    assert text.index("## The suite storybook") < text.index("## The suite ablation-alpha")
    assert "`emoticrafter evaluate --suite storybook`, 2026-01-31, torch 2.13; 1 prompts." in text
    assert "|  | V-Error ↓ | V slope →1 | content ↑ |" in text
    assert "| *always 0* | 1.80 <sub>1.78 to 1.82</sub> | – | 0.98 |" in text
    assert "| ours | **0.30** <sub>0.28 to 0.32</sub> | – | 0.98 |" in text
    assert "| a \\| b | 0.70" in text
    assert "| V-Error | 0.3 | at most 0.35 | met |" in text
    assert "| x | – | y | not measured |" in text


def test_the_readme_changes_between_its_marks_only(tmp_path: Path, checkout: Path) -> None:
    before = (checkout / "README.md").read_text()
    assert write_evaluation.readme(checkout) == before
    write_evaluation.record(report(tmp_path / "alpha", "ablation-alpha"), checkout)
    assert write_evaluation.readme(checkout) == before
    write_evaluation.record(report(tmp_path / "main", "storybook"), checkout)
    text = write_evaluation.readme(checkout)
    assert text.startswith("Before.\n")
    assert text.endswith("\nAfter.\n")
    assert "old" not in text
    assert "| ours | **0.30**" in text


def test_the_command_writes_all_of_it(tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["write_evaluation", str(report(tmp_path / "main", "storybook"))])
    assert write_evaluation.main(checkout) == 0
    with Image.open(checkout / write_evaluation.PLOT) as image:
        assert image.width > 1000
    monkeypatch.setattr(sys, "argv", ["write_evaluation", "--check"])
    assert write_evaluation.main(checkout) == 0
    (checkout / write_evaluation.PAGE).write_text("something else")
    assert write_evaluation.main(checkout) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "another", "version": 1}'])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MissingError, match="There is no evaluation's report"):
        write_evaluation.record(tmp_path)
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(InputError, match=r"report\.json' is (damaged|not an evaluation's report)"):
        write_evaluation.record(tmp_path)
