"""Storybook's larger trainings on a GPU, each within some minutes: scenes are drawn on the cores while the networks learn.

`double`: the autoencoder of 256 pixels upon the shipped latents. `unet`: the denoiser, from the shipped weights. `polish`:
four steps without guidance. What each has reached is written every minute, so that a run that is cut off has left its best.

    python -m benchmarks.gpu_storybook --stages double --minutes 1.5 --folder OUT
    python -m benchmarks.gpu_storybook --stages unet,polish --minutes 6,1.5 --folder OUT --double OUT/double
"""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo
from diffusers import AutoencoderKL, UNet2DConditionModel
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from benchmarks.common import ROOT, Report, numbers, parser, table
from emoticrafter.backbones.devices import choose_device
from emoticrafter.storybook.training import polish
from emoticrafter.storybook.training.captioning import Told
from emoticrafter.storybook.training.common import autocast, tensor_to_pictures
from emoticrafter.storybook.training.double import crops, decoder_loss, doubled, encoder_loss, targets
from emoticrafter.storybook.training.optimizers import optimizers_of
from emoticrafter.storybook.training.phrasing import TextEncoders
from emoticrafter.storybook.training.presets import BuildRecipe
from emoticrafter.storybook.training.stream import Drawers, Lesson, Stock, StreamOrder, noised
from emoticrafter.storybook.training.unet import MEAN_TIME, SUBJECT_WEIGHT, scheduler, velocity
from emoticrafter.storybook.training.vae import psnr

WEIGHTS = ROOT / "src" / "emoticrafter" / "storybook" / "weights"
CHANNELS = (16, 24, 32, 96, 128)
DOUBLE = BuildRecipe(steps=1, batch=64, rate=2e-3, warmup=60, average=0.998, muon=True, cooldown=0.4)
UNET = BuildRecipe(steps=1, batch=1024, rate=3e-3, warmup=100, average=0.998, muon=True, cooldown=0.4)
SIZE = 256


class Clock:
    """The time of one stage: how much of it is over, when to say something, when to save."""

    def __init__(self, name: str, minutes: float, log: Path, save: Callable[[], None]) -> None:
        self.name, self.length, self.log, self.save = name, 60 * minutes, log, save
        self.began = self.told = self.saved = time.monotonic()
        self.step = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def share(self) -> float:
        return min(self.seconds / self.length, 1.0)

    def tick(self, recipe: BuildRecipe, **figures: Any) -> bool:
        """After a step: whether there is time for another one."""
        self.step += 1
        over = self.seconds >= self.length
        if over or time.monotonic() - self.told > 5 or self.step == 1:
            shown = {name: round(float(torch.as_tensor(value).detach()), 5) for name, value in figures.items()}
            pace = {"stage": self.name, "step": self.step, "seconds": round(self.seconds, 1), "rate": rate_at(recipe, self)}
            line = json.dumps(pace | shown)
            with self.log.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            print(line, flush=True)
            self.told = time.monotonic()
            if not all(math.isfinite(value) for value in shown.values()):
                raise FloatingPointError(f"{self.name}: {shown}")
        if over or time.monotonic() - self.saved > 60:
            self.save()
            self.saved = time.monotonic()
        return not over


def rate_at(recipe: BuildRecipe, clock: Clock) -> float:
    """The recipe's rate, its cool-down a share of the stage's time."""
    if clock.step < recipe.warmup:
        return recipe.rate * (clock.step + 1) / recipe.warmup
    late = max((clock.share - (1 - recipe.cooldown)) / recipe.cooldown, 0.0)
    return recipe.final_rate + (recipe.rate - recipe.final_rate) * (1 - math.sqrt(late))


