"""A study: who is asked what about which pictures, in which order; a TOML file, read strictly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from emoticrafter.coordinates import LIMIT, ROUNDING
from emoticrafter.errors import InputError, MissingError
from emoticrafter.files import check_folder, safe_name, user_path, write_together
from emoticrafter.inputs.lines import read_text
from emoticrafter.settings import Section, key, read_settings

__all__ = ["SECTIONS", "PictureSource", "Study", "StudyKind", "copy_example", "find_study", "read_study"]

PROMPTS = "prompts.txt"  # beside the studies that ship

StudyKind = Literal["validate-pairs", "rank", "rate-sets", "rate", "compare"]
Axis = Literal["valence", "arousal"]
SECTIONS: dict[str, str] = {kind: kind.replace("-", "_") for kind in get_args(StudyKind)}  # the section of each kind's own keys


@dataclass(frozen=True, kw_only=True)
class About(Section):
    """Section [study]."""

    kind: StudyKind = key("rate", "what people do")
    name: str = key("study", "short name, which files and tables carry: letters, digits, hyphens")
    title: str = key("", "heading of the page; the words' own where left out")
    language: str = key("en", "words of the page: en, de, or a file beside the study")
    instructions: str = key(
        "", "what is asked, in the study's language; the words' own text where left out; a blank line parts paragraphs"
    )
    seed: int = key(0, "seed of all that is random in the design", least=0)


@dataclass(frozen=True, kw_only=True)
class People(Section):
    """Section [people]: who takes part, and how they enter."""

    wanted: int = key(20, "how many people are wanted; with links, as many links are made", least=1, most=10_000)
    entry: Literal["links", "open"] = key("links", "links: one link per person; open: one address for all, as Prolific wants it")
    parameters: tuple[str, ...] = key(
        ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID"),
        "with open entry: parameters of the address that are kept; the first one names the person",
    )
    completion_code: str = key("", "code shown at the end; none where left out")
    return_address: str = key("", "https address that the last page offers; none where left out")
    consent: str = key("", "file beside the study with the text to consent to; the words' own text where left out")
    contact: str = key("", "whom to ask: shown with the consent")
    criteria: tuple[str, ...] = key((), "statements that a person must confirm to take part: I am 18 or older.")
    smallest_window: tuple[int, ...] = key((320, 480), "smallest width and height of the page in CSS pixels", least=1)


@dataclass(frozen=True, kw_only=True)
class PictureSource(Section):
    """A table [[pictures]]: where pictures come from."""

    source: str = key(
        "", "a batch's folder, an evaluation's report folder, or a CSV with file, valence, arousal, prompt, method, seed"
    )
    method: str = key("", "method of all of them, instead of what the source says; of a report, the one to take")


@dataclass(frozen=True, kw_only=True)
class Design(Section):
    """Section [design]: how much each person sees, and in which order."""

    contents: int | None = key(None, "contents that each person sees; all where left out", least=1)
    methods: Literal["within", "split"] = key(
        "within", "within: each person sees each content by every method; split: by one, in turn over people"
    )
    practice: int = key(1, "practice trials, on contents that are kept for them", least=0, most=20)
    checks: int = key(0, "attention checks: trials that say what to answer", least=0, most=20)
    repeats: int = key(0, "main trials that are shown again near the end", least=0, most=100)
    break_every: int = key(25, "trials between breaks; 0 for none", least=0)
    edge: int = key(1024, "longest side of a shown picture in pixels; larger ones are made smaller", least=32, most=4096)


@dataclass(frozen=True, kw_only=True)
class Exclusion(Section):
    """Section [exclusion]: whose answers the analysis leaves out, fixed before anybody answers."""

    failed_checks: int = key(0, "most attention checks that may be failed", least=0)
    complete: float = key(1.0, "least share of the main trials that must be answered", least=0, most=1)
    quick_ms: float = key(300.0, "an answer below so many milliseconds is too quick", least=0)
    quick_share: float = key(0.2, "most answers that may be too quick, as a share", least=0, most=1)
    same_share: float = key(0.95, "most answers on scales that may be one and the same, as a share", least=0, most=1)


@dataclass(frozen=True, kw_only=True)
class ValidatePairs(Section):
    """Section [validate_pairs]: a neutral and an emotional prompt side by side."""

    pairs: str = key(
        "", "table of pairs: parquet of `emoticrafter data`, or CSV with id, neutral_prompt, emotional_prompt, valence, arousal"
    )
    pictures: str = key("", "folder below which the table's pictures lie; without it none are shown")
    questions: tuple[Literal["content", "feeling", "fluent"], ...] = key(
        ("content", "feeling", "fluent"), "what is asked: yes or no"
    )


@dataclass(frozen=True, kw_only=True)
class Rank(Section):
    """Section [rank]: sets of pictures that differ on one axis are put in order, then rated."""

    axes: tuple[Axis, ...] = key(("valence", "arousal"), "axes; each is a block of its own")
    size: int = key(5, "pictures of a set", least=3, most=9)
    other: float = key(
        0.0, "value of the axis on which the pictures of a set agree", least=-LIMIT - ROUNDING, most=LIMIT + ROUNDING
    )
    rate: bool = key(True, "whether each picture is then rated on the axis")
    points: int = key(7, "points of that rating, from -3 to 3", least=3, most=13)


@dataclass(frozen=True, kw_only=True)
class RateSets(Section):
    """Section [rate_sets]: sheets of valence by arousal are rated as a whole."""

    questions: tuple[Literal["consistency", "smoothness"], ...] = key(("consistency", "smoothness"), "what is asked")
    points: int = key(5, "points of the scales, from 1", least=3, most=11)


@dataclass(frozen=True, kw_only=True)
class Rate(Section):
    """Section [rate]: single pictures."""

    instrument: Literal["affect-grid", "affective-slider", "sam", "likert"] = key(
        "affect-grid",
        "affect-grid: 9 x 9, valence and arousal at once; affective-slider: 0 to 1; sam: nine points with drawings; likert",
    )
    scales: tuple[Literal["valence", "arousal", "dominance"], ...] = key(
        ("valence", "arousal"), "what is rated; dominance by sam and likert"
    )
    points: int = key(9, "points of likert, from 1", least=3, most=11)


@dataclass(frozen=True, kw_only=True)
class Compare(Section):
    """Section [compare]: two methods' pictures of one prompt and emotion."""

    questions: tuple[Literal["feeling", "words"], ...] = key(("feeling", "words"), "what is asked: which of the two is nearer")


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that a study's file says."""

    study: About
    people: People
    design: Design
    exclusion: Exclusion
    validate_pairs: ValidatePairs
    rank: Rank
    rate_sets: RateSets
    rate: Rate
    compare: Compare
    pictures: tuple[PictureSource, ...]

    @property
    def kind(self) -> StudyKind:
        return self.study.kind

    @property
    def name(self) -> str:
        return self.study.name


