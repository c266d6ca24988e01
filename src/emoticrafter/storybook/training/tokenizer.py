"""A byte-pair vocabulary learned from captions, in the files that transformers' CLIPTokenizer reads.

The alphabet is printable ASCII. Anything else becomes an unknown token of its own rather than, as in CLIP, the end of the text,
where the pooled feature is read.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import CLIPTokenizer

from emoticrafter.files import atomic_path
from emoticrafter.storybook import captions, scenes
from emoticrafter.storybook.training.common import Workshop, load_part

CAPTIONS = 60_000
SUFFIX = "</w>"
START, END, UNKNOWN = "<|startoftext|>", "<|endoftext|>", "<|unknown|>"
_ALPHABET = [chr(code) for code in range(33, 127) if not chr(code).isupper()]


def _texts(count: int, seed: int) -> Iterator[str]:
    rng = random.Random(f"{seed}/tokenizer")
    for number in range(count):
        scene = scenes.sample_scene(rng)
        yield captions.emotional_caption(scene, scenes.sample_emotion(rng), rng, aligned=number % 2 == 0)


def learn(texts: Iterator[str], size: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A vocabulary of at most `size` tokens and its merges. The special tokens come last, the end of text at the very end."""
    likeness = CLIPTokenizer().backend_tokenizer  # it splits text as CLIP does
    learner = Tokenizer(BPE(end_of_word_suffix=SUFFIX, continuing_subword_prefix=""))
    learner.normalizer, learner.pre_tokenizer = likeness.normalizer, likeness.pre_tokenizer
    trainer = BpeTrainer(
        vocab_size=size - 3, min_frequency=3, end_of_word_suffix=SUFFIX, continuing_subword_prefix="", show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    known = set(_ALPHABET) | {letter + SUFFIX for letter in _ALPHABET}
    tokens = [*_ALPHABET, *(letter + SUFFIX for letter in _ALPHABET)]
    merges = []
    for first, second in json.loads(learner.to_str())["model"]["merges"]:
        if first in known and second in known and len(tokens) < size - 3:
            merges.append((first, second))
            if first + second not in known:
                known.add(first + second)
                tokens.append(first + second)
    return {token: index for index, token in enumerate([*tokens, UNKNOWN, START, END])}, merges


def run(work: Workshop) -> None:
    preset = work.preset
    vocabulary, merges = learn(_texts(min(CAPTIONS, 25 * preset.vocabulary), work.seed), preset.vocabulary)
    folder = work.folder("tokenizer") / "model"
    tokenizer = CLIPTokenizer(
        vocab=vocabulary, merges=merges, unk_token=UNKNOWN, pad_token=END, model_max_length=preset.prompt_tokens
    )
    tokenizer.save_pretrained(folder)
    # The classic pair of files as well: other programs read these.
    with atomic_path(folder / "vocab.json", force=True) as path:
        path.write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    with atomic_path(folder / "merges.txt", force=True) as path:
        path.write_text("\n".join(["#version: 0.2", *(" ".join(merge) for merge in merges)]) + "\n", encoding="utf-8")
    work.finish("tokenizer", tokens=len(vocabulary), merges=len(merges))


def load_tokenizer(work: Workshop) -> CLIPTokenizer:
    return load_part(CLIPTokenizer, work.folder("tokenizer") / "model")
