"""Pictures drawn on a Ray cluster: each worker opens the model once, and takes one request after the other.

Prompts go out, and pictures or the bytes of finished files come back: the machines need share no disk, and this process alone
writes. A request or a batch is drawn as a whole by one worker. A picture's bytes depend on its company and the kind of processor,
so on like machines they are those of a single process. A worker that dies is started again, and its work given to it again.
"""

from __future__ import annotations

import json
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PIL import Image

from emoticrafter.batch.drawing import BatchTask, Drawn, draw
from emoticrafter.batch.rows import Row
from emoticrafter.cluster.workers import connected, error_of, error_text, readable_errors, shares
from emoticrafter.errors import EmotiCrafterError, InputError
from emoticrafter.method import BaseMethod
from emoticrafter.picture import Picture
from emoticrafter.request import Request
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from emoticrafter.method import Method

__all__ = ["RayMethod"]

RESTARTS = 3  # of a worker that dies
PATIENCE = 0.1  # seconds between two looks at a worker that draws
LOOKING = "looking"  # the group of calls that a worker answers while it draws


class RayMethod(BaseMethod):
    """A `Method` whose pictures come from the workers of a cluster; `run_batch` takes it and `engine=method.engine`.

    To be entered as a context manager, which connects. open_method: opens the method in each worker; it must be picklable, and
    find its files on every machine. gpu: give each worker a GPU. address, workers, cpus: as `cluster.features.ray_engine`
    takes them.
    """

    def __init__(
        self,
        open_method: Callable[[], Method],
        *,
        gpu: bool = False,
        address: str | None = None,
        workers: int | None = None,
        cpus: int | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(
                f"The number of Ray workers is {workers}; it must be at least 1.", "Leave it out to go by the cluster."
            )
        self._open, self._gpu, self._workers = open_method, gpu, workers
        self._cluster = (address, cpus)
        self._left = ExitStack()
        self._actors: list[Any] = []
        self._busy: Counter[int] = Counter()  # requests of each actor, by its place
        self._lock = threading.Lock()
        self._description: dict[str, Any] | None = None

    def __enter__(self) -> RayMethod:
        with ExitStack() as stack:
            stack.enter_context(connected(*self._cluster))
            stack.enter_context(readable_errors())
            import ray

            count, threads = shares(ray.nodes(), self._gpu, self._workers)
            options = {"num_cpus": threads, "num_gpus": 1 if self._gpu else 0}
            worker = ray.remote(concurrency_groups={LOOKING: 1})(PictureWorker)
            worker = worker.options(**options, max_restarts=RESTARTS, max_task_retries=RESTARTS)
            self._actors = [worker.remote(self._open, None if self._gpu else threads) for _ in range(count)]
            self._left = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._actors = []
        self._left.__exit__(kind, error, trace)

    def describe(self) -> dict[str, Any]:
        """See `Method.describe`: the first worker's."""
        if self._description is None:
            self._description = dict(_answer_of(self._actors[0].describe.remote(), SILENT)["description"])
        return self._description

    def check(self, request: Request, watch: Watch = SILENT) -> None:
        """See `Method.check`."""
        _answer_of(self._actors[0].check.remote(request.model_dump_json()), watch)

    def draw(self, request: Request, watch: Watch = SILENT) -> list[Picture]:
        """See `Method.draw`: by the worker that has the least to do."""
        watch.check()
        with self._lock:
            place = min(range(len(self._actors)), key=self._busy.__getitem__)
            self._busy[place] += 1
        try:
            with readable_errors():
                return self._drawn(self._actors[place], request, watch)
        finally:
            with self._lock:
                self._busy[place] -= 1

    def _drawn(self, actor: Any, request: Request, watch: Watch) -> list[Picture]:
        import ray
        from ray.exceptions import RayError

        id, step = uuid.uuid4().hex, watch.stage("drawing")
        reference = actor.draw.remote(id, request.model_dump_json(), watch.preview is not None)
        look = actor.look.options(concurrency_group=LOOKING)
        while not ray.wait([reference], timeout=PATIENCE)[0]:
            with suppress(RayError):  # a worker that is started again
                seen = ray.get(look.remote(id, watch.stop()))
                if seen["progress"]:
                    step(*seen["progress"])
                for number, image in seen["previews"]:
                    if watch.preview is not None:
                        watch.preview(number, _image(image))
        answer = _answer_of(reference, watch)
        return [Picture(image=_image(image), recipe=recipe) for image, recipe in answer["pictures"]]

    def engine(self, tasks: Sequence[BatchTask], watch: Watch) -> Iterator[Drawn]:
        """See `batch.drawing.Engine`: each worker draws one batch at a time."""
        import ray

        description = json.dumps(self.describe(), sort_keys=True)
        total, done, step = sum(len(task.rows) for task in tasks), 0, watch.stage("drawing")
        waiting, sizes = list(reversed(tasks)), {task.number: len(task.rows) for task in tasks}
        running: dict[Any, Any] = {}

        def begin(actor: Any) -> None:
            if waiting and not watch.stop():
                task = waiting.pop()
                rows = [asdict(row) for row in task.rows]
                running[actor.draw_task.remote(task.number, rows, task.suffix, description)] = actor

        for actor in self._actors:
            begin(actor)
        while running:
            ready, _ = ray.wait(list(running), num_returns=1)
            actor = running.pop(ready[0])
            made = _answer_of(ready[0], watch)
            begin(actor)
            done += sizes[made["number"]]
            step(done, total)
            yield Drawn(number=made["number"], pictures=made["files"])


class PictureWorker:
    """One process of the cluster. Its answers hold `error`, as `error_text` writes it, where there was one."""

    def __init__(self, open_method: Callable[[], Method], threads: int | None) -> None:
        self._open, self._threads = open_method, threads
        self._method: Any = None
        self._warnings: list[str] = []
        self._stopped: set[str] = set()  # ids of requests
        self._progress: dict[str, tuple[int, int]] = {}
        self._previews: dict[str, list[tuple[int, Any]]] = {}

    def describe(self) -> dict[str, Any]:
        return self._answer(lambda method: {"description": dict(method.describe())})

    def check(self, request: str) -> dict[str, Any]:
        def ask(method: Method) -> dict[str, Any]:
            method.check(Request.model_validate_json(request), self._watch())
            return {}

        return self._answer(ask)

    def draw(self, id: str, request: str, previewed: bool) -> dict[str, Any]:
        """The pictures of a request, as bytes with their recipes. previewed: whether `look` is to show how they become."""

        def make(method: Method) -> dict[str, Any]:
            watch = Watch(
                stage=lambda name: lambda done, total: self._progress.update({id: (done, total)}),
                warn=self._warnings.append,
                stop=lambda: id in self._stopped,
                preview=(lambda number, image: self._previews.setdefault(id, []).append((number, _bytes(image))))
                if previewed
                else None,
            )
            watch.check()
            pictures = method.draw(Request.model_validate_json(request), watch)
            return {"pictures": [(_bytes(picture.image), picture.recipe) for picture in pictures]}

        try:
            return self._answer(make)
        finally:
            self._stopped.discard(id)
            self._progress.pop(id, None)
            self._previews.pop(id, None)

    def look(self, id: str, stop: bool) -> dict[str, Any]:
        """How far a request is, and what there is new to see of it; called while it is drawn. stop: end it."""
        if stop:
            self._stopped.add(id)
        return {"progress": self._progress.get(id), "previews": self._previews.pop(id, [])}

    def draw_task(self, number: int, rows: list[dict[str, Any]], suffix: str, description: str) -> dict[str, Any]:
        """The files of a batch, as bytes; refused where this worker's method is not the one that was described."""

        def make(method: Method) -> dict[str, Any]:
            own = json.loads(json.dumps(dict(method.describe())))
            meant = json.loads(description)
            if differing := [name for name in {**meant, **own} if meant.get(name) != own.get(name)]:
                name = differing[0]
                raise InputError(
                    f"A Ray worker found the {name.replace('_', ' ')} {own.get(name)!r}; another one found {meant.get(name)!r}.",
                    "Put the same weights on all machines, of one kind.",
                )
            pictures = draw(method, [Row(**row) for row in rows], self._watch())
            return {"number": number, "files": [picture.encoded(suffix) for picture in pictures]}

        return self._answer(make)

    def _watch(self) -> Watch:
        return Watch(warn=self._warnings.append)

    def _answer(self, ask: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        try:
            if self._method is None:
                self._method = self._opened()
            answer = ask(self._method)
        except EmotiCrafterError as error:
            answer = {"error": error_text(error)}
        warnings, self._warnings[:] = list(self._warnings), []
        return {**answer, "warnings": warnings}

    def _opened(self) -> Any:
        method: Any = self._open()
        if self._threads is not None and "torch" in sys.modules:
            import torch

            torch.set_num_threads(self._threads)
        return method


def _answer_of(reference: Any, watch: Watch) -> Mapping[str, Any]:
    import ray

    answer: dict[str, Any] = ray.get(reference)
    for text in answer.get("warnings", ()):
        watch.warn(text)
    if answer.get("error"):
        raise error_of(answer["error"])
    return answer


def _bytes(image: Image.Image) -> tuple[tuple[int, int], bytes]:
    return image.size, image.convert("RGB").tobytes()


def _image(sent: tuple[tuple[int, int], bytes]) -> Image.Image:
    return Image.frombytes("RGB", *sent)
