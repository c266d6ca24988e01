"""Pairs written by rules, offline: phrases that lie near the feeling on the plane, woven around any neutral prompt.

A phrase p at (v_p, a_p) is chosen for the feeling (v, a) by the largest of

    -((v - v_p)^2 + (a - a_p)^2) / (2 SPREAD^2) + g_p

with g_p from a standard Gumbel distribution, drawn once for each (seed, id): that is a draw in proportion to the Gaussian, and
the choice stays the same under small changes of the feeling until another phrase is nearer.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from emoticrafter.emotion import Emotion
from emoticrafter.prompts.checks import LengthEstimate, Ruler
from emoticrafter.prompts.content import Content, is_being, read_content
from emoticrafter.prompts.lexicon import Phrase, phrases
from emoticrafter.prompts.writer import Failure, Pair, PairTask, Tell, WritingProgress

__all__ = ["RulesWriter", "weave"]

SPREAD = 0.45  # of the draw, in units of the plane
REACH = 1.5  # a phrase further off is not taken, even if no other fits the scene
MOST = 4  # phrases besides the mood
_KINDS = ("expression", "weather", "light", "color", "motion")
_STYLES = ("scene", "opening", "following", "telling")
_MAY_BE_LOWERED = """
a an the this that these those some several many one two three four five six seven eight nine ten in on at under inside outside by
near behind beside with someone somebody nobody it he she they there his her
"""


class RulesWriter:
    """Writes a pair from the caption, which becomes the neutral prompt as it is. The same seed and id give the same words.

    ruler: emotional prompts have as many phrases as fit what it measures.
    """

    name = "rules"

    def __init__(self, *, seed: int = 0, ruler: Ruler | None = None) -> None:
        self.seed, self.ruler = seed, ruler or LengthEstimate()

    def write(self, tasks: Sequence[PairTask], tell: Tell) -> list[Pair | Failure]:
        outcomes: list[Pair | Failure] = []
        for task in tasks:
            neutral = " ".join((task.caption or "").split())
            if any(c.isalpha() for c in neutral):
                outcomes.append(
                    Pair(neutral=neutral, emotional=weave(neutral, task.emotion, f"{self.seed}\0{task.id}", self.ruler))
                )
            else:
                outcomes.append(Failure(reason="there is no caption and no tag to start from"))
            if len(outcomes) % 500 == 0 or len(outcomes) == len(tasks):
                tell(WritingProgress(done=len(outcomes), total=len(tasks)))
        return outcomes


def weave(neutral: str, emotion: Emotion, seed: str, ruler: Ruler) -> str:
    """The neutral prompt with phrases that show the feeling, as many as the ruler's limit allows, and always the mood."""
    content = read_content(neutral.rstrip(" .,;:!?"))
    draw = _Draw(random.Random(seed), emotion)  # a text as seed: the same on every machine
    chosen = draw.choose(content)
    for count in range(len(chosen), -1, -1):
        text = _compose(content, dict(list(chosen.items())[:count]), draw.mood, draw.style)
        if ruler.count([text])[0] <= ruler.limit:
            break
    return text


class _Draw:
    """Everything random about one pair, in an order that no prompt changes."""

    def __init__(self, rng: random.Random, emotion: Emotion) -> None:
        self.emotion = emotion
        self.noise = {kind: [_gumbel(rng) for _ in phrases(kind)] for kind in (*_KINDS, "bearing", "mood")}
        self.ranks = {kind: rng.random() * (0.4 if kind == "expression" else 1.0) for kind in _KINDS}
        self.style = rng.choice(_STYLES)
        self.share = rng.random()
        mood = self._nearest("mood", frozenset())
        assert mood is not None, "moods have no conditions, and lie everywhere"
        self.mood = mood

    def choose(self, content: Content) -> dict[str, Phrase]:
        """The phrases by kind, the most important first: more of them the further the feeling is from neutral."""
        strength = math.hypot(self.emotion.valence, self.emotion.arousal)
        count = min(MOST, 1 + int(strength + self.share))
        allowed = {content.place} | ({"sun", "dull", "night", "unlit"} if not content.sky else _under(content.sky))
        chosen: dict[str, Phrase] = {}
        for kind in sorted(_KINDS, key=self.ranks.__getitem__):
            if len(chosen) == count or {"expression": not content.beings, "weather": not content.place}.get(kind, False):
                continue
            phrase = self._nearest("bearing" if kind == "expression" and not content.people else kind, frozenset(allowed))
            if phrase is None:  # no dreadful weather where the prompt says that the sun shines
                continue
            chosen[kind] = phrase
            for sky in phrase.conditions - {"in", "out"}:
                allowed &= {"in", "out"} | _under(sky)
        return chosen

    def _nearest(self, kind: str, allowed: frozenset[str]) -> Phrase | None:
        """The phrase that is drawn among those which fit the scene; None if none of these is near."""
        scored = []
        for number, (p, noise) in enumerate(zip(phrases(kind), self.noise[kind], strict=True)):
            distance = math.dist((p.valence, p.arousal), (self.emotion.valence, self.emotion.arousal))
            if p.conditions <= allowed and distance < REACH:
                scored.append((noise - distance**2 / (2 * SPREAD**2), -number, p))
        return max(scored)[2] if scored else None


