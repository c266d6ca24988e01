"""The emotion injection transformer at full size, trained and asked, against a plain float32 form of the released design.

Both in one run, on random features of 77 x 2048: an update of a batch (forward, backward, AdamW), the forward pass for one
prompt and emotion, and 25 emotions of one prompt against 25 calls. Ours is trained as `emoticrafter train` does it. On a CUDA
GPU also the share of the hardware's rate, peak memory, and the time that the paper's whole run would take.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import repeat
from statistics import median
from typing import Any

import torch
import torch._inductor.config as inductor
from accelerate import Accelerator
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common import Report, clocked, parser, table
from benchmarks.gpu_sdxl import matrix_rate
from benchmarks.released_eit import ReleasedEIT
from emoticrafter.backbones.devices import choose_device, choose_precision, is_out_of_memory
from emoticrafter.eit import EITConfig, EmotionInjectionTransformer
from emoticrafter.objective import Objective, ObjectiveConfig, Pairs
from emoticrafter.training.job import forget_accelerator
from emoticrafter.training.learner import Learner
from emoticrafter.training.recipe import TrainConfig

PAPER = {"pairs": 39_843, "epochs": 200}
# Dense bfloat16 products, FLOP/s, by a word of the device's name; from the makers' data sheets.
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "A800": 312e12}
# How a CPU is compiled for: weights packed once, kernels of the products chosen by trial, no Python between them.
FROZEN = {"freezing": True, "cpp_wrapper": True, "max_autotune": True, "max_autotune_gemm_backends": "CPP,ATEN"}
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "full": {"ours": {}, "released": {}, "data": {"tokens": 77, "channels": 2048}},
    "tiny": {
        "ours": {"width": 16, "heads": 2, "blocks": 2, "encoder_width": 8, "emotion_tokens": 4, "positions": 8},
        "released": {"width": 16, "heads": 2, "blocks": 2, "encoder_width": 8, "emotion_tokens": 4, "vocabulary": 50},
        "data": {"tokens": 8, "channels": 32},
    },
}


class Bench:
    """Both transformers on one device, one of them in memory at a time."""

    def __init__(self, given: Any) -> None:
        self.given, self.device = given, choose_device(given.device)
        precision = choose_precision(given.dtype, self.device)
        self.half = "bfloat16" in (precision.name, str(precision.autocast).removeprefix("torch."))
        self.sizes = SIZES[given.model]
        self.shape = (self.sizes["data"]["tokens"], self.sizes["data"]["channels"])

    def pairs(self, size: int) -> Pairs:
        torch.manual_seed(0)
        features = [torch.randn(size, *self.shape, device=self.device, dtype=torch.float16) for _ in range(2)]
        valence, arousal = (6 * torch.rand(2, size, device=self.device) - 3).unbind()
        weight = torch.rand(size, device=self.device)
        return Pairs(neutral=features[0], emotional=features[1], valence=valence, arousal=arousal, weight=weight)

    def ours(self) -> EmotionInjectionTransformer:
        torch.manual_seed(1)
        with torch.device(self.device):
            return EmotionInjectionTransformer(EITConfig(prompt_channels=self.shape[1], **self.sizes["ours"]))

    def released(self) -> ReleasedEIT:
        torch.manual_seed(1)
        with torch.device(self.device):
            return ReleasedEIT(channels=self.shape[1], **self.sizes["released"])

    def released_update(self, size: int) -> Callable[[], object]:
        """One update as plainly as it can be written: float32, torch's own defaults."""
        eit, pairs = self.released(), self.pairs(size)
        adam = torch.optim.AdamW(eit.parameters(), lr=1e-3, weight_decay=1e-5)

        def update() -> None:
            neutral, emotional = pairs.neutral.float(), pairs.emotional.float()
            found = eit(neutral, pairs.valence, pairs.arousal)
            target = neutral + 1.5 * (emotional - neutral)
            scale = pairs.weight[:, None, None]
            loss = torch.nn.functional.mse_loss(scale * found, scale * target)
            adam.zero_grad()
            loss.backward()
            adam.step()

        return update

    def our_update(self, size: int, compiled: bool) -> Callable[[], object]:
        """One update by the learner that `emoticrafter train` uses."""
        accelerator = Accelerator(mixed_precision="bf16" if self.half else "no", cpu=self.device.type == "cpu")
        config = TrainConfig(batch=size, compile="on" if compiled else "off")
        learner = Learner(self.ours(), config, Objective(ObjectiveConfig()), accelerator, pieces=1)
        batches: Iterator[Pairs] = repeat(self.pairs(size))
        return lambda: learner.update(batches, 0, config.rate, stop=False)

    def forwards(self) -> Iterator[tuple[str, Callable[[Tensor, Tensor, Tensor], Tensor]]]:
        """Ways to ask our transformer, by name."""
        eit = self.ours().eval().requires_grad_(False)
        yield "float32", eit
        if not self.half:
            return

        def autocast(*inputs: Tensor) -> Tensor:
            with torch.autocast(self.device.type, torch.bfloat16):
                return eit(*inputs)

        yield "bfloat16 by autocast", autocast
        small = eit.to(torch.bfloat16)
        yield "bfloat16 weights", lambda *inputs: small(*(part.to(torch.bfloat16) for part in inputs))
        if self.given.compile:
            compiled = torch.compile(small, dynamic=False)
            with inductor.patch(FROZEN) if self.device.type == "cpu" else nullcontext():
                yield "bfloat16 weights, compiled", lambda *inputs: compiled(*(part.to(torch.bfloat16) for part in inputs))


