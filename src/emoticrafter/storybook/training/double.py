"""The autoencoder of twice the pixels: the same latents, a picture of twice the side.

One level is added at the side of the picture, and all that fits is taken over. The decoder learns to draw the finer picture from
the latents of the coarser one; the encoder learns to give the coarse encoder's latents for the finer picture. So everything that
was learned upon these latents, the denoiser, the rivals, stays valid.
"""

# n pictures, c latent channels

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from emoticrafter.storybook.training.common import autocast
from emoticrafter.storybook.training.vae import reconstruction_loss

NOISE = 0.03  # on the latents that the decoder learns from: those of the denoiser are not exact either
CROP = 8  # side of a crop in latents
CROP_PIXELS = 16 * CROP


def doubled(vae: AutoencoderKL, channels: tuple[int, ...]) -> AutoencoderKL:
    """A network of twice the pixels with one level more, warm from `vae`.

    `channels` are those of the levels from the picture inwards, one more than `vae` has. What has the same place and shape is
    copied: the encoder's levels seen from the latents, the decoder's too.
    """
    config: dict[str, Any] = dict(vae.config)
    levels = len(channels)
    config |= {
        "block_out_channels": channels,
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "sample_size": 2 * config["sample_size"],
    }
    network = AutoencoderKL.from_config({name: value for name, value in config.items() if not name.startswith("_")})
    old, new = vae.state_dict(), network.state_dict()
    for name, value in old.items():
        there = _place(name)
        if there in new and new[there].shape == value.shape:
            new[there] = value.clone()
    network.load_state_dict(new)
    return network


def _place(name: str) -> str:
    """Where a tensor stands in the doubled network: levels of the encoder move inwards by one, those of the decoder stay."""
    parts = name.split(".")
    if parts[:2] == ["encoder", "down_blocks"]:
        parts[2] = str(int(parts[2]) + 1)
    return ".".join(parts)


def coarse(pictures: Tensor) -> Tensor:
    """Pictures at half the side, the means of four pixels."""
    return F.avg_pool2d(pictures, 2)


@torch.no_grad()
def targets(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    """What the encoder of the coarse pictures says: means and log variances, float32 (n, 2 c, h, w)."""
    with autocast(pictures.device):
        return vae.encode(coarse(pictures)).latent_dist.parameters.float()


def crops(pictures: Tensor, latents: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """`number` crops of each picture and of its latents, at places that fall on latents."""
    side = latents.shape[-1] - CROP
    found_pictures, found_latents = [], []
    for _ in range(number):
        y, x = (int(v) for v in torch.randint(side + 1, (2,)))
        found_latents.append(latents[..., y : y + CROP, x : x + CROP])
        found_pictures.append(pictures[..., 16 * y : 16 * y + CROP_PIXELS, 16 * x : 16 * x + CROP_PIXELS])
    return torch.cat(found_pictures), torch.cat(found_latents)


def decoder_loss(network: AutoencoderKL, pictures: Tensor, latents: Tensor) -> Tensor:
    """The error of pictures (n, 3, 16 h, 16 w) drawn from latents (n, c, h, w) with a little noise."""
    with autocast(pictures.device):
        drawn = network.decode(latents + NOISE * torch.randn_like(latents)).sample
    return reconstruction_loss(drawn.float(), pictures)


def encoder_loss(network: AutoencoderKL, pictures: Tensor, wanted: Tensor) -> Tensor:
    """The squared error of the means, whose deviation is 1, and a little of that of the log variances."""
    with autocast(pictures.device):
        found = network.encode(pictures).latent_dist.parameters.float()
    means, spreads = (found - wanted).chunk(2, dim=1)
    return means.square().mean() + 0.01 * spreads.square().mean()
