"""SDXL's network for methods: pictures to latents and back, its training loss, its cross-attentions and its time embedding."""

# B pictures, L latent channels, h and w sides of latents, R rows of one call of the network, H heads, N places of the picture

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emoticrafter.backbones.denoiser import AttentionChange, TimeChange
from emoticrafter.backbones.finite import in_float32, is_finite
from emoticrafter.backbones.noising import Noised, Noising
from emoticrafter.backbones.outline import Limits
from emoticrafter.backbones.sdxl.decoding import SDXLDecoder
from emoticrafter.backbones.sdxl.encoding import SDXLPrompts
from emoticrafter.backbones.sdxl.learned_words import SDXLText
from emoticrafter.backbones.sdxl.network import SDXLNetwork

if TYPE_CHECKING:
    from PIL import Image

    from emoticrafter.backbones.features import PromptFeatures
    from emoticrafter.errors import EmotiCrafterError

__all__ = ["SDXLDenoiser"]


class SDXLDenoiser:
    """See `Denoiser`."""

    def __init__(self, network: SDXLNetwork, prompts: SDXLPrompts, decoder: SDXLDecoder, limits: Limits) -> None:
        self.network, self.decoder, self.limits, self.text = network, decoder, limits, SDXLText(network, prompts)

    @property
    def _unet(self) -> Any:
        return self.network.pipeline.unet

    @property
    def dtype(self) -> torch.dtype:
        return self._unet.dtype  # type: ignore[no-any-return]

    @property
    def networks(self) -> list[nn.Module]:
        pipeline = self.network.pipeline
        return [pipeline.unet, pipeline.text_encoder, pipeline.text_encoder_2]

    @property
    def attention_widths(self) -> list[int]:
        return [int(layer.to_q.out_features) for _, layer in self._cross_attentions]

    @property
    def time_width(self) -> int:
        return int(self._unet.time_embedding.linear_2.out_features)

    # Pictures

    @torch.no_grad()
    def encode_pictures(self, pictures: np.ndarray) -> np.ndarray:
        """See `Denoiser.encode_pictures`: means and deviations by channel, where the VAE has them, and the scale."""
        vae, device = self.network.pipeline.vae, self.network.device

        def encoded(pictures: np.ndarray) -> Tensor:
            pixels = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).to(vae.dtype) / 127.5 - 1
            latents = vae.encode(pixels).latent_dist.mean
            mean, std = (
                latents.new_tensor(values).view(1, -1, 1, 1) if (values := getattr(vae.config, name, None)) is not None else None
                for name in ("latents_mean", "latents_std")
            )
            latents = (latents - (0 if mean is None else mean)) * vae.config.scaling_factor / (1 if std is None else std)
            return latents.to(torch.float16)

        latents = encoded(pictures)
        again = [row for row, one in enumerate(latents) if not is_finite(one)]
        if again and vae.dtype != torch.float32:
            with in_float32(vae, device):
                latents[again] = encoded(pictures[again])
        if not is_finite(latents):
            raise self.not_finite("The latents of a picture overflowed")
        return latents.cpu().numpy()

    @torch.no_grad()
    def decode_latents(self, latents: Tensor) -> list[Image.Image]:
        """See `Denoiser.decode_latents`."""
        with self.network.autocast():
            return self.decoder.decode(latents.to(self.network.device))

    # The training loss

    @cached_property
    def _noising(self) -> Noising:
        return Noising(self.network.pipeline.scheduler.config)

    def noised(self, latents: Tensor, generator: torch.Generator) -> Noised:
        """See `Noising.noised`; by the model's own scheduler."""
        return self._noising.noised(latents, generator)

    def loss(self, latents: Tensor, features: PromptFeatures, generator: torch.Generator, *, size: tuple[int, int]) -> Tensor:
        """See `Denoiser.loss`: the mean squared error of the prediction."""
        assert features.pooled is not None, "SDXL reads a pooled part"
        noisy, timesteps, target = self.noised(latents, generator)
        width, height = self.limits.sizes.told_of(size)
        time_ids = torch.tensor([[height, width, 0, 0, height, width]] * len(latents), device=latents.device)
        dtype = self.dtype
        with self.network.autocast():
            predicted = self._unet(
                noisy.to(dtype),
                timesteps,
                features.tokens.to(dtype),
                added_cond_kwargs={"text_embeds": features.pooled.to(dtype), "time_ids": time_ids.to(dtype)},
                return_dict=False,
            )[0]
        return (predicted.float() - target).square().mean()

    def not_finite(self, what: str) -> EmotiCrafterError:
        return self.network.not_finite(what)

    # Places in the network

    @cached_property
    def _cross_attentions(self) -> list[tuple[str, Any]]:
        return [(name, layer) for name, layer in self._unet.named_modules() if getattr(layer, "is_cross_attention", False)]

    @contextmanager
    def attention_changed(self, changes: Sequence[AttentionChange]) -> Iterator[None]:
        """See `Denoiser.attention_changed`."""
        before = dict(self._unet.attn_processors)
        new = dict(before)
        for (name, _), change in zip(self._cross_attentions, changes, strict=True):
            new[f"{name}.processor"] = _Changed(before[f"{name}.processor"], change)
        self._unet.set_attn_processor(new)
        try:
            yield
        finally:
            self._unet.set_attn_processor(before)

    @contextmanager
    def time_changed(self, change: TimeChange) -> Iterator[None]:
        """See `Denoiser.time_changed`."""
        hook = self._unet.time_embedding.register_forward_hook(lambda _, __, output: change(output))
        try:
            yield
        finally:
            hook.remove()


@dataclass(frozen=True)
class _Call:
    """See `AttentionCall`. layer: diffusers' attention."""

    layer: Any
    hidden_states: Tensor

    @property
    def heads(self) -> int:
        return int(self.layer.heads)

    def queries(self, first: int) -> Tensor:
        return self.layer.to_q(self.hidden_states[first:]).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # type: ignore[no-any-return]

    def project(self, found: Tensor) -> Tensor:
        weight = self.layer.to_out[0].weight
        return F.linear(found, weight.to(found.dtype)) / self.layer.rescale_output_factor  # type: ignore[no-any-return]


class _Changed:
    """An attention processor: the layer's own, and what a method makes of its output."""

    def __init__(self, before: Any, change: AttentionChange) -> None:
        self.before, self.change = before, change

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        output: Tensor = self.before(attn, hidden_states, encoder_hidden_states, attention_mask, temb=temb)
        return self.change(output, _Call(attn, hidden_states))
