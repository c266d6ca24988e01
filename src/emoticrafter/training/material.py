"""What is learned from: the pairs of a store, divided, weighed, in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from emoticrafter.backbones.registry import open_encoder
from emoticrafter.data.density import weigh
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.features.store import FeatureStore
from emoticrafter.files import atomic_path
from emoticrafter.objective import Pairs
from emoticrafter.settings import as_dict
from emoticrafter.tensors import read_tensors
from emoticrafter.training.order import Draws, Order, split_pairs
from emoticrafter.training.reading import Partners, Reader
from emoticrafter.training.recipe import Recipe

__all__ = ["Material", "read_empty_prompt", "write_empty_prompt"]

MOST_AT_ONCE = 64  # pairs of a validation pass


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
        self.reader = Reader(
            store, weights, device, partners=partners, threads=recipe.data.readers, on_device=recipe.data.on_device
        )
        self.order = Order(train, batch=recipe.train.batch, seed=seed, dropout=recipe.objective.prompt_dropout)
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
