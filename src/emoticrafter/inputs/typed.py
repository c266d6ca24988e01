"""Values that come in against the types that are declared for them: whatever differs is told with its name and the rule."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from emoticrafter.errors import InputError

__all__ = ["rule_of", "shown", "typed"]

_WORDS: dict[Any, str] = {
    int: "a whole number", float: "a number", str: "text", bool: "true or false", dict: "an object", list: "a list",
    tuple: "a list",
}  # fmt: skip
_TESTS = {
    "from": lambda value, end: value >= end,
    "above": lambda value, end: value > end,
    "to": lambda value, end: value <= end,
    "below": lambda value, end: value < end,
}
Bounds = Mapping[str, float]  # ends of a range by "from", "above", "to", "below"
_NONE: Bounds = types.MappingProxyType({})


def typed(name: str, value: Any, hint: Any, bounds: Bounds = _NONE) -> Any:
    """The value, of JSON or TOML, in the type of a hint: whole numbers are taken for floats, lists for tuples, objects for
    dataclasses, of which unknown entries are left alone.

    name: of the entry; "" for a file as a whole. Raises InputError, which names the entry within, for another type, numbers that
    are not finite or out of bounds, and what the making of a dataclass raises.
    """
    kinds = _kinds(hint)
    if value is None and type(None) in kinds:
        return None
    kind = next(one for one in kinds if one is not type(None))
    origin = get_origin(kind) or kind
    if kind is Any:
        return value
    if origin in (list, tuple):
        return _several(name, value, kind, origin, bounds)
    if origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise _wrong(name, value, hint, bounds)
        inner = (get_args(kind) or (str, Any))[1]
        return {key: typed(_within(name, key), one, inner, bounds) for key, one in value.items()}
    if dataclasses.is_dataclass(kind):
        return _filled(name, value, kind)
    if kind is float and type(value) is int:
        try:
            value = float(value)
        except OverflowError:
            raise _wrong(name, value, hint, bounds) from None
    if origin is Literal:
        right = type(value) in {type(one) for one in get_args(kind)} and value in get_args(kind)
    else:
        right = type(value) is kind  # bool is no int here
    if not right or (isinstance(value, float) and not math.isfinite(value)) or not _inside(value, bounds):
        raise _wrong(name, value, hint, bounds)
    return value


def rule_of(hint: Any, bounds: Bounds = _NONE) -> str:
    """What a value of this type must be, in words."""
    kind = next(one for one in _kinds(hint) if one is not type(None))
    origin = get_origin(kind) or kind
    if origin in (list, tuple) and get_args(kind):
        return f"a list, each {rule_of(get_args(kind)[0], bounds)}"
    if origin is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    words = _WORDS.get(origin, "an object")
    return words + "".join(f" {name} {end if isinstance(end, int) else format(end, 'g')}" for name, end in bounds.items())


def shown(value: Any) -> str:
    """A value as a message may hold it."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of more digits than Python prints
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kinds(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _several(name: str, value: Any, kind: Any, origin: Any, bounds: Bounds) -> Any:
    """A list or tuple: of one type throughout, or of one type for each place."""
    inner = get_args(kind) or (Any, ...)
    each = None if origin is tuple and ... not in inner else inner[0]
    if not isinstance(value, list | tuple) or (each is None and len(value) != len(inner)):
        raise _wrong(name, value, kind, bounds)
    hints = inner if each is None else (each,) * len(value)
    return origin(typed(name, one, hint, bounds) for one, hint in zip(value, hints, strict=True))


def _filled(name: str, value: Any, kind: Any) -> Any:
    if not isinstance(value, dict):
        raise _wrong(name, value, kind, _NONE)
    hints, values = get_type_hints(kind), {}
    for field in dataclasses.fields(kind):
        if field.name in value:
            values[field.name] = typed(_within(name, field.name), value[field.name], hints[field.name])
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f"{name or 'it'} has no {field.name}.")
    return kind(**values)


def _within(name: str, entry: str) -> str:
    return f"{name}.{entry}"[:200] if name else str(entry)[:200]


def _inside(value: Any, bounds: Bounds) -> bool:
    return all(_TESTS[name](value, end) for name, end in bounds.items())


def _wrong(name: str, value: Any, hint: Any, bounds: Bounds) -> InputError:
    return InputError(f"{name or 'it'} is {shown(value)}; it must be {rule_of(hint, bounds)}.")
