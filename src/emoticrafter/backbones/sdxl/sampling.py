"""From prompt features and seeds to latents and pictures: batches, guidance, and what is changed between the steps."""

# B batch, L latent channels, h and w sides of latents

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from emoticrafter.backbones.base import BeforeStep
from emoticrafter.backbones.devices import is_out_of_memory
from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.loading import quiet_libraries
from emoticrafter.backbones.outline import Limits
from emoticrafter.backbones.previews import Forecast
from emoticrafter.backbones.sdxl.decoding import SDXLDecoder
from emoticrafter.backbones.sdxl.encoding import SDXLPrompts
from emoticrafter.backbones.sdxl.network import SDXLNetwork, memory_error
from emoticrafter.guidance import EVERYWHERE, GuidanceRange
from emoticrafter.sampling import Sampling
from emoticrafter.watch import Preview, Watch

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["SDXLSampler"]


class _Settings(NamedTuple):
    """How pictures are sampled. guided_at: the times with guidance. drawn: the size before it is brought to `size`."""

    negative_prompt: str | None
    num_inference_steps: int
    guidance_scale: float
    guided_at: GuidanceRange
    start: float
    size: tuple[int, int]
    drawn: tuple[int, int]

    @classmethod
    def of(cls, sampling: Sampling, limits: Limits) -> _Settings:
        """sampling: with every setting given."""
        told: Any = sampling
        drawn = limits.sizes.drawn(told.size, limits.name)
        return cls(told.negative, told.steps, float(told.guidance), told.guidance_range, told.start, told.size, drawn)


