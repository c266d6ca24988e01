"""Batches of pictures drawn on a Ray cluster: each worker opens the model once, and takes one batch after the other.

Prompts go out, and the bytes of finished files come back: the machines need share no disk, and this process alone writes. A
picture's bytes depend on its batch and the kind of processor, so that on like machines the folder is the one that a single
process writes. A worker that dies is started again, and its batch given to it again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any

from emoticrafter.batch.drawing import Drawn, Step, Stop, Task, draw
from emoticrafter.batch.rows import Row
from emoticrafter.cluster.workers import connected, error_of, error_text, readable_errors, shares
from emoticrafter.errors import EmotiCrafterError, InputError

if TYPE_CHECKING:
    from emoticrafter.maker import Maker
    from emoticrafter.picture import Picture

__all__ = ["RayMaker"]

RESTARTS = 3  # of a worker that dies


class RayMaker:
    """A maker whose pictures come from the workers of a cluster; `run_batch` takes `maker` and `engine=maker.engine`.

    To be entered as a context manager, which connects. open_maker: makes the maker in each worker; it must be picklable, and
    find its files on every machine. gpu: give each worker a GPU. address, workers, cpus: as `cluster.features.ray_engine`
    takes them. warn: called with what a worker's maker warns of, where that has a `warn` of its own.
    """

    def __init__(
        self,
        open_maker: Callable[[], Maker],
        *,
        gpu: bool = False,
        address: str | None = None,
        workers: int | None = None,
        cpus: int | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(
                f"The number of Ray workers is {workers}; it must be at least 1.", "Leave it out to go by the cluster."
            )
        self._open, self._gpu, self._workers, self._warn = open_maker, gpu, workers, warn or (lambda text: None)
        self._cluster = (address, cpus)
        self._left = ExitStack()
        self._actors: list[Any] = []
        self._description: dict[str, Any] | None = None

    def __enter__(self) -> RayMaker:
        with ExitStack() as stack:
            stack.enter_context(connected(*self._cluster))
            stack.enter_context(readable_errors())
            import ray

            count, threads = shares(ray.nodes(), self._gpu, self._workers)
            options = {"num_cpus": threads, "num_gpus": 1 if self._gpu else 0}
            worker = ray.remote(PictureWorker).options(**options, max_restarts=RESTARTS, max_task_retries=RESTARTS)
            self._actors = [worker.remote(self._open, None if self._gpu else threads) for _ in range(count)]
            self._left = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._actors = []
        self._left.__exit__(kind, error, trace)

    def describe(self) -> dict[str, Any]:
        """See `Maker.describe`: the first worker's."""
        if self._description is None:
            self._description = dict(self._ask(self._actors[0].describe.remote())["description"])
        return self._description

    def check(self, prompts: Sequence[str], seeds: Sequence[int], **settings: Any) -> None:
        """See `EmotiCrafter.check`."""
        self._ask(self._actors[0].check.remote(list(prompts), list(seeds), settings))

    def generate(self, *_: Any, **__: Any) -> list[Picture]:
        raise NotImplementedError("a cluster draws batches: give `run_batch` its engine")

    def engine(self, tasks: Sequence[Task], step: Step, stop: Stop) -> Iterator[Drawn]:
        """See `batch.drawing.Engine`: each worker draws one batch at a time."""
        import ray

        description = json.dumps(self.describe(), sort_keys=True)
        total, done = sum(len(task.rows) for task in tasks), 0
        waiting, sizes = list(reversed(tasks)), {task.number: len(task.rows) for task in tasks}
        running: dict[Any, Any] = {}

        def begin(actor: Any) -> None:
            if waiting and not stop():
                task = waiting.pop()
                rows = [asdict(row) for row in task.rows]
                running[actor.draw.remote(task.number, rows, task.suffix, description)] = actor

        for actor in self._actors:
            begin(actor)
        while running:
            ready, _ = ray.wait(list(running), num_returns=1)
            actor = running.pop(ready[0])
            made = self._ask(ready[0])
            begin(actor)
            done += sizes[made["number"]]
            step(done, total)
            yield Drawn(number=made["number"], pictures=made["files"])

    def _ask(self, reference: Any) -> Mapping[str, Any]:
        import ray

        answer: dict[str, Any] = ray.get(reference)
        for text in answer.get("warnings", ()):
            self._warn(text)
        if answer.get("error"):
            raise error_of(answer["error"])
        return answer


class PictureWorker:
    """One process of the cluster. Its answers hold `error`, as `error_text` writes it, where there was one."""

    def __init__(self, open_maker: Callable[[], Maker], threads: int | None) -> None:
        self._open, self._threads = open_maker, threads
        self._maker: Any = None
        self._warnings: list[str] = []

    def describe(self) -> dict[str, Any]:
        return self._answer(lambda maker: {"description": dict(maker.describe())})

    def check(self, prompts: list[str], seeds: list[int], settings: dict[str, Any]) -> dict[str, Any]:
        def ask(maker: Any) -> dict[str, Any]:
            if hasattr(maker, "check"):
                maker.check(prompts, seeds, **settings)
            return {}

        return self._answer(ask)

    def draw(self, number: int, rows: list[dict[str, Any]], suffix: str, description: str) -> dict[str, Any]:
        """The files of a batch, as bytes; refused where this worker's maker is not the one that was described."""

        def make(maker: Any) -> dict[str, Any]:
            own = json.loads(json.dumps(dict(maker.describe())))
            meant = json.loads(description)
            if differing := [name for name in {**meant, **own} if meant.get(name) != own.get(name)]:
                name = differing[0]
                raise InputError(
                    f"A Ray worker found the {name.replace('_', ' ')} {own.get(name)!r}; another one found {meant.get(name)!r}.",
                    "Put the same weights on all machines, of one kind.",
                )
            pictures = draw(maker, [Row(**row) for row in rows])
            return {"number": number, "files": [picture.encoded(suffix) for picture in pictures]}

        return self._answer(make)

    def _answer(self, ask: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        try:
            if self._maker is None:
                self._maker = self._opened()
            answer = ask(self._maker)
        except EmotiCrafterError as error:
            answer = {"error": error_text(error)}
        warnings, self._warnings[:] = list(self._warnings), []
        return {**answer, "warnings": warnings}

    def _opened(self) -> Any:
        maker: Any = self._open()
        if self._threads is not None and "torch" in sys.modules:
            import torch

            torch.set_num_threads(self._threads)
        if hasattr(maker, "warn"):
            maker.warn = self._warnings.append
        return maker
