"""SDXL with random weights, at full size or tiny, made without any file: for speed and memory, not for pictures.

The full sizes are those of SDXL base 1.0. The tokenizers know single bytes only; prompts are padded to 77 tokens, so that the
encoders do the same work as with the real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from emoticrafter.eit import EITConfig, EmotionInjectionTransformer

_CROSS = {
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
}
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "full": {
        "text": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
                 "projection_dim": 768, "hidden_act": "quick_gelu", "vocab_size": 49408},
        "text_2": {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20,
                   "projection_dim": 1280, "hidden_act": "gelu", "vocab_size": 49408},
        "unet": {**_CROSS, "sample_size": 128, "block_out_channels": (320, 640, 1280), "layers_per_block": 2,
                 "transformer_layers_per_block": (1, 2, 10), "attention_head_dim": (5, 10, 20), "cross_attention_dim": 2048,
                 "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816},
        "vae": {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "sample_size": 1024},
        "eit": {"prompt_channels": 2048, "width": 768, "heads": 12, "blocks": 12},
    },
    "tiny": {
        "text": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
                 "projection_dim": 16, "hidden_act": "quick_gelu", "vocab_size": 600},
        "text_2": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
                   "projection_dim": 16, "hidden_act": "gelu", "vocab_size": 600},
        "unet": {**_CROSS, "sample_size": 8, "block_out_channels": (32, 32, 64), "layers_per_block": 1,
                 "transformer_layers_per_block": 1, "attention_head_dim": (2, 2, 4), "cross_attention_dim": 32,
                 "addition_time_embed_dim": 8, "projection_class_embeddings_input_dim": 64},
        "vae": {"block_out_channels": (8, 8, 16, 16), "layers_per_block": 1, "sample_size": 64, "norm_num_groups": 4},
        "eit": {"prompt_channels": 32, "width": 16, "heads": 2, "blocks": 2, "encoder_width": 16, "emotion_tokens": 4},
    },
}  # fmt: skip


def random_pipeline(size: str = "full", device: str = "cpu", dtype: torch.dtype = torch.float32) -> StableDiffusionXLPipeline:
    """A whole SDXL pipeline at "full" or "tiny" size, its weights drawn on `device`, which for the full size saves minutes."""
    sizes = SIZES[size]
    torch.manual_seed(0)
    with drawn_on(device, dtype):
        parts: dict[str, nn.Module] = {
            "text_encoder": CLIPTextModel(_text_config(sizes["text"])),
            "text_encoder_2": CLIPTextModelWithProjection(_text_config(sizes["text_2"])),
            "unet": UNet2DConditionModel(**sizes["unet"]),
            "vae": AutoencoderKL(**_vae_settings(sizes["vae"])),
        }
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="leading", steps_offset=1
    )
    return StableDiffusionXLPipeline(
        **{name: part.eval().requires_grad_(False) for name, part in parts.items()},
        tokenizer=byte_tokenizer("<|endoftext|>"),
        tokenizer_2=byte_tokenizer("!"),
        scheduler=scheduler,
        add_watermarker=False,
    )


def random_eit(size: str = "full", device: str = "cpu", dtype: torch.dtype = torch.float32) -> EmotionInjectionTransformer:
    torch.manual_seed(1)
    with drawn_on(device, dtype):
        eit = EmotionInjectionTransformer(EITConfig(**SIZES[size]["eit"]))
    return eit.eval().requires_grad_(False)


def unseen_prompts() -> Iterator[str]:
    """Prompts that differ, short enough for one section: features of a prompt that came before are kept, and cost nothing."""
    return (f"a red house by the sea, number {i}" for i in count())


@contextmanager
def drawn_on(device: str, dtype: torch.dtype) -> Iterator[None]:
    """New weights are made on `device` in `dtype`."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(before)


def byte_tokenizer(pad: str, length: int = 77) -> CLIPTokenizer:
    """A CLIP tokenizer that knows the 256 bytes, inside and at the end of a word, and no merges."""
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], pad_token=pad, model_max_length=length)


def _text_config(sizes: dict[str, Any]) -> CLIPTextConfig:
    return CLIPTextConfig(**sizes, max_position_embeddings=77, bos_token_id=512, eos_token_id=513, pad_token_id=513)


def _vae_settings(sizes: dict[str, Any]) -> dict[str, Any]:
    levels = len(sizes["block_out_channels"])
    kinds = {"down_block_types": ("DownEncoderBlock2D",) * levels, "up_block_types": ("UpDecoderBlock2D",) * levels}
    return {**sizes, **kinds, "latent_channels": 4, "scaling_factor": 0.13025, "force_upcast": True}
