"""A whole SDXL pipeline folder with random weights, small enough to build and run within a second or two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from emoticrafter import checkpoint
from emoticrafter.eit import EITConfig, EmotionInjectionTransformer

CHANNELS = (12, 20)  # of the two text encoders
SECTION = 12  # tokens of a section of a prompt
SIZE = 32  # pixels
WORDS = ("a", "cat", "dog", "on", "the", "beach", "child", "playing", "in", "forest", "red", "ball", "berry")


def tiny_config(**changes: Any) -> EITConfig:
    """An EIT that fits the tiny SDXL."""
    sizes = {"prompt_channels": sum(CHANNELS), "width": 24, "heads": 2, "blocks": 2, "emotion_tokens": 3, "encoder_width": 8}
    return EITConfig(**{**sizes, "positions": SECTION, **changes})


def tiny_eit(seed: int = 0, gain: float = 0.5, **changes: Any) -> EmotionInjectionTransformer:
    """A random EIT whose residual is large enough to change a picture."""
    torch.manual_seed(seed)
    eit = EmotionInjectionTransformer(tiny_config(**changes)).eval()
    with torch.no_grad():
        eit.residual_norm.weight.fill_(gain)
        for parameter in eit.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return eit


def build_tiny_storybook(folder: Path, **settings: Any) -> Path:
    """The same in the shape of a storybook of 256 pixels: 16 of them to a latent, 16 channels, a network that is told 128."""
    sizes = {"sizes": [256, 384, 512], "told_size": 128}
    return build_tiny_sdxl(folder, latent_channels=16, flow=True, levels=5, **{**sizes, **settings})


def build_tiny_sdxl(
    folder: Path, *, latent_channels: int = 4, flow: bool = False, normalised: bool = False, levels: int = 2, **settings: Any
) -> Path:
    """Write the folder: model_index.json and the components, an emotion checkpoint, vocabulary.json, defaults.json.

    normalised: the VAE's config holds a mean and a standard deviation per latent channel. levels: of the VAE, each but the last
    one halves the picture; latents are 16 x 16. settings: of defaults.json.
    """
    from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, EulerDiscreteScheduler, UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    tokenizers = [tokenizer(), tokenizer(pad_token="!")]
    shared: dict[str, Any] = {
        "vocab_size": len(tokenizers[0]),
        "max_position_embeddings": SECTION,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "bos_token_id": tokenizers[0].bos_token_id,
        "eos_token_id": tokenizers[0].eos_token_id,
        "pad_token_id": tokenizers[0].pad_token_id,
    }
    sizes = [{"hidden_size": width, "intermediate_size": 2 * width, "projection_dim": width} for width in CHANNELS]
    side = 16 * 2 ** (levels - 1)
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=latent_channels,
        out_channels=latent_channels,
        layers_per_block=1,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(1, 2),
        cross_attention_dim=sum(CHANNELS),
        transformer_layers_per_block=1,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + CHANNELS[1],
    )
    with torch.no_grad():
        for name, parameter in unet.named_parameters():
            if "attn2.to_out" in name or "attn2.to_v" in name:
                parameter.mul_(8)  # random weights hardly listen to the text; these do
    statistics = {"latents_mean": [0.1] * latent_channels, "latents_std": [0.8] * latent_channels} if normalised else {}
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=(8,) * levels,
        norm_num_groups=4,
        latent_channels=latent_channels,
        sample_size=side,
        force_upcast=False,
        **statistics,
    )
    if flow:
        scheduler = DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1)
    else:
        scheduler = EulerDiscreteScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
    pipeline = StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(CLIPTextConfig(**shared, **sizes[0])),
        text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**shared, **sizes[1])),
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        unet=unet,
        scheduler=scheduler,
        add_watermarker=False,
    )
    pipeline.save_pretrained(folder)
    (folder / "vocabulary.json").write_text(json.dumps({"words": list(WORDS)}))
    defaults = {"family": "tiny", "steps": 3, "guidance": 3.0, "size": side, **settings}
    (folder / "defaults.json").write_text(json.dumps(defaults))
    checkpoint.save(tiny_eit(), folder / "emotion", {"backbone": "tiny", "prompt_tokens": SECTION, "strength": 0.8})
    return folder


def tokenizer(pad_token: str = "<|endoftext|>") -> Any:
    from transformers import CLIPTokenizer

    letters = "abcdefghijklmnopqrstuvwxyz!',.0123456789-"
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters)]
    merges = []
    for word in WORDS:  # each word becomes one token by merges from the left
        parts = [*word[:-1], f"{word[-1]}</w>"]
        while len(parts) > 1:
            merges.append((parts[0], parts[1]))
            vocabulary.append(parts[0] + parts[1])
            parts[:2] = [parts[0] + parts[1]]
    names = dict.fromkeys([*vocabulary, "<|startoftext|>", "<|endoftext|>"])
    return CLIPTokenizer(
        vocab={name: index for index, name in enumerate(names)},
        merges=list(dict.fromkeys(merges)),
        pad_token=pad_token,
        model_max_length=SECTION,
    )
