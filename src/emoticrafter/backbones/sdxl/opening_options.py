"""What SDXL and its text encoders are opened with."""

from __future__ import annotations

from dataclasses import dataclass

from emoticrafter.backbones.options import DeviceOptions, option

__all__ = ["SDXLEncoderOptions", "SDXLOptions"]

_CONFIG = "of a single file of weights: the folder of a pipeline, or a hub id, that describes its parts"


@dataclass(frozen=True, kw_only=True)
class SDXLOptions(DeviceOptions):
    """Of `SDXLBackbone.open`."""

    dtype: str | None = option(None, "auto, float32, bfloat16 or float16; by default what suits the device", recorded=True)
    offload: str | None = option(None, "none; model or sequential keep in GPU memory only what works", recorded=True)
    scheduler: str | None = option(None, "a scheduler of diffusers, NAME[,KEY=VALUE...]; by default the model's", recorded=True)
    loras: tuple[str, ...] = option((), "LoRA weights, each PATH[:SCALE] or HUB-ID[:SCALE]", recorded=True)
    watermark: bool = option(False, "put SDXL's invisible watermark on the pictures", recorded=True)
    attention_slicing: bool = option(False, "compute attention in slices, which saves memory")
    batch_size: int | None = option(None, "the most pictures sampled at once; by default by their size", least=1, most=1024)
    config: str | None = option(None, _CONFIG, recorded=True)


@dataclass(frozen=True, kw_only=True)
class SDXLEncoderOptions(DeviceOptions):
    """Of `SDXLPromptEncoder.open`."""

    dtype: str | None = option(None, "to compute in; by default what suits the device")
    config: str | None = option(None, _CONFIG)
