"""Which UNet gives the most for its parameters: training speed and time of one call for several shapes at storybook's size.

Each shape: levels of channels, levels with attention to the text (from the lowest up), layers per block. Weights and latents
are random.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.common import Report, clocked, parser, table
from emoticrafter.storybook.training.presets import CPU

SHAPES: dict[str, tuple[tuple[int, ...], int, int]] = {
    "96-192-288 attention on 3": ((96, 192, 288), 3, 1),
    "96-192-224 attention on 2": ((96, 192, 224), 2, 1),
    "128-192-192 attention on 2": ((128, 192, 192), 2, 1),
    "128-192-224 attention on 3": ((128, 192, 224), 3, 1),
    "128-256 attention on 1": ((128, 256), 1, 1),
    "128-256 attention on 2": ((128, 256), 2, 1),
    "112-224 attention on 1, 2 layers": ((112, 224), 1, 2),
}


def shaped(channels: tuple[int, ...], attended: int, layers: int) -> dict[str, Any]:
    """The preset's UNet with other levels."""
    plain = len(channels) - attended
    return CPU.unet | {
        "block_out_channels": channels,
        "down_block_types": ("DownBlock2D",) * plain + ("CrossAttnDownBlock2D",) * attended,
        "up_block_types": ("CrossAttnUpBlock2D",) * attended + ("UpBlock2D",) * plain,
        "layers_per_block": layers,
        "attention_head_dim": tuple(width // 32 for width in channels),
    }


def measure(config: dict[str, Any], batch: int, steps: int) -> dict[str, float]:
    import torch
    from diffusers import UNet2DConditionModel

    from emoticrafter.storybook.training.common import autocast

    device = torch.device("cpu")
    unet = UNet2DConditionModel(**config)
    optimizer = torch.optim.AdamW(unet.parameters(), 1e-4, fused=True)
    latents, side = config["in_channels"], config["sample_size"]
    pooled = config["projection_class_embeddings_input_dim"] - 6 * config["addition_time_embed_dim"]
    x, text = torch.randn(batch, latents, side, side), torch.randn(batch, CPU.prompt_tokens, config["cross_attention_dim"])
    more = {"text_embeds": torch.randn(batch, pooled), "time_ids": torch.full((batch, 6), float(CPU.size))}
    times = torch.rand(batch) * 1000

    def call(number: int) -> Any:
        some = {name: value[:number] for name, value in more.items()}
        with autocast(device):
            return unet(x[:number], times[:number], text[:number], added_cond_kwargs=some).sample

    def step() -> None:
        (call(batch).float() - x).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    step()
    began = time.perf_counter()
    for _ in range(steps):
        step()
    trained = steps * batch / (time.perf_counter() - began)
    with torch.no_grad():
        one, many = (min(clocked(partial(call, n), steps, 1)) for n in (2, batch))
    parameters = sum(p.numel() for p in unet.parameters()) / 1e6
    return {
        "million_parameters": parameters,
        "trained_per_second": trained,
        "call_of_2_ms": 1000 * one,
        "call_of_batch_ms": 1000 * many,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("unet_shapes", __doc__)
    options.add_argument("--batch", type=int, default=16)
    options.add_argument("--steps", type=int, default=8, help="counted steps of each shape")
    given = options.parse_args(arguments)
    shapes = SHAPES
    if given.smoke:
        given.batch, given.steps, shapes = 2, 1, {"32-64 attention on 1": ((32, 64), 1, 1)}
    report = Report("unet_shapes", given)
    for name, shape in shapes.items():
        report.figures[name] = measure(shaped(*shape), given.batch, given.steps)
    keys = ("million_parameters", "trained_per_second", "call_of_2_ms", "call_of_batch_ms")
    rows = [(name, *(one[key] for key in keys)) for name, one in report.figures.items()]
    report.finish(
        table("UNet shapes", ("shape", "million parameters", "trained/s", "call of 2, ms", "call of a batch, ms"), rows)
    )


if __name__ == "__main__":
    main()
