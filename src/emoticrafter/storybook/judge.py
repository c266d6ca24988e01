"""Readers of storybook pictures: the emotion they show, the place, the subjects. For tests and benchmarks, not for making.

Small convolutional networks that `storybook.training` trains on rendered scenes only. On photographs they mean nothing.
"""

# n pictures, h height, w width

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from emoticrafter.emotion import LIMIT
from emoticrafter.errors import InputError
from emoticrafter.files import atomic_path
from emoticrafter.inputs.typed import shown
from emoticrafter.storybook.world.scene import PLACES, SUBJECTS
from emoticrafter.tensors import fill, read_noted_tensors

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

SIZE = 128  # pictures of another size are brought to it
MAX_WIDTH = 4096
_AGAIN = "Fetch it again, or train one with `emoticrafter storybook build --stage judge`."
# What the numbers of each head stand for, where a judge is trained now; those of `feeling` are over 3.
LABELS = {"feeling": ("valence", "arousal"), "place": PLACES, "subjects": SUBJECTS}
EMOTION_HEADS = {"feeling": 2}
CONTENT_HEADS = {"place": len(PLACES), "subjects": len(SUBJECTS)}


@dataclass(frozen=True, kw_only=True)
class JudgeConfig:
    """width: channels of the first level; heads: outputs by name; labels: what those stand for, by default what they do now."""

    width: int = 24
    heads: dict[str, int] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in LABELS.keys() & self.heads.keys():
            self.labels.setdefault(name, list(LABELS[name]))


@dataclass(frozen=True, kw_only=True)
class _About:
    """What a judge's file says beside its weights."""

    config: JudgeConfig
    figures: dict[str, Any]

    def __post_init__(self) -> None:
        width, heads, labels = self.config.width, self.config.heads, self.config.labels
        sizes = {name: len(labels.get(name, LABELS[name])) for name in LABELS}
        if not 1 <= width <= MAX_WIDTH or not all(sizes.get(name) == size for name, size in heads.items()):
            raise InputError(f"A judge has the width {shown(width)} and the heads {shown(heads)}.", f"Known: {sizes}.")
        for name in labels.keys() & heads.keys():
            if strange := [one for one in labels[name] if one not in LABELS.get(name, ())]:
                raise InputError(f"A judge's {name} is {shown(strange[0])}, which this world has not.", "Take one of this world.")
            if len(set(labels[name])) < len(labels[name]):
                raise InputError(f"Labels of a judge's {name} come twice.", "Take one whose labels differ.")


class _Level(nn.Module):
    """Half the size, more channels, then one residual step."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(before, after, 3, 2, 1)
        self.body = nn.Sequential(
            nn.GroupNorm(4, after), nn.SiLU(), nn.Conv2d(after, after, 3, 1, 1), nn.SiLU(), nn.Conv2d(after, after, 3, 1, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(F.silu(x))
        return x + self.body(x)


class JudgeNetwork(nn.Module):
    """A picture to the numbers of some heads."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        self.figures: dict[str, Any] = {}  # how good it was on held-out scenes
        w = config.width
        self.first = nn.Conv2d(3, w, 5, 2, 2)
        self.levels = nn.Sequential(_Level(w, 2 * w), _Level(2 * w, 4 * w), _Level(4 * w, 6 * w))
        self.norm = nn.LayerNorm(12 * w)
        self.heads = nn.ModuleDict({name: nn.Linear(12 * w, size) for name, size in config.heads.items()})

    def features(self, pictures: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n f"]:
        """The last features, which all heads read, for pictures in [-1, 1]."""
        x = F.silu(self.levels(self.first(pictures)))
        return self.norm(torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1))

    def forward(self, pictures: Float[Tensor, "n 3 h w"]) -> dict[str, Tensor]:
        """Raw numbers of every head for pictures in [-1, 1]."""
        x = self.features(pictures)
        return {name: head(x) for name, head in self.heads.items()}

    @torch.no_grad()
    def read(self, pictures: UInt8[np.ndarray, "n h w 3"], batch: int = 128) -> dict[str, np.ndarray]:
        """The heads' numbers for pictures of any one size, as float32 (n, outputs)."""
        device = self.first.weight.device
        parts = []
        for start in range(0, len(pictures), batch):
            x = torch.from_numpy(np.array(pictures[start : start + batch])).to(device).permute(0, 3, 1, 2).float()
            if x.shape[-2:] != (SIZE, SIZE):
                x = brought_to(x, SIZE)
            parts.append({name: value.float().cpu().numpy() for name, value in self(x / 127.5 - 1).items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in self.config.heads}

    def emotions(self, pictures: UInt8[np.ndarray, "n h w 3"]) -> np.ndarray:
        """Valence and arousal as shown, float32 (n, 2) in [-3, 3]."""
        return np.clip(LIMIT * self.read(pictures)["feeling"], -LIMIT, LIMIT)

    def contents(self, pictures: UInt8[np.ndarray, "n h w 3"]) -> list[tuple[str, dict[str, float]]]:
        """Per picture the place, and the subjects, most likely first, with their log odds."""
        found, labels = self.read(pictures), self.config.labels
        return [
            (labels["place"][int(place.argmax())], {labels["subjects"][i]: float(subjects[i]) for i in np.argsort(-subjects)})
            for place, subjects in zip(found["place"], found["subjects"], strict=True)
        ]


def brought_to(pictures: Float[Tensor, "n 3 h w"], size: int) -> Tensor:
    """The pictures at another size, (n, 3, size, size); a smaller one by means over areas."""
    if min(pictures.shape[-2:]) >= size:
        return F.interpolate(pictures, size=(size, size), mode="area")
    return F.interpolate(pictures, size=(size, size), mode="bilinear", antialias=True, align_corners=False)


def save_judge(judge: JudgeNetwork, path: Path, figures: Mapping[str, Any], dtype: torch.dtype = torch.float16) -> None:
    """Write weights, sizes and held-out figures into one file, whole or not at all."""
    about = {"config": asdict(judge.config), "figures": dict(figures)}
    state = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in judge.state_dict().items()}
    with atomic_path(path, force=True) as temporary:
        save_file(state, temporary, {"judge": json.dumps(about)})


def load_judge(path: Path, device: str | torch.device = "cpu") -> JudgeNetwork:
    """A judge in float32 for use, with its `figures`. Raises MissingError and CheckpointError."""
    about, state = read_noted_tensors(path, "judge", _About, "judge", _AGAIN)
    with torch.device("meta"):  # so that a lying config costs no memory
        judge = JudgeNetwork(about.config)
    fill(judge, {name: tensor.float() for name, tensor in state.items()}, path, "judge", _AGAIN)
    judge.figures = about.figures
    return judge.to(device).eval().requires_grad_(False)
