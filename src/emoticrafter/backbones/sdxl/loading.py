"""Opening an SDXL pipeline: from a folder, the hub or a single file.

Nothing here unpickles: only safetensors are read.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch

from emoticrafter.backbones.devices import is_out_of_memory
from emoticrafter.backbones.hub import fetch_error
from emoticrafter.backbones.loading import quiet_libraries
from emoticrafter.backbones.outline import FETCH_AGAIN
from emoticrafter.backbones.sdxl.outline import PIPELINE, check_config, check_index
from emoticrafter.errors import CheckpointError, DeviceError, EmotiCrafterError, MissingError, reason_of
from emoticrafter.files import user_path
from emoticrafter.inputs.named import check_file

__all__ = ["load_pipeline", "locate"]


def locate(source: str, dtype: torch.dtype) -> Path:
    """The local folder or file of a source; a hub id is downloaded unless it is in the hub's cache.

    Raises MissingError, which says how to fetch it, if it cannot be had.
    """
    path = user_path(source)
    if path.exists():
        return path
    with quiet_libraries():
        try:
            return Path(_pipeline_class().download(source, use_safetensors=True, variant=_wanted_variant(dtype)))
        except Exception as error:  # connection, permission, an unknown name: the next step is the same
            raise fetch_error(source, error) from error


def load_pipeline(
    path: Path, dtype: torch.dtype, *, watermark: bool = False, config: str | None = None, text_only: bool = False
) -> Any:
    """The pipeline in a folder or single .safetensors file, on the CPU, its weights in `dtype`.

    config: for a single file, a pipeline folder (the weights may be absent) or a hub id that describes its components; without
    one, the hub is asked. text_only: without UNet and VAE, which need not be there. Raises MissingError, InputError and
    CheckpointError.
    """
    check_config(path, config)
    if watermark and importlib.util.find_spec("imwatermark") is None:
        raise MissingError("A watermark was asked for; its package is not installed.", "pip install invisible-watermark")
    options: dict[str, Any] = {"dtype": dtype, "add_watermarker": watermark}
    parts: tuple[str, ...] = ("tokenizer", "tokenizer_2", "text_encoder", "text_encoder_2", "unet", "vae")
    if text_only:
        parts = parts[:4]
        options |= {"unet": None, "vae": None}
    if not path.is_dir():
        check_file(path, "model")
        if path.suffix != ".safetensors":
            raise CheckpointError(f"{str(path)!r} is not a .safetensors file; other forms can hold code.", "Convert it first.")
        if config is not None:
            options["config"] = config
    else:
        check_index(path)
        options |= {
            "variant": _variant_in(path / ("text_encoder" if text_only else "unet"), dtype),
            "use_safetensors": True,
            "local_files_only": True,
        }
    if importlib.util.find_spec("accelerate") is None and path.is_dir():
        options["low_cpu_mem_usage"] = False
    with quiet_libraries():
        cls = _pipeline_class()
        try:
            pipeline = cls.from_single_file(str(path), **options) if path.is_file() else cls.from_pretrained(path, **options)
        except EmotiCrafterError:
            raise
        except Exception as error:  # damaged files fail anywhere in the readers
            raise _loading_error(path, error, config) from error
    if absent := [part for part in parts if getattr(pipeline, part, None) is None]:
        raise CheckpointError(f"{str(path)!r} has no {', '.join(absent)}, as the refiner, for one.", "Give a base model.")
    return pipeline


def _pipeline_class() -> Any:
    # The module itself: the package's own name for the class would import it through two more lazy layers.
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline

    return StableDiffusionXLPipeline


def _wanted_variant(dtype: torch.dtype) -> str | None:
    return None if dtype == torch.float32 else "fp16"


def _variant_in(folder: Path, dtype: torch.dtype) -> str | None:
    """Half precision files where they are wanted or alone."""
    names = [file.name for file in folder.glob("*.safetensors")]
    half = any(".fp16." in name or ".fp16-" in name for name in names)
    whole = any(".fp16" not in name for name in names)
    return "fp16" if half and (not whole or _wanted_variant(dtype)) else None


def _loading_error(path: Path, error: Exception, config: str | None) -> EmotiCrafterError:
    reason = reason_of(error, 300)
    if is_out_of_memory(error):
        return DeviceError(f"The memory does not suffice to load {str(path)!r}.", "Close other programs, or use a smaller dtype.")
    if path.is_file() and isinstance(error, OSError) and "Unable to load weights" not in reason:
        if config is not None:
            return CheckpointError(f"{str(path)!r} does not go with the config {config!r}: {reason}.", "Give another --config.")
        return MissingError(
            f"{str(path)!r} holds weights only, and the configs of its components could not be fetched ({reason}).",
            "Fetch stabilityai/stable-diffusion-xl-base-1.0 once while online, or give a pipeline folder as `config` (--config),"
            " whose weights are not needed.",
        )
    return CheckpointError(f"{str(path)!r} cannot be loaded as {PIPELINE}: {type(error).__name__}: {reason}.", FETCH_AGAIN)
