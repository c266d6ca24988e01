"""Shared fixtures, and shape checks of the annotated modules."""

from __future__ import annotations

import builtins
import os
from pathlib import Path

import jaxtyping
import pytest
import torch

# The annotations cost nothing at run time because their names exist only for type checkers and here.
for name, value in {"Float": jaxtyping.Float, "Bool": jaxtyping.Bool}.items():
    setattr(builtins, name, value)
jaxtyping.install_import_hook(["emoticrafter.eit", "emoticrafter.backbones.features"], "beartype.beartype")

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
torch.set_num_threads(1)  # the models here are tiny, and tests may run side by side


@pytest.fixture(scope="session")
def tiny_sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny SDXL with random weights; not to be written to."""
    from tests.tiny import build_tiny_sdxl

    return build_tiny_sdxl(tmp_path_factory.mktemp("tiny") / "sdxl")
