"""Latents to pictures, by the VAE of a pipeline of SDXL's kind."""

# B pictures, L latent channels, h and w sides of latents

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from emoticrafter.backbones.finite import in_float32, is_finite
from emoticrafter.backbones.previews import reduced
from emoticrafter.backbones.sdxl.network import SDXLNetwork
from emoticrafter.watch import Preview

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["SDXLDecoder"]

PIXELS_AT_ONCE = 2**20
_USUAL = 10.0  # no latents of a sound picture lie further from zero


class SDXLDecoder:
    def __init__(self, network: SDXLNetwork) -> None:
        self.network = network

    def decode(self, latents: Tensor, size: tuple[int, int] | None = None) -> list[Image.Image]:
        """The pictures of latents (B, L, h, w). size: (width, height) to bring them down to, by means over areas.

        A picture that overflows is decoded in float32, and says so under "recipe" in its `info`. Raises DeviceError and
        CheckpointError where it overflows there, too.
        """
        network, pipeline = self.network, self.network.pipeline
        if not is_finite(latents):
            raise network.not_finite("The picture overflowed")
        images: list[Image.Image] = []
        at_once = max(1, PIXELS_AT_ONCE // (latents[0, 0].numel() * network.pixels_per_latent**2))
        for part in latents.split(at_once):
            pixels, again = self._pixels(part)
            if size is not None and pixels.shape[-2:] != (size[1], size[0]):
                pixels = F.interpolate(pixels.clamp(-1, 1), (size[1], size[0]), mode="area")
            if pipeline.watermark is not None:
                pixels = pipeline.watermark.apply_watermark(pixels)
            made = pipeline.image_processor.postprocess(pixels, output_type="pil")
            for row in again:
                made[row].info["recipe"] = {"vae_dtype": "float32"}
            images += made
        pipeline.maybe_free_model_hooks()
        return images

    def show(self, latents: Tensor, preview: Preview) -> None:
        """Small pictures of the latents; one that overflows is left out."""
        pixels = self.decoded(reduced(latents).to(self.network.device))
        for row, picture in enumerate(pixels):
            if is_finite(picture):
                preview(row, self.network.pipeline.image_processor.postprocess(picture[None], output_type="pil")[0])

    def _pixels(self, latents: Tensor) -> tuple[Tensor, list[int]]:
        """Pixels in float32 (B, 3, H, W), and the rows that overflowed and were decoded once more, in float32."""
        vae, precision = self.network.pipeline.vae, self.network.precision
        pixels = self.decoded(latents)
        again = [row for row, picture in enumerate(pixels) if not is_finite(picture)]
        if again and (vae.dtype != torch.float32 or precision.autocast is not None):
            with in_float32(vae, self.network.device):
                pixels[again] = self.decoded(latents[again])
        if not is_finite(pixels):
            usual = latents.float().clamp(-_USUAL, _USUAL)
            with in_float32(vae, self.network.device):
                sound = is_finite(self.decoded(usual))
            raise self.network.not_finite("The latents overflowed the VAE", overflowing=None if sound else "vae")
        return pixels, again

    def decoded(self, latents: Tensor) -> Tensor:
        """Pixels (B, 3, H, W). The pipeline's own decoding takes means and deviations of four latent channels only."""
        vae = self.network.pipeline.vae
        latents = latents.to(vae.dtype)
        mean, std = (
            latents.new_tensor(values).view(1, -1, 1, 1) if (values := getattr(vae.config, name, None)) is not None else None
            for name in ("latents_mean", "latents_std")
        )
        latents = latents * (1 if std is None else std) / vae.config.scaling_factor + (0 if mean is None else mean)
        return vae.decode(latents, return_dict=False)[0].float()  # type: ignore[no-any-return]
