"""The same stages on a Ray cluster: a pipeline of Ray Data that makes the shards of `data.encoding`.

Each worker opens the text encoders once, and takes shards from the row: it encodes a shard's prompts and writes them to the
folder, which all machines must see. Nothing but prompts and numbers goes through Ray's own memory. A shard's bytes depend on its
prompts, the batch and the kind of processor, so that on like machines the folder is the one that a single process writes.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from emoticrafter import errors
from emoticrafter.data.encoding import Engine, Task, encode_shard, is_begun, shard_is_there, store_shard
from emoticrafter.data.features import Step
from emoticrafter.errors import DeviceError, EmotiCrafterError, InputError, MissingError, OutputError

__all__ = ["ray_engine"]

OBJECT_STORE = 128 << 20  # bytes, of a cluster of our own: prompts and numbers only
_AGAIN = "Run the same command again: it goes on where it stopped."


def ray_engine(
    backbone: str,
    *,
    fingerprint: str,
    device: str | None = None,
    compute: str | None = None,
    address: str | None = None,
    workers: int | None = None,
    cpus: int | None = None,
) -> Engine:
    """An engine for `data.encoding.write_features` that works on a Ray cluster.

    backbone: as every machine of the cluster finds it. fingerprint: of its text encoders; a worker that finds others stops the
    run. device, compute: as `SDXLPromptEncoder.open` takes device and dtype. address: of a cluster that runs; by default
    $RAY_ADDRESS, else a cluster is started on this machine, reachable from nowhere else, and ended with the run. workers: by
    default one per GPU with `device` cuda, else one per machine, which uses all of its cores. cpus: cores of a cluster of our
    own, by default all.
    """
    settings = {"backbone": backbone, "fingerprint": fingerprint, "device": device, "compute": compute}
    if workers is not None and workers < 1:
        raise InputError(f"The number of Ray workers is {workers}; it must be at least 1.")

    def run(tasks: Sequence[Task], step: Step) -> Iterator[int]:
        if not tasks:
            return
        sizes = {task.number: len(task.prompts) for task in tasks}
        done, total = 0, sum(sizes.values())
        with _connected(address, cpus), _readable_errors():
            for row in _pipeline(tasks, settings, workers):
                number = int(row["number"])
                if row["error"]:
                    raise _error(row["error"])
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
        task, settings = Task(**given["task"]), given["settings"]
        try:
            if not is_begun(task.folder):
                raise OutputError(
                    f"The folder {task.folder!r} is not to be seen from every machine of the cluster.",
                    "Give one on a disk that all of them share.",
                )
            self._encoder = self._encoder or _open(settings)
            store_shard(task, encode_shard(task, self._encoder))
        except EmotiCrafterError as error:  # as text, because Ray would wrap it
            return {"number": task.number, "error": json.dumps([type(error).__name__, error.problem, error.hint])}
        return {"number": task.number, "error": ""}


def _open(settings: dict[str, Any]) -> Any:
    """The text encoders, if they are the ones that the driver means."""
    import torch

    from emoticrafter.backbones.registry import open_encoder

    torch.set_num_threads(settings["threads"])
    encoder = open_encoder(settings["backbone"], device=settings["device"], dtype=settings["compute"])
    if encoder.fingerprint != settings["fingerprint"]:
        raise InputError(
            f"A Ray worker found text encoders of hash {encoder.fingerprint[:16]} for {settings['backbone']!r}; those of this"
            f" machine have {settings['fingerprint'][:16]}.",
            "Put the same weights on all machines.",
        )
    return encoder


def _pipeline(tasks: Sequence[Task], settings: dict[str, Any], workers: int | None) -> Iterator[dict[str, Any]]:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    gpu = str(settings["device"]).startswith("cuda")
    count, threads = _shares(ray.nodes(), gpu, workers)
    settings = {**settings, "threads": threads}
    rows = [{"task": json.dumps({"task": asdict(task), "settings": settings})} for task in tasks]
    made = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        ShardMaker,
        num_cpus=threads,
        num_gpus=1 if gpu else None,
        compute=ray.data.ActorPoolStrategy(size=min(count, len(rows)), max_tasks_in_flight_per_actor=2),
    )
    yield from made.iter_rows()


def _shares(nodes: Sequence[dict[str, Any]], gpu: bool, workers: int | None) -> tuple[int, int]:
    """How many workers, and the cores of each."""
    found = [node["Resources"] for node in nodes if node["Alive"]]
    cores = [int(one.get("CPU", 0)) for one in found]
    if gpu:
        gpus = sum(int(one.get("GPU", 0)) for one in found)
        if not gpus:
            raise DeviceError("The Ray cluster has no GPU.", "Give --device cpu, or the address of another cluster.")
        return min(workers or gpus, gpus), 1
    able = [count for count in cores if count]
    if not able or (workers or 1) > sum(able):
        raise InputError(f"{workers or 1} Ray workers were asked for; the cluster has {sum(able)} cores.", "Ask for fewer.")
    if workers is None:
        return len(able), min(able)
    return workers, max(1, min(sum(able) // workers, max(able)))


@contextmanager
def _connected(address: str | None, cpus: int | None) -> Iterator[None]:
    """Connected to a cluster: the one that this process is in, the one of the address, or a new one on this machine."""
    address = address or os.environ.get("RAY_ADDRESS") or None
    if address is None and "ray" not in sys.modules:
        # Read when Ray is imported: addresses of this machine only, and a token that nobody else has.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it writes remarks on its own workings to the terminal
        if os.environ.setdefault("RAY_AUTH_MODE", "token") == "token" and "RAY_AUTH_TOKEN_PATH" not in os.environ:
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    import ray

    if ray.is_initialized():
        yield
        return
    local: dict[str, Any] = {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": OBJECT_STORE}
    options = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address is None:
            ray.init(address="local", **local, **options)
        else:
            ray.init(address=address, **options)
    except Exception as error:  # of many kinds: no answer, another version, a wrong token
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]
        raise MissingError(
            f"There is no Ray cluster at {address!r}: {reason}." if address else f"Ray could not be started here: {reason}.",
            "Check --ray-address and RAY_ADDRESS." if address else "Use --engine local.",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _readable_errors() -> Iterator[None]:
    """What goes wrong in Ray itself, a worker that was killed, say, as an error for people."""
    from ray.exceptions import RayError

    try:
        yield
    except RayError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise DeviceError(f"The Ray workers failed: {lines[-1][:300] if lines else type(error).__name__}.", _AGAIN) from error


def _error(text: str) -> EmotiCrafterError:
    name, problem, hint = json.loads(text)
    kind = getattr(errors, name) if name in errors.__all__ else EmotiCrafterError
    return kind(problem, hint)
