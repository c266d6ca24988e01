"""A CLIP folder with random weights, small enough to build and run within a second."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from tests.tiny import SECTION, tokenizer

SIDE = 32  # pixels


def build_tiny_clip(folder: Path, channels: int = 16, seed: int = 0) -> Path:
    """Write model, tokenizer and preprocessor_config.json as the hub's CLIPs have them."""
    from transformers import CLIPConfig, CLIPModel

    words = tokenizer()
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {
        **sizes,
        "vocab_size": len(words),
        "max_position_embeddings": SECTION,
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }
    torch.manual_seed(seed)
    config = CLIPConfig(text_config=text, vision_config={**sizes, "image_size": SIDE, "patch_size": 8}, projection_dim=channels)
    model = CLIPModel(config)
    with torch.no_grad():
        for parameter in model.vision_model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))  # so that pictures differ in it
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    settings = {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}}
    means = {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, **means}))
    return folder
