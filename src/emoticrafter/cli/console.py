"""What the commands print: results on stdout, everything said about them on stderr."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from emoticrafter.progress import Progress, clock
from emoticrafter.watch import Step


def say(text: str) -> None:
    """One line of the result."""
    sys.stdout.write(f"{text}\n")


def say_json(value: Any) -> None:
    """The result for machines: one JSON document, its characters escaped as JSON does where stdout cannot take them."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2, default=str)
    say(text)


def note(text: str) -> None:
    """A line beside the result, for people."""
    sys.stderr.write(f"{printable(text)}\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """A line about something that is no error but may surprise."""
    note(f"warning: {text}")


def table(rows: list[tuple[str, ...]]) -> None:
    """Rows in columns that line up; the last column is as wide as it likes."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for row in rows:
        say("  ".join([cell.ljust(width) for cell, width in zip(row, widths, strict=False)] + [row[-1]]).rstrip())


def printable(text: str) -> str:
    """`text` without the control characters with which a file or a prompt could steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


@contextmanager
def progress(label: str, quiet: bool = False) -> Iterator[Step]:
    """Tells how far a work is that calls back with (done, total): a bar on a terminal, elsewhere a line now and then."""
    with Progress(printable(label), math.inf, quiet=quiet, transient=True) as bar:
        began = time.monotonic()

        def step(done: int, total: int) -> None:
            if done and bar.due():
                bar.total, rate = total, done / (time.monotonic() - began)
                bar.tell(done, f"{done:,} of {total:,}, {rate:.2g} per second, {clock((total - done) / rate)} left")

        yield step


@contextmanager
def stages(things: str, quiet: bool = False) -> Iterator[Callable[[str], Step]]:
    """`progress` of one stage after the other, each named as it begins. things: what is worked on."""
    with ExitStack() as open_bar:

        def begin(name: str) -> Step:
            open_bar.close()
            return open_bar.enter_context(progress(f"{name} {things}", quiet))

        yield begin
