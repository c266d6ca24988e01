"""One direction per axis in the space of the prompt's tokens, as attribute sliders (Baumann et al. 2024, arXiv 2403.17064).

    f_hat(t) = f_n(t) + s (v d_v + a d_a)

for every token t but the start token, which knows nothing of the prompt. The pooled feature stays. They add their directions to
the tokens of one subject; here the whole picture is to feel, so all tokens are moved. The directions are learned with the
denoising loss and start at zero: an untrained method draws the neutral picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.rivals.denoising import DenoisingRival, DenoisingSection
from emoticrafter.settings import key

__all__ = ["AttributeDirections"]


@dataclass(frozen=True, kw_only=True)
class AttributeDirectionsSettings(DenoisingSection):
    """See `AttributeDirections`."""

    rate: float = key(0.01, "learning rate: a direction is one vector, which has far to go", above=0, most=1)


class AttributeDirections(DenoisingRival):
    """See the module."""

    name = "attribute_directions"
    Config = AttributeDirectionsSettings

    def build(self) -> nn.Module:
        directions = nn.Linear(2, self.backbone.prompt_channels, bias=False)
        nn.init.zeros_(directions.weight)
        return directions

    def features(self, neutral: PromptFeatures, prompts: Sequence[str], points_B2: Tensor, strength: float) -> PromptFeatures:
        assert self.module is not None
        moved = torch.ones(neutral.tokens.shape[1], 1, device=neutral.tokens.device)
        moved[:: self.backbone.section] = 0
        return neutral.with_tokens(neutral.tokens + strength * self.module(points_B2.float())[:, None] * moved)