def read_study(source: str | os.PathLike[str], overrides: Iterable[str] = ()) -> tuple[Study, Path]:
    """The study of a file, or of one that ships by its name, and its file. Raises MissingError and InputError."""
    path = find_study(source)
    study = read_settings(Study, path, overrides)
    try:
        _check(study)
    except InputError as error:
        raise InputError(f"In {str(path)!r}: {error.problem}", error.hint, field=error.field, value=error.value) from error
    return study, path


def find_study(source: str | os.PathLike[str]) -> Path:
    """The file of that path, or else the study that ships under that name."""
    path = user_path(source)
    if path.exists() and not path.is_dir():
        return path
    if str(source) in _shipped():
        return _shipped()[str(source)]
    raise _no_study(str(source), "Give a TOML file, or one that ships")


def _shipped() -> dict[str, Path]:
    return {file.stem: file for folder in _FOLDERS for file in sorted(folder.glob("*.toml"))}


def _no_study(name: str, cure: str) -> MissingError:
    return MissingError(f"There is no study {name[:200]!r}.", f"{cure}: {', '.join(sorted(_shipped()))}.")


def copy_example(name: str, out: str | os.PathLike[str], *, force: bool = False) -> list[Path]:
    """Lay a study that ships, and the prompts of its pictures, into a folder, to be changed there; returns the files.

    Raises MissingError for another name, OutputError for files that are there, unless `force`.
    """
    if name not in _shipped():
        raise _no_study(name, "Known ones")
    source = _shipped()[name]
    target = check_folder(out)
    copies = {target / file.name: read_text(file) for file in (source, source.with_name(PROMPTS))}

    def writer(text: str) -> Callable[[Path], object]:
        return lambda path: path.write_text(text, encoding="utf-8")

    write_together([(path, writer(text)) for path, text in copies.items()], force)
    return list(copies)


