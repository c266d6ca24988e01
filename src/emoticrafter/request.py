"""What a caller asks of a maker of pictures: checked, paired, seeded; and the recipes of what came of it."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.guidance import EVERYWHERE, GuidanceRange
from emoticrafter.picture import Picture
from emoticrafter.sampling import Sampling
from emoticrafter.version import installed_version

if TYPE_CHECKING:
    from PIL import Image

    from emoticrafter.backbones.base import Backbone, Sampler
    from emoticrafter.backbones.outline import Outline

__all__ = ["Request", "Unopened", "check_request", "check_settings", "decisive", "defaults_of", "one_prompt", "seeds_of"]

MAX_PROMPT = 4000  # characters
MAX_PICTURES = 10_000  # of one call
MAX_STRENGTH = 10.0
MAX_SEED = 2**63 - 2  # what torch takes, and the index of a batch holds
USUAL_CELL = 8  # pixels of a latent, in each direction, where nothing is said of them
_SETTINGS = {"strength", "start", "steps", "preview", "guidance", "guidance_range", "size", "negative", "progress"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """prompts, emotions: one of each for every pair. rows, seeds: for every picture the number of its pair, and its seed.

    settings: steps, guidance, guidance_range, size and negative, as `Backbone.render` takes them.
    """

    prompts: list[str]
    emotions: list[Emotion]
    rows: list[int]
    seeds: list[int]
    strength: float
    start: float
    settings: dict[str, Any]

    @classmethod
    def of(
        cls,
        backbone: Backbone,
        prompt: str | Sequence[str],
        emotion: Emotion | Sequence[Emotion],
        *,
        seed: int | Sequence[int] | None,
        count: int,
        strength: float,
        start: float,
        steps: int | None,
        preview: bool,
        guidance: float | None,
        guidance_range: tuple[float, float] | None,
        size: int | tuple[int, int] | None,
        negative: str | None,
        warn: Callable[[str], None],
    ) -> Request:
        """The arguments are those of `EmotiCrafter.generate`. Raises InputError; warns about words that nobody has seen."""
        prompts, emotions = _pairs(prompt, emotion)
        settings = _settings(backbone, steps, preview, guidance, guidance_range, size, negative)
        request = cls(
            prompts=prompts,
            emotions=emotions,
            seeds=seeds_of(seed, count, len(prompts)),
            strength=_strength(strength),
            start=_start(start),
            settings=settings,
            rows=[row for row in range(len(prompts)) for _ in range(count)],
        )
        _warn_about_words(backbone, [*prompts, *([negative] if negative else [])], warn)
        return request

    def pictures(
        self, images: Sequence[Image.Image], described: Mapping[str, Any], beside: Sequence[Mapping[str, Any]] = ()
    ) -> list[Picture]:
        """The images with their recipes. described: what made them. beside: what else a recipe says, for each pair."""
        made = []
        for image, row, seed in zip(images, self.rows, self.seeds, strict=True):
            own = {**(beside[row] if beside else {}), **image.info.get("recipe", {})}
            made.append(Picture(image=image, recipe=self._recipe(row, seed, described, own)))
        return made

    def _recipe(self, row: int, seed: int, described: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
        width, height = self.settings["size"]
        about = dict(described)
        versions = about.pop("versions", {})
        return {
            "prompt": self.prompts[row],
            "negative": self.settings["negative"],
            "valence": self.emotions[row].valence,
            "arousal": self.emotions[row].arousal,
            "strength": self.strength,
            "start": self.start,
            "seed": seed,
            "steps": self.settings["steps"],
            "guidance": float(self.settings["guidance"]),
            **_limits(self.settings["guidance_range"]),
            "width": width,
            "height": height,
            **beside,
            **about,
            "versions": {"emoticrafter": installed_version(), **versions},
        }


@dataclass(frozen=True)
class Unopened:
    """A maker whose model is not loaded yet, as far as it can refuse."""

    outline: Outline

    def check(self, prompts: Sequence[str], seeds: Sequence[int], **settings: Any) -> None:
        """See `Maker.check`. Words that the model does not know are left to the maker itself."""
        check_request(self.outline, prompts, seeds, warn=lambda text: None, **settings)


def check_request(
    backbone: Sampler,
    prompts: Sequence[str],
    seeds: Sequence[int],
    *,
    warn: Callable[[str], None],
    strength: float = 1.0,
    start: float = 0.0,
    steps: int | None = None,
    preview: bool = False,
    guidance: float | None = None,
    guidance_range: tuple[float, float] | None = None,
    size: int | tuple[int, int] | None = None,
    negative: str | None = None,
) -> None:
    """Raise the InputError with which a request for any of these prompts, seeds and settings would be refused; and warn."""
    _strength(strength)
    _start(start)
    _settings(backbone, steps, preview, guidance, guidance_range, size, negative)
    for seed in seeds:
        _checked_seed(seed, 1)
    checked = [_checked_prompt(prompt, "prompt") for prompt in prompts]
    _warn_about_words(backbone, [*checked, *([negative] if negative else [])], warn)


def decisive(backbone: Backbone) -> dict[str, Any]:
    """What decides the pixels of a backbone beside a picture's own settings: JSON values."""
    about = {name: value for name, value in backbone.describe().items() if name not in ("versions", "offload", "config")}
    if about.get("backbone_hash"):
        about.pop("backbone", None)  # the name of a place where the same weights lie
    return about


