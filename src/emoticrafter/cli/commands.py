"""What all commands have in common: a path may begin with ~, and a text is one."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from emoticrafter.errors import InputError
from emoticrafter.files import user_path

__all__ = ["Commands"]

Function = Callable[..., Any]
_BYTES = range(0xDC80, 0xDD00)  # the characters that stand for bytes which the locale's encoding does not know


class Commands(typer.Typer):
    """A group of commands."""

    def command(self, *given: Any, **options: Any) -> Callable[[Function], Function]:  # type: ignore[override]
        """As typer's; the function is called with arguments that are understood."""
        register = super().command(*given, **options)

        def add(function: Function) -> Function:
            register(_understanding(function))
            return function

        return add


def _understanding(function: Function) -> Function:
    @functools.wraps(function)
    def understand(*values: Any, **options: Any) -> Any:
        return function(*map(_understood, values), **{name: _understood(value) for name, value in options.items()})

    return understand


def _understood(value: Any) -> Any:
    if isinstance(value, Path):
        return user_path(value)
    if isinstance(value, list):
        return [_understood(one) for one in value]
    if isinstance(value, str):
        _check_text(value)
    return value


def _check_text(text: str) -> None:
    strange = next((c for c in text if ord(c) in _BYTES), None)
    if strange is None:
        return
    encoding = sys.getfilesystemencoding()
    variable = next((name for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), None)
    locale = f" ({variable}={os.environ[variable]})" if variable else ""
    shown = text.encode("ascii", "backslashreplace").decode("ascii")[:60]
    raise InputError(
        f"The argument '{shown}' holds the byte 0x{ord(strange) - 0xDC00:02X}, which is no {encoding}, the encoding of the"
        f" locale{locale}.",
        "Give it in that encoding." if encoding == "utf-8" else "Set a locale of UTF-8: LC_ALL=C.UTF-8, for instance.",
    )
