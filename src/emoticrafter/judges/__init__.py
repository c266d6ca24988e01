"""Readers of emotion and content, each with a statement of how far it may be trusted."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.errors import InputError, MissingError
from emoticrafter.files import user_path

if TYPE_CHECKING:
    from emoticrafter.judges.storybook import StorybookJudges
    from emoticrafter.judges.trust import Judge

__all__ = ["JUDGES", "KnownJudge", "open_judge", "storybook_judges"]


@dataclass(frozen=True, kw_only=True)
class KnownJudge:
    """A judge that is opened by its name. origin: "module:function", imported when it is asked for and called with the device."""

    origin: str

    def open(self, device: str) -> Judge:
        module, _, name = self.origin.partition(":")
        opened: Judge = getattr(importlib.import_module(module), name)(device)
        return opened


JUDGES = {"storybook": KnownJudge(origin="emoticrafter.judges.storybook:emotion_judge")}


def open_judge(source: str | os.PathLike[str] = "storybook", *, clip: str | None = None, device: str = "cpu") -> Judge:
    """The emotion judge of a name in JUDGES or of a place: a judge's folder, or a storybook judge's .safetensors file.

    clip: another place of the tower of a CLIP judge. Raises MissingError, CheckpointError, InputError and DeviceError.
    """
    from emoticrafter.backbones.devices import choose_device
    from emoticrafter.judges.folder import load_head
    from emoticrafter.judges.head import ClipJudge
    from emoticrafter.judges.storybook import StorybookJudge

    choose_device(device)
    if (known := JUDGES.get(os.fspath(source))) is not None:
        return known.open(device)
    path = user_path(source)
    if path.is_dir():
        return ClipJudge(load_head(path), path.absolute().name, clip=clip, device=device)
    if path.exists():
        judge = StorybookJudge(path, device)
        if set(judge.network.config.heads) != {"feeling"}:
            raise InputError(
                f"{str(path)!r} reads {', '.join(judge.network.config.heads)}, not emotions.", "Give an emotion judge."
            )
        return judge
    raise MissingError(
        f"There is no judge {str(user_path(source))[:200]!r}.",
        f"Give {', '.join(JUDGES)}, or the folder that `emoticrafter judge train` wrote.",
    )


def storybook_judges(folder: Path | None = None, **options: Any) -> StorybookJudges:
    """See `judges.storybook.storybook_judges`."""
    from emoticrafter.judges import storybook

    return storybook.storybook_judges(folder, **options)
