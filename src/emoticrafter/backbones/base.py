"""What a text-to-image model must offer to be given emotions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from emoticrafter.sampling import DEFAULT, Sampling, SamplingDefaults
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from threading import RLock

    import torch
    from PIL import Image

    from emoticrafter.backbones.denoiser import Denoiser
    from emoticrafter.backbones.features import PromptFeatures
    from emoticrafter.settings import Section

__all__ = ["Backbone", "BackboneClass", "BeforeStep", "PromptEncoder", "Sampler", "SamplingDefaults"]

BeforeStep = Callable[[Sequence[int], int, int], None]  # (rows of the features in this batch, number of the step, steps)


class Sampler(Protocol):
    """What is asked of a model before it is asked for pictures; an `Outline` answers without its weights."""

    @property
    def name(self) -> str: ...

    @property
    def defaults(self) -> SamplingDefaults: ...

    def check(self, sampling: Sampling) -> None:
        """Raise InputError for settings with which this model cannot sample, before any work is done. None is its own."""
        ...

    def unknown_words(self, prompt: str) -> dict[str, list[str]]:
        """The words of a prompt that the model has never seen, each with the nearest that it has."""
        ...


class Backbone(Sampler, Protocol):
    """A frozen text-to-image model.

    name: as the user opened it. family: what an emotion checkpoint belongs to; models with the same text encoders share it.
    prompt_channels: C of its features. section: tokens of a prompt section, which an EIT maps one by one. pixels_per_latent: what
    one number of its latents stands for, in each direction. computed: the dtype that it computes in. emotion: the checkpoint that
    came with it, if one did. lock: held by `encode` and `render`, and by whoever changes the network for one picture.
    """

    name: str
    family: str
    prompt_channels: int
    section: int
    pixels_per_latent: int
    defaults: SamplingDefaults
    emotion: Path | None
    lock: RLock

    @property
    def device(self) -> torch.device:
        """Where its features are."""
        ...

    @property
    def computed(self) -> str: ...

    @property
    def denoiser(self) -> Denoiser | None:
        """Its network, for methods that learn from it or add to it; None for a model that offers none."""
        ...

    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        """The features of each prompt, the empty one included, in float32 on the device."""
        ...

    def render(
        self,
        features: PromptFeatures,
        *,
        seeds: Sequence[int],
        sampling: Sampling = DEFAULT,
        neutral: PromptFeatures | None = None,
        watch: Watch = SILENT,
        before_step: BeforeStep | None = None,
    ) -> list[Image.Image]:
        """One RGB picture per row of `features`, each from noise of its own seed, drawn on the CPU.

        sampling: None is the model's own; without a negative prompt that is its unconditional input. The network is called once
        for a step at times without guidance, see `GuidanceRange`. neutral: what the first steps see instead of `features`, their
        share being `sampling.start`. watch: hears of denoising steps of single pictures, as the stage "drawing", and is checked
        before each step. before_step: called before each step of each batch, for whoever changes the network itself; the network
        sees the unconditional rows first where there is guidance. A size below those that the model draws well is drawn larger,
        and brought down by means over areas. What the recipe of one picture is to say beside stands in its `info`, under
        "recipe". Raises what `check` raises; StoppedError; DeviceError when the memory does not suffice for a single picture, or
        one overflows; CheckpointError when weights are not finite.
        """
        ...

    def describe(self) -> Mapping[str, Any]:
        """What a recipe records of the model: JSON values."""
        ...


class BackboneClass(Protocol):
    """The class of a backbone, which `registry.open_backbone` opens one by.

    Options: what it is opened with, a section of fields that `options.option` declares; `options_from` makes one.
    """

    Options: type[Section]

    def open(self, source: str, *, name: str, **options: Any) -> Backbone:
        """The model of a folder, a hub id or a file; `name` is what the user called it.

        Raises InputError, MissingError, CheckpointError and DeviceError, as much as can be before weights are read.
        """
        ...


class PromptEncoder(Protocol):
    """The text half of a backbone, for encoding many prompts once.

    family, prompt_channels, section: as in `Backbone`. computed: the dtype that it computes in. fingerprint: sha256 of the
    weights of its text encoders. ignores_padding: whether what fills up a prompt behind its own tokens means nothing to the
    model: `encode` then gives a mask, true for the first min(length, section) tokens of a prompt of that length.
    """

    family: str
    prompt_channels: int
    section: int
    computed: str
    fingerprint: str
    ignores_padding: bool

    @property
    def threads(self) -> int:
        """How many batches are best encoded at once, each by a thread."""
        ...

    def lengths(self, prompts: Sequence[str]) -> list[int]:
        """How many tokens each prompt takes, those of its start and end included; more than `section` do not fit."""
        ...

    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        """The tokens of each prompt's first section, in one stream.

        All prompts go through the network in one batch, by the calling thread: the bits of the result are a function of the
        prompts and their order. What overflows is returned as it is. Raises DeviceError if the memory does not suffice, and
        CheckpointError if weights are not finite.
        """
        ...
