"""The columns that settings have in the tables of a batch: their types in Arrow, their cells, and how a person's cell is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emoticrafter.data.values import number, whole
from emoticrafter.errors import InputError
from emoticrafter.request import MAX_SEED
from emoticrafter.sampling import Setting, settings

__all__ = ["COLUMNS_OF_SETTINGS", "Column", "read_cell", "read_real"]

_ALIASES: Mapping[Any, str] = {float: "double", int: "int64", str: "string", bool: "bool"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One entry of a setting. kind: the type of its values."""

    name: str
    kind: Any
    setting: Setting

    @property
    def alias(self) -> str:
        """Its type in Arrow; what Arrow has no type for is kept as a text, as people write it."""
        return _ALIASES.get(self.kind, "string")

    def cell(self, value: Any) -> Any:
        """A value as the table keeps it."""
        return value if value is None or self.kind in _ALIASES else str(self.setting.checked(value))

    def value(self, cell: Any) -> Any:
        """What a cell of the table stands for. Raises InputError."""
        if cell is None or self.kind in _ALIASES:
            return cell
        assert self.setting.parse is not None, "a value that is kept as a text is read from one"
        return self.setting.parse(cell)


def _columns() -> dict[str, Column]:
    with_one = [setting for setting in settings().values() if setting.column]
    return {name: Column(name=name, kind=kind, setting=setting) for setting in with_one for name, kind in setting.parts.items()}


COLUMNS_OF_SETTINGS: Mapping[str, Column] = _columns()


def read_cell(kind: Any, name: str, text: str) -> Any:
    """A number, a truth value or a text that a person wrote into a table. name: of its column. Raises InputError."""
    if kind is float:
        return read_real(name, text)
    if kind is bool:
        return _true(name, text)
    return _whole(name, text) if kind is int else text


def read_real(name: str, text: str) -> float:
    """A number that a person wrote. Raises InputError."""
    value = number(text)
    if math.isnan(value):
        raise InputError(f"The {name} {text[:40]!r} is no number.", "Give a number, such as 1.5.", field=name, value=text)
    return value


def _whole(name: str, text: str) -> int:
    value = whole(text)
    if value is None:
        problem = f"The {name} {text[:40]!r} is no whole number from 0 to {MAX_SEED}."
        raise InputError(problem, "Give one, such as 7.", field=name, value=text)
    return value


def _true(name: str, text: str) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if text.lower() not in known:
        raise InputError(f"The {name} {text[:40]!r} is neither true nor false.", "Give one of both.", field=name, value=text)
    return known[text.lower()]
