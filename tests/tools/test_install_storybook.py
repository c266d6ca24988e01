"""A finished build replaces the shipped model; what is not finished, or too large, changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from emoticrafter.errors import MissingError, OutputError
from tools import install_storybook
from tools.install_storybook import JUDGES, WEIGHTS, install


@pytest.fixture
def build(tmp_path: Path) -> Path:
    made = tmp_path / "build"
    judges = [f"judge/{name}.safetensors" for name in ("emotion", "content")]
    for name in ("assemble/model/card.json", "assemble/model/unet/a.safetensors", *judges):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(name)
    return made


def test_model_and_judges_take_the_place_of_the_old(build: Path, tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    (root / WEIGHTS / "old").mkdir(parents=True)
    assert install(build, root) == [root / WEIGHTS, root / JUDGES]
    kept = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert kept == {
        f"{WEIGHTS.as_posix()}/card.json", f"{WEIGHTS.as_posix()}/unet/a.safetensors",
        f"{JUDGES.as_posix()}/emotion.safetensors", f"{JUDGES.as_posix()}/content.safetensors",
    }  # fmt: skip


def test_an_unfinished_build_is_refused(build: Path, tmp_path: Path) -> None:
    (build / "judge" / "content.safetensors").unlink()
    with pytest.raises(MissingError, match="no judge content"):
        install(build, tmp_path / "checkout")
    assert not (tmp_path / "checkout").exists()


@pytest.mark.parametrize("limit", ["LARGEST", "LARGEST_SUM"])
def test_weights_too_large_to_ship_are_refused(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(install_storybook, limit, 5)
    with pytest.raises(OutputError, match="can be shipped"):
        install(build, tmp_path / "checkout")
    assert not (tmp_path / "checkout").exists()
