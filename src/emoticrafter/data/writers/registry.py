"""The writers that there are, by name: the only place that knows all of them."""

from __future__ import annotations

from typing import Any

from emoticrafter.data.writers.base import Writer
from emoticrafter.errors import InputError
from emoticrafter.extras import need_extra

__all__ = ["WRITERS", "open_writer"]

WRITERS = ("openai", "rules")


def open_writer(name: str, **settings: Any) -> Writer:
    """The writer of that name with its settings. Raises InputError for another name, MissingError without its packages."""
    if name == "rules":
        from emoticrafter.data.writers.rules import RulesWriter

        return RulesWriter(**settings)
    if name == "openai":
        need_extra("openai", "openai", "pydantic", "json_repair")
        from emoticrafter.data.writers.openai import OpenAIWriter

        return OpenAIWriter(**settings)
    raise InputError(f"There is no writer {name[:60]!r}.", f"Give one of {', '.join(WRITERS)}.")
