"""A model of SDXL's kind: what `Backbone` asks for, by the parts of this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property, wraps
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, TypeVar

import torch

from emoticrafter.backbones.base import BeforeStep
from emoticrafter.backbones.devices import Precision
from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.options import options_from
from emoticrafter.backbones.outline import EVERY_STEP, ModelNotes
from emoticrafter.backbones.schedulers import check_steps
from emoticrafter.backbones.sdxl.decoding import SDXLDecoder
from emoticrafter.backbones.sdxl.encoding import SDXLPrompts
from emoticrafter.backbones.sdxl.learning import SDXLDenoiser
from emoticrafter.backbones.sdxl.network import SDXLNetwork
from emoticrafter.backbones.sdxl.opening import open_pipeline
from emoticrafter.backbones.sdxl.opening_options import SDXLOptions
from emoticrafter.backbones.sdxl.outline import PAPER_DEFAULTS, known_defaults, limits_of
from emoticrafter.backbones.sdxl.sampling import SDXLSampler
from emoticrafter.backbones.sdxl.text import family_of
from emoticrafter.backbones.vocabulary import unknown_words
from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.guidance import EVERYWHERE
from emoticrafter.sampling import DEFAULT, Sampling, SamplingDefaults
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["SDXLBackbone"]

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")


def _alone(
    work: Callable[Concatenate[SDXLBackbone, _Given], _Made],
) -> Callable[Concatenate[SDXLBackbone, _Given], _Made]:
    """A work of the model that no other one may come between, from whatever thread."""

    @wraps(work)
    def locked(self: SDXLBackbone, *values: _Given.args, **named: _Given.kwargs) -> _Made:
        with self.lock:
            return work(self, *values, **named)

    return locked


class SDXLBackbone:
    """See `Backbone`. `open` makes one from weights; the constructor takes a pipeline that is ready on its device.

    sizes: what the model's defaults.json says of them, see `Sizes.of`. about: what a recipe records of it. source: the folder or
    file of the weights.
    """

    Options: ClassVar[type[SDXLOptions]] = SDXLOptions

    def __init__(
        self,
        pipeline: Any,
        *,
        name: str = "sdxl",
        family: str = "sdxl",
        precision: Precision | None = None,
        defaults: SamplingDefaults = PAPER_DEFAULTS,
        emotion: Path | None = None,
        vocabulary: frozenset[str] | None = None,
        sizes: Mapping[str, Any] | None = None,
        batch_size: int | None = None,
        about: Mapping[str, Any] | None = None,
        source: Path | None = None,
    ) -> None:
        self.name, self.family, self.defaults, self.emotion = name, family, defaults, emotion
        self._vocabulary, self._batch_size, self._about = vocabulary, batch_size, dict(about or {})
        self.network = SDXLNetwork(pipeline, precision, source)
        self.device, self.pixels_per_latent = self.network.device, self.network.pixels_per_latent
        self.lock = RLock()
        encoders = (pipeline.text_encoder, pipeline.text_encoder_2)
        self.prompt_channels = int(pipeline.unet.config.cross_attention_dim)
        if self.prompt_channels != sum(encoder.config.hidden_size for encoder in encoders):
            raise CheckpointError(
                f"The UNet of {name} reads {self.prompt_channels} channels, its text encoders write others.",
                "Fetch the whole model again.",
            )
        self.prompts, self.decoder = SDXLPrompts(self.network), SDXLDecoder(self.network)
        self.section = self.prompts.section
        notes = ModelNotes(settings=sizes or {}, defaults=defaults, vocabulary=vocabulary, emotion=emotion)
        self.limits = limits_of(name, notes, pipeline.unet.config, pipeline.vae.config, pipeline.scheduler.config)
        self._sampler = SDXLSampler(self.network, self.prompts, self.decoder, self.limits)

    @classmethod
    def open(cls, source: str | Path, *, name: str | None = None, **options: Any) -> SDXLBackbone:
        """The model of a pipeline folder, a hub id or a single .safetensors file. options: see `SDXLOptions`.

        Raises InputError, MissingError, CheckpointError and DeviceError.
        """
        chosen = options_from(cls.Options, options)
        opened = open_pipeline(str(source), chosen)
        notes = ModelNotes.read(opened.path if opened.path.is_dir() else None, known_defaults(str(source)))
        return cls(
            opened.pipeline,
            name=name or str(source),
            family=family_of(notes.settings, opened.pipeline),
            precision=opened.precision,
            defaults=notes.defaults,
            emotion=notes.emotion,
            vocabulary=notes.vocabulary,
            sizes=notes.settings,
            batch_size=chosen.batch_size,
            about=opened.about,
            source=opened.path,
        )

    @property
    def pipeline(self) -> Any:
        """The diffusers pipeline, for what this class does not offer."""
        return self.network.pipeline

    @cached_property
    def denoiser(self) -> SDXLDenoiser:
        return SDXLDenoiser(self.network, self.prompts, self.decoder, self.limits)

    @property
    def computed(self) -> str:
        return self.network.precision.name

    def autocast(self) -> AbstractContextManager[Any]:
        """See `SDXLNetwork.autocast`."""
        return self.network.autocast()

    def describe(self) -> dict[str, Any]:
        import diffusers

        computed = {"dtype": self.computed, "device": self.device.type}
        versions = {"torch": torch.__version__, "diffusers": diffusers.__version__}
        return {"backbone": self.name, **self._about, **computed, "versions": versions}

    def unknown_words(self, prompt: str) -> dict[str, list[str]]:
        return {} if self._vocabulary is None else unknown_words(prompt, self._vocabulary)

    def check(self, sampling: Sampling) -> None:
        asked = sampling.resolved(self.defaults)
        self.limits.check(asked)
        assert asked.steps is not None
        scheduler = self.pipeline.scheduler
        check_steps(scheduler, asked.steps)
        # EDM's schedulers tell the network a logarithm of the noise.
        if asked.guidance_range != EVERYWHERE and hasattr(scheduler, "precondition_noise"):
            told = f"{type(scheduler).__name__} tells no timesteps of the training"
            limits = asked.guidance_range
            raise InputError(f"The guidance range is given, and {told}.", EVERY_STEP, field="guidance_range", value=limits)

    @_alone
    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        """See `Backbone.encode` and `SDXLPrompts.encode`."""
        self.network.suit_threads()
        return self.prompts.encode(prompts)

    @_alone
    @torch.no_grad()
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
        """See `Backbone.render`."""
        assert len(seeds) == len(features) and (neutral is None or len(neutral) == len(features))
        assert not sampling.start or neutral is not None
        self.network.suit_threads()
        self.check(sampling)
        return self._sampler.sample(
            features,
            seeds,
            sampling.resolved(self.defaults),
            neutral=neutral,
            watch=watch,
            before_step=before_step,
            batch_size=self._batch_size,
        )
