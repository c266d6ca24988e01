"""Prompts as they come out of spreadsheets and language models, brought into plain sentences; what was done is said."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable

import ftfy

__all__ = ["REASONS", "clean", "content_key"]

# ftfy mends bytes decoded wrongly, and nothing else: typographic quotes, ligatures and wide letters are text as it was meant.
_MOJIBAKE = ftfy.TextFixerConfig(
    unescape_html=False,
    remove_terminal_escapes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    remove_control_chars=False,
)
_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_KEPT_FORMATS = "\u200c\u200d"  # joiners, which scripts and emoji need
_LABEL = r"(?:(?:neutral|emotional|image|text|final|positive|visual|text-to-image)[\s_-]+)?(?:prompt|description|caption)"
_MARKS = r"[\s\"'`*_#>\u2018\u2019\u201c\u201d\u00ab\u00bb-]*"  # quotes and markdown around a label
_TITLED = re.compile(rf"{_MARKS}title{_MARKS}[:\uff1a].*?\b{_LABEL}{_MARKS}[:\uff1a]", re.IGNORECASE | re.DOTALL)
_LABELLED = re.compile(rf"{_MARKS}(?:{_LABEL}|title){_MARKS}[:\uff1a]", re.IGNORECASE)
_PAIRS = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb", "\u201e": "\u201c"}
_EMPHASIS = re.compile(r"(\*{1,3}|_{1,3})(?=\S)([^*_]+)(?<=\S)\1")
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours of a terminal
_DOUBLE = '"\u201c\u201d\u201e\u00ab\u00bb'
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")


def clean(text: str) -> tuple[str, list[str]]:
    """The prompt without the damage, and the reasons why it changed, in the order of REASONS; [] if it is as it was.

    The result may be empty. Cleaning it again changes nothing.
    """
    reasons: dict[str, None] = {}
    for _ in range(4):  # a wrapper may hide a quote, which may hide a wrapper
        before = text
        for reason, step in _STEPS:
            after = step(text)
            if after != text:
                reasons[reason] = None
                text = after
        if text == before:
            break
    return text, [reason for reason in REASONS if reason in reasons]


def content_key(prompt: str) -> str:
    """What two prompts of one content share: the words in lower case, without punctuation."""
    words = _WORD.findall(unicodedata.normalize("NFKC", prompt).casefold())
    return " ".join(words) or prompt


def _mojibake(text: str) -> str:
    return text if text.isascii() else ftfy.fix_text(text, _MOJIBAKE)


def _entities(text: str) -> str:
    return html.unescape(text) if "&" in text and _ENTITY.search(text) else text


def _controls(text: str) -> str:
    if text.isprintable():
        return text
    text = _ESCAPE.sub("", text)
    return "".join(
        c for c in text if c.isspace() or c in _KEPT_FORMATS or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs")
    )


def _escapes(text: str) -> str:
    """Without the backslashes of a string that was written as JSON or code once too often."""
    return re.sub(r"""\\([nrt"'`])""", lambda m: " " if m[1] in "nrt" else m[1], text) if "\\" in text else text


def _wrapper(text: str) -> str:
    if ":" not in text and "\uff1a" not in text:
        return text
    found = _TITLED.match(text) or _LABELLED.match(text)
    return text[found.end() :].lstrip(" \t*_#>-") if found else text


def _quotes(text: str) -> str:
    """Without quotes or emphasis around the whole, doubled quotes, and a quote that has no partner."""
    text = re.sub('"{2,}', '"', text) if '""' in text else text
    if emphasis := _EMPHASIS.fullmatch(text):
        text = emphasis[2]
    while len(text) > 1 and _PAIRS.get(text[0]) == text[-1] and not _holds(text[1:-1], text[0], text[-1]):
        text = text[1:-1].strip()
    inches = text.count('"') == 1 and re.search(r'\d"', text)
    if text.count('"') % 2 and not inches:
        text = _without_one(text, '"')
    for opening, closing in (("\u201c", "\u201d"), ("\u00ab", "\u00bb")):
        if text.count(opening) != text.count(closing) and (opening in text) != (closing in text):
            text = text.replace(opening, "").replace(closing, "")
    return "" if text and not text.strip("\"'`*" + _DOUBLE) else text


def _holds(inner: str, opening: str, closing: str) -> bool:
    """Whether the quotes at both ends belong to two quotations, not to one around the whole."""
    if opening == "'":  # an apostrophe inside a word is no quote
        return re.search(r"(?<!\w)'|'(?!\w)", inner) is not None
    if opening == closing and opening in inner:  # the second quote opens again, as in "the "big" dog", or closes the first
        return not inner[: inner.index(opening)].endswith(" ")
    return opening in inner or closing in inner


def _without_one(text: str, quote: str) -> str:
    """Without the quote that lacks its partner: one at an end rather than one inside."""
    if text.endswith(quote) and not text.startswith(quote):
        return text[:-1]
    if text.startswith(quote):
        return text[1:]
    at = text.index(quote) if text.count(quote) == 1 else text.rindex(quote)
    return text[:at] + text[at + 1 :]


def _spaces(text: str) -> str:
    return " ".join(text.split())


def _repeats(text: str) -> str:
    """Without a run of two or more words that follows itself at once: "a red house, a red house by the sea"."""
    words = [(m.group().casefold(), m.start(), m.end()) for m in _WORD.finditer(text)]
    pairs = [(a[0], b[0]) for a, b in zip(words, words[1:], strict=False)]
    if len(set(pairs)) == len(pairs):  # nothing of two words comes twice, as in nearly all prompts
        return text
    for length in range(len(words) // 2, 1, -1):
        for i in range(len(words) - 2 * length + 1):
            first, second = words[i : i + length], words[i + length : i + 2 * length]
            if [word for word, _, _ in first] == [word for word, _, _ in second]:
                return _repeats(text[: first[-1][2]] + text[second[-1][2] :])
    return text


_STEPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("mojibake", _mojibake),
    ("HTML entities", _entities),
    ("control characters", _controls),
    ("escape sequences", _escapes),
    ("doubled or outer spaces", _spaces),
    ("wrapper", _wrapper),
    ("stray quotes", _quotes),
    ("repeated phrase", _repeats),
)
REASONS = tuple(reason for reason, _ in _STEPS)
