"""The files that a command writes: their names, the early check, the report at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emoticrafter.cli.console import note, say, say_json
from emoticrafter.emotion import Emotion
from emoticrafter.errors import EmotiCrafterError, InputError
from emoticrafter.files import check_writable

STILLS = (".png", ".webp", ".jpg", ".jpeg")
ANIMATIONS = (".gif", ".webp", ".png")
ROOM = 2048  # characters of a recipe for what is not known before the pictures are there: hashes, versions, settings


def point_name(emotion: Emotion) -> str:
    """An emotion as a part of a file name."""
    return f"v{emotion.valence:+g}_a{emotion.arousal:+g}"


def numbered(path: Path, count: int) -> list[Path]:
    """`a.png` for one picture; `a-1.png`, `a-2.png`, ... for several."""
    return [path] if count == 1 else [path.with_name(f"{path.stem}-{i}{path.suffix}") for i in range(1, count + 1)]


def check_outputs(paths: list[Path], suffixes: tuple[str, ...], force: bool) -> None:
    """Refuse what could not be written before a model is loaded, not after the work."""
    for path in paths:
        if path.suffix.lower() not in suffixes:
            ending = path.suffix or "no suffix"
            raise InputError(f"The output {str(path)!r} ends in {ending!r}.", f"Use one of {', '.join(suffixes)}.")
        check_writable(path, force)


def check_together(path: Path, size: tuple[int, int], prompt: str, emotions: list[Emotion], settings: Mapping[str, Any]) -> None:
    """Refuse, before they are drawn, pictures that one file of this name and size would not hold, or not with their recipes."""
    from emoticrafter.picture import check_savable
    from emoticrafter.recipe import joint_recipe

    common = {"prompt": prompt, "negative": settings.get("negative"), "more": "x" * ROOM}
    try:
        check_savable(path, size, joint_recipe([{**common, "valence": e.valence, "arousal": e.arousal} for e in emotions]))
    except EmotiCrafterError as error:
        count = f"{len(emotions)} pictures with their recipes" if len(emotions) > 1 else "a picture with such a recipe"
        fewer = "Ask for fewer, or have them in files of their own." if len(emotions) > 1 else ""
        raise InputError(f"{str(path)!r} cannot hold {count}. {error.problem}", f"{error.hint} {fewer}".strip()) from error


class Report:
    """Made when the work begins; called at its end, prints what was written and how long it took."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.began = time.perf_counter()

    def __call__(self, paths: list[Path], **about: Any) -> None:
        seconds = time.perf_counter() - self.began
        if self.as_json:
            say_json({"paths": [str(path) for path in paths], "seconds": round(seconds, 3), **about})
            return
        for path in paths:
            say(str(path))
        note(f"done in {seconds:.1f} s")
