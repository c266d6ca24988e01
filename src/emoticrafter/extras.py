"""Packages that only some commands need."""

from __future__ import annotations

import importlib.util

from emoticrafter.errors import MissingError

__all__ = ["need_extra"]


def need_extra(extra: str, *modules: str) -> None:
    """Raise MissingError, with the cure, unless all `modules`, which `extra` installs, are there."""
    absent = [module for module in modules if importlib.util.find_spec(module) is None]
    if absent:
        raise MissingError(
            f"This needs packages that are not installed ({', '.join(absent)}).", f"pip install 'emoticrafter[{extra}]'"
        )
