"""SDXL at full size with random weights: seconds and memory per picture, against diffusers' calls one by one.

Beside each figure stands the share of the limit: the floating-point operations of the model, counted on one run of it, over the
rate of a large matrix product measured here. Options are added one after the other: channels_last, fused QKV, compiled
transformer blocks, compiled UNet. The record is written after every row.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common import Report, clocked, parser, table, whole_numbers
from benchmarks.models import random_eit, random_pipeline, unseen_prompts
from emoticrafter.backbones.devices import choose_device, choose_precision
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.crafter import EmotiCrafter, inject
from emoticrafter.emotion import Emotion, parse_axis

OPTIONS = ("channels_last", "fused_qkv", "compiled_blocks", "compiled")
FEELING = Emotion(valence=-2.0, arousal=1.0)


def matrix_rate(device: torch.device, dtype: torch.dtype, side: int) -> float:
    """FLOP/s of one product of two random square matrices."""
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / median(clocked(lambda: a @ b, repeats=10, warm_up=3))


@torch.no_grad()
def picture_flops(pipeline: Any, pixels: int, steps: int) -> dict[str, float]:
    """Of one guided picture: the UNet on two rows per step, and the decoding."""
    unet, vae, side = pipeline.unet, pipeline.vae, pixels // pipeline.vae_scale_factor
    like = {"device": unet.device, "dtype": unet.dtype}
    latents = torch.randn(2, unet.config.in_channels, side, side, **like)
    ids = torch.zeros(2, 6, **like)
    told = {"text_embeds": torch.randn(2, pipeline.text_encoder_2.config.projection_dim, **like), "time_ids": ids}
    tokens = torch.randn(2, 77, unet.config.cross_attention_dim, **like)
    with FlopCounterMode(display=False) as step:
        unet(latents, torch.tensor(500.0, device=unet.device), tokens, added_cond_kwargs=told)
    with FlopCounterMode(display=False) as decoding:
        vae.decode(latents[:1].to(vae.dtype))
    return {"unet": float(steps * step.get_total_flops()), "vae": float(decoding.get_total_flops())}


def described(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


class Bench:
    """One pipeline, measured again and again as options are added to it."""

    def __init__(self, given: Any, report: Report) -> None:
        self.given, self.report, self.rows = given, report, report.figures.setdefault("rows", [])
        self.settings = {"steps": given.steps, "guidance": given.guidance, "size": given.size}
        self.device = choose_device(given.device)
        precision = choose_precision(given.dtype, self.device)
        self.pipeline = random_pipeline(given.model, str(self.device), precision.weights)
        self.eit = random_eit(given.model, str(self.device))
        make = functools.partial(SDXLBackbone, self.pipeline, precision=precision)
        # All made before anything is compiled: each hangs a hook on the UNet.
        self.crafters = {b: EmotiCrafter(make(batch_size=b), self.eit) for b in sorted({1, *given.batches})}
        self.prompts = unseen_prompts()
        rate = matrix_rate(self.device, precision.weights, given.matrix)
        flops = picture_flops(self.pipeline, given.size, given.steps)
        report.figures |= {"matrix_flops_per_second": rate, "flops_per_picture": flops, "precision": precision.name}
        self.least = sum(flops.values()) / rate  # seconds that a picture must take

    def add(self, option: str) -> bool:
        """Add an option; whether it could be. If not, that is recorded, and the rest goes on."""
        unet = self.pipeline.unet
        try:
            if option == "channels_last":
                unet.to(memory_format=torch.channels_last)
                self.pipeline.vae.to(memory_format=torch.channels_last)
            elif option == "fused_qkv":
                self.pipeline.fuse_qkv_projections()
            elif option == "compiled_blocks":
                unet.compile_repeated_blocks(dynamic=False)
            else:
                for part in unet.modules():
                    part._compiled_call_impl = None  # the blocks are compiled again, with all around them
                unet.compile(mode=self.given.compile_mode, dynamic=False)
        except Exception as error:
            self.rows.append({"setup": option, "what": "could not be added", "error": described(error)})
            return False
        return True

    def row(self, setup: str, what: str, pictures: int, draw: Callable[[], object]) -> float:
        """Measure one way of drawing; seconds per picture. What fails is recorded and NaN, and the rest goes on."""
        on_gpu = self.device.type == "cuda"
        entry: dict[str, Any] = {"setup": setup, "what": what}
        try:
            warm_up = clocked(draw)[0]
            if on_gpu:
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            seconds = median(clocked(draw, self.given.repeats)) / pictures
            peak = torch.cuda.max_memory_allocated() / 2**30 if on_gpu else None
            entry |= {"seconds_per_picture": seconds, "share_of_limit": self.least / seconds}
            entry |= {"peak_gib": peak, "first_call_seconds": warm_up}
        except Exception as error:
            entry["error"] = described(error)
        self.rows.append(entry)
        self.report.save()
        print({key: round(value, 4) if isinstance(value, float) else value for key, value in entry.items()}, flush=True)
        return float(entry.get("seconds_per_picture", "nan"))

    def plain(self) -> object:
        """One call as diffusers documents it: prompt in, picture out."""
        g, noise = self.given, torch.Generator("cpu").manual_seed(0)
        settings = {"num_inference_steps": g.steps, "guidance_scale": g.guidance, "width": g.size, "height": g.size}
        return self.pipeline(prompt=next(self.prompts), generator=noise, **settings).images

    def ours(self, batch: int, strength: float = 1.0) -> object:
        prompts = list(islice(self.prompts, batch))
        return self.crafters[batch].generate(prompts, FEELING, seed=0, strength=strength, **self.settings)

    def grid(self, batch: int) -> object:
        axis = parse_axis(f"-3:3:{self.given.grid}")
        return self.crafters[batch].grid(next(self.prompts), valences=axis, arousals=axis, **self.settings)

    def injection(self) -> float:
        """Seconds of the injection alone for one prompt: the difference of two pictures would drown in noise."""
        backbone = self.crafters[1].backbone
        neutral = backbone.encode([next(self.prompts)])
        return median(clocked(lambda: inject(self.eit, neutral, [FEELING], 1.0, backbone.section), repeats=20, warm_up=3))

    def all_of(self, setup: str) -> Iterator[tuple[str, float]]:
        large, cells = max(self.given.batches), self.given.grid**2
        compiled = setup.startswith("compiled")
        if not compiled:
            yield "neutral", self.row(setup, "ours, one neutral picture", 1, lambda: self.ours(1, 0.0))
        yield "one", self.row(setup, "ours, one picture", 1, lambda: self.ours(1))
        for batch in [b for b in self.given.batches if b > 1 and (not compiled or b == large)]:  # each shape is compiled anew
            yield f"batch {batch}", self.row(setup, f"ours, a batch of {batch}", batch, functools.partial(self.ours, batch))
        if not compiled:
            for batch in sorted({min((b for b in self.given.batches if b > 1), default=1), large}):  # the largest counts
                yield (
                    "grid",
                    self.row(setup, f"ours, a grid of {cells}, {batch} at once", cells, functools.partial(self.grid, batch)),
                )


def main(arguments: Sequence[str] | None = None) -> None:
    given = _options(arguments)
    report = Report("gpu-sdxl", given)
    bench = Bench(given, report)
    found: dict[str, dict[str, float]] = {"eager": {}}
    plain = bench.row("eager", "diffusers, one call per picture", 1, bench.plain)
    for setup in ("eager", *given.options):
        if setup == "eager" or bench.add(setup):
            found[setup] = dict(bench.all_of(setup))
    eager, injection = found["eager"], bench.injection()
    grids = [times["grid"] for times in found.values() if times.get("grid", float("nan")) > 0]
    report.figures |= {"injection_seconds": injection, "limit_seconds_per_picture": bench.least}
    report.bar("injection, share of a picture", injection / eager["one"], most=0.01)
    report.bar("grid against diffusers' calls, eager", plain / eager["grid"], least=1.5)
    report.bar("grid against diffusers' calls, best", plain / min(grids, default=float("nan")), least=1.5)
    columns = ("setup", "what", "s/picture", "share of limit", "peak GiB", "first call s")
    keys = ("seconds_per_picture", "share_of_limit", "peak_gib", "first_call_seconds")
    rows = [(r["setup"], r["what"], *([r["error"][:40]] if "error" in r else [r[key] for key in keys])) for r in bench.rows]
    rate = f"{report.figures['matrix_flops_per_second'] / 1e12:.3g} TFLOP/s measured, at least {bench.least:.3g} s per picture"
    report.finish(table(f"SDXL {given.model}, {given.size} px, {given.steps} steps: {rate}", columns, rows))


def _options(arguments: Sequence[str] | None) -> Any:
    options = parser("gpu_sdxl", __doc__)
    options.add_argument("--model", choices=("full", "tiny"), default="full", help="sizes of the networks")
    options.add_argument("--size", type=int, default=1024, help="pixels of a side")
    options.add_argument("--steps", type=int, default=25)
    options.add_argument("--guidance", type=float, default=7.5)
    options.add_argument("--grid", type=int, default=5, help="values per axis of the grid")
    options.add_argument("--batches", type=whole_numbers, default=[1, 4, 8, 16])
    options.add_argument("--options", type=str, default=",".join(OPTIONS), help="added in turn")
    options.add_argument("--compile-mode", default="default", help="of torch.compile")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--matrix", type=int, default=8192, help="side of the matrices that the rate is measured on")
    options.add_argument("--device", help="by default the best there is")
    options.add_argument("--dtype", default="bfloat16")
    given = options.parse_args(arguments)
    given.options = [part for part in given.options.split(",") if part]
    if unknown := set(given.options) - set(OPTIONS):
        options.error(f"unknown options {', '.join(sorted(unknown))}; known: {', '.join(OPTIONS)}")
    if given.smoke:
        given.__dict__ |= {"model": "tiny", "size": 64, "steps": 2, "grid": 2, "batches": [1, 2], "repeats": 1, "matrix": 64}
        given.__dict__ |= {"device": "cpu", "dtype": "float32", "options": ["channels_last", "fused_qkv"]}
    return given


if __name__ == "__main__":
    main()
