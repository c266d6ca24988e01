"""The data set: random scenes, each drawn at two emotions, in files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoticrafter.emotion import Emotion
from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.files import atomic_path
from emoticrafter.inputs.arrays import read_array
from emoticrafter.inputs.lines import read_lines
from emoticrafter.inputs.named import read_file
from emoticrafter.inputs.records import damaged, parse_json, read_record
from emoticrafter.inputs.typed import typed
from emoticrafter.signals import begin_worker
from emoticrafter.storybook import scenes
from emoticrafter.storybook.training.presets import Preset
from emoticrafter.storybook.training.progress import Meter
from emoticrafter.storybook.versions import renderer_version, scenes_version
from emoticrafter.storybook.world.render import render, render_marked
from emoticrafter.storybook.world.scene import Scene, Subject
from emoticrafter.storybook.world.sprites import CodeSprites, PackageSprites

if TYPE_CHECKING:
    from emoticrafter.storybook.training.common import Workshop

RenderJob = tuple[
    Path, str, int, int, int, int, int
]  # folder, split, first scene, the one after the last, seed, side drawn, side kept
SPLITS = ("train", "held_out")
AGAIN = "Delete it and the files of the same number: the stage `render` draws them again."
_MAX_BYTES = 1 << 28  # of a list of scenes
FINE = "fine"  # other scenes for training, kept at the side that they are drawn at
_NEUTRAL = Emotion(valence=0.0, arousal=0.0)
_NEUTRAL_SECOND = 0.3  # share of scenes whose second picture is the neutral one
CELL = 8  # pixels of a latent


class Pictures:
    """The pictures of one split and what they show.

    `pictures[indices]` is uint8 (n, size, size, 3); `valence` and `arousal` are float32 (n,), -3 to 3; pictures 2k and
    2k + 1 show the same scene.
    """

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("pictures-*.npy"))
        if not paths:
            raise MissingError(f"There are no pictures in {folder}.", "Run the stage `render` first.")
        self._parts = [read_array(path, "file of pictures", AGAIN, mapped=True) for path in paths]
        self._starts = np.cumsum([0, *(len(part) for part in self._parts)])
        self._records = [path.with_name(path.name.replace("pictures", "scenes")).with_suffix(".jsonl") for path in paths]

    def __len__(self) -> int:
        return int(self._starts[-1])

    def digest(self) -> str:
        """A short hash of all scenes and of some of every file's pictures."""
        found = hashlib.sha256()
        for part, record in zip(self._parts, self._records, strict=True):
            found.update(read_file(record, _MAX_BYTES, "list of scenes", AGAIN))
            found.update(np.ascontiguousarray(part[:: max(len(part) - 1, 1)]).tobytes())
        return found.hexdigest()[:16]

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        where = np.searchsorted(self._starts, indices, side="right") - 1
        return np.stack([self._parts[part][index - self._starts[part]] for part, index in zip(where, indices, strict=True)])

    @cached_property
    def _lines(self) -> list[dict[str, Any]]:
        return [line for path in self._records for line in _read_lines(path)]

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
    return np.concatenate([read_array(path, "file of marks", AGAIN) for path in sorted(folder.glob("subjects-*.npy"))])


def _read_lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [typed("", parse_json(line), dict[str, Any]) for line in read_lines(path, "list of scenes", AGAIN)]
    except (ValueError, InputError) as error:
        raise damaged(path, "list of scenes", AGAIN, error, CheckpointError) from error


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


