"""The parts of jsPsych in the package are those that were fetched, small, and whole with their licence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import bundle_jspsych
from tools.bundle_jspsych import VENDOR, check


def test_what_is_bundled_is_what_was_fetched() -> None:
    assert check() == []


def test_a_change_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for file in VENDOR.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "jspsych.js").write_text("alert(1)", encoding="utf-8")
    monkeypatch.setattr(bundle_jspsych, "VENDOR", tmp_path)
    assert check() == ["jspsych.js was changed"]
    monkeypatch.setitem(bundle_jspsych.PINNED, "jspsych", "9.0.0")
    assert check() == ["bundle.json names other versions than PINNED", "jspsych.js was changed"]


def test_the_bundle_is_small_and_calls_nowhere() -> None:
    files = [path for path in VENDOR.parent.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 300_000
    assert (VENDOR / "LICENSE.txt").read_text(encoding="utf-8").count("Permission is hereby granted") == 1
    for path in files:
        assert b"cdn" not in path.read_bytes().lower(), path.name
    assert b"@font-face" not in (VENDOR / "jspsych.css").read_bytes()
