"""From a table of prompt pairs to a folder of features (see `store`): each distinct prompt is encoded once.

Prompts are numbered in the order in which the pairs name them. A shard is the prompts of its numbers, encoded in batches that
begin with it: its bytes depend on nothing else, so a run that was killed at any point goes on with the next shard and ends in
the same folder. While work is left, `unfinished/` holds the layout (plan.json), and the checksum of each shard that is done; the
manifest is written last.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emoticrafter.errors import InputError, OutputError
from emoticrafter.features.index import check_index, check_pairs, fitting, prompts_of, source_of, write_index
from emoticrafter.features.layout import (
    INDEX,
    LARGEST,
    MANIFEST,
    SHARDS,
    Layout,
    check_settings,
    check_sizes,
    layout_of,
    read_layout,
)
from emoticrafter.features.manifest import Manifest, Shard, damaged_shards, listed, shard_file
from emoticrafter.features.shards import PLAN, UNFINISHED, ShardEngine, ShardTask, checksum_file, in_process
from emoticrafter.files import atomic_path, check_folder, names_in, user_path
from emoticrafter.inputs.named import file_hash, read_file
from emoticrafter.locks import LOCK, busy, hold
from emoticrafter.watch import Step

if TYPE_CHECKING:
    import pandas as pd

    from emoticrafter.backbones.base import PromptEncoder

__all__ = ["Written", "check_encoding", "write_features"]

BATCH = 64  # prompts encoded at once
SHARD_BYTES = 1 << 28  # about, where the number of rows is not given
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp.*")  # as files.atomic_path names them
_SHARD = re.compile(r"tokens-\d{5,}\.safetensors")
_CHECKSUM = re.compile(r"(\d{5,})\.sha256")


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a run did. encoded: prompts of this run; the others were there. dropped: pairs left out. bytes: of the store."""

    manifest: Manifest
    encoded: int
    dropped: int
    seconds: float
    bytes: int


def write_features(
    pairs: pd.DataFrame,
    folder: str | os.PathLike[str],
    encoder: PromptEncoder,
    *,
    dtype: str = "float16",
    batch: int | None = None,
    shard_rows: int | None = None,
    long: str = "refuse",
    repair: bool = False,
    engine: ShardEngine | None = None,
    progress: Callable[[str], Step] | None = None,
) -> Written:
    """Encode the prompts of a table of pairs into a folder, or go on with one that was begun.

    dtype: at rest, float16 or bfloat16. batch: prompts encoded at once, by default 64. shard_rows: prompts per file, by
    default about 256 MB of them; a folder that was begun keeps its own of both. long: what to do with a prompt that does not
    fit in a section of the encoder: "refuse", "cut" it to its first section, "drop" its pair. repair: make damaged and missing
    shards again. engine: by default `in_process`. progress: makes the callback of the stage of that name. Where the encoder
    ignores padding, prompts are kept without it.

    Raises InputError for pairs that cannot be encoded, for damaged shards (by name), and for a folder of other pairs, another
    backbone or other settings (with both values); OutputError for a folder that holds other files, and when the disk is full.
    """
    began = time.perf_counter()
    folder = user_path(folder)
    stage = progress or (lambda name: lambda done, total: None)
    check_encoding(pairs, folder, dtype=dtype, batch=batch, shard_rows=shard_rows, long=long)
    before, sums = _state(folder, repair)
    if before is not None:
        batch = before.batch if batch is None else batch
        shard_rows = before.shard_rows if shard_rows is None else shard_rows
    kept, cut, own = fitting(pairs, encoder, long)
    prompts = prompts_of(kept)
    lengths = [own[prompt] for prompt in prompts] if encoder.ignores_padding else None
    layout = _layout_for(pairs, kept, cut, encoder, lengths, dtype=dtype, long=long, batch=batch, shard_rows=shard_rows)
    if before is not None:
        layout.check_same(before, folder)
        sums = _sound(folder, layout, lengths, sums, repair, stage("checking"))
    tasks = _tasks(folder.absolute(), layout, prompts, lengths, sums)
    if tasks or not _is_finished(folder, repair):
        _check_space(folder, layout, tasks)
        with hold(folder / LOCK, *busy(folder), passing=True):
            _begin(folder, layout, kept, lengths)
            for number in (engine or in_process(encoder))(tasks, stage("encoding")):
                sums[number] = _checksum(checksum_file(folder, number))
            _finish(folder, layout, sums)
    manifest = Manifest.read(folder / MANIFEST)
    files = [MANIFEST, INDEX, *(shard.file for shard in manifest.shards)]
    return Written(
        manifest=manifest,
        encoded=sum(len(task.prompts) for task in tasks),
        dropped=len(pairs) - len(kept),
        seconds=time.perf_counter() - began,
        bytes=sum((folder / file).stat().st_size for file in files),
    )


