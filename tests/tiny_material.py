"""RivalMaterial for the rivals that fits the tiny SDXL: the emotion shows in the mean of the latents' channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from emoticrafter.rivals.material import RivalMaterial
from tests.tiny import SIZE

PROMPTS = ("a cat", "a dog on the beach", "a child playing in the forest", "a red ball")


def tiny_material(count: int = 12, channels: int = 4, **about: Any) -> RivalMaterial:
    rng = np.random.default_rng(0)
    emotions = rng.uniform(-3, 3, (count, 2)).astype(np.float32)
    latents = rng.normal(0, 0.1, (count, channels, SIZE // 2, SIZE // 2))
    latents[:, 0] += emotions[:, 0, None, None]
    latents[:, 1] += emotions[:, 1, None, None]
    neutral = [PROMPTS[number % len(PROMPTS)] for number in range(count)]
    return RivalMaterial(
        neutral=neutral,
        emotional=[f"{text} berry" if v > 0 else f"red {text}" for text, v in zip(neutral, emotions[:, 0], strict=True)],
        emotions=emotions,
        latents=latents.astype(np.float16),
        size=(SIZE, SIZE),
        about={"tiny": count, **about},
    )
