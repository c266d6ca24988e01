"""Options that several commands share, as dataclasses, and the decorator that turns their fields into options."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from emoticrafter.cli.console import warn
from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError

if TYPE_CHECKING:
    from emoticrafter.crafter import EmotiCrafter

FEELING, MODEL, SAMPLING, OUTPUT = "Feeling", "Model", "Sampling", "Output"


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
        float | None, typer.Option(help="How pleasant, -3 to 3. 0 where not given.", metavar="V", rich_help_panel=FEELING)
    ] = None
    arousal: Annotated[
        float | None, typer.Option(help="How activated, -3 to 3. 0 where not given.", metavar="A", rich_help_panel=FEELING)
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
        typer.Option(help="storybook, sdxl, a hub id, or a path to weights.", metavar="NAME|HUB-ID|PATH", rich_help_panel=MODEL),
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
    no_calibration: Annotated[
        bool,
        typer.Option(
            "--no-calibration", help="Ask for the emotion as it is, without the checkpoint's calibration.", rich_help_panel=MODEL
        ),
    ] = False
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, mps; by default the best there is.", rich_help_panel=MODEL)
    ] = None
    dtype: Annotated[
        str | None, typer.Option(help="float32, float16 or bfloat16; by default what suits the device.", rich_help_panel=MODEL)
    ] = None
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

    def open(self) -> EmotiCrafter:
        from emoticrafter.crafter import EmotiCrafter

        settings = _given(
            emotion=self.emotion,
            calibrated=False if self.no_calibration else None,
            device=self.device,
            dtype=self.dtype,
            offload=self.offload,
            scheduler=self.scheduler,
            loras=self.lora or None,
            watermark=self.watermark or None,
        )
        return EmotiCrafter.from_pretrained(self.backbone, warn=warn, **settings)


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """How a picture is made from prompt and emotion. What is not given, the model decides."""

    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same picture; by default 0.", rich_help_panel=SAMPLING)
    ] = None
    strength: Annotated[
        float | None,
        typer.Option(
            help="Scales the effect of the emotion; 0 is neutral. By default the checkpoint's.", rich_help_panel=SAMPLING
        ),
    ] = None
    start: Annotated[
        float | None,
        typer.Option(
            help="Share of the steps that stay neutral, 0 to 1: more keeps more of the layout.", rich_help_panel=SAMPLING
        ),
    ] = None
    steps: Annotated[int | None, typer.Option(help="Denoising steps.", rich_help_panel=SAMPLING)] = None
    preview: Annotated[
        bool, typer.Option("--preview", help="As few steps as still give a good picture.", rich_help_panel=SAMPLING)
    ] = False
    guidance: Annotated[
        float | None, typer.Option(help="Classifier-free guidance: how closely the prompt is followed.", rich_help_panel=SAMPLING)
    ] = None
    size: Annotated[str | None, typer.Option(help="Pixels: 1024 or 1216x832.", metavar="N|WxH", rich_help_panel=SAMPLING)] = None
    negative: Annotated[str | None, typer.Option(help="What should not be in the picture.", rich_help_panel=SAMPLING)] = None

    def given(self) -> dict[str, Any]:
        """The settings that were given, as keyword arguments of the crafter."""
        if self.preview and self.steps is not None:
            raise InputError("--preview and --steps both say how many steps.", "Leave one or the other out.")
        settings = {field.name: getattr(self, field.name) for field in fields(self)}
        return _given(
            **settings | {"size": None if self.size is None else parse_size(self.size), "preview": self.preview or None}
        )


Out = Annotated[
    Path | None, typer.Option("--out", help="Where to write; by default named after the prompt.", rich_help_panel=OUTPUT)
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.", rich_help_panel=OUTPUT)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=OUTPUT)]


def parse_size(text: str) -> int | tuple[int, int]:
    """Read "512" or "WIDTHxHEIGHT"."""
    sides = text.lower().replace("\N{MULTIPLICATION SIGN}", "x").split("x")
    if len(sides) > 2 or not all(side.strip().isdecimal() and len(side) < 7 for side in sides):
        raise InputError(
            f"The size {text[:40]!r} is neither a number of pixels nor WIDTHxHEIGHT.", "Write, for instance, 512 or 1216x832."
        )
    numbers = [int(side) for side in sides]
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}
