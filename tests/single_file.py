"""One file with all weights of a pipeline folder, under the names that single-file SDXL checkpoints use."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

_UNET = {
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
}  # fmt: skip
_UNET_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection",
}  # fmt: skip
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
_CLIP = {
    "text_model.encoder.layers.": "transformer.resblocks.", "layer_norm1": "ln_1", "layer_norm2": "ln_2", ".fc1.": ".c_fc.",
    ".fc2.": ".c_proj.", "self_attn": "attn", "text_model.final_layer_norm": "ln_final",
    "text_model.embeddings.token_embedding": "token_embedding",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
}  # fmt: skip


def write_single_file(folder: Path, path: Path) -> Path:
    """Join the weights of a pipeline with one layer per UNet block and two VAE blocks."""
    unet, vae, first, second = (
        load_file(next((folder / part).glob("*.safetensors"))) for part in ("unet", "vae", "text_encoder", "text_encoder_2")
    )
    state = {f"model.diffusion_model.{_unet_name(name)}": tensor for name, tensor in unet.items()}
    for name, tensor in vae.items():
        matrix = ".to_" in name and name.endswith("weight")
        state[f"first_stage_model.{_vae_name(name)}"] = tensor[:, :, None, None] if matrix else tensor
    state |= {f"conditioner.embedders.0.transformer.text_model.{name}": tensor for name, tensor in first.items()}
    state |= {f"conditioner.embedders.1.model.{name}": tensor for name, tensor in _open_clip(second).items()}
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    return path


def _unet_name(name: str) -> str:
    for ours, theirs in _UNET.items():
        if name.startswith(f"{ours}."):
            return name.replace(ours, theirs, 1)
    if part := re.match(r"(down_blocks|up_blocks)\.(\d)\.(resnets|attentions)\.(\d)\.(.*)", name):
        place, block, kind, layer, rest = part.groups()
        index = 2 * int(block) + int(layer) + (place == "down_blocks")
        inner = _resnet(rest) if kind == "resnets" else rest
        return f"{'input' if place == 'down_blocks' else 'output'}_blocks.{index}.{int(kind == 'attentions')}.{inner}"
    if part := re.match(r"down_blocks\.(\d)\.downsamplers\.0\.conv\.(.*)", name):
        return f"input_blocks.{2 * int(part[1]) + 2}.0.op.{part[2]}"
    if part := re.match(r"up_blocks\.(\d)\.upsamplers\.0\.conv\.(.*)", name):
        return f"output_blocks.{2 * int(part[1]) + 1}.2.conv.{part[2]}"
    if part := re.match(r"mid_block\.(resnets|attentions)\.(\d)\.(.*)", name):
        return f"middle_block.{2 * int(part[2])}.{_resnet(part[3])}" if part[1] == "resnets" else f"middle_block.1.{part[3]}"
    raise AssertionError(name)


def _resnet(name: str) -> str:
    part, end = name.rsplit(".", 1)
    return f"{_UNET_RESNET[part]}.{end}"


def _vae_name(name: str) -> str:
    name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    if part := re.match(r"(.*)mid_block\.attentions\.0\.(.*)\.(weight|bias)", name):
        return f"{part[1]}mid.attn_1.{_VAE_ATTENTION[part[2]]}.{part[3]}"
    name = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets", lambda m: f"up.{1 - int(m[1])}.block", name)
    return re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{1 - int(m[1])}.upsample", name)


def _open_clip(second: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    state = {}
    for name, tensor in second.items():
        if re.search(r"\.[kv]_proj\.", name):
            continue
        if ".q_proj." in name:
            tensor = torch.cat([second[name.replace(".q_proj.", f".{part}_proj.")] for part in "qkv"])
            name = name.replace(".q_proj.", ".in_proj_")
        if name == "text_projection.weight":
            name, tensor = "text_projection", tensor.T
        for ours, theirs in _CLIP.items():
            name = name.replace(ours, theirs)
        state[name] = tensor
    return state
