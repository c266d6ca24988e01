"""The emotion injection transformer of the storybook model, trained as in the paper on pairs of captions.

Dang et al. 2025 (arXiv 2501.05710), section 4.3: minimise 1/d(v, a) |f_hat - (f_n + alpha (f_e - f_n))|^2 with alpha = 1.5,
where d is a Gaussian density estimate of the annotated emotions with Silverman's rule. Here the weights are brought to mean 1
and capped.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import gaussian_kde
from torch import Tensor, nn

from emoticrafter import checkpoint
from emoticrafter.eit import EITConfig, EmotionInjectionTransformer
from emoticrafter.storybook import captions, scenes
from emoticrafter.storybook.training.common import Losses, Workshop, autocast
from emoticrafter.storybook.training.phrasing import TextEncoders
from emoticrafter.storybook.training.progress import Meter
from emoticrafter.storybook.training.text import load_text_encoders

ALPHA = 1.5
MOST_WEIGHT = 5.0
PACES = {"residual_norm.weight": 10.0}  # it starts at 0.01 and has far to go, and Adam's steps are all of one length
FAMILY = "storybook"


@dataclass(frozen=True)
class Pairs:
    """Caption pairs as features: neutral and emotional float16 (n, T, C), valence and arousal float32 (n,)."""

    neutral: Tensor
    emotional: Tensor
    valence: Tensor
    arousal: Tensor


@torch.no_grad()
def make_pairs(work: Workshop, encoders: TextEncoders, split: str, count: int) -> Pairs:
    """Scenes with one annotated emotion each, as unbalanced as people's annotations are."""
    rng = random.Random(f"{work.seed}/pairs/{split}")
    texts, emotions = [], []
    for _ in range(count):
        scene = scenes.sample_scene(rng, held_out=split == "held_out")
        emotion = scenes.annotated_emotion(rng)
        texts.append(captions.caption_pair(scene, emotion, rng))
        emotions.append((emotion.valence, emotion.arousal))
    neutral, emotional = [], []
    with Meter(f"features {split}", count, 0, "pairs", work.quiet) as meter, autocast(work.device):
        for start in range(0, count, 64):
            both = texts[start : start + 64]
            tokens, _ = encoders.encode([text for pair in both for text in pair])
            neutral.append(tokens[0::2].half())
            emotional.append(tokens[1::2].half())
            meter.update(start + len(both))
    valence, arousal = torch.tensor(emotions, device=work.device).unbind(dim=1)
    return Pairs(torch.cat(neutral), torch.cat(emotional), valence, arousal)


def density_weights(valence: np.ndarray, arousal: np.ndarray) -> np.ndarray:
    """1 / density of each emotion among all, with mean 1 and capped at MOST_WEIGHT; float32 (n,)."""
    points = np.stack([valence, arousal])
    weights = 1 / gaussian_kde(points, bw_method="silverman")(points)
    for _ in range(20):  # capping lowers the mean, so do both until they agree
        weights = np.minimum(weights / weights.mean(), MOST_WEIGHT)
    return weights.astype(np.float32)


def run(work: Workshop) -> None:
    preset, device = work.preset, work.device
    torch.manual_seed(work.seed)
    encoders = load_text_encoders(work)
    eit = EmotionInjectionTransformer(EITConfig(**preset.eit)).to(device)
    pairs = make_pairs(work, encoders, "train", preset.eit_pairs)
    held_out = make_pairs(work, encoders, "held_out", max(preset.eit_pairs // 16, 8))
    weights = torch.from_numpy(density_weights(pairs.valence.cpu().numpy(), pairs.arousal.cpu().numpy())).to(device)
    scale = 1 / float((pairs.emotional.float() - pairs.neutral.float()).square().mean() * ALPHA**2)

    def target(pairs: Pairs, chosen: Tensor) -> tuple[Tensor, Tensor]:
        neutral = pairs.neutral[chosen].float()
        return neutral, ALPHA * (pairs.emotional[chosen].float() - neutral)

    def loss(step: int, rng: np.random.Generator) -> Losses:
        chosen = torch.from_numpy(rng.integers(len(weights), size=preset.eit_recipe.batch)).to(device)
        neutral, wanted = target(pairs, chosen)
        with autocast(device):
            residual = eit.residual(neutral, pairs.valence[chosen], pairs.arousal[chosen])
        error = (residual.float() - wanted).square().mean(dim=(1, 2))
        return {"loss": scale * (weights[chosen] * error).mean()}

    def watch(averaged: nn.Module, step: int) -> dict[str, float]:
        """The share of the held-out change that is explained; words are drawn at random, so it cannot come near 1."""
        assert isinstance(averaged, EmotionInjectionTransformer)
        left = whole = 0.0
        for chosen in torch.arange(len(held_out.valence), device=device).split(64):
            neutral, wanted = target(held_out, chosen)
            residual = averaged.residual(neutral, held_out.valence[chosen], held_out.arousal[chosen])
            left += float((residual - wanted).square().sum())
            whole += float(wanted.square().sum())
        return {"explained": 1 - left / whole}

    training = work.training("eit", eit, preset.eit_recipe, loss, watch, PACES)
    averaged = training.run()
    assert isinstance(averaged, EmotionInjectionTransformer)
    figures = watch(averaged, training.step)
    about = {
        "backbone": FAMILY,
        "prompt_tokens": preset.prompt_tokens,
        "strength": 1 / ALPHA,
        "alpha": ALPHA,
        "pairs": preset.eit_pairs,
    }
    checkpoint.save(averaged, work.folder("eit") / "model", about, force=True)
    work.finish("eit", steps=training.step, seconds=training.seconds, **{k: float(v) for k, v in figures.items()})


def load_eit(work: Workshop) -> EmotionInjectionTransformer:
    return checkpoint.load(work.folder("eit") / "model", work.device)
