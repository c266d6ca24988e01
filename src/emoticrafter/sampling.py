"""How a picture is made from its prompt, emotion and seed: every setting, declared once.

A declaration owns a setting's name, type, default, range and help, and where it is met. From it come the option of the command
line, the column of a batch, the key of a suite, the entry of a recipe, and the property of the JSON schema. What a model knows
beside (its most steps, the sizes that it draws) its backbone checks. No torch here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import ValidationInfo, field_validator

from emoticrafter.errors import InputError
from emoticrafter.guidance import EVERYWHERE, GuidanceRange
from emoticrafter.inputs.checked import Checked

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

__all__ = ["DEFAULT", "OWN", "Sampling", "SamplingDefaults", "Setting", "Size", "checked_text", "parse_size", "settings"]

OWN = "Leave it out for the model's own."  # the next step where a setting is refused
MAX_TEXT = 4000  # characters of a prompt
MAX_STRENGTH = 10.0
Size = tuple[int, int]  # width and height in pixels


@dataclass(frozen=True, kw_only=True)
class SamplingDefaults:
    """How a backbone samples where the user does not say. size: (width, height) in pixels. preview_steps: enough to look at."""

    steps: int
    guidance: float
    size: tuple[int, int]
    preview_steps: int | None = None
    guidance_range: GuidanceRange = EVERYWHERE


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is known of one setting beside its name, its type and its default, which the field of `Sampling` says.

    help: of the option and the schema. called: by messages, where that is not the name. least, most: of a number, ends included.
    hint: the next step where a value is refused. parse, metavar: of a text on the command line or in a table, where it is no
    plain number or text. option, column, key: whether a command line, a batch's table, a suite has it. toml: its type in a
    suite, where that is another.

    entries: its names in recipes and tables, where they are not its own; several take a tuple apart. recorded: the range of what
    strange recipes may say. always: whether recipes, ids and indexes have it also where it is None, which only those do that were
    there from the first; others are left out where they are None or `unsaid`. nullable: None is a value of its own, no gap.
    otherwise: the value where neither the caller nor the model says one.
    """

    help: str
    called: str = ""
    least: float | None = None
    most: float | None = None
    hint: str = OWN
    parse: Callable[[str], Any] | None = None
    metavar: str | None = None
    option: bool = True
    column: bool = True
    key: bool = True
    toml: Any = None
    entries: tuple[str, ...] | None = None
    recorded: tuple[float, float] | None = None
    always: bool = False
    unsaid: Any = None
    nullable: bool = False
    otherwise: Any = None
    name: str = ""
    kind: Any = None
    default: Any = None

    def checked(self, value: Any) -> Any:
        """The value in the setting's type; None stays. Raises InputError, which names the field."""
        if value is None and self.default is None:
            return None
        if self.kind is Size:
            return _size(value)
        if self.kind is GuidanceRange:
            return GuidanceRange.of(value)
        if self.kind is str:
            return checked_text(value, self.called, self.name)
        if self.kind is bool:
            if not isinstance(value, bool):
                raise self._refused(value, "true or false")
            return value
        whole = self.kind is int
        sound = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        low, high = self.range
        if not sound or not low <= value <= high:  # false for NaN too
            raise self._refused(value, f"a {'whole ' if whole else ''}number from {low:g} to {high:g}")
        return self.kind(value)

    @property
    def range(self) -> tuple[float, float]:
        return (-float("inf") if self.least is None else self.least, float("inf") if self.most is None else self.most)

    @property
    def parts(self) -> dict[str, Any]:
        """The names of its entries in recipes and tables, each with the type of the value."""
        return dict.fromkeys(self.entries or (), int if self.kind is Size else self.kind)

    def taken_apart(self, value: Any) -> dict[str, Any]:
        """The entries of a value."""
        parts = list(self.parts)
        if len(parts) == 1:
            return {parts[0]: value}
        return dict(zip(parts, [None] * len(parts) if value is None else value, strict=True))

    def put_together(self, entries: Mapping[str, Any]) -> Any:
        """The value of entries; None where one of them is missing or None."""
        found = [entries.get(name) for name in self.parts]
        if not found or None in found:
            return None
        return found[0] if len(found) == 1 else tuple(found)

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        ends = {"minimum": self.least, "maximum": self.most}
        bounds = {name: end for name, end in ends.items() if end is not None and self.parse is None}
        return {**handler(core_schema), "description": self.help, **bounds}

    def _refused(self, value: Any, rule: str) -> InputError:
        return InputError(f"The {self.called} is {str(value)[:40]}; it must be {rule}.", self.hint, field=self.name, value=value)


