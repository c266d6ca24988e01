"""The pictures of an evaluation, each one row from its drawing to the report: those drawn here, and those found elsewhere.

What is drawn here goes through `emoticrafter.batch` into folders that are known by what decides the pixels. What was drawn
elsewhere is found by the names of files or by an index, and laid to the prompts of the suite.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.batch import Row, plan_rows, read_index, run_batch
from emoticrafter.coordinates import MINUS_SIGNS, on_plane, parse_number
from emoticrafter.data.sheets import read_sheet
from emoticrafter.data.values import number
from emoticrafter.emotion import Emotion, grid
from emoticrafter.errors import InputError, MissingError, StoppedError
from emoticrafter.evaluation.cases import Case
from emoticrafter.evaluation.suite import CORNERS, EXTRA_SEEDS, STEPS
from emoticrafter.files import safe_name
from emoticrafter.inputs.named import below, file_hash
from emoticrafter.inputs.pictures import READ_AS, pictures_in
from emoticrafter.judges.storybook import Seen
from emoticrafter.sampling import settings
from emoticrafter.watch import Step, Watch

if TYPE_CHECKING:
    from emoticrafter.batch.drawing import Engine
    from emoticrafter.evaluation.suite import Suite
    from emoticrafter.method import Method

__all__ = [
    "PATTERN", "PictureRow", "Reading", "draw_method", "find_pictures", "neutral_rows", "requests", "settings_of", "suite_rows",
    "sweep_rows",
]  # fmt: skip

PATTERN = "{prompt_id}_{valence}_{arousal}_{seed}.png"
_NUMBER = rf"[+{''.join(map(chr, MINUS_SIGNS))}-]?\d+(?:\.\d+)?"
_FIELDS = {"prompt_id": r"[0-9A-Za-z]+", "valence": _NUMBER, "arousal": _NUMBER, "seed": r"\d+"}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What judges read from a picture. seen: None without a content judge; clip_score, clip_iqa: None without a CLIP."""

    valence: float
    arousal: float
    seen: Seen | None = None
    clip_score: float | None = None
    clip_iqa: float | None = None


@dataclass(frozen=True, kw_only=True)
class PictureRow:
    """A picture of a method. valence, arousal: what was asked for. sha256: stands for what is read of its file. file: None
    where a method has no pictures. reading: None until the judges have read it.
    """

    case: Case
    valence: float
    arousal: float
    seed: int
    file: Path | None
    sha256: str
    reading: Reading | None = None

    @property
    def key(self) -> str:
        """What its reading is known by: the picture and its prompt, which CLIPScore compares."""
        return hashlib.sha256(f"{self.sha256}/{self.case.prompt}".encode()).hexdigest()[:24]

    @property
    def point(self) -> tuple[float, float]:
        """Valence and arousal, with which its place on a grid is found."""
        return round(self.valence, 6), round(self.arousal, 6)


def suite_rows(cases: Sequence[Case], suite: Suite, strength: float | None) -> list[Row]:
    """The grid of every prompt, and the extra pictures that the suite's figures ask for."""
    emotions, metrics, chosen = suite.emotions, suite.metrics, {**settings_of(suite), "strength": strength}
    texts = [case.prompt for case in cases]
    rows = plan_rows(texts, grid(emotions.valences, emotions.arousals), emotions.seeds, chosen)
    if few := texts[: metrics.diversity_prompts]:
        corners = [Emotion(valence=v, arousal=a) for v, a in CORNERS]
        rows += plan_rows(few, corners, [emotions.seeds[0] + more for more in EXTRA_SEEDS], chosen)
    if few := texts[: metrics.step_prompts]:
        along = [Emotion(valence=x, arousal=0.0) for x in STEPS] + [Emotion(valence=0.0, arousal=x) for x in STEPS]
        rows += plan_rows(few, along, emotions.seeds[:1], chosen)
    return list({(row.prompt, row.valence, row.arousal, row.seed): row for row in rows}.values())


def sweep_rows(cases: Sequence[Case], suite: Suite, strength: float) -> list[Row]:
    """The grids of the first prompts at another strength."""
    texts = [case.prompt for case in cases[: suite.sweep.prompts]]
    points = grid(suite.emotions.valences, suite.emotions.arousals)
    return plan_rows(texts, points, suite.emotions.seeds, {**settings_of(suite), "strength": strength})


