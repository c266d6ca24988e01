"""From a sentence and a feeling to a picture: encode, inject, render."""

# B pictures, S prompt sections, T tokens of a section, C prompt channels

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from emoticrafter import checkpoint
from emoticrafter.backbones.base import Backbone
from emoticrafter.backbones.devices import bfloat16_like
from emoticrafter.backbones.registry import open_backbone, read_outline
from emoticrafter.calibration import Calibration
from emoticrafter.emotion import Emotion, path
from emoticrafter.emotion import grid as plane
from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.files import cache_directory
from emoticrafter.guidance import EVERYWHERE
from emoticrafter.maker import Maker
from emoticrafter.picture import Picture
from emoticrafter.recipe import joint_recipe
from emoticrafter.request import Request, check_request, check_settings, decisive, defaults_of, one_prompt, seeds_of
from emoticrafter.sampling import Sampling
from emoticrafter.sheet import contact_sheet
from emoticrafter.watch import SILENT, Step, Watch

if TYPE_CHECKING:
    from jaxtyping import Float
    from PIL import Image
    from torch import Tensor

    from emoticrafter.backbones.features import PromptFeatures
    from emoticrafter.backbones.outline import Outline
    from emoticrafter.eit import EITConfig, EmotionInjectionTransformer

__all__ = [
    "EmotiCrafter",
    "Grid",
    "UnknownWordsWarning",
    "check_checkpoint",
    "draw_grid",
    "draw_sweep",
    "inject",
    "own_checkpoint",
]