class SDXLSampler:
    def __init__(self, network: SDXLNetwork, prompts: SDXLPrompts, decoder: SDXLDecoder, limits: Limits) -> None:
        self.network, self.prompts, self.decoder, self.limits = network, prompts, decoder, limits

    def sample(
        self,
        features: PromptFeatures,
        seeds: Sequence[int],
        sampling: Sampling,
        *,
        neutral: PromptFeatures | None,
        watch: Watch,
        before_step: BeforeStep | None,
        batch_size: int | None,
    ) -> list[Image.Image]:
        """See `Backbone.render`. sampling: with every setting given, and checked. batch_size: the most pictures at once.

        Pictures are sampled in batches; when the memory runs out, in batches of half the size.
        """
        settings = _Settings.of(sampling, self.limits)
        steps = settings.num_inference_steps
        images: dict[int, Image.Image] = {}
        most = batch_size or _batch_size(self.network.device, settings.drawn, self.network.pixels_per_latent)
        step = watch.stage("drawing")

        def report(pictures: float) -> None:
            step(int(steps * (len(images) + pictures)), steps * len(seeds))

        for waiting in _rows_by_length(features, neutral):
            while waiting:
                watch.check()
                rows = waiting[:most]
                made = self._try_sample(
                    features.rows(rows),
                    None if neutral is None else neutral.rows(rows),
                    [seeds[row] for row in rows],
                    settings,
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
            self.network.pipeline.maybe_free_model_hooks()  # as the pipeline does at its own end
            if not is_out_of_memory(error):
                raise
            if len(features) == 1:
                raise memory_error("draw one picture") from error
        # Outside the handler: the traceback held every tensor of the attempt.
        _free_memory()
        return None

    def _sample(
        self,
        features: PromptFeatures,
        neutral: PromptFeatures | None,
        seeds: Sequence[int],
        settings: _Settings,
        report: Callable[[float], None],
        watch: Watch,
        before_step: Callable[[int, int], None] | None,
    ) -> list[Image.Image]:
        negative_prompt, num_inference_steps, guidance_scale, guided_at, start, size, (width, height) = settings
        network, cell, batch = self.network, self.network.pixels_per_latent, len(seeds)
        told_size = self.limits.sizes.told_of((width, height))[::-1]
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        shape = (network.pipeline.unet.config.in_channels, height // cell, width // cell)
        latents = torch.stack([torch.randn(shape, generator=generator) for generator in generators])
        guided = self._guided_calls(guidance_scale, guided_at, num_inference_steps)

        def after_step(pipeline: Any, index: int, _: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            network.suit_threads()
            now, count = index + 1, pipeline.num_timesteps
            report(batch * now / count)
            watch.check()
            if now == count:
                return {}
            if watch.preview is not None:
                self.decoder.show(forecast.after(index, tensors["latents"]), watch.preview)
            if before_step is not None:
                before_step(now, count)
            if neutral_steps(count) != now and guided(now) == guided(index):
                return {}
            if guided(now) != guided(index):
                # The attribute through which diffusers lets guidance change on the way; it is read before every call.
                pipeline._guidance_scale = guidance_scale if guided(now) else 1.0
            told, negative = self._both_sides(first if now < neutral_steps(count) else features, negative_prompt, guided(now))
            if negative is not None:  # unconditional rows first
                told = PromptFeatures.joined([negative.rows([0] * batch), told])
            return {
                "prompt_embeds": network.cast(told.tokens),
                "add_text_embeds": network.cast(told.pooled),
                "add_time_ids": tensors["add_time_ids"][:1].repeat(len(told), 1),
            }

        def neutral_steps(count: int) -> int:
            return round(start * count) if neutral is not None else 0

        if watch.preview is not None:
            scheduler = network.pipeline.scheduler
            scheduler.set_timesteps(num_inference_steps)  # as the pipeline does it
            forecast = Forecast(scheduler, latents.to(network.device) * scheduler.init_noise_sigma)
        first = neutral.trimmed() if neutral is not None and neutral_steps(num_inference_steps) else features
        told, negative = self._both_sides(first, negative_prompt, guided(0))
        if before_step is not None:
            before_step(0, num_inference_steps)
        with network.autocast(), quiet_libraries():
            latents = network.pipeline(
                prompt_embeds=network.cast(told.tokens),
                pooled_prompt_embeds=network.cast(told.pooled),
                negative_prompt_embeds=None if negative is None else network.cast(negative.tokens.expand(batch, -1, -1)),
                negative_pooled_prompt_embeds=None if negative is None else network.cast(negative.rows([0] * batch).pooled),
                width=width,
                height=height,
                original_size=told_size,
                target_size=told_size,
                num_inference_steps=num_inference_steps,
                guidance_scale=guidance_scale if guided(0) or guided_at == EVERYWHERE else 1.0,
                generator=generators,  # for the schedulers that add noise
                latents=network.cast(latents),
                output_type="latent",
                callback_on_step_end=after_step,
                callback_on_step_end_tensor_inputs=["latents", "prompt_embeds", "add_text_embeds", "add_time_ids"],
            ).images
            return self.decoder.decode(latents, size)

    def _guided_calls(self, guidance_scale: float, guided_at: GuidanceRange, num_inference_steps: int) -> Callable[[int], bool]:
        """Whether a call of the network, by its number in a sampling, has unconditional rows beside the told ones."""
        if guidance_scale <= 1 or guided_at == EVERYWHERE:
            always = guidance_scale > 1 and not self.limits.reads_guidance
            return lambda call: always
        scheduler = self.network.pipeline.scheduler
        scheduler.set_timesteps(num_inference_steps)  # as the pipeline does it; some call the network twice for a step
        trained = scheduler.config.num_train_timesteps
        within = [guided_at.covers(timestep, trained) for timestep in scheduler.timesteps.tolist()]
        return within.__getitem__

    def _both_sides(
        self, features: PromptFeatures, negative_prompt: str | None, guided: bool
    ) -> tuple[PromptFeatures, PromptFeatures | None]:
        """The features, and, where there is guidance, one row to move away from; both as long as the longer one."""
        if not guided:
            return features, None
        negative = self.prompts.unconditional(negative_prompt, features)
        tokens = self.prompts.lengthened(features.tokens, negative.tokens.shape[1])
        return PromptFeatures.of(tokens, features.pooled), negative


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
