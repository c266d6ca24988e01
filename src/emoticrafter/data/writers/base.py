"""What a writer is: tasks go in, a pair or a reason comes out for each, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.extras import need_extra

__all__ = ["WRITERS", "Failure", "Pair", "Progress", "Task", "Tell", "Writer", "open_writer"]

WRITERS = ("openai", "rules")


@dataclass(frozen=True, kw_only=True)
class Task:
    """A pair to be written, for what is to be seen and the feeling of it."""

    id: str
    emotion: Emotion
    caption: str | None = None  # what is to be seen, in words
    picture: str | None = None  # path below the data set's folder


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two prompts of one content, neither empty."""

    neutral: str
    emotional: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why there is no pair."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far the work is, and the tokens that it has cost since it began."""

    done: int
    total: int
    tokens_in: int = 0
    tokens_out: int = 0


Tell = Callable[[Progress], None]


class Writer(Protocol):
    """Writes pairs. `name` goes into the table's column `writer`."""

    @property
    def name(self) -> str: ...

    def write(self, tasks: Sequence[Task], tell: Tell) -> list[Pair | Failure]:
        """A pair or a reason for each task, in order. Raises an EmotiCrafterError if going on makes no sense."""
        ...


def open_writer(name: str, **settings: Any) -> Writer:
    """The writer of that name with its settings. Raises InputError for another name, MissingError without its packages."""
    if name == "rules":
        from emoticrafter.data.writers.rules import RulesWriter

        return RulesWriter(**settings)
    if name == "openai":
        need_extra("openai", "openai", "pydantic")
        from emoticrafter.data.writers.openai import OpenAIWriter

        return OpenAIWriter(**settings)
    raise InputError(f"There is no writer {name[:60]!r}.", f"Give one of {', '.join(WRITERS)}.")
