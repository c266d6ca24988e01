"""Tiny backbones of both kinds of loss, and a little material."""

from __future__ import annotations

from pathlib import Path

import pytest

from emoticrafter.backbones.registry import open_backbone
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.rivals.material import Material
from tests.tiny import build_tiny_sdxl
from tests.tiny_material import tiny_material


@pytest.fixture(scope="session")
def folders(tiny_sdxl: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An SDXL as it is, and one that is a flow as the storybook is."""
    flow = build_tiny_sdxl(tmp_path_factory.mktemp("flow") / "sdxl", flow=True, latent_channels=6)
    return {"epsilon": tiny_sdxl, "flow": flow}


@pytest.fixture(scope="module")
def backbone(tiny_sdxl: Path) -> SDXLBackbone:
    opened = open_backbone(tiny_sdxl, device="cpu", dtype="float32")
    assert isinstance(opened, SDXLBackbone)
    return opened


@pytest.fixture(scope="module")
def flow_backbone(folders: dict[str, Path]) -> SDXLBackbone:
    opened = open_backbone(folders["flow"], device="cpu", dtype="float32")
    assert isinstance(opened, SDXLBackbone)
    return opened


@pytest.fixture(scope="session")
def material() -> Material:
    return tiny_material()