def neutral_rows(cases: Sequence[Case], suite: Suite) -> list[Row]:
    """One picture of every prompt and seed, and of the extra seeds that diversity asks for."""
    texts, chosen, neutral = [case.prompt for case in cases], {**settings_of(suite), "strength": 0.0}, [Emotion.neutral()]
    rows = plan_rows(texts, neutral, suite.emotions.seeds, chosen)
    if few := texts[: suite.metrics.diversity_prompts]:
        rows += plan_rows(few, neutral, [suite.emotions.seeds[0] + more for more in EXTRA_SEEDS], chosen)
    return list({(row.prompt, row.seed): row for row in rows}.values())


def requests(cases: Sequence[Case], suite: Suite) -> Iterator[dict[str, Any]]:
    """What another program must draw to be scored: the rows that `--images` reads back."""
    for row in suite_rows(cases, suite, None):
        yield {
            "prompt_id": row.prompt_id,
            "prompt": row.prompt,
            "valence": row.valence,
            "arousal": row.arousal,
            "seed": row.seed,
        }


def draw_method(
    method: Method,
    engine: Engine | None,
    rows: Sequence[Row],
    root: Path,
    label: str,
    cases: Sequence[Case],
    watch: Watch,
) -> tuple[list[PictureRow], int]:
    """The pictures of these rows, in a folder below root that their method and settings name; and how many were drawn now.

    Another checkpoint or other settings give another folder, so that nothing old is taken for new. Raises StoppedError where
    some are missing.
    """
    description = json.loads(json.dumps(dict(method.describe())))
    resolved = [row.resolved(description) for row in rows]
    folder = root / f"{safe_name(label, 40)}-{_key(description, resolved[0])}"

    def stage(name: str) -> Step:
        return watch.stage(f"{name} {label}")

    done = run_batch(method, rows, folder, engine=engine, watch=replace(watch, stage=stage))
    if done.missing:
        raise StoppedError("The drawing was ended.", "The same call goes on.")
    wanted, of = {row.id(description) for row in resolved}, {case.prompt: case for case in cases}
    found = [
        PictureRow(
            case=of[row["prompt"]],
            valence=float(row["valence"]),
            arousal=float(row["arousal"]),
            seed=int(row["seed"]),
            file=below(folder, row["file"], "picture"),
            sha256=row["sha256"],
        )
        for row in read_index(folder).to_dict("records")
        if row["id"] in wanted
    ]
    return found, done.drawn


def settings_of(suite: Suite) -> dict[str, Any]:
    """What a suite says of how all of its pictures are drawn, as `plan_rows` takes it."""
    return {name: getattr(suite.model, name) for name, setting in settings().items() if setting.key}


def _key(description: Mapping[str, Any], row: Row) -> str:
    """Eight hexadecimal digits of the method and a row's settings."""
    text = replace(row, prompt="", valence=0.0, arousal=0.0, seed=0, columns={}).id(description)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def find_pictures(
    source: Path, pattern: str | None, cases: Sequence[Case], seed: int, warn: Callable[[str], None] = lambda text: None
) -> list[PictureRow]:
    """The pictures of a folder or of an index that were drawn elsewhere.

    source: a folder, whose files (in its folders too) are named by the pattern; or a .csv, .tsv, .jsonl or .parquet with columns
    prompt_id or prompt, valence, arousal, file, and seed if there are several. A prompt_id is that of `--requests`, or the
    prompt's number from 0. seed: of pictures whose name or row says none. Pictures of other prompts are left out. warn: as of
    `pictures_in`. Raises MissingError and InputError.
    """
    if not source.exists():
        raise MissingError(f"There is no {str(source)!r}.", "Give the folder of the pictures, or their index.")
    found = _by_name(source, pattern or PATTERN, warn) if source.is_dir() else _by_index(source, pattern)
    numbers = {name: case for i, case in enumerate(cases) for name in (case.id, str(i), case.prompt)}
    rows: dict[tuple[Any, ...], PictureRow] = {}
    for one in found:
        case = numbers.get(one.prompt) or (numbers.get(str(int(one.prompt))) if one.prompt.isdecimal() else None)  # 007 is 7
        if case is None:
            continue
        content = f"{file_hash(one.file, 'picture')}/{READ_AS}"  # what was read of it otherwise is not its reading
        row = PictureRow(
            case=case,
            valence=_on_plane(one, "valence"),
            arousal=_on_plane(one, "arousal"),
            seed=seed if one.seed is None else one.seed,
            file=one.file,
            sha256=hashlib.sha256(content.encode()).hexdigest(),
        )
        key = (case.id, row.valence, row.arousal, row.seed)
        if key in rows:
            raise InputError(f"{one.file.name!r} is a second picture of one prompt, emotion and seed.", "Take one away.")
        rows[key] = row
    if not rows:
        raise InputError(
            f"None of the pictures of {str(source)!r} is of the suite's prompts.",
            "`emoticrafter evaluate --requests FILE.csv` writes the prompts' ids; --pattern says where they stand in the names.",
        )
    return list(rows.values())


