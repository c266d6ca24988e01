"""Learned placeholder words: vectors that stand behind a prompt where words would, in every text encoder."""

# B prompts, S sets of placeholder words, K words of a set, E channels of an encoder's embedding

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from emoticrafter.backbones.denoiser import denoiser_of
from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.errors import InputError

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Backbone

__all__ = ["Placeholders", "between"]

SPREAD = 0.1  # of the first vectors around a word's, in standard deviations of the embedding table


class Placeholders(nn.Module):
    """`sets` times `words` vectors for each text encoder; at first all lie near the embedding of a word, `first`."""

    def __init__(self, backbone: Backbone, sets: int, words: int, first: str) -> None:
        super().__init__()
        found = denoiser_of(backbone).text.word_vectors(first)
        if not found:
            problem = f"first is {first[:40]!r}; it must be a word, near which the placeholders begin."
            raise InputError(problem, "Give one, such as feeling.")
        vectors: list[nn.Parameter] = []
        for vector, deviation in found:
            noise = torch.randn(sets, words, len(vector), generator=torch.Generator().manual_seed(len(vectors)))
            vectors.append(nn.Parameter(vector + SPREAD * deviation * noise))
        self.vectors = nn.ParameterList(vectors)  # (S, K, E) for each encoder

    def encode(self, backbone: Backbone, prompts: Sequence[str], mix_BS: Tensor) -> PromptFeatures:
        """The features of the prompts with words behind, each a mixture of the sets."""
        mixed = [torch.einsum("bs,ske->bke", mix_BS, vectors) for vectors in self.vectors]
        return denoiser_of(backbone).text.encode_with_words(prompts, mixed)


def between(neutral: PromptFeatures, emotional: PromptFeatures, strength: float | Tensor) -> PromptFeatures:
    """From the neutral features (strength 0) towards the emotional ones (1), and past them. strength: one, or (B,).

    `neutral` may have fewer sections; it is then met by what the emotional features hold there, at full strength.
    """
    if isinstance(strength, float) and strength == 1:
        return emotional
    assert neutral.pooled is not None and emotional.pooled is not None
    share_B = torch.as_tensor(strength, device=emotional.pooled.device).expand(len(emotional))
    length = neutral.tokens.shape[1]
    assert length <= emotional.tokens.shape[1]
    tokens = torch.lerp(neutral.tokens, emotional.tokens[:, :length], share_B[:, None, None])
    if length < emotional.tokens.shape[1]:
        tokens = torch.cat([tokens, emotional.tokens[:, length:]], dim=1)
    return PromptFeatures.of(tokens, torch.lerp(neutral.pooled, emotional.pooled, share_B[:, None]), emotional.mask)
