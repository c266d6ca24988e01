"""What ships as TOML and is found by name: recipes of trainings beside this file, suites and designs of sets in folders."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Literal

from emoticrafter.errors import InputError, MissingError
from emoticrafter.files import user_path

__all__ = ["find_config", "shipped_configs"]

_FOLDERS = {"recipe": "configs", "suite": "configs/suites", "design": "configs/stimuli"}  # as they are called from the package


def shipped_configs(what: Literal["recipe", "suite", "design"]) -> dict[str, Path]:
    """The files that ship, by their names without .toml."""
    folder = Path(str(resources.files("emoticrafter"))) / _FOLDERS[what]
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_config(source: str | os.PathLike[str], what: Literal["recipe", "suite", "design"]) -> Path:
    """The file of that path, or else what ships under that name, which may end in .toml and begin with its folder.

    So `paper`, `paper.toml` and `configs/paper.toml` are one, wherever the program is called. Raises InputError for a folder and
    MissingError, which names what ships.
    """
    path = user_path(source)
    if path.exists() and not path.is_dir():
        return path
    shipped = shipped_configs(what)
    name = Path(source).as_posix().removeprefix(f"{_FOLDERS[what]}/").removesuffix(".toml")
    if name in shipped:
        return shipped[name]
    if path.is_dir():
        raise InputError(f"The {what} {str(path)[:200]!r} is a folder.", "Give a TOML file.")
    raise MissingError(f"There is no {what} {str(path)[:200]!r}.", f"Give a TOML file, or one that ships: {', '.join(shipped)}.")
