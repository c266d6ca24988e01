"""Where a model runs, in which precision, and how to tell that the memory ran out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from emoticrafter.errors import DeviceError, InputError

__all__ = [
    "Precision", "attention_for_learning", "bfloat16_like", "choose_device", "choose_precision", "is_out_of_memory",
    "memory_errors", "total_memory",
]  # fmt: skip

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_SHORT = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True, kw_only=True)
class Precision:
    """weights: the dtype in memory. autocast: the dtype to compute in, where it is another one."""

    weights: torch.dtype
    autocast: torch.dtype | None = None

    @property
    def name(self) -> str:
        """As `choose_precision` takes it."""
        return str(self.autocast or self.weights).removeprefix("torch.")


def choose_device(name: str | torch.device | None) -> torch.device:
    """The device of that name; None and "auto" are the best there is. Raises InputError or DeviceError."""
    if name is None or str(name) == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"{str(name)[:60]!r} is not a device.", "Give cpu, cuda, cuda:1 or mps.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"The device {device} was asked for; PyTorch {torch.__version__} sees {torch.cuda.device_count()} CUDA devices.",
            "Use --device cpu, or install a PyTorch build that matches the GPU's driver.",
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("The device mps was asked for; this machine has none.", "Use --device cpu.")
    if device.type not in {"cpu", "cuda", "mps"}:
        raise InputError(f"The device {device} is not supported.", "Give cpu, cuda, cuda:1 or mps.")
    return device


def choose_precision(dtype: str | None, device: torch.device) -> Precision:
    """The precision of that name on a device; None and "auto" are what suits it.

    A CPU keeps float32 weights and, for bfloat16, multiplies in it: by itself only where it has instructions for that.
    """
    name = "auto" if dtype is None else _SHORT.get(dtype, dtype)
    if name != "auto" and name not in _DTYPES:
        raise InputError(f"The dtype is {str(dtype)[:60]!r}.", f"Known ones: auto, {', '.join(_DTYPES)}.")
    if device.type == "cpu":
        if name == "float16":
            raise InputError("The dtype float16 was asked for on a CPU, which is slow and overflows.", "Use bfloat16 or float32.")
        fast = name == "bfloat16" or (name == "auto" and _multiplies_bfloat16())
        return Precision(weights=torch.float32, autocast=torch.bfloat16 if fast else None)
    if name != "auto":
        return Precision(weights=_DTYPES[name])
    modern = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return Precision(weights=torch.bfloat16 if modern else torch.float16)


def bfloat16_like(computed: str, device: torch.device) -> AbstractContextManager[Any]:
    """Where products of float32 are made in bfloat16, if that is what a model computes in; float16 would overflow."""
    return torch.autocast(device.type, torch.bfloat16) if computed == "bfloat16" else nullcontext()


def attention_for_learning(device: torch.device) -> AbstractContextManager[Any]:
    """Where attention is made of plain products on a CPU: the backward pass of torch's fused kernel is slow there."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device, or the machine, has no memory left."""
    texts = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in texts)
    )


@contextmanager
def memory_errors(problem: str, hint: str) -> Iterator[None]:
    """Raise DeviceError with these words where the memory of a device, or of the machine, does not suffice inside."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise DeviceError(problem, hint) from error
        raise


def total_memory(device: torch.device) -> int | None:
    """Bytes of a GPU, or of the machine; None where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def _multiplies_bfloat16() -> bool:
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # private, and not in every version
    return any(getattr(torch.cpu, check, bool)() for check in checks)
