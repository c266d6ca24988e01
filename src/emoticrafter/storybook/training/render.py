"""The data set: random scenes, each drawn at two emotions, in files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoticrafter.emotion import Emotion
from emoticrafter.errors import MissingError
from emoticrafter.files import atomic_path
from emoticrafter.storybook import scenes
from emoticrafter.storybook.training.presets import Preset
from emoticrafter.storybook.training.progress import Meter
from emoticrafter.storybook.world.render import render
from emoticrafter.storybook.world.scene import Scene, Subject
from emoticrafter.storybook.world.sprites import CodeSprites, PackageSprites

if TYPE_CHECKING:
    from emoticrafter.storybook.training.common import Workshop

Job = tuple[Path, str, int, int, int, int]  # folder, split, first scene, the one after the last, seed, size
SPLITS = ("train", "held_out")
_NEUTRAL = Emotion(valence=0.0, arousal=0.0)
_NEUTRAL_SECOND = 0.3  # share of scenes whose second picture is the neutral one
CELL = 8  # pixels of a latent
_SEEN = 24  # of 255: a pixel that differs by more from the scene without its subjects shows them


class Pictures:
    """The pictures of one split and what they show.

    `pictures[indices]` is uint8 (n, size, size, 3); `valence` and `arousal` are float32 (n,), -3 to 3; pictures 2k and
    2k + 1 show the same scene.
    """

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("pictures-*.npy"))
        if not paths:
            raise MissingError(f"There are no pictures in {folder}.", "Run the stage `render` first.")
        self._parts = [np.load(path, mmap_mode="r") for path in paths]
        self._starts = np.cumsum([0, *(len(part) for part in self._parts)])
        self._records = [path.with_name(path.name.replace("pictures", "scenes")).with_suffix(".jsonl") for path in paths]

    def __len__(self) -> int:
        return int(self._starts[-1])

    def digest(self) -> str:
        """A short hash of all scenes and of some of every file's pictures."""
        found = hashlib.sha256()
        for part, record in zip(self._parts, self._records, strict=True):
            found.update(record.read_bytes())
            found.update(np.ascontiguousarray(part[:: max(len(part) - 1, 1)]).tobytes())
        return found.hexdigest()[:16]

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        where = np.searchsorted(self._starts, indices, side="right") - 1
        return np.stack([self._parts[part][index - self._starts[part]] for part, index in zip(where, indices, strict=True)])

    @cached_property
    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for path in self._records for line in path.read_text(encoding="utf-8").splitlines()]

    @cached_property
    def scenes(self) -> list[Scene]:
        """The scene of every picture."""
        return [_scene(line["scene"]) for line in self._lines]

    @cached_property
    def valence(self) -> np.ndarray:
        return np.array([line["valence"] for line in self._lines], np.float32)

    @cached_property
    def arousal(self) -> np.ndarray:
        return np.array([line["arousal"] for line in self._lines], np.float32)


def load_marks(folder: Path) -> np.ndarray:
    """Where the subjects are in a split's pictures: their share of each latent's pixels, uint8 (n, h, w), 255 for all of them."""
    return np.concatenate([np.load(path) for path in sorted(folder.glob("subjects-*.npy"))])


def _scene(record: dict[str, Any]) -> Scene:
    return Scene(**{**record, "subjects": tuple(Subject(**subject) for subject in record["subjects"])})


def describe(split: str, number: int, seed: int) -> tuple[Scene, tuple[Emotion, Emotion]]:
    """Scene `number` of a split and the two emotions that it is drawn at: a function of these arguments alone."""
    rng = random.Random(f"{seed}/{split}/{number}")
    scene = scenes.sample_scene(rng, held_out=split == "held_out")
    first, second = scenes.sample_emotion(rng), scenes.sample_emotion(rng)
    return scene, (first, _NEUTRAL if rng.random() < _NEUTRAL_SECOND else second)


_sprites: CodeSprites | PackageSprites