def _check(study: Study) -> None:
    """What no key's own rule says."""
    own = SECTIONS[study.kind]
    for name in set(SECTIONS.values()) - {own}:
        if getattr(study, name) != type(getattr(study, name))():
            raise InputError(f"[{name}] is of another kind of study than {study.kind!r}.", f"Remove it, or write [{own}].")
    if study.name != safe_name(study.name, 40) or "_" in study.name or not study.name.isascii():
        raise _wrong("study.name", study.name, "it must be up to 40 letters, digits and hyphens", "Write, for instance, paper-1.")
    sections: list[Any] = [study.people, study.design, study.exclusion, getattr(study, own)]
    for made in sections:
        for field in fields(made):
            value = getattr(made, field.name)
            several = isinstance(value, tuple) and field.name != "smallest_window"
            if several and len(set(value)) != len(value):
                raise _wrong(field.name, list(value), "an entry occurs twice", "Write each once.")
            if several and not value and field.name in ("axes", "questions", "scales"):
                raise _wrong(field.name, [], "it is empty", "Name at least one.")
    people = study.people
    if len(people.smallest_window) != 2:
        raise _wrong("people.smallest_window", list(people.smallest_window), "it must be two numbers", "Write [320, 480].")
    if people.return_address and not people.return_address.startswith("https://"):
        raise _wrong("people.return_address", people.return_address, "it must begin with https://", "Copy it from the recruiter.")
    if people.entry == "open" and not people.parameters:
        raise _wrong("people.parameters", [], "open entry needs at least one", 'Write ["PROLIFIC_PID"].')
    if study.kind == "validate-pairs":
        if not study.validate_pairs.pairs:
            raise _wrong("validate_pairs.pairs", "", "it names no table", "Give the table of pairs.")
        if study.pictures:
            raise InputError("[[pictures]] is of no use where pairs of prompts are validated.", "Name validate_pairs.pictures.")
    elif not study.pictures or not all(one.source for one in study.pictures):
        raise InputError("The study has no pictures.", "Add a table [[pictures]] with source = a batch's folder.")
    if study.kind == "rate":
        rate = study.rate
        if "dominance" in rate.scales and rate.instrument in ("affect-grid", "affective-slider"):
            raise _wrong("rate.scales", list(rate.scales), f"{rate.instrument} has no dominance", 'Use "sam" or "likert".')
        if rate.instrument == "affect-grid" and set(rate.scales) != {"valence", "arousal"}:
            raise _wrong("rate.scales", list(rate.scales), "the affect grid asks for valence and arousal", "Leave scales out.")


def _wrong(name: str, value: Any, rule: str, hint: str) -> InputError:
    return InputError(f"{name} is {value!r}: {rule}.", hint, field=name, value=value)


# Beside the package in a checkout, inside it where it is installed.
_FOLDERS = (Path(__file__).parents[3] / "configs" / "studies", Path(__file__).parents[1] / "configs" / "studies")