class Averaged:
    """A network in training, with its optimizers and its average."""

    def __init__(self, network: nn.Module, recipe: BuildRecipe) -> None:
        self.network, self.recipe = network.train(), recipe
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self.optimizers = optimizers_of(network, recipe)

    def step(self, loss: Tensor, clock: Clock) -> None:
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        self.optimizers.step(rate_at(self.recipe, clock))
        decay = min(self.recipe.average, (1 + clock.step) / (10 + clock.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1 - decay)


class Shipped:
    """The parts of the shipped model that stay as they are, on the device."""

    def __init__(self, device: torch.device) -> None:
        def opened(kind: Any, name: str) -> Any:
            return kind.from_pretrained(WEIGHTS / name, torch_dtype=torch.float32).to(device).eval().requires_grad_(False)

        self.vae: AutoencoderKL = opened(AutoencoderKL, "vae")
        settings = json.loads((WEIGHTS / "defaults.json").read_text(encoding="utf-8"))
        self.length: int = settings["prompt_tokens"]
        self.tokenizer = CLIPTokenizer.from_pretrained(WEIGHTS / "tokenizer", model_max_length=self.length)
        first, second = opened(CLIPTextModel, "text_encoder"), opened(CLIPTextModelWithProjection, "text_encoder_2")
        self.encoders = TextEncoders(self.tokenizer, first, second)
        self.unet: UNet2DConditionModel = opened(UNet2DConditionModel, "unet").requires_grad_(True)


def double(given: Any, shipped: Shipped, device: torch.device, minutes: float) -> dict[str, float]:
    """The autoencoder of 256 pixels: the decoder, then the encoder."""
    network = doubled(shipped.vae, CHANNELS).to(device)
    place, log = given.folder / "double", given.folder / "log.jsonl"
    order = StreamOrder(size=SIZE, halved=False, code_sprites=given.smoke)
    figures: dict[str, float] = {}
    kept: list[Tensor] = []
    with Drawers(order, given.workers) as drawers:

        def take(wait: float, most: int = 4) -> None:
            for shard in drawers.ready(most, wait):
                if len(kept) * len(shard["pictures"]) < given.double_pictures:
                    kept.append(torch.from_numpy(shard["pictures"]).to(device))

        take(120.0)
        true = as_tensor(kept.pop(0))  # held out of this training
        with torch.no_grad():
            told = targets(shipped.vae, true)

        def batch(whole: bool) -> tuple[Tensor, Tensor]:
            pictures = torch.cat([pick(kept) for _ in range(given.double_batch)])
            pictures = as_tensor(pictures if torch.rand(()) < 0.5 else pictures.flip(2))
            latents = targets(shipped.vae, pictures)
            return (pictures, latents) if whole else crops(pictures, latents, 4)

        def learn(part: nn.Module, loss: Callable[[bool], Tensor], minutes: float, name: str, check: Callable[[], float]) -> None:
            trained = Averaged(part, DOUBLE)

            def save() -> None:
                figures[name] = check_with(trained.average)
                print(json.dumps(figures), flush=True)
                whole = copy.deepcopy(network)
                setattr(whole, name, copy.deepcopy(trained.average))
                whole.save_pretrained(place)

            def check_with(average: nn.Module) -> float:
                mine = getattr(network, name)
                setattr(network, name, average)
                try:
                    return check()
                finally:
                    setattr(network, name, mine)

            clock = Clock(f"double {name}", minutes, log, save)
            while True:
                take(0.0, 2)
                error = loss(clock.share > 0.7)
                trained.step(error, clock)
                if not clock.tick(trained.recipe, loss=error, pictures=sum(map(len, kept))):
                    break
            setattr(network, name, trained.average)

        if not kept:
            take(120.0)
        network.requires_grad_(False)
        means = told[:, : told.shape[1] // 2]

        def decoded() -> float:
            with torch.no_grad(), autocast(device):
                parts = [network.decode(part).sample.float() for part in means.split(32)]
            return psnr(torch.cat(parts), true)

        def decoding(whole: bool) -> Tensor:
            pictures, latents = batch(whole)
            return decoder_loss(network, pictures, latents[:, : latents.shape[1] // 2])

        def encoded() -> float:
            with torch.no_grad():
                return float(
                    sum(encoder_loss(network, *pair) for pair in zip(true.split(32), told.split(32), strict=True))
                    / -(-len(true) // 32)
                )

        network.decoder.requires_grad_(True)
        learn(network.decoder, decoding, 0.7 * minutes, "decoder", decoded)
        network.requires_grad_(False)
        network.encoder.requires_grad_(True)
        learn(network.encoder, lambda whole: encoder_loss(network, *batch(True)), 0.3 * minutes, "encoder", encoded)
    with torch.no_grad(), autocast(device):
        drawn = torch.cat([network.decode(part).sample.float() for part in means[:8].split(8)])
        before = shipped.vae.decode(means[:8]).sample.float()
    bicubic = torch.nn.functional.interpolate(before, scale_factor=2, mode="bicubic")
    figures["bicubic"] = psnr(
        torch.cat(
            [
                torch.nn.functional.interpolate(shipped.vae.decode(part).sample.float(), scale_factor=2, mode="bicubic")
                for part in means.split(32)
            ]
        ),
        true,
    )
    rows = [tensor_to_pictures(x) for x in (true[:8], bicubic, drawn)]
    sheet(rows, given.folder / "double.webp")
    return figures


def as_tensor(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


def pick(kept: list[Tensor]) -> Tensor:
    """One picture of all shards, uint8 (1, h, w, 3)."""
    shard = kept[int(torch.randint(len(kept), ()))]
    at = int(torch.randint(len(shard), ()))
    return shard[at : at + 1]


class Source:
    """The stock, filled from the drawing processes as far as they are."""

    def __init__(self, given: Any, shipped: Shipped, device: torch.device, drawers: Drawers) -> None:
        self.stock = Stock(given.pictures, device, shipped.length, shipped.vae)
        self.drawers = drawers

    def take(self, wait: float = 0.0, most: int = 2) -> None:
        for shard in self.drawers.ready(most, wait):
            self.stock.add(shard)

    def fill(self, least: int, seconds: float) -> None:
        """Wait until `least` pictures are there, or so long; for some in any case."""
        began = time.monotonic()
        while len(self.stock) < least and (not len(self.stock) or time.monotonic() - began < seconds):
            self.take(5.0)


def unet(
    given: Any, shipped: Shipped, device: torch.device, minutes: float, source: Source, held_out: Lesson
) -> dict[str, float]:
    """The denoiser, as `training.unet` learns, upon the stream."""
    network, recipe = shipped.unet, replace(UNET, batch=given.batch)
    trained = Averaged(network, recipe)
    place, figures = given.folder / "unet", dict[str, float]()

    def error(net: nn.Module, lesson: Lesson, weighted: float) -> Tensor:
        times = torch.sigmoid(MEAN_TIME + torch.randn(len(lesson.latents), device=device))
        noisy, noise = noised(lesson.latents, times)
        predicted = velocity(net, noisy, times, lesson.features(shipped.encoders), SIZE)
        weights = 1 + weighted * lesson.marks[:, None]
        return (weights / weights.mean() * (predicted - (noise - lesson.latents)).square()).mean()

    @torch.no_grad()
    def check() -> float:
        state = torch.random.get_rng_state(), torch.cuda.get_rng_state() if device.type == "cuda" else None
        torch.manual_seed(0)
        parts = [float(error(trained.average, part, 0.0)) for part in split(held_out, 128)]
        torch.random.set_rng_state(state[0])
        if state[1] is not None:
            torch.cuda.set_rng_state(state[1])
        return float(np.mean(parts))

    def save() -> None:
        figures["held_out_loss"] = check()
        print(json.dumps(figures | {"stock": len(source.stock), "drawn": source.stock.seen}), flush=True)
        half: Any = copy.deepcopy(trained.average).to(torch.float16)
        half.save_pretrained(place, max_shard_size="15MB")

    figures["held_out_loss_before"] = check()
    if given.compile:
        network.compile(dynamic=False)
    clock = Clock("unet", minutes, given.folder / "log.jsonl", save)
    watched = Watched(given.folder / "profile.txt", device) if given.profile else None
    while True:
        if watched:
            watched.step(clock.step)
        source.take()
        lesson = source.stock.choose(recipe.batch)
        loss = error(network, lesson, (SUBJECT_WEIGHT - 1) * rate_at(recipe, clock) / recipe.rate)
        trained.step(loss, clock)
        if not clock.tick(recipe, loss=loss, stock=len(source.stock)):
            break
    figures["steps"], figures["pictures"] = clock.step, clock.step * recipe.batch
    shipped.unet = trained.average  # type: ignore[assignment]
    return figures


class Watched:
    """Where the time of four early steps goes: a table of torch's profiler, in a file and on the screen."""

    FIRST, LAST = 30, 34

    def __init__(self, path: Path, device: torch.device) -> None:
        self.path, self.device = path, device
        self.profiler = torch.profiler.profile()

    def step(self, number: int) -> None:
        if number == self.FIRST:
            self.profiler.start()
        elif number == self.LAST:
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            self.profiler.stop()
            by = f"self_{self.device.type}_time_total"
            text = self.profiler.key_averages().table(sort_by=by, row_limit=25, max_name_column_width=60)
            self.path.write_text(text, encoding="utf-8")
            print(text, flush=True)


def split(lesson: Lesson, size: int) -> list[Lesson]:
    parts = {name: value.split(size) for name, value in vars(lesson).items()}
    return [Lesson(**dict(zip(parts, values, strict=True))) for values in zip(*parts.values(), strict=True)]


def polishing(given: Any, shipped: Shipped, device: torch.device, minutes: float, source: Source) -> dict[str, float]:
    """Four steps without guidance, as `training.polish` describes."""
    recipe = BuildRecipe(
        steps=1, batch=given.polish_batch, rate=1e-4, final_rate=1e-5, warmup=20, betas=(0.0, 0.99), average=0.995, cooldown=0.5
    )
    base = shipped.unet
    student = copy.deepcopy(base).requires_grad_(True)
    trained = Averaged(student, recipe)
    critic = polish.Critic(base.config["in_channels"], base.config["cross_attention_dim"]).to(device)
    optimizer = torch.optim.AdamW(critic.parameters(), lr=5e-4, betas=(0.0, 0.99), weight_decay=0.0)
    figures: dict[str, float] = {}
    if given.compile:
        student.compile(dynamic=False)

    def save() -> None:
        save_change(trained.average, base, given.folder / "polish")

    clock = Clock("polish", minutes, given.folder / "log.jsonl", save)
    while True:
        source.take()
        lesson = source.stock.choose(recipe.batch, told_always=True)
        told = lesson.features(shipped.encoders)
        times = polish.draw_times(recipe.batch, device)
        noisy, _ = noised(lesson.latents, times)
        drawn = noisy - times[:, None, None, None] * velocity(student, noisy, times, told, SIZE)
        loss, gap = polish.critic_loss(critic, lesson.latents, drawn.detach(), told)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(critic.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        shown = {"critic": loss, "gap": gap}
        if clock.step >= given.critic_alone:
            critic.requires_grad_(False)
            price = polish.student_loss(critic, lesson.latents, drawn, times, told)
            trained.step(price, clock)
            critic.requires_grad_(True)
            shown["student"] = price
        if not clock.tick(recipe, **shown):
            break
    figures["steps"] = clock.step
    shipped.unet = trained.average  # type: ignore[assignment]
    return figures


def save_change(network: nn.Module, base: nn.Module, folder: Path) -> None:
    """The difference of two networks in 8-bit floats with a scale for each tensor, in files that can travel."""
    folder.mkdir(parents=True, exist_ok=True)
    old = base.state_dict()
    tensors: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        change = (value - old[name].half().float()).float()
        scale = change.abs().max().clamp_min(1e-12) / 448
        tensors[name], tensors[name + "/scale"] = (change / scale).to(torch.float8_e4m3fn).cpu().contiguous(), scale.cpu()
    names = sorted(tensors)
    half = len(names) // 2
    for number, part in enumerate((names[:half], names[half:])):
        save_file({name: tensors[name] for name in part}, folder / f"change-{number}.safetensors")


@torch.no_grad()
def few_steps(net: nn.Module, told: Told, seed: int, channels: int) -> Tensor:
    """Latents in four calls, re-noised with fresh noise between them."""
    device = told.tokens.device
    generator = torch.Generator().manual_seed(seed)
    shape = (len(told.tokens), channels, 16, 16)
    noisy = torch.randn(shape, generator=generator).to(device)
    for number, t in enumerate(polish.TIMES):
        times = torch.full((shape[0],), t, device=device)
        clean = noisy - t * velocity(net, noisy, times, told, SIZE)
        if number + 1 < len(polish.TIMES):
            later = polish.TIMES[number + 1]
            noisy = (1 - later) * clean + later * torch.randn(shape, generator=generator).to(device)
    return clean


@torch.no_grad()
def guided(net: nn.Module, told: Told, seed: int, channels: int, steps: int = 12, guidance: float = 3.0) -> Tensor:
    """Latents in some steps, with guidance only where .3 <= t <= .85."""
    device = told.tokens.device
    shape = (len(told.tokens), channels, 16, 16)
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device)
    nothing = Told(torch.zeros_like(told.tokens), torch.zeros_like(told.pooled))
    solver = scheduler()
    solver.set_timesteps(steps, device=device)
    for t in solver.timesteps:
        times = (t / 1000).expand(shape[0])
        found = velocity(net, latents, times, told, SIZE)
        if 0.3 <= float(t) / 1000 <= 0.85:
            without = velocity(net, latents, times, nothing, SIZE)
            found = without + guidance * (found - without)
        latents = solver.step(found, t, latents).prev_sample
    return latents


def sheet(rows: Sequence[np.ndarray], path: Path) -> None:
    """Rows of pictures, each uint8 (n, h, w, 3)."""
    Image.fromarray(np.concatenate([np.concatenate(list(row), axis=1) for row in rows])).save(path, quality=88)


@torch.no_grad()
def sheet_of(draw: Callable[[Told], Tensor], lesson: Lesson, shipped: Shipped, vae: AutoencoderKL, path: Path) -> None:
    """64 held-out captions, 8 x 8."""
    told = split(lesson, 64)[0].features(shipped.encoders)
    with autocast(told.tokens.device):
        pictures = torch.cat([vae.decode(part).sample.float() for part in draw(told).split(16)])
    shown = tensor_to_pictures(pictures)
    sheet([shown[i : i + 8] for i in range(0, len(shown), 8)], path)


def main(arguments: Sequence[str] | None = None) -> None:
    given = _options(arguments)
    report = Report("gpu-storybook", given)
    device = choose_device(given.device)
    torch.set_float32_matmul_precision("high")
    torch._dynamo.config.suppress_errors = True  # what cannot be compiled runs as it is
    given.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(given.seed)
    shipped = Shipped(device)
    channels = shipped.unet.config["in_channels"]
    length = dict(zip(given.stages, given.minutes, strict=True))
    rows: dict[str, dict[str, float]] = {}
    report.figures = {"stages": rows}

    def done(stage: str, work: Callable[[], dict[str, float]]) -> None:
        began = time.monotonic()
        rows[stage] = work() | {"stage_seconds": time.monotonic() - began}
        report.save()

    if "double" in length:
        done("double", lambda: double(given, shipped, device, length["double"]))
    if {"unet", "polish"} & set(length):
        place = given.double or given.folder / "double"
        vae = AutoencoderKL.from_pretrained(place).to(device).eval() if (place / "config.json").is_file() else shipped.vae
        order = StreamOrder(size=SIZE, tokenizer=WEIGHTS / "tokenizer", length=shipped.length, code_sprites=given.smoke)
        with Drawers(order, given.workers) as drawers:
            with Drawers(replace(order, split="held_out"), 2) as aside:
                source = Source(given, shipped, device, aside)
                source.fill(given.held_out, 60.0)
                checked = source.stock.choose(given.held_out, told_always=True)
            source = Source(given, shipped, device, drawers)
            source.fill(given.least, given.fill_seconds)
            if "unet" in length:
                done("unet", lambda: unet(given, shipped, device, length["unet"], source, checked))
                draw: Callable[[Told], Tensor] = lambda told: guided(shipped.unet, told, 7, channels)  # noqa: E731
                sheet_of(draw, checked, shipped, vae, given.folder / "unet.webp")
            if "polish" in length:
                done("polish", lambda: polishing(given, shipped, device, length["polish"], source))
                sheet_of(
                    lambda told: few_steps(shipped.unet, told, 7, channels), checked, shipped, vae, given.folder / "polish.webp"
                )
            rows["stock"] = {"pictures_drawn": source.stock.seen}
    report.finish(*(table(stage, ("figure", "value"), list(figures.items())) for stage, figures in rows.items()))


def _options(arguments: Sequence[str] | None) -> Any:
    options = parser("gpu_storybook", __doc__)
    options.add_argument("--stages", default="double,unet,polish", help="which of double, unet, polish, in this order")
    options.add_argument("--minutes", type=numbers, default=[1.5, 5.0, 1.25], help="of each stage")
    options.add_argument("--folder", type=Path, default=Path("work/gpu"), help="where networks, sheets and the log go")
    options.add_argument("--double", type=Path, help="the autoencoder of 256 pixels that sheets are decoded with")
    options.add_argument("--pictures", type=int, default=600_000, help="most that are kept on the device")
    options.add_argument("--least", type=int, default=30_000, help="pictures to wait for before the denoiser begins")
    options.add_argument("--fill-seconds", type=float, default=40.0, help="but no longer than this")
    options.add_argument("--held-out", type=int, default=1024)
    options.add_argument("--batch", type=int, default=512, help="pictures of a step")
    options.add_argument(
        "--double-batch", type=int, default=64, help="pictures of a step of `double`, or four times as many crops"
    )
    options.add_argument("--double-pictures", type=int, default=40_000, help="most that `double` keeps on the device")
    options.add_argument("--polish-batch", type=int, default=256)
    options.add_argument("--critic-alone", type=int, default=100, help="steps before the student begins")
    options.add_argument("--workers", type=int, default=max((os.cpu_count() or 2) - 1, 1), help="processes that draw")
    options.add_argument("--no-compile", dest="compile", action="store_false")
    options.add_argument("--profile", action="store_true", help="say where the time of some early steps of the denoiser goes")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--device", help="by default the best there is")
    given = options.parse_args(arguments)
    given.stages = given.stages.split(",")
    if given.smoke:
        given.__dict__ |= {
            "minutes": [0.1] * len(given.stages),
            "workers": 1,
            "batch": 4,
            "double_batch": 1,
            "polish_batch": 4,
            "pictures": 400,
        }
        given.__dict__ |= {"least": 90, "held_out": 64, "critic_alone": 1, "compile": False, "device": "cpu"}
    return given


if __name__ == "__main__":
    main()