def _start_worker(code_sprites: bool) -> None:
    global _sprites
    _sprites = CodeSprites() if code_sprites else PackageSprites()


def _draw_shard(job: Job) -> int:
    """Draw scenes [start, stop) of a split into two files; the number of pictures."""
    folder, split, start, stop, seed, size = job
    pictures, lines = [], []
    for number in range(start, stop):
        scene, emotions = describe(split, number, seed)
        for emotion in emotions:
            pictures.append(render(scene, emotion, size, _sprites))
            lines.append(json.dumps({"valence": emotion.valence, "arousal": emotion.arousal, "scene": asdict(scene)}))
    with atomic_path(folder / f"scenes-{start:07d}.jsonl", force=True) as path:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with atomic_path(folder / f"pictures-{start:07d}.npy", force=True) as path:
        np.save(path, np.stack(pictures))
    return len(pictures)


def _mark_shard(job: Job) -> int:
    """Draw the scenes of a finished file again without their subjects, and keep where that makes a difference."""
    folder, split, start, stop, seed, size = job
    marks = []
    pictures = iter(np.load(folder / f"pictures-{start:07d}.npy", mmap_mode="r"))
    for number in range(start, stop):
        scene, emotions = describe(split, number, seed)
        for emotion in emotions:
            bare = render(replace(scene, subjects=(), relation=None), emotion, size, _sprites)
            seen = np.abs(next(pictures).astype(np.int16) - bare).max(axis=2) > _SEEN
            shares = seen.reshape(size // CELL, CELL, size // CELL, CELL).mean(axis=(1, 3))
            marks.append((255 * shares).round().astype(np.uint8))
    with atomic_path(folder / f"subjects-{start:07d}.npy", force=True) as path:
        np.save(path, np.stack(marks))
    return len(marks)


def run(work: Workshop) -> None:
    """Draw what is missing, on all cores."""
    preset = work.preset
    for split, count in zip(SPLITS, (preset.scenes, preset.held_out_scenes), strict=True):
        folder = work.folder("render") / split
        folder.mkdir(parents=True, exist_ok=True)
        starts = range(0, count, preset.shard)
        jobs = [(folder, split, start, min(start + preset.shard, count), work.seed, preset.size) for start in starts]
        for title, name, draw in (("render", "pictures", _draw_shard), ("mark", "subjects", _mark_shard)):
            missing = [job for job in jobs if not (folder / f"{name}-{job[2]:07d}.npy").exists()]
            _draw(draw, missing, 2 * count, preset, f"{title} {split}", work.quiet)
    _sheet(work)
    work.finish("render", pictures=2 * preset.scenes, held_out_pictures=2 * preset.held_out_scenes, seed=work.seed)


def _draw(draw: Callable[[Job], int], jobs: list[Job], total: int, preset: Preset, title: str, quiet: bool) -> None:
    done = total - sum(2 * (job[3] - job[2]) for job in jobs)
    workers = min(os.cpu_count() or 1, len(jobs))
    if workers == 0:
        return
    if not preset.code_sprites:
        PackageSprites()  # fetch them once, here
    with Meter(title, total, done, "pictures", quiet) as meter:
        if workers == 1 or preset.code_sprites:
            _start_worker(preset.code_sprites)
            for job in jobs:
                done += draw(job)
                meter.update(done)
        else:
            with multiprocessing.get_context("spawn").Pool(workers, _start_worker, (preset.code_sprites,)) as pool:
                for drawn in pool.imap_unordered(draw, jobs):
                    done += drawn
                    meter.update(done)
        meter.update(done, last=True)


def _sheet(work: Workshop) -> None:
    from emoticrafter.storybook.training.common import save_sheet

    for split in SPLITS:
        pictures = Pictures(work.folder("render") / split)
        shown = np.arange(min(len(pictures), 96))
        save_sheet([pictures[shown[i : i + 12]] for i in range(0, len(shown) - 11, 12)], work.sheet(f"render-{split}"))
