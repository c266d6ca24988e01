"""Of which sources drawn pictures and random scenes are: what is kept of them is made again, or refused, where these changed."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

__all__ = ["renderer_version", "scenes_version"]

_SCENES = ("annotated.py", "captions.py", "feelings.py", "scenes.py", "words.py")


@cache
def renderer_version() -> str:
    """A hash of the source of everything that draws a scene."""
    root = _storybook() / "world"
    return _hash_of_sources(root, sorted(root.rglob("*.py")))


@cache
def scenes_version() -> str:
    """A hash of the source of everything that chooses a scene and puts it into words."""
    return _hash_of_sources(_storybook(), [_storybook() / name for name in _SCENES])


def _storybook() -> Path:
    return Path(str(resources.files("emoticrafter.storybook")))


def _hash_of_sources(root: Path, files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]
