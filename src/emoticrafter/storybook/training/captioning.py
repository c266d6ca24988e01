"""What the picture model is told about each picture of a batch: captions chosen anew at every step.

Writing captions is slow beside a GPU, so there they are written ahead by other processes. Either way the choice of a step is a
function of (seed, step).
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from emoticrafter.emotion import Emotion
from emoticrafter.signals import begin_worker
from emoticrafter.storybook import captions
from emoticrafter.storybook.training.common import autocast
from emoticrafter.storybook.training.phrasing import TextEncoders, is_nearly_neutral, python_rng, tokenize, truthful_caption
from emoticrafter.storybook.training.render import Pictures
from emoticrafter.storybook.world.scene import Scene

UNTOLD = 0.10  # share trained on zeros, which guidance goes away from
EMPTY = 0.10  # share of neutral pictures trained on the empty caption, three in a hundred of all
FEELING_ALONE = 0.04
POOLED_NEUTRAL = 0.75  # the injected emotion changes tokens only, so the pooled feature must not be needed for the feeling
AHEAD = 64  # batches written ahead
NOBODY = 0.5  # how often a scene without subjects is chosen, where the mean of the others is 1


def frequencies(scenes: Sequence[Scene]) -> np.ndarray:
    """How often each picture is to be chosen, float (n,), to a common factor: the rarer its rarest kind of subject, the oftener,
    with the root of the rarity, so that two hundred tigers are learned like two thousand girls, nearly.
    """
    counts = Counter(kind for scene in scenes for kind in {subject.kind for subject in scene.subjects})
    rarest = np.array([min((counts[subject.kind] for subject in scene.subjects), default=0) for scene in scenes], float)
    some = rarest > 0
    often = np.sqrt(1 / np.where(some, rarest, 1))
    return np.where(some, often / often[some].mean(), NOBODY) if some.any() else np.ones(len(rarest))


@dataclass(frozen=True)
class Told:
    """What the network is told: tokens (n, T, C) and pooled (n, P)."""

    tokens: Tensor
    pooled: Tensor


@dataclass(frozen=True)
class Choice:
    """Pictures and their captions: numbers (n,), token numbers for the tokens and for the pooled feature (n, T), told (n,)."""

    pictures: np.ndarray
    ids: np.ndarray
    pooled_ids: np.ndarray
    told: np.ndarray


def choose_captions(scene: Scene, emotion: Emotion, rng: random.Random) -> tuple[str, str]:
    """(for the tokens, for the pooled feature) of one picture. The pooled one seldom tells the feeling."""
    roll = rng.random()
    if roll < EMPTY and is_nearly_neutral(emotion):
        return "", ""
    if roll > 1 - FEELING_ALONE:
        text = captions.feeling(emotion, rng, scene)
        return text, "" if rng.random() < POOLED_NEUTRAL else text
    text = truthful_caption(scene, emotion, rng)
    return text, captions.neutral_caption(scene, rng) if rng.random() < POOLED_NEUTRAL else text


def choose(pictures: Pictures, tokenizer: CLIPTokenizer, numbers: np.ndarray, rng: random.Random) -> Choice:
    """Captions for these pictures."""
    pairs = []
    for number in numbers:
        emotion = Emotion(valence=float(pictures.valence[number]), arousal=float(pictures.arousal[number]))
        pairs.append(choose_captions(pictures.scenes[number], emotion, rng))
    told = np.array([rng.random() >= UNTOLD for _ in pairs])
    ids, pooled_ids = (tokenize(tokenizer, texts, torch.device("cpu")).numpy() for texts in zip(*pairs, strict=True))
    return Choice(numbers, ids, pooled_ids, told)


@torch.no_grad()
def tell(encoders: TextEncoders, choice: Choice, device: torch.device) -> Told:
    """The features of a choice; zeros where nothing is told, as the pipeline's are for no text at all."""
    other = np.flatnonzero((choice.ids != choice.pooled_ids).any(axis=1))
    with autocast(device):
        tokens, pooled = encoders.encode_ids(torch.from_numpy(choice.ids).to(device))
        if len(other):
            ids = torch.from_numpy(choice.pooled_ids[other]).to(device)
            pooled[torch.from_numpy(other).to(device)] = encoders.second(ids).text_embeds.to(pooled.dtype)
    told = torch.from_numpy(choice.told).to(device)
    return Told(tokens.float() * told[:, None, None], pooled.float() * told[:, None])


@dataclass(frozen=True)
class Choices:
    """The choices of a training's steps. `workers` processes write them ahead; with 0 they are written when asked for."""

    folder: Path  # of the pictures
    tokenizer: CLIPTokenizer
    batch: int
    seed: int
    workers: int = 0

    def steps(self, first: int) -> Iterator[Choice]:
        """The choices from step `first` on, without end."""
        if self.workers == 0:
            _start(self)
            step = first
            while True:
                yield _of_step(step)
                step += 1
        with ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn"), begin_worker, (_start, self)) as pool:
            waiting = deque(pool.submit(_of_step, first + number) for number in range(AHEAD))
            try:
                for step in itertools.count(first + AHEAD):
                    choice = waiting.popleft().result()
                    waiting.append(pool.submit(_of_step, step))
                    yield choice
            finally:
                pool.shutdown(cancel_futures=True)


_choices: Choices
_pictures: Pictures
_chances: np.ndarray  # of a picture and all before it, to be chosen


def _start(choices: Choices) -> None:
    global _choices, _pictures, _chances
    _choices, _pictures = choices, Pictures(choices.folder)
    often = np.cumsum(frequencies(_pictures.scenes))
    _chances = often / often[-1]


def _of_step(step: int) -> Choice:
    rng = np.random.default_rng((_choices.seed, step))
    numbers = np.searchsorted(_chances, rng.random(_choices.batch), side="right")
    return choose(_pictures, _choices.tokenizer, numbers, python_rng(rng))
