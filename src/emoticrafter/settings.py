"""Recipes: TOML read strictly into frozen dataclasses, and checked against the rules that each key was declared with.

A recipe is a dataclass of sections, a section a dataclass of keys, each declared with `key`:

    @dataclass(frozen=True, kw_only=True)
    class TrainConfig(Section):
        batch: int = key(768, "pairs per step", least=1)

A field of the recipe that is a tuple of sections is read from tables that may come several times: [[methods]].

Nothing is ignored: a key that is not known, or a value of another type, raises InputError with what is.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import re
import tomllib
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from emoticrafter.errors import InputError, MissingError, reason_of
from emoticrafter.inputs.lines import as_text
from emoticrafter.inputs.named import read_file
from emoticrafter.inputs.typed import rule_of, shown, typed

__all__ = ["Key", "Section", "as_dict", "as_toml", "key", "keys", "read_settings", "read_tables"]

MAX_BYTES = 1 << 20
R = TypeVar("R")
_DIGITS = 4300  # of a whole number; Python reads no longer one
_ENDLESS = re.compile(rf"[\d_]{{{_DIGITS + 1},}}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Key:
    """What is known of one key: `name` with its section, `about` with its unit, the `rule` in words, `default`."""

    name: str
    about: str
    rule: str
    default: Any


def key(
    default: Any,
    about: str,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
) -> Any:
    """A field of a section: its default, what it means (with the unit), and the ends of its range, where it has any."""
    bounds = {"from": least, "above": above, "to": most, "below": below}
    return dataclasses.field(
        default=default, metadata={"about": about, "bounds": {name: v for name, v in bounds.items() if v is not None}}
    )


class Section:
    """Base of sections: every value is checked when one is made. Whole numbers are taken for floats."""

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            try:
                value = typed(field.name, getattr(self, field.name), hints[field.name], field.metadata.get("bounds", {}))
            except InputError as error:
                raise InputError(error.problem, error.hint or _way_out(field)) from error
            object.__setattr__(self, field.name, value)


def read_settings(kind: type[R], path: str | os.PathLike[str], overrides: Iterable[str] = ()) -> R:
    """The recipe of a TOML file, with "section.key=value" overrides, whose values are TOML; text needs no quotes there.

    Raises MissingError where there is no file and InputError for all that breaks a rule; unknown keys are answered with the
    nearest one and the list of those known.
    """
    entries = read_tables(path, "recipe", "Give a TOML file, or the name of a recipe that ships.")
    _check_names(kind, entries, str(path))
    for text in overrides:
        section, name, value = _override(kind, text)
        entries.setdefault(section, {})[name] = value
    return _made(kind, entries, str(path))


def read_tables(path: str | os.PathLike[str], what: str, hint: str) -> dict[str, Any]:
    """What a TOML file holds, none of it checked. what: how errors call it; hint: what to give instead.

    Raises MissingError where there is no file, InputError for what is no TOML.
    """
    if os.path.isdir(path):
        raise MissingError(f"There is no {what} {str(path)!r}: it is a folder.", hint)
    data = read_file(path, MAX_BYTES, what, hint)
    try:
        return _parsed(as_text(data, str(path)))
    except InputError as error:
        raise InputError(f"The {what} {str(path)!r} is not TOML: {error.problem}", error.hint) from error
    except ValueError as error:
        raise InputError(f"The {what} {str(path)!r} is not TOML: {reason_of(error)}.", "Mend that line.") from error


def keys(kind: type[Any]) -> Iterator[Key]:
    """Every key of a recipe, in order."""
    for section, hint in _sections(kind).items():
        made = _several(hint) or hint
        hints = get_type_hints(made)
        for field in dataclasses.fields(made):
            rule = rule_of(hints[field.name], field.metadata.get("bounds", {}))
            yield Key(name=f"{section}.{field.name}", about=field.metadata["about"], rule=rule, default=field.default)


def as_dict(recipe: Any) -> dict[str, dict[str, Any]]:
    """Sections of keys as JSON values; keys that are None are left out, since TOML has no such value."""
    found = {section: getattr(recipe, section) for section in _sections(type(recipe))}
    return {
        section: [_entries(one) for one in value] if isinstance(value, tuple) else _entries(value)  # type: ignore[misc]
        for section, value in found.items()
    }


def as_toml(recipe: Any) -> str:
    """The recipe as a file that reads back the same."""
    parts = []
    for section, found in as_dict(recipe).items():
        title = f"[[{section}]]" if isinstance(found, list) else f"[{section}]"
        for entries in found if isinstance(found, list) else [found]:
            parts.append("\n".join([title, *(f"{name} = {_toml(value)}" for name, value in entries.items())]))
    return "\n\n".join(parts) + "\n"


def _parsed(text: str) -> dict[str, Any]:
    """What a TOML text holds. Raises ValueError for all that is none."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python reads no whole number of thousands of digits, and does not say where it stands
        found = _ENDLESS.search(text)
        if found is None:
            raise
        line, digits = text.count("\n", 0, found.start()) + 1, len(found[0].replace("_", ""))
        raise ValueError(f"line {line} holds a number of {digits} digits; {_DIGITS} are the most") from None


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    # JSON's text, numbers and truth values are TOML, but for a character that TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _way_out(field: dataclasses.Field[Any]) -> str:
    """What to do about a value that breaks its rule."""
    if field.default in (None, dataclasses.MISSING):
        return "Mend it." if field.default is dataclasses.MISSING else "Mend it, or leave it out."
    return f"Leave it out for the default, {shown(field.default)}."


