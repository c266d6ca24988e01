"""From a sentence and a feeling to a picture: encode, inject, render."""

# B pictures, S prompt sections, T tokens of a section, C prompt channels

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from emoticrafter import checkpoint
from emoticrafter.backbones.base import Backbone
from emoticrafter.backbones.devices import bfloat16_like
from emoticrafter.backbones.registry import open_backbone, read_outline, recorded_options
from emoticrafter.calibration import Calibration
from emoticrafter.emotion import Emotion
from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.files import cache_directory
from emoticrafter.method import BackboneMethod, Grid, UnknownWordsWarning, warn_in_python
from emoticrafter.picture import Picture
from emoticrafter.request import Request
from emoticrafter.sampling import Sampling
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from emoticrafter.backbones.features import PromptFeatures
    from emoticrafter.backbones.outline import Outline
    from emoticrafter.eit import EITConfig, EmotionInjectionTransformer

__all__ = ["EmotiCrafter", "Grid", "UnknownWordsWarning", "check_checkpoint", "inject", "own_checkpoint"]

MAPPED_AT_ONCE = 64  # prompts by the EIT
METHOD = "emoticrafter"


class EmotiCrafter(BackboneMethod):
    """A frozen text-to-image model and the emotion injection transformer that belongs to it: a `Method`.

    calibration: the map from the emotion that is requested to the one that the transformer is asked for, None for none.
    """

    def __init__(self, backbone: Backbone, eit: EmotionInjectionTransformer, calibration: Calibration | None = None) -> None:
        _check_fit(backbone, eit.config, eit.metadata)
        self.backbone = backbone
        self.eit = eit.to(backbone.device).eval()
        self.calibration = calibration

    @classmethod
    def from_pretrained(
        cls,
        backbone: str | os.PathLike[str] = "storybook",
        emotion: str | os.PathLike[str] | None = None,
        *,
        calibrated: bool = True,
        **options: Any,
    ) -> EmotiCrafter:
        """Open a model: storybook or another known name, a hub id, a pipeline folder or a single .safetensors file.

        emotion: the checkpoint, a folder or hub id; None is the one that belongs to the backbone. calibrated: use the calibration
        that lies beside the checkpoint, if there is one. options: those that the backbone's class declares as its
        `Options`, such as device and dtype. Raises MissingError, CheckpointError, InputError and DeviceError.
        """
        if emotion is not None and not os.fspath(emotion):
            raise InputError("The emotion checkpoint is an empty name.", "Give a folder or a hub id, or leave it out.")
        check_checkpoint(read_outline(backbone, **options), emotion)
        return cls.upon(open_backbone(backbone, **options), emotion, calibrated=calibrated)

    @classmethod
    def upon(cls, backbone: Backbone, emotion: str | os.PathLike[str] | None = None, *, calibrated: bool = True) -> EmotiCrafter:
        """The same upon a backbone that is open."""
        source = emotion if emotion is not None else own_checkpoint(backbone)
        eit = checkpoint.load(source)
        return cls(backbone, eit, checkpoint.load_calibration(source, eit) if calibrated else None)

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any], **options: Any) -> EmotiCrafter:
        """Open the model with which a picture was made, as far as its recipe names it; `options` overrule."""
        backbone = options.pop("backbone", recipe.get("backbone"))
        if not isinstance(backbone, str | os.PathLike):
            raise InputError("The recipe names no backbone.", "Give the recipe of one picture made by emoticrafter.")
        return cls.from_pretrained(backbone, **{**recorded_options(backbone, recipe), **options})

    def draw(self, request: Request, watch: Watch = SILENT) -> list[Picture]:
        """See `Method.draw`."""
        request = self.resolved(request, watch)
        sampling, rows = request.sampling, request.rows
        calibration = self._calibration(sampling)
        asked = calibration.many(request.emotions) if calibration else request.emotions
        assert sampling.strength is not None

        with self.alone(watch):
            neutral = self.backbone.encode(request.prompts)  # tokens (B, S T, C)
            with bfloat16_like(self.backbone.computed, self.backbone.device):
                emotional = neutral.with_tokens(inject(self.eit, neutral, asked, sampling.strength, self.backbone.section))
            images = self.backbone.render(
                emotional.rows(rows),
                neutral=neutral.rows(rows) if sampling.start else None,
                seeds=request.picture_seeds,
                sampling=sampling,
                watch=watch,
            )
        beside = [{"calibration": calibration.hash[:16] if calibration else None}] * len(request.prompts)
        return self.pictures(request, images, beside)

    def again(self, recipe: Mapping[str, Any], watch: Watch | None = None) -> Picture:
        """The picture of a recipe, made by this model; it warns if that is not the one that the recipe was made with.

        watch: as `generate` takes it. Raises InputError where the recipe lacks something.
        """
        watch = watch or Watch(warn=warn_in_python)
        for name, own in self.recorded().items():
            if recipe.get(name, own) != own:
                watch.warn(f"The recipe was made with the {name} {recipe[name]}; this is {own}: the picture will differ.")
        try:
            emotion = Emotion(valence=recipe["valence"], arousal=recipe["arousal"])
            prompt, seed, sampling = recipe["prompt"], recipe["seed"], Sampling.of_entries(recipe)
        except KeyError as error:
            raise InputError(
                f"The recipe has no {error.args[0]}.", "Give the recipe of one picture made by emoticrafter."
            ) from error
        calibrated = recipe.get("calibration") is not None
        if calibrated and recipe["calibration"] != (self.calibration and self.calibration.hash[:16]):
            watch.warn("The recipe was made with another calibration of the emotions: the picture will differ.")
        sampling = sampling.model_copy(update={"calibrated": calibrated})
        return self.draw(Request(prompts=(prompt,), emotions=(emotion,), seeds=(seed,), sampling=sampling), watch)[0]

    def own_strength(self, sampling: Sampling) -> float:
        """The one that the calibration was fitted at, or else the checkpoint's own."""
        calibration = self._calibration(sampling)
        return calibration.strength if calibration else float(self.eit.metadata.get("strength", 1.0))

    def recorded(self) -> dict[str, Any]:
        """See `BackboneMethod.recorded`: which weights these are, as far as is known."""
        hashes = {"backbone_hash": self.backbone.describe().get("backbone_hash"), "emotion_hash": self.eit.metadata.get("sha256")}
        return {name: value[:16] for name, value in hashes.items() if isinstance(value, str)}

    def marks(self) -> dict[str, Any]:
        """See `BackboneMethod.marks`."""
        return {
            "method": METHOD,
            "emotion_hash": (self.eit.metadata.get("sha256") or _hash_of(self.eit))[:16],
            "calibration": self.calibration.hash[:16] if self.calibration else None,
        }

    def _calibration(self, sampling: Sampling) -> Calibration | None:
        return self.calibration if sampling.calibrated else None


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
