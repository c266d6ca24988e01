"""What is to be drawn: a row per picture, each known by a hash of what decides its pixels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from typing import Any, TypeVar

from emoticrafter.batch.columns import COLUMNS_OF_SETTINGS
from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.files import safe_name
from emoticrafter.sampling import Sampling, Setting
from emoticrafter.sampling import settings as declared

__all__ = ["Feeling", "Prompt", "Row", "plan_rows"]

MAX_ROWS = 1_000_000
SETTINGS = tuple(COLUMNS_OF_SETTINGS)  # by the names of their columns
_Part = TypeVar("_Part", "Prompt", "Feeling", "Row")


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A prompt, and what else is known of it.

    emotion: its own, in the place of all others. settings: its own, as `plan_rows` takes them, and `seed`. columns: texts for
    the index. origin: the file and the line, for messages.
    """

    text: str
    emotion: Emotion | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    origin: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class Feeling:
    """An emotion, its own settings and origin as a prompt has them, and columns that the index takes along."""

    emotion: Emotion
    settings: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    origin: str = field(default="", compare=False)


_WithSettings: Any = make_dataclass(
    "_WithSettings",
    [(name, column.kind | None, field(default=None)) for name, column in COLUMNS_OF_SETTINGS.items()],
    frozen=True,
    kw_only=True,
)


_derived: Any = dataclass(frozen=True, kw_only=True)  # a type checker does not see the fields that are derived


