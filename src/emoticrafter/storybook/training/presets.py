"""How big and how long: the recipes of the storybook model at three scales. No torch here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from emoticrafter.errors import InputError

STAGES = ("render", "tokenizer", "vae", "double", "text", "unet", "eit", "judge", "calibrate", "assemble")
# What each stage needs to be finished.
NEEDS = {
    "render": (),
    "tokenizer": (),
    "vae": ("render",),
    "double": ("vae",),
    "text": ("render", "tokenizer", "vae"),
    "unet": ("text", "double"),
    "eit": ("text",),
    "judge": ("double",),
    "calibrate": ("unet", "eit", "judge"),
    "assemble": ("calibrate",),
}


@dataclass(frozen=True, kw_only=True)
class BuildRecipe:
    """How a network is trained: a short warm-up, a long stretch at the full rate, and a cool-down to `final_rate`.

    The stretch looks the same however long it is, so a training can be lengthened from any checkpoint of it
    (Hägele et al. 2024, arXiv 2405.18392).
    """

    steps: int
    batch: int
    rate: float
    final_rate: float = 2e-5
    warmup: int = 100
    cooldown: float = 0.3  # share of the steps
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0
    average: float = 0.999  # decay of the averaged weights, once warmed up
    muon: bool = False  # instead of AdamW, for matrices and convolutions

    def rate_at(self, step: int) -> float:
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        length = max(self.cooldown * self.steps, 1)
        share = min(max((step - (self.steps - length)) / length, 0.0), 1.0)
        return self.final_rate + (self.rate - self.final_rate) * (1 - math.sqrt(share))


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Everything that decides what the build makes. Sizes of networks are the arguments of their classes."""

    name: str
    pixels: int = 256  # side of the finished pictures, and of those that the world draws
    size: int = 128  # side of those that latents are learned from, the means of four pixels; the latents are an eighth of it
    scenes: int = 30_000  # each is drawn twice
    held_out_scenes: int = 1_500
    shard: int = 500  # scenes per file
    code_sprites: bool = False  # simple sprites instead of the package: for tests
    prompt_tokens: int = 48
    vocabulary: int = 1_800
    checkpoint_seconds: float = 150.0
    watch_seconds: float = 900.0
    compile: bool = False
    vae: dict[str, Any]
    vae_recipe: BuildRecipe
    double_channels: tuple[int, ...]  # of the autoencoder of the finished pictures, one level more than `vae` has
    double_scenes: int = 6_000
    double_recipe: BuildRecipe  # of its decoder; its encoder takes half of the steps
    text: tuple[dict[str, int], dict[str, int]]
    text_recipe: BuildRecipe
    unet: dict[str, Any]
    unet_recipe: BuildRecipe
    eit: tuple[str, ...] = ()  # keys of the recipe "storybook" that are otherwise: section.key=value
    eit_pairs: int = 16_000
    calibration_prompts: int = 8
    judge_width: int = 20
    judge_recipe: BuildRecipe


_LATENTS = 16  # channels


def _levels(channels: tuple[int, ...]) -> dict[str, Any]:
    return {
        "block_out_channels": channels,
        "down_block_types": ("DownEncoderBlock2D",) * len(channels),
        "up_block_types": ("UpDecoderBlock2D",) * len(channels),
        "layers_per_block": 1,
        "latent_channels": _LATENTS,
        "mid_block_add_attention": False,
        "force_upcast": False,
        "scaling_factor": 1.0,
    }


_ENCODERS = ({"width": 128, "layers": 4}, {"width": 192, "layers": 4})


