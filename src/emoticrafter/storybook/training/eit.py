"""The emotion injection transformer, by the same road that users go: annotated scenes, pairs, features, `emoticrafter train`.

The recipe is the one that ships as `storybook`; a preset changes keys of it.
"""

from __future__ import annotations

import random
import sys
from types import SimpleNamespace

import pandas as pd
import torch

from emoticrafter import checkpoint
from emoticrafter.backbones.sdxl.text import SDXLPromptEncoder
from emoticrafter.eit import EmotionInjectionTransformer
from emoticrafter.emotion import Emotion
from emoticrafter.features.encoding import write_features
from emoticrafter.prompts.cleaning import content_key
from emoticrafter.prompts.writer import Pair, PairTask
from emoticrafter.storybook import captions
from emoticrafter.storybook.annotated import CaptionWriter, annotated_scenes
from emoticrafter.storybook.training.common import Workshop
from emoticrafter.storybook.training.text import load_text_encoders
from emoticrafter.training import read_recipe, train

FAMILY = "storybook"
RECIPE = "storybook"
EMPTY_EVERY = 25  # a pair from the empty prompt to the feeling alone: so the empty prompt can be given feelings
FEATURES, RUN, CHECKPOINT = "features", "run", "checkpoint"


def caption_pairs(count: int, seed: int) -> pd.DataFrame:
    """The table of pairs (see data.tables) of annotated scenes, told in the storybook's own words."""
    scenes = pd.DataFrame(annotated_scenes(count, seed))
    feelings = zip(scenes["valence"], scenes["arousal"], strict=True)
    tasks = [
        PairTask(id=id, emotion=Emotion(valence=v, arousal=a), caption=caption)
        for id, caption, (v, a) in zip(scenes["id"], scenes["caption"], feelings, strict=True)
    ]
    written = CaptionWriter(seed=seed).write(tasks, lambda progress: None)
    pairs = [pair for pair in written if isinstance(pair, Pair)]
    assert len(pairs) == len(tasks)  # every scene has a caption
    for number in range(0, count, EMPTY_EVERY):
        alone = captions.feeling(tasks[number].emotion, random.Random(f"{seed}/alone/{number}"))
        pairs[number] = Pair(neutral="", emotional=alone)
    return scenes.drop(columns="caption").assign(
        dataset=FAMILY,
        content=[content_key(pair.neutral) or id for id, pair in zip(scenes["id"], pairs, strict=True)],
        picture=None,
        neutral_prompt=[pair.neutral for pair in pairs],
        emotional_prompt=[pair.emotional for pair in pairs],
        writer=CaptionWriter.name,
        doubts="",
    )


def run(work: Workshop) -> None:
    folder = work.folder("eit")
    if not (folder / FEATURES / "manifest.json").is_file():
        work.say("eit: encoding the pairs")
        write_features(caption_pairs(work.preset.eit_pairs, work.seed), folder / FEATURES, _encoder(work), long="cut")
    changes = [*work.preset.eit, f"train.seed={work.seed}", f'train.device="{work.device.type}"']
    changes += [f"train.steps={work.steps}"] if work.steps else []
    recipe = read_recipe(RECIPE, [f'data.features="{folder / FEATURES}"', *changes])
    outcome = train(recipe, folder / RUN, quiet=work.quiet)
    if outcome.signal is not None:
        work.say(f"eit: stopped and saved at step {outcome.step}; run again to go on")
        sys.exit(128 + outcome.signal)
    figures = {"validation_loss": outcome.best_loss, "best_step": outcome.best_step, **outcome.baselines}
    work.finish("eit", steps=outcome.step, seconds=outcome.seconds, pairs=work.preset.eit_pairs, **figures)


def _encoder(work: Workshop) -> SDXLPromptEncoder:
    encoders = load_text_encoders(work)
    half = SimpleNamespace(
        tokenizer=encoders.tokenizer,
        tokenizer_2=encoders.tokenizer,
        text_encoder=encoders.first,
        text_encoder_2=encoders.second,
    )
    return SDXLPromptEncoder(half, family=FAMILY, device=work.device, dtype=torch.float32)


def load_eit(work: Workshop) -> EmotionInjectionTransformer:
    return checkpoint.load(work.folder("eit") / RUN / CHECKPOINT, work.device)
