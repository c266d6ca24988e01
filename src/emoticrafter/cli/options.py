"""Options that several commands share, as dataclasses, and the decorator that turns their fields into options."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from emoticrafter.cli.console import warn
from emoticrafter.coordinates import parse_number
from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.extras import need_extra
from emoticrafter.files import user_path
from emoticrafter.sampling import Setting, settings
from emoticrafter.watch import Step, Watch

if TYPE_CHECKING:
    from emoticrafter.crafter import EmotiCrafter
    from emoticrafter.method import Unopened
    from emoticrafter.rivals import Rival

FEELING, MODEL, SAMPLING, OUTPUT, RAY = "Feeling", "Model", "Sampling", "Output", "Ray"
ENGINES = ("local", "ray")


Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        help="The parts of a single file of weights: a pipeline's folder, which needs no weights, or a hub id.",
        metavar="DIR|HUB-ID",
        rich_help_panel=MODEL,
    ),
]
DeviceOption = Annotated[
    str | None, typer.Option(help="The device: cpu, cuda, cuda:1 or mps; by default the best there is.", rich_help_panel=MODEL)
]
DtypeOption = Annotated[
    str | None,
    typer.Option(help="The precision: float32, float16 or bfloat16; by default what suits the device.", rich_help_panel=MODEL),
]


def _option_number(text: str) -> float:
    """The value of an option of numbers, with any minus sign."""
    try:
        return parse_number(text)
    except InputError as error:
        raise typer.BadParameter(str(error)) from error


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the fields of its dataclass parameters as options; it is called with the dataclasses, filled."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        group = groups.get(parameter.name)
        if group is None:
            parameters.append(parameter.replace(annotation=hints[parameter.name], kind=parameter.KEYWORD_ONLY))
            continue
        field_hints = get_type_hints(group, include_extras=True)
        for field in fields(group):
            parameters.append(
                inspect.Parameter(field.name, parameter.KEYWORD_ONLY, default=field.default, annotation=field_hints[field.name])
            )

    @functools.wraps(command)
    def spread_out(**values: Any) -> None:
        made = {name: group(**{field.name: values.pop(field.name) for field in fields(group)}) for name, group in groups.items()}
        command(**values, **made)

    spread_out.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    spread_out.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return spread_out


@dataclass(frozen=True, kw_only=True)
class FeelingOptions:
    """A point of the plane, as two numbers or by name."""

    valence: Annotated[
        float | None,
        typer.Option(
            help="How pleasant the feeling is, -3 to 3; by default 0.",
            metavar="V",
            parser=_option_number,
            rich_help_panel=FEELING,
        ),
    ] = None
    arousal: Annotated[
        float | None,
        typer.Option(
            help="How activated the feeling is, -3 to 3; by default 0.",
            metavar="A",
            parser=_option_number,
            rich_help_panel=FEELING,
        ),
    ] = None
    mood: Annotated[
        str | None,
        typer.Option(
            help="A named emotion instead of numbers; `emoticrafter moods` lists them.", metavar="NAME", rich_help_panel=FEELING
        ),
    ] = None

    def emotion(self) -> Emotion:
        if self.mood is None:
            return Emotion(valence=self.valence or 0.0, arousal=self.arousal or 0.0)
        if self.valence is not None or self.arousal is not None:
            raise InputError(
                f"--mood {self.mood!r} was given together with --valence or --arousal; it stands for both numbers.",
                "Leave one or the other out.",
            )
        return Emotion.named(self.mood)


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Which model, and where it runs."""

    backbone: Annotated[
        str,
        typer.Option(
            help="The backbone: storybook, sdxl, a hub id, or a path to weights.",
            metavar="NAME|HUB-ID|PATH",
            rich_help_panel=MODEL,
        ),
    ] = "storybook"
    emotion: Annotated[
        str | None,
        typer.Option(
            "--emotion",
            help="The emotion checkpoint; by default the backbone's own.",
            metavar="CHECKPOINT",
            rich_help_panel=MODEL,
        ),
    ] = None
    method: Annotated[
        str | None,
        typer.Option(
            help="A rival method's folder or name instead of EmotiCrafter; see `emoticrafter rival`.",
            metavar="FOLDER|NAME",
            rich_help_panel=MODEL,
        ),
    ] = None
    no_calibration: Annotated[
        bool,
        typer.Option(
            "--no-calibration", help="Ask for the emotion as it is, without the checkpoint's calibration.", rich_help_panel=MODEL
        ),
    ] = False
    config: Config = None
    device: DeviceOption = None
    dtype: DtypeOption = None
    offload: Annotated[
        str | None,
        typer.Option(help="Save GPU memory: none, model, or sequential (least memory, slowest).", rich_help_panel=MODEL),
    ] = None
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="A diffusers scheduler with its settings: Euler,timestep_spacing=trailing.",
            metavar="NAME[,KEY=VALUE...]",
            rich_help_panel=MODEL,
        ),
    ] = None
    lora: Annotated[
        list[str] | None,
        typer.Option(help="A LoRA and its weight; may be given several times.", metavar="PATH[:WEIGHT]", rich_help_panel=MODEL),
    ] = None
    watermark: Annotated[
        bool, typer.Option("--watermark", help="Add SDXL's invisible watermark; the recipe says so.", rich_help_panel=MODEL)
    ] = False

    def settings(self) -> dict[str, Any]:
        """What was given, as keyword arguments of `EmotiCrafter.from_pretrained` beside the backbone."""
        return _given(
            emotion=self.emotion,
            calibrated=False if self.no_calibration else None,
            config=None if self.config is None else absolute(self.config),
            device=self.device,
            dtype=self.dtype,
            offload=self.offload,
            scheduler=self.scheduler,
            loras=self.lora or None,
            watermark=self.watermark or None,
        )

    def opener(self) -> Callable[..., EmotiCrafter | Rival]:
        """What opens EmotiCrafter, or the method that was asked for, given `backbone` and the settings; picklable."""
        if self.method is None:
            from emoticrafter.crafter import EmotiCrafter

            return EmotiCrafter.from_pretrained
        if self.emotion is not None:
            raise InputError(
                f"--method {self.method!r} was given together with --emotion, which is EmotiCrafter's own checkpoint.",
                "Leave one or the other out.",
            )
        from emoticrafter.rivals import open_method

        return functools.partial(open_method, absolute(self.method))

    def unopened(self) -> Unopened:
        """The method that `open` gives, before its model is loaded: what it would refuse it can refuse now."""
        from emoticrafter.backbones.lora_files import find_lora
        from emoticrafter.backbones.registry import read_outline
        from emoticrafter.method import Unopened

        for lora in self.lora or ():
            find_lora(lora)
        return Unopened(read_outline(self.backbone, config=self.config))

    def check(self, prompt: str, settings: Mapping[str, Any], *, pairs: int = 1, count: int = 1) -> tuple[int, int]:
        """Raise, before a model is loaded, the error with which `pairs` times `count` pictures of a prompt would be refused.

        settings: what `SamplingOptions.given` gives. Returns the size that the pictures will have.
        """
        from emoticrafter.request import Request

        unopened = self.unopened()
        request = Request.of([prompt] * pairs, Emotion.neutral(), count=count, **settings)
        unopened.check(request)
        return request.sampling.size or unopened.outline.defaults.size

    def open(self) -> EmotiCrafter | Rival:
        """EmotiCrafter, or the method that was asked for, upon the backbone."""
        return self.opener()(backbone=self.backbone, **self.settings())


