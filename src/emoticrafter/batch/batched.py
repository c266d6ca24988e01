"""A batch from its rows to its index: the plan is kept, what is missing is drawn, and what is there is listed.

A run may end at any point, killed too: the same call draws exactly what is missing, in the batches of the plan, and ends in the
bytes of a run that nothing stopped.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.batch import files
from emoticrafter.batch.drawing import BatchTask, Drawn, Engine, check_rows, in_process
from emoticrafter.batch.index import INDEX, TABLE, entry, known_hashes, write_index
from emoticrafter.batch.plan import PLAN, Plan, default_batch, new_plan, read_plan
from emoticrafter.batch.rows import Row
from emoticrafter.errors import InputError
from emoticrafter.files import check_folder, user_path
from emoticrafter.locks import LOCK, busy, hold
from emoticrafter.watch import SILENT, Watch, once

if TYPE_CHECKING:
    from emoticrafter.method import Method

__all__ = ["Batched", "check_batch", "run_batch"]

MAX_BATCH = 1024


@dataclass(frozen=True, kw_only=True)
class Batched:
    """What a run did. rows: pictures that were asked for. before: of them, sound ones that were there. drawn: by this run, of
    them damaged that it replaced. missing: not drawn, because it was stopped. others: planned by earlier runs, and not there.
    """

    folder: Path
    index: Path
    rows: int
    before: int
    drawn: int
    damaged: int
    missing: int
    others: int
    seconds: float


def run_batch(
    method: Method,
    rows: Sequence[Row],
    folder: str | os.PathLike[str],
    *,
    format: str = "png",
    batch: int | None = None,
    table: bool = False,
    engine: Engine | None = None,
    watch: Watch = SILENT,
) -> Batched:
    """Draw the rows into a folder, or what is missing there, and write the index.

    format: png, webp or jpeg. batch: rows drawn together, in one request; by default as many as suit their size, or
    what the folder was begun with. table: write the index as CSV, too. engine: by default `in_process(method)`. watch: hears
    of the stages "checking" and "drawing" and of damaged files; once it says stop, no further batch begins, and what was begun
    is kept.

    Rows of another run are kept, and those of this one added to the plan. Raises InputError for rows that the method refuses
    (before any work) and for a folder that was begun with another method or other settings, with both values; OutputError for
    a folder that holds other files, that another run is writing to, and when the disk is full.
    """
    began = time.perf_counter()
    watch = replace(watch, warn=once(watch.warn))  # every batch warns of the words of its prompts
    folder = check_batch(user_path(folder), format=format, batch=batch)
    description = json.loads(json.dumps(dict(method.describe())))
    asked = {(plain := row.resolved(description)).id(description): plain for row in rows}
    if not asked:
        raise InputError("A batch of no rows was asked for.", "Give at least one prompt, one emotion and one seed.")
    check_rows(method, list(asked.values()), watch)
    with hold(folder / LOCK, *busy(folder)):
        plan = _planned(folder, description, files.SUFFIXES[format], batch, asked, watch.warn)
        plan.write(folder / PLAN)
        files.remove_half_written(folder)
        entries, damaged = _look(folder, plan, watch)
        tasks, waiting = _tasks(plan, [id for id in asked if id not in entries])
        before = sum(id in entries for id in asked)
        for id, made in _draw(folder, plan, engine or in_process(method), tasks, waiting, watch):
            entries[id] = made
        index = write_index(folder, [entries[id] for id in plan.rows if id in entries], len(plan.rows), table=table)
    done = sum(id in entries for id in asked)
    return Batched(
        folder=folder,
        index=index,
        rows=len(asked),
        before=before,
        drawn=done - before,
        damaged=sum(id in entries for id in damaged),
        missing=len(asked) - done,
        others=sum(id not in entries for id in plan.rows if id not in asked),
        seconds=time.perf_counter() - began,
    )


def check_batch(folder: str | os.PathLike[str], *, format: str, batch: int | None) -> Path:
    """The folder of a batch. Raises, before any work, what `run_batch` would: for the folder, the format, the size of batches."""
    if format not in files.SUFFIXES:
        raise InputError(f"The format is {format[:40]!r}.", f"Known ones: {', '.join(files.SUFFIXES)}.")
    if batch is not None and not 1 <= batch <= MAX_BATCH:
        raise InputError(f"The batch size is {batch}; it must be from 1 to {MAX_BATCH}.", "8 is usual; more takes more memory.")
    files.check_entries(Path(folder), {PLAN, INDEX, TABLE, files.PICTURES, LOCK})
    return check_folder(folder)


def _planned(
    folder: Path,
    description: Mapping[str, Any],
    suffix: str,
    batch: int | None,
    asked: Mapping[str, Row],
    warn: Callable[[str], None],
) -> Plan:
    """The folder's plan with the rows that are asked for."""
    before: Plan | None = None
    if (folder / PLAN).is_file():
        try:
            before = read_plan(folder / PLAN)
        except InputError as error:
            if " has version " in error.problem:
                raise
            warn(f"{error.problem} It is made anew from what was asked for now; pictures that are there stay.")
    own = batch or (before.batch if before is not None else default_batch(list(asked.values()), description))
    plan = new_plan(description, suffix, own, asked)
    if before is None:
        return plan
    before.check_same(plan, folder)
    return before.extended(asked)


