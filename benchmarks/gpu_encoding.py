"""Prompt encoding with full-size text encoders of random weights: pairs a second, in batches against one prompt at a time.

A pair is a neutral and an emotional prompt, as the training of an EIT needs them. The way without batches is diffusers'
`encode_prompt`, which encodes the empty negative prompt again each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common import Report, clocked, parser, table, whole_numbers
from benchmarks.gpu_sdxl import matrix_rate
from benchmarks.models import random_pipeline, unseen_prompts
from emoticrafter.backbones.devices import choose_device, choose_precision
from emoticrafter.backbones.sdxl import SDXLBackbone


@torch.no_grad()
def pair_flops(pipeline: Any) -> float:
    """Of both text encoders on two prompts of 77 tokens."""
    ids = torch.zeros(2, 77, dtype=torch.long, device=pipeline.text_encoder.device)
    with FlopCounterMode(display=False) as counted:
        pipeline.text_encoder(ids)
        pipeline.text_encoder_2(ids)
    return float(counted.get_total_flops())


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("gpu_encoding", __doc__)
    options.add_argument("--model", choices=("full", "tiny"), default="full", help="sizes of the networks")
    options.add_argument("--pairs", type=int, default=1024, help="encoded in batches, per run")
    options.add_argument("--single-pairs", type=int, default=32, help="encoded one prompt at a time, per run")
    options.add_argument("--chunks", type=whole_numbers, default=[16, 64, 256], help="prompts per call")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--matrix", type=int, default=8192, help="side of the matrices that the rate is measured on")
    options.add_argument("--device", help="by default the best there is")
    options.add_argument("--dtype", default="bfloat16")
    given = options.parse_args(arguments)
    if given.smoke:
        small = {"model": "tiny", "pairs": 4, "single_pairs": 2, "chunks": [2, 8], "repeats": 1, "matrix": 64}
        given.__dict__ |= small | {"device": "cpu", "dtype": "float32"}
    report = Report("gpu-encoding", given)
    device = choose_device(given.device)
    precision = choose_precision(given.dtype, device)
    pipeline = random_pipeline(given.model, str(device), precision.weights)
    backbone, prompts = SDXLBackbone(pipeline, precision=precision), unseen_prompts()
    rate, flops = matrix_rate(device, precision.weights, given.matrix), pair_flops(pipeline)
    rows: dict[str, dict[str, float | None]] = {}
    report.figures = {"matrix_flops_per_second": rate, "flops_per_pair": flops, "precision": precision.name, "rows": rows}

    def measure(name: str, pairs: int, work: Callable[[], object]) -> None:
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        seconds = median(clocked(work, given.repeats, warm_up=1))
        peak = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else None
        rows[name] = {"pairs_per_second": pairs / seconds, "share_of_limit": pairs * flops / rate / seconds, "peak_gib": peak}
        report.save()

    def one_at_a_time(negatives: bool) -> None:
        with torch.no_grad():
            for prompt in islice(prompts, 2 * given.single_pairs):
                negative = "" if negatives else None
                pipeline.encode_prompt(prompt, device=device, do_classifier_free_guidance=negatives, negative_prompt=negative)

    def in_chunks(size: int) -> None:
        for start in range(0, 2 * given.pairs, size):
            backbone.encode(list(islice(prompts, min(size, 2 * given.pairs - start))))

    measure("diffusers, one prompt at a time, with negatives", given.single_pairs, lambda: one_at_a_time(True))
    measure("diffusers, one prompt at a time", given.single_pairs, lambda: one_at_a_time(False))
    for size in given.chunks:
        measure(f"ours, {size} prompts per call", given.pairs, lambda size=size: in_chunks(size))  # type: ignore[misc]
    keys = ("pairs_per_second", "share_of_limit", "peak_gib")
    lines = [(name, *(row[key] for key in keys)) for name, row in rows.items()]
    report.finish(table(f"{given.model} text encoders, {precision.name}", ("", "pairs/s", "share of limit", "peak GiB"), lines))


if __name__ == "__main__":
    main()
