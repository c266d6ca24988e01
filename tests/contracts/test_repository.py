"""What git keeps is what runs: no source is ignored, nothing tracked is too large, pins fit the declared ranges."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from emoticrafter.storybook.world import scene
from tools import write_card, write_evaluation, write_figures

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)


def test_no_source_file_is_ignored_by_git() -> None:
    found = [
        path for folder in ("src", "tests", "tools") for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts
    ]
    sources = [str(path.relative_to(ROOT)) for path in found if path.is_file()]
    ignored = git("check-ignore", *sources)
    assert ignored.returncode in (0, 1), ignored.stderr
    assert ignored.stdout.split() == []


def test_tracked_files_stay_small() -> None:
    listed = git("ls-files", "-z").stdout.split("\0")
    sizes = {name: (ROOT / name).stat().st_size for name in listed if name and (ROOT / name).is_file()}
    assert sum(sizes.values()) < 70_000_000
    assert [name for name, size in sizes.items() if size > 16_000_000] == []


def test_pins_lie_in_the_declared_ranges() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    extras = PROJECT["optional-dependencies"].values()
    for text in [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]:
        wanted = Requirement(text)
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if name in ("emoticrafter", "pre-commit", "lpips"):  # an extra of our own; what no check needs
            continue
        assert name in pins, f"{name} has no pin in constraints.txt"
        assert wanted.specifier.contains(pins[name]), f"{wanted} does not allow {pins[name]}"


def test_makefile_installs_the_pinned_torch() -> None:
    pin = re.search(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert pin is not None
    assert f"torch=={pin[1]}" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_what_make_quick_runs_exists() -> None:
    if shutil.which("make") is None:
        pytest.skip("needs make")
    told = subprocess.run(["make", "--dry-run", "quick"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [word for word in told.split() if word.startswith("tests/")]
    assert len(paths) > 40
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_documents_link_to_files_that_exist() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_card_is_current() -> None:
    """docs/storybook-card.md is what the shipped card and the recorded benchmarks say, with weights and without."""
    assert (ROOT / write_card.PAGE).read_text(encoding="utf-8") == write_card.page(), "run `make docs`"


def test_the_results_are_current() -> None:
    """docs/results.md and the README's table are what the recorded reports say."""
    for path, text in ((write_evaluation.PAGE, write_evaluation.page()), (write_evaluation.README, write_evaluation.readme())):
        assert (ROOT / path).read_text(encoding="utf-8") == text, "run `make docs`"


def test_the_tables_of_figures_are_current() -> None:
    """docs/metrics.md is what the entries of evaluation/figures.py say."""
    text = write_figures.PAGE.read_text(encoding="utf-8")
    assert text == write_figures.page(text), "run `make docs`"


def test_the_documents_count_the_world_right() -> None:
    page = (ROOT / "docs" / "storybook.md").read_text(encoding="utf-8")
    kinds = (scene.PEOPLE, scene.ANIMALS, scene.VEHICLES, scene.THINGS)
    people, animals, vehicles, things = map(len, kinds)
    assert f"| places | {len(scene.PLACES)}: {', '.join(scene.PLACES).replace('_', ' ')} |" in page
    assert f"{len(scene.SUBJECTS)}: {people} kinds of people, {animals} animals, {vehicles} vehicles, {things} things" in page
    actions = [len(scene.actions_of(members[0])) for members in kinds]
    assert f"{actions[0]} of people, {actions[1]} of animals, {actions[2]} of vehicles" in page


def test_the_version_is_said_once() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {PROJECT['version']}" in citation