def _under(sky: str) -> set[str]:
    """What goes with a sky."""
    return {"sun": {"sun"}, "unlit": {"unlit", "dull", "night"}}.get(sky, {sky, "unlit"})


def _compose(content: Content, chosen: dict[str, Phrase], mood: Phrase, style: str) -> str:
    """Sentences of the chosen phrases, in one of four ways; each kind of phrase has its place in each."""
    prompt, lowered = content.prompt, _lowered(content.prompt)
    several = any(mark in prompt for mark in ".!?")
    if (several and style != "telling") or (style == "opening" and not chosen.keys() - {"expression"}):
        style = "scene"
    expression = chosen.get("expression")
    beside = f", {expression.phrase}" if expression and content.leads else ""
    apart = [f"{content.beings} {expression.phrase}"] if expression and not content.leads else []
    others = [chosen[kind] for kind in ("weather", "light", "color", "motion") if kind in chosen]
    if style == "telling" or several:
        attached: list[Phrase] = []
        told = apart + [phrase.told for phrase in others]
    else:
        attached, told = others[:2], apart + [phrase.told for phrase in others[2:]]
    if style == "scene":
        kind = "An" if mood.phrase[0] in "aeiou" else "A"
        return _sentences(f"{kind} {mood.phrase} scene: {lowered}{beside}{_attach(attached, beside)}", _joined(told))
    if style == "opening":
        first, rest = attached[0], attached[1:]
        head = f"{first.phrase}, {lowered}{beside}{_attach(rest, beside)}"
        return _sentences(head, _joined(told), f"the mood is {mood.phrase}")
    if style == "following":
        return _sentences(f"{prompt}{beside}{_attach(attached, beside)}", _joined(told), f"the whole scene feels {mood.phrase}")
    return _sentences(f"{prompt}{beside}", _joined([*told, mood.told]))


def _attach(attached: Sequence[Phrase], beside: str) -> str:
    """One or two phrases behind a clause; "in pale light and muted colors" needs its "in" once."""
    if not attached:
        return ""
    texts = [phrase.phrase for phrase in attached]
    if len(texts) == 2:
        first, second = (text.split(" ", 1) for text in texts)
        texts = [f"{texts[0]} and {second[1]}"] if first[0] == second[0] else texts
    return f", {', '.join(texts)}"


def _joined(clauses: Sequence[str]) -> str:
    """Clauses as sentences, the last two as one where that reads well."""
    if len(clauses) > 1 and not any(" and " in clause for clause in clauses[-2:]):
        clauses = [*clauses[:-2], f"{clauses[-2]}, and {clauses[-1]}"]
    return ". ".join(_capital(clause) for clause in clauses)


def _sentences(*parts: str) -> str:
    return " ".join(f"{_capital(part)}." for part in parts if part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lowered(text: str) -> str:
    """The text as it stands within a sentence: what may be a name keeps its capital."""
    first = text.split(" ", 1)[0].lower()
    return text[:1].lower() + text[1:] if first in _MAY_BE_LOWERED.split() or is_being(first) else text


def _gumbel(rng: random.Random) -> float:
    return -math.log(-math.log(rng.random() or 1e-300))
