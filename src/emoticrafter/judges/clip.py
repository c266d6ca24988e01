"""CLIP: its two towers, and how a picture is brought to them.

The model comes from a folder or the hub; nothing here needs torchvision.
"""

# n pictures or texts, c channels of the joint space, s side of the tower's pictures

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from emoticrafter.backbones.hub import fetch, is_hub_id
from emoticrafter.errors import CheckpointError, InputError, MissingError, reason_of
from emoticrafter.files import user_path
from emoticrafter.inputs.folders import check_model_folder
from emoticrafter.inputs.pictures import Viewable, batches, image_of
from emoticrafter.inputs.records import damaged, read_record
from emoticrafter.inputs.typed import typed

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CLIP", "ClipModel", "PictureSettings", "locate_clip"]

CLIP = "openai/clip-vit-base-patch32"  # where no other is named; 512 channels
BATCH = 32
WHAT, AGAIN = "config of a CLIP", "Fetch it again."
_SIDES = {"from": 1, "to": 4096}  # pixels
_FILES = ["config.json", "preprocessor_config.json", "*.safetensors", "tokenizer*", "vocab.json", "merges.txt", "special_tokens*"]
_MEAN, _SD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # of CLIP's training pictures


def locate_clip(source: str | os.PathLike[str] = CLIP) -> Path:
    """The folder of a CLIP, given as a folder or a hub id. Raises MissingError, which says how to get it without a connection."""
    folder = user_path(source)
    if folder.is_dir():
        if not os.path.lexists(folder / "config.json"):
            raise MissingError(f"{str(folder)!r} holds no config.json.", "Give the folder of a CLIP as transformers saves it.")
        return folder
    if is_hub_id(str(source)):
        folder = fetch(str(source), _FILES)
        return folder if any(folder.glob("*.safetensors")) else fetch(str(source), [*_FILES, "pytorch_model.bin"])
    raise MissingError(f"There is no CLIP {str(source)[:200]!r}.", f"Give a folder, or a hub id such as {CLIP}.")


@dataclass(frozen=True, kw_only=True)
class PictureSettings:
    """How pictures are brought to a tower: the shorter side to `shortest`, its middle `side` cut out, (x / 255 - mean) / sd."""

    shortest: int
    side: int
    mean: tuple[float, float, float] = _MEAN
    sd: tuple[float, float, float] = _SD

    @classmethod
    def of(cls, folder: Path, side: int) -> PictureSettings:
        """Those that the model came with; CLIP's own where it came with none."""
        path = folder / "preprocessor_config.json"
        if not os.path.lexists(path):
            return cls(shortest=side, side=side)
        found = read_record(path, dict[str, Any], WHAT, AGAIN, error=CheckpointError)
        size, crop = found.get("size", side), found.get("crop_size", side)
        try:
            return cls(
                shortest=typed("size", size.get("shortest_edge", side) if isinstance(size, dict) else size, int, _SIDES),
                side=typed("crop_size", crop.get("height", side) if isinstance(crop, dict) else crop, int, _SIDES),
                mean=typed("image_mean", found.get("image_mean", _MEAN), tuple[float, float, float]),
                sd=typed("image_std", found.get("image_std", _SD), tuple[float, float, float], {"above": 0}),
            )
        except InputError as error:
            raise damaged(path, WHAT, AGAIN, error, CheckpointError) from error

    def apply(self, picture: Viewable) -> np.ndarray:
        """The picture as float32 (3, s, s)."""
        image = image_of(picture)
        width, height = image.size
        if width <= height:
            size = (self.shortest, int(self.shortest * height / width))
        else:
            size = (int(self.shortest * width / height), self.shortest)
        image = image.resize(size, Image.Resampling.BICUBIC)
        left, top = (size[0] - self.side) // 2, (size[1] - self.side) // 2
        pixels = np.asarray(image.crop((left, top, left + self.side, top + self.side)), np.float32) / 255
        return ((pixels - np.array(self.mean, np.float32)) / np.array(self.sd, np.float32)).transpose(2, 0, 1)