def defaults_of(backbone: Backbone, strength: float) -> dict[str, Any]:
    """The settings that a picture has where none are given, as `Maker.describe` gives them."""
    own = backbone.defaults
    return {
        "strength": strength,
        "start": 0.0,
        "steps": own.steps,
        "preview_steps": _preview_steps(backbone),
        "guidance": float(own.guidance),
        **_limits(own.guidance_range),
        "width": own.size[0],
        "height": own.size[1],
        **({"pixels_per_latent": cell} if (cell := backbone.pixels_per_latent) != USUAL_CELL else {}),
    }


def one_prompt(prompt: Any) -> str:
    """The prompt of a grid or a sweep, which has one."""
    if not isinstance(prompt, str):
        raise InputError(f"The prompt is a {type(prompt).__name__}, not one text.", "Give one text.")
    return prompt


def check_settings(settings: Mapping[str, Any], more: Sequence[str] = ()) -> dict[str, Any]:
    """The settings of a grid or a sweep: those of `generate`, without count. more: names of a maker's own."""
    known = _SETTINGS | set(more)
    if unknown := sorted(set(settings) - known):
        raise InputError(f"Unknown settings: {', '.join(unknown)}.", f"Known ones: {', '.join(sorted(known))}.")
    return dict(settings)


def seeds_of(seed: int | Sequence[int] | None, count: int, pairs: int) -> list[int]:
    """The seed of each picture: `count` numbers from `seed` on for every pair, or from the pair's own where there are several."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1 or count * pairs > MAX_PICTURES:
        raise InputError(
            f"The count is {count} for {pairs} prompts; from 1 to {MAX_PICTURES} pictures can be made at once.",
            "Give a whole number; `emoticrafter batch` makes more.",
        )
    if isinstance(seed, Sequence) and not isinstance(seed, str | bytes):
        if len(seed) != pairs:
            raise InputError(f"{len(seed)} seeds were given for {pairs} pairs of prompt and emotion.", "Give one for each.")
        firsts = [_checked_seed(one, count) for one in seed]
    else:
        firsts = [secrets.randbelow(2**32) if seed is None else _checked_seed(seed, count)] * pairs
    return [first + i for first in firsts for i in range(count)]


def _checked_seed(seed: Any, count: int) -> int:
    last = MAX_SEED + 1 - count
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= last:
        raise InputError(
            f"The seed is {str(seed)[:40]}; it must be a whole number from 0 to {last}.", "Leave it out for a random one."
        )
    return seed


def _strength(strength: float) -> float:
    return _number("strength", strength, 0.0, MAX_STRENGTH, "0 is neutral, 1 is usual.")


def _start(start: float) -> float:
    return _number("start", start, 0.0, 1.0, "It is the share of the steps that stay neutral, such as 0.3.")


def _preview_steps(backbone: Sampler) -> int:
    return backbone.defaults.preview_steps or max(backbone.defaults.steps // 3, 1)


def _limits(guidance_range: GuidanceRange) -> dict[str, Any]:
    """The entry of a recipe, which has one only where guidance is limited."""
    return {} if guidance_range == EVERYWHERE else {"guidance_range": list(guidance_range)}


def _warn_about_words(backbone: Sampler, texts: Sequence[str], warn: Callable[[str], None]) -> None:
    for text in dict.fromkeys(texts):
        if unknown := backbone.unknown_words(text):
            each = [f"{word!r} (near: {', '.join(near)})" if near else repr(word) for word, near in unknown.items()]
            warn(f"The model {backbone.name} has never seen these words of the prompt: {', '.join(each)}.")


def _settings(
    backbone: Sampler,
    steps: int | None,
    preview: bool,
    guidance: float | None,
    guidance_range: tuple[float, float] | None,
    size: int | tuple[int, int] | None,
    negative: str | None,
) -> dict[str, Any]:
    own = backbone.defaults
    pair = own.size if size is None else (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2:
        raise InputError(
            f"The size {pair} is neither a number of pixels nor a width and a height.", "Give, for instance, 512 or (512, 768)."
        )
    settings: dict[str, Any] = {
        "steps": (_preview_steps(backbone) if preview else own.steps) if steps is None else steps,
        "guidance": own.guidance if guidance is None else guidance,
        "guidance_range": own.guidance_range if guidance_range is None else GuidanceRange.of(guidance_range),
        "size": pair,
        "negative": None if negative is None else _checked_prompt(negative, "negative prompt"),
    }
    backbone.check(Sampling(**settings))
    return settings


def _pairs(prompt: str | Sequence[str], emotion: Emotion | Sequence[Emotion]) -> tuple[list[str], list[Emotion]]:
    prompts: list[Any] = list(prompt) if isinstance(prompt, list | tuple) else [prompt]
    emotions: list[Any] = list(emotion) if isinstance(emotion, list | tuple) else [emotion]
    for one in emotions:
        if not isinstance(one, Emotion):
            raise InputError(f"An emotion is a {type(one).__name__}.", "Give Emotion(valence=..., arousal=...).")
    if not prompts or not emotions:
        raise InputError("No prompt or no emotion was given.", "Give at least one of each; the empty prompt is one.")
    prompts = [_checked_prompt(text, "prompt") for text in prompts]
    if len(prompts) == 1:
        prompts *= len(emotions)
    if len(emotions) == 1:
        emotions *= len(prompts)
    if len(prompts) != len(emotions):
        raise InputError(
            f"{len(prompts)} prompts cannot be paired with {len(emotions)} emotions.", "Give as many, or one of either."
        )
    return prompts, emotions


def _checked_prompt(text: Any, what: str) -> str:
    if not isinstance(text, str):
        raise InputError(f"The {what} is a {type(text).__name__}, not a text.", "Give a text; the empty one is one.")
    if len(text) > MAX_PROMPT:
        raise InputError(f"The {what} has {len(text)} characters; {MAX_PROMPT} are the most.", "Shorten it.")
    strange = [c for c in text if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t\r"]
    if strange:
        raise InputError(f"The {what} holds the control character U+{ord(strange[0]):04X}.", "Remove it.")
    return " ".join(text.split())


def _number(name: str, value: Any, low: float, high: float, hint: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:  # false for NaN too
        raise InputError(f"The {name} is {str(value)[:40]}; it must be a number from {low:g} to {high:g}.", hint)
    return float(value)
