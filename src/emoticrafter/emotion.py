"""A feeling as a point of the valence-arousal plane: read, checked, named, laid out in grids and paths.

Valence is how pleasant the feeling is, arousal how activated. Both run from -3 to 3 and 0 is neutral.
"""

from __future__ import annotations

import difflib
import math
import numbers
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from emoticrafter.coordinates import LIMIT, MINUS_SIGNS, coordinate, number_in, shown
from emoticrafter.errors import InputError

__all__ = ["LIMIT", "MOODS", "Emotion", "NamedMood", "grid", "nearest_mood", "parse_axis", "path"]

MAX_STEPS = 1000  # values of one axis, frames of one path


@dataclass(frozen=True, kw_only=True)
class Emotion:
    """A point of the plane, both coordinates floats in [-3, 3]. Raises InputError for anything else, NaN included."""

    valence: float
    arousal: float

    def __post_init__(self) -> None:
        for axis in ("valence", "arousal"):
            object.__setattr__(self, axis, coordinate(axis, getattr(self, axis)))

    @classmethod
    def neutral(cls) -> Emotion:
        """The origin."""
        return cls(valence=0.0, arousal=0.0)

    @classmethod
    def named(cls, name: str) -> Emotion:
        """The emotion of a mood in MOODS, whatever its case; an unknown one raises InputError with the nearest names."""
        key = " ".join(re.split(r"[\s_-]+", str(name).strip().casefold()))
        if key in MOODS:
            return MOODS[key].emotion
        near = difflib.get_close_matches(key[:100], MOODS, n=3, cutoff=0.5)
        offer = f"Did you mean {_either(near)}?" if near else "For instance: happy, calm, sad, tense."
        hint = f"{offer} `emoticrafter moods` lists all of them."
        raise InputError(f"Unknown mood {shown(name)}.", hint, field="mood", value=name)

    @classmethod
    def parse(cls, text: str) -> Emotion:
        """Read "valence,arousal" (also split by spaces or a semicolon, with any minus sign), or the name of a mood."""
        if not re.search(r"[\d,;]", text):
            return cls.named(text)
        parts = re.split(r"\s*[,;]\s*|\s+", text.translate(MINUS_SIGNS).strip().strip("()[]").strip())
        if len(parts) != 2:
            raise InputError(
                f"An emotion is two numbers, valence and arousal; {shown(text)} reads as {len(parts)}.",
                'Write, for instance, "-2,1".',
                field="emotion",
                value=text,
            )
        return cls(valence=number_in(parts[0], text), arousal=number_in(parts[1], text))

    def __str__(self) -> str:
        return f"{self.valence:g},{self.arousal:g}"


@dataclass(frozen=True, kw_only=True)
class NamedMood:
    """A word for a feeling, its place on the plane, and the source of that place."""

    name: str
    emotion: Emotion
    source: str


def grid(valences: Iterable[float], arousals: Iterable[float]) -> list[Emotion]:
    """Every pair of the two axes in reading order: arousal falls from row to row, valence rises within a row.

    The order in which the values are given, and repeated values, do not matter.
    """
    columns = sorted({coordinate("valence", v) for v in valences})
    rows = sorted({coordinate("arousal", a) for a in arousals}, reverse=True)
    if not columns or not rows:
        raise InputError("A grid was asked for with an empty axis.", 'Give at least one value per axis, for instance "-3:3:5".')
    return [Emotion(valence=v, arousal=a) for a in rows for v in columns]


def path(start: Emotion, end: Emotion, frames: int) -> list[Emotion]:
    """`frames` emotions (2 to 1000) at equal steps on the straight line from `start` to `end`, both included."""
    valences = _steps(start.valence, end.valence, frames, "frames", "16 is usual.")
    arousals = _steps(start.arousal, end.arousal, frames, "frames", "16 is usual.")
    return [Emotion(valence=v, arousal=a) for v, a in zip(valences, arousals, strict=True)]


def parse_axis(text: str, name: str = "axis") -> list[float]:
    """Read one axis of a grid: "start:end:count" (count 2 to 1000) or values split by commas; each in [-3, 3].

    name: what an error calls the axis, such as the option that gave it. Raises InputError.
    """
    plain = text.translate(MINUS_SIGNS).strip()
    if ":" not in plain:
        return [coordinate(f"{name} value", number_in(part, text)) for part in re.split(r"\s*[,;]\s*|\s+", plain)]
    parts = plain.split(":")
    if len(parts) != 3 or not re.fullmatch(r"\s*\d{1,9}\s*", parts[2]):
        raise InputError(f"The {name} {shown(text)} is not start:end:count.", 'Write, for instance, "-3:3:5" or "-3,0,3".')
    start, end = (coordinate(f"{name} value", number_in(part, text)) for part in parts[:2])
    return _steps(start, end, int(parts[2]), f"{name} values", 'Write, for instance, "-3:3:5".')


