"""What a suite asks for: prompts with a name each, and, on the storybook, what of them must be seen."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emoticrafter.errors import InputError
from emoticrafter.evaluation.content import PLACE_VALENCE, Expected, expected_content
from emoticrafter.storybook import captions
from emoticrafter.storybook.scenes import sample_scene
from emoticrafter.storybook.world.scene import Scene

__all__ = ["Case", "StorybookCase", "file_cases", "held_out_cases", "prompt_id"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A prompt. expected: what must be seen, None where nobody can tell. own_valence: of the place by itself, 0 for none to
    speak of.
    """

    prompt: str
    expected: Expected | None = None
    own_valence: float = 0.0

    @property
    def id(self) -> str:
        """Ten hexadecimal digits, the `prompt_id` of a batch's index."""
        return prompt_id(self.prompt)


@dataclass(frozen=True, kw_only=True)
class StorybookCase(Case):
    """A prompt and the scene that it tells of."""

    expected: Expected
    scene: Scene


def prompt_id(prompt: str) -> str:
    """As `batch.rows.Row.prompt_id` has it."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:10]


def held_out_cases(number: int, seed: int = 0) -> list[StorybookCase]:
    """Prompts for contents (place, subject, action) that no training has seen, each content once.

    The prompts are the storybook's own neutral captions; those that leave the place or a subject unsaid are drawn again.
    """
    rng = random.Random(f"benchmark/{seed}")
    cases: dict[tuple[str, str, str], StorybookCase] = {}
    said: set[str] = set()
    while len(cases) < number:
        scene = sample_scene(rng, held_out=True)
        prompt = captions.neutral_caption(scene, rng)
        asked = expected_content(prompt, scene)
        if asked is None or prompt in said or scene.content() in cases:
            continue
        said.add(prompt)
        own = PLACE_VALENCE.get(scene.place, 0.0)
        cases[scene.content()] = StorybookCase(prompt=prompt, expected=asked, own_valence=own, scene=scene)
    return list(cases.values())


def file_cases(path: Path, count: int | None = None) -> list[Case]:
    """The prompts of a file, as `emoticrafter batch` reads them, each once. Raises MissingError and InputError."""
    from emoticrafter.batch import read_prompts

    texts = list(dict.fromkeys(" ".join(one.text.split()) for one in read_prompts(path)))
    return [Case(prompt=text) for text in _first(texts, count, path)]


def _first(texts: Sequence[str], count: int | None, path: Path) -> Sequence[str]:
    if not texts:
        raise InputError(f"{path.name!r} holds no prompts.", "Give one on each line.")
    if count is not None and count > len(texts):
        raise InputError(f"{path.name!r} holds {len(texts)} prompts; {count} were asked for.", "Lower prompts.count.")
    return texts[:count]
