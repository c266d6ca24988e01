"""From options to a pipeline that is ready on its device."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from emoticrafter.backbones.devices import Precision, choose_device, choose_precision, is_out_of_memory
from emoticrafter.backbones.loading import fingerprint
from emoticrafter.backbones.loras import add_loras, read_lora
from emoticrafter.backbones.schedulers import make_scheduler, own_scheduler, read_scheduler
from emoticrafter.backbones.sdxl.loading import load_pipeline, locate
from emoticrafter.backbones.sdxl.network import memory_error
from emoticrafter.backbones.sdxl.opening_options import SDXLOptions
from emoticrafter.errors import InputError, MissingError
from emoticrafter.files import user_path

__all__ = ["OpenedPipeline", "open_pipeline"]


@dataclass(frozen=True, kw_only=True)
class OpenedPipeline:
    """path: its folder or file. about: what a recipe records of it."""

    pipeline: Any
    precision: Precision
    path: Path
    about: dict[str, Any]


def open_pipeline(source: str, options: SDXLOptions) -> OpenedPipeline:
    """The pipeline of a folder, a hub id or a single .safetensors file.

    All that can be refused is, before the weights are read. Raises InputError, MissingError, CheckpointError and DeviceError.
    """
    device = choose_device(options.device)
    precision = choose_precision(options.dtype, device)
    offload = None if options.offload == "none" else options.offload
    _check_offload(offload, device)
    scheduler = options.scheduler
    loras = [read_lora(text) for text in options.loras]
    if scheduler is not None and not user_path(source).is_dir():
        read_scheduler(scheduler)  # refused before anything is fetched
    path = locate(source, precision.weights)
    own = own_scheduler(path)
    asked = make_scheduler(scheduler, own) if scheduler and own else None
    pipeline = load_pipeline(path, precision.weights, watermark=options.watermark, config=options.config)
    if scheduler is not None:
        pipeline.scheduler = asked or make_scheduler(scheduler, pipeline.scheduler)
    add_loras(pipeline, loras)
    if precision.weights == torch.float16 and pipeline.vae.config.force_upcast:
        pipeline.vae.to(torch.float32)  # SDXL's own overflows in float16
    if options.attention_slicing:
        pipeline.enable_attention_slicing()
    _place(pipeline, device, offload)
    about = {
        "backbone_hash": fingerprint(path),
        "offload": offload,
        "config": options.config,
        "loras": list(options.loras),
        "watermark": options.watermark,
        "scheduler": scheduler or type(pipeline.scheduler).__name__,
    }
    told = {key: value for key, value in about.items() if value not in (None, [])}
    return OpenedPipeline(pipeline=pipeline, precision=precision, path=path, about=told)


def _check_offload(offload: str | None, device: torch.device) -> None:
    if offload is None:
        return
    if offload not in {"model", "sequential"}:
        raise InputError(f"The offload is {offload[:60]!r}.", "Known ones: none, model, sequential.")
    if device.type == "cpu":
        raise InputError(f"The offload {offload!r} saves GPU memory; the device is {device}.", "Leave it out.")
    if importlib.util.find_spec("accelerate") is None:
        raise MissingError("Offloading needs the package accelerate.", "pip install 'emoticrafter[sdxl]'")


def _place(pipeline: Any, device: torch.device, offload: str | None) -> None:
    try:
        if offload == "model":
            pipeline.enable_model_cpu_offload(device=device)
        elif offload == "sequential":
            pipeline.enable_sequential_cpu_offload(device=device)
        else:
            pipeline.to(device)
    except Exception as error:
        if is_out_of_memory(error):
            raise memory_error("load the model") from error
        raise