class Sampling(Checked):
    """The settings of a picture. None is the model's own, or its method's. Raises InputError, which names the field."""

    strength: Annotated[
        float | None,
        Setting(
            help="Scales the effect of the emotion; 0 is neutral. By default it is the checkpoint's, or its calibration's.",
            least=0,
            most=MAX_STRENGTH,
            hint="0 is neutral, 1 is usual.",
            recorded=(-100, 100),
            always=True,
            key=False,  # each method of a suite has its own
        ),
    ] = None
    start: Annotated[
        float | None,
        Setting(
            help="The share of the steps that stays neutral, 0 to 1; more keeps more of the layout.",
            least=0,
            most=1,
            hint="It is the share of the steps that stay neutral, such as 0.3.",
            always=True,
            otherwise=0.0,
            key=False,
        ),
    ] = None
    steps: Annotated[
        int | None,
        Setting(help="Denoising steps.", called="number of steps", least=1, most=1000, recorded=(1, 100_000), always=True),
    ] = None
    preview: Annotated[
        bool,
        Setting(help="Take only as many steps as a good picture needs.", entries=(), column=False, key=False),
    ] = False
    guidance: Annotated[
        float | None,
        Setting(
            help="Classifier-free guidance: how closely the prompt is followed.",
            least=0,
            most=100,
            recorded=(0, 1000),
            always=True,
        ),
    ] = None
    guidance_range: Annotated[
        GuidanceRange | None,
        Setting(
            help="Guide only at these times, from 1 (pure noise) to 0 (the clean picture): .3:.85. Fewer calls of the network.",
            parse=GuidanceRange.parse,
            metavar="LOW:HIGH",
            unsaid=EVERYWHERE,
            toml=tuple[float, ...],
            least=0,
            most=1,
        ),
    ] = None
    size: Annotated[
        Size | None,
        Setting(
            help="The size in pixels: 1024 or 1216x832.",
            parse=lambda text: parse_size(text),
            metavar="N|WxH",
            entries=("width", "height"),
            recorded=(1, 1_000_000),
            always=True,
            toml=int,
            least=8,
            most=8192,
        ),
    ] = None
    negative: Annotated[
        str | None,
        Setting(help="What should not be in the picture.", called="negative prompt", always=True, nullable=True),
    ] = None
    calibrated: Annotated[
        bool,
        Setting(
            help="Apply the calibration beside the emotion checkpoint, if there is one.",
            entries=(),  # a recipe has the calibration's hash
            option=False,
            column=False,
            key=False,
        ),
    ] = True

    @field_validator("*", mode="before")
    @classmethod
    def _check(cls, value: Any, info: ValidationInfo) -> Any:
        assert info.field_name is not None
        return settings()[info.field_name].checked(value)

    def resolved(self, own: SamplingDefaults, *, strength: float | None = None) -> Sampling:
        """The same with a model's own settings in the place of None. strength: that of the method."""
        preview_steps = own.preview_steps or max(own.steps // 3, 1)
        model = {"strength": strength, "steps": preview_steps if self.preview else own.steps}
        made: dict[str, Any] = {}
        for name, setting in settings().items():
            value = getattr(self, name)
            if value is None:
                value = model.get(name, getattr(own, name, None))
            made[name] = setting.otherwise if value is None else value
        return Sampling(**made | {"preview": False})

    def entries(self) -> dict[str, Any]:
        """What a recipe says of these settings: JSON values."""
        made: dict[str, Any] = {}
        for name, setting in settings().items():
            value = getattr(self, name)
            if setting.parts and (setting.always or value not in (None, setting.unsaid)):
                made |= setting.taken_apart(list(value) if setting.kind is GuidanceRange else value)
        return made

    @classmethod
    def of_entries(cls, entries: Mapping[str, Any]) -> Sampling:
        """The settings that a recipe tells. Raises KeyError for one that it lacks."""
        made: dict[str, Any] = {}
        for name, setting in settings().items():
            value = setting.put_together(entries)
            if value is None and setting.always and not setting.nullable:
                raise KeyError(next((part for part in setting.parts if part not in entries), name))
            if setting.parts:
                made[name] = setting.unsaid if value is None else value
        return cls(**made)


@cache
def settings() -> Mapping[str, Setting]:
    """Every setting by its name, in the order in which they are shown."""
    found: dict[str, Setting] = {}
    for name, field in Sampling.model_fields.items():
        declared = next(one for one in field.metadata if isinstance(one, Setting))
        kind = next((one for one in get_args(field.annotation) if one is not type(None)), field.annotation)
        if field.annotation is bool:
            kind = bool
        found[name] = replace(
            declared,
            name=name,
            kind=kind,
            default=field.default,
            called=declared.called or name.replace("_", " "),
            entries=(name,) if declared.entries is None else declared.entries,
        )
    return found


def checked_text(text: Any, called: str, field: str) -> str:
    """A prompt with single spaces. called: by the message. Raises InputError for what no model is to be told."""
    if not isinstance(text, str):
        raise InputError(
            f"The {called} is a {type(text).__name__}, not a text.", "Give a text; the empty one is one.", field=field, value=text
        )
    if len(text) > MAX_TEXT:
        raise InputError(
            f"The {called} has {len(text)} characters; {MAX_TEXT} are the most.", "Shorten it.", field=field, value=text
        )
    strange = [c for c in text if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t\r"]
    if strange:
        raise InputError(
            f"The {called} holds the control character U+{ord(strange[0]):04X}.", "Remove it.", field=field, value=text
        )
    return " ".join(text.split())


def parse_size(text: str) -> int | Size:
    """Read "512" or "WIDTHxHEIGHT"."""
    sides = text.lower().replace("\N{MULTIPLICATION SIGN}", "x").split("x")
    decimal = len(sides) <= 2 and all(side.strip().isdecimal() for side in sides)
    if decimal and any(len(side) > 6 for side in sides):  # Python reads no number of thousands of digits
        raise InputError(
            f"The size is {text[:40]}; each side must be a multiple of 8 from 8 to 8192.",
            "Write, for instance, 512 or 1216x832.",
            field="size",
            value=text,
        )
    if not decimal:
        raise InputError(
            f"The size {text[:40]!r} is neither a number of pixels nor WIDTHxHEIGHT.",
            "Write, for instance, 512 or 1216x832.",
            field="size",
            value=text,
        )
    numbers = [int(side) for side in sides]
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def _size(value: Any) -> Size:
    several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    sides = tuple(value) if several else (value, value)
    if len(sides) != 2 or isinstance(value, str | bytes):
        raise InputError(
            f"The size {str(value)[:60]} is neither a number of pixels nor a width and a height.",
            "Give, for instance, 512 or (512, 768).",
            field="size",
            value=value,
        )
    if not all(isinstance(side, int) and not isinstance(side, bool) for side in sides):
        told = " x ".join(str(side)[:20] for side in sides)
        rule = "each side must be a whole number, a multiple of 8 from 8 to 8192"
        raise InputError(f"The size is {told}; {rule}.", OWN, field="size", value=value)
    return sides[0], sides[1]


DEFAULT = Sampling()  # every setting the model's own
