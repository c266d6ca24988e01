"""Words that a model trained on few words has never seen."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

__all__ = ["unknown_words"]

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
MAX_WORDS = 20  # reported of one prompt
_LONGEST = 40  # characters of a word compared


def unknown_words(prompt: str, known: Collection[str]) -> dict[str, list[str]]:
    """The words of a prompt that are not among the `known` (lower case) ones, each with up to three near ones.

    Numbers and punctuation do not count. Plurals and possessives of known words are known, and so is a compound of them.
    """
    found: dict[str, list[str]] = {}
    for word in dict.fromkeys(match.group().lower().replace("\u2019", "'") for match in _WORD.finditer(prompt)):
        if _is_known(word, known):
            continue
        found[word] = difflib.get_close_matches(word[:_LONGEST], known, n=3, cutoff=0.7)
        if len(found) == MAX_WORDS:
            break
    return found


def _is_known(word: str, known: Collection[str]) -> bool:
    if any(form in known for form in _forms(word)):
        return True
    parts = re.split("['-]", word)
    return len(parts) > 1 and all(any(form in known for form in _forms(part)) for part in parts)


def _forms(word: str) -> list[str]:
    """The word and what it may be the plural or possessive of."""
    forms = [word, word.removesuffix("'s").removesuffix("'")]
    if word.endswith("s"):
        forms.append(word[:-1])
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("ies"):
        forms.append(f"{word[:-3]}y")
    return forms + [f"{word}s"]