@_derived
class Row(_WithSettings):
    """A picture to make. It has a field for each column of a setting (SETTINGS); None is the method's own.

    guidance_range, and whatever later settings have a value that goes without saying: also None where they have that value and
    the method's own is the same. preview: as few steps as still give a good picture, where `steps` is None. columns: of prompt
    and emotion, for the index.
    """

    prompt: str
    valence: float
    arousal: float
    seed: int
    preview: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def emotion(self) -> Emotion:
        return Emotion(valence=self.valence, arousal=self.arousal)

    @property
    def settings(self) -> dict[str, Any]:
        """What the row says beside prompt, emotion and seed, by column."""
        return {name: getattr(self, name) for name in SETTINGS}

    @property
    def sampling(self) -> Sampling:
        """The same as one value. Raises InputError."""
        asked = {name: setting.put_together(self.settings) for name, setting in declared().items() if setting.column}
        return Sampling(**asked, preview=self.preview)

    @property
    def prompt_id(self) -> str:
        """Ten hexadecimal digits that stand for the prompt."""
        return hashlib.sha256(self.prompt.encode()).hexdigest()[:10]

    def resolved(self, description: Mapping[str, Any]) -> Row:
        """The same with the method's own settings in the place of None, as far as its description tells them."""
        own = description.get("defaults") or {}
        made: dict[str, Any] = {name: own.get(name) if value is None else value for name, value in self.settings.items()}
        if self.preview and self.steps is None and "preview_steps" in own:
            made["steps"] = own["preview_steps"]
        for name, column in COLUMNS_OF_SETTINGS.items():
            if column.kind is float and isinstance(made[name], int):
                made[name] = float(made[name])
            if not column.setting.always:
                made[name] = _unless_unsaid(column.setting, made[name], own.get(name))
        made |= {"valence": self.emotion.valence, "arousal": self.emotion.arousal}  # 1 and 1.0 are one
        return replace(self, prompt=_single_spaces(self.prompt, "prompt"), preview=self.preview and made["steps"] is None, **made)

    def id(self, description: Mapping[str, Any]) -> str:
        """Sixteen hexadecimal digits that stand for the picture: of all that decides its pixels, the method included."""
        decides = {name: value for name, value in description.items() if name != "defaults"}
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "columns"}
        for name, column in COLUMNS_OF_SETTINGS.items():
            if not column.setting.always and own[name] is None:
                own.pop(name)  # ids are those of pictures that were drawn before there was such a setting
        return hashlib.sha256(json.dumps([decides, own], sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:16]

    def file(self, id: str, suffix: str) -> str:
        """The picture's name below the folder: a folder per prompt, the emotion and the seed for people, the id for certainty."""
        folder = f"{safe_name(self.prompt, 60)}_{self.prompt_id}"
        return f"pictures/{folder}/v{self.valence:+.4g}_a{self.arousal:+.4g}_s{self.seed}_{id}{suffix}"


def plan_rows(
    prompts: Iterable[str | Prompt],
    emotions: Iterable[Emotion | Feeling],
    seeds: Sequence[int] = (0,),
    settings: Mapping[str, Any] | None = None,
) -> list[Row]:
    """Every prompt with every seed and every emotion, in that order: the emotions of a prompt and seed follow each other.

    settings: any of strength, start, steps, guidance, guidance_range, size (pixels, or width and height), negative, preview, as
    `EmotiCrafter.generate` takes them; what a prompt or an emotion has of its own comes first. White space in prompts is made
    single spaces. What comes twice is planned once. Raises InputError for what comes twice with different columns, unknown
    settings, and no or too many rows.
    """
    texts = _once(map(_prompt_of, prompts), _own_of_prompt, lambda one: f"prompt {one.text[:80]!r}")
    feelings = _once(map(_feeling_of, emotions), _own_of_feeling, lambda one: f"emotion {one.emotion}")
    given, numbers = _given(settings or {}), list(dict.fromkeys(seeds))
    count = len(numbers) * sum(1 if text.emotion else len(feelings) for text in texts)
    if not 0 < count <= MAX_ROWS:
        lacking = next((name for name, some in (("prompt", texts), ("emotion", feelings), ("seed", numbers)) if not some), None)
        raise InputError(
            f"{len(texts)} prompts, {len(feelings)} emotions and {len(numbers)} seeds make {count:,} pictures; a batch has from"
            f" 1 to {MAX_ROWS:,}.",
            f"Give at least one {lacking}." if lacking else "Split it into several batches.",
        )
    ours, theirs = ({name for one in some for name in (*one.columns, *one.settings)} for some in (texts, feelings))
    if both := sorted(ours & theirs):
        raise InputError(f"Prompts and emotions both have a column {both[0]!r}.", "Rename one of them.")
    rows = (
        _row(text, feeling, seed, given)
        for text in texts
        for seed in numbers
        for feeling in ([Feeling(emotion=text.emotion)] if text.emotion else feelings)
    )
    return _once(rows, _decisive, lambda row: f"prompt {row.prompt[:80]!r} with emotion {row.emotion} and seed {row.seed}")


def _row(text: Prompt, feeling: Feeling, seed: int, given: Mapping[str, Any]) -> Row:
    own = {**feeling.settings, **text.settings}
    seed = own.pop("seed", seed)
    emotion, columns = feeling.emotion, {**text.columns, **feeling.columns}
    decided = {**given, **_given(own)}
    return Row(prompt=text.text, valence=emotion.valence, arousal=emotion.arousal, seed=seed, columns=columns, **decided)


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    known = {name for name, setting in declared().items() if setting.column} | {"preview"}
    if unknown := sorted(set(settings) - known):
        raise InputError(f"Unknown settings: {', '.join(unknown)}.", f"Known ones: {', '.join(sorted(known))}.", field=unknown[0])
    made: dict[str, Any] = {}
    for name, value in settings.items():
        setting = declared()[name]
        if value is None:
            continue
        if len(setting.parts) > 1 or setting.kind not in (int, float, str, bool):
            made |= setting.taken_apart(setting.checked(value))
        else:
            made[name] = value  # of which the method has the last word
    if "negative" in made:
        made["negative"] = _single_spaces(made["negative"], "negative prompt")
    return made


def _unless_unsaid(setting: Setting, value: Any, own: Any) -> Any:
    """None in the place of a value that goes without saying, where the method's own does, too."""
    asked, plain = (setting.unsaid if one is None else setting.checked(one) for one in (value, own))
    return None if asked == plain == setting.unsaid else asked


def _once(given: Iterable[_Part], key: Callable[[_Part], Hashable], named: Callable[[_Part], str]) -> list[_Part]:
    """The first of those with one key; raises InputError where their columns differ."""
    kept: dict[Hashable, _Part] = {}
    for one in given:
        first = kept.setdefault(key(one), one)
        if first.columns != one.columns:
            differing = next(
                name for name in {**first.columns, **one.columns} if first.columns.get(name) != one.columns.get(name)
            )
            raise InputError(
                f"The {named(one)} comes twice, with {differing} {first.columns.get(differing)!r} and"
                f" {one.columns.get(differing)!r}.",
                "Keep one of the two.",
            )
    return list(kept.values())


def _prompt_of(given: str | Prompt) -> Prompt:
    prompt = given if isinstance(given, Prompt) else Prompt(text=given)
    return replace(prompt, text=_single_spaces(prompt.text, "prompt"))


def _feeling_of(given: Emotion | Feeling) -> Feeling:
    feeling = given if isinstance(given, Feeling) else Feeling(emotion=given)
    if not isinstance(feeling.emotion, Emotion):
        raise InputError(f"An emotion is a {type(feeling.emotion).__name__}.", "Give Emotion(valence=..., arousal=...).")
    return feeling


def _own_of_prompt(prompt: Prompt) -> Hashable:
    return prompt.text, prompt.emotion, repr(sorted(prompt.settings.items()))


def _own_of_feeling(feeling: Feeling) -> Hashable:
    return feeling.emotion, repr(sorted(feeling.settings.items()))


def _decisive(row: Row) -> Hashable:
    return row.prompt, row.valence, row.arousal, row.seed, row.preview, *row.settings.values()


def _single_spaces(text: Any, what: str) -> str:
    if not isinstance(text, str):
        raise InputError(f"The {what} is a {type(text).__name__}, not a text.", "Give a text; the empty one is one.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"The {what} holds half a character: {text[:40]!r}.", "Write it again.") from error
    return " ".join(text.split())
