"""Small studies for tests: pictures drawn in code, listed in a CSV, and the TOML around them."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from emoticrafter.escapes import csv_text
from emoticrafter.panel.answers import Screen, Who
from emoticrafter.panel.frozen import Frozen, draft, freeze
from emoticrafter.panel.trials import Question, Trial

AXIS = (-3.0, -1.5, 0.0, 1.5, 3.0)
SESSION = "session-of-a-test"
NO_TIMES = 1000.0
WHO = Who(
    study="tiny", study_hash="0" * 16, kind="rate", simulated=False, participant="p001", session=SESSION, sequence=0
)  # fmt: skip
SCREEN = Screen(screen_width=1280, screen_height=800, window_width=1280, window_height=720, pixel_ratio=1.0, touch=False)
PAIRS = (
    ("a", "A dog on a beach.", "A joyful dog leaps over a bright beach.", 2.5, 2.0),
    ("b", "A <b>house</b> & a tree.", "A lonely house rots beside a dead tree.", -2.5, -1.0),
    ("c", "A boat on a lake.", "A boat rests on a still, warm lake.", 2.0, -2.5),
    ("d", "A man in a street.", "A man runs down a burning street.", -2.0, 3.0),
)


def write_pictures(
    folder: Path,
    methods: Iterable[str] = ("ours", "other"),
    prompts: Iterable[str] = ("a dog", "a cat", "a boat", "a tree", "a house"),
    values: Sequence[float] = AXIS,
) -> Path:
    """A picture of each method, prompt and point of the plane, and pictures.csv; the file."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[Any, ...]] = [("file", "method", "prompt", "valence", "arousal", "seed")]
    for m, method in enumerate(methods):
        for p, prompt in enumerate(prompts):
            for valence in values:
                for arousal in values:
                    name = f"{m}-{p}-{valence:g}-{arousal:g}.png"
                    hue, bright = (p * 0.17 + m * 0.05) % 1, 0.55 + valence * 0.12
                    red, green, blue = colorsys.hsv_to_rgb(hue, 0.55 + arousal * 0.12, bright)
                    Image.new("RGB", (48, 48), (int(red * 255), int(green * 255), int(blue * 255))).save(folder / name)
                    rows.append((name, method, prompt, valence, arousal, 0))
    path = folder / "pictures.csv"
    path.write_text(csv_text(rows), encoding="utf-8")
    return path


def write_pairs(folder: Path) -> Path:
    path = folder / "pairs.csv"
    columns = ("id", "neutral_prompt", "emotional_prompt", "valence", "arousal")
    path.write_text(csv_text([columns, *PAIRS]), encoding="utf-8")
    return path


def write_study(folder: Path, kind: str, more: str = "", *, name: str = "tiny", language: str = "en") -> Path:
    """The file of a study of the kind, in a folder that `write_pictures` or `write_pairs` filled. more: further sections."""
    source = '[[pictures]]\nsource = "pictures.csv"\n' if kind != "validate-pairs" else '[validate_pairs]\npairs = "pairs.csv"\n'
    path = folder / f"{name}.toml"
    text = f'[study]\nkind = "{kind}"\nname = "{name}"\nlanguage = "{language}"\n\n{more}\n{source}'
    path.write_text(text, encoding="utf-8")
    return path


def frozen_study(folder: Path, kind: str, more: str = "", **given: Any) -> Frozen:
    """A study of the kind on small pictures, frozen below the folder."""
    write_pictures(folder, values=given.pop("values", AXIS))
    write_pairs(folder)
    return freeze(draft(write_study(folder, kind, more, **given)), folder / "kept")


def answer_to(question: Question, trial: Trial) -> Any:
    """An answer that is right where there is a right one, else the middle, the first, or yes."""
    if question.expected is not None:
        return question.expected
    if question.instrument == "rank":
        values = trial.valences if trial.axis == "valence" else trial.arousals
        return [one for _, one in sorted(zip(values, trial.pictures, strict=True))]
    if question.instrument == "choice":
        return trial.pictures[0]
    if question.instrument == "yes-no":
        return True
    return ((question.low or 0) + (question.high or 0)) / 2


def answers_to(trial: Trial) -> tuple[dict[str, Any], dict[str, float]]:
    """Answers and response times to all questions of a trial."""
    found = {one.name: answer_to(one, trial) for one in trial.questions}
    return found, dict.fromkeys(found, NO_TIMES)
