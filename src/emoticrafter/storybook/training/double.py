"""The autoencoder of twice the pixels: the same latents, a picture of twice the side.

One level is added at the side of the picture, and all that fits is taken over. The decoder learns to draw the finer picture from
the latents of the coarser one; the encoder learns to give the coarse encoder's latents for the finer picture. So everything that
was learned upon these latents, the denoiser, the rivals, stays valid.
"""

# n pictures, c latent channels

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor, nn

from emoticrafter.storybook.training.common import (
    Losses,
    Workshop,
    autocast,
    cached_array,
    load_part,
    pictures_to_tensor,
    save_sheet,
    tensor_to_pictures,
)
from emoticrafter.storybook.training.progress import Meter
from emoticrafter.storybook.training.render import FINE, SPLITS, Pictures, draw_some, fine_shards
from emoticrafter.storybook.training.vae import encode, latents_path, load_latents, load_vae, origin, psnr, reconstruction_loss

NOISE = 0.03  # on the latents that the decoder learns from: those of the denoiser are not exact either
CROP = 8  # side of a crop in latents
CROP_PIXELS = 16 * CROP
WHOLE_LAST = 0.3  # share of the steps that see whole pictures, the last ones; the others four times as many crops
JUDGED = 96  # held-out pictures behind the logged figures


def run(work: Workshop) -> None:
    """The decoder first, then the encoder, each as a training of its own."""
    preset, device = work.preset, work.device
    torch.manual_seed(work.seed)
    coarser, fine = load_vae(work), Pictures(work.folder("render") / FINE)
    network = doubled(coarser, preset.double_channels).to(device).requires_grad_(False)
    true = pictures_to_tensor(draw_some(work, SPLITS[1], JUDGED), device)
    told = torch.cat([targets(coarser, part) for part in true.split(16)])

    def batch(rng: np.random.Generator, whole: bool) -> tuple[Tensor, Tensor]:
        pictures = fine[rng.integers(len(fine), size=preset.double_recipe.batch)]
        if rng.random() < 0.5:
            pictures = np.ascontiguousarray(pictures[:, :, ::-1])
        both = pictures_to_tensor(pictures, device), targets(coarser, pictures_to_tensor(pictures, device))
        return both if whole else crops(*both, 4)

    def decoding(step: int, rng: np.random.Generator) -> Losses:
        pictures, wanted = batch(rng, step > (1 - WHOLE_LAST) * decoder.recipe.steps)
        return {"loss": decoder_loss(network, pictures, means_of(wanted))}

    def encoding(step: int, rng: np.random.Generator) -> Losses:
        return {"loss": encoder_loss(network, *batch(rng, whole=True))}

    def watch(averaged: nn.Module, step: int) -> dict[str, float]:
        network.decoder, mine = averaged, network.decoder
        drawn = decoded(network, means_of(told))
        network.decoder = mine
        shown = [x[i : i + 8] for i in (0, 8) for x in (true, drawn)]
        save_sheet([tensor_to_pictures(x) for x in shown if len(x)], work.sheet(f"double-{step:06d}"))
        return {"psnr": psnr(drawn, true)}

    network.decoder.requires_grad_(True)
    decoder = work.training("double/decoder", network.decoder, preset.double_recipe, decoding, watch)
    network.decoder = decoder.run().requires_grad_(False)
    network.encoder.requires_grad_(True)
    half = replace(preset.double_recipe, steps=-(-preset.double_recipe.steps // 2))
    encoder = work.training("double/encoder", network.encoder, half, encoding)
    network.encoder = encoder.run()
    network.save_pretrained(work.folder("double") / "model")
    with torch.no_grad():
        missed = [encoder_loss(network, *pair) for pair in zip(true.split(16), told.split(16), strict=True)]
        bicubic = F.interpolate(decoded(coarser, means_of(told)), scale_factor=2, mode="bicubic")
    figures = {"psnr": psnr(decoded(network, means_of(told)), true), "bicubic_psnr": psnr(bicubic, true)}
    figures["encoder_error"] = float(torch.stack(missed).mean())
    work.finish("double", steps=decoder.step, seconds=decoder.seconds + encoder.seconds, **figures)


def encode_drawn(work: Workshop, network: AutoencoderKL, split: str) -> None:
    """Write the latents of a split as `vae.encode_pictures` does, where only the finished autoencoder is there.

    Its encoder takes the pictures at their full side, so they are drawn again.
    """
    pictures = Pictures(work.folder("render") / split)

    @torch.no_grad()
    def encode_all() -> np.ndarray:
        rows: list[np.ndarray] = []
        with Meter(f"latents {split}", len(pictures), 0, "pictures", work.quiet) as meter:
            for shard in fine_shards(work, split, len(pictures) // 2):
                parts = np.array_split(shard, -(-len(shard) // 32))
                rows += [encode(network, part, work.device).half().cpu().numpy() for part in parts]
                meter.update(sum(map(len, rows)))
        return np.concatenate(rows)

    cached_array(latents_path(work, split), origin(work, pictures, "double"), encode_all)


def load_doubled(work: Workshop) -> AutoencoderKL:
    """The finished autoencoder of the finished pictures."""
    return load_part(AutoencoderKL, work.folder("double") / "model").to(work.device).eval().requires_grad_(False)


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


def means_of(parameters: Tensor) -> Tensor:
    return parameters[:, : parameters.shape[1] // 2]


@torch.no_grad()
def decoded(network: AutoencoderKL, latents: Tensor) -> Tensor:
    with autocast(latents.device):
        return torch.cat([network.decode(part).sample.float() for part in latents.split(16)])


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


def decoded_pictures(work: Workshop, split: str, count: int) -> np.ndarray:
    """The first pictures of a split as the finished autoencoder gives them back, at half their side, kept on the disk.

    uint8 (n, size, size, 3).
    """

    @torch.no_grad()
    def decode() -> np.ndarray:
        latents, vae, parts = load_latents(work, split)[:count], load_doubled(work), []
        with Meter(f"decoding {split}", len(latents), 0, "pictures", work.quiet) as meter, autocast(work.device):
            for start in range(0, len(latents), 64):
                part = torch.from_numpy(latents[start : start + 64]).float().to(work.device)
                parts.append(tensor_to_pictures(coarse(vae.decode(part).sample)))
                meter.update(start + len(part))
        return np.concatenate(parts)

    pictures = Pictures(work.folder("render") / split)
    return cached_array(work.folder("double") / f"decoded-{split}.npy", origin(work, pictures, "double"), decode)
