"""Studies that nobody runs: laid out, answered by people who do not exist, for tests."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image

from emoticrafter.escapes import csv_text
from emoticrafter.panel.analysis.simulated import (
    SimulatedPerson,
    Truth,
    answer_store,
    imagined_units,
    laid_out,
    simulated_people,
    simulated_responses,
)
from emoticrafter.panel.frozen import draft, freeze
from emoticrafter.panel.responses import Response
from emoticrafter.panel.store import Store
from emoticrafter.panel.study import Study, StudyKind

METHODS = ("ours", "rival")


def answered(
    study: Study,
    people: list[SimulatedPerson] | int = 12,
    truth: Truth | None = None,
    *,
    contents: int = 7,
    methods: tuple[str, ...] = METHODS,
    seed: int = 0,
    **about: Any,
) -> tuple[list[Response], dict[str, int]]:
    """All responses, and how many main trials each person was to answer. about: for `simulated_people`."""
    methods = ("",) if study.kind == "validate-pairs" else methods
    if isinstance(people, int):
        people = simulated_people(people, methods, seed=seed, **about)
    trials = laid_out(study, imagined_units(study, methods, contents), len(people))
    responses = simulated_responses(study, trials, people, truth or Truth(seed=seed))
    wanted = {f"p{i + 1:03d}": sum(one.part == "main" for one in own) for i, own in enumerate(trials)}
    return responses, wanted


def kept_study(
    folder: Path,
    kind: StudyKind,
    people: list[SimulatedPerson] | int = 8,
    truth: Truth | None = None,
    *,
    contents: int = 4,
    more: str = "",
    **about: Any,
) -> Path:
    """The folder of a study that programs have answered, on pictures whose colour is the emotion they were asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    values = (-3.0, 0.0, 3.0)
    rows: list[list[Any]] = [["file", "method", "prompt", "valence", "arousal", "seed"]]
    for method, content, valence, arousal in product(METHODS, range(contents), values, values):
        name = f"{method}-{content}-{valence:g}-{arousal:g}.png"
        colour = (round(40 * (valence + 3)), round(40 * (arousal + 3)), 20 * content)
        Image.new("RGB", (32, 32), colour).save(folder / name)
        rows.append([name, method, f"prompt <b>{content}</b> & more", valence, arousal, 0])
    (folder / "pictures.csv").write_text(csv_text(rows), encoding="utf-8")
    size = "[rank]\nsize = 3\n" if kind == "rank" else ""
    text = f'[study]\nkind = "{kind}"\nname = "kept"\n{size}{more}\n[[pictures]]\nsource = "pictures.csv"\n'
    (folder / "kept.toml").write_text(text, encoding="utf-8")
    people = simulated_people(people, METHODS, **about) if isinstance(people, int) else people
    with Store.create(freeze(draft(folder / "kept.toml"), folder / "kept"), simulated=True) as store:
        answer_store(store, people, truth or Truth())
    return folder / "kept"
