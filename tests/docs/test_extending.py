"""Every section of docs/extending.md does what it says, with its own code: a file, and an entry in a registry."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
LONGEST = 30  # lines of a section's code


def code_of(section: str) -> list[str]:
    """The Python of a section, block by block."""
    body = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert body is not None, f"docs/extending.md has no section {section!r}"
    return re.findall(r"^```python\n(.*?)^```", body[1], re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("section", re.findall(r"^## (.+)$", PAGE, re.MULTILINE))
def test_a_section_is_short(section: str) -> None:
    assert 0 < sum(len(block.strip().splitlines()) for block in code_of(section)) <= LONGEST


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
