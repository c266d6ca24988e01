"""Scenes drawn and told by other processes while a network learns: where a GPU is faster than pictures can be kept ready.

Each process draws shards of scenes at two emotions each, with the places of their subjects and several captions, and lays them
into a folder that is held in memory. `Stock` takes them to the device: latents, marks and captions of all that came so far.
"""

# n pictures, k captions of each, T prompt tokens

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Full
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPTokenizer

from emoticrafter.inputs.arrays import read_arrays
from emoticrafter.signals import begin_worker
from emoticrafter.storybook.training.captioning import NOBODY, UNTOLD, Told, choose_captions
from emoticrafter.storybook.training.common import autocast, load_part
from emoticrafter.storybook.training.phrasing import TextEncoders, tokenize
from emoticrafter.storybook.training.render import describe, halved
from emoticrafter.storybook.world.render import render_marked
from emoticrafter.storybook.world.scene import SUBJECTS
from emoticrafter.storybook.world.sprites import CodeSprites, PackageSprites, SpriteSource

SHARD_SCENES = 48
CAPTIONS = 4  # of each picture
NO_SUBJECT = len(SUBJECTS)
_WAITING = 3  # shards that each process may be ahead

StreamShard = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class StreamOrder:
    """What the processes draw. `halved`: pictures are drawn at `size` and kept at half of it, the means of four pixels."""

    split: str = "train"
    size: int = 256
    halved: bool = True
    seed: int = 0
    tokenizer: Path | None = None  # its folder; without one, no captions. (The object itself would be sent to each process.)
    length: int = 48  # of prompts, in tokens
    code_sprites: bool = False


def draw_shard(order: StreamOrder, first: int, sprites: SpriteSource, tokenizer: CLIPTokenizer | None = None) -> StreamShard:
    """Scenes first, first + 1, ...: pictures (n, side, side, 3) and marks (n, 16, 16), uint8; kinds of subject (n, 2); token
    numbers of captions, for the tokens and for the pooled feature, (n, k, T).
    """
    pictures, marks, kinds, texts = [], [], [], []
    for number in range(first, first + SHARD_SCENES):
        scene, emotions = describe(order.split, number, order.seed)
        rng = random.Random(f"{order.seed}/captions/{order.split}/{number}")
        for emotion in emotions:
            picture, seen = render_marked(scene, emotion, order.size, sprites)
            pictures.append(halved(picture) if order.halved else picture)
            marks.append((255 * seen).round().astype(np.uint8))
            kinds.append([*[SUBJECTS.index(subject.kind) for subject in scene.subjects], NO_SUBJECT, NO_SUBJECT][:2])
            if tokenizer is not None:
                texts += [choose_captions(scene, emotion, rng) for _ in range(CAPTIONS)]
    shard = {"pictures": np.stack(pictures), "marks": np.stack(marks), "kinds": np.array(kinds, np.int64)}
    if tokenizer is not None:
        for name, told in zip(("ids", "pooled_ids"), zip(*texts, strict=True), strict=True):
            ids = tokenize(tokenizer, told, torch.device("cpu")).numpy().astype(np.int16)
            shard[name] = ids.reshape(len(pictures), CAPTIONS, -1)
    return shard


class Drawers:
    """Processes that draw shards until they are left. Used as a context."""

    def __init__(self, order: StreamOrder, workers: int) -> None:
        self.order, self.workers = order, workers

    def __enter__(self) -> Drawers:
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="scenes-", dir=memory if memory.is_dir() else None))
        context = multiprocessing.get_context("spawn")
        self.queue: Any = context.Queue(self.workers * _WAITING)
        self.stop = context.Event()
        self.processes = [
            context.Process(
                target=begin_worker,
                args=(_work, self.order, number, self.workers, self.folder, self.queue, self.stop),
                daemon=True,
            )
            for number in range(self.workers)
        ]
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop.set()
        for process in self.processes:
            process.join(timeout=2)
            process.terminate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ready(self, most: int | None = None, wait: float = 0.0) -> Iterator[StreamShard]:
        """Finished shards, at most `most`; waits `wait` seconds at most for the first. RuntimeError if all processes died."""
        count = 0
        while most is None or count < most:
            try:
                path = self.queue.get(timeout=wait) if wait and not count else self.queue.get_nowait()
            except Empty:
                if not any(process.is_alive() for process in self.processes):
                    raise RuntimeError("every process that draws scenes has ended") from None
                return
            shard = read_arrays(path, "shard of scenes", "Run again.")
            path.unlink()
            count += 1
            yield shard