def nearest_mood(emotion: Emotion) -> NamedMood:
    """The named mood that lies nearest to an emotion."""
    return min(
        MOODS.values(), key=lambda m: math.dist((m.emotion.valence, m.emotion.arousal), (emotion.valence, emotion.arousal))
    )


def _steps(start: float, end: float, count: int, what: str, hint: str) -> list[float]:
    if isinstance(count, bool) or not isinstance(count, numbers.Integral) or not 2 <= count <= MAX_STEPS:
        raise InputError(
            f"The number of {what} is {shown(count)}; it must be a whole number from 2 to {MAX_STEPS}.",
            hint,
            field="frames" if what == "frames" else None,
            value=count,
        )
    # Rounded so that labels and file names show 0.3, not 0.30000000000000004.
    return [start, *(round(start + (end - start) * i / (count - 1), 9) + 0.0 for i in range(1, count - 1)), end]


def _either(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


# Angles of the 28 terms in degrees, counted from pleasant (0) towards aroused (90): direct circular scaling in J. A. Russell
# (1980), "A circumplex model of affect", J. Pers. Soc. Psychol. 39, 1161-1178. He gives no strength; the radius is ours.
_ANGLES_AND_RADII = {
    "happy": (7.8, 2.5), "delighted": (24.9, 2.8), "excited": (48.6, 2.8), "astonished": (69.8, 2.7), "aroused": (73.8, 2.6),
    "tense": (92.8, 2.2), "alarmed": (96.5, 2.7), "angry": (99.0, 2.7), "afraid": (116.0, 2.8), "annoyed": (123.0, 1.9),
    "distressed": (138.0, 2.7), "frustrated": (141.0, 2.3), "miserable": (188.7, 2.7), "sad": (207.5, 2.4),
    "gloomy": (209.0, 2.2), "depressed": (210.0, 2.8), "bored": (242.0, 2.1), "droopy": (256.0, 2.3), "tired": (267.7, 2.5),
    "sleepy": (271.9, 2.7), "calm": (316.2, 2.5), "relaxed": (318.0, 2.3), "satisfied": (319.0, 2.0), "at ease": (321.0, 1.9),
    "content": (323.0, 2.1), "serene": (328.6, 2.8), "glad": (349.0, 2.1), "pleased": (353.2, 1.9),
}  # fmt: skip

# Words that his study lacks: (valence, arousal).
_PLACED = {
    "joyful": (2.6, 1.3), "cheerful": (2.2, 0.8), "amused": (1.8, 1.1), "playful": (2.0, 1.7), "adventurous": (1.7, 2.1),
    "triumphant": (2.4, 2.4), "euphoric": (2.9, 2.7), "surprised": (0.6, 2.2), "curious": (1.0, 1.0), "awestruck": (1.4, 1.8),
    "hopeful": (1.6, 0.4), "loving": (2.5, 0.1), "grateful": (2.2, -0.3), "tender": (2.0, -0.9), "cosy": (2.2, -1.5),
    "peaceful": (2.3, -2.2), "dreamy": (1.4, -2.1), "drowsy": (0.3, -2.9), "nostalgic": (0.4, -1.1), "bittersweet": (-0.3, -0.5),
    "wistful": (-0.7, -1.2), "solemn": (-0.7, -1.9), "weary": (-1.1, -2.4), "numb": (-1.5, -2.8), "melancholic": (-1.6, -1.4),
    "lonely": (-2.0, -1.5), "bleak": (-2.5, -1.9), "desolate": (-2.8, -2.4), "hopeless": (-2.8, -1.1), "grieving": (-2.7, -0.3),
    "uneasy": (-1.1, 0.6), "eerie": (-1.6, 0.4), "ominous": (-2.0, 1.0), "disgusted": (-2.4, 0.7), "anxious": (-1.5, 1.6),
    "hostile": (-2.2, 1.8), "furious": (-2.4, 2.7), "horrified": (-2.9, 2.2), "terrified": (-2.9, 2.7), "panicked": (-2.6, 3.0),
}  # fmt: skip


def _moods() -> dict[str, NamedMood]:
    points = {"neutral": ((0.0, 0.0), "the origin of the plane")}
    for name, (angle, radius) in _ANGLES_AND_RADII.items():
        turn = math.radians(angle)
        points[name] = ((radius * math.cos(turn), radius * math.sin(turn)), "angle after Russell (1980), radius set by us")
    for name, point in _PLACED.items():
        points[name] = (point, "placed by us between the circumplex's terms")
    return {
        name: NamedMood(name=name, emotion=Emotion(valence=round(v, 2), arousal=round(a, 2)), source=source)
        for name, ((v, a), source) in points.items()
    }


MOODS: Mapping[str, NamedMood] = MappingProxyType(_moods())
