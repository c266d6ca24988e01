"""Drawing a batch of rows through a maker, and the engine that draws one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emoticrafter.batch.rows import Row

if TYPE_CHECKING:
    from emoticrafter.maker import Maker
    from emoticrafter.picture import Picture

__all__ = ["Drawn", "Engine", "Task", "check_rows", "draw", "in_process"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A batch to draw: its number, its rows, all of the same settings, and the suffix of the files."""

    number: int
    rows: tuple[Row, ...]
    suffix: str


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The pictures of a task's rows, or the bytes of their files."""

    number: int
    pictures: Sequence[Picture | bytes]


Step = Callable[[int, int], None]  # called with (done, total), in pictures
Stop = Callable[[], bool]  # whether to begin no further batch

# Draws tasks, in any order: yields each when it is done.
Engine = Callable[[Sequence[Task], Step, Stop], Iterator[Drawn]]


def in_process(maker: Maker) -> Engine:
    """Batch after batch in this process."""

    def run(tasks: Sequence[Task], step: Step, stop: Stop) -> Iterator[Drawn]:
        total, done = sum(len(task.rows) for task in tasks), 0
        for task in tasks:
            if stop():
                return

            def within(steps: int, of: int, done: int = done, count: int = len(task.rows)) -> None:
                step(done + count * steps // max(of, 1), total)

            pictures = draw(maker, task.rows, within)
            done += len(task.rows)
            step(done, total)
            yield Drawn(number=task.number, pictures=pictures)

    return run


def draw(maker: Maker, rows: Sequence[Row], progress: Step | None = None) -> list[Picture]:
    """A picture for each of some rows of the same settings, in one call of the maker."""
    pictures = maker.generate(
        [row.prompt for row in rows],
        [row.emotion for row in rows],
        seed=[row.seed for row in rows],
        progress=progress,
        **_arguments(rows[0]),
    )
    assert len(pictures) == len(rows), "a maker returns a picture for each pair"
    return pictures


def check_rows(maker: Any, rows: Sequence[Row]) -> None:
    """Raise the InputError with which the maker would refuse one of the rows, where it can tell beforehand."""
    check = getattr(maker, "check", None)
    if check is None:
        return
    alike: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault((*row.settings.values(), row.preview), []).append(row)
    for same in alike.values():
        check(list(dict.fromkeys(row.prompt for row in same)), list({row.seed for row in same}), **_arguments(same[0]))


def _arguments(row: Row) -> dict[str, Any]:
    """A row's settings as the maker takes them; what is its own stays out."""
    given = {name: value for name, value in row.settings.items() if value is not None and name not in ("width", "height")}
    if not given.get("start"):
        given.pop("start", None)  # not every method knows it
    if row.width is not None and row.height is not None:
        given["size"] = (row.width, row.height)
    return {**given, "preview": True} if row.preview else given
