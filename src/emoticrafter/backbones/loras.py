"""LoRA weights: read before a model is loaded, melted into it afterwards, with a count of what of them fitted."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emoticrafter.backbones.devices import is_out_of_memory
from emoticrafter.backbones.finite import broken_tensor
from emoticrafter.backbones.hub import fetch_error
from emoticrafter.backbones.loading import quiet_libraries
from emoticrafter.backbones.lora_files import Lora, find_lora
from emoticrafter.errors import CheckpointError, DeviceError
from emoticrafter.files import user_path
from emoticrafter.tensors import each_tensor, read_header

__all__ = ["LoraWarning", "add_loras", "read_lora"]

_TOLD_BY = ("modelspec.architecture", "ss_base_model_version")  # entries of a file's header
_FAMILIES = {768: "Stable Diffusion 1", 1024: "Stable Diffusion 2", 2048: "SDXL"}  # by the channels of their prompts
_READS_PROMPTS = re.compile(r"attn2[._](processor\.)?to_[kv].*(lora_A|down)")
_OF_TRANSFORMERS = re.compile(
    r"double_blocks|single_blocks|single_transformer_blocks|joint_blocks|lora_transformer|^transformer\."
)
_FILE = ("LoRA", "Fetch it again.")  # what the readers of files say of it


class LoraWarning(UserWarning):
    """A part of a LoRA fits nothing in the model."""


def read_lora(text: str) -> Lora:
    """See `find_lora`; the values in the file are looked at, too. Raises MissingError, InputError and CheckpointError."""
    lora = find_lora(text)
    path = Path(lora.source)
    if path.exists() and (broken := broken_tensor(each_tensor(path, *_FILE))):
        raise _broken(str(path), broken)
    return lora


def add_loras(pipeline: Any, loras: Sequence[Lora]) -> None:
    """Melt LoRA weights into the pipeline. Tensors that fit nothing there are warned of.

    Raises MissingError, and CheckpointError for a LoRA of which less than half fits.
    """
    if not loras:
        return
    names = [f"lora_{index}" for index in range(len(loras))]
    with quiet_libraries(errors=True):
        for name, lora in zip(names, loras, strict=True):
            _add(pipeline, lora.source, name)
        pipeline.set_adapters(names, [lora.scale for lora in loras])
        pipeline.fuse_lora(adapter_names=names)
        pipeline.unload_lora_weights()


def _add(pipeline: Any, source: str, name: str) -> None:
    path, folder = user_path(source), source
    options: dict[str, Any] = {"use_safetensors": True}
    if path.is_file():
        folder = str(path.parent)
        options |= {"weight_name": path.name, "local_files_only": True}
    try:
        config = pipeline.unet.config
        tensors, alphas, _ = pipeline.lora_state_dict(folder, unet_config=config, return_lora_metadata=True, **options)
    except Exception as error:  # a strange file fails anywhere in the readers
        raise _misfit(pipeline, source, 0, {}) if path.is_file() else fetch_error(source, error) from error
    if name_of_broken := broken_tensor(tensors.items()) or _broken_number(alphas or {}):
        raise _broken(source, name_of_broken)
    try:
        pipeline.load_lora_weights(folder, adapter_name=name, **options)
    except Exception as error:
        if is_out_of_memory(error):
            raise DeviceError(f"The memory does not suffice to add the LoRA {source!r}.", "Close other programs.") from error
        raise _misfit(pipeline, source, 0, tensors) from error
    used = sum(_added(getattr(pipeline, part), name) for part in ("unet", "text_encoder", "text_encoder_2"))
    if 2 * used < len(tensors) or not used:
        raise _misfit(pipeline, source, used, tensors)
    found = len(tensors) + _scales_of_dora(path)
    if used < found:
        warnings.warn(f"Of the {found} tensors of the LoRA {source!r}, {used} fit this model.", LoraWarning, stacklevel=2)


def _scales_of_dora(path: Path) -> int:
    """How many tensors of a file diffusers leaves out by itself: the magnitudes of DoRA."""
    return sum("dora_scale" in key for key in read_header(path, *_FILE)[0]) if path.is_file() else 0


def _added(network: Any, name: str) -> int:
    """How many tensors of an adapter a network has."""
    return sum(f".{name}." in f"{parameter}." for parameter, _ in network.named_parameters())


def _misfit(pipeline: Any, source: str, used: int, tensors: Mapping[str, Any]) -> CheckpointError:
    shapes: dict[str, Sequence[int]] = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    metadata: Mapping[str, str] = {}
    if user_path(source).is_file():
        found, metadata = read_header(user_path(source), *_FILE)
        shapes = shapes or dict(found)
    channels = int(pipeline.unet.config.cross_attention_dim)
    return CheckpointError(
        f"Of the {len(shapes)} tensors of the LoRA {source!r}, {used} fit this model; it seems to be made for"
        f" {_made_for(shapes, metadata)}.",
        f"Give one that was made for this model, whose prompts have {channels} channels.",
    )


def _made_for(shapes: Mapping[str, Sequence[int]], metadata: Mapping[str, str]) -> str:
    """What a file says of its model, or else what its tensors show."""
    for entry in _TOLD_BY:
        if metadata.get(entry):
            return repr(metadata[entry][:60])
    for key, shape in shapes.items():
        if _READS_PROMPTS.search(key) and len(shape) > 1:
            channels = shape[1]
            return _FAMILIES.get(channels, f"a model whose prompts have {channels} channels")
    if any(_OF_TRANSFORMERS.search(key) for key in shapes):
        return "a model without a UNet, such as FLUX or Stable Diffusion 3"
    return "another kind of model, or to be no LoRA"


def _broken_number(numbers: Mapping[str, float]) -> str | None:
    return next((name for name, number in numbers.items() if not math.isfinite(number)), None)


def _broken(source: str, tensor: str) -> CheckpointError:
    return CheckpointError(
        f"In the LoRA {source!r} the tensor {tensor} holds values that are not finite.", "Fetch or train it again."
    )
