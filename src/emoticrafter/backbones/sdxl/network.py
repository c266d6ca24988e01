"""A pipeline of SDXL's kind that is ready on its device, and the precision that it computes in: what all its parts share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emoticrafter.backbones.devices import Precision, is_out_of_memory
from emoticrafter.backbones.finite import not_finite
from emoticrafter.errors import DeviceError, EmotiCrafterError
from emoticrafter.threads import suit_threads

__all__ = ["PARTS", "SDXLNetwork", "memory_error"]

PARTS = ("text_encoder", "text_encoder_2", "unet", "vae")


class SDXLNetwork:
    """pipeline: diffusers' own. source: the folder or file that it came from, None for one that was made in memory."""

    def __init__(self, pipeline: Any, precision: Precision | None = None, source: Path | None = None) -> None:
        self.pipeline, self.source = pipeline, source
        self.device: torch.device = pipeline._execution_device  # kept: finding it walks through every module
        self.precision = precision or Precision(weights=pipeline.unet.dtype)
        self.pixels_per_latent = int(pipeline.vae_scale_factor)
        pipeline.set_progress_bar_config(disable=True)
        # Under autocast the UNet answers in bfloat16; guidance magnifies differences, so it is computed in the latents' dtype.
        pipeline.unet.register_forward_hook(lambda _, __, output: (output[0].to(self.precision.weights), *output[1:]))

    def autocast(self) -> AbstractContextManager[Any]:
        """In which the network is run: the precision that the model computes in."""
        if self.precision.autocast is not None:
            return torch.autocast(self.device.type, self.precision.autocast)
        return nullcontext()

    def cast(self, tensor: Tensor | None) -> Tensor:
        """On the device, in the dtype of the weights."""
        assert tensor is not None, "SDXL reads a pooled part"
        return tensor.to(self.device, self.precision.weights)

    def suit_threads(self) -> None:
        if self.device.type == "cpu":
            suit_threads()

    def not_finite(self, what: str, *, overflowing: str | None = None) -> EmotiCrafterError:
        """The error for a result of this model that is not finite; see `finite.not_finite`."""
        parts = {name: getattr(self.pipeline, name) for name in PARTS}
        return not_finite(what, parts, self.source, self.precision.name, overflowing=overflowing)

    @contextmanager
    def memory_guard(self, what: str) -> Iterator[None]:
        """Raise DeviceError where the memory does not suffice inside. what: is done there, as "encode the prompt"."""
        try:
            yield
        except Exception as error:
            if is_out_of_memory(error):
                raise memory_error(what) from error
            raise


def memory_error(what: str) -> DeviceError:
    """The error where the memory does not suffice to do something."""
    return DeviceError(
        f"The memory does not suffice to {what}.",
        "Use a smaller --size, --dtype bfloat16, or on a GPU --offload model or sequential.",
    )
