"""From a sentence and a feeling to a picture: encode, inject, render."""

# B pictures, S prompt sections, T tokens of a section, C prompt channels

from __future__ import annotations

import os
import secrets
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from emoticrafter import checkpoint
from emoticrafter.backbones.base import Backbone, Progress
from emoticrafter.backbones.registry import open_backbone
from emoticrafter.calibration import Calibration
from emoticrafter.emotion import Emotion, path
from emoticrafter.emotion import grid as plane
from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.files import cache_directory
from emoticrafter.picture import Picture
from emoticrafter.recipe import joint_recipe
from emoticrafter.sheet import contact_sheet
from emoticrafter.version import installed_version

if TYPE_CHECKING:
    from jaxtyping import Float
    from PIL import Image
    from torch import Tensor

    from emoticrafter.backbones.features import PromptFeatures
    from emoticrafter.eit import EmotionInjectionTransformer

__all__ = ["EmotiCrafter", "Grid", "UnknownWordsWarning", "inject", "own_checkpoint"]

MAX_PROMPT = 4000  # characters
MAX_PICTURES = 10_000  # of one call
MAX_STRENGTH = 10.0
MAPPED_AT_ONCE = 64  # prompts by the EIT
MAX_SEED = 2**63 - 1


class UnknownWordsWarning(UserWarning):
    """A prompt has words that the model has never seen."""


@dataclass(frozen=True, eq=False)
class Grid:
    """One prompt over the plane of emotions. pictures: in the order of `emotion.grid(valences, arousals)`."""

    prompt: str
    valences: list[float]
    arousals: list[float]
    pictures: list[Picture]

    @property
    def recipe(self) -> dict[str, Any]:
        """What the pictures share, and under `pictures` how each differs."""
        return joint_recipe([picture.recipe for picture in self.pictures])

    def image(self) -> Image.Image:
        """The contact sheet: valence to the right, arousal upwards."""
        return contact_sheet(self.pictures, self.valences, self.arousals, title=self.prompt)

    def save(self, path: str | os.PathLike[str], force: bool = False) -> Path:
        """Write the contact sheet with the recipe of all pictures. Errors are those of `Picture.save`."""
        return Picture(image=self.image(), recipe=self.recipe).save(path, force)


