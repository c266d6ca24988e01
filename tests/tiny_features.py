"""A small folder of features with something to learn: what an emotion adds is nearly linear in valence and arousal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.features.encoding import write_features

CONTENTS_EACH = 4  # pairs that share a content and its neutral prompt


class TinyEncoder:
    """Features made from the words of a prompt: "content 3" or "content 3, valence 1.25, arousal -0.5".

    ignores_padding: of a kind whose padding means nothing; there stands what no store and no sum should see.
    """

    def __init__(
        self,
        tokens: int = 8,
        channels: int = 16,
        seed: int = 0,
        family: str = "tiny",
        computed: str = "float32",
        ignores_padding: bool = False,
    ) -> None:
        self.ignores_padding = ignores_padding
        self.section, self.prompt_channels, self.family, self.computed, self.seed = tokens, channels, family, computed, seed
        self.fingerprint = hashlib.sha256(f"{tokens} {channels} {seed} {family}".encode()).hexdigest()
        self.calls: list[list[str]] = []
        self.threads = 1

    def lengths(self, prompts: Sequence[str]) -> list[int]:
        return [len(prompt.split()) + 2 for prompt in prompts]

    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        self.calls.append(list(prompts))
        tokens = torch.stack([self._one(prompt) for prompt in prompts])
        if not self.ignores_padding:
            return PromptFeatures.of(tokens)
        mask = torch.arange(self.section)[None, :] < torch.tensor(self.lengths(prompts))[:, None]
        return PromptFeatures.of(tokens.masked_fill(~mask[..., None], torch.inf), mask=mask)

    def _one(self, prompt: str) -> Tensor:
        content, *feeling = prompt.split(", ")
        made = self._drawn(content)
        for word, scale in (part.split() for part in feeling):
            made = made + 0.3 * float(scale) * self._drawn(word)
        return made + (0.02 * self._drawn(prompt) if feeling else 0)

    def _drawn(self, text: str) -> Tensor:
        number = int.from_bytes(hashlib.sha256(f"{self.seed} {text}".encode()).digest()[:7], "big")
        return torch.randn(self.section, self.prompt_channels, generator=torch.Generator().manual_seed(number))


def make_pairs(pairs: int = 64, seed: int = 0) -> pd.DataFrame:
    """A table of pairs; four in a row share a content."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-3, 3, (pairs, 2)).round(3)
    contents = [f"content {number // CONTENTS_EACH}" for number in range(pairs)]
    return pd.DataFrame(
        {
            "id": [f"tiny/{number}" for number in range(pairs)],
            "valence": points[:, 0],
            "arousal": points[:, 1],
            "dataset": "tiny",
            "tag": [None if number % 3 else "third" for number in range(pairs)],
            "picture": [f"{number // 2}.jpg" for number in range(pairs)],
            "split": None,
            "content": contents,
            "neutral_prompt": contents,
            "emotional_prompt": [
                f"{content}, valence {valence}, arousal {arousal}"
                for content, (valence, arousal) in zip(contents, points.tolist(), strict=True)
            ],
            "writer": "tiny",
            "doubts": "",
        }
    )


def make_features(
    folder: Path,
    pairs: int = 64,
    tokens: int = 8,
    channels: int = 16,
    seed: int = 0,
    dtype: str = "float16",
    shard_rows: int = 24,
    ignores_padding: bool = False,
) -> Path:
    """Write the folder; see `FeatureStore`. The encoder's family is "tiny"."""
    encoder = TinyEncoder(tokens, channels, seed, ignores_padding=ignores_padding)
    write_features(make_pairs(pairs, seed), folder, encoder, dtype=dtype, batch=8, shard_rows=shard_rows, long="cut")
    return Path(folder)
