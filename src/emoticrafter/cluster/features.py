"""Features encoded on a Ray cluster: a pipeline of Ray Data that makes shards.

Each worker opens the text encoders once, and takes shards from the row: it encodes a shard's prompts and writes them to the
folder, which all machines must see. Nothing but prompts and numbers goes through Ray's own memory. A shard's bytes depend on its
prompts, the batch and the kind of processor, so that on like machines the folder is the one that a single process writes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from emoticrafter.cluster.workers import connected, error_of, error_text, readable_errors, shares
from emoticrafter.errors import EmotiCrafterError, InputError, OutputError
from emoticrafter.features.shards import ShardEngine, ShardTask, encode_shard, is_begun, shard_is_there, store_shard
from emoticrafter.watch import Step

__all__ = ["ray_engine"]


def ray_engine(
    backbone: str,
    *,
    fingerprint: str,
    device: str | None = None,
    compute: str | None = None,
    config: str | None = None,
    address: str | None = None,
    workers: int | None = None,
    cpus: int | None = None,
) -> ShardEngine:
    """An engine for `features.encoding.write_features` that works on a Ray cluster.

    backbone, config: as every machine of the cluster finds them. fingerprint: of its text encoders; a worker that finds others
    stops the run. device, compute: as `open_encoder` takes device and dtype. address: of a cluster that runs; by
    default $RAY_ADDRESS, else a cluster is started on this machine, reachable from nowhere else, and ended with the run.
    workers: by default one per GPU with `device` cuda, else one per machine, which uses all of its cores. cpus: cores of a
    cluster of our own, by default all.
    """
    settings = {"backbone": backbone, "config": config, "fingerprint": fingerprint, "device": device, "compute": compute}
    if workers is not None and workers < 1:
        raise InputError(f"The number of Ray workers is {workers}; it must be at least 1.", "Leave it out to go by the cluster.")

    def run(tasks: Sequence[ShardTask], step: Step) -> Iterator[int]:
        if not tasks:
            return
        sizes = {task.number: len(task.prompts) for task in tasks}
        done, total = 0, sum(sizes.values())
        with connected(address, cpus), readable_errors():
            for row in _pipeline(tasks, settings, workers):
                number = int(row["number"])
                if row["error"]:
                    raise error_of(row["error"])
                if not shard_is_there(tasks[0].folder, number):
                    raise OutputError(
                        f"A Ray worker wrote a shard that does not appear in {tasks[0].folder!r}.",
                        "Give a folder on a disk that all machines of the cluster share.",
                    )
                done += sizes[number]
                step(done, total)
                yield number

    return run


class ShardMaker:
    """A stage of the pipeline, once per worker: {"task"} to {"number", "error"}; the error is empty where there is none."""

    def __init__(self) -> None:
        self._encoder: Any = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        given = json.loads(row["task"])
        task, settings = ShardTask(**given["task"]), given["settings"]
        try:
            if not is_begun(task.folder):
                raise OutputError(
                    f"The folder {task.folder!r} is not to be seen from every machine of the cluster.",
                    "Give one on a disk that all of them share.",
                )
            self._encoder = self._encoder or _open(settings)
            store_shard(task, encode_shard(task, self._encoder))
        except EmotiCrafterError as error:
            return {"number": task.number, "error": error_text(error)}
        return {"number": task.number, "error": ""}


def _open(settings: dict[str, Any]) -> Any:
    """The text encoders, if they are the ones that the driver means."""
    import torch

    from emoticrafter.backbones.registry import open_encoder

    torch.set_num_threads(settings["threads"])
    encoder = open_encoder(
        settings["backbone"], device=settings["device"], dtype=settings["compute"], config=settings.get("config")
    )
    if encoder.fingerprint != settings["fingerprint"]:
        raise InputError(
            f"A Ray worker found text encoders of hash {encoder.fingerprint[:16]} for {settings['backbone']!r}; those of this"
            f" machine have {settings['fingerprint'][:16]}.",
            "Put the same weights on all machines.",
        )
    return encoder


def _pipeline(tasks: Sequence[ShardTask], settings: dict[str, Any], workers: int | None) -> Iterator[dict[str, Any]]:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    gpu = str(settings["device"]).startswith("cuda")
    count, threads = shares(ray.nodes(), gpu, workers)
    settings = {**settings, "threads": threads}
    rows = [{"task": json.dumps({"task": asdict(task), "settings": settings})} for task in tasks]
    made = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        ShardMaker,
        num_cpus=threads,
        num_gpus=1 if gpu else None,
        compute=ray.data.ActorPoolStrategy(size=min(count, len(rows)), max_tasks_in_flight_per_actor=2),
    )
    yield from made.iter_rows()