def check_encoding(
    pairs: pd.DataFrame, folder: Path, *, dtype: str, batch: int | None, shard_rows: int | None, long: str
) -> None:
    """Raise what `write_features` would raise of its arguments that can be known without an encoder."""
    check_settings(dtype, long)
    check_sizes(batch, shard_rows)
    check_pairs(pairs)
    _check_entries(folder)
    check_folder(folder)


def _layout_for(
    pairs: pd.DataFrame,
    kept: pd.DataFrame,
    cut: int,
    encoder: PromptEncoder,
    lengths: Sequence[int] | None,
    *,
    dtype: str,
    long: str,
    batch: int | None,
    shard_rows: int | None,
) -> Layout:
    """The layout for the pairs given, of which `kept` are encoded and `cut` prompts shortened."""
    longest = encoder.section if lengths is None else max(1, round(sum(lengths) / len(lengths)))
    row = 2 * longest * encoder.prompt_channels
    batch = BATCH if batch is None else batch
    if shard_rows is None:
        whole = max(1, batch)
        shard_rows = max(1, min(SHARD_BYTES // (row * whole), LARGEST // whole)) * batch
    check_sizes(batch, shard_rows)
    return Layout(
        backbone=encoder.family,
        encoder=encoder.fingerprint,
        tokens=encoder.section,
        channels=encoder.prompt_channels,
        dtype=dtype,
        computed=encoder.computed,
        batch=batch,
        long=long,
        cut=cut,
        prompts=len(prompts_of(kept)),
        pairs=len(kept),
        shard_rows=shard_rows,
        source=source_of(pairs),
        own_tokens=None if lengths is None else sum(lengths),
    )


def _tasks(folder: Path, layout: Layout, prompts: list[str], lengths: list[int] | None, done: dict[int, str]) -> list[ShardTask]:
    parts = enumerate(range(0, len(prompts), layout.shard_rows))
    return [
        ShardTask(
            folder=str(folder),
            number=number,
            prompts=prompts[begin : begin + layout.shard_rows],
            batch=layout.batch,
            dtype=layout.dtype,
            lengths=None if lengths is None else lengths[begin : begin + layout.shard_rows],
        )
        for number, begin in parts
        if number not in done
    ]


# The folder


def _check_entries(folder: Path) -> None:
    """Refuse a folder that holds anything but features."""
    ours = {MANIFEST, INDEX, SHARDS, UNFINISHED, LOCK}
    others = [name for name in names_in(folder) if name not in ours and not _TEMPORARY.fullmatch(name)]
    if others:
        raise OutputError(
            f"The folder {str(folder)!r} holds other files, as {sorted(others)[0]!r}.", "Give an empty or new folder."
        )


def _state(folder: Path, repair: bool) -> tuple[Layout | None, dict[int, str]]:
    """What the folder was begun with, and the checksum of each shard that is done, by number; None and none for a new one."""
    before: Layout | None = None
    sums: dict[int, str] = {}
    try:
        if os.path.lexists(folder / MANIFEST):
            manifest = Manifest.read(folder / MANIFEST)
            before = layout_of(asdict(manifest))
            sums = {number: shard.sha256 for number, shard in enumerate(manifest.shards)}
        elif os.path.lexists(folder / UNFINISHED / PLAN):
            before = read_layout(folder / UNFINISHED / PLAN)
        elif (folder / SHARDS).is_dir() and names_in(folder / SHARDS):
            raise InputError(
                f"{str(folder)!r} holds shards, but no {MANIFEST} that tells of what.",
                "Give another folder with --out, or --repair to write all of it again.",
            )
    except InputError:
        if not repair:
            raise
        return None, {}
    if before is not None and (folder / UNFINISHED).is_dir():  # newer than the manifest, where a repair was stopped
        for file in (folder / UNFINISHED).iterdir():
            if match := _CHECKSUM.fullmatch(file.name):
                sums[int(match[1])] = _checksum(file)
    return before, sums


def _checksum(path: Path) -> str:
    return read_file(path, 64, "checksum", "Give --repair to make its shard again.").decode("ascii", "replace")


def _sound(
    folder: Path, layout: Layout, lengths: Sequence[int] | None, sums: dict[int, str], repair: bool, step: Step
) -> dict[int, str]:
    """The shards among those done that are as they were written. Raises InputError, naming the others, unless they are to be
    made again."""
    rows = {number: layout.rows_of(number) for number in sums}
    shards = {
        number: Shard(file=shard_file(number), rows=rows[number], sha256=checksum)
        for number, checksum in sorted(sums.items())
        if rows[number] > 0
    }
    faults = damaged_shards(folder, layout, shards, step, lengths)
    if faults and not repair:
        raise InputError(listed(list(faults.values())), "Give --repair to make them again.")
    return {number: shard.sha256 for number, shard in shards.items() if number not in faults}


def _is_finished(folder: Path, repair: bool) -> bool:
    """Whether manifest and index are there and sound; raises InputError for an index that is not, unless it is to be mended."""
    if not (folder / MANIFEST).is_file() or (folder / UNFINISHED).exists():
        return False
    try:
        check_index(folder / INDEX, Manifest.read(folder / MANIFEST))
    except InputError:
        if not repair:
            raise
        return False
    return True


def _check_space(folder: Path, layout: Layout, tasks: Sequence[ShardTask]) -> None:
    """Raise OutputError before the work where the disk has no room for what it will write."""
    tokens = sum(sum(task.lengths) if task.lengths is not None else layout.tokens * len(task.prompts) for task in tasks)
    needed = 2 * layout.channels * tokens
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    usage = shutil.disk_usage(nearest)
    if usage.total and needed > usage.free:
        raise OutputError(
            f"The features take {needed / 1e9:.1f} GB; the disk of {str(folder)!r} has {usage.free / 1e9:.1f} GB left.",
            "Free some space, or choose another disk.",
        )


def _begin(folder: Path, layout: Layout, kept: pd.DataFrame, lengths: Sequence[int] | None) -> None:
    """Remove what a killed run left half-written, and write down what is being made."""
    for place in (folder, folder / SHARDS, folder / UNFINISHED):
        for file in place.glob(".*.tmp*"):
            if _TEMPORARY.fullmatch(file.name):
                file.unlink(missing_ok=True)
    with atomic_path(folder / UNFINISHED / PLAN, force=True) as temporary:
        temporary.write_text(layout.as_json(), encoding="utf-8")
    with atomic_path(folder / INDEX, force=True) as temporary:
        write_index(kept, temporary, lengths)


def _finish(folder: Path, layout: Layout, sums: dict[int, str]) -> None:
    """Write the manifest, and remove what is no part of the store."""
    shards = [
        Shard(
            file=shard_file(number), rows=min(layout.shard_rows, layout.prompts - number * layout.shard_rows), sha256=sums[number]
        )
        for number in sorted(sums)
    ]
    manifest = Manifest(**asdict(layout), index=file_hash(folder / INDEX), shards=tuple(shards))
    with atomic_path(folder / MANIFEST, force=True) as temporary:
        temporary.write_text(json.dumps(manifest.as_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    names = {shard.file for shard in shards}
    for file in (folder / SHARDS).iterdir():  # of a layout that could not be read any more
        if f"{SHARDS}/{file.name}" not in names and _SHARD.fullmatch(file.name):
            file.unlink()
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
