"""A study as it began: a folder with all that decides what people see, which no later change of its file touches.

STUDY/study.toml     the settings
STUDY/design.json    units, pictures, words, the text to consent to, and the hash of all
STUDY/pictures/      what is shown: WebP, named by ids, without the recipe that a picture of ours carries
STUDY/panel.sqlite   people and answers (`store`)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from emoticrafter.errors import InputError, MissingError
from emoticrafter.files import atomic_folder, check_folder, user_path
from emoticrafter.inputs.lines import read_text
from emoticrafter.inputs.pictures import read_picture
from emoticrafter.inputs.records import damaged, read_marked
from emoticrafter.inputs.typed import typed
from emoticrafter.panel.design import balance, lay_out
from emoticrafter.panel.images import StudyPicture
from emoticrafter.panel.study import Study, read_study
from emoticrafter.panel.trials import Trial
from emoticrafter.panel.units import Unit, Units, find_units
from emoticrafter.panel.words import Words, read_words
from emoticrafter.settings import as_dict, as_toml, read_settings
from emoticrafter.watch import SILENT, Watch

__all__ = ["Frozen", "differing", "draft", "freeze", "is_frozen", "open_frozen"]

STUDY, DESIGN, PICTURES = "study.toml", "design.json", "pictures"
_FORMAT, _VERSION, _MOST = "emoticrafter study", 1, 1 << 28
_HINT = "Give the folder that `emoticrafter panel serve` keeps a study in."
_QUALITY = 92  # of WebP


@dataclass(frozen=True, eq=False)
class Frozen:
    """A study that may begin, or has begun. folder: where it is kept; None for a draft, which has no pictures."""

    study: Study
    units: Units
    words: Words
    consent: str
    folder: Path | None

    @property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the sha256 of settings, units, pictures, words and consent."""
        return _hash_of(self)

    @property
    def cycle(self) -> int:
        """After how many people the design begins anew."""
        return balance(self.study, self.units).cycle

    def trials(self, sequence: int) -> tuple[Trial, ...]:
        """What the participant of row `sequence` of the design is shown."""
        return _laid_out(self, sequence)

    def picture_path(self, picture: str) -> Path:
        """The file of a picture as it is shown. Raises MissingError for an id that the study does not have."""
        if picture not in self.units.pictures or self.folder is None:
            raise MissingError(f"The study has no picture {picture[:40]!r}.", "Take an id of its table of responses.")
        return self.folder / PICTURES / f"{picture}.webp"


def draft(source: str | Path) -> Frozen:
    """The study of a file as it would begin, nothing written. Raises MissingError and InputError."""
    study, path = read_study(source)
    folder = path.parent
    units = find_units(study, folder)
    balance(study, units)
    words = read_words(study.study.language, folder)
    consent = words["consent"]["text"]
    if study.people.consent:
        beside = folder / study.people.consent
        consent = read_text(beside if beside.is_file() else user_path(study.people.consent), "text to consent to").strip()
    return Frozen(study=study, units=units, words=words, consent=consent, folder=None)


def freeze(made: Frozen, folder: str | Path, watch: Watch = SILENT) -> Frozen:
    """Lay a draft into a folder, from which it may begin; the folder appears whole or not at all.

    Raises InputError for a picture that cannot be read, OutputError for a folder that is there and not empty.
    """
    target = check_folder(folder)
    if target.exists() and any(target.iterdir()):
        raise InputError(f"The folder {str(target)!r} is not empty, and holds no study.", "Give another one with --out.")
    step = watch.stage("keeping pictures")
    with atomic_folder(target) as temporary:
        (temporary / PICTURES).mkdir()
        for number, picture in enumerate(made.units.pictures.values(), 1):
            watch.check()
            image = read_picture(picture.path)
            image.thumbnail((made.study.design.edge, made.study.design.edge))
            image.save(temporary / PICTURES / f"{picture.id}.webp", quality=_QUALITY)
            step(number, len(made.units.pictures))
        (temporary / STUDY).write_text(as_toml(made.study), encoding="utf-8")
        entries = {"format": _FORMAT, "version": _VERSION, "hash": made.hash, **_entries(made)}
        (temporary / DESIGN).write_text(json.dumps(entries, ensure_ascii=False, indent=1), encoding="utf-8")
    return open_frozen(target)


def is_frozen(folder: str | Path) -> bool:
    """Whether a folder holds a study that may begin, or has begun."""
    return (user_path(folder) / DESIGN).is_file()


def open_frozen(folder: str | Path) -> Frozen:
    """The study in a folder. Raises MissingError where there is none, InputError where it is damaged or was changed."""
    folder = user_path(folder)
    entries = read_marked(folder / DESIGN, _FORMAT, _VERSION, "study", _HINT, most=_MOST)
    study = read_settings(Study, folder / STUDY)
    try:
        found = typed("", entries, _Entries)
    except InputError as error:
        raise damaged(folder / DESIGN, "study", _HINT, error) from error
    units = Units(
        contents=tuple(found.contents),
        conditions=tuple(found.conditions),
        axes=tuple(found.axes),
        units=tuple(found.units),
        pictures={one.id: one for one in found.pictures},
        left_out=tuple(found.left_out),
    )
    made = Frozen(study=study, units=units, words=found.words, consent=found.consent, folder=folder)
    if made.hash != found.hash:
        raise InputError(
            f"The study in {str(folder)!r} was changed after it had been laid out.", "Restore study.toml and design.json."
        )
    return made


def differing(frozen: Frozen, study: Study) -> list[str]:
    """The keys in which a study's file differs from what was frozen."""
    kept, given = as_dict(frozen.study), as_dict(study)
    found = []
    for section in sorted({*kept, *given}):
        before, after = kept.get(section), given.get(section)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += [f"{section}.{name}" for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
        elif before != after:
            found.append(section)
    return found


@dataclass(frozen=True)
class _Entries:
    hash: str
    contents: list[str]
    conditions: list[str]
    axes: list[str | None]
    units: list[Unit]
    pictures: list[StudyPicture]
    left_out: list[str]
    words: dict[str, dict[str, str]]
    consent: str


def _entries(made: Frozen) -> dict[str, Any]:
    units = made.units
    return {
        "contents": units.contents,
        "conditions": units.conditions,
        "axes": units.axes,
        "left_out": units.left_out,
        "units": [asdict(one) for one in units.units],
        "pictures": [asdict(replace(one, path="")) for one in units.pictures.values()],
        "words": made.words,
        "consent": made.consent,
    }


@lru_cache(maxsize=64)
def _hash_of(made: Frozen) -> str:
    told = json.dumps([as_dict(made.study), _entries(made)], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@lru_cache(maxsize=4096)
def _laid_out(made: Frozen, sequence: int) -> tuple[Trial, ...]:
    return lay_out(made.study, made.units, sequence)
