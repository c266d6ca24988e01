"""The writers of pairs that there are, by name: a class, and an entry here."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from emoticrafter.errors import InputError
from emoticrafter.extras import need_extra
from emoticrafter.prompts.writer import Writer

__all__ = ["WRITERS", "WriterEntry", "open_writer"]


@dataclass(frozen=True, kw_only=True)
class WriterEntry:
    """A writer in the registry. origin: "module:Class", imported when it is asked for. needs: an extra, and its packages.

    asks: whether it asks a language model, so that it costs, and keeps the answers beside the table.
    """

    origin: str
    about: str
    needs: tuple[str, ...] = ()
    asks: bool = False


WRITERS = {
    "rules": WriterEntry(origin="emoticrafter.prompts.rules:RulesWriter", about="offline, by phrases"),
    "openai": WriterEntry(
        origin="emoticrafter.prompts.llm.openai:OpenAIWriter",
        about="a language model",
        needs=("openai", "openai", "pydantic", "json_repair"),
        asks=True,
    ),
    "storybook": WriterEntry(
        origin="emoticrafter.storybook.annotated:CaptionWriter",
        about="in the embedded model's own words",
        needs=("storybook", "cv2"),
    ),
}


def open_writer(name: str, **settings: Any) -> Writer:
    """The writer of that name with its settings. Raises InputError for another name, MissingError without its packages."""
    about = find_writer(name)
    if about.needs:
        need_extra(*about.needs)
    module, _, attribute = about.origin.partition(":")
    writer: Writer = getattr(importlib.import_module(module), attribute)(**settings)
    return writer


def find_writer(name: str) -> WriterEntry:
    """The entry of a writer. Raises InputError for an unknown name."""
    if name not in WRITERS:
        raise InputError(f"There is no writer {name[:60]!r}.", f"Give one of {', '.join(WRITERS)}.")
    return WRITERS[name]
