"""The autoencoder between pictures and latents, and the data set's latents.

Latents at half the size are asked to decode to the picture at half the size (Skorokhodov et al. 2025, arXiv 2502.14831): what is
coarse in the picture is then coarse in the latents, which makes them easier to generate.

Latents leave it with mean 0 and deviation 1 per channel: both are folded into the 1 x 1 convolutions around the latents, so
that the pipeline's `scaling_factor` is 1. (The SDXL pipeline reads `latents_mean` for four channels only.)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor, nn

from emoticrafter.inputs.arrays import read_array
from emoticrafter.inputs.named import file_hash
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
from emoticrafter.storybook.training.render import SPLITS, Pictures

KL_WEIGHT = 1e-4  # per latent number, against a mean absolute error per pixel
CROP = 64
COARSE_WEIGHT = 0.25
WHOLE_AT_FIRST = 0.3  # share of batches of whole pictures; the last third of the steps sees nothing else
JUDGED = 256  # held-out pictures behind the logged figure


def reconstruction_loss(drawn: Tensor, true: Tensor) -> Tensor:
    """Absolute and squared error, and absolute error of the differences between neighbours, which keeps edges sharp."""
    error = drawn - true
    edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return error.abs().mean() + 2 * error.square().mean() + 0.5 * edges


def psnr(drawn: Tensor, true: Tensor) -> float:
    """Peak signal-to-noise ratio in dB, the mean over pictures; both (n, 3, h, w) in [-1, 1]."""
    error = ((drawn.float().clamp(-1, 1) - true) / 2).square().mean(dim=(1, 2, 3))
    return float((-10 * error.clamp_min(1e-10).log10()).mean())


def run(work: Workshop) -> None:
    preset, device = work.preset, work.device
    torch.manual_seed(work.seed)
    vae = AutoencoderKL(**preset.vae).to(device)
    train, held_out = (Pictures(work.folder("render") / split) for split in SPLITS)
    true = pictures_to_tensor(held_out[np.arange(min(JUDGED, len(held_out)))], device)

    def batch(share: float, rng: np.random.Generator) -> Tensor:
        """Whole pictures, or four times as many crops: the same work."""
        whole = share > 2 / 3 or rng.random() < WHOLE_AT_FIRST
        number = max(preset.vae_recipe.batch // 4, 1) if whole else preset.vae_recipe.batch
        pictures = train[rng.integers(len(train), size=number)]
        if not whole:
            corners = rng.integers(preset.size - CROP + 1, size=(number, 2))
            pictures = np.stack([p[y : y + CROP, x : x + CROP] for p, (y, x) in zip(pictures, corners, strict=True)])
        if rng.random() < 0.5:
            pictures = np.ascontiguousarray(pictures[:, :, ::-1])
        return pictures_to_tensor(pictures, device)

    def loss(step: int, rng: np.random.Generator) -> Losses:
        pictures = batch(step / training.recipe.steps, rng)
        with autocast(device):
            posterior = vae.encode(pictures).latent_dist
            drawn = vae.decode(posterior.sample()).sample
            half = slice((len(pictures) + 1) // 2)
            coarse = vae.decode(F.avg_pool2d(posterior.mean[half], 2)).sample
        kl = posterior.kl().float().mean() / posterior.mean[0].numel()
        error = reconstruction_loss(drawn.float(), pictures)
        coarse_error = reconstruction_loss(coarse.float(), F.avg_pool2d(pictures[half], 2))
        return {"loss": error + COARSE_WEIGHT * coarse_error + KL_WEIGHT * kl, "error": error, "coarse": coarse_error, "kl": kl}

    def watch(averaged: nn.Module, step: int) -> dict[str, float]:
        drawn = reconstruct(averaged, true, device)
        save_sheet([tensor_to_pictures(x[i : i + 8]) for i in (0, 8) for x in (true, drawn)], work.sheet(f"vae-{step:06d}"))
        return {"psnr": psnr(drawn, true)}

    training = work.training("vae", vae, preset.vae_recipe, loss, watch)
    if preset.compile:
        vae.encoder.compile()
        vae.decoder.compile()
    averaged = training.run()
    assert isinstance(averaged, AutoencoderKL)
    mean, deviation = latent_statistics(averaged, train, device)
    fold_statistics(averaged, mean, deviation)
    averaged.save_pretrained(work.folder("vae") / "model")
    figures = {
        "psnr": psnr(reconstruct(averaged, true, device), true),
        "latent_mean": mean.tolist(),
        "latent_deviation": deviation.tolist(),
    }
    for split in SPLITS:
        encode_pictures(work, averaged, split)
    work.finish("vae", steps=training.step, seconds=training.seconds, **figures)


@torch.no_grad()
def reconstruct(vae: AutoencoderKL | nn.Module, pictures: Tensor, device: torch.device) -> Tensor:
    assert isinstance(vae, AutoencoderKL)
    with autocast(device):
        return torch.cat([vae.decode(vae.encode(part).latent_dist.mode()).sample.float() for part in pictures.split(32)])


@torch.no_grad()
def latent_statistics(vae: AutoencoderKL, pictures: Pictures, device: torch.device, count: int = 1024) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each latent channel over some pictures, float32 (channels,)."""
    chosen = np.linspace(0, len(pictures) - 1, min(count, len(pictures))).astype(int)
    latents = torch.cat([encode(vae, pictures[part], device) for part in np.array_split(chosen, max(len(chosen) // 32, 1))])
    return latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))


@torch.no_grad()
def fold_statistics(vae: AutoencoderKL, mean: Tensor, deviation: Tensor) -> None:
    """Change the 1 x 1 convolutions so that latents have mean 0 and deviation 1, and pictures stay the same. Exact."""
    channels = len(mean)
    assert vae.quant_conv is not None
    assert vae.post_quant_conv is not None
    encode, decode = vae.quant_conv, vae.post_quant_conv  # the first holds rows of means, then rows of log variances
    assert encode.bias is not None
    assert decode.bias is not None
    encode.weight[:channels] /= deviation[:, None, None, None]
    encode.bias[:channels] = (encode.bias[:channels] - mean) / deviation
    encode.bias[channels:] -= 2 * deviation.log()
    decode.bias += (decode.weight[:, :, 0, 0] * mean).sum(dim=1)
    decode.weight *= deviation[None, :, None, None]


def encode(vae: AutoencoderKL, pictures: np.ndarray, device: torch.device) -> Tensor:
    with autocast(device):
        return vae.encode(pictures_to_tensor(pictures, device)).latent_dist.mode().float()


@torch.no_grad()
def encode_pictures(work: Workshop, vae: AutoencoderKL, split: str, chunk: int = 64) -> None:
    """Write the latents of a split as float16 (n, channels, h, w), unless those of these very pictures and weights are there."""
    pictures = Pictures(work.folder("render") / split)

    def encode_all() -> np.ndarray:
        rows: list[np.ndarray] = []
        with Meter(f"latents {split}", len(pictures), 0, "pictures", work.quiet) as meter:
            for start in range(0, len(pictures), chunk):
                indices = np.arange(start, min(start + chunk, len(pictures)))
                rows.append(encode(vae, pictures[indices], work.device).half().cpu().numpy())
                meter.update(int(indices[-1]) + 1)
        return np.concatenate(rows)

    cached_array(latents_path(work, split), origin(work, pictures, "vae"), encode_all)


def origin(work: Workshop, pictures: Pictures, stage: str) -> dict[str, str]:
    """What is made of pictures by the autoencoder of a stage depends on these."""
    weights = work.folder(stage) / "model" / "diffusion_pytorch_model.safetensors"
    return {"pictures": pictures.digest(), stage: file_hash(weights)[:16]}


def latents_path(work: Workshop, split: str) -> Path:
    return work.folder("vae") / f"latents-{split}.npy"


def load_latents(work: Workshop, split: str) -> np.ndarray:
    """The latents of a split, float16 (n, channels, h, w), read into memory."""
    return read_array(latents_path(work, split), "array of latents", "Delete it: the stage `vae` makes it again.")


def load_vae(work: Workshop) -> AutoencoderKL:
    """The finished autoencoder."""
    return load_part(AutoencoderKL, work.folder("vae") / "model").to(work.device).eval().requires_grad_(False)
