"""Likeness of a picture and its prompt, and quality of a picture, from features of a CLIP (`judges.clip`)."""

# n pictures or texts, c channels of the joint space

from __future__ import annotations

import numpy as np

__all__ = ["QUALITY", "clip_iqa", "clip_score"]

QUALITY = ("Good photo.", "Bad photo.")  # the antonyms of CLIP-IQA's overall quality


def clip_score(pictures: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """CLIPScore of each picture with its text, float (n,): 100 max(cos(picture, text), 0). Range 0 to 100, higher is better.

    pictures, texts: features (n, c). Hessel et al. (2021) scale by 2.5 instead of 100; tables of text-to-image work, the paper's
    too, use 100. The text is the neutral prompt: content kept, not emotion.
    """
    return 100 * np.maximum((_unit(pictures) * _unit(texts)).sum(axis=1), 0)


def clip_iqa(pictures: np.ndarray, good: np.ndarray, bad: np.ndarray, scale: float = 100.0) -> np.ndarray:
    """CLIP-IQA of each picture, float (n,): softmax(scale cos(picture, good), scale cos(picture, bad))[good]. 0 to 1, higher is
    better.

    good, bad: features (c,) of two antonyms, `QUALITY` for quality as such. Wang, Chan & Loy (2023), "Exploring CLIP for
    assessing the look and feel of images"; they take a ResNet without position embeddings, we the tower given, at its own size.
    """
    sides = _unit(pictures) @ _unit(np.stack([good, bad])).T
    return 1 / (1 + np.exp(np.clip(scale * (sides[:, 1] - sides[:, 0]), -700, 700)))


def _unit(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, np.float64)
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)
