"""Any model of SDXL's kind as a backbone: two CLIP text encoders, a UNet and a VAE, run by diffusers' pipeline."""

# B batch, T prompt tokens, C prompt channels, P pooled channels, L latent channels

from __future__ import annotations

import gc
import importlib.util
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property, partial, wraps
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from emoticrafter.backbones.base import BeforeStep
from emoticrafter.backbones.devices import Precision, choose_device, choose_precision, is_out_of_memory
from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.finite import in_float32, is_finite, not_finite
from emoticrafter.backbones.loading import (
    fingerprint,
    load_pipeline,
    locate,
    quiet_libraries,
)
from emoticrafter.backbones.loras import add_loras, read_lora
from emoticrafter.backbones.outline import EVERY_STEP, PAPER_DEFAULTS, Limits, read_json, sampling_defaults
from emoticrafter.backbones.previews import Forecast, reduced
from emoticrafter.backbones.schedulers import check_steps, make_scheduler, own_scheduler, read_scheduler
from emoticrafter.backbones.sdxl_learning import SDXLDenoiser
from emoticrafter.backbones.text import family_of, section_length, sections_of
from emoticrafter.backbones.vocabulary import unknown_words
from emoticrafter.errors import CheckpointError, DeviceError, EmotiCrafterError, InputError, MissingError
from emoticrafter.files import user_path
from emoticrafter.guidance import EVERYWHERE, GuidanceRange
from emoticrafter.sampling import DEFAULT, Sampling, SamplingDefaults
from emoticrafter.threads import suit_threads
from emoticrafter.watch import SILENT, Preview, Watch

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["SDXLBackbone"]

MEMORY = 256  # prompts whose features are kept
ENCODED_AT_ONCE = 64  # prompt sections

Encoded = tuple[Tensor, Tensor]  # (T, C) of all sections, (P,)
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


class _Asked(NamedTuple):
    """How the pictures of a call are sampled. limits: the times with guidance. drawn: the size before it is brought to `size`."""

    negative: str | None
    steps: int
    guidance: float
    limits: GuidanceRange
    start: float
    size: tuple[int, int]
    drawn: tuple[int, int]

    @classmethod
    def of(cls, sampling: Sampling, defaults: SamplingDefaults, limits: Limits) -> _Asked:
        """The settings with the model's own in the place of None."""
        told: Any = sampling.resolved(defaults)
        drawn = limits.sizes.drawn(told.size, limits.name)
        return cls(told.negative, told.steps, told.guidance, told.guidance_range, told.start, told.size, drawn)


