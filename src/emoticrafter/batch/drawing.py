"""Drawing a batch of rows by a method, and the engine that draws one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from emoticrafter.batch.rows import Row
from emoticrafter.request import MAX_PICTURES, Request
from emoticrafter.watch import SILENT, Step, Watch

if TYPE_CHECKING:
    from emoticrafter.method import Method
    from emoticrafter.picture import Picture

__all__ = ["BatchTask", "Drawn", "Engine", "check_rows", "draw", "in_process"]


@dataclass(frozen=True, kw_only=True)
class BatchTask:
    """A batch to draw: its number, its rows, all of the same settings, and the suffix of the files."""

    number: int
    rows: tuple[Row, ...]
    suffix: str


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The pictures of a task's rows, or the bytes of their files."""

    number: int
    pictures: Sequence[Picture | bytes]


# Draws tasks, in any order: yields each when it is done. The watch hears of pictures, as the stage "drawing"; it is asked before
# each task whether to stop, and what was begun is finished.
Engine = Callable[[Sequence[BatchTask], Watch], Iterator[Drawn]]


def in_process(method: Method) -> Engine:
    """Batch after batch in this process."""

    def run(tasks: Sequence[BatchTask], watch: Watch) -> Iterator[Drawn]:
        total, done = sum(len(task.rows) for task in tasks), 0
        step = watch.stage("drawing")
        for task in tasks:
            if watch.stop():
                return

            def within(steps: int, of: int, done: int = done, count: int = len(task.rows)) -> None:
                step(done + count * steps // max(of, 1), total)

            pictures = draw(method, task.rows, replace(watch, stage=partial(_always, within), stop=_never))
            done += len(task.rows)
            step(done, total)
            yield Drawn(number=task.number, pictures=pictures)

    return run


def draw(method: Method, rows: Sequence[Row], watch: Watch = SILENT) -> list[Picture]:
    """A picture for each of some rows of the same settings, in one request."""
    pictures = method.draw(_request(rows), watch)
    assert len(pictures) == len(rows), "a method returns a picture for each pair"
    return pictures


def check_rows(method: Any, rows: Sequence[Row], watch: Watch = SILENT) -> None:
    """Raise the InputError with which the method would refuse one of the rows."""
    alike: dict[tuple[Any, ...], dict[tuple[str, int], Row]] = {}
    for row in rows:
        alike.setdefault((*row.settings.values(), row.preview), {}).setdefault((row.prompt, row.seed), row)
    for same in alike.values():
        different = list(same.values())
        for first in range(0, len(different), MAX_PICTURES):
            method.check(_request(different[first : first + MAX_PICTURES]), watch)


def _request(rows: Sequence[Row]) -> Request:
    return Request(
        prompts=tuple(row.prompt for row in rows),
        emotions=tuple(row.emotion for row in rows),
        seeds=tuple(row.seed for row in rows),
        sampling=rows[0].sampling,
    )


def _always(step: Step, name: str) -> Step:
    return step


def _never() -> bool:
    return False
