"""Reasons to doubt a pair, found without a person or a model. A doubt is a question to people, not a verdict."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from emoticrafter.prompts.words import FEELINGS, FUNCTION_WORDS, LOOKS, stem, words

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LengthEstimate", "Ruler", "about_tokens", "find_doubts"]

KEPT = 0.6  # share of the neutral prompt's content words that the emotional one must have
FELT = 1.0  # length of a feeling, (valence, arousal), from which on it must show
SAME = 1.0  # distance of two feelings below which they may share a prompt
FOREIGN = 0.2  # share of letters of other scripts

_PIECE = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|[^\s\w]+|_+")
_DENIALS = {"no", "not", "never", "without", "hardly", "lost", "little"}
# Function words that English lacks; those that it shares ("die", "on", "a") are left out.
_OTHERS = {
    "German": "der das und ist ein eine einen einem nicht mit auf auch sich werden den dem des im zum zur bei wie sie wird sind",
    "French": "le les une des est dans avec pour sur qui et du au aux sous elle il ils sont cette son ses leur",
    "Spanish": "el los las una unos es con para por del que y está son su sus al sobre bajo lleno",
    "Italian": "il lo gli una di che con per della delle nel nella sono è sul sulla degli alla",
    "Portuguese": "os um uma do da dos das em no na com para por não são está ao sob ele ela",
    "Dutch": "het een en van de met niet zijn op aan voor bij naar zich wordt deze dit uit",
}
_LANGUAGES = {name: frozenset(text.split()) for name, text in _OTHERS.items()}


class Ruler(Protocol):
    """What counts tokens, frame of start and end included, for an encoder that reads `limit` of them: `lengths.PromptRuler`."""

    limit: int

    def count(self, prompts: Sequence[str]) -> list[int]: ...


class LengthEstimate:
    """A ruler for where no tokenizer is at hand: about CLIP's counts."""

    limit = 77

    def count(self, prompts: Sequence[str]) -> list[int]:
        return [about_tokens(prompt) for prompt in prompts]


