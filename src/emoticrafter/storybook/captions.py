"""Sentences for scenes and feelings, as people would type them.

A neutral caption tells what a scene holds and nothing of its feeling. An emotional caption adds words whose mean place on
the valence-arousal plane is the feeling's. In aligned pairs the feeling comes last: CLIP reads from left to right, so the
tokens of the content stay as they are in the neutral caption, and the feeling lands on the tokens behind them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from emoticrafter.emotion import Emotion
from emoticrafter.storybook import words
from emoticrafter.storybook.feelings import LEXICON, beings, feeling, feeling_words, listed, told
from emoticrafter.storybook.words import split_names, with_article, words_of
from emoticrafter.storybook.world import scene as world
from emoticrafter.storybook.world.scene import Scene, Subject

# ---- Tables, parsed once.


@dataclass(frozen=True)
class _Verb:
    base: str
    third: str
    participle: str
    tail: str = ""

    @classmethod
    def parse(cls, text: str) -> _Verb:
        base, third, rest = text.split("/", 2)
        participle, _, tail = rest.partition(" ")
        return cls(base, third, participle, tail)

    @property
    def ing(self) -> str:
        return f"{self.participle} {self.tail}".rstrip()

    def finite(self, plural: bool) -> str:
        return f"{self.base if plural else self.third} {self.tail}".rstrip()


@dataclass(frozen=True)
class _Locale:
    """Names of a place that share their prepositions and articles; "" for none."""

    prepositions: tuple[str, ...]
    articles: tuple[str, ...]
    nouns: tuple[str, ...]
    by_night: tuple[str, ...]  # nouns that may also be said at night

    @classmethod
    def parse(cls, text: str) -> _Locale:
        prepositions, articles, nouns = text.strip().split(" ", 2)
        names = split_names(nouns)
        plain = tuple(name.rstrip("*") for name in names)
        return cls(_options(prepositions), _options(articles), plain, tuple(name for name in names if not name.endswith("*")))


def _options(text: str) -> tuple[str, ...]:
    return tuple("" if part == "-" else part.replace("_", " ") for part in text.split("|"))


def _verbs(text: str) -> tuple[_Verb, ...]:
    return tuple(_Verb.parse(part) for part in split_names(text))


def _split_all(table: dict) -> dict:
    return {key: split_names(value) for key, value in table.items()}


_NAMES = _split_all(words.SUBJECT_NAMES)
_PLACES = {place: tuple(_Locale.parse(part) for part in text.split(";")) for place, text in words.PLACE_NAMES.items()}
_ACTIONS = {action: _verbs(text) for action, text in words.ACTION_NAMES.items()}
_KIND_ACTIONS = {key: _verbs(text) for key, text in words.KIND_ACTION_NAMES.items()}
_VEHICLE_STANDING, _THING_STANDING = _verbs(words.VEHICLE_STANDING), _verbs(words.THING_STANDING)
_PHRASES, _KEYWORDS, _COMPOUNDS = map(_split_all, (words.ACTION_PHRASES, words.ACTION_KEYWORDS, words.ACTION_ADJECTIVES))
_TIMES, _TIME_KEYWORDS = _split_all(words.TIME_PHRASES), _split_all(words.TIME_KEYWORDS)
_PAIRS = {
    name: split_names(getattr(words, name))
    for name in ("CHILDREN_PAIRS", "SAME_CHILDREN_PAIRS", "GROWN_UP_PAIRS", "COUPLES", "OLD_COUPLES", "MIXED_PAIRS")
}
_FAMILIES = _split_all(words.FAMILY_PAIRS)
_HAND_IN_HAND = _verbs("hold/holds/holding hands, stand/stands/standing hand in hand, walk/walks/walking hand in hand")
_ON_BENCH = _verbs(
    "sit/sits/sitting on a bench, sit/sits/sitting on a park bench, sit/sits/sitting together on a bench, "
    "rest/rests/resting on a bench, share/shares/sharing a bench"
)
_CHASE = _verbs("chase/chases/chasing, run/runs/running after, chase/chases/chasing after, follow/follows/following")
_PLAY_WITH = _verbs("play/plays/playing with, fetch/fetches/fetching")
_PICTURES = split_names(words.PICTURE_WORDS)
_SHE, _HE = ("girl", "woman", "grandmother"), ("boy", "man", "grandfather")
_CHILDREN, _OLD = ("girl", "boy", "toddler"), ("grandmother", "grandfather")
_NEXT_TO = ("next to", "beside", "by", "near")
_WITH = ("with", "with", "together with")
_SINGULAR_PAIRS = ("a family", "a couple", "an old couple", "an elderly couple")


# ---- Grammar.


def plural(noun: str) -> str:
    head, tail = re.match(r"(.*?)( (?:with|in) .*)?$", noun).groups()  # type: ignore[union-attr]
    start, _, last = head.rpartition(" ")
    if last in words.IRREGULAR_PLURALS:
        last = words.IRREGULAR_PLURALS[last]
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "es" if re.search(r"(s|x|ch|sh)$", last) else "s"
    return f"{start} {last}".lstrip() + (tail or "")


def _pick(names: Sequence[str], rng: random.Random, plain: bool) -> str:
    """The canonical (first) name if `plain`, otherwise often another."""
    return names[0] if plain or rng.random() < 0.3 else rng.choice(names)


def _name(subject: Subject, rng: random.Random, plain: bool) -> str:
    return _pick(_NAMES[subject.kind], rng, plain)


def _clothes(subject: Subject, rng: random.Random) -> str:
    if subject.clothes is None:
        return ""
    garments = words.GARMENTS + (", " + words.DRESSES if subject.kind in _SHE else "")
    garment = rng.choice(split_names(garments))
    bare = rng.choice((f" in {subject.clothes}", f" dressed in {subject.clothes}", f" in {subject.clothes} clothes"))
    return rng.choice((f" in a {subject.clothes} {garment}",) * 3 + (f" wearing a {subject.clothes} {garment}", bare)).replace(
        " a orange", " an orange"
    )


def _noun_phrase(subject: Subject, rng: random.Random, plain: bool, adjective: str = "", article: bool = True) -> str:
    noun = _name(subject, rng, plain)
    if noun == "someone" and (adjective or not article):
        noun = "person"
    if noun != "someone":
        noun = f"{adjective} {noun}".lstrip()
        noun = with_article(noun) if article else noun
    return noun + _clothes(subject, rng)


@dataclass(frozen=True)
class _Clause:
    """Who does what: a noun phrase, verbs that fit it (none: it is just there), words that do without a verb, and a tail."""

    subject: str
    keywords: tuple[str, ...]
    plural: bool = False
    verb: _Verb | None = None
    phrase: str = ""
    tail: str = ""

    def _with_tail(self, text: str) -> str:
        return f"{text} {self.tail}".strip()

    @property
    def participle(self) -> str:
        return self._with_tail(self.verb.ing if self.verb else "")

    @property
    def told(self) -> str:
        return self._with_tail(self.phrase)

    @property
    def are(self) -> str:
        """For "there is a girl and a boy", but "there are two girls"."""
        return "are" if self.plural and not self.subject.startswith(("a ", "an ")) else "is"

    def finite(self) -> str:
        return self._with_tail(self.verb.finite(self.plural)) if self.verb else ""

    def progressive(self) -> str:
        return f"{'are' if self.plural else 'is'} {self.participle}"


def _action_verbs(subject: Subject) -> tuple[_Verb, ...]:
    key = subject.kind, subject.action
    if key in _KIND_ACTIONS:
        return _KIND_ACTIONS[key]
    if subject.action == "standing" and subject.kind not in world.PEOPLE + world.ANIMALS:
        return _VEHICLE_STANDING if subject.kind in world.VEHICLES else _THING_STANDING
    return _ACTIONS[subject.action]


def _action(subject: Subject, rng: random.Random, plain: bool) -> tuple[_Verb | None, str]:
    """A verb, and words that do without one. What merely stands there seldom gets either."""
    verbs = _action_verbs(subject)
    if subject.action == "standing":
        return (None if plain or rng.random() < 0.6 else rng.choice(verbs)), ""
    phrases = _PHRASES.get(subject.action, ("",))
    return (verbs[0] if plain or rng.random() < 0.4 else rng.choice(verbs)), rng.choice(phrases)


def _shared(verb: _Verb | None, second: Subject) -> _Verb | None:
    """The verb of both subjects that do the same: a cow grazes, but "a cow and a girl" do not."""
    if verb is None or verb in _action_verbs(second):
        return verb
    return None if second.action == "standing" else _ACTIONS[second.action][0]


def _compound(subject: Subject, rng: random.Random) -> str:
    """An action as an adjective, "kite flying" or "sleeping"; "" if it makes none."""
    if (subject.kind, subject.action) in _KIND_ACTIONS and subject.action != "standing":
        verb = _KIND_ACTIONS[subject.kind, subject.action][0]
        return "" if verb.tail or verb.participle == "taking" else verb.participle
    return rng.choice(_COMPOUNDS[subject.action]) if subject.action in _COMPOUNDS else ""


def _company(first: Subject, second: Subject, rng: random.Random) -> str:
    """Two people, or two of a kind, under one name: "two girls", "a mother and her child"; "" if there is none."""
    one, two = first.kind, second.kind
    if one == two and (one not in world.PEOPLE or rng.random() < 0.5):
        names = [name for name in _NAMES[one] if name not in ("someone", "little one")]
        return f"{rng.choice(('two', 'two', 'two', 'a pair of'))} {plural(_pick(names, rng, False))}"
    if one not in world.PEOPLE or two not in world.PEOPLE:
        return ""
    children = (one in _CHILDREN) + (two in _CHILDREN)
    if children == 2:
        return rng.choice(_PAIRS["CHILDREN_PAIRS" if {one, two} == {"girl", "boy"} else "SAME_CHILDREN_PAIRS"])
    if children == 1:
        adult = one if two in _CHILDREN else two
        return rng.choice(_FAMILIES.get(adult, _PAIRS["MIXED_PAIRS"]))
    if {one, two} == {"woman", "man"}:
        return rng.choice(_PAIRS["COUPLES"])
    return rng.choice(_PAIRS["OLD_COUPLES" if one in _OLD and two in _OLD else "GROWN_UP_PAIRS"])


def _clause(scene: Scene, rng: random.Random, plain: bool, adjective: str = "") -> _Clause:
    """The clause of a scene with one or two subjects; `adjective` goes to the first of them."""
    first = scene.subjects[0]
    keywords = [_name(first, rng, plain)]
    if first.action != "standing":
        keywords.append(rng.choice(_KEYWORDS[first.action]))
    if first.clothes:
        keywords.append(f"{first.clothes} {rng.choice(('clothes', 'shirt', 'coat'))}")
    verb, phrase = _action(first, rng, plain)
    if len(scene.subjects) == 1:
        return _Clause(_noun_phrase(first, rng, plain, adjective), tuple(keywords), verb=verb, phrase=phrase)

    second = scene.subjects[1]
    keywords.append(_name(second, rng, plain))
    other = _noun_phrase(second, rng, plain, _compound(second, rng) if second.action == "sleeping" else "")
    if scene.relation == "chasing":
        keywords[1:-1] = [rng.choice(("chase", "chasing", "running"))]
        fetching = (
            second.kind in ("ball", "balloon") and first.kind in ("dog", "cat", *_CHILDREN) and not plain and rng.random() < 0.35
        )
        chase = (
            rng.choice(_PLAY_WITH[: 2 if first.kind == "dog" else 1]) if fetching else rng.choice(_CHASE[: 1 if plain else None])
        )
        return _Clause(_noun_phrase(first, rng, plain, adjective), tuple(keywords), verb=chase, phrase=chase.ing, tail=other)

    together = ""
    if not adjective and rng.random() < 0.45:
        together = _company(first, second, rng)
        if first.kind == second.kind and together:
            keywords[:] = [together, *keywords[1:-1]]
    one = _noun_phrase(first, rng, plain, adjective)
    both = together or _two(one, other, first, second, rng)
    plural = together not in _SINGULAR_PAIRS
    if scene.relation in ("hand_in_hand", "on_bench"):
        verbs = _HAND_IN_HAND if scene.relation == "hand_in_hand" else _ON_BENCH
        if scene.relation == "hand_in_hand":
            verbs = (verbs[0], verbs[2 if first.action == "walking" else 1])
        bare = (
            "hand in hand" if scene.relation == "hand_in_hand" else rng.choice(("on a bench", "on a park bench", "on the bench"))
        )
        keywords[1:-1] = []
        keywords.append("holding hands" if scene.relation == "hand_in_hand" else "bench")
        return _Clause(both, tuple(keywords), plural=plural, verb=verbs[0] if plain else rng.choice(verbs), phrase=bare)
    beside = _NEXT_TO + _WITH if second.kind in world.PEOPLE + world.ANIMALS or first.action == "standing" else _NEXT_TO
    if first.action == second.action:
        if rng.random() < 0.6 or together or first.action != "standing":
            return _Clause(both, tuple(keywords), plural=plural, verb=_shared(verb, second), phrase=phrase)
        return _Clause(one, tuple(keywords), verb=verb, tail=f"{rng.choice(beside)} {other}")
    return _Clause(one, tuple(keywords), verb=verb, phrase=phrase, tail=f"{rng.choice(beside)} {other}")


def _two(one: str, other: str, first: Subject, second: Subject, rng: random.Random) -> str:
    owner = "her" if first.kind in _SHE else "his" if first.kind in _HE else ""
    mine = owner and second.kind in (
        "dog",
        "cat",
        "rabbit",
        "horse",
        "bicycle",
        "car",
        "scooter",
        "teddy_bear",
        "ball",
        "guitar",
        "drum",
        "gift",
        "tractor",
        "taxi",
    )
    if mine and other.startswith("a") and rng.random() < 0.3:
        other = re.sub(r"^an? ", f"{owner} ", other)
    elif first.kind == second.kind and rng.random() < 0.5:
        other = re.sub(r"^an? ", "another ", other)
    return f"{one} and {other}"


@dataclass(frozen=True)
class _PlaceWords:
    bare: str
    title: str
    where: str


def _place_words(scene: Scene, rng: random.Random, plain: bool, adjective: str = "") -> _PlaceWords:
    locales = _PLACES[scene.place]
    roll = rng.random()
    if plain or roll < 0.3:
        locale, noun = locales[0], locales[0].nouns[0]
        if scene.place == "playground" and rng.random() < 0.4:
            noun = locale.nouns[1]
    else:
        locale = locales[0] if roll < 0.6 else rng.choice(locales)
        if adjective and not locale.articles[0]:
            locale = locales[0]
        noun = rng.choice(locale.nouns if scene.time == "day" else locale.by_night)
    preposition = locale.prepositions[0] if plain else rng.choice(locale.prepositions)
    article = locale.articles[0] if plain or rng.random() < 0.5 else rng.choice(locale.articles)
    full = f"{adjective} {noun}".lstrip()
    title = full if not article else with_article(full) if article == "a" else f"the {full}"
    return _PlaceWords(noun, title, f"{preposition} {title}".lstrip())


def _time(scene: Scene, place: str, rng: random.Random, plain: bool) -> str:
    if scene.time == "day" and (plain or rng.random() > 0.12):
        return ""
    if scene.place == "night_city" and ("night" in place or rng.random() < 0.3):
        return ""
    phrases = _TIMES[scene.time]
    if scene.place == "room":
        phrases = tuple(phrase for phrase in phrases if not phrase.startswith("under"))
    return _pick(phrases, rng, plain)


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _empty(scene: Scene, rng: random.Random, plain: bool, adjective: str) -> str:
    place = _place_words(scene, rng, plain, adjective)
    time = _time(scene, place.bare, rng, plain)
    roll = rng.random()
    if plain or adjective or roll < 0.35 or not place.title.startswith(("a ", "an ", "the ")):
        return _joined(place.title, time)
    if roll < 0.5 and place.title.startswith(("a ", "an ")):
        return _joined(f"an empty {place.bare}", time)
    if roll < 0.6:
        return _joined(
            place.title,
            time,
            rng.choice(("without people", "with nobody there", "with no one there", "with no people", "without anyone")),
        )
    if roll < 0.7:
        return _joined(place.bare, time)
    if roll < 0.8:
        return ", ".join(
            part
            for part in (
                place.bare,
                rng.choice(_TIME_KEYWORDS[scene.time]) if time else "",
                rng.choice(("", "no people", "empty")),
            )
            if part
        )
    if roll < 0.92:
        return _joined(rng.choice(_PICTURES), place.title, time)
    return _joined(rng.choice(("nobody", "there is nobody", "no one", "there is no one")), place.where, time)


def _keyword_list(clause: _Clause, place: _PlaceWords, scene: Scene, time: str, rng: random.Random) -> str:
    parts = [*dict.fromkeys(clause.keywords)]
    parts.insert(rng.choice((0, len(parts), len(parts))), place.bare)
    if time:
        parts.append(rng.choice(_TIME_KEYWORDS[scene.time]))
    return rng.choice((", ", ", ", ", ", " ", " and ")[: 4 if len(parts) > 2 else 5]).join(parts)


def _sentence(scene: Scene, rng: random.Random, plain: bool, subject_adjective: str = "", place_adjective: str = "") -> str:
    if not scene.subjects:
        return _empty(scene, rng, plain, place_adjective)
    first = scene.subjects[0]
    place = _place_words(scene, rng, plain, place_adjective)
    time = _time(scene, place.bare, rng, plain)
    clause = _clause(scene, rng, plain, subject_adjective)
    if plain:
        return _joined(clause.subject, clause.participle, place.where, time)
    roll = rng.random()
    doing = clause.told if clause.phrase and rng.random() < 0.3 else clause.participle
    picture = rng.choice(_PICTURES) if rng.random() < 0.12 else ""
    if roll < 0.34:
        if time and rng.random() < 0.15:
            return f"{time}, {_joined(clause.subject, doing, place.where)}"
        return _joined(picture, clause.subject, doing, place.where, time)
    if roll < 0.46:
        told = _joined(clause.subject, clause.progressive() if rng.random() < 0.7 else clause.finite()) if clause.verb else ""
        is_there = f"there {clause.are} {_joined(clause.subject, clause.participle)}"
        text = told or rng.choice((is_there, _joined(clause.subject, clause.participle)))
        return f"{_joined(place.where, time)}, {text}"
    if roll < 0.58:
        verb = clause.finite() or _joined("are" if clause.plural else "is", clause.tail)
        if clause.verb and rng.random() < 0.5:
            verb = clause.progressive()
        return _joined(clause.subject, verb, place.where, time)
    if roll < 0.70:
        who = "who" if first.kind in world.PEOPLE else "that"
        relative = f"{who} {clause.finite()}" if clause.verb and rng.random() < 0.25 else doing
        return _joined(picture, place.title, time, "with", clause.subject, relative)
    if roll < 0.80 and not (subject_adjective or place_adjective):
        return _keyword_list(clause, place, scene, time, rng)
    if roll < 0.87:
        return re.sub(r"\b(a|an|the) (?!pair\b|couple\b|bit\b)", "", _joined(clause.subject, doing, place.where, time))
    if roll < 0.95:
        compound = _compound(first, rng)
        if compound and len(scene.subjects) == 1:
            text = _noun_phrase(first, rng, plain, f"{subject_adjective} {compound}".strip())
            return _joined(picture, text, place.where, time)
        return _joined(picture, clause.subject, doing, place.where, time)
    if roll < 0.975 and not place_adjective:
        return _joined(picture, clause.subject, doing, time)
    return _joined("there", clause.are, clause.subject, doing, place.where, time)


def _dressed_up(text: str, rng: random.Random) -> str:
    """Sometimes with a capital letter, a full stop or both."""
    roll = rng.random()
    if roll > 0.16:
        return text
    if roll > 0.05:
        text = text[0].upper() + text[1:]
    return text + "." if roll < 0.11 else text


def neutral_caption(scene: Scene, rng: random.Random) -> str:
    """What the scene holds, without a word of feeling; in three of ten the simplest form, "a dog on a beach"."""
    return _dressed_up(_sentence(scene, rng, plain=rng.random() < 0.3), rng)


# ---- With feeling.


def with_feeling(neutral: str, emotion: Emotion, rng: random.Random, scene: Scene) -> str:
    """A neutral caption with words of the feeling behind it, as they fit the scene; the feeling alone behind no caption."""
    most = 4 if neutral.count(" ") < 14 else 2
    feels = told(feeling_words(emotion, rng, scene, most), rng)
    if not neutral:
        return feels
    if neutral.endswith("."):
        return f"{neutral} {feels[0].upper() + feels[1:] if neutral[0].isupper() else feels}"
    if feels.startswith(("in a", "with ")) and rng.random() < 0.3:
        return f"{neutral} {feels}"
    return neutral + rng.choices((", ", " , ", " - ", ". ", ": "), (80, 5, 6, 6, 3))[0] + feels


def _prepended(scene: Scene, emotion: Emotion, rng: random.Random) -> str:
    neutral = _sentence(scene, rng, plain=rng.random() < 0.3)
    feels = told(feeling_words(emotion, rng, scene, 4 if neutral.count(" ") < 14 else 2), rng)
    return feels + rng.choice((", ", ", ", ": ", " - ")) + neutral


def _woven(scene: Scene, emotion: Emotion, rng: random.Random) -> str:
    """Feeling words as adjectives of the subject and of the place; the rest is told behind."""
    chosen = feeling_words(emotion, rng, scene, 3)
    alive = scene.subjects and beings(Scene(place=scene.place, subjects=scene.subjects[:1]))
    person = next((word for word in chosen if alive and word.adjective and word.form != "atmosphere"), None)
    place = next((word for word in chosen if word is not person and word.adjective and word.of_place), None)
    rest = [word for word in chosen if word is not person and word is not place]
    text = _sentence(scene, rng, rng.random() < 0.4, person.text if person else "", place.text if place else "")
    if not rest:
        return text
    nouns = all(word.noun for word in rest)
    return (
        f"{text} with {listed([word.text for word in rest])}"
        if nouns and rng.random() < 0.5
        else f"{text}, {', '.join(w.text for w in rest)}"
    )


def emotional_caption(scene: Scene, emotion: Emotion, rng: random.Random, aligned: bool = True) -> str:
    """The scene and its feeling. Aligned: a neutral caption with the feeling behind it. Otherwise the feeling comes first,
    or inside ("a joyful girl in a sunny park"), or alone (one in twenty)."""
    if aligned:
        return with_feeling(neutral_caption(scene, rng), emotion, rng, scene)
    roll = rng.random()
    if roll < 0.05:
        text = feeling(emotion, rng, scene)
    else:
        text = _prepended(scene, emotion, rng) if roll < 0.4 else _woven(scene, emotion, rng)
    return _dressed_up(text, rng)


def caption_pair(scene: Scene, emotion: Emotion, rng: random.Random) -> tuple[str, str]:
    """(neutral, emotional) with the same content words in front; one in 25 has no content: ("", the feeling alone)."""
    neutral = "" if rng.random() < 0.04 else neutral_caption(scene, rng)
    return neutral, with_feeling(neutral, emotion, rng, scene)


# ---- Vocabulary.

_FUNCTION_WORDS = (
    "a an the and with in on at by near of next to beside together there is are who that another her his two pair nobody no one "
    "people without anyone empty mood atmosphere feeling scene wearing dressed clothes shirt coat chase chasing running "
    "holding hands hand bench park"
)


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """Every word that a caption can hold, sorted: lower case, letters only, as `words.words_of` splits a text."""
    texts: list[str] = [_FUNCTION_WORDS, words.GARMENTS, words.DRESSES, words.PICTURE_WORDS, *world.CLOTHES]
    texts += [word.text for word in LEXICON]
    texts += [plural(name) for names in _NAMES.values() for name in names]
    tables = (_NAMES, _PHRASES, _KEYWORDS, _COMPOUNDS, _TIMES, _TIME_KEYWORDS, _PAIRS, _FAMILIES)
    texts += [name for table in tables for names in table.values() for name in names]
    for locale in (locale for locales in _PLACES.values() for locale in locales):
        texts += [*locale.prepositions, *locale.articles, *locale.nouns]
    verb_lists = (
        *_ACTIONS.values(),
        *_KIND_ACTIONS.values(),
        _VEHICLE_STANDING,
        _THING_STANDING,
        _HAND_IN_HAND,
        _ON_BENCH,
        _CHASE,
        _PLAY_WITH,
    )
    texts += [f"{verb.base} {verb.third} {verb.participle} {verb.tail}" for verbs in verb_lists for verb in verbs]
    return tuple(sorted({word for text in texts for word in words_of(text)}))
