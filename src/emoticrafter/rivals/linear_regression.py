"""The linear map of `emoticrafter.ridge` in the place of the transformer, fitted in closed form to pairs of prompts.

Its target is f_e - f_n at strength 1, every pair counts the same, and the pooled feature stays. Where a rank is given the matrix
for the prompt's feature is cut to its largest singular values, which keeps it small at SDXL's 2,048 channels.
"""

# B pairs, T tokens of a section, C prompt channels, P inputs

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.progress import Progress
from emoticrafter.ridge import TERMS, Sums, predicted_residual
from emoticrafter.rivals.budget import Budget, Learned
from emoticrafter.rivals.material import RivalMaterial
from emoticrafter.rivals.rival import Rival
from emoticrafter.settings import Section, key

__all__ = ["LinearRegression"]

AT_ONCE = 16  # pairs


@dataclass(frozen=True, kw_only=True)
class LinearRegressionSettings(Section):
    """See `LinearRegression`."""

    penalty: float = key(1e-2, "of the ridge, in means of the diagonal", above=0, most=1e6)
    rank: int | None = key(None, "of the matrix for the prompt's feature; all where not given", least=1)
    pairs: int = key(16_000, "pairs to fit, at most", least=1)


class LinearRegression(Rival):
    """See the module."""

    name = "linear_regression"
    Config = LinearRegressionSettings

    def build(self) -> nn.Module:
        return _Map(self.backbone.prompt_channels, self.backbone.section, self.config.rank)

    def features(self, neutral: PromptFeatures, prompts: Sequence[str], points_B2: Tensor, strength: float) -> PromptFeatures:
        assert isinstance(self.module, _Map)
        matrix = self.module.matrix()
        parts = [predicted_residual(matrix, part, points_B2) for part in neutral.tokens.split(self.backbone.section, dim=1)]
        return neutral.with_tokens(neutral.tokens + strength * torch.cat(parts, dim=1))

    def learn(self, material: RivalMaterial, budget: Budget, folder: Path, *, seed: int, quiet: bool) -> Learned:
        """Fit as many pairs as the budget allows, or all; a step of it is a batch of pairs."""
        began, done, step, sums = time.monotonic(), 0, 0, Sums()
        order = torch.randperm(len(material), generator=torch.Generator().manual_seed(seed)).tolist()[: self.config.pairs]
        with torch.no_grad(), Progress(self.name, len(order), early=True, quiet=quiet) as show:
            while done < len(order) and budget.used(step, time.monotonic() - began) < 1:
                rows = order[done : done + AT_ONCE]
                neutral = self._first_section([material.neutral[row] for row in rows])
                emotional = self._first_section([material.emotional[row] for row in rows])
                points = torch.from_numpy(material.emotions[rows]).to(neutral.device)
                sums.add(neutral, points, emotional - neutral)
                done, step = done + len(rows), step + 1
                if show.due():
                    show.tell(done, f"{done} of {len(order)} pairs")
        assert isinstance(self.module, _Map)
        [(_, matrix)] = sums.maps([self.config.penalty])
        self.module.take(matrix)
        return Learned(steps=step, seconds=time.monotonic() - began, examples=done, figures={"pairs": done})

    def _first_section(self, prompts: Sequence[str]) -> Tensor:
        return self.backbone.encode(prompts).tokens[:, : self.backbone.section]


class _Map(nn.Module):
    """The matrix (P, C), its first C rows as a product of two where there is a rank."""

    def __init__(self, channels: int, length: int, rank: int | None) -> None:
        super().__init__()
        self.left = nn.Parameter(torch.zeros(channels, rank or channels))
        self.right = nn.Parameter(torch.zeros(rank, channels)) if rank else None
        self.places = nn.Parameter(torch.zeros(TERMS * length, channels))

    def matrix(self) -> Tensor:
        return torch.cat([self.left if self.right is None else self.left @ self.right, self.places])

    @torch.no_grad()
    def take(self, matrix: Tensor) -> None:
        """Hold this matrix, or what of it the rank keeps."""
        channels = len(self.left)
        self.places.copy_(matrix[channels:])
        if self.right is None:
            self.left.copy_(matrix[:channels])
            return
        u, s, vh = torch.linalg.svd(matrix[:channels].double(), full_matrices=False)
        rank = min(len(self.right), len(s))
        self.left[:, :rank].copy_(u[:, :rank] * s[:rank])
        self.right[:rank].copy_(vh[:rank])