def main(arguments: Sequence[str] | None = None) -> None:
    given = _options(arguments)
    report = Report("eit-training", given)
    bench = Bench(given)
    report.figures = {"parameters": {"ours": count(bench.ours()), "released": count(bench.released())}}
    training = measure_training(bench, report)
    forget_accelerator()
    asking = measure_asking(bench, report)
    report.bar("training, pairs/s against the released design", training, least=3)
    report.bar("forward of one, against the released design", asking["one"], least=5)
    report.bar(f"{given.emotions} emotions of one prompt, against as many calls", asking["many"], least=7)
    report.bar("parameters", report.figures["parameters"]["ours"], most=150e6)
    if bench.device.type == "cuda":
        report.bar("the paper's run, minutes", report.figures["paper_run_minutes"], most=20)
    columns = ("what", "seconds", "pairs/s", "peak GiB", "first call s")
    keys = ("seconds", "pairs_per_second", "peak_gib", "first_call")
    rows = [(r["name"], *(r.get(key) for key in keys)) for r in report.figures["rows"]]
    title = f"EIT {given.model}, {' x '.join(map(str, bench.shape))}, batch {given.batch}, {bench.device.type}"
    report.finish(table(title, columns, rows))


def measure_training(bench: Bench, report: Report) -> float:
    """How many times as many pairs a second ours takes; each at the batch that was asked for, or the largest that fits."""
    plain = largest(bench, report, "training, released, float32", bench.released_update)
    found = [largest(bench, report, "training, ours", partial(bench.our_update, compiled=False))]
    if bench.given.compile:
        found.append(largest(bench, report, "training, ours, compiled blocks", partial(bench.our_update, compiled=True)))
    rate, flops = max(found), update_flops(bench)
    report.figures |= {"flops_per_pair": flops, "precision": "bfloat16" if bench.half else "float32"}
    if bench.device.type == "cuda":
        name = torch.cuda.get_device_name(bench.device)
        peak = next((rate for word, rate in PEAKS.items() if word in name), None)
        measured = matrix_rate(bench.device, torch.bfloat16 if bench.half else torch.float32, bench.given.matrix)
        report.figures |= {
            "model_flop_utilisation": rate * flops / peak if peak and bench.half else None,
            "share_of_matrix_rate": rate * flops / measured,
            "matrix_flops_per_second": measured,
            "paper_run_minutes": PAPER["epochs"] * PAPER["pairs"] / rate / 60,
        }
    return rate / plain


def largest(bench: Bench, report: Report, name: str, make: Callable[[int], Callable[[], object]]) -> float:
    """Pairs a second at the batch that was asked for; where the memory does not suffice, at a half of it, and so on."""
    size = bench.given.batch
    while True:
        try:
            return size / row(bench, report, name, partial(make, size), size)
        except Exception as error:
            if not is_out_of_memory(error) or size == 1:
                raise
        size //= 2


