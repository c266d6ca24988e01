"""The words of a study's page, all from one file per language: `en.toml` and `de.toml` ship, others lie beside a study."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from emoticrafter.errors import InputError, MissingError
from emoticrafter.files import user_path
from emoticrafter.settings import read_tables

__all__ = ["LANGUAGES", "Words", "feeling_words", "read_words"]

Words = Mapping[str, Mapping[str, str]]  # by section and key

_HERE = Path(__file__).parent
LANGUAGES = tuple(sorted(path.stem for path in _HERE.glob("*.toml")))
_LONGEST = 10_000
_PLACE = re.compile(r"\{(\w*)\}")
_HINT = f"Copy one that ships ({', '.join(LANGUAGES)}) and translate it."
_STRONG, _WEAK = 2.0, 0.5  # from which distance to the middle a feeling is very high or low, and from which it is at all


def read_words(language: str, folder: Path) -> Words:
    """The words of a language that ships, or of a TOML file, looked for beside the study's in `folder` first.

    Raises MissingError, and InputError for a file whose keys, or places such as {done}, are not those of the English words.
    """
    if language in LANGUAGES:
        return _texts(_HERE / f"{language}.toml")
    path = folder / language if (folder / language).is_file() else user_path(language)
    if path.suffix.lower() != ".toml" or not path.is_file():
        raise MissingError(
            f"There are no words in {language[:200]!r}.", f"Give {', '.join(LANGUAGES)}, or a file beside the study."
        )
    words, wanted = _texts(path), _texts(_HERE / "en.toml")
    known = {f"{section}.{name}": text for section, texts in wanted.items() for name, text in texts.items()}
    given = {f"{section}.{name}": text for section, texts in words.items() for name, text in texts.items()}
    if lacking := [name for name in known if name not in given]:
        raise InputError(f"{str(path)!r} lacks {len(lacking)} texts, first of all {lacking[0]}.", _HINT)
    if unknown := [name for name in given if name not in known]:
        raise InputError(f"{str(path)!r} has an unknown text, {unknown[0][:80]}.", "Remove it.")
    for name, text in given.items():
        if sorted(set(_PLACE.findall(text))) != sorted(set(_PLACE.findall(known[name]))):
            raise InputError(
                f"{name} in {str(path)!r} must hold the places of {known[name][:80]!r}.", "Leave {places} as they are."
            )
    if words["language"]["direction"] not in ("ltr", "rtl"):
        raise InputError(f"language.direction in {str(path)!r} must be ltr or rtl.", "Write ltr for left to right.")
    if not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", words["language"]["tag"]):
        raise InputError(f"language.tag in {str(path)!r} is no tag of a language.", "Write, for instance, pt-BR.")
    return words


def feeling_words(words: Words, valence: float, arousal: float) -> str:
    """A point of the plane in words: "very pleasant and rather calm"."""
    feelings = words["feelings"]
    found = {axis: feelings[f"{_level(value)}_{axis}"] for axis, value in (("valence", valence), ("arousal", arousal))}
    return _PLACE.sub(lambda place: found[place[1]], feelings["both"])


def _level(value: float) -> str:
    if abs(value) < _WEAK:
        return "middle"
    return ("very_" if abs(value) >= _STRONG else "") + ("high" if value > 0 else "low")


def _texts(path: Path) -> dict[str, dict[str, str]]:
    found = read_tables(path, "file of words", _HINT)
    for section, texts in found.items():
        if not isinstance(texts, dict) or not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts.values()):
            raise InputError(f"[{section[:80]}] in {str(path)!r} holds something else than texts.", _HINT)
    return {section: {name: text.strip() for name, text in texts.items()} for section, texts in found.items()}
