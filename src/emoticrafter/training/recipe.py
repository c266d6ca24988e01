"""The recipe of a training: what is trained, on what, how long; and the recipes that ship."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from emoticrafter.configs import find_config
from emoticrafter.data.density import DensityConfig
from emoticrafter.objective import ObjectiveConfig
from emoticrafter.settings import Section, key, read_settings

if TYPE_CHECKING:
    from emoticrafter.eit import EITConfig

__all__ = ["FREE", "DataConfig", "LogConfig", "ModelConfig", "Recipe", "TrainConfig", "differences", "find_recipe", "read_recipe"]

# Keys that decide nothing about the weights, or that lengthen a run: these may change when it is taken up again.
FREE = {
    "data.features", "data.on_device", "data.readers",
    "train.epochs", "train.steps", "train.micro_batch", "train.device", "train.precision", "train.compile",
    "train.save_every", "train.keep", "log.every", "log.trackers", "model.strength",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Section):
    """Section [model]: the transformer. Prompt channels and positions are those of the features."""

    variant: Literal["paper", "released"] = key("paper", "block of the paper's equations, or of what the authors' code computes")
    order: Literal["valence_first", "arousal_first"] | None = key(
        None, "order of the axes in a block; the variant's own where left out"
    )
    predicts: Literal["residual", "feature"] = key("residual", "what the last layer gives: the residual, or the whole feature")
    width: int = key(768, "channels inside the transformer", least=1)
    heads: int = key(12, "attention heads; they divide the width", least=1)
    blocks: int = key(12, "transformer blocks", least=1)
    emotion_tokens: int = key(16, "tokens that tell each axis", least=1)
    encoder_width: int = key(128, "hidden units of each axis' MLP", least=1)
    feed_forward: int | None = key(None, "hidden units of a block's MLP; 4 * width where left out", least=1)
    begin: str | None = key(None, "checkpoint whose weights the training begins with: a folder or a hub id; none where left out")
    strength: float = key(1.0, "default strength that the checkpoint carries; 1 is the prediction itself", least=0, most=10)

    def eit(self, channels: int, positions: int) -> EITConfig:
        """The sizes of the transformer for features of that shape."""
        from emoticrafter.eit import EITConfig

        sizes = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in ("begin", "strength")}
        return EITConfig(prompt_channels=channels, positions=positions, **sizes)


@dataclass(frozen=True, kw_only=True)
class DataConfig(Section):
    """Section [data]: the features, and which of them are held out."""

    features: str = key("features", "folder that `emoticrafter data encode` wrote")
    val_share: float = key(
        0.02, "share of the pairs held out for validation, those marked so included; 0 for none", least=0, most=0.5
    )
    given_splits: bool = key(True, "whether the data sets' own val and test pairs are held out")
    readers: int = key(2, "threads that read features ahead", least=1, most=64)
    on_device: bool = key(False, "whether all features are kept in the device's memory: no reading during the training")


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Section):
    """Section [train]: how long, how fast, how exact."""

    seed: int = key(0, "decides the split, the first weights, the order of the pairs and every draw", least=0, most=2**31 - 1)
    epochs: float = key(200.0, "passes over the training pairs", above=0, most=1_000_000)
    steps: int | None = key(None, "updates, instead of epochs", least=1, most=10**9)
    batch: int = key(768, "pairs per update, over all processes", least=1, most=10**6)
    micro_batch: int | None = key(
        None, "largest number of pairs in one forward pass of a process; gradients of the passes add up", least=1
    )
    rate: float = key(1e-3, "learning rate", above=0, most=10)
    schedule: Literal["constant", "cosine"] = key("constant", "the rate after the warm-up")
    warmup: int = key(0, "updates over which the rate rises from 0", least=0)
    final_rate: float = key(0.0, "share of the rate that the cosine ends at", least=0, most=1)
    weight_decay: float = key(1e-5, "weight decay of AdamW, on all weights", least=0, below=1)
    beta1: float = key(0.9, "AdamW's memory of the gradient", least=0, below=1)
    beta2: float = key(0.999, "AdamW's memory of the squared gradient", least=0, below=1)
    gain_pace: float = key(1.0, "factor of the rate for `residual_norm.weight`; short runs want 10", above=0, most=1000)
    clip: float | None = key(None, "largest norm of all gradients together; no limit where left out", above=0)
    average: float = key(0.0, "decay of the averaged weights (EMA) that are validated and kept; 0 for none", least=0, below=1)
    precision: Literal["auto", "bfloat16", "float32"] = key(
        "auto", "precision of matrix products; auto is bfloat16 where the device has it"
    )
    compile: Literal["auto", "on", "off"] = key("auto", "torch.compile of the blocks; auto is on CUDA only")
    device: Literal["auto", "cpu", "cuda", "mps"] = key("auto", "device of the training; auto is the best there is")
    validate_every: int | None = key(None, "updates between validations; once an epoch where left out", least=1)
    save_every: int = key(500, "updates between states, from which a run is taken up", least=1)
    keep: int = key(2, "states that are kept", least=1)


@dataclass(frozen=True, kw_only=True)
class LogConfig(Section):
    """Section [log]: what is written down beside the weights."""

    every: int = key(10, "updates between two lines of metrics.jsonl", least=1)
    trackers: tuple[str, ...] = key(("tensorboard",), "trackers that Accelerate knows: tensorboard, wandb, mlflow, ...")
    ridge_pairs: int = key(2000, "training pairs that the ridge regression is fitted on; 0 leaves it out", least=0)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training."""

    model: ModelConfig
    data: DataConfig
    density: DensityConfig
    objective: ObjectiveConfig
    train: TrainConfig
    log: LogConfig

    def steps(self, pairs: int) -> int:
        """Updates of the whole training of so many pairs."""
        return self.train.steps or max(math.ceil(self.train.epochs * pairs / self.train.batch), 1)

    def rate_at(self, step: int, steps: int) -> float:
        """The learning rate of the update with this number, from 0."""
        train = self.train
        if step < train.warmup:
            return train.rate * (step + 1) / train.warmup
        if train.schedule == "constant":
            return train.rate
        share = min((step - train.warmup) / max(steps - train.warmup, 1), 1.0)
        return train.rate * (train.final_rate + (1 - train.final_rate) * (1 + math.cos(math.pi * share)) / 2)


def read_recipe(source: str | os.PathLike[str], overrides: Iterable[str] = ()) -> Recipe:
    """The recipe of a file, or of one that ships by its name. Raises what `find_recipe` and `settings.read_settings` do."""
    return read_settings(Recipe, find_recipe(source), overrides)


def find_recipe(source: str | os.PathLike[str]) -> Path:
    """The file of that path, or else the recipe that ships under that name: paper, released, storybook, smoke."""
    return find_config(source, "recipe")


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The keys, free ones apart, in which two recipes given as `as_dict` gives them differ: "train.rate 0.001, not 0.002"."""
    found = []
    for section in sorted({*one, *other}):
        mine, theirs = one.get(section, {}), other.get(section, {})
        for name in sorted({*mine, *theirs}):
            if f"{section}.{name}" not in FREE and mine.get(name) != theirs.get(name):
                found.append(f"{section}.{name} {mine.get(name)!r}, not {theirs.get(name)!r}")
    return found
