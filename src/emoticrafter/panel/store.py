"""People and answers on the disk: SQLite in WAL mode, every answer written before the page shows the next trial.

A participant's answers belong to one session at a time, the latest that entered; an answer of another one is refused, and so is
a trial that is not the next. Two tabs thus cannot answer twice, and an answer that is sent again is written once.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from emoticrafter.errors import InputError, MissingError, reason_of
from emoticrafter.panel.answers import Screen, Who, now, respond
from emoticrafter.panel.frozen import Frozen, open_frozen
from emoticrafter.panel.people import Participant
from emoticrafter.panel.responses import COLUMNS, Response
from emoticrafter.panel.trials import Trial

__all__ = ["DATABASE", "Store", "StoreEntry"]

DATABASE = "panel.sqlite"
VERSION = 1
_TYPES = {"text": "TEXT", "integer": "INTEGER", "real": "REAL", "truth": "INTEGER", "json": "TEXT"}
_BUSY_S = 10.0  # how long one waits for another process that writes

_SCHEMA = f"""
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE participants (
    participant TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, person TEXT UNIQUE, sequence INTEGER NOT NULL UNIQUE,
    state TEXT NOT NULL, trials INTEGER NOT NULL, answered INTEGER NOT NULL, session TEXT,
    begun_at TEXT, finished_at TEXT, parameters TEXT NOT NULL
);
CREATE TABLE responses ({", ".join(f'"{one.name}" {_TYPES[one.kind]}{"" if one.nullable else " NOT NULL"}' for one in COLUMNS)});
CREATE UNIQUE INDEX once ON responses (participant, trial, question, ifnull(picture, ''));
"""


@dataclass(frozen=True, kw_only=True)
class StoreEntry:
    """A participant as the server knows them: with the token of their link."""

    participant: str
    token: str
    sequence: int
    state: str
    trials: int
    answered: int


class Store:
    """The database of one study. Usable from several threads, and beside other processes."""

    def __init__(self, frozen: Frozen, connection: sqlite3.Connection) -> None:
        self.frozen = frozen
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def create(cls, frozen: Frozen, *, simulated: bool = False) -> Store:
        """The store of a study that begins; one that is there is taken up. simulated: its participants are programs.

        Raises InputError for one that is of the other sort.
        """
        assert frozen.folder is not None, "a draft has no store"
        connection = _connect(frozen.folder / DATABASE)
        with _writing(connection):
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                about = {"version": VERSION, "simulated": int(simulated), "next": 1, "withdrawn": 0}
                connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
        store = cls(frozen, connection)
        if store.simulated != simulated:
            store.close()
            kinds = ("people", "programs")
            raise InputError(
                f"The participants of this study are {kinds[not simulated]}.", "Keep the two apart: give another --out."
            )
        return store

    @classmethod
    def open(cls, folder: str | Path) -> Store:
        """The store of a study that has begun. Raises MissingError and InputError."""
        frozen = open_frozen(folder)
        assert frozen.folder is not None
        path = frozen.folder / DATABASE
        if not path.is_file():
            raise MissingError(f"The study in {str(frozen.folder)!r} has not begun.", "Begin it: emoticrafter panel serve.")
        return cls(frozen, _connect(path))

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def simulated(self) -> bool:
        """Whether the participants are programs."""
        return bool(int(self._about("simulated")))

    @property
    def withdrawn(self) -> int:
        """How many participants had their answers deleted."""
        return int(self._about("withdrawn"))

    def responses(self) -> list[Response]:
        """All answers, in the order of participants, trials and questions."""
        with self._lock:
            rows = self._connection.execute("SELECT * FROM responses ORDER BY participant, trial, rowid").fetchall()
        return [Response.of(dict(row)) for row in rows]

    def participants(self) -> list[Participant]:
        """All who have a link or entered, but for those who have withdrawn."""
        with self._lock:
            rows = self._connection.execute("SELECT * FROM participants ORDER BY participant").fetchall()
        return [
            Participant(
                participant=row["participant"], sequence=row["sequence"], simulated=self.simulated, state=row["state"],
                trials=row["trials"], answered=row["answered"], begun_at=row["begun_at"], finished_at=row["finished_at"],
                parameters=json.loads(row["parameters"]),
            )
            for row in rows
        ]  # fmt: skip

    def invite(self, wanted: int) -> list[StoreEntry]:
        """Links for the first `wanted` rows of the design, made where there are none yet."""
        with self._writing():
            taken = {row["sequence"] for row in self._connection.execute("SELECT sequence FROM participants")}
            for sequence in range(wanted):
                if sequence not in taken:
                    self._insert(sequence, None, {})
            rows = self._connection.execute(
                "SELECT * FROM participants WHERE sequence < ? ORDER BY sequence", (wanted,)
            ).fetchall()
        return [_entry(row) for row in rows]

    def join(self, parameters: Mapping[str, str]) -> StoreEntry:
        """A participant by an open address; the first parameter of the study, where given, names a person who came before."""
        person = parameters.get(self.frozen.study.people.parameters[0]) or None
        with self._writing():
            known = person and self._connection.execute("SELECT * FROM participants WHERE person = ?", (person,)).fetchone()
            return _entry(known or self._insert(None, person, parameters))

    def find(self, *, token: str | None = None, person: str | None = None) -> StoreEntry | None:
        """The participant of a link's token, or of an open address's parameter."""
        column, value = ("token", token) if token is not None else ("person", person)
        with self._lock:
            row = self._connection.execute(f"SELECT * FROM participants WHERE {column} = ?", (value,)).fetchone()
        return None if row is None else _entry(row)

    def begin(self, participant: str) -> None:
        """Consent was given."""
        with self._writing():
            self._connection.execute(
                "UPDATE participants SET state = 'begun', begun_at = ? WHERE participant = ? AND state = 'invited'",
                (now(), participant),
            )

    def take(self, participant: str, session: str) -> StoreEntry:
        """From now on the answers come from this session, and from no other."""
        with self._writing():
            row = self._connection.execute(
                "UPDATE participants SET session = ? WHERE participant = ? RETURNING *", (session, participant)
            ).fetchone()
        if row is None:
            raise _unknown(participant)
        return _entry(row)

    def add(
        self,
        participant: str,
        session: str,
        trial: Trial,
        answers: Mapping[str, Any],
        rt_ms: Mapping[str, float],
        screen: Screen,
    ) -> int:
        """Write the answers to a trial, all or none; returns how many trials are answered now.

        The trial must be the next one, and the session the one that was last taken; the last trial, sent again by its session, is
        taken for written. Raises InputError: with field "session" for another session, "trial" for another trial, else the
        question's for an answer that is none.
        """
        with self._writing():
            row = self._row(participant)
            if row["session"] != session:
                raise InputError(
                    "Another page has gone on with this study.", "Go on there, or load this page again.", field="session"
                )
            if row["state"] == "invited":
                raise InputError("Nobody has consented yet.", "Load the page again.", field="trial")
            if trial.trial == row["answered"]:
                return int(row["answered"])
            if trial.trial != row["answered"] + 1:
                raise InputError(
                    f"The answer is to trial {trial.trial}; the next one is {row['answered'] + 1}.", "Load the page again.",
                    field="trial", value=trial.trial,
                )  # fmt: skip
            who = self._who(row, session)
            rows = [one.entries() for one in respond(who, trial, answers, rt_ms, screen)]
            names = ", ".join(f'"{one.name}"' for one in COLUMNS)
            places = ", ".join(f":{one.name}" for one in COLUMNS)
            self._connection.executemany(f"INSERT INTO responses ({names}) VALUES ({places})", rows)
            self._connection.execute("UPDATE participants SET answered = ? WHERE participant = ?", (trial.trial, participant))
        return trial.trial

    def finish(self, participant: str, session: str) -> None:
        """The last page was reached. Raises InputError where trials are not answered, or another session goes on."""
        with self._writing():
            row = self._row(participant)
            if row["session"] != session:
                raise InputError("Another page has gone on with this study.", "Go on there.", field="session")
            if row["answered"] < row["trials"]:
                raise InputError(
                    f"{row['trials'] - row['answered']} trials are not answered.", "Load the page again.", field="trial"
                )
            self._connection.execute(
                "UPDATE participants SET state = 'finished', finished_at = ifnull(finished_at, ?) WHERE participant = ?",
                (now(), participant),
            )

    def withdraw(self, participant: str) -> int:
        """Delete a participant and all of their answers, in the file too; returns how many answers there were.

        Their row of the design is free again. Raises InputError for a participant who is not there.
        """
        with self._writing():
            self._row(participant)
            deleted = self._connection.execute("DELETE FROM responses WHERE participant = ?", (participant,)).rowcount
            self._connection.execute("DELETE FROM participants WHERE participant = ?", (participant,))
            self._connection.execute("UPDATE about SET value = value + 1 WHERE name = 'withdrawn'")
        with self._lock:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what the log still held goes as well
        return deleted

    def _who(self, row: sqlite3.Row, session: str) -> Who:
        return Who(
            study=self.frozen.study.name, study_hash=self.frozen.hash, kind=self.frozen.study.kind,
            simulated=bool(int(self._about("simulated", locked=True))), participant=row["participant"], session=session,
            sequence=row["sequence"],
        )  # fmt: skip

    def _insert(self, sequence: int | None, person: str | None, parameters: Mapping[str, str]) -> sqlite3.Row:
        if sequence is None:  # the smallest that nobody follows, so that those who withdrew are replaced
            taken = {row["sequence"] for row in self._connection.execute("SELECT sequence FROM participants")}
            sequence = next(number for number in range(len(taken) + 1) if number not in taken)
        number = int(self._about("next", locked=True))
        self._connection.execute("UPDATE about SET value = value + 1 WHERE name = 'next'")
        trials = len(self.frozen.trials(sequence))
        row: sqlite3.Row = self._connection.execute(
            "INSERT INTO participants VALUES (?, ?, ?, ?, 'invited', ?, 0, NULL, NULL, NULL, ?) RETURNING *",
            (
                f"p{number:03}",
                secrets.token_urlsafe(12),
                person,
                sequence,
                trials,
                json.dumps(dict(parameters), ensure_ascii=False),
            ),
        ).fetchone()
        return row

    def _row(self, participant: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._connection.execute(
            "SELECT * FROM participants WHERE participant = ?", (participant,)
        ).fetchone()
        if row is None:
            raise _unknown(participant)
        return row

    def _about(self, name: str, *, locked: bool = False) -> str:
        if not locked:
            with self._lock:
                return self._about(name, locked=True)
        return str(self._connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()["value"])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, _writing(self._connection):
            yield


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise InputError(
            f"The answers in {str(path)!r} cannot be read: {reason_of(error)}.", "Restore the file from a copy."
        ) from error
    return connection


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _entry(row: sqlite3.Row) -> StoreEntry:
    return StoreEntry(
        participant=row["participant"], token=row["token"], sequence=row["sequence"], state=row["state"], trials=row["trials"],
        answered=row["answered"],
    )  # fmt: skip


def _unknown(participant: str) -> InputError:
    return InputError(
        f"The study has no participant {participant[:40]!r}.", "`emoticrafter panel export` lists them.", field="participant"
    )
