"""The pictures of a method, drawn through `emoticrafter.batch` into folders that are known by what decides the pixels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.batch import Row, plan_rows, read_index, run_batch
from emoticrafter.emotion import Emotion, grid
from emoticrafter.evaluation.cases import Case
from emoticrafter.evaluation.measuring import CORNERS, EXTRA_SEEDS, STEPS
from emoticrafter.files import safe_name
from emoticrafter.sampling import settings
from emoticrafter.watch import Watch

if TYPE_CHECKING:
    from emoticrafter.batch.drawing import Engine
    from emoticrafter.evaluation.suite import Suite
    from emoticrafter.method import Method

__all__ = ["Drawn", "Opened", "draw_method", "neutral_rows", "requests", "settings_of", "suite_rows", "sweep_rows"]

Opened = Callable[[], AbstractContextManager[tuple["Method", "Engine | None"]]]
Step = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A folder of pictures. rows: of its index. drawn: how many of them by this run. missing: because it was stopped."""

    folder: Path
    rows: list[dict[str, Any]]
    drawn: int
    missing: int


def suite_rows(cases: Sequence[Case], suite: Suite, strength: float | None) -> list[Row]:
    """The grid of every prompt, and the extra pictures that the suite's figures ask for."""
    emotions, metrics, settings = suite.emotions, suite.metrics, {**settings_of(suite), "strength": strength}
    texts = [case.prompt for case in cases]
    rows = plan_rows(texts, grid(emotions.valences, emotions.arousals), emotions.seeds, settings)
    if few := texts[: metrics.diversity_prompts]:
        corners = [Emotion(valence=v, arousal=a) for v, a in CORNERS]
        rows += plan_rows(few, corners, [emotions.seeds[0] + more for more in EXTRA_SEEDS], settings)
    if few := texts[: metrics.step_prompts]:
        along = [Emotion(valence=x, arousal=0.0) for x in STEPS] + [Emotion(valence=0.0, arousal=x) for x in STEPS]
        rows += plan_rows(few, along, emotions.seeds[:1], settings)
    return list({(row.prompt, row.valence, row.arousal, row.seed): row for row in rows}.values())


def sweep_rows(cases: Sequence[Case], suite: Suite, strength: float) -> list[Row]:
    """The grids of the first prompts at another strength."""
    texts = [case.prompt for case in cases[: suite.sweep.prompts]]
    points = grid(suite.emotions.valences, suite.emotions.arousals)
    return plan_rows(texts, points, suite.emotions.seeds, {**settings_of(suite), "strength": strength})


def neutral_rows(cases: Sequence[Case], suite: Suite) -> list[Row]:
    """One picture of every prompt and seed, and of the extra seeds that diversity asks for."""
    texts, settings, neutral = [case.prompt for case in cases], {**settings_of(suite), "strength": 0.0}, [Emotion.neutral()]
    rows = plan_rows(texts, neutral, suite.emotions.seeds, settings)
    if few := texts[: suite.metrics.diversity_prompts]:
        rows += plan_rows(few, neutral, [suite.emotions.seeds[0] + more for more in EXTRA_SEEDS], settings)
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
    maker: Method,
    engine: Engine | None,
    rows: Sequence[Row],
    root: Path,
    label: str,
    *,
    progress: Callable[[str], Step],
    stop: Callable[[], bool],
    warn: Callable[[str], None],
) -> Drawn:
    """The pictures of these rows, or what is missing of them, in a folder below root that their maker and settings name.

    Another checkpoint or other settings give another folder, so that nothing old is taken for new.
    """
    description = json.loads(json.dumps(dict(maker.describe())))
    resolved = [row.resolved(description) for row in rows]
    folder = root / f"{safe_name(label, 40)}-{_key(description, resolved[0])}"

    def stage(name: str) -> Step:
        return progress(f"{name} {label}")

    done = run_batch(maker, rows, folder, engine=engine, watch=Watch(stage=stage, stop=stop, warn=warn))
    wanted = {row.id(description) for row in resolved}
    found = [row for row in read_index(folder).to_dict("records") if row["id"] in wanted]
    return Drawn(folder=folder, rows=found, drawn=done.drawn, missing=done.missing)


def settings_of(suite: Suite) -> dict[str, Any]:
    """What a suite says of how all of its pictures are drawn, as `plan_rows` takes it."""
    return {name: getattr(suite.model, name) for name, setting in settings().items() if setting.key}


def _key(description: Mapping[str, Any], row: Row) -> str:
    """Eight hexadecimal digits of the maker and a row's settings."""
    text = replace(row, prompt="", valence=0.0, arousal=0.0, seed=0, columns={}).id(description)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
