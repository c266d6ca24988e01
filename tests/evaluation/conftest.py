from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_clip import build_tiny_clip


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny CLIP with random weights; not to be written to."""
    return build_tiny_clip(tmp_path_factory.mktemp("clip") / "tiny")
