"""What a backbone is opened with: each class declares its own options, and nobody else knows their names.

@dataclass(frozen=True, kw_only=True)
class Options(Section):
    device: str | None = option(None, "cpu, cuda or mps; by default the best there is")
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from emoticrafter.errors import InputError
from emoticrafter.settings import Section, key

__all__ = ["DeviceOptions", "option", "options_from", "recorded_in"]

S = TypeVar("S", bound=Section)


def option(default: Any, about: str, *, recorded: bool = False, least: float | None = None, most: float | None = None) -> Any:
    """A field of a section of options. recorded: whether a recipe has it under this name, so that a picture can be made again."""
    plain = key(default, about, least=least, most=most)
    return dataclasses.field(default=default, metadata={**plain.metadata, "recorded": recorded})


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeviceOptions(Section):
    """What every backbone can be told. torch's own devices are taken, too."""

    device: str | None = option(None, "cpu, cuda, cuda:N or mps; by default the best there is")

    def __post_init__(self) -> None:
        if self.device is not None:
            object.__setattr__(self, "device", str(self.device))
        super().__post_init__()


def options_from(kind: type[S], given: Mapping[str, Any]) -> S:
    """The options of a class, as they are given. Raises InputError for unknown ones and for values that break a rule."""
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    if unknown := sorted(set(given) - set(known)):
        raise InputError(f"Unknown options: {', '.join(unknown)}.", f"Known ones: {', '.join(sorted(known))}.")
    return kind(**given)


def recorded_in(kind: type[Section], recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a recipe tells."""
    names = [field.name for field in dataclasses.fields(kind) if field.metadata.get("recorded")]  # type: ignore[arg-type]
    return {name: recipe[name] for name in names if recipe.get(name) is not None}
