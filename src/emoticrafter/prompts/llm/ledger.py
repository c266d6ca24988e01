"""Every answer that was paid for, appended to a file the moment it arrives.

A line is a JSON object; `key` is the hash of the request that it answers, so that a second run asks only for what is missing.
An answer is on the disk before `add` returns. Whatever ends the program, at most one torn line is left at the end, and that
one was not yet counted; `open` cuts it off.
"""

from __future__ import annotations

import io
import json
import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from emoticrafter.errors import InputError, MissingError, OutputError
from emoticrafter.files import user_path
from emoticrafter.inputs.named import check_file, read_file
from emoticrafter.inputs.records import parse_json
from emoticrafter.locks import LOCK, hold

__all__ = ["AnswerLedger"]

Status = Literal["answer", "refusal", "useless"]  # useless: paid for, but it held no pair
_SETTLED = ("answer", "refusal")  # what is not asked for again
_MAX_BYTES = 1 << 32
_BEGINNING = b'{"key": "'  # of every line


class AnswerLedger:
    """Answers by key. One process at a time has it open; `read` looks into it at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settled: dict[str, dict[str, Any]] = {}
        self.tokens_in = 0  # of all lines, earlier runs' too
        self.tokens_out = 0
        self._file: io.FileIO | None = None
        self._held = ExitStack()
        self._length = 0

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> AnswerLedger:
        """What the file holds, nothing if there is none; raises InputError naming a line that is damaged."""
        ledger = cls(user_path(path))
        with suppress(MissingError):
            ledger._take(read_file(ledger.path, _MAX_BYTES, cure="Choose another --out, or mend that file."))
        return ledger

    def __enter__(self) -> AnswerLedger:
        with suppress(MissingError):
            check_file(self.path, cure="Choose another place for --out.", error=OutputError)
        with ExitStack() as stack:  # two runs on one ledger would pay twice for the same answers
            lock = self.path.with_name(f".{self.path.name}{LOCK}")
            problem = f"Another run is writing to {str(self.path)!r}."
            try:
                lock.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(hold(lock, problem, "Wait for its end, or choose another --out.", passing=True))
                self._file = stack.enter_context(io.FileIO(self.path, "a+"))
            except OSError as error:
                raise OutputError(
                    f"The answers cannot be kept in {str(self.path)!r}: {error.strerror}.", "Choose another place for --out."
                ) from error
            self._file.seek(0)
            self._length = self._take(self._file.readall())
            self._file.truncate(self._length)
            self._held = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._held.__exit__(kind, error, trace)
        self._file = None

    def add(self, key: str, status: Status, text: str, *, about: str, tokens_in: int, tokens_out: int) -> None:
        """Keep an answer, on the disk when this returns. about: for people who read the file, the task's id."""
        assert self._file is not None, "the ledger is not open"
        record = {
            "key": key, "status": status, "about": about, "text": text, "tokens_in": tokens_in, "tokens_out": tokens_out,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }  # fmt: skip
        line = f"{json.dumps(record, ensure_ascii=False, allow_nan=False)}\n".encode("utf-8", "replace")
        try:
            written = 0
            while written < len(line):
                written += self._file.write(line[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._length)  # half a line must not stand before the next one
            raise OutputError(
                f"An answer could not be kept in {str(self.path)!r}: {error.strerror}.",
                "Free some space; then the same command goes on where it stopped.",
            ) from error
        self._length += len(line)
        self._count(record)

    def _take(self, content: bytes) -> int:
        """Read all whole lines; returns their length in bytes."""
        self.settled, self.tokens_in, self.tokens_out = {}, 0, 0
        whole = content.rfind(b"\n") + 1
        torn = content[whole:]
        lines = content[:whole].split(b"\n")[:-1]
        if not _BEGINNING.startswith(torn[: len(_BEGINNING)]):
            lines.append(torn)  # not torn off by us: say so, rather than cut a stranger's file
        for number, line in enumerate(lines, start=1):
            try:
                record = parse_json(line)
                fits = all(isinstance(record[name], str) for name in ("key", "status", "text"))
                fits &= all(isinstance(record[name], int) for name in ("tokens_in", "tokens_out"))
            except (ValueError, KeyError, TypeError):
                fits = False
            if not fits:
                raise InputError(
                    f"Line {number} of {str(self.path)!r} is no answer that this program kept.",
                    "Delete that line: only its answer is asked for again. Or choose another --out.",
                )
            self._count(record)
        return whole

    def _count(self, record: dict[str, Any]) -> None:
        self.tokens_in += record["tokens_in"]
        self.tokens_out += record["tokens_out"]
        if record["status"] in _SETTLED:
            self.settled[record["key"]] = record