MAPPED_AT_ONCE = 64  # prompts by the EIT
METHOD = "emoticrafter"


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
        _check_fit(backbone, eit.config, eit.metadata)
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
        check_checkpoint(read_outline(backbone, options.get("config")), emotion)
        return cls.upon(open_backbone(backbone, **options), emotion, calibrated=calibrated, warn=warn)

    @classmethod
    def upon(
        cls,
        backbone: Backbone,
        emotion: str | os.PathLike[str] | None = None,
        *,
        calibrated: bool = True,
        warn: Callable[[str], None] | None = None,
    ) -> EmotiCrafter:
        """The same upon a backbone that is open."""
        source = emotion if emotion is not None else own_checkpoint(backbone)
        eit = checkpoint.load(source)
        return cls(backbone, eit, warn, checkpoint.load_calibration(source, eit) if calibrated else None)

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any], **options: Any) -> EmotiCrafter:
        """Open the model with which a picture was made, as far as its recipe names it; `options` overrule."""
        names = ("dtype", "offload", "scheduler", "loras", "watermark", "config")
        named = {name: recipe[name] for name in names if recipe.get(name) is not None}
        if not isinstance(recipe.get("backbone"), str):
            raise InputError("The recipe names no backbone.", "Give the recipe of one picture made by emoticrafter.")
        return cls.from_pretrained(**{"backbone": recipe["backbone"], **named, **options})

    def generate(
        self,
        prompt: str | Sequence[str],
        emotion: Emotion | Sequence[Emotion],
        *,
        seed: int | Sequence[int] | None = 0,
        count: int = 1,
        strength: float | None = None,
        start: float = 0.0,
        steps: int | None = None,
        preview: bool = False,
        guidance: float | None = None,
        guidance_range: tuple[float, float] | None = None,
        size: int | tuple[int, int] | None = None,
        negative: str | None = None,
        calibrated: bool = True,
        progress: Step | None = None,
    ) -> list[Picture]:
        """Pictures of prompts with emotions: several of either are paired, one of either goes with all of the other.

        seed: of the first picture of each pair, the others of `count` take the numbers after it; None draws one, several
        are one for each pair. strength: scales what the emotion adds, 0 is neutral, None is the calibration's own, or the
        checkpoint's. start: the share of the denoising steps, 0 to 1, that stay neutral: more keeps more of the neutral layout.
        steps, guidance, size (pixels, or width and height): None is the backbone's own. guidance_range: the times with guidance,
        such as (0.3, 0.85), see `GuidanceRange`; None is the backbone's own, (0, 1) every step. preview: as few steps as still
        give a good picture, where `steps` is None. negative: what to keep out. calibrated: apply the checkpoint's calibration, if
        it has one. progress: called with (done, total) steps.
        Returns `count` pictures for each pair, one pair after the other. Raises InputError and DeviceError.
        """
        calibration = self.calibration if calibrated else None
        request = Request.of(
            self.backbone,
            prompt,
            emotion,
            seed=seed,
            count=count,
            strength=self._strength(strength, calibration),
            start=start,
            steps=steps,
            preview=preview,
            guidance=guidance,
            guidance_range=guidance_range,
            size=size,
            negative=negative,
            warn=self.warn,
        )
        asked = calibration.many(request.emotions) if calibration else request.emotions

        neutral = self.backbone.encode(request.prompts)  # tokens (B, S T, C)
        with bfloat16_like(self.backbone.computed, self.backbone.device):
            emotional = neutral.with_tokens(inject(self.eit, neutral, asked, request.strength, self.backbone.section))
        images = self.backbone.render(
            emotional.rows(request.rows),
            neutral=neutral.rows(request.rows) if request.start else None,
            seeds=request.seeds,
            sampling=Sampling(start=request.start, **request.settings),
            watch=SILENT if progress is None else Watch(stage=lambda name: progress),
        )

        beside = [{"calibration": calibration.hash[:16] if calibration else None}] * len(request.prompts)
        return request.pictures(images, {**self.backbone.describe(), **self._weights()}, beside)

    def grid(
        self, prompt: str, *, valences: Iterable[float], arousals: Iterable[float], seed: int | None = 0, **settings: Any
    ) -> Grid:
        """One prompt and one seed at every pair of the two axes. settings: those of `generate`, without count."""
        return draw_grid(self, prompt, valences=valences, arousals=arousals, seed=seed, **settings)

    def sweep(
        self, prompt: str, begin: Emotion, end: Emotion, *, frames: int = 16, seed: int | None = 0, **settings: Any
    ) -> list[Picture]:
        """One prompt and one seed on the straight way from one emotion to another, `frames` pictures of it.

        settings: those of `generate`, without count.
        """
        return draw_sweep(self, prompt, begin, end, frames=frames, seed=seed, **settings)

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
            settings["guidance_range"] = recipe.get("guidance_range") or EVERYWHERE
            size, prompt = (recipe["width"], recipe["height"]), recipe["prompt"]
        except KeyError as error:
            raise InputError(
                f"The recipe has no {error.args[0]}.", "Give the recipe of one picture made by emoticrafter."
            ) from error
        calibrated = recipe.get("calibration") is not None
        if calibrated and recipe["calibration"] != (self.calibration and self.calibration.hash[:16]):
            self.warn("The recipe was made with another calibration of the emotions: the picture will differ.")
        return self.generate(prompt, emotion, size=size, negative=recipe.get("negative"), calibrated=calibrated, **settings)[0]

    def check(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        strength: float | None = None,
        calibrated: bool = True,
        **settings: Any,
    ) -> None:
        """Raise the InputError with which `generate` would refuse any of these prompts, seeds and settings, and draw nothing.

        settings: those of `generate`, without count and progress. Words that the model does not know are warned about.
        """
        wanted = self._strength(strength, self.calibration if calibrated else None)
        check_request(self.backbone, prompts, seeds, warn=self.warn, strength=wanted, **settings)

    def describe(self) -> dict[str, Any]:
        """What decides the pixels beside a picture's own settings, and under `defaults` those that it has where none are given.

        JSON values: the method, hashes of the weights (the backbone's name where it has none) and of the calibration, how it
        computes.
        """
        return {
            "method": METHOD,
            **decisive(self.backbone),
            "emotion_hash": (self.eit.metadata.get("sha256") or _hash_of(self.eit))[:16],
            "calibration": self.calibration.hash[:16] if self.calibration else None,
            "defaults": defaults_of(self.backbone, self._strength(None, self.calibration)),
        }

    def _strength(self, strength: float | None, calibration: Calibration | None) -> float:
        """The one that is given; otherwise the one that the calibration was fitted at, or the checkpoint's own."""
        own = calibration.strength if calibration else self.eit.metadata.get("strength", 1.0)
        return own if strength is None else strength

    def _weights(self) -> dict[str, Any]:
        """Which weights these are, as far as is known."""
        hashes = {"backbone_hash": self.backbone.describe().get("backbone_hash"), "emotion_hash": self.eit.metadata.get("sha256")}
        return {name: value[:16] for name, value in hashes.items() if isinstance(value, str)}