def about_tokens(text: str) -> int:
    """About how many tokens CLIP reads in a text, beginning and end included, without its vocabulary.

    CLIP's tokenizer splits into words, single digits and runs of punctuation, then words by their frequency. Here a word of up
    to nine letters counts one, each further five letters one more, and letters outside ASCII one for two bytes.
    """
    count = 2
    for piece in _PIECE.findall(text):
        if piece.isascii():
            count += 1 + max(0, len(piece) - 5) // 5 if piece.isalpha() else 1
        else:
            count += max(1, len(piece.encode("utf-8", "replace")) // 2)
    return count


def find_doubts(pairs: pd.DataFrame, ruler: Ruler) -> list[str]:
    """The doubts of each row of a table of pairs, split by "; ", empty if there is none. What is checked:

    - either prompt is longer than the encoder reads, or not in English (then the checks of words are left out);
    - the neutral prompt has words of feeling;
    - the two prompts are the same, or another row with another feeling has the same emotional prompt;
    - the emotional prompt lost content words of the neutral one;
    - a feeling away from neutral was asked for, and nothing in the emotional prompt beyond the neutral one tells of it, or what
      does is of the other sign.
    """
    columns = (pairs[name] for name in ("id", "neutral_prompt", "emotional_prompt", "valence", "arousal"))
    rows = [(str(i), str(n), str(e), (float(v), float(a))) for i, n, e, v, a in zip(*columns, strict=True)]
    shared: dict[str, list[tuple[str, tuple[float, float]]]] = defaultdict(list)
    for name, _, emotional, feeling in rows:
        shared[_bare(emotional)].append((name, feeling))
    found = []
    lengths = zip(ruler.count([row[1] for row in rows]), ruler.count([row[2] for row in rows]), strict=True)
    for (name, neutral, emotional, feeling), counts in zip(rows, lengths, strict=True):
        doubts = _too_long(counts, ruler) + _of_pair(neutral, emotional, feeling)
        twins = shared[_bare(emotional)]
        other = next((twin for twin, felt in twins if twin != name and math.dist(felt, feeling) > SAME), None)
        if other is not None:
            doubts.append(f"{other} has the same emotional prompt for another feeling")
        found.append("; ".join(doubt.replace(";", ",") for doubt in doubts))
    return found


def _too_long(counts: Sequence[int], ruler: Ruler) -> list[str]:
    about = "about " if isinstance(ruler, LengthEstimate) else ""
    return [
        f"the {which} prompt has {about}{count} tokens, and {ruler.limit} are read"
        for which, count in zip(("neutral", "emotional"), counts, strict=True)
        if count > ruler.limit
    ]


def _of_pair(neutral: str, emotional: str, feeling: tuple[float, float]) -> list[str]:
    doubts: list[str] = []
    foreign = [(which, why) for which, text in (("neutral", neutral), ("emotional", emotional)) if (why := _language(text))]
    if foreign:
        return [f"the {which} prompt {why}" for which, why in foreign]
    if felt := [word for word in words(neutral) if stem(word) in FEELINGS]:
        doubts.append(f"the neutral prompt has words of feeling: {_few(felt)}")
    if _bare(neutral) == _bare(emotional):
        return [*doubts, "the two prompts are the same"]
    return doubts + _lost(neutral, emotional) + _unfelt(neutral, emotional, feeling)


def _lost(neutral: str, emotional: str) -> list[str]:
    content = dict.fromkeys(word for word in words(neutral) if word not in FUNCTION_WORDS and stem(word) not in FEELINGS)
    kept = {_root(word) for word in words(emotional)}
    lost = [word for word in content if _root(word) not in kept]
    return [f"the emotional prompt lost content: {_few(lost)}"] if len(content) - len(lost) < KEPT * len(content) else []


def _unfelt(neutral: str, emotional: str, feeling: tuple[float, float]) -> list[str]:
    if math.hypot(*feeling) < FELT:
        return []
    before = {stem(word) for word in words(neutral)}
    said = words(emotional)
    added = {stem(word) for word in said} - before
    if not added & LOOKS and not added & FEELINGS.keys():
        return ["nothing in the emotional prompt tells of a feeling"]
    denied = {stem(word) for no, word in zip(said, said[1:], strict=False) if no in _DENIALS}
    signs = {FEELINGS[word] for word in added & FEELINGS.keys() - denied} - {0}
    if signs == {-1} and feeling[0] >= 1:
        return [f"the emotional prompt reads unpleasant, and its valence is {feeling[0]:g}"]
    if signs == {1} and feeling[0] <= -1:
        return [f"the emotional prompt reads pleasant, and its valence is {feeling[0]:g}"]
    return []


def _language(text: str) -> str:
    """Why a text is not English, empty if it may be."""
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return "has no words"
    foreign = [c for c in letters if not c.isascii() and not unicodedata.name(c, "").startswith("LATIN")]
    if len(foreign) > FOREIGN * len(letters):
        script = unicodedata.name(foreign[0], "another script").split()[0].title()
        return f"is not in Latin letters but in {script}"
    found = set(words(text))
    english = len(found & FUNCTION_WORDS)
    name, count = max(((name, len(found & known)) for name, known in _LANGUAGES.items()), key=lambda pair: pair[1])
    return f"reads as {name}" if count >= 2 and count > 2 * english else ""


def _bare(text: str) -> str:
    return " ".join(words(text)) or text.strip()


def _root(word: str) -> str:
    """A stem without its last e, so that makes and making agree."""
    return stem(word).rstrip("e")


def _few(found: Sequence[str], most: int = 5) -> str:
    distinct = list(dict.fromkeys(found))
    return ", ".join(distinct[:most]) + (f" and {len(distinct) - most} more" if len(distinct) > most else "")