@dataclass(frozen=True, kw_only=True)
class _Named:
    """What a name or a line of an index says of a picture."""

    prompt: str
    valence: float
    arousal: float
    seed: int | None
    file: Path


def _on_plane(one: _Named, axis: str) -> float:
    given = getattr(one, axis)
    found = on_plane(given)
    if found is None:
        raise InputError(f"{one.file.name!r} has the {axis} {given}; it goes from -3 to 3.", "Mend its name or its row.")
    return found


def _by_name(folder: Path, pattern: str, warn: Callable[[str], None]) -> list[_Named]:
    expression = _expression(pattern)
    found = []
    for path in pictures_in(folder, deep=True, warn=warn):
        name = path.relative_to(folder).as_posix()
        match = expression.fullmatch(name) or expression.fullmatch(path.name)
        if match is None:
            continue
        parts = match.groupdict()
        found.append(
            _Named(
                prompt=parts["prompt_id"],
                valence=parse_number(parts["valence"]),
                arousal=parse_number(parts["arousal"]),
                seed=int(parts["seed"]) if parts.get("seed") else None,
                file=below(folder, name, "picture"),
            )
        )
    if not found:
        raise InputError(f"No picture in {str(folder)!r} is named as {pattern!r}.", f"Give --pattern, such as {PATTERN!r}.")
    return found


def _expression(pattern: str) -> re.Pattern[str]:
    fields = re.findall(r"\{(\w+)\}", pattern)
    lacking = [name for name in ("prompt_id", "valence", "arousal") if name not in fields]
    if lacking or set(fields) - set(_FIELDS) or len(set(fields)) < len(fields):
        raise InputError(f"The pattern {pattern[:80]!r} is not one.", f"Write each of {', '.join(_FIELDS)} once, as {PATTERN!r}.")
    parts = re.split(r"\{(\w+)\}", pattern)
    return re.compile("".join(f"(?P<{part}>{_FIELDS[part]})" if i % 2 else re.escape(part) for i, part in enumerate(parts)))


def _by_index(path: Path, pattern: str | None) -> list[_Named]:
    if pattern is not None:
        raise InputError("--pattern goes with a folder; an index has columns.", "Leave it out.")
    sheet = read_sheet(path, marked=True)
    columns = sheet.find(["prompt_id", "prompt", "valence", "arousal", "seed", "file"])
    who = "prompt_id" if "prompt_id" in columns else "prompt"
    sheet.require([who, "valence", "arousal", "file"], columns, "See docs/evaluation.md.")
    found = []
    for line in sheet.rows:
        where = f"{path.name!r}, {sheet.unit} {line.line}"
        if line.fault:
            raise sheet.fault(line)
        file = _named(path.parent, line.cells[columns["file"]], where)
        values = {name: number(line.cells[columns[name]]) for name in ("valence", "arousal")}
        text = line.cells[columns["seed"]] if "seed" in columns else ""
        if any(value != value for value in values.values()) or not file.is_file() or (text and not text.isdecimal()):
            raise InputError(f"{where} has no picture {str(file)!r}, or no numbers.", "Mend it or take it out.")
        prompt = line.cells[columns[who]].strip()
        found.append(_Named(prompt=prompt, **values, seed=int(text) if text else None, file=file))
    return found


def _named(folder: Path, name: str, where: str) -> Path:
    try:
        return below(folder, name, "picture")
    except InputError as error:
        raise InputError(f"{where}: {error.problem}", "Lay the index into a folder above the pictures.") from error