class SDXLBackbone:
    """See `Backbone`. `open` makes one from weights; the constructor takes a pipeline that is ready on its device.

    sizes: what the model's defaults.json says of them, see `Sizes.of`.
    """

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
        self.name, self.family, self.defaults, self.emotion, self._source = name, family, defaults, emotion, source
        self._pipeline, self._vocabulary, self._batch_size, self._about = pipeline, vocabulary, batch_size, dict(about or {})
        self.device: torch.device = pipeline._execution_device  # kept: finding it walks through every module
        self._precision = precision or Precision(weights=pipeline.unet.dtype)
        self._memory: OrderedDict[str, Encoded] = OrderedDict()
        self.lock = RLock()
        encoders = (pipeline.text_encoder, pipeline.text_encoder_2)
        self.prompt_channels = int(pipeline.unet.config.cross_attention_dim)
        if self.prompt_channels != sum(encoder.config.hidden_size for encoder in encoders):
            raise CheckpointError(
                f"The UNet of {name} reads {self.prompt_channels} channels, its text encoders write others.",
                "Fetch the whole model again.",
            )
        self.section = section_length(pipeline)
        self.pixels_per_latent = int(pipeline.vae_scale_factor)
        configs = (pipeline.unet.config, pipeline.vae.config, pipeline.scheduler.config)
        self._limits = Limits.of(name, defaults, sizes or {}, *configs)
        pipeline.set_progress_bar_config(disable=True)
        # Under autocast the UNet answers in bfloat16; guidance magnifies differences, so it is computed in the latents' dtype.
        pipeline.unet.register_forward_hook(lambda _, __, output: (output[0].to(self._pipeline_dtype), *output[1:]))

    @classmethod
    def open(
        cls,
        source: str | Path,
        *,
        name: str | None = None,
        device: str | torch.device | None = None,
        dtype: str | None = None,
        offload: str | None = None,
        scheduler: str | None = None,
        loras: Sequence[str] = (),
        watermark: bool = False,
        attention_slicing: bool = False,
        batch_size: int | None = None,
        config: str | None = None,
    ) -> SDXLBackbone:
        """The model of a pipeline folder, a hub id or a single .safetensors file.

        device: cpu, cuda, cuda:N, mps; None is the best there is. dtype: auto, float32, bfloat16, float16. offload: "model"
        or "sequential" keep in GPU memory only what works. scheduler: see `read_scheduler`. loras: see `read_lora`.
        watermark: the invisible one of SDXL. batch_size: the most pictures sampled at once; None is by their size. config:
        see `load_pipeline`. Raises InputError, MissingError, CheckpointError and DeviceError.
        """
        chosen = choose_device(device)
        precision = choose_precision(dtype, chosen)
        offload = None if offload == "none" else offload
        _check_offload(offload, chosen)
        if batch_size is not None and not 1 <= batch_size <= 1024:
            raise InputError(
                f"The batch size is {batch_size}; it must be from 1 to 1024.", "Leave it out to go by the size of the pictures."
            )
        read = [read_lora(text) for text in loras]
        if scheduler is not None and not user_path(source).is_dir():
            read_scheduler(scheduler)  # refused before anything is fetched
        path = locate(str(source), precision.weights)
        folder = path if path.is_dir() else path.parent
        own = own_scheduler(path)
        asked = make_scheduler(scheduler, own) if scheduler and own else None  # refused before the weights are read
        pipeline = load_pipeline(path, precision.weights, watermark=watermark, config=config)
        if scheduler is not None:
            pipeline.scheduler = asked or make_scheduler(scheduler, pipeline.scheduler)
        add_loras(pipeline, read)
        if precision.weights == torch.float16 and pipeline.vae.config.force_upcast:
            pipeline.vae.to(torch.float32)  # SDXL's own overflows in float16
        if attention_slicing:
            pipeline.enable_attention_slicing()
        _place(pipeline, chosen, offload)
        settings = (read_json(path / "defaults.json") or {}) if path.is_dir() else {}
        words = (read_json(path / "vocabulary.json") or {}).get("words") if path.is_dir() else None
        about = {
            "backbone_hash": fingerprint(path),
            "offload": offload,
            "config": config,
            "loras": list(loras),
            "watermark": watermark,
            "scheduler": scheduler or type(pipeline.scheduler).__name__,
        }
        return cls(
            pipeline,
            name=name or str(source),
            family=family_of(settings, pipeline),
            precision=precision,
            defaults=sampling_defaults(settings, str(source), path),
            emotion=folder / "emotion" if path.is_dir() and (folder / "emotion").is_dir() else None,
            vocabulary=frozenset(str(word).lower() for word in words) if isinstance(words, list) else None,
            sizes=settings,
            batch_size=batch_size,
            about={key: value for key, value in about.items() if value not in (None, [])},
            source=path,
        )

    @property
    def pipeline(self) -> Any:
        """The diffusers pipeline, for what this class does not offer."""
        return self._pipeline

    @cached_property
    def denoiser(self) -> SDXLDenoiser:
        return SDXLDenoiser(self)

    @property
    def computed(self) -> str:
        return self._precision.name

    @property
    def _pipeline_dtype(self) -> torch.dtype:
        return self._precision.weights

    def describe(self) -> dict[str, Any]:
        import diffusers

        computed = {"dtype": self.computed, "device": self.device.type}
        versions = {"torch": torch.__version__, "diffusers": diffusers.__version__}
        return {"backbone": self.name, **self._about, **computed, "versions": versions}

    def unknown_words(self, prompt: str) -> dict[str, list[str]]:
        return {} if self._vocabulary is None else unknown_words(prompt, self._vocabulary)

    def told_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The width and height that the network is told of a picture that is drawn at this size."""
        return self._limits.sizes.told_of(size)

    def autocast(self) -> AbstractContextManager[Any]:
        """In which the network is run: the precision that the model computes in."""
        if self._precision.autocast is not None:
            return torch.autocast(self.device.type, self._precision.autocast)
        return nullcontext()

    def _suit_threads(self) -> None:
        if self.device.type == "cpu":
            suit_threads()

    # Prompts

    @_alone
    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        """See `Backbone.encode`.

        A prompt of more than `section` tokens is cut into sections, at word ends, encoded apart and joined; the pooled
        feature is that of the first. In a batch, shorter prompts are filled up with sections of the empty prompt.
        """
        self._suit_threads()
        encoded = self._encoded(prompts)
        lengths = [len(tokens) for tokens, _ in encoded]
        longest = max(lengths)
        pooled_BP = torch.stack([pooled for _, pooled in encoded])
        tokens_BTC = torch.stack([self._filled(tokens, longest) for tokens, _ in encoded])
        if min(lengths) == longest:
            return PromptFeatures.of(tokens_BTC, pooled_BP)
        mask_BT = torch.arange(longest)[None, :] < torch.tensor(lengths)[:, None]
        return PromptFeatures.of(tokens_BTC, pooled_BP, mask_BT.to(tokens_BTC.device))

    def _encoded(self, prompts: Sequence[str]) -> list[Encoded]:
        known = {prompt: self._memory[prompt] for prompt in prompts if prompt in self._memory}
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in known]
        for prompt in new:  # each by itself: its features, to the last bit, must not depend on its company
            tokens, pooled = self.encode_sections(self.sections(prompt))
            if not is_finite(tokens) or not is_finite(pooled):
                raise self.not_finite("The features of a prompt overflowed")
            known[prompt] = tokens.flatten(0, 1), pooled[0]
        for prompt in known:
            self._memory[prompt] = known[prompt]
            self._memory.move_to_end(prompt)
        while len(self._memory) > MEMORY:
            self._memory.popitem(last=False)
        return [known[prompt] for prompt in prompts]

    def _filled(self, tokens_TC: Tensor, length: int) -> Tensor:
        if len(tokens_TC) == length:
            return tokens_TC
        empty = self._encoded([""])[0][0]
        return torch.cat([tokens_TC, empty.repeat((length - len(tokens_TC)) // self.section, 1)])

    def sections(self, prompt: str) -> list[tuple[list[int], list[int]]]:
        """The token ids of each section, for the first and the second text encoder."""
        tokenizers = (self._pipeline.tokenizer, self._pipeline.tokenizer_2)
        both = [self._split(tokenizer, prompt) for tokenizer in tokenizers]
        for tokenizer, sections in zip(tokenizers, both, strict=True):  # their vocabularies may differ
            sections += self._split(tokenizer, "") * (max(map(len, both)) - len(sections))
        return list(zip(*both, strict=True))

    def _split(self, tokenizer: Any, prompt: str) -> list[list[int]]:
        ids = tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids
        return sections_of(ids, tokenizer, self.section)

    def encode_sections(self, sections: Sequence[tuple[list[int], list[int]]]) -> Encoded:
        """The tokens (n, T, C) and the pooled feature (n, P) of sections, each as `sections` gives it."""
        tokens, pooled = [], []
        with self._memory_guard("encode the prompt"):
            for begin in range(0, len(sections), ENCODED_AT_ONCE):
                batch = torch.tensor(sections[begin : begin + ENCODED_AT_ONCE], device=self.device)
                first = self._pipeline.text_encoder(batch[:, 0], output_hidden_states=True)
                second = self._pipeline.text_encoder_2(batch[:, 1], output_hidden_states=True)
                both = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)  # as SDXL was trained
                tokens.append(both.float())
                pooled.append(second.text_embeds.float())
        return torch.cat(tokens), torch.cat(pooled)

    # Pictures

    def check(self, sampling: Sampling) -> None:
        asked = sampling.resolved(self.defaults)
        self._limits.check(asked)
        assert asked.steps is not None
        check_steps(self._pipeline.scheduler, asked.steps)
        # EDM's schedulers tell the network a logarithm of the noise.
        if asked.guidance_range != EVERYWHERE and hasattr(self._pipeline.scheduler, "precondition_noise"):
            told = f"{type(self._pipeline.scheduler).__name__} tells no timesteps of the training"
            limits = asked.guidance_range
            raise InputError(f"The guidance range is given, and {told}.", EVERY_STEP, field="guidance_range", value=limits)

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
        """See `Backbone.render`. Pictures are sampled in batches; when the memory runs out, in batches of half the size."""
        assert len(seeds) == len(features) and (neutral is None or len(neutral) == len(features))
        assert not sampling.start or neutral is not None
        self._suit_threads()
        self.check(sampling)
        asked = _Asked.of(sampling, self.defaults, self._limits)
        images: dict[int, Image.Image] = {}
        most = self._batch_size or _batch_size(self.device, asked.drawn, self.pixels_per_latent)
        step = watch.stage("drawing")

        def report(pictures: float) -> None:
            step(int(asked.steps * (len(images) + pictures)), asked.steps * len(seeds))

        for waiting in _rows_by_length(features, neutral):
            while waiting:
                watch.check()
                rows = waiting[:most]
                made = self._try_sample(
                    features.rows(rows),
                    None if neutral is None else neutral.rows(rows),
                    [seeds[row] for row in rows],
                    asked,
                    report,
                    watch if watch.preview is None else replace(watch, preview=partial(_of_row, watch.preview, rows)),
                    None if before_step is None else partial(before_step, rows),
                )
                if made is None:
                    most = len(rows) // 2
                    continue
                images |= zip(rows, made, strict=True)
                waiting = waiting[len(rows) :]
        return [images[row] for row in range(len(seeds))]

    def _try_sample(self, features: PromptFeatures, *rest: Any) -> list[Image.Image] | None:
        """The pictures of one batch, or None if the memory ran out and a smaller one may fit."""
        try:
            return self._sample(features.trimmed(), *rest)
        except BaseException as error:
            self._pipeline.maybe_free_model_hooks()  # as the pipeline does at its own end
            if not is_out_of_memory(error):
                raise
            if len(features) == 1:
                raise _memory_error("draw one picture") from error
        # Outside the handler: the traceback held every tensor of the attempt.
        _free_memory()
        return None

    def _sample(
        self,
        features: PromptFeatures,
        neutral: PromptFeatures | None,
        seeds: Sequence[int],
        asked: _Asked,
        report: Callable[[float], None],
        watch: Watch,
        before_step: Callable[[int, int], None] | None,
    ) -> list[Image.Image]:
        negative, steps, guidance, limits, start, size, (width, height) = asked
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        cell, told_size = self.pixels_per_latent, self.told_size((width, height))[::-1]
        shape = (self._pipeline.unet.config.in_channels, height // cell, width // cell)
        latents_BLHW = torch.stack([torch.randn(shape, generator=generator) for generator in generators])
        batch = len(seeds)
        guided = self._guided_calls(guidance, limits, steps)

        def after_step(pipeline: Any, index: int, _: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            self._suit_threads()
            now, count = index + 1, pipeline.num_timesteps
            report(batch * now / count)
            watch.check()
            if now == count:
                return {}
            if watch.preview is not None:
                self._show(forecast.after(index, tensors["latents"]), watch.preview)
            if before_step is not None:
                before_step(now, count)
            if neutral_steps(count) != now and guided(now) == guided(index):
                return {}
            if guided(now) != guided(index):
                # The attribute through which diffusers lets guidance change on the way; it is read before every call.
                pipeline._guidance_scale = float(guidance) if guided(now) else 1.0
            told, against = self._both_sides(first if now < neutral_steps(count) else features, negative, guided(now))
            if against is not None:  # unconditional rows first
                told = PromptFeatures.joined([against.rows([0] * batch), told])
            return {
                "prompt_embeds": self._cast(told.tokens),
                "add_text_embeds": self._cast(told.pooled),
                "add_time_ids": tensors["add_time_ids"][:1].repeat(len(told), 1),
            }

        def neutral_steps(count: int) -> int:
            return round(start * count) if neutral is not None else 0

        if watch.preview is not None:
            self._pipeline.scheduler.set_timesteps(steps)  # as the pipeline does it
            scale = self._pipeline.scheduler.init_noise_sigma
            forecast = Forecast(self._pipeline.scheduler, latents_BLHW.to(self.device) * scale)
        first = neutral.trimmed() if neutral is not None and neutral_steps(steps) else features
        told, against = self._both_sides(first, negative, guided(0))
        if before_step is not None:
            before_step(0, steps)
        with self.autocast(), quiet_libraries():
            latents_BLHW = self._pipeline(
                prompt_embeds=self._cast(told.tokens),
                pooled_prompt_embeds=self._cast(told.pooled),
                negative_prompt_embeds=None if against is None else self._cast(against.tokens.expand(batch, -1, -1)),
                negative_pooled_prompt_embeds=None if against is None else self._cast(against.rows([0] * batch).pooled),
                width=width,
                height=height,
                original_size=told_size,
                target_size=told_size,
                num_inference_steps=steps,
                guidance_scale=float(guidance) if guided(0) or limits == EVERYWHERE else 1.0,
                generator=generators,  # for the schedulers that add noise
                latents=self._cast(latents_BLHW),
                output_type="latent",
                callback_on_step_end=after_step,
                callback_on_step_end_tensor_inputs=["latents", "prompt_embeds", "add_text_embeds", "add_time_ids"],
            ).images
            return self._decode(latents_BLHW, size)

    def _guided_calls(self, guidance: float, limits: GuidanceRange, steps: int) -> Callable[[int], bool]:
        """Whether a call of the network, by its number in a sampling, has unconditional rows beside the told ones."""
        if guidance <= 1 or limits == EVERYWHERE:
            always = guidance > 1 and not self._limits.reads_guidance
            return lambda call: always
        scheduler = self._pipeline.scheduler
        scheduler.set_timesteps(steps)  # as the pipeline does it; some call the network twice for a step
        within = [limits.covers(time, scheduler.config.num_train_timesteps) for time in scheduler.timesteps.tolist()]
        return within.__getitem__

    def _both_sides(
        self, features: PromptFeatures, negative: str | None, guided: bool
    ) -> tuple[PromptFeatures, PromptFeatures | None]:
        """The features, and, where there is guidance, one row to move away from; both as long as the longer one."""
        if not guided:
            return features, None
        against = self._unconditional(negative, features)
        return PromptFeatures.of(self._lengthened(features.tokens, against.tokens.shape[1]), features.pooled), against

    def _unconditional(self, negative: str | None, features: PromptFeatures) -> PromptFeatures:
        """One row to move away from: the negative prompt, or what the model was trained to take for no prompt."""
        if negative is None and self._pipeline.config.force_zeros_for_empty_prompt:
            return features.rows([0]).map(torch.zeros_like)
        encoded = self.encode([negative or ""])
        length = max(encoded.tokens.shape[1], features.tokens.shape[1])
        return encoded.with_tokens(self._lengthened(encoded.tokens, length))

    def _lengthened(self, tokens_BTC: Tensor, length: int) -> Tensor:
        """Filled up with sections of the empty prompt: both sides of the guidance need one length."""
        if tokens_BTC.shape[1] == length:
            return tokens_BTC
        return torch.stack([self._filled(tokens_TC, length) for tokens_TC in tokens_BTC])

    def _cast(self, tensor: Tensor | None) -> Tensor:
        assert tensor is not None, "SDXL reads a pooled part"
        return tensor.to(self.device, self._pipeline_dtype)

    def decode(self, latents_BLHW: Tensor) -> list[Image.Image]:
        """The pictures of latents, at the size that these have."""
        height, width = (side * self.pixels_per_latent for side in latents_BLHW.shape[-2:])
        with self.autocast():
            return self._decode(latents_BLHW.to(self.device), (width, height))

    def _decode(self, latents_BLHW: Tensor, size: tuple[int, int]) -> list[Image.Image]:
        """The pictures at this size."""
        if not is_finite(latents_BLHW):
            raise self.not_finite("The picture overflowed")
        images: list[Image.Image] = []
        at_once = max(1, 2**20 // (latents_BLHW[0, 0].numel() * self.pixels_per_latent**2))
        for part in latents_BLHW.split(at_once):
            pixels, again = self._pixels(part)
            if pixels.shape[-2:] != (size[1], size[0]):
                pixels = F.interpolate(pixels.clamp(-1, 1), (size[1], size[0]), mode="area")
            if self._pipeline.watermark is not None:
                pixels = self._pipeline.watermark.apply_watermark(pixels)
            made = self._pipeline.image_processor.postprocess(pixels, output_type="pil")
            for row in again:
                made[row].info["recipe"] = {"vae_dtype": "float32"}
            images += made
        self._pipeline.maybe_free_model_hooks()
        return images

    def _show(self, latents_BLHW: Tensor, preview: Preview) -> None:
        """Small pictures of the latents; one that overflows is left out."""
        pixels = self._decoded(reduced(latents_BLHW).to(self.device))
        for row, picture in enumerate(pixels):
            if is_finite(picture):
                preview(row, self._pipeline.image_processor.postprocess(picture[None], output_type="pil")[0])

    def _pixels(self, latents_BLHW: Tensor) -> tuple[Tensor, list[int]]:
        """Pixels in float32 (B, 3, H, W), and the rows that overflowed and were decoded once more, in float32."""
        pixels = self._decoded(latents_BLHW)
        again = [row for row, picture in enumerate(pixels) if not is_finite(picture)]
        if again and (self._pipeline.vae.dtype != torch.float32 or self._precision.autocast is not None):
            with in_float32(self._pipeline.vae, self.device):
                pixels[again] = self._decoded(latents_BLHW[again])
        if not is_finite(pixels):
            raise self.not_finite("The VAE overflowed in float32 too, from latents")
        return pixels, again

    def _decoded(self, latents_BLHW: Tensor) -> Tensor:
        """The pipeline's own decoding takes means and deviations of four latent channels only."""
        vae = self._pipeline.vae
        latents_BLHW = latents_BLHW.to(vae.dtype)
        mean, std = (
            latents_BLHW.new_tensor(values).view(1, -1, 1, 1) if (values := getattr(vae.config, name, None)) is not None else None
            for name in ("latents_mean", "latents_std")
        )
        latents_BLHW = latents_BLHW * (1 if std is None else std) / vae.config.scaling_factor + (0 if mean is None else mean)
        return vae.decode(latents_BLHW, return_dict=False)[0].float()

    def not_finite(self, what: str) -> EmotiCrafterError:
        """The error for a result of this model that is not finite; see `finite.not_finite`."""
        parts = {name: getattr(self._pipeline, name) for name in ("text_encoder", "text_encoder_2", "unet", "vae")}
        return not_finite(what, parts, self._source, self.computed)

    @contextmanager
    def _memory_guard(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if is_out_of_memory(error):
                raise _memory_error(what) from error
            raise


def _of_row(preview: Preview, rows: Sequence[int], place: int, image: Image.Image) -> None:
    """A preview of the picture at a place in a batch of these rows."""
    preview(rows[place], image)


def _rows_by_length(features: PromptFeatures, neutral: PromptFeatures | None) -> list[list[int]]:
    """The rows of each prompt length: a picture must not depend on how long its neighbours' prompts are."""
    groups: dict[tuple[int, int], list[int]] = {}
    for row, lengths in enumerate(zip(features.lengths(), (neutral or features).lengths(), strict=True)):
        groups.setdefault(lengths, []).append(row)
    return list(groups.values())


def _batch_size(device: torch.device, size: tuple[int, int], cell: int) -> int:
    """Pictures sampled at once: about what 24 GB hold on a GPU, and what a CPU does not slow down with."""
    latents = 4 * 128**2 if device.type != "cpu" else 32 * 16**2
    return max(1, min(32, latents * cell**2 // (size[0] * size[1])))


def _free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _memory_error(what: str) -> DeviceError:
    return DeviceError(
        f"The memory does not suffice to {what}.",
        "Use a smaller --size, --dtype bfloat16, or on a GPU --offload model or sequential.",
    )


def _check_offload(offload: str | None, device: torch.device) -> None:
    if offload is None:
        return
    if offload not in {"model", "sequential"}:
        raise InputError(f"The offload is {offload[:60]!r}.", "Known ones: none, model, sequential.")
    if device.type == "cpu":
        raise InputError(f"The offload {offload!r} saves GPU memory; the device is {device}.", "Leave it out.")
    if importlib.util.find_spec("accelerate") is None:
        raise MissingError("Offloading needs the package accelerate.", "pip install 'emoticrafter[sdxl]'")


def _place(pipeline: Any, device: torch.device, offload: str | None) -> None:
    try:
        if offload == "model":
            pipeline.enable_model_cpu_offload(device=device)
        elif offload == "sequential":
            pipeline.enable_sequential_cpu_offload(device=device)
        else:
            pipeline.to(device)
    except Exception as error:
        if is_out_of_memory(error):
            raise _memory_error("load the model") from error
        raise
