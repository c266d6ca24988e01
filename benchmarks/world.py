"""How many pictures a second the world draws: random scenes at random emotions, in several processes at once.

Each process is warmed up first, so that its sprites and cached layers are there, and all start together.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from threading import BrokenBarrierError
from typing import Any

from benchmarks.common import Report, parser, table, whole_numbers
from emoticrafter.errors import MissingError
from emoticrafter.storybook.scenes import sample_emotion, sample_scene
from emoticrafter.storybook.world import render
from emoticrafter.storybook.world.sprites import CodeSprites, PackageSprites, SpriteSource

BAR = 300.0  # pictures/s of all processes together, at 128 px on 2 cores


def find_sprites(code: bool = False) -> SpriteSource:
    """The sprites of the package where they are or can be fetched, else those drawn in code."""
    try:
        return CodeSprites() if code else PackageSprites()
    except MissingError:
        return CodeSprites()


_barrier: Any = None


def _start_worker(barrier: Any) -> None:
    global _barrier
    _barrier = barrier


def draw_for(worker: int, size: int, seconds: float, warm_up: int, code: bool) -> tuple[int, float, float]:
    """Draw until `seconds` are over, once all processes are warm: pictures, seconds, seconds of the slowest."""
    import cv2

    cv2.setNumThreads(1)  # one process per core is the parallelism
    try:
        sprites, rng = find_sprites(code), random.Random(f"world/{worker}")
        for _ in range(warm_up):
            render(sample_scene(rng), sample_emotion(rng), size, sprites)
    except BaseException:
        _barrier.abort()  # or the others would wait for ever
        raise
    _barrier.wait()
    began = last = time.perf_counter()
    count, slowest = 0, 0.0
    while last - began < seconds:
        render(sample_scene(rng), sample_emotion(rng), size, sprites)
        now = time.perf_counter()
        count, slowest, last = count + 1, max(slowest, now - last), now
    return count, last - began, slowest


def measure(size: int, processes: int, seconds: float, warm_up: int, code: bool) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _start_worker, (context.Barrier(processes),)) as pool:
        jobs = [pool.submit(draw_for, worker, size, seconds, warm_up, code) for worker in range(processes)]
        failed = [error for error in (job.exception() for job in jobs) if error is not None]
        for error in failed:
            if not isinstance(error, BrokenBarrierError):
                raise error
        drawn = [job.result() for job in jobs]
    return {
        "pictures": sum(count for count, _, _ in drawn),
        "pictures_per_second": sum(count / taken for count, taken, _ in drawn),
        "slowest_picture_ms": 1000 * max(slowest for _, _, slowest in drawn),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("world", __doc__)
    options.add_argument("--sizes", type=whole_numbers, default=[128, 256], help="pixels of a side")
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--seconds", type=float, default=10.0, help="per size")
    options.add_argument("--warm-up", type=int, default=300, help="pictures per process that are not counted")
    options.add_argument("--code-sprites", action="store_true", help="draw with the simple sprites even where the package is")
    given = options.parse_args(arguments)
    if given.smoke:
        given.sizes, given.seconds, given.warm_up, given.code_sprites = [32], 0.2, 1, True
    report = Report("world", given)
    kind = type(find_sprites(given.code_sprites)).__name__  # also fetches the package once, before the processes start
    report.figures = {"sprites": kind, "processes": given.processes, "by_size": {}}
    for size in given.sizes:
        report.figures["by_size"][size] = measure(size, given.processes, given.seconds, given.warm_up, given.code_sprites)
    if 128 in given.sizes:
        report.bar("pictures/s at 128 px", report.figures["by_size"][128]["pictures_per_second"], least=BAR)
    keys = ("pictures_per_second", "slowest_picture_ms")
    rows = [(f"{size} px", *(one[key] for key in keys)) for size, one in report.figures["by_size"].items()]
    report.finish(table(f"{kind}, {given.processes} processes", ("size", "pictures/s", "slowest, ms"), rows))


if __name__ == "__main__":
    main()
