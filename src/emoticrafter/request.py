"""What a method is asked to draw: prompts with emotions and seeds, and how. Checked, paired, to JSON and back. No torch here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import model_validator

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.inputs.checked import Checked
from emoticrafter.sampling import DEFAULT, Sampling, SamplingDefaults, checked_text

__all__ = ["MAX_PICTURES", "MAX_SEED", "Request", "one_prompt", "seeds_of"]

MAX_PICTURES = 10_000  # of one request
MAX_SEED = 2**63 - 2  # what torch takes, and the index of a batch holds


class Request(Checked):
    """Pairs of a prompt and an emotion, `count` pictures of each.

    prompts, emotions, seeds: one for each pair, the seed that of its first picture; the others take the numbers after it. When a
    request is made, one of either may be given for all of the other, and one seed for all pairs, None for one at random. Raises
    InputError, which names the field as the arguments of `generate` are called.
    """

    prompts: tuple[str, ...]
    emotions: tuple[Emotion, ...]
    seeds: tuple[int, ...] = (0,)
    count: int = 1
    sampling: Sampling = DEFAULT

    @classmethod
    def of(
        cls,
        prompt: str | Sequence[str],
        emotion: Emotion | Sequence[Emotion],
        *,
        seed: int | Sequence[int] | None = 0,
        count: int = 1,
        **settings: Any,
    ) -> Request:
        """The request of the arguments of `generate`. settings: those of `Sampling`."""
        given: dict[str, Any] = {"prompts": prompt, "emotions": emotion, "seeds": seed, "count": count}
        return cls(**given, sampling=Sampling(**settings))

    @model_validator(mode="before")
    @classmethod
    def _paired(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not {"prompts", "emotions"} <= set(data):
            return data
        prompts, emotions = _pairs(data["prompts"], data["emotions"])
        count = data.get("count", 1)
        seeds = seeds_of(data.get("seeds", 0), count, len(prompts))[::count]
        return {**data, "prompts": tuple(prompts), "emotions": tuple(emotions), "seeds": tuple(seeds)}

    @property
    def rows(self) -> list[int]:
        """The number of its pair, for each picture."""
        return [row for row in range(len(self.prompts)) for _ in range(self.count)]

    @property
    def picture_seeds(self) -> list[int]:
        """The seed of each picture."""
        return [first + more for first in self.seeds for more in range(self.count)]

    def resolved(self, own: SamplingDefaults, *, strength: float | None = None) -> Request:
        """The same with a model's own settings in the place of None; see `Sampling.resolved`."""
        return self.model_copy(update={"sampling": self.sampling.resolved(own, strength=strength)})


def one_prompt(prompt: Any) -> str:
    """The prompt of a grid or a sweep, which has one."""
    if not isinstance(prompt, str):
        raise InputError(
            f"The prompt is a {type(prompt).__name__}, not one text.", "Give one text.", field="prompt", value=prompt
        )
    return prompt


def seeds_of(seed: int | Sequence[int] | None, count: int, pairs: int) -> list[int]:
    """The seed of each picture: `count` numbers from `seed` on for every pair, or from the pair's own where there are several."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1 or count * pairs > MAX_PICTURES:
        raise InputError(
            f"The count is {count} for {pairs} prompts; from 1 to {MAX_PICTURES} pictures can be made at once.",
            "Give a whole number; `emoticrafter batch` makes more.",
            field="count",
            value=count,
        )
    if isinstance(seed, Sequence) and not isinstance(seed, str | bytes):
        if len(seed) != pairs:
            raise InputError(
                f"{len(seed)} seeds were given for {pairs} pairs of prompt and emotion.",
                "Give one for each.",
                field="seed",
                value=seed,
            )
        firsts = [_checked_seed(one, count) for one in seed]
    else:
        firsts = [secrets.randbelow(2**32) if seed is None else _checked_seed(seed, count)] * pairs
    return [first + i for first in firsts for i in range(count)]


def _checked_seed(seed: Any, count: int) -> int:
    last = MAX_SEED + 1 - count
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= last:
        raise InputError(
            f"The seed is {str(seed)[:40]}; it must be a whole number from 0 to {last}.",
            "Give one, such as 0, the default.",
            field="seed",
            value=seed,
        )
    return seed


def _pairs(prompt: Any, emotion: Any) -> tuple[list[str], list[Emotion]]:
    prompts = list(prompt) if isinstance(prompt, list | tuple) else [prompt]
    emotions = list(map(_emotion, emotion if isinstance(emotion, list | tuple) else [emotion]))
    if not prompts or not emotions:
        raise InputError(
            "No prompt or no emotion was given.",
            "Give at least one of each; the empty prompt is one.",
            field="emotion" if prompts else "prompt",
            value=[],
        )
    prompts = [checked_text(text, "prompt", "prompt") for text in prompts]
    if len(prompts) == 1:
        prompts *= len(emotions)
    if len(emotions) == 1:
        emotions *= len(prompts)
    if len(prompts) != len(emotions):
        raise InputError(
            f"{len(prompts)} prompts cannot be paired with {len(emotions)} emotions.",
            "Give as many, or one of either.",
            field="emotion",
            value=emotion,
        )
    return prompts, emotions


def _emotion(given: Any) -> Emotion:
    """An emotion, or an object of JSON with its two numbers."""
    if isinstance(given, Emotion):
        return given
    hint = "Give Emotion(valence=..., arousal=...)."
    if not isinstance(given, Mapping):
        raise InputError(f"An emotion is a {type(given).__name__}.", hint, field="emotion", value=given)
    for axis in ("valence", "arousal"):
        if axis not in given:
            raise InputError(f"An emotion has no {axis}.", hint, field=axis)
    if unknown := sorted(str(name)[:60] for name in set(given) - {"valence", "arousal"}):
        raise InputError(f"An emotion has an unknown {unknown[0]!r}.", hint, field="emotion", value=given)
    return Emotion(valence=given["valence"], arousal=given["arousal"])
