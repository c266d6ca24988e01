"""Discrete emotions: learned words for each of eight categories, and the category nearest to the point that is asked for.

The categories are those of Mikels et al. 2005 ("Emotional category data on images from the IAPS", Behavior Research Methods 37,
626-630), which EmoGen (Yang et al. 2024, arXiv 2401.04608) generates for. Each lies where `emotion.MOODS` has the mood of that
name, whose source says where from: angles of Russell (1980), or placed by us. A point that lies nearer to the origin than to any
category is drawn neutral. The nearest category is taken as it is, never a mixture: that is what makes the method discrete. The
conditions are words in the text encoders, where EmoGen maps an emotion space of its own to them.
"""

# B pairs, S categories

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.emotion import MOODS
from emoticrafter.rivals.denoising import DenoisingRival, DenoisingSection
from emoticrafter.rivals.placeholders import Placeholders, between
from emoticrafter.settings import key

__all__ = ["CATEGORIES", "Discrete", "nearest_category"]

# The category, and the mood whose place it takes.
CATEGORIES = {
    "amusement": "amused", "awe": "awestruck", "contentment": "content", "excitement": "excited",
    "anger": "angry", "disgust": "disgusted", "fear": "afraid", "sadness": "sad",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DiscreteSettings(DenoisingSection):
    """See `Discrete`."""

    words: int = key(3, "placeholder words of a category", least=1, most=16)
    first: str = key("mood", "the word that they begin near to")


class Discrete(DenoisingRival):
    """See the module."""

    name = "discrete"
    Config = DiscreteSettings

    def build(self) -> nn.Module:
        return Placeholders(self.backbone, len(CATEGORIES), self.config.words, self.config.first)

    def features(self, neutral: PromptFeatures, prompts: Sequence[str], points_B2: Tensor, strength: float) -> PromptFeatures:
        assert isinstance(self.module, Placeholders)
        number_B = nearest_category(points_B2)
        mix_BS = F.one_hot(number_B, len(CATEGORIES) + 1)[:, :-1].float()
        told = self.module.encode(self.backbone, prompts, mix_BS)
        return between(neutral, told, strength * mix_BS.sum(dim=1))

    def beside(self, prompts: Sequence[str], points_B2: Tensor) -> list[Mapping[str, Any]]:
        names = [*CATEGORIES, "neutral"]
        return [{"category": names[number]} for number in nearest_category(points_B2).tolist()]


def nearest_category(points_B2: Tensor) -> Tensor:
    """The number (B,) of the nearest category, or how many there are where neutral is nearest."""
    moods = [MOODS[mood].emotion for mood in CATEGORIES.values()]
    places = torch.tensor([*((mood.valence, mood.arousal) for mood in moods), (0.0, 0.0)], device=points_B2.device)
    return torch.cdist(points_B2.float(), places).argmin(dim=1)