class ClipModel:
    """A frozen CLIP. vision_only: leave the text tower and the tokenizer out.

    name: as it was given. fingerprint: sha256 of the weights of its image tower, by which judges know it again.
    """

    def __init__(self, source: str | os.PathLike[str] = CLIP, *, vision_only: bool = False, device: str = "cpu") -> None:
        from emoticrafter.backbones.devices import choose_device

        folder = locate_clip(source)
        self.name, self.device = os.fspath(source), choose_device(device)
        vision = self.vision = _open(folder, vision_only).to(self.device).eval().requires_grad_(False)
        if not vision_only:
            self.both, self.tokenizer = vision, _tokenizer(folder)
        config = vision.config if vision_only else vision.config.vision_config
        self.channels = int(vision.config.projection_dim)
        self.settings = PictureSettings.of(folder, config.image_size)
        self.fingerprint = _fingerprint([vision.vision_model, vision.visual_projection])

    def pictures(self, pictures: Sequence[Viewable]) -> np.ndarray:
        """The pictures in the joint space, float32 (n, c), as the projection gives them, without normalisation."""
        import torch

        tower = self.vision
        parts = [np.zeros((0, self.channels), np.float32)]
        for some in batches(pictures, BATCH):
            pixels = torch.from_numpy(np.stack([self.settings.apply(one) for one in some])).to(self.device)
            with torch.no_grad():
                parts.append(_numbers(tower.visual_projection(tower.vision_model(pixel_values=pixels).pooler_output)))
        return np.concatenate(parts)

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """The texts in the joint space, float32 (n, c), cut after the tower's 77 tokens."""
        import torch

        parts = [np.zeros((0, self.channels), np.float32)]
        for start in range(0, len(texts), BATCH):
            tokens = self.tokenizer(list(texts[start : start + BATCH]), padding=True, truncation=True, return_tensors="pt")
            with torch.no_grad():
                text = self.both.text_model(**tokens.to(self.device)).pooler_output
                parts.append(_numbers(self.both.text_projection(text)))
        return np.concatenate(parts)

    @property
    def scale(self) -> float:
        """What the cosines are multiplied by before a softmax: 100 in the published models."""
        return float(self.both.logit_scale.exp())


def _open(folder: Path, vision_only: bool) -> Any:
    """The model; every weight of it must be in the folder, for transformers would make up what is not."""
    from transformers import CLIPConfig, CLIPModel, CLIPVisionConfig, CLIPVisionModelWithProjection

    from emoticrafter.backbones.finite import check_weights

    whole = "vision_config" in read_record(folder / "config.json", dict[str, Any], WHAT, AGAIN, error=CheckpointError)
    check_model_folder(folder)
    try:
        if vision_only:
            config = CLIPConfig.from_pretrained(folder).vision_config if whole else CLIPVisionConfig.from_pretrained(folder)
            if whole:  # the width of the joint space is said once, and not there
                config.projection_dim = CLIPConfig.from_pretrained(folder).projection_dim
            made = CLIPVisionModelWithProjection.from_pretrained(folder, config=config, output_loading_info=True)
        else:
            made = CLIPModel.from_pretrained(folder, output_loading_info=True)
        model, found = made
    except Exception as error:  # a broken or foreign folder can make transformers raise anything
        raise CheckpointError(f"{str(folder)!r} does not hold a CLIP ({reason_of(error, 160)}).", AGAIN) from error
    lacking = [*found["missing_keys"], *found["mismatched_keys"]]
    if lacking:
        raise CheckpointError(f"The CLIP {str(folder)!r} lacks weights, such as {lacking[0]}.", "Fetch it again, as a whole.")
    check_weights(model, folder)
    return model


def _tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    try:
        return CLIPTokenizer.from_pretrained(folder)
    except Exception as error:
        raise CheckpointError(f"{str(folder)!r} holds no tokenizer of a CLIP.", "Fetch it again, as a whole.") from error


def _numbers(x: Tensor) -> np.ndarray:
    return x.float().cpu().numpy()


def _fingerprint(modules: Sequence[Any]) -> str:
    digest = hashlib.sha256()
    for module in modules:
        for name, tensor in sorted(module.state_dict().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(_numbers(tensor)).tobytes())
    return digest.hexdigest()
