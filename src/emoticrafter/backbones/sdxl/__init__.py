"""Any model of SDXL's kind as a backbone: two CLIP text encoders, a UNet and a VAE, run by diffusers' pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emoticrafter.backbones.sdxl.backbone import SDXLBackbone

__all__ = ["SDXLBackbone"]


def __getattr__(name: str) -> Any:
    """Imported when it is asked for: what a folder's small files say needs no torch."""
    if name == "SDXLBackbone":
        from emoticrafter.backbones.sdxl.backbone import SDXLBackbone

        return SDXLBackbone
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
