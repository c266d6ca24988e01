"""Values that are not finite: where in a model they come from, and what helps against them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emoticrafter.errors import CheckpointError, DeviceError, EmotiCrafterError
from emoticrafter.tensors import each_tensor

__all__ = ["broken_tensor", "check_weights", "in_float32", "is_finite", "not_finite"]

_WIDER = {"float16": "Use --dtype bfloat16 or float32.", "bfloat16": "Use --dtype float32."}
_MILDER = "Lower --strength, --guidance or the weight of a LoRA."


def is_finite(tensor: Tensor) -> bool:
    """Whether a tensor holds neither NaN nor infinity."""
    return bool(torch.isfinite(tensor).all())


def broken_tensor(tensors: Iterable[tuple[str, Tensor]]) -> str | None:
    """The name of the first of these tensors that is not finite; None where all are, as far as they are in memory."""
    for name, tensor in tensors:
        if tensor.is_floating_point() and not tensor.is_meta and not is_finite(tensor):
            return name
    return None


def check_weights(module: Any, where: Any) -> None:
    """Raise CheckpointError for a network whose weights, read from the file or folder `where`, are not finite."""
    if name := broken_tensor(module.state_dict().items()):
        raise CheckpointError(f"In {str(where)!r} the tensor {name} holds values that are not finite.", "Fetch it again.")


@contextmanager
def in_float32(module: Any, device: torch.device) -> Iterator[None]:
    """Inside, a module computes in float32 whatever else it does; its weights are afterwards what they were."""
    before = module.dtype
    module.to(torch.float32)
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        module.to(before)


def not_finite(
    what: str, parts: Mapping[str, Any], source: Path | None, computed: str, *, overflowing: str | None = None
) -> EmotiCrafterError:
    """The error for a model whose results are not finite: broken weights, by file and tensor, or else an overflow.

    what: the sentence's beginning, such as "The picture overflowed". parts: the model's networks, named as in a pipeline's
    folder. source: the folder or file that they came from. computed: the dtype, which is never named as the cure.
    overflowing: the part that overflows in float32, from usual values: its weights are to blame.
    """
    for part, network in parts.items():
        state = network.state_dict()
        name = broken_tensor(state.items())
        absent = any(tensor.is_meta for tensor in state.values())  # offloaded: only its file can tell
        if (name or absent) and (found := _broken_file(source, part)):
            file, tensor = found
            return CheckpointError(f"In {str(file)!r} the tensor {tensor} holds values that are not finite.", "Fetch it again.")
        if name is None:
            continue
        if source is None:
            return CheckpointError(f"The {part} holds weights that are not finite, in {name}.", "Fetch the model again.")
        return DeviceError(f"The weights of the {part} overflowed in {computed}, in {name}.", _WIDER.get(computed, _MILDER))
    if overflowing is not None:
        at = next(iter(_files(source, overflowing)), source)
        where = "" if at is None else f" in {str(at)!r}"
        return CheckpointError(
            f"The weights of the {overflowing}{where} are so large that it overflows in float32, too.",
            f"Fetch the file again, or give a model with another {overflowing}.",
        )
    return DeviceError(f"{what} in {computed}.", _WIDER.get(computed, _MILDER))


def _broken_file(source: Path | None, part: str) -> tuple[Path, str] | None:
    """The first file of a part, and the tensor in it, that is not finite on the disk."""
    for file in _files(source, part):
        if name := broken_tensor(each_tensor(file, "file of weights", "Fetch it again.")):
            return file, name
    return None


def _files(source: Path | None, part: str) -> list[Path]:
    """The files of weights that a part came from."""
    if source is None:
        return []
    return [source] if source.is_file() else sorted((source / part).glob("*.safetensors"))