def _work(order: StreamOrder, number: int, workers: int, folder: Path, queue: Any, stop: Any) -> None:
    torch.set_num_threads(1)
    os.nice(10)
    tokenizer = load_part(CLIPTokenizer, order.tokenizer, model_max_length=order.length) if order.tokenizer else None
    sprites: SpriteSource = CodeSprites() if order.code_sprites else PackageSprites()
    shard = number
    while not stop.is_set():
        path = folder / f"{shard:07d}.npz"
        np.savez(path, **draw_shard(order, shard * SHARD_SCENES, sprites, tokenizer))  # type: ignore[arg-type]
        while not stop.is_set():
            with suppress(Full):
                queue.put(path, timeout=0.5)
                break
        shard += workers


@dataclass
class Stock:
    """What a network learns from, on its device; the oldest gives way when it is full."""

    capacity: int
    device: torch.device
    length: int  # of prompts, in tokens
    vae: AutoencoderKL
    seen: int = 0
    parts: dict[str, Tensor] = field(default_factory=dict)
    chances: Tensor | None = None

    def __post_init__(self) -> None:
        n, device = self.capacity, self.device
        channels = self.vae.config["latent_channels"]
        self.parts = {
            "latents": torch.zeros(n, channels, 16, 16, dtype=torch.float16, device=device),
            "marks": torch.zeros(n, 16, 16, dtype=torch.uint8, device=device),
            "kinds": torch.zeros(n, 2, dtype=torch.int64, device=device),
            "ids": torch.zeros(n, CAPTIONS, self.length, dtype=torch.int16, device=device),
            "pooled_ids": torch.zeros(n, CAPTIONS, self.length, dtype=torch.int16, device=device),
        }

    def __len__(self) -> int:
        return min(self.seen, self.capacity)

    @torch.no_grad()
    def add(self, shard: StreamShard) -> None:
        """Take a shard in: its pictures become latents."""
        pictures = torch.from_numpy(shard["pictures"]).to(self.device, non_blocking=True)
        with autocast(self.device):
            moments = self.vae.encode(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1).latent_dist.mode()
        at = (self.seen + torch.arange(len(pictures), device=self.device)) % self.capacity
        self.parts["latents"][at] = moments.half()
        for name in ("marks", "kinds", "ids", "pooled_ids"):
            self.parts[name][at] = torch.from_numpy(shard[name]).to(self.device, non_blocking=True)
        self.seen += len(pictures)

    def _chances(self) -> Tensor:
        """The frequencies of `telling.frequencies`, summed up, so that a number finds its place.

        Counted anew when the stock has grown by a tenth; what came since is chosen from then on.
        """
        if self.chances is None or len(self) > 1.1 * len(self.chances):
            kinds = self.parts["kinds"][: len(self)]
            counts = torch.bincount(kinds.flatten(), minlength=NO_SUBJECT + 1).double()
            counts[NO_SUBJECT] = torch.inf
            rarest = counts[kinds].amin(dim=1)
            often, some = rarest.rsqrt(), rarest.isfinite()  # a scene of nobody counts as nothing in the sum
            mean = often.sum() / some.sum().clamp_min(1)
            self.chances = torch.where(some, often / mean, NOBODY).cumsum(0)
        return self.chances

    def choose(self, number: int, told_always: bool = False) -> Lesson:
        """Some pictures by their chances, each with one of its captions; one in ten is told nothing."""
        chances = self._chances()
        at = torch.searchsorted(chances, torch.rand(number, device=self.device, dtype=torch.float64) * chances[-1])
        at = at.clamp_max(len(chances) - 1)
        which = torch.randint(CAPTIONS, (number,), device=self.device)
        told = torch.rand(number, device=self.device) >= (0.0 if told_always else UNTOLD)
        parts = self.parts
        return Lesson(
            latents=parts["latents"][at].float(),
            marks=parts["marks"][at].float() / 255,
            ids=parts["ids"][at, which].long(),
            pooled_ids=parts["pooled_ids"][at, which].long(),
            told=told,
        )


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Latents (n, c, 16, 16), marks (n, 16, 16) in 0..1, token numbers (n, T) and whether anything is told (n,)."""

    latents: Tensor
    marks: Tensor
    ids: Tensor
    pooled_ids: Tensor
    told: Tensor

    @torch.no_grad()
    def features(self, encoders: TextEncoders) -> Told:
        """What the network is told; zeros where it is nothing."""
        with autocast(self.ids.device):
            tokens, _ = encoders.encode_ids(self.ids)
            pooled = encoders.second(self.pooled_ids).text_embeds
        return Told(tokens.float() * self.told[:, None, None], pooled.float() * self.told[:, None])


def noised(latents: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
    """(1 - t) x + t noise, and the noise."""
    noise = torch.randn_like(latents)
    t = times[:, None, None, None]
    return (1 - t) * latents + t * noise, noise