def _unet(channels: tuple[int, ...], tokens: int, pooled: int) -> dict[str, Any]:
    """SDXL's shape at small size: text through cross-attention below the first level, pooled text and sizes with the time."""
    below = len(channels) - 1
    return {
        "sample_size": 16,
        "in_channels": _LATENTS,
        "out_channels": _LATENTS,
        "block_out_channels": channels,
        "down_block_types": ("DownBlock2D",) + ("CrossAttnDownBlock2D",) * below,
        "up_block_types": ("CrossAttnUpBlock2D",) * below + ("UpBlock2D",),
        "layers_per_block": 1,
        "attention_head_dim": tuple(width // 32 for width in channels),  # in diffusers this is the number of heads
        "cross_attention_dim": tokens,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 32,
        "projection_class_embeddings_input_dim": pooled + 6 * 32,
        "use_linear_projection": True,
        "norm_num_groups": 16,
    }


_UNET = _unet((96, 192, 224), tokens=320, pooled=192)
CPU = Preset(
    name="cpu",
    text=_ENCODERS,
    unet=_UNET,
    vae=_levels((16, 32, 96, 128)) | {"norm_num_groups": 4, "sample_size": 128},
    vae_recipe=BuildRecipe(steps=5_000, batch=32, rate=3e-3, warmup=200, muon=True),
    double_channels=(16, 24, 32, 96, 128),
    double_recipe=BuildRecipe(steps=9_000, batch=8, rate=2e-3, warmup=60, average=0.998, muon=True, cooldown=0.4),
    text_recipe=BuildRecipe(steps=900, batch=96, rate=1e-3),
    unet_recipe=BuildRecipe(steps=23_000, batch=32, rate=3e-3, warmup=200, average=0.998, muon=True),
    judge_recipe=BuildRecipe(steps=1_000, batch=64, rate=2e-3, muon=True),
)


def _short(steps: int, batch: int) -> BuildRecipe:
    return BuildRecipe(steps=steps, batch=batch, rate=2e-3, warmup=2, average=0.9)


SMOKE = Preset(
    name="smoke",
    scenes=24,
    held_out_scenes=8,
    shard=8,
    code_sprites=True,
    vocabulary=400,
    checkpoint_seconds=2.0,
    text=({"width": 32, "layers": 2}, {"width": 32, "layers": 2}),
    unet=_unet((32, 32), tokens=64, pooled=32),
    eit=(
        "model.width=32",
        "model.blocks=1",
        "model.feed_forward=32",
        "train.steps=3",
        "train.batch=8",
        "train.warmup=0",
        "log.ridge_pairs=16",
    ),
    vae=_levels((8, 8, 16, 16)) | {"norm_num_groups": 4, "sample_size": 128},
    vae_recipe=_short(4, 8),
    double_channels=(8, 8, 8, 16, 16),
    double_scenes=8,
    double_recipe=_short(4, 1),
    text_recipe=_short(3, 8),
    unet_recipe=_short(3, 4),
    eit_pairs=32,
    calibration_prompts=1,
    judge_width=8,
    judge_recipe=_short(3, 8),
)
GPU = replace(
    CPU,
    name="gpu",
    scenes=100_000,
    compile=True,
    vae=_levels((32, 64, 96, 128)) | {"norm_num_groups": 4, "sample_size": 128},
    unet=_unet((80, 192, 224), tokens=320, pooled=192),
    vae_recipe=BuildRecipe(steps=10_000, batch=64, rate=3e-3, warmup=200, muon=True),
    double_channels=(16, 32, 64, 96, 128),
    double_scenes=20_000,
    double_recipe=BuildRecipe(steps=4_000, batch=64, rate=2e-3, warmup=60, average=0.998, muon=True, cooldown=0.4),
    text_recipe=BuildRecipe(steps=3_000, batch=512, rate=1e-3),
    unet_recipe=BuildRecipe(steps=16_000, batch=256, rate=3e-3, warmup=200, average=0.999, muon=True),
)
PRESETS = {preset.name: preset for preset in (CPU, SMOKE, GPU)}


def preset_named(name: str) -> Preset:
    if name not in PRESETS:
        raise InputError(f"Unknown preset {name!r}.", f"Known presets: {', '.join(PRESETS)}.")
    return PRESETS[name]
