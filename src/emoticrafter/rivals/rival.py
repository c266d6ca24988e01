"""What a rival method is: a `Method` that is named, built upon a frozen backbone, trained on `RivalMaterial`, kept in a folder.

One writes a method by saying what differs: its parameters (`build`), and what these do to the prompt's features (`features`)
or to the network while it draws (`steered`). All the rest is here; `denoising.DenoisingRival` adds how most of them learn.
"""

# B pairs, C prompt channels

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from emoticrafter.errors import CheckpointError, EmotiCrafterError, InputError
from emoticrafter.files import user_path
from emoticrafter.method import BackboneMethod
from emoticrafter.rivals.budget import Budget, Learned
from emoticrafter.rivals.folder import read_config, read_weights, write_folder
from emoticrafter.settings import Section
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from emoticrafter.backbones.base import Backbone
    from emoticrafter.backbones.features import PromptFeatures
    from emoticrafter.backbones.outline import Outline
    from emoticrafter.picture import Picture
    from emoticrafter.request import Request
    from emoticrafter.rivals.material import RivalMaterial
    from emoticrafter.rivals.steering import Steering

__all__ = ["METHODS", "MethodEntry", "NoSettings", "Rival", "check_belongs", "misfit", "plain"]

Learns = Literal["pictures", "prompts", "nothing"]


@dataclass(frozen=True, kw_only=True)
class MethodEntry:
    """A method in the registry. origin: "module:Class", imported when it is asked for. learns: from what it is trained."""

    origin: str
    about: str
    source: str
    learns: Learns = "pictures"


_HERE = "emoticrafter.rivals"
METHODS: dict[str, MethodEntry] = {
    "cross_attention": MethodEntry(
        origin=f"{_HERE}.cross_attention:CrossAttention",
        about="emotion tokens read by new keys and values in every cross-attention of the UNet",
        source="baseline of EmotiCrafter (arXiv 2501.05710), after IP-Adapter (Ye et al. 2023, arXiv 2308.06721)",
    ),
    "time_embedding": MethodEntry(
        origin=f"{_HERE}.time_embedding:TimeEmbedding",
        about="embeddings of valence and arousal added to the UNet's time embedding",
        source="baseline of EmotiCrafter (arXiv 2501.05710)",
    ),
    "textual_inversion": MethodEntry(
        origin=f"{_HERE}.textual_inversion:TextualInversion",
        about="learned placeholder words behind the prompt, a set for each node of a grid over the plane",
        source="baseline of EmotiCrafter (arXiv 2501.05710), after Gal et al. 2022 (arXiv 2208.01618)",
    ),
    "rewriting": MethodEntry(
        origin=f"{_HERE}.rewriting:Rewriting",
        about="a language model rewrites the prompt for the emotion; rules where there is none",
        source="baseline GPT-4+SDXL of EmotiCrafter (arXiv 2501.05710)",
        learns="nothing",
    ),
    "discrete": MethodEntry(
        origin=f"{_HERE}.discrete:Discrete",
        about="learned placeholder words for each of the eight Mikels categories; the nearest category is taken",
        source="after EmoGen (Yang et al. 2024, arXiv 2401.04608); categories of Mikels et al. 2005",
    ),
    "linear_regression": MethodEntry(
        origin=f"{_HERE}.linear_regression:LinearRegression",
        about="ridge regression from neutral feature, valence and arousal to the change of the feature",
        source="the linear model beside EmotiCrafter's transformer",
        learns="prompts",
    ),
    "attribute_directions": MethodEntry(
        origin=f"{_HERE}.attribute_directions:AttributeDirections",
        about="a learned direction per axis, scaled by its value and added to the prompt's tokens",
        source="after Baumann et al. 2024 (arXiv 2403.17064)",
    ),
}


@dataclass(frozen=True, kw_only=True)
class NoSettings(Section):
    """Of a method that has none."""