def _entries(section: Any) -> dict[str, Any]:
    entries = dataclasses.asdict(section)
    return {name: list(value) if type(value) is tuple else value for name, value in entries.items() if value is not None}


def _several(hint: Any) -> type[Any] | None:
    """The kind of the sections that a recipe holds several of; None for one that it has once."""
    return get_args(hint)[0] if get_origin(hint) is tuple else None


def _sections(kind: type[Any]) -> dict[str, type[Any]]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _made(kind: type[R], entries: Mapping[str, Any], where: str) -> R:
    sections: dict[str, Any] = {}
    for name, section in _sections(kind).items():
        several = _several(section)
        try:
            if several is None:
                sections[name] = section(**entries.get(name, {}))
            else:
                sections[name] = tuple(several(**one) for one in entries.get(name, []))
        except InputError as error:
            raise InputError(f"In {where!r}, [{name}]: {error.problem}", error.hint) from error
    return kind(**sections)


def _check_names(kind: type[Any], entries: Mapping[str, Any], where: str) -> None:
    sections = _sections(kind)
    for section, values in entries.items():
        if section not in sections:
            raise _unknown(f"section [{section}]", section, sections, where)
        several = _several(sections[section])
        shown = f"[{section}]" if several is None else f"[[{section}]]"
        tables = [values] if several is None else values
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            raise InputError(f"In {where!r} {section} is no section {shown}.", f"Write {shown} and its keys below it.")
        known = [field.name for field in dataclasses.fields(several or sections[section])]
        for name in (name for one in tables for name in one):
            if name not in known:
                raise _unknown(f"key {section}.{name}", name, known, where)


def _override(kind: type[Any], text: str) -> tuple[str, str, Any]:
    name, equals, value = text.partition("=")
    section, dot, name = name.strip().partition(".")
    if not equals or not dot:
        raise InputError(f"The setting {shown(text)} is not section.key=value.", "Write, for instance, train.steps=1000.")
    if _several(_sections(kind).get(section)) is not None:
        raise InputError(f"The setting {shown(text)} is of [[{section}]], of which there are several.", "Write it into the file.")
    _check_names(kind, {section: {name: None}}, "--set")
    hint = get_type_hints(_sections(kind)[section])[name]
    try:
        found = _parsed(f"value = {value.strip()}")
        if set(found) != {"value"}:
            raise InputError(f"The setting {shown(text)} holds more than one value.", "Give each its own --set.")
        return section, name, found["value"]
    except ValueError as error:
        if _is_text(hint) and value.strip():  # shells eat the quotes, so words are taken as they are
            return section, name, value.strip()
        raise InputError(
            f"The value in {shown(text)} is not TOML: {reason_of(error)}.", "Write, for instance, train.steps=1000."
        ) from error


def _unknown(what: str, name: str, known: Iterable[str], where: str) -> InputError:
    known = list(known)
    near = difflib.get_close_matches(str(name)[:60], known, n=1, cutoff=0.5)
    offer = f"Did you mean {near[0]}? " if near else ""
    return InputError(f"Unknown {what[:80]} in {where!r}.", f"{offer}Known: {', '.join(known)}.")


def _is_text(hint: Any) -> bool:
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return any(kind is str or (get_origin(kind) is Literal and isinstance(get_args(kind)[0], str)) for kind in kinds)