def measure_asking(bench: Bench, report: Report) -> dict[str, float]:
    """How many times faster ours answers: `one` prompt and emotion, and `many` emotions of one prompt."""
    many = bench.given.emotions
    torch.manual_seed(2)
    prompt = torch.randn(1, *bench.shape, device=bench.device)
    valence, arousal = (6 * torch.rand(2, many, device=bench.device) - 3).unbind()
    released = bench.released().eval()

    def calls() -> None:
        for i in range(many):
            released(prompt, valence[i : i + 1], arousal[i : i + 1])

    with torch.no_grad():  # nothing is frozen in inference mode
        call = partial(released, prompt, valence[:1], arousal[:1])
        plain_one = row(bench, report, "forward, released", partial(_itself, call))
        plain_many = row(bench, report, f"{many} emotions, released, a call each", partial(_itself, calls))
        one, together = {}, {}
        for name, ask in bench.forwards():
            alone, all_of = partial(ask, prompt, valence[:1], arousal[:1]), partial(ask, prompt, valence, arousal)
            one[name] = row(bench, report, f"forward, ours, {name}", partial(_itself, alone))
            together[name] = row(bench, report, f"{many} emotions, ours, {name}", partial(_itself, all_of))
    report.figures["forward_times_faster"] = {name: plain_one / seconds for name, seconds in one.items()}
    report.figures["emotions_times_faster"] = {name: plain_many / seconds for name, seconds in together.items()}
    return {"one": plain_one / min(one.values()), "many": plain_many / min(together.values())}


def _itself(work: Callable[[], object]) -> Callable[[], object]:
    return work


def row(bench: Bench, report: Report, name: str, make: Callable[[], Callable[[], object]], pairs: int | None = None) -> float:
    """Median seconds of one call of what `make` makes, recorded under that name. Made here, so that the one before is gone."""
    gc.collect()
    on_gpu = bench.device.type == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(bench.device)
    work = make()
    training = pairs is not None
    with torch.enable_grad() if training else nullcontext():
        first = clocked(work)[0]
        seconds = median(clocked(work, bench.given.repeats, warm_up=1))
    entry: dict[str, Any] = {"name": name, "seconds": seconds, "first_call": first}
    entry |= {"batch": pairs, "pairs_per_second": pairs / seconds} if pairs else {}
    entry |= {"peak_gib": torch.cuda.max_memory_allocated(bench.device) / 2**30} if on_gpu else {}
    report.figures.setdefault("rows", []).append(entry)
    report.save()
    print({key: round(value, 4) if isinstance(value, float) else value for key, value in entry.items()}, flush=True)
    return seconds


def update_flops(bench: Bench) -> float:
    """Of the forward and backward passes of ours on one pair, in products of matrices."""
    eit, pairs = bench.ours(), bench.pairs(1)
    with FlopCounterMode(display=False) as counted:
        eit.residual(pairs.neutral.float(), pairs.valence, pairs.arousal).square().mean().backward()
    return float(counted.get_total_flops())


def count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _options(arguments: Sequence[str] | None) -> Any:
    options = parser("eit_training", __doc__)
    options.add_argument("--model", choices=("full", "tiny"), default="full", help="sizes of the transformers")
    options.add_argument("--batch", type=int, help="pairs of an update; by default 16 on a CPU, 768 on a GPU")
    options.add_argument("--emotions", type=int, default=25, help="of one prompt")
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--compile", action="store_true", help="also with torch.compile; on CUDA always")
    options.add_argument("--matrix", type=int, default=8192, help="side of the matrices that a GPU's rate is measured on")
    options.add_argument("--device", help="by default the best there is")
    options.add_argument("--dtype", help="of our products: bfloat16 or float32; by default what suits the device")
    given = options.parse_args(arguments)
    if given.smoke:
        given.__dict__ |= {"model": "tiny", "batch": 4, "emotions": 3, "repeats": 1, "matrix": 64, "device": "cpu", "dtype": None}
    on_gpu = choose_device(given.device).type == "cuda"
    given.batch = given.batch or (768 if on_gpu else 16)
    given.compile = given.compile or on_gpu
    return given


if __name__ == "__main__":
    main()