class Rival(BackboneMethod):
    """Base of all methods.

    The class says: `name`, the one in METHODS; `Config`, a section of settings (see `settings.key`). config: settings that
    differ from the defaults. folder: where it is kept. trained: what config.json says of its training.
    """

    name: ClassVar[str]
    Config: ClassVar[type[Section]] = NoSettings

    def __init__(
        self,
        backbone: Backbone,
        config: Mapping[str, Any] | None = None,
        *,
        folder: Path | None = None,
        trained: Mapping[str, Any] | None = None,
    ) -> None:
        self.backbone, self.folder, self.trained = backbone, folder, dict(trained or {})
        self.config: Any = _config(type(self), config or {})
        self.hash: str | None = None  # of the weights
        built = _alike(self.build)
        self.module: nn.Module | None = None if built is None else built.to(backbone.device).eval()

    # -- what a method says of itself --------------------------------------------------------------------------------------

    @classmethod
    def check_settings(cls, config: Mapping[str, Any], folder: Path | None = None) -> None:
        """Raise what can be said against settings without a backbone: InputError and MissingError."""
        _config(cls, config)

    def check_trainable(self) -> None:
        """Raise InputError for a backbone that the method cannot be trained on."""

    def build(self) -> nn.Module | None:
        """The new parameters, `self.module` from then on; None for a method without. Random numbers are the same each time."""
        return None

    def prepare(self, prompts: Sequence[str], points_B2: Tensor, watch: Watch) -> None:
        """What is to be done for these pairs before `features`, where the caller is to hear of it or may stop it."""

    def features(self, neutral: PromptFeatures, prompts: Sequence[str], points_B2: Tensor, strength: float) -> PromptFeatures:
        """What the backbone is to draw, from the features of the prompts and the emotions (valence, arousal) of each.

        strength: above 0; 1 is the method as it was trained. Differentiable with regard to `self.module`.
        """
        return neutral

    def steered(self, points_B2: Tensor, strength: float) -> AbstractContextManager[Steering | None]:
        """For methods that change the network: inside, it is changed, for the rows that the steering is told."""
        return nullcontext()

    def beside(self, prompts: Sequence[str], points_B2: Tensor) -> list[Mapping[str, Any]]:
        """What the recipe of each pair says beside; called after `features`."""
        return []

    def about(self) -> Mapping[str, Any]:
        """What `describe` says beside the name, the hash and the backbone."""
        return {}

    def learn(self, material: RivalMaterial, budget: Budget, folder: Path, *, seed: int, quiet: bool) -> Learned:
        """Set `self.module` from the material, resumable in `folder`. A method with new parameters says how."""
        if self.module is not None:
            raise NotImplementedError(f"{type(self).__name__}.learn")
        return Learned(steps=0, seconds=0.0, examples=0, figures={})

    # -- the method in use -------------------------------------------------------------------------------------------------

    def draw(self, request: Request, watch: Watch = SILENT) -> list[Picture]:
        """See `Method.draw`. A strength of 0 is the neutral picture."""
        import torch

        request = self.resolved(request, watch)
        sampling, rows = request.sampling, request.rows
        strength, start = sampling.strength or 0.0, sampling.start or 0.0
        points = torch.tensor([(one.valence, one.arousal) for one in request.emotions], device=self.backbone.device)
        with self.alone(watch), torch.no_grad():
            neutral = emotional = self.backbone.encode(request.prompts)
            if strength:
                self.prepare(request.prompts, points, watch)
                emotional = self.features(neutral, request.prompts, points, strength)
            with self.steered(points[rows], strength) if strength else nullcontext() as steering:

                def before_step(some: Sequence[int], step: int, steps: int) -> None:
                    if steering is not None:
                        steering.rows = list(some) if step >= round(start * steps) else None

                images = self.backbone.render(
                    emotional.rows(rows),
                    neutral=neutral.rows(rows) if start else None,
                    seeds=request.picture_seeds,
                    sampling=sampling,
                    watch=watch,
                    before_step=before_step,
                )
            beside = self.beside(request.prompts, points) if strength else []
        return self.pictures(request, images, beside)

    def marks(self) -> dict[str, Any]:
        """See `BackboneMethod.marks`."""
        marks = {"method": self.name, "method_config": plain(self.config), **self.about()}
        return marks | ({"method_hash": self.hash[:16]} if self.hash else {})

    # -- folders -----------------------------------------------------------------------------------------------------------

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the method's folder, which `open_method` reads. Raises OutputError."""
        folder = user_path(folder)
        about = {
            "method": self.name,
            "config": plain(self.config),
            "backbone": self.backbone.family,
            "channels": self.backbone.prompt_channels,
            "parameters": sum(p.numel() for p in self.module.parameters()) if self.module else 0,
            "training": self.trained,
        }
        write_folder(folder, about, self.module.state_dict() if self.module else {})
        return folder

    @classmethod
    def load(cls, folder: str | os.PathLike[str], backbone: Backbone) -> Rival:
        """The method of a folder. Raises MissingError and CheckpointError, also where it belongs to another backbone."""
        folder = user_path(folder)
        entries = read_config(folder)
        check_belongs(entries, folder, backbone)
        try:
            made = cls(backbone, entries["config"], folder=folder, trained=entries.get("training"))
        except EmotiCrafterError as error:
            raise misfit(folder, error) from error
        made.hash = entries["sha256"]
        if made.module is not None:
            made.module.load_state_dict(read_weights(folder, str(made.hash), made.module.state_dict()))
        return made


def misfit(folder: str | os.PathLike[str], error: EmotiCrafterError) -> CheckpointError:
    """The error for a method's folder whose config its own method refuses."""
    return CheckpointError(f"The config of {str(folder)!r} does not fit. {error.problem}", error.hint)


def check_belongs(entries: Mapping[str, Any], folder: str | os.PathLike[str], backbone: Backbone | Outline) -> None:
    """Raise CheckpointError where a method's folder, whose config these are the entries of, belongs to another backbone."""
    if entries["backbone"] != backbone.family or entries["channels"] != backbone.prompt_channels:
        raise CheckpointError(
            f"The method {entries['method']} in {str(folder)!r} belongs to {entries['backbone']} ({entries['channels']}"
            f" prompt channels); the backbone {backbone.name} is of the family {backbone.family}"
            f" ({backbone.prompt_channels}).",
            "Train it for this backbone, or use the other --backbone.",
        )


def _config(method: type[Rival], entries: Mapping[str, Any]) -> Section:
    known = [field.name for field in fields(method.Config)]  # type: ignore[arg-type]
    if unknown := sorted(set(entries) - set(known)):
        raise InputError(f"Unknown settings of {method.name}: {', '.join(unknown)}.", f"Known ones: {', '.join(known)}.")
    return method.Config(**entries)


def plain(config: Any) -> dict[str, Any]:
    """Settings as JSON values."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(config).items()}


def _alike(build: Callable[[], nn.Module | None]) -> nn.Module | None:
    """What is built from the same random numbers each time; those of the caller stay as they are."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build()
