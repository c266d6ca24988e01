"""The model under measurement: pictures from captions, and its autoencoder."""

# n pictures, c channels of h x w latents

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from safetensors import safe_open
from torch import Tensor

from benchmarks.fidelity_parts.truth import Cache, Case, blocks
from emoticrafter.backbones.registry import NAMES
from emoticrafter.crafter import EmotiCrafter
from emoticrafter.emotion import Emotion
from emoticrafter.errors import CheckpointError, MissingError
from emoticrafter.storybook.training.common import pictures_to_tensor, tensor_to_pictures
from emoticrafter.storybook.training.progress import Meter

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

AT_ONCE = 32  # pictures
WAYS = ("words", "eit")  # the feeling told in the caption, or injected into the neutral one


class Model:
    """An open model. settings: those of `EmotiCrafter.generate` that all pictures are drawn with."""

    def __init__(self, crafter: EmotiCrafter, settings: Mapping[str, Any] | None = None) -> None:
        self.crafter = crafter
        self.settings = {name: value for name, value in (settings or {}).items() if value is not None}
        self.vae: Any = crafter.backbone.pipeline.vae  # type: ignore[attr-defined]

    @property
    def size(self) -> int:
        """Pixels of a side."""
        return self.crafter.backbone.defaults.size[0]

    def describe(self) -> dict[str, Any]:
        """What decides the pixels: JSON values."""
        return {**self.crafter.describe(), "settings": self.settings}

    def drawn(self, cache: Cache, name: str, way: str, cases: Sequence[Case], first: int) -> UInt8[np.ndarray, "n h w 3"]:
        """The cases, in one of the WAYS, each from the noise of its own number; `first` is that of the first."""
        about = json.dumps([self.describe(), way, first, [(c.neutral, c.emotional, str(c.emotion)) for c in cases]], default=str)
        origin = {"made from": hashlib.sha256(about.encode()).hexdigest()}
        return cache.array(name, origin, lambda: self.draw(name, way, cases, first))

    def draw(self, name: str, way: str, cases: Sequence[Case], first: int) -> UInt8[np.ndarray, "n h w 3"]:
        """The same, always drawn."""
        made: list[np.ndarray] = []
        with Meter(name, len(cases), 0, "pictures") as meter:
            for part in blocks(len(cases), AT_ONCE):
                some, seeds = cases[part], range(first + part.start, first + part.stop)
                if way == "eit":
                    told: dict[str, Any] = {"prompt": [c.neutral for c in some], "emotion": [c.emotion for c in some]}
                else:
                    told = {"prompt": [c.emotional for c in some], "emotion": Emotion.neutral(), "strength": 0}
                pictures = self.crafter.generate(**{**self.settings, **told, "seed": list(seeds)})
                made += [np.asarray(picture.image.convert("RGB")) for picture in pictures]
                meter.update(len(made))
        return np.stack(made)

    @torch.no_grad()
    def latents(self, pictures: UInt8[np.ndarray, "n h w 3"]) -> Float[Tensor, "n c h w"]:
        """What the encoder makes of pictures, float32, as the denoiser is trained on it: mean 0 and deviation 1, nearly."""
        mean, deviation = self._statistics()
        parts = []
        for part in blocks(len(pictures), AT_ONCE):
            x = pictures_to_tensor(np.array(pictures[part]), self.vae.device).to(self.vae.dtype)
            with self._autocast():
                encoded = self.vae.encode(x).latent_dist.mode().float()
            parts.append((encoded - mean) * deviation)
        return torch.cat(parts)

    @torch.no_grad()
    def pictures(self, latents: Float[Tensor, "n c h w"]) -> UInt8[np.ndarray, "n h w 3"]:
        """What the decoder makes of such latents."""
        mean, deviation = self._statistics()
        parts = []
        for part in latents.split(AT_ONCE):
            with self._autocast():
                parts.append(tensor_to_pictures(self.vae.decode((part / deviation + mean).to(self.vae.dtype)).sample))
        return np.concatenate(parts)

    def _autocast(self) -> Any:
        return self.crafter.backbone.autocast()  # type: ignore[attr-defined]

    def _statistics(self) -> tuple[Tensor | float, Tensor | float]:
        """What is taken from what the encoder gives, and what the rest is multiplied by."""
        config = self.vae.config
        mean, deviation = (
            0.0 if values is None else torch.tensor(values, device=self.vae.device).view(1, -1, 1, 1)
            for values in (getattr(config, "latents_mean", None), getattr(config, "latents_std", None))
        )
        return mean, config.scaling_factor / (1.0 if isinstance(deviation, float) else deviation)


def open_model(
    backbone: str, emotion: str | None, *, unet: Path | None, device: str | None, settings: Mapping[str, Any], folder: Path
) -> Model:
    """The model of the options. unet: another denoiser, see `with_unet`, which works in `folder`."""
    source = with_unet(backbone, unet, folder) if unet else backbone
    return Model(EmotiCrafter.from_pretrained(source, emotion, device=device), settings)


def with_unet(backbone: str, unet: Path, folder: Path) -> str:
    """A copy of the backbone's pipeline in `folder`, with another UNet in it.

    unet: a folder of diffusers, or one of a training of the stage `unet`, finished or not: of its checkpoint the averaged weights
    are taken, for a network of the backbone's own sizes. Raises MissingError and CheckpointError.
    """
    source = Path(NAMES.get(backbone, backbone))
    if not (source / "unet" / "config.json").is_file():
        raise MissingError(f"{backbone!r} is not a pipeline folder whose UNet could be exchanged.", "Give a --backbone FOLDER.")
    shutil.copytree(source, folder, ignore=lambda at, _: ["unet"] if Path(at) == source else [])
    whole = next((one for one in (unet, unet / "model") if (one / "config.json").is_file()), None)
    state = unet / "state.safetensors"
    if whole is not None:
        shutil.copytree(whole, folder / "unet")
    elif state.is_file():
        network = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(source / "unet"))
        try:
            network.load_state_dict(_averaged(state))
        except RuntimeError as error:
            raise CheckpointError(
                f"{state} is not of a UNet of the sizes of {backbone}.", "Give a fitting --backbone."
            ) from error
        network.save_pretrained(folder / "unet")
    else:
        raise MissingError(f"There is no UNet in {str(unet)!r}.", "Give a folder with config.json or state.safetensors.")
    return str(folder)


def _averaged(path: Path) -> dict[str, Tensor]:
    with safe_open(path, "pt") as file:
        names = [name for name in file.keys() if name.startswith("averaged.")]  # noqa: SIM118 (not a dict)
        return {name.removeprefix("averaged."): file.get_tensor(name) for name in names}
