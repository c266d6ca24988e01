"""Annotated scenes of the storybook's world, told in words; and the writer of pairs that knows its grammar.

Together they stand in for a data set of annotated pictures: one emotion per scene, as unbalanced as people's annotations are.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from emoticrafter.emotion import Emotion
from emoticrafter.prompts.writer import Failure, Pair, PairTask, Tell, WritingProgress
from emoticrafter.storybook import captions, scenes, words
from emoticrafter.storybook.world import scene as world
from emoticrafter.storybook.world.scene import Scene, Subject

if TYPE_CHECKING:
    from emoticrafter.prompts.checks import Ruler

__all__ = ["CaptionWriter", "annotated_scene", "annotated_scenes"]

HELD_OUT_SHARE = 1 / 16  # of the scenes, with contents that no training sees: the split "val"


def annotated_scenes(count: int, seed: int = 0) -> list[dict[str, object]]:
    """Rows id, caption, valence, arousal, tag (the place) and split of `count` random scenes, a function of the seed."""
    rows: list[dict[str, object]] = []
    for number in range(count):
        scene, emotion, caption, held_out = annotated_scene(number, seed)
        rows.append(
            {
                "id": f"storybook/{number}",
                "caption": caption,
                "valence": round(emotion.valence, 4),
                "arousal": round(emotion.arousal, 4),
                "tag": scene.place,
                "split": "val" if held_out else "train",
            }
        )
    return rows


def annotated_scene(number: int, seed: int = 0) -> tuple[Scene, Emotion, str, bool]:
    """The scene behind a row, how it feels, its neutral caption, and whether its content is held out."""
    rng = random.Random(f"{seed}/annotated/{number}")
    held_out = rng.random() < HELD_OUT_SHARE
    scene, emotion = scenes.sample_scene(rng, held_out=held_out), scenes.annotated_emotion(rng)
    return scene, emotion, captions.neutral_caption(scene, rng), held_out


class CaptionWriter:
    """Writes a pair from a caption: the emotional prompt is the caption with words of the feeling behind it.

    The content's tokens stay as they are, so the difference is all in the tokens behind. The same seed and id give the same
    words. See `prompts.writer.Writer`. ruler: nothing is measured by it, as the grammar's captions are short.
    """

    name = "storybook"

    def __init__(self, *, seed: int = 0, ruler: Ruler | None = None) -> None:
        self.seed = seed

    def write(self, tasks: Sequence[PairTask], tell: Tell) -> list[Pair | Failure]:
        outcomes: list[Pair | Failure] = []
        for task in tasks:
            neutral = " ".join((task.caption or "").split())
            rng = random.Random(f"{self.seed}\0{task.id}")
            told = captions.with_feeling(neutral, task.emotion, rng, imagined(neutral)) if neutral else ""
            outcomes.append(
                Pair(neutral=neutral, emotional=told) if told else Failure(reason="there is no caption to start from")
            )
            if len(outcomes) % 500 == 0 or len(outcomes) == len(tasks):
                tell(WritingProgress(done=len(outcomes), total=len(tasks)))
        return outcomes


def imagined(caption: str) -> Scene:
    """A scene that holds what decides which feelings fit a caption: somebody or nobody, daylight or not. The place is made up."""
    said = f" {' '.join(words.words_of(caption))} ".replace(" no people ", " ").replace(" without people ", " ")
    kinds = [kind for kind, names in _names().items() if any(f" {name} " in said for name in names)]
    dark = any(f" {phrase} " in said for phrase in _dark())
    subjects = tuple(Subject(kind=kind, action="standing") for kind in kinds[:1])
    return Scene(place="meadow", time="night" if dark else "day", subjects=subjects, seed=0)


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """How a caption calls somebody: people first, then animals; one of a kind and several."""
    found = {}
    for kind in (*world.PEOPLE, *world.ANIMALS):
        names = words.split_names(words.SUBJECT_NAMES[kind])
        found[kind] = (*names, *(captions.plural(name) for name in names))
    companies = (words.GROWN_UP_PAIRS, words.CHILDREN_PAIRS, words.OLD_COUPLES, words.COUPLES, words.MIXED_PAIRS)
    found["woman"] += tuple(name for names in companies for name in words.split_names(names))
    return found


@cache
def _dark() -> tuple[str, ...]:
    tables = (words.TIME_PHRASES, words.TIME_KEYWORDS)
    phrases = (phrase for table in tables for time in ("evening", "night") for phrase in words.split_names(table[time]))
    return tuple(" ".join(words.words_of(phrase)) for phrase in phrases)