class EmotiCrafter:
    """A frozen text-to-image model and the emotion injection transformer that belongs to it.

    warn: called with a sentence about something that is no error, such as words that the model does not know; by default
    they become Python warnings. calibration: the map from the emotion that is requested to the one that the transformer is asked
    for, None for none.
    """

    def __init__(
        self,
        backbone: Backbone,
        eit: EmotionInjectionTransformer,
        warn: Callable[[str], None] | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        _check_fit(backbone, eit)
        self.backbone = backbone
        self.eit = eit.to(backbone.device).eval()
        self.warn = warn or _warn
        self.calibration = calibration

    @classmethod
    def from_pretrained(
        cls,
        backbone: str | os.PathLike[str] = "storybook",
        emotion: str | os.PathLike[str] | None = None,
        *,
        calibrated: bool = True,
        warn: Callable[[str], None] | None = None,
        **options: Any,
    ) -> EmotiCrafter:
        """Open a model: storybook, sdxl, a hub id, a pipeline folder or a single .safetensors file.

        emotion: the checkpoint, a folder or hub id; None is the one that belongs to the backbone. calibrated: use the calibration
        that lies beside the checkpoint, if there is one. options: device, dtype, offload, scheduler, loras, watermark,
        attention_slicing, batch_size, config: see `SDXLBackbone.open`.
        Raises MissingError, CheckpointError, InputError and DeviceError.
        """
        known = {"device", "dtype", "offload", "scheduler", "loras", "watermark", "attention_slicing", "batch_size", "config"}
        if unknown := sorted(set(options) - known):
            raise InputError(f"Unknown options: {', '.join(unknown)}.", f"Known ones: {', '.join(sorted(known))}.")
        if emotion is not None and not os.fspath(emotion):
            raise InputError("The emotion checkpoint is an empty name.", "Give a folder or a hub id, or leave it out.")
        opened = open_backbone(backbone, **options)
        source = emotion if emotion is not None else own_checkpoint(opened)
        eit = checkpoint.load(source)
        return cls(opened, eit, warn, checkpoint.load_calibration(source, eit) if calibrated else None)

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any], **options: Any) -> EmotiCrafter:
        """Open the model with which a picture was made, as far as its recipe names it; `options` overrule."""
        names = ("dtype", "offload", "scheduler", "loras", "watermark")
        named = {name: recipe[name] for name in names if recipe.get(name) is not None}
        if not isinstance(recipe.get("backbone"), str):
            raise InputError("The recipe names no backbone.", "Give the recipe of one picture made by emoticrafter.")
        return cls.from_pretrained(**{"backbone": recipe["backbone"], **named, **options})

    def generate(
        self,
        prompt: str | Sequence[str],
        emotion: Emotion | Sequence[Emotion],
        *,
        seed: int | None = 0,
        count: int = 1,
        strength: float | None = None,
        start: float = 0.0,
        steps: int | None = None,
        preview: bool = False,
        guidance: float | None = None,
        size: int | tuple[int, int] | None = None,
        negative: str | None = None,
        calibrated: bool = True,
        progress: Progress | None = None,
    ) -> list[Picture]:
        """Pictures of prompts with emotions: several of either are paired, one of either goes with all of the other.

        seed: of the first picture of each pair, the others of `count` take the numbers after it; None draws one. strength:
        scales what the emotion adds, 0 is neutral, None is the checkpoint's own. start: the share of the denoising steps, 0
        to 1, that stay neutral: more keeps more of the neutral layout. steps, guidance, size (pixels, or width and height):
        None is the backbone's own. preview: as few steps as still give a good picture, where `steps` is None. negative: what
        to keep out. calibrated: apply the checkpoint's calibration, if it has one. progress: called with (done, total) steps.
        Returns `count` pictures for each pair, one pair after the other. Raises InputError and DeviceError.
        """
        prompts, emotions = _pairs(prompt, emotion)
        settings = self._settings(steps, preview, guidance, size, negative)
        seeds = _seeds(seed, count, len(prompts))
        strength, start = self._strength(strength), _number("start", start, 0.0, 1.0, "the share of the steps that stay neutral")
        self._warn_about_words([*prompts, *([negative] if negative else [])])
        rows = [row for row in range(len(prompts)) for _ in range(count)]

        calibration = self.calibration if calibrated else None
        asked = calibration.many(emotions) if calibration else emotions

        neutral = self.backbone.encode(prompts)  # tokens (B, S T, C)
        emotional = neutral.with_tokens(inject(self.eit, neutral, asked, strength, self.backbone.section))
        images = self.backbone.render(
            emotional.rows(rows),
            neutral=neutral.rows(rows) if start else None,
            start=start,
            seeds=seeds,
            callback=progress,
            **settings,
        )

        return [
            Picture(image=image, recipe=self._recipe(prompts[row], emotions[row], one, strength, start, calibration, settings))
            for image, row, one in zip(images, rows, seeds, strict=True)
        ]

    def grid(
        self, prompt: str, *, valences: Iterable[float], arousals: Iterable[float], seed: int | None = 0, **settings: Any
    ) -> Grid:
        """One prompt and one seed at every pair of the two axes. settings: those of `generate`, without count."""
        emotions = plane(valences, arousals)
        pictures = self.generate(_one(prompt), emotions, seed=_seeds(seed, 1, 1)[0], **_without_count(settings))
        columns, rows = {e.valence for e in emotions}, {e.arousal for e in emotions}
        return Grid(prompt=prompt, valences=sorted(columns), arousals=sorted(rows), pictures=pictures)

    def sweep(
        self, prompt: str, begin: Emotion, end: Emotion, *, frames: int = 16, seed: int | None = 0, **settings: Any
    ) -> list[Picture]:
        """One prompt and one seed on the straight way from one emotion to another, `frames` pictures of it.

        settings: those of `generate`, without count.
        """
        return self.generate(_one(prompt), path(begin, end, frames), seed=_seeds(seed, 1, 1)[0], **_without_count(settings))

    def again(self, recipe: Mapping[str, Any]) -> Picture:
        """The picture of a recipe, made by this model; it warns if that is not the one that the recipe was made with.

        Raises InputError where the recipe lacks something.
        """
        for name, own in self._weights().items():
            if recipe.get(name, own) != own:
                self.warn(f"The recipe was made with the {name} {recipe[name]}; this is {own}: the picture will differ.")
        try:
            emotion = Emotion(valence=recipe["valence"], arousal=recipe["arousal"])
            settings = {name: recipe[name] for name in ("seed", "strength", "start", "steps", "guidance")}
            size, prompt = (recipe["width"], recipe["height"]), recipe["prompt"]
        except KeyError as error:
            raise InputError(
                f"The recipe has no {error.args[0]}.", "Give the recipe of one picture made by emoticrafter."
            ) from error
        calibrated = recipe.get("calibration") is not None
        if calibrated and recipe["calibration"] != (self.calibration and self.calibration.hash[:16]):
            self.warn("The recipe was made with another calibration of the emotions: the picture will differ.")
        return self.generate(prompt, emotion, size=size, negative=recipe.get("negative"), calibrated=calibrated, **settings)[0]

    def _strength(self, strength: float | None) -> float:
        own = self.eit.metadata.get("strength", 1.0) if strength is None else strength
        return _number("strength", own, 0.0, MAX_STRENGTH, "0 is neutral")

    def _settings(
        self, steps: int | None, preview: bool, guidance: float | None, size: int | tuple[int, int] | None, negative: str | None
    ) -> dict[str, Any]:
        own = self.backbone.defaults
        pair = own.size if size is None else (size, size) if isinstance(size, int) else tuple(size)
        if len(pair) != 2:
            raise InputError(f"The size {pair} is neither a number of pixels nor a width and a height.")
        few = own.preview_steps or max(own.steps // 3, 1)
        settings: dict[str, Any] = {
            "steps": (few if preview else own.steps) if steps is None else steps,
            "guidance": own.guidance if guidance is None else guidance,
            "size": pair,
            "negative": None if negative is None else _checked_prompt(negative, "negative prompt"),
        }
        self.backbone.check(**settings)
        return settings

    def _warn_about_words(self, prompts: Iterable[str]) -> None:
        for prompt in dict.fromkeys(prompts):
            unknown = self.backbone.unknown_words(prompt)
            if unknown:
                each = [f"{word!r} (near: {', '.join(near)})" if near else repr(word) for word, near in unknown.items()]
                self.warn(f"The model {self.backbone.name} has never seen these words of the prompt: {', '.join(each)}.")

    def _weights(self) -> dict[str, Any]:
        """Which weights these are, as far as is known."""
        hashes = {"backbone_hash": self.backbone.describe().get("backbone_hash"), "emotion_hash": self.eit.metadata.get("sha256")}
        return {name: value[:16] for name, value in hashes.items() if isinstance(value, str)}

    def _recipe(
        self,
        prompt: str,
        emotion: Emotion,
        seed: int,
        strength: float,
        start: float,
        calibration: Calibration | None,
        settings: Mapping[str, Any],
    ) -> dict[str, Any]:
        width, height = settings["size"]
        described = dict(self.backbone.describe())
        versions = described.pop("versions", {})
        return {
            "prompt": prompt,
            "negative": settings["negative"],
            "valence": emotion.valence,
            "arousal": emotion.arousal,
            "strength": strength,
            "calibration": calibration.hash[:16] if calibration else None,
            "start": start,
            "seed": seed,
            "steps": settings["steps"],
            "guidance": float(settings["guidance"]),
            "width": width,
            "height": height,
            **described,
            **self._weights(),
            "versions": {"emoticrafter": installed_version(), **versions},
        }


@torch.no_grad()
def inject(
    eit: EmotionInjectionTransformer, neutral: PromptFeatures, emotions: Sequence[Emotion], strength: float, section: int
) -> Float[Tensor, "B N C"]:
    """The neutral tokens plus `strength` times what the emotions add, each section of a prompt mapped on its own.

    neutral: B prompts of N tokens, N a multiple of `section`. emotions: B of them. A prompt that all share is mapped as one.
    """
    if strength == 0:
        return neutral.tokens
    axes_2B = torch.tensor([(emotion.valence, emotion.arousal) for emotion in emotions], device=neutral.tokens.device).T
    shared = bool((neutral.tokens == neutral.tokens[:1]).all())
    parts = []
    for rows in torch.arange(len(emotions)).split(MAPPED_AT_ONCE):
        tokens = neutral.tokens[:1] if shared else neutral.tokens[rows]
        residuals = [eit.residual(part, *axes_2B[:, rows]) for part in tokens.split(section, dim=1)]
        parts.append(torch.cat(residuals, dim=1))
    return neutral.tokens + strength * torch.cat(parts)


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
        raise InputError(f"The {what} is a {type(text).__name__}, not a text.")
    if len(text) > MAX_PROMPT:
        raise InputError(f"The {what} has {len(text)} characters; {MAX_PROMPT} are the most.", "Shorten it.")
    strange = [c for c in text if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t\r"]
    if strange:
        raise InputError(f"The {what} holds the control character U+{ord(strange[0]):04X}.", "Remove it.")
    return " ".join(text.split())


def _one(prompt: Any) -> str:
    if not isinstance(prompt, str):
        raise InputError(f"The prompt is a {type(prompt).__name__}, not one text.")
    return prompt


def _without_count(settings: Mapping[str, Any]) -> dict[str, Any]:
    known = {"strength", "start", "steps", "preview", "guidance", "size", "negative", "calibrated", "progress"}
    if unknown := sorted(set(settings) - known):
        raise InputError(f"Unknown settings: {', '.join(unknown)}.", f"Known ones: {', '.join(sorted(known))}.")
    return dict(settings)


def _seeds(seed: int | None, count: int, pairs: int) -> list[int]:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1 or count * pairs > MAX_PICTURES:
        raise InputError(f"The count is {count} for {pairs} prompts; from 1 to {MAX_PICTURES} pictures can be made at once.")
    first = secrets.randbelow(2**32) if seed is None else seed
    if isinstance(first, bool) or not isinstance(first, int) or not 0 <= first <= MAX_SEED - count:
        raise InputError(f"The seed is {str(first)[:40]}; it must be a whole number from 0 to {MAX_SEED - count}.")
    return [first + i for i in range(count)] * pairs


def _number(name: str, value: Any, low: float, high: float, meaning: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:  # false for NaN too
        raise InputError(f"The {name} is {str(value)[:40]}; it must be a number from {low:g} to {high:g} ({meaning}).")
    return float(value)


def _check_fit(backbone: Backbone, eit: EmotionInjectionTransformer) -> None:
    belongs = eit.metadata.get("backbone")
    channels = eit.config.prompt_channels
    if channels != backbone.prompt_channels or (belongs is not None and belongs != backbone.family):
        raise CheckpointError(
            f"The emotion checkpoint belongs to {belongs or 'another backbone'} ({channels} prompt channels); the backbone"
            f" {backbone.name} is of the family {backbone.family} ({backbone.prompt_channels} channels).",
            "Give --emotion a checkpoint made for this backbone, or use the other --backbone.",
        )
    if eit.config.positions < backbone.section:
        raise CheckpointError(
            f"The emotion checkpoint maps {eit.config.positions} tokens; {backbone.name} encodes {backbone.section} at a time.",
            "Give --emotion a checkpoint made for this backbone.",
        )


def own_checkpoint(backbone: Backbone) -> Path:
    """The checkpoint that came with the backbone, or that the user keeps for its family."""
    kept = cache_directory() / "emotion" / backbone.family
    for folder in (backbone.emotion, kept):
        if folder is not None and folder.is_dir():
            return folder
    raise MissingError(
        f"No emotion checkpoint came with the backbone {backbone.name}.",
        f"Give one with --emotion; `emoticrafter checkpoint import RELEASED.pth --out {str(kept)!r}` makes one.",
    )


def _warn(text: str) -> None:
    warnings.warn(text, UnknownWordsWarning, stacklevel=4)
