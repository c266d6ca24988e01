from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from emoticrafter.emotion import grid
from emoticrafter.errors import StoppedError
from emoticrafter.evaluation.cases import Case, prompt_id
from emoticrafter.evaluation.evidence import Evidence
from emoticrafter.evaluation.figures import FIGURES, Figure, measure
from emoticrafter.evaluation.pictures import PictureRow, Reading
from emoticrafter.evaluation.suite import Bars, Emotions, Measuring
from emoticrafter.metrics.statistics import Estimate
from emoticrafter.watch import Watch

AXIS = (-3.0, -1.5, 0.0, 1.5, 3.0)
POINTS = np.array([(p.valence, p.arousal) for p in grid(AXIS, AXIS)])
REQUESTED = np.tile(POINTS, (6, 1))
PROMPTS = [f"prompt {i}" for i in range(6) for _ in range(25)]


def evidence(
    requested: np.ndarray, judged: np.ndarray, prompts: Sequence[str], seeds: Sequence[int] | None = None, samples: int = 50
) -> Evidence:
    rows = [
        PictureRow(
            case=Case(prompt=prompt), valence=v, arousal=a, seed=seed, file=None, sha256="", reading=Reading(valence=x, arousal=y)
        )
        for (v, a), (x, y), prompt, seed in zip(
            requested.tolist(), judged.tolist(), prompts, seeds or [0] * len(prompts), strict=True
        )
    ]
    emotions = Emotions(valences=AXIS, arousals=AXIS, seeds=tuple(dict.fromkeys(row.seed for row in rows)))
    return Evidence(pictures=rows, emotions=emotions, metrics=Measuring(samples=max(samples, 10)))


def emotion_estimates(
    requested: np.ndarray, judged: np.ndarray, prompts: Sequence[str], seeds: Sequence[int] | None = None, samples: int = 50
) -> dict[str, Estimate]:
    """The figures that need emotions alone."""
    given = evidence(requested, judged, prompts, seeds, samples)
    chosen = [one for one in FIGURES.values() if one.needs == ("emotions",)]
    found = {one.name: one.compute(given) for one in chosen}
    return {name: one for name, one in found.items() if one is not None}


def test_a_method_that_does_what_it_is_asked() -> None:
    found = emotion_estimates(REQUESTED, 0.5 * REQUESTED + [0.25, 0], PROMPTS, samples=50)
    assert found["arousal_error"].value == pytest.approx(0.9)
    assert found["valence_bias"].value == pytest.approx(0.25)
    for name, value in {"valence_slope": 0.5, "valence_intercept": 0.25, "arousal_spearman": 1, "valence_ranking": 1}.items():
        assert [found[name].value, found[name].low, found[name].high] == pytest.approx([value] * 3), name
    assert found["valence_into_arousal"].value == pytest.approx(0, abs=1e-12)
    assert {one.clusters for one in found.values()} == {6}


def test_always_zero() -> None:
    found = emotion_estimates(REQUESTED, np.zeros_like(REQUESTED), PROMPTS, samples=20)
    assert found["valence_error"].value == pytest.approx(1.8)
    assert found["valence_ranking"].value == 0
    assert math.isnan(found["valence_pearson"].value)


def test_intervals_enclose_the_figure_of_noisy_readings() -> None:
    noise = np.random.default_rng(0).normal(0, 0.4, REQUESTED.shape)
    found = emotion_estimates(REQUESTED, np.clip(REQUESTED + noise, -3, 3), PROMPTS, samples=200)
    for name, one in found.items():
        assert one.low < one.value < one.high, name


def test_grids_of_different_seeds_are_ranked_apart() -> None:
    judged = REQUESTED.copy()
    judged[25:50] += 100  # the second grid of the same prompt lies higher as a whole: no rank is wrong
    prompts, seeds = ["one"] * 150, [i for i in range(6) for _ in range(25)]
    assert emotion_estimates(REQUESTED, judged, prompts, seeds, samples=5)["valence_ranking"].value == 1
    assert emotion_estimates(REQUESTED, judged, prompts, samples=5)["valence_ranking"].value < 0.9


def test_errors_by_prompt() -> None:
    judged = REQUESTED + np.repeat(np.arange(6), 25)[:, None]
    kept: dict[str, Any] = {}
    measure(evidence(REQUESTED, judged, PROMPTS), kept)
    assert kept["arousal_error"]["by_prompt"] == {prompt_id(f"prompt {i}"): float(i) for i in range(6)}
    assert kept["arousal_bias"]["by_prompt"] == {}


def test_bars_of_a_suite_and_of_the_figures_are_the_same() -> None:
    ends = {"lower": [""], "higher": [""], "one": ["_low", "_high"], "zero": ["_low", "_high"]}
    held = {f"{one.bar.key}{end}" for one in FIGURES.values() if one.bar is not None for end in ends[one.direction]}
    beside = {"of", "smoother_than", "people", "beats_rivals"}  # comparisons with another row
    assert held == {field.name for field in fields(Bars)} - beside


def test_a_figure_is_computed_again_for_another_version_or_other_inputs_and_not_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: dict[str, Any] = {}
    given = evidence(REQUESTED, 0.5 * REQUESTED, PROMPTS)
    every = [name for name, one in FIGURES.items() if one.needs == ("emotions",)]
    assert measure(given, kept) == every
    assert measure(evidence(REQUESTED, 0.5 * REQUESTED, PROMPTS), kept) == []
    monkeypatch.setitem(FIGURES, "valence_bias", replace(FIGURES["valence_bias"], version=2))
    assert measure(given, kept) == ["valence_bias"]
    assert measure(evidence(REQUESTED, 0.6 * REQUESTED, PROMPTS), kept) == every
    assert measure(evidence(REQUESTED, 0.6 * REQUESTED, PROMPTS, samples=51), kept) == every
    assert measure(replace(evidence(REQUESTED, 0.6 * REQUESTED, PROMPTS, samples=51), who={"emotion": "another"}), kept) == every


def test_a_stop_keeps_the_figures_that_were_computed() -> None:
    kept: dict[str, Any] = {}
    given = evidence(REQUESTED, 0.5 * REQUESTED, PROMPTS)
    with pytest.raises(StoppedError):
        measure(replace(given, watch=Watch(stop=lambda: len(kept) == 3)), kept)
    assert list(kept) == ["valence_error", "arousal_error", "valence_error_sd"]
    assert measure(given, kept)[0] == "arousal_error_sd"


def test_a_figure_that_is_in_the_table_no_more_is_forgotten() -> None:
    kept: dict[str, Any] = {"gone": {"key": "x", "found": None, "by_prompt": {}}}
    measure(evidence(REQUESTED, REQUESTED, PROMPTS), kept)
    assert "gone" not in kept


def test_an_entry_with_an_unknown_need_is_the_programmers_mistake() -> None:
    with pytest.raises(AssertionError, match="larger needs one of emotions, content"):
        Figure(name="larger", column="", group="", direction="lower", about="", needs=("feelings",), compute=lambda e: None)
