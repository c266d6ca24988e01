"""Which sentence goes with a picture, and text features as the SDXL pipeline computes them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from emoticrafter.emotion import Emotion
from emoticrafter.storybook import captions
from emoticrafter.storybook.world.scene import Scene

NEARLY_NEUTRAL = 0.25  # both coordinates below this: a neutral caption tells the truth
ALIGNED = 2 / 3  # share of emotional captions that end with the feeling


def is_nearly_neutral(emotion: Emotion) -> bool:
    return max(abs(emotion.valence), abs(emotion.arousal)) < NEARLY_NEUTRAL


def truthful_caption(scene: Scene, emotion: Emotion, rng: random.Random) -> str:
    """A caption that says what the picture shows, its feeling too: four neutral pictures of five go without words for it."""
    if is_nearly_neutral(emotion) and rng.random() < 0.8:
        return captions.neutral_caption(scene, rng)
    return captions.emotional_caption(scene, emotion, rng, aligned=rng.random() < ALIGNED)


def python_rng(rng: np.random.Generator) -> random.Random:
    """The captions' kind of random stream, seeded from numpy's."""
    return random.Random(int(rng.integers(2**63)))


def tokenize(tokenizer: CLIPTokenizer, texts: Sequence[str], device: torch.device) -> Tensor:
    """Token numbers, (n, model_max_length), padded as the pipeline pads them."""
    length = tokenizer.model_max_length
    batch = tokenizer(list(texts), padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    return batch.input_ids.to(device)


class TextEncoders:
    """Both frozen or training encoders of the pipeline, used as it uses them."""

    def __init__(self, tokenizer: CLIPTokenizer, first: CLIPTextModel, second: CLIPTextModelWithProjection) -> None:
        self.tokenizer, self.first, self.second = tokenizer, first, second

    def encode_ids(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (n, T, C), the next to last layers side by side, and pooled (n, P), the projection of the second encoder."""
        first = self.first(ids, output_hidden_states=True)
        second = self.second(ids, output_hidden_states=True)
        return torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1), second.text_embeds

    def encode(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        return self.encode_ids(tokenize(self.tokenizer, texts, self.second.device))

    def pooled(self, texts: Sequence[str]) -> Tensor:
        return self.second(tokenize(self.tokenizer, texts, self.second.device)).text_embeds
