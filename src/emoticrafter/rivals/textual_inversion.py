"""Learned placeholder words for each node of a grid over the plane (after Gal et al. 2022, arXiv 2208.01618).

An emotion between nodes gets the bilinear mixture of the four nodes' words around it, which stand behind the prompt in both text
encoders. The words change tokens and pooled feature alike, as any word does. Strength moves from the prompt's own features to
those with the words.
"""

# B pairs, G nodes of one axis

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.emotion import LIMIT
from emoticrafter.rivals.denoising import DenoisingRival, DenoisingSection
from emoticrafter.rivals.placeholders import Placeholders, between
from emoticrafter.settings import key

__all__ = ["TextualInversion", "bilinear"]


@dataclass(frozen=True, kw_only=True)
class TextualInversionSettings(DenoisingSection):
    """See `TextualInversion`."""

    nodes: int = key(5, "nodes of the grid on each axis, from end to end", least=2, most=64)
    words: int = key(3, "placeholder words of a node", least=1, most=16)
    first: str = key("mood", "the word that they begin near to")


class TextualInversion(DenoisingRival):
    """See the module."""

    name = "textual_inversion"
    Config = TextualInversionSettings

    def build(self) -> nn.Module:
        return Placeholders(self.backbone, self.config.nodes**2, self.config.words, self.config.first)

    def features(self, neutral: PromptFeatures, prompts: Sequence[str], points_B2: Tensor, strength: float) -> PromptFeatures:
        assert isinstance(self.module, Placeholders)
        told = self.module.encode(self.backbone, prompts, bilinear(points_B2, self.config.nodes))
        return between(neutral, told, strength)


def bilinear(points_B2: Tensor, nodes: int) -> Tensor:
    """The share (B, G G) of each node, node i G + j at the i-th valence and the j-th arousal; at most four are not zero."""
    where_B2 = (points_B2.float() + LIMIT) / (2 * LIMIT) * (nodes - 1)
    share_B2G = (1 - (where_B2[:, :, None] - torch.arange(nodes, device=points_B2.device)).abs()).clamp_min(0)
    return (share_B2G[:, 0, :, None] * share_B2G[:, 1, None, :]).flatten(1)
