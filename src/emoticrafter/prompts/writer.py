"""What a writer is: tasks go in, a pair or a reason comes out for each, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from emoticrafter.emotion import Emotion

__all__ = ["Failure", "Pair", "PairTask", "Tell", "Writer", "WritingProgress"]


@dataclass(frozen=True, kw_only=True)
class PairTask:
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
class WritingProgress:
    """How far the work is, and the tokens that it has cost since it began."""

    done: int
    total: int
    tokens_in: int = 0
    tokens_out: int = 0


Tell = Callable[[WritingProgress], None]


class Writer(Protocol):
    """Writes pairs. `name` goes into the table's column `writer`."""

    @property
    def name(self) -> str: ...

    def write(self, tasks: Sequence[PairTask], tell: Tell) -> list[Pair | Failure]:
        """A pair or a reason for each task, in order. Raises an EmotiCrafterError if going on makes no sense."""
        ...
