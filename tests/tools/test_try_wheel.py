from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import try_wheel


def test_what_fails_is_said_with_what_it_wrote(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        try_wheel.call(sys.executable, "-c", "import sys; print('so far'); sys.exit('no such file')", cwd=tmp_path)
    assert str(end.value).endswith("ended with 1:\nso far\nno such file\n")


def test_nothing_of_the_checkout_is_found_from_within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(try_wheel.ROOT / "tests"))
    code = "import os, sys; print(os.getcwd(), 'PYTHONPATH' in os.environ)"
    assert try_wheel.call(sys.executable, "-c", code, cwd=tmp_path).split() == [str(tmp_path), "False"]


def test_torch_is_the_pinned_one(tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_text("numpy==2.0\ntorch==2.13.0\ntorchvision==0.1\n")
    assert try_wheel.pinned_torch(tmp_path / "constraints.txt") == "torch==2.13.0"