def draw_grid(
    maker: Maker, prompt: str, *, valences: Iterable[float], arousals: Iterable[float], seed: int | None = 0, **settings: Any
) -> Grid:
    """See `EmotiCrafter.grid`; by any maker."""
    emotions = plane(valences, arousals)
    pictures = maker.generate(one_prompt(prompt), emotions, seed=seeds_of(seed, 1, 1)[0], **_checked(maker, settings))
    columns, rows = {e.valence for e in emotions}, {e.arousal for e in emotions}
    return Grid(prompt=prompt, valences=sorted(columns), arousals=sorted(rows), pictures=pictures)


def draw_sweep(
    maker: Maker, prompt: str, begin: Emotion, end: Emotion, *, frames: int = 16, seed: int | None = 0, **settings: Any
) -> list[Picture]:
    """See `EmotiCrafter.sweep`; by any maker."""
    emotions = path(begin, end, frames)
    return maker.generate(one_prompt(prompt), emotions, seed=seeds_of(seed, 1, 1)[0], **_checked(maker, settings))


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
        valence_B, arousal_B = axes_2B[:, rows]
        sections = neutral.rows([0] if shared else rows.tolist()).sections(section)
        residuals = [eit.residual(part.tokens, valence_B, arousal_B, part.mask) for part in sections]
        parts.append(torch.cat(residuals, dim=1))
    return neutral.tokens + strength * torch.cat(parts)


def _checked(maker: Maker, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a grid or a sweep; only EmotiCrafter has a calibration."""
    return check_settings(settings, ["calibrated"] if isinstance(maker, EmotiCrafter) else ())


def _hash_of(eit: EmotionInjectionTransformer) -> str:
    """Of weights that no checkpoint names."""
    digest = hashlib.sha256(json.dumps(eit.config.as_dict(), sort_keys=True, default=str).encode())
    for name, tensor in sorted(eit.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def check_checkpoint(outline: Outline, emotion: str | os.PathLike[str] | None = None) -> None:
    """Raise the error with which a model would refuse a checkpoint, or find none, as far as that is known before it is loaded.

    emotion: as `EmotiCrafter.from_pretrained` takes it.
    """
    if emotion is not None or outline.family is not None:
        _check_fit(outline, *checkpoint.peek(own_checkpoint(outline) if emotion is None else emotion))


def _check_fit(backbone: Backbone | Outline, config: EITConfig, metadata: Mapping[str, Any]) -> None:
    belongs, channels = metadata.get("backbone"), config.prompt_channels
    known = backbone.family is not None and backbone.prompt_channels is not None  # all is, of a backbone
    if known and (channels != backbone.prompt_channels or (belongs is not None and belongs != backbone.family)):
        raise CheckpointError(
            f"The emotion checkpoint belongs to {belongs or 'another backbone'} ({channels} prompt channels); the backbone"
            f" {backbone.name} is of the family {backbone.family} ({backbone.prompt_channels} channels).",
            "Give --emotion a checkpoint made for this backbone, or use the other --backbone.",
        )
    section = getattr(backbone, "section", 0)
    if config.positions < section:
        raise CheckpointError(
            f"The emotion checkpoint maps {config.positions} tokens; {backbone.name} encodes {section} at a time.",
            "Give --emotion a checkpoint made for this backbone.",
        )


def own_checkpoint(backbone: Backbone | Outline) -> Path:
    """The checkpoint that came with the backbone, or that the user keeps for its family."""
    kept = cache_directory() / "emotion" / str(backbone.family)
    for folder in (backbone.emotion, kept):
        if folder is not None and folder.is_dir():
            return folder
    raise MissingError(
        f"No emotion checkpoint came with the backbone {backbone.name}.",
        f"Give one with --emotion; `emoticrafter checkpoint import RELEASED.pth --out {str(kept)!r}` makes one.",
    )


def _warn(text: str) -> None:
    warnings.warn(text, UnknownWordsWarning, stacklevel=4)