def _draw_shard(job: RenderJob) -> int:
    """Draw scenes [start, stop) of a split into files, the pictures last; their number."""
    folder, split, start, stop, seed, pixels, size = job
    pictures, marks, lines = [], [], []
    for number in range(start, stop):
        scene, emotions = describe(split, number, seed)
        for emotion in emotions:
            picture, seen = render_marked(scene, emotion, pixels, _sprites, size // CELL)
            pictures.append(halved(picture) if size < pixels else picture)
            marks.append((255 * seen).round().astype(np.uint8))
            lines.append(json.dumps({"valence": emotion.valence, "arousal": emotion.arousal, "scene": asdict(scene)}))
    with atomic_path(folder / f"scenes-{start:07d}.jsonl", force=True) as path:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, rows in (("subjects", marks), ("pictures", pictures)):
        with atomic_path(folder / f"{name}-{start:07d}.npy", force=True) as path:
            np.save(path, np.stack(rows))
    return len(pictures)


def halved(picture: np.ndarray) -> np.ndarray:
    """A picture at half its side, each pixel the mean of four, uint8 (h, w, 3)."""
    h, w, c = picture.shape
    return picture.reshape(h // 2, 2, w // 2, 2, c).mean(axis=(1, 3)).round().astype(np.uint8)


def run(work: Workshop) -> None:
    """Draw what is missing, on all cores: both splits for most stages, and some scenes at their full side for `double`."""
    preset = work.preset
    assert preset.pixels == 2 * preset.size
    _check_version(work.folder("render"))
    splits = {"train": (preset.scenes, preset.size), "held_out": (preset.held_out_scenes, preset.size)}
    for split, (count, size) in {**splits, FINE: (preset.double_scenes, preset.pixels)}.items():
        folder = work.folder("render") / split
        folder.mkdir(parents=True, exist_ok=True)
        starts = range(0, count, preset.shard)
        jobs = [(folder, split, start, min(start + preset.shard, count), work.seed, preset.pixels, size) for start in starts]
        missing = [job for job in jobs if not (folder / f"pictures-{job[2]:07d}.npy").exists()]
        _draw(missing, 2 * count, preset, f"render {split}", work.quiet)
    _sheet(work)
    work.finish("render", pictures=2 * preset.scenes, held_out_pictures=2 * preset.held_out_scenes, seed=work.seed)


def _check_version(folder: Path) -> None:
    """Keep of which sources the pictures in the folder are. Raises CheckpointError for some that were begun with others."""
    path, ours = folder / "version.json", {"renderer": renderer_version(), "scenes": scenes_version()}
    again = f"Delete {folder}: the pictures are drawn anew."
    if os.path.lexists(path):
        if read_record(path, dict[str, str], "note of a version", again, error=CheckpointError) != ours:
            raise CheckpointError(f"The pictures in {str(folder)!r} were begun by another version of the world's sources.", again)
        return
    with atomic_path(path, force=True) as temporary:
        temporary.write_text(json.dumps(ours) + "\n", encoding="utf-8")


def _draw(jobs: list[RenderJob], total: int, preset: Preset, title: str, quiet: bool) -> None:
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
                done += _draw_shard(job)
                meter.update(done)
        else:
            begin = _start_worker, preset.code_sprites
            with multiprocessing.get_context("spawn").Pool(workers, begin_worker, begin) as pool:
                for drawn in pool.imap_unordered(_draw_shard, jobs):
                    done += drawn
                    meter.update(done)
        meter.update(done, last=True)


def fine_shards(work: Workshop, split: str, count: int) -> Iterator[np.ndarray]:
    """The pictures of the first `count` scenes of a split at their full side, shard by shard, uint8 (n, pixels, pixels, 3)."""
    preset = work.preset
    starts = range(0, count, preset.shard)
    jobs = [(split, start, min(start + preset.shard, count), work.seed, preset.pixels) for start in starts]
    if preset.code_sprites:
        _start_worker(True)
        yield from map(_draw_fine, jobs)
    else:
        with multiprocessing.get_context("spawn").Pool(os.cpu_count(), _start_worker, (False,)) as pool:
            yield from pool.imap(_draw_fine, jobs)


def _draw_fine(job: tuple[str, int, int, int, int]) -> np.ndarray:
    split, start, stop, seed, pixels = job
    told = (describe(split, number, seed) for number in range(start, stop))
    return np.stack([render(scene, emotion, pixels, _sprites) for scene, emotions in told for emotion in emotions])


def draw_some(work: Workshop, split: str, count: int) -> np.ndarray:
    """The first pictures of a split, drawn here at the full side, uint8 (n, pixels, pixels, 3)."""
    sprites = CodeSprites() if work.preset.code_sprites else PackageSprites()
    told = (describe(split, number, work.seed) for number in range((count + 1) // 2))
    drawn = [render(scene, emotion, work.preset.pixels, sprites) for scene, emotions in told for emotion in emotions]
    return np.stack(drawn[:count])


def _sheet(work: Workshop) -> None:
    from emoticrafter.storybook.training.common import save_sheet

    for split in SPLITS:
        pictures = Pictures(work.folder("render") / split)
        shown = np.arange(min(len(pictures), 96))
        save_sheet([pictures[shown[i : i + 12]] for i in range(0, len(shown) - 11, 12)], work.sheet(f"render-{split}"))
