"""What a set is to be: cells of the plane, contents, matching; a TOML file, read strictly."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from emoticrafter.configs import find_config
from emoticrafter.coordinates import LIMIT, ROUNDING, on_plane
from emoticrafter.emotion import Emotion, grid
from emoticrafter.errors import InputError
from emoticrafter.files import safe_name
from emoticrafter.settings import Section, key, read_settings

__all__ = ["PROPERTIES", "StimulusDesign", "read_design"]

PROPERTIES = ("luminance", "contrast", "colourfulness", "complexity")
Property = Literal["luminance", "contrast", "colourfulness", "complexity"]
MOST = 20_000  # candidates: all are drawn, and each is a variable of the choice
_END, _START = LIMIT + ROUNDING, -LIMIT - ROUNDING


@dataclass(frozen=True, kw_only=True)
class SetAbout(Section):
    """Section [set]."""

    name: str = key("set", "short name, which files carry: letters, digits, hyphens")
    title: str = key("", "heading of the page; the name where left out")
    per_cell: int = key(6, "pictures in each cell", least=1, most=1000)
    seed: int = key(0, "first seed; each content has others in each cell, so that no layout comes twice", least=0, most=2**31)


@dataclass(frozen=True, kw_only=True)
class StimulusPlane(Section):
    """Section [plane]: the cells are every valence with every arousal."""

    valences: tuple[float, ...] = key((-2.0, 0.0, 2.0), "middles of the cells along valence", least=_START, most=_END)
    arousals: tuple[float, ...] = key((-2.0, 0.0, 2.0), "middles of the cells along arousal", least=_START, most=_END)
    tolerance: float = key(1.0, "how far a picture may be read from its cell's middle, on each axis", above=0, most=6)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("valences", "arousals"):
            object.__setattr__(self, name, tuple(map(on_plane, getattr(self, name))))


@dataclass(frozen=True, kw_only=True)
class StimulusContent(Section):
    """A table [[contents]]: what pictures of it show."""

    prompt: str = key("", "the prompt, without a feeling")
    name: str = key("", "what tables call it; the prompt where left out")
    people: bool = key(False, "whether it asks for people")


@dataclass(frozen=True, kw_only=True)
class StimulusDrawing(Section):
    """Section [drawing]."""

    backbone: str = key("storybook", "storybook, sdxl, a hub id or a folder")
    method: str = key("ours", "ours, a rival, or a folder")
    candidates: int = key(3, "pictures that are drawn of each content in each cell, to choose from", least=1, most=100)
    strength: float | None = key(None, "strength of the feeling; the method's own where left out", least=0, most=10)
    steps: int | None = key(None, "denoising steps; the backbone's own where left out", least=1, most=1000)
    guidance: float | None = key(None, "guidance; the backbone's own where left out", least=0, most=100)
    size: int | None = key(None, "pixels of a side; the backbone's own where left out", least=8, most=8192)


@dataclass(frozen=True, kw_only=True)
class StimulusBalance(Section):
    """Section [balance]."""

    contents: bool = key(True, "whether each content is as often in a cell as every other, give or take one")
    people: float | None = key(None, "share of each cell's pictures with people; whatever comes where left out", least=0, most=1)


@dataclass(frozen=True, kw_only=True)
class StimulusMatching(Section):
    """Section [matching]: cells are made alike in what is measured, by choice; no picture is changed."""

    properties: tuple[Property, ...] = key(PROPERTIES, "what cells are matched in")
    tolerance: float = key(
        0.25, "how far a cell's mean may be from that of all cells, in standard deviations of the candidates", above=0, most=10
    )
    weight: float = key(1.0, "how much matching counts beside the nearness of feelings; 0 for not at all", least=0, most=100)
    apart: float = key(4.0, "least distance of two pictures of the set, in units of CIELAB", least=0, most=200)


@dataclass(frozen=True, kw_only=True)
class StimulusJudging(Section):
    """Section [judge]."""

    emotion: str = key("storybook", "storybook, or the folder of a judge")
    content: Literal["storybook", "none"] = key("storybook", "who looks for people; none for other pictures than the storybook's")


@dataclass(frozen=True, kw_only=True)
class StimulusDesign:
    """All that a design's file says."""

    set: SetAbout
    plane: StimulusPlane
    drawing: StimulusDrawing
    balance: StimulusBalance
    matching: StimulusMatching
    judge: StimulusJudging
    contents: tuple[StimulusContent, ...]

    @property
    def cells(self) -> list[Emotion]:
        """In reading order: arousal falls from row to row, valence rises within a row."""
        return grid(self.plane.valences, self.plane.arousals)

    @property
    def size(self) -> int:
        """Pictures of the whole set."""
        return len(self.cells) * self.set.per_cell


def read_design(source: str | os.PathLike[str], overrides: Iterable[str] = ()) -> tuple[StimulusDesign, Path]:
    """The design of a file, or of one that ships by its name, and its file. Raises MissingError and InputError."""
    path = find_config(source, "design")
    design = read_settings(StimulusDesign, path, overrides)
    try:
        _check(design)
    except InputError as error:
        raise InputError(f"In {str(path)!r}: {error.problem}", error.hint, field=error.field, value=error.value) from error
    return design, path


def _check(design: StimulusDesign) -> None:
    """What no key's own rule says."""
    name = design.set.name
    if name != safe_name(name, 40) or "_" in name or not name.isascii():
        raise _wrong("set.name", name, "it must be up to 40 letters, digits and hyphens", "Write, for instance, calm-and-tense.")
    if not design.contents:
        raise InputError("The design has no contents.", 'Add tables [[contents]] with prompt = "a dog on a beach".')
    for which in ("prompt", "name"):
        seen: set[str] = set()
        for one in design.contents:
            text = " ".join((getattr(one, which) or one.prompt).split())
            if not text:
                raise _wrong("contents.prompt", one.prompt, "it is empty", "Say what the pictures show.")
            if text in seen:
                raise _wrong(f"contents.{which}", text, "it comes twice", "Keep one of the two.")
            seen.add(text)
    candidates = len(design.cells) * len(design.contents) * design.drawing.candidates
    if candidates > MOST:
        raise InputError(
            f"{candidates:,} candidates would be drawn; at most {MOST:,} can be chosen from.",
            "Ask for fewer cells, contents or drawing.candidates.",
        )
    in_cell = len(design.contents) * design.drawing.candidates
    if in_cell < design.set.per_cell:
        raise _wrong(
            "drawing.candidates", design.drawing.candidates, f"a cell has {in_cell} candidates for {design.set.per_cell} places",
            "Set it higher, or add contents.",
        )  # fmt: skip
    share = design.balance.people
    if share is not None:
        wanted = round(share * design.set.per_cell)
        for people, places in ((True, wanted), (False, design.set.per_cell - wanted)):
            having = sum(one.people == people for one in design.contents)
            if places and not having:
                what = "with" if people else "without"
                raise _wrong(
                    "balance.people", share, f"no content is {what} people", f"Add contents with people = {str(people).lower()}."
                )


def _wrong(name: str, value: object, rule: str, hint: str) -> InputError:
    return InputError(f"{name} is {value!r}: {rule}.", hint, field=name, value=value)