@dataclass(frozen=True, kw_only=True)
class SeedOption:
    """From which noise a picture begins."""

    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same picture; by default 0.", rich_help_panel=SAMPLING)
    ] = None


def _option(setting: Setting) -> tuple[str, Any, Any]:
    """The field of a setting: an option, whose text is read by `given` where the setting has a way of its own to read it."""
    names = [f"--{setting.name.replace('_', '-')}"] if setting.kind is bool else []
    option = typer.Option(*names, help=setting.help, metavar=setting.metavar, rich_help_panel=SAMPLING)
    kind: Any = setting.kind if setting.parse is None else str
    return setting.name, Annotated[kind if setting.kind is bool else kind | None, option], setting.default


_Drawing: Any = make_dataclass(
    "_Drawing", [_option(setting) for setting in settings().values() if setting.option], frozen=True, kw_only=True
)


@dataclass(frozen=True, kw_only=True)
class DrawingOptions(_Drawing):
    """How a picture is made from prompt, emotion and seed: the settings of `Sampling`. What is not given, the model decides."""

    def given(self) -> dict[str, Any]:
        """The settings that were given, as keyword arguments of `generate`. Raises InputError."""
        if self.preview and self.steps is not None:
            raise InputError("--preview and --steps both say how many steps.", "Leave one or the other out.", field="steps")
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, setting in settings().items():
            if setting.option and setting.parse is not None and found[name] is not None:
                found[name] = setting.parse(found[name])
            elif setting.kind is bool and setting.option:
                found[name] = found[name] or None
        return _given(**found)


@dataclass(frozen=True, kw_only=True)
class SamplingOptions(DrawingOptions, SeedOption):
    """How a picture is made from prompt and emotion."""


@dataclass(frozen=True, kw_only=True)
class RayOptions:
    """In which processes the work is done."""

    engine: Annotated[
        str,
        typer.Option(
            help="Where the work is done. local: in this process; ray: on a Ray cluster.",
            metavar="local|ray",
            rich_help_panel=RAY,
        ),
    ] = "local"
    ray_address: Annotated[
        str | None,
        typer.Option(
            help="The address of a running cluster; by default $RAY_ADDRESS. Without any, a cluster is started on this machine.",
            metavar="HOST:PORT",
            rich_help_panel=RAY,
        ),
    ] = None
    ray_workers: Annotated[
        int | None,
        typer.Option(
            help="How many workers there are; by default one per GPU, or per machine.", metavar="N", rich_help_panel=RAY
        ),
    ] = None

    def check(self) -> None:
        if self.engine not in ENGINES:
            raise InputError(f"The engine is {self.engine[:60]!r}.", f"Known ones: {', '.join(ENGINES)}.")
        if self.engine == "ray":
            need_extra("ray", "ray")
            from emoticrafter.cluster.workers import knock

            knock(self.ray_address)
        elif self.ray_address is not None or self.ray_workers is not None:
            raise InputError("--ray-address and --ray-workers were given with --engine local.", "Give --engine ray.")


Out = Annotated[
    Path | None, typer.Option("--out", help="Where to write; by default named after the prompt.", rich_help_panel=OUTPUT)
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.", rich_help_panel=OUTPUT)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=OUTPUT)]


def watching(step: Step) -> Watch:
    """What a command hears of the drawing: a bar of progress, and warnings."""
    return Watch(stage=lambda name: step, warn=warn)


def absolute(name: str) -> str:
    """A file or folder as it is found from everywhere; the names of models as they are."""
    from emoticrafter.backbones.registry import NAMES

    path = user_path(name)
    return str(path.absolute()) if name not in NAMES and path.exists() else name


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}
