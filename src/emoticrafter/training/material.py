"""What is learned from: the pairs of a store, divided, weighed, in order; and how they come to the device, read ahead by threads.

Only the rows that are asked for are ever in memory: a few micro-batches at a time, whatever the size of the store.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from emoticrafter.backbones.features import TokenStream
from emoticrafter.backbones.registry import open_encoder
from emoticrafter.data.density import weigh
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.features.store import FeatureStore
from emoticrafter.files import atomic_path
from emoticrafter.masks import mask_of, none_if_full, zero_padding
from emoticrafter.objective import Pairs
from emoticrafter.settings import as_dict
from emoticrafter.tensors import read_tensors
from emoticrafter.training.order import Draws, PairOrder, split_pairs
from emoticrafter.training.recipe import Recipe

__all__ = ["Material", "PairReader", "Partners", "read_empty_prompt", "write_empty_prompt"]

MOST_AT_ONCE = 64  # pairs of a validation pass
CARRIED = 64  # prompts on their way to a GPU at once


class Material:
    """The pairs of `store` as a recipe takes them. split: which are held out. order: of the others. reader: to the device."""

    def __init__(self, recipe: Recipe, store: FeatureStore, device: torch.device) -> None:
        self.recipe, self.store, frame = recipe, store, store.pairs
        points = frame[["valence", "arousal"]].to_numpy(dtype=np.float64)
        _check_points(points, frame["id"].to_numpy())
        seed = recipe.train.seed
        self.split = split_pairs(frame, val_share=recipe.data.val_share, given=recipe.data.given_splits, seed=seed)
        train = self.split.train
        weights = weigh(recipe.density, points, train)
        partners = Partners(frame["content"].to_numpy(), train) if recipe.objective.counterfactual else None
        if partners is not None and not partners.pairs:
            raise InputError(
                "objective.counterfactual is on, but no content occurs at two emotions among the training pairs.",
                "Set it to 0, or write prompts for some contents at several emotions.",
            )
        self.reader = PairReader(
            store, weights, device, partners=partners, threads=recipe.data.readers, on_device=recipe.data.on_device
        )
        self.order = PairOrder(train, batch=recipe.train.batch, seed=seed, dropout=recipe.objective.prompt_dropout)
        self.ids = frame["id"].to_numpy()

    def validation(self, process: int, processes: int) -> Iterator[Pairs]:
        """This process' share of the held-out pairs, a few at a time."""
        most = min(self.recipe.train.micro_batch or MOST_AT_ONCE, MOST_AT_ONCE)
        parts = np.array_split(self.split.val, -(-len(self.split.val) // most))[process::processes]
        plain = (Draws(rows=rows, empty=np.zeros(len(rows), dtype=bool), partner=np.zeros(len(rows))) for rows in parts)
        return (pairs for _, pairs in self.reader.stream(plain))

    @cached_property
    def data_hash(self) -> str:
        """sha256 over the features and the index: the same for the same numbers, wherever they lie."""
        manifest = self.store.manifest
        parts = [manifest.source, manifest.index, manifest.encoder, *(shard.sha256 for shard in manifest.shards)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def origin(self) -> dict[str, Any]:
        """What a state must agree with to be gone on from: the recipe and the data."""
        return {"recipe": as_dict(self.recipe), "data": self.data_hash}

    def describe(self) -> dict[str, Any]:
        """What run.json says of the data."""
        manifest, split = self.store.manifest, self.split
        datasets = self.store.pairs["dataset"].fillna("unknown").astype(str)
        return {
            "features": str(self.store.folder),
            "hash": self.data_hash,
            "backbone": manifest.backbone,
            "encoder": manifest.encoder,
            "tokens": manifest.tokens,
            **({"own_tokens": manifest.own_tokens} if self.store.ragged else {}),
            "channels": manifest.channels,
            "pairs": {"train": len(split.train), "val": len(split.val), "test": len(split.test)},
            "datasets": {name: int(count) for name, count in datasets.value_counts().sort_index().items()},
        }


def _check_points(points: np.ndarray, ids: np.ndarray) -> None:
    wrong = np.flatnonzero(~(np.abs(points) <= 3).all(axis=1))  # true for NaN too
    if len(wrong):
        valence, arousal = points[wrong[0]]
        raise InputError(
            f"Pair {str(ids[wrong[0]])[:60]!r} has valence {valence:g} and arousal {arousal:g}; both must lie from -3 to 3"
            f" ({len(wrong)} such pairs).",
            "Import the pairs again: `emoticrafter data import` reports and drops these.",
        )


def write_empty_prompt(store: FeatureStore, path: Path, device: torch.device) -> None:
    """Encode the empty prompt with the backbone that the features are of, and keep its tokens in a file."""
    manifest = store.manifest
    encoder = open_encoder(manifest.backbone, device=str(device))
    store.require(prompt_channels=encoder.prompt_channels, positions=encoder.section, encoder=encoder.fingerprint)
    tokens = encoder.encode([""]).trimmed().tokens[0].float().cpu()
    with atomic_path(path, force=True) as temporary:
        save_file({"tokens": tokens.contiguous()}, temporary)


def read_empty_prompt(store: FeatureStore, path: Path, device: torch.device) -> Tensor:
    """The tokens that `write_empty_prompt` kept for the store's backbone: (T, C), or its own of them in a ragged store.

    Raises CheckpointError if the file is damaged.
    """
    again = "Delete the file: it is made again."
    tokens = read_tensors(path, "empty prompt", again).get("tokens")
    shape = (store.manifest.tokens, store.manifest.channels)
    if tokens is None or not _fits(tokens.shape, shape, store.ragged) or not bool(tokens.isfinite().all()):
        raise CheckpointError(f"The empty prompt {str(path)!r} is damaged: it holds no tokens of the shape {shape}.", again)
    return tokens.to(device)


def _fits(shape: Sequence[int], whole: Sequence[int], ragged: bool) -> bool:
    return tuple(shape) == tuple(whole) or (ragged and len(shape) == 2 and shape[0] <= whole[0] and shape[1] == whole[1])


class Partners:
    """For each pair, others of the same content: the material of counterfactual pairs. `rows`: those that may be used."""

    def __init__(self, contents: np.ndarray, rows: np.ndarray) -> None:
        _, codes = np.unique(contents[rows].astype(str), return_inverse=True)
        by_content = np.argsort(codes, kind="stable")
        self._members = rows[by_content]  # those of one content lie side by side
        starts = np.searchsorted(codes[by_content], np.arange(codes.max(initial=-1) + 2))
        self._start, self._count = np.zeros(len(contents), np.int64), np.zeros(len(contents), np.int64)
        self._place = np.zeros(len(contents), np.int64)
        self._start[rows], self._count[rows] = starts[codes], np.diff(starts)[codes]
        self._place[self._members] = np.arange(len(rows)) - self._start[self._members]

    @property
    def pairs(self) -> int:
        """How many pairs have a partner."""
        return int((self._count > 1).sum())

    def of(self, rows: np.ndarray, chance: np.ndarray) -> np.ndarray:
        """A partner of each row, chosen by a number in [0, 1); the row itself where there is none."""
        others = self._count[rows] - 1
        chosen = np.minimum((chance * others).astype(np.int64), np.maximum(others - 1, 0))
        chosen += chosen >= self._place[rows]  # itself is passed over
        return np.where(others > 0, self._members[np.minimum(self._start[rows] + chosen, len(self._members) - 1)], rows)


class PairReader:
    """Makes the draws of the order into pairs on the device. weights: of the pairs of the store, float32 (n,)."""

    def __init__(
        self,
        store: FeatureStore,
        weights: np.ndarray,
        device: torch.device,
        *,
        partners: Partners | None = None,
        threads: int = 2,
        on_device: bool = False,
    ) -> None:
        frame = store.pairs
        self.store, self.device, self.partners, self.threads = store, device, partners, threads
        self.points = frame[["valence", "arousal"]].to_numpy(dtype=np.float64)
        self.numbers = {name: frame[name].to_numpy(dtype=np.int64) for name in ("neutral", "emotional")}
        self.weights = weights
        self._side = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._table = self._all_tokens() if on_device else None

    def read(self, draws: Draws) -> Pairs:
        """The pairs of these draws on the device, all prompts as long as the longest. May be called from several threads."""
        rows = draws.rows
        others = None if self.partners is None else self.partners.of(rows, draws.partner)
        named = [self.numbers["neutral"][rows], self.numbers["emotional"][rows]]
        named += [] if others is None else [self.numbers["emotional"][others]]
        tokens = int(self.store.lengths(np.concatenate(named)).max())
        neutral, emotional, *other = (self._stream(numbers, tokens) for numbers in named)
        valence, arousal = torch.from_numpy(self.points[rows].astype(np.float32)).unbind(dim=1)
        pairs = Pairs(
            neutral=neutral.tokens,
            emotional=emotional.tokens,
            valence=valence,
            arousal=arousal,
            weight=torch.from_numpy(self.weights[rows]),
            empty=torch.from_numpy(draws.empty) if draws.empty.any() else None,
            neutral_mask=neutral.mask,
            emotional_mask=emotional.mask,
            **({} if others is None else self._others(rows, others, other[0])),
        )
        return pairs.map(self._placed)

    def _others(self, rows: np.ndarray, others: np.ndarray, stream: TokenStream) -> dict[str, Tensor | None]:
        """What pairs have of others of their content."""
        valence, arousal = torch.from_numpy(self.points[others].astype(np.float32)).unbind(dim=1)
        differs = (self.points[others] != self.points[rows]).any(axis=1)
        return {
            "other_emotional": stream.tokens,
            "other_mask": stream.mask,
            "other_valence": valence,
            "other_arousal": arousal,
            "has_other": torch.from_numpy(differs),
        }

    def stream(self, draws: Iterable[Draws]) -> Generator[tuple[Draws, Pairs]]:
        """The pairs of each draw, in order, read ahead. Close the iterator to stop the threads."""
        waiting: deque[tuple[Draws, Future[Pairs]]] = deque()
        with ThreadPoolExecutor(self.threads, thread_name_prefix="reader") as pool:
            try:
                for one in draws:
                    waiting.append((one, pool.submit(self._read_aside, one)))
                    if len(waiting) > self.threads:
                        yield self._taken(*waiting.popleft())
                while waiting:
                    yield self._taken(*waiting.popleft())
            finally:
                for _, future in waiting:
                    future.cancel()

    def _read_aside(self, draws: Draws) -> Pairs:
        with self._aside():
            pairs = self.read(draws)
            if self._side is not None:
                self._side.synchronize()
        return pairs

    def _taken(self, draws: Draws, future: Future[Pairs]) -> tuple[Draws, Pairs]:
        pairs = future.result()
        return draws, pairs.map(self._kept) if self._side is not None else pairs

    def _kept(self, tensor: Tensor) -> Tensor:
        """Its memory must not be given away by the stream that it was made on."""
        tensor.record_stream(torch.cuda.current_stream(self.device))
        return tensor

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Copies to a GPU run beside its computations."""
        if self._side is None:
            yield
        else:
            with torch.cuda.stream(self._side):
                yield

    def features(self, name: str, rows: np.ndarray) -> TokenStream:
        """Features of these pairs' prompts, "neutral" or "emotional", in the dtype that they are kept in; on the device."""
        numbers = self.numbers[name][rows]
        stream = self._stream(numbers, int(self.store.lengths(numbers).max()))
        return TokenStream(stream.tokens, None if stream.mask is None else self._placed(stream.mask))

    def _stream(self, numbers: np.ndarray, tokens: int) -> TokenStream:
        """The features of prompts on the device, filled up to so many tokens; the mask is still here."""
        mask = none_if_full(mask_of(self.store.lengths(numbers), tokens)) if self.store.ragged else None
        if self._table is not None:
            return TokenStream(self._looked_up(numbers, mask, tokens), mask)
        read = self.store.rows if self.device.type == "cpu" else self._carried
        return TokenStream(read(numbers, tokens), mask)

    def _all_tokens(self) -> Tensor:
        """The tokens of all prompts on the device: (prompts, T, C), or (own tokens of all, C) of a ragged store."""
        numbers = np.arange(self.store.manifest.prompts)
        if not self.store.ragged:
            return self._carried(numbers, self.store.manifest.tokens)
        parts = map(self.store.stream, np.array_split(numbers, -(-len(numbers) // CARRIED)))
        flat = (part.tokens.flatten(0, 1) if part.mask is None else part.tokens[part.mask] for part in parts)
        return torch.cat([self._placed(some) for some in flat])

    def _looked_up(self, numbers: np.ndarray, mask: Tensor | None, tokens: int) -> Tensor:
        assert self._table is not None
        if not self.store.ragged:
            return self._table[torch.from_numpy(numbers).to(self.device)]
        places = self.store.begins(numbers)[:, None] + torch.arange(tokens)  # past a prompt's end come those of others
        found = self._table[places.clamp_max(len(self._table) - 1).to(self.device)]
        return zero_padding(found, None if mask is None else self._placed(mask))

    def _carried(self, numbers: np.ndarray, tokens: int) -> Tensor:
        """The features of prompts in the device's memory; only a few at a time are in the process' own."""
        first = self.store.rows(numbers[:CARRIED], tokens)
        made = torch.empty(len(numbers), *first.shape[1:], dtype=first.dtype, device=self.device)
        for start in range(0, len(numbers), CARRIED):
            some = first if start == 0 else self.store.rows(numbers[start : start + CARRIED], tokens)
            made[start : start + len(some)].copy_(self._pinned(some), non_blocking=True)
        return made

    def _pinned(self, tensor: Tensor) -> Tensor:
        return tensor.pin_memory() if self.device.type == "cuda" and tensor.device.type == "cpu" else tensor

    def _placed(self, tensor: Tensor) -> Tensor:
        return self._pinned(tensor).to(self.device, non_blocking=True)
