"""Whatever makes pictures with emotions, so that all of them can be asked, run and compared alike."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, get_type_hints

from emoticrafter.emotion import Emotion, path
from emoticrafter.emotion import grid as plane
from emoticrafter.picture import Picture
from emoticrafter.recipe import joint_recipe
from emoticrafter.request import Request, one_prompt, seeds_of
from emoticrafter.sampling import DEFAULT, Sampling, settings
from emoticrafter.sheet import contact_sheet
from emoticrafter.version import installed_version
from emoticrafter.watch import SILENT, Step, Watch

if TYPE_CHECKING:
    from PIL import Image

    from emoticrafter.backbones.base import Backbone, Sampler
    from emoticrafter.backbones.outline import Outline

__all__ = ["USUAL_CELL", "BackboneMethod", "BaseMethod", "Grid", "Method", "UnknownWordsWarning", "Unopened", "warn_in_python"]

USUAL_CELL = 8  # pixels of a latent, in each direction, where nothing is said of them
PATIENCE = 0.05  # seconds between two looks at the watch while another picture is drawn
_FIRST = ("prompt", "negative", "valence", "arousal", "strength", "start", "seed")  # entries of a recipe, in their order
_Works = TypeVar("_Works", bound=Callable[..., Any])


class Method(Protocol):
    """Whatever makes pictures of prompts with emotions: EmotiCrafter, every rival, the workers of a cluster."""

    def draw(self, request: Request, watch: Watch = SILENT) -> list[Picture]:
        """`request.count` pictures for each pair, one pair after the other.

        A picture's recipe holds what it was made from, and under `method` the method's name (EmotiCrafter's may lack it). The
        same request gives the same pixels, whatever was made before, and from whatever thread. watch: hears of denoising steps
        of single pictures, as the stage "drawing". Raises what `check` raises; StoppedError, after which the method is as it was;
        DeviceError.
        """
        ...

    def check(self, request: Request, watch: Watch = SILENT) -> None:
        """Raise the InputError with which `draw` would refuse a request, and draw nothing; warn as it would."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """JSON values: the `method`, hashes of its weights, whatever else decides the pixels beside a picture's own settings.

        Under `defaults` there may stand the settings that a picture has where none are given: the entries of `Sampling`,
        preview_steps, and pixels_per_latent, what one number of the latents stands for in each direction, where these are not 8.
        """
        ...


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


def _with_settings(work: _Works) -> _Works:
    """A signature that names every setting where the function takes `**settings`."""
    signature, hints = inspect.signature(work), get_type_hints(Sampling)
    kept = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=setting.default, annotation=hints[name])
        for name, setting in settings().items()
    ]
    work.__signature__ = signature.replace(parameters=[*kept, *named])  # type: ignore[attr-defined]
    return work


class BaseMethod:
    """The calls of every `Method`, upon its `draw`."""

    def draw(self, request: Request, watch: Watch = SILENT) -> list[Picture]:
        """See `Method.draw`."""
        raise NotImplementedError

    @_with_settings
    def generate(
        self,
        prompt: str | Sequence[str],
        emotion: Emotion | Sequence[Emotion],
        *,
        seed: int | Sequence[int] | None = 0,
        count: int = 1,
        progress: Step | None = None,
        watch: Watch | None = None,
        **settings: Any,
    ) -> list[Picture]:
        """Pictures of prompts with emotions: several of either are paired, one of either goes with all of the other.

        seed: of the first picture of each pair, the others of `count` take the numbers after it; None draws one, several
        are one for each pair. settings: those of `Sampling`, None being the model's own: strength scales what the emotion adds;
        start is the share of the denoising steps that stay neutral; size is in pixels, or width and height; guidance_range is the
        times with guidance, such as (0.3, 0.85), see `GuidanceRange`, (0, 1) every step; preview takes as few steps as still
        give a good picture, where `steps` is None; negative is what to keep out; calibrated applies the checkpoint's calibration,
        if it has one. progress: called with (done, total) steps. watch: hears the rest and may stop the call; without one, what
        it would warn of becomes Python warnings.
        Returns `count` pictures for each pair, one pair after the other. Raises InputError, DeviceError and StoppedError.
        """
        request = Request.of(prompt, emotion, seed=seed, count=count, **settings)
        return self.draw(request, _watch(watch, progress))

    @_with_settings
    def grid(
        self,
        prompt: str,
        *,
        valences: Iterable[float],
        arousals: Iterable[float],
        seed: int | None = 0,
        progress: Step | None = None,
        watch: Watch | None = None,
        **settings: Any,
    ) -> Grid:
        """One prompt and one seed at every pair of the two axes. settings: those of `generate`."""
        emotions = plane(valences, arousals)
        request = _of_one_seed(prompt, emotions, seed, settings)
        columns, rows = {e.valence for e in emotions}, {e.arousal for e in emotions}
        pictures = self.draw(request, _watch(watch, progress))
        return Grid(prompt=prompt, valences=sorted(columns), arousals=sorted(rows), pictures=pictures)

    @_with_settings
    def sweep(
        self,
        prompt: str,
        begin: Emotion,
        end: Emotion,
        *,
        frames: int = 16,
        seed: int | None = 0,
        progress: Step | None = None,
        watch: Watch | None = None,
        **settings: Any,
    ) -> list[Picture]:
        """One prompt and one seed on the straight way from one emotion to another, `frames` pictures of it.

        settings: those of `generate`.
        """
        request = _of_one_seed(prompt, path(begin, end, frames), seed, settings)
        return self.draw(request, _watch(watch, progress))


class BackboneMethod(BaseMethod):
    """A `Method` upon a frozen backbone, which it may share with others: one picture at a time is drawn by all of them."""

    backbone: Backbone

    def own_strength(self, sampling: Sampling) -> float:
        """The strength where none is given."""
        return 1.0

    def marks(self) -> dict[str, Any]:
        """What `describe` says of the method beside its backbone: JSON values."""
        raise NotImplementedError

    def recorded(self) -> dict[str, Any]:
        """What recipes say of the method: JSON values."""
        return self.marks()

    def check(self, request: Request, watch: Watch = SILENT) -> None:
        """See `Method.check`."""
        _check(self.backbone, request, watch)

    def describe(self) -> dict[str, Any]:
        """See `Method.describe`."""
        about = {name: value for name, value in self.backbone.describe().items() if name not in ("versions", "offload", "config")}
        if about.get("backbone_hash"):
            about.pop("backbone", None)  # the name of a place where the same weights lie
        marks = self.marks()
        return {"method": marks["method"], **about, **marks, "defaults": self._defaults()}

    def resolved(self, request: Request, watch: Watch) -> Request:
        """The request, checked, with every setting given."""
        self.check(request, watch)
        return request.resolved(self.backbone.defaults, strength=self.own_strength(request.sampling))

    @contextmanager
    def alone(self, watch: Watch) -> Iterator[None]:
        """Inside, nobody else draws with the backbone. Raises StoppedError also while it waits."""
        while not self.backbone.lock.acquire(timeout=PATIENCE):
            watch.check()
        try:
            yield
        finally:
            self.backbone.lock.release()

    def pictures(
        self, request: Request, images: Sequence[Image.Image], beside: Sequence[Mapping[str, Any]] = ()
    ) -> list[Picture]:
        """The images with their recipes. request: the resolved one. beside: what else a recipe says, for each pair."""
        about = {**self.backbone.describe(), **self.recorded()}
        versions = {"emoticrafter": installed_version(), **about.pop("versions", {})}
        made = []
        for image, row, seed in zip(images, request.rows, request.picture_seeds, strict=True):
            emotion = request.emotions[row]
            told = {"prompt": request.prompts[row], "valence": emotion.valence, "arousal": emotion.arousal, "seed": seed}
            told |= request.sampling.entries()
            recipe = {name: told[name] for name in dict.fromkeys([*_FIRST, *told])}
            recipe |= {**(beside[row] if beside else {}), **image.info.get("recipe", {}), **about, "versions": versions}
            made.append(Picture(image=image, recipe=recipe))
        return made

    def _defaults(self) -> dict[str, Any]:
        own = self.backbone.defaults
        asked, preview = (one.resolved(own, strength=self.own_strength(one)) for one in (DEFAULT, Sampling(preview=True)))
        cell = self.backbone.pixels_per_latent
        return {
            **{name: value for name, value in asked.entries().items() if value is not None},
            "preview_steps": preview.steps,
            **({"pixels_per_latent": cell} if cell != USUAL_CELL else {}),
        }


@dataclass(frozen=True)
class Unopened:
    """A method whose model is not loaded yet, as far as it can refuse."""

    outline: Outline

    def check(self, request: Request, watch: Watch = SILENT) -> None:
        """See `Method.check`."""
        _check(self.outline, request, watch)


def _check(model: Sampler, request: Request, watch: Watch) -> None:
    model.check(request.sampling)
    negative = request.sampling.negative
    for text in dict.fromkeys([*request.prompts, *([negative] if negative else [])]):
        if unknown := model.unknown_words(text):
            each = [f"{word!r} (near: {', '.join(near)})" if near else repr(word) for word, near in unknown.items()]
            watch.warn(f"The model {model.name} has never seen these words of the prompt: {', '.join(each)}.")


def _of_one_seed(prompt: str, emotions: list[Emotion], seed: int | None, settings: Mapping[str, Any]) -> Request:
    sampling = Sampling(**settings)
    return Request.of(one_prompt(prompt), emotions, seed=seeds_of(seed, 1, 1)[0], **dict(sampling))


def _watch(watch: Watch | None, progress: Step | None) -> Watch:
    made = watch or Watch(warn=warn_in_python)
    return made if progress is None else replace(made, stage=lambda name: progress)


def warn_in_python(text: str) -> None:
    """What a call without a watch warns by."""
    warnings.warn(text, UnknownWordsWarning, stacklevel=7)
