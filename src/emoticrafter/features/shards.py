"""Making one shard: its prompts through the encoder, onto the disk; and the engine that makes one after the other."""

# N prompts of a shard, B of a batch, T tokens of a prompt, C channels

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from emoticrafter.errors import InputError
from emoticrafter.features.layout import INDEX
from emoticrafter.features.manifest import TENSOR, shard_file
from emoticrafter.files import atomic_path
from emoticrafter.inputs.named import file_hash
from emoticrafter.masks import mask_of, zero_padding
from emoticrafter.watch import Step

if TYPE_CHECKING:
    from emoticrafter.backbones.base import PromptEncoder
    from emoticrafter.backbones.features import PromptFeatures

__all__ = ["ShardEngine", "ShardTask", "encode_shard", "in_process", "is_begun", "shard_is_there", "store_shard"]

UNFINISHED, PLAN = "unfinished", "plan.json"


@dataclass(frozen=True, kw_only=True)
class ShardTask:
    """A shard to make: its number, its prompts, how many at once, the dtype at rest, and the folder of the store.

    lengths: the own tokens of each prompt, where padding is left out.
    """

    folder: str
    number: int
    prompts: list[str]
    batch: int
    dtype: str
    lengths: list[int] | None = None


# Makes shards: yields the number of each once it is in the folder, and calls back with (prompts done, prompts in all).
ShardEngine = Callable[[Sequence[ShardTask], Step], Iterator[int]]


def in_process(encoder: PromptEncoder) -> ShardEngine:
    """Shard after shard in this process; one is written while the next is encoded."""

    def run(tasks: Sequence[ShardTask], step: Step) -> Iterator[int]:
        total, done = sum(len(task.prompts) for task in tasks), 0
        waiting: tuple[int, Future[None]] | None = None
        with ThreadPoolExecutor(1) as writer:
            for task in tasks:
                features = encode_shard(task, encoder, lambda count, done=done: step(done + count, total))  # type: ignore[misc]
                done += len(task.prompts)
                if waiting is not None:
                    waiting[1].result()
                    yield waiting[0]
                waiting = task.number, writer.submit(store_shard, task, features)
                del features
            if waiting is not None:
                waiting[1].result()
                yield waiting[0]

    return run


def encode_shard(task: ShardTask, encoder: PromptEncoder, step: Callable[[int], None] | None = None) -> Tensor:
    """The features of a shard's prompts in its dtype, on the CPU: (N, T, C), or (tokens of all, C) where padding is left out.

    The batches are shared out among the encoder's threads, which changes nothing in them. Raises InputError where features
    overflow, and where the encoder gives a prompt other tokens than were counted.
    """
    ends = None if task.lengths is None else [0, *itertools.accumulate(task.lengths)]
    shape = [len(task.prompts), encoder.section] if ends is None else [ends[-1]]
    made = torch.empty(*shape, encoder.prompt_channels, dtype=getattr(torch, task.dtype))
    largest = torch.finfo(made.dtype).max

    def encode(begin: int) -> int:
        part = task.prompts[begin : begin + task.batch]
        features = encoder.encode(part)
        tokens_BTC = features.tokens if ends is None else zero_padding(features.tokens, features.mask)
        sound = tokens_BTC.abs().flatten(1).amax(1) <= largest  # false for NaN, too
        if not bool(sound.all()):
            raise InputError(
                f"The features of the prompt {part[sound.tolist().index(False)][:200]!r} overflow in {task.dtype}, or in"
                f" {encoder.computed} before.",
                _wider(task.dtype, encoder.computed),
            )
        end = begin + len(part)
        if ends is None:
            made[begin:end] = tokens_BTC.to(made.dtype)
        else:
            made[ends[begin] : ends[end]] = _own(features, part, ends[begin : end + 1]).to(made.dtype)
        return len(part)

    done, begins = 0, range(0, len(task.prompts), task.batch)
    for count in _shared_out(encode, begins, encoder.threads):
        done += count
        if step is not None:
            step(done)
    return made


def _own(features: PromptFeatures, prompts: Sequence[str], ends: Sequence[int]) -> Tensor:
    """The own tokens of these prompts, one after the other. ends: where each was to end, and the first to begin."""
    counted = [end - begin for begin, end in itertools.pairwise(ends)]
    mask_BT = mask_of(torch.tensor(counted, device=features.tokens.device), features.tokens.shape[1])
    given_BT = torch.ones_like(mask_BT) if features.mask is None else features.mask
    other = (mask_BT != given_BT).any(dim=1).tolist()
    if any(other):
        row = other.index(True)
        raise InputError(
            f"The text encoder gives {int(given_BT[row].sum())} tokens for the prompt {prompts[row][:200]!r}, in which"
            f" {counted[row]} were counted.",
            "Put the same tokenizer on all machines, or begin another folder with --out.",
        )
    return features.tokens[mask_BT]


def _wider(stored: str, computed: str) -> str:
    """What helps against an overflow, and is not done already."""
    ways = {
        "store them with --dtype bfloat16": stored != "bfloat16",
        "compute them with --compute float32": computed != "float32",
    }
    text = ", or ".join(way for way, helps in ways.items() if helps) or "leave that prompt out"
    return f"{text[0].upper()}{text[1:]}."


def _shared_out(work: Callable[[int], int], begins: Sequence[int], threads: int) -> Iterator[int]:
    """What `work` returns of each, in their order; the first that fails, or an interrupt, keeps the rest from beginning."""
    if threads == 1:
        yield from map(work, begins)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(work, begins)
    finally:
        pool.shutdown(cancel_futures=True)


def store_shard(task: ShardTask, features: Tensor) -> None:
    """Write a shard, whole or not at all, and after it its checksum."""
    from safetensors.torch import save_file

    folder = Path(task.folder)
    with atomic_path(folder / shard_file(task.number), force=True) as temporary:
        save_file({TENSOR: features}, temporary)
        temporary.chmod((folder / INDEX).stat().st_mode)  # safetensors makes it private
        checksum = file_hash(temporary)
    with atomic_path(checksum_file(folder, task.number), force=True) as temporary:
        temporary.write_text(checksum)


def is_begun(folder: str) -> bool:
    """Whether the folder of a task is here, and waits for shards."""
    return (Path(folder) / UNFINISHED / PLAN).is_file()


def shard_is_there(folder: str, number: int) -> bool:
    """Whether a shard and its checksum were written to the folder."""
    return (Path(folder) / shard_file(number)).is_file() and checksum_file(Path(folder), number).is_file()


def checksum_file(folder: Path, number: int) -> Path:
    """Where the checksum of a shard is kept until the manifest is written."""
    return folder / UNFINISHED / f"{number:05d}.sha256"