def _look(folder: Path, plan: Plan, watch: Watch) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The index's entries of the sound pictures that are there, and the ids of the damaged ones."""
    hashes = known_hashes(folder, watch.warn)
    entries: dict[str, dict[str, Any]] = {}
    damaged: list[str] = []
    step = watch.stage("checking")
    for number, (id, row) in enumerate(plan.rows.items(), 1):
        file = plan.file(id)
        try:
            found = files.look(folder / file, row, hashes.get(id))
            if found is not None:
                files.check_not_black(folder / file, found.recipe)
        except InputError as error:
            damaged.append(id)
            if len(damaged) <= 3:
                watch.warn(error.problem)
            continue
        if found is not None:
            entries[id] = entry(id, row, file, found.recipe, found.sha256, plan.method)
        step(number, len(plan.rows))
    if len(damaged) > 3:
        watch.warn(f"So are {len(damaged) - 3} more pictures.")
    return entries, damaged


def _tasks(plan: Plan, missing: Sequence[str]) -> tuple[list[BatchTask], dict[int, dict[int, str]]]:
    """The batches that hold missing pictures, and for each, by its number, the places and ids of those."""
    wanted, members = set(missing), plan.members()
    waiting = {
        number: places
        for number, ids in members.items()
        if (places := {place: id for place, id in enumerate(ids) if id in wanted})
    }
    tasks = [
        BatchTask(number=number, rows=tuple(plan.rows[id] for id in members[number]), suffix=plan.suffix) for number in waiting
    ]
    return tasks, waiting


def _draw(
    folder: Path,
    plan: Plan,
    engine: Engine,
    tasks: Sequence[BatchTask],
    waiting: Mapping[int, Mapping[int, str]],
    watch: Watch,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The id and the index's entry of each picture, once it is in the folder; one batch is written while the next is drawn."""

    def keep(drawn: Drawn) -> list[tuple[str, dict[str, Any]]]:
        made = []
        for place, id in waiting[drawn.number].items():
            path = folder / plan.file(id)
            files.store(drawn.pictures[place], path)
            found = files.look(path, plan.rows[id])
            assert found is not None
            made.append((id, entry(id, plan.rows[id], plan.file(id), found.recipe, found.sha256, plan.method)))
        return made

    writing: Future[list[tuple[str, dict[str, Any]]]] | None = None
    with ThreadPoolExecutor(1) as writer:
        for drawn in engine(tasks, watch) if tasks else ():
            if writing is not None:
                yield from writing.result()
            writing = writer.submit(keep, drawn)
        if writing is not None:
            yield from writing.result()
