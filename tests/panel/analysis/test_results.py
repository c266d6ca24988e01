"""The analysis is held against people whose truth is known: it finds what was put in, and little else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scipy.stats import binom

from emoticrafter.panel.analysis.results import AnalysisOptions, analyse
from emoticrafter.panel.analysis.simulated import Truth, imagined_study
from emoticrafter.panel.study import StudyKind
from tests.panel.imagined import METHODS, answered

QUICK = AnalysisOptions(samples=200, mixed=False, methods=METHODS)


def analysed(kind: StudyKind, truth: Truth, people: int = 24, options: AnalysisOptions = QUICK, **about: Any) -> dict[str, Any]:
    study = imagined_study(kind, design={"checks": 3, "repeats": 2})
    responses, wanted = answered(study, people, truth, **about)
    return analyse(responses, study.exclusion, wanted, options)


@pytest.mark.parametrize("kind", ["rank", "rate-sets", "rate", "compare"])
def test_what_was_put_in_is_found(kind: StudyKind) -> None:
    found = analysed(kind, Truth(slopes={"rival": 0.4}, quality={"ours": 0.8}), inattentive=0.25, contents=9)
    assert (found["people"]["took_part"], found["people"]["excluded"]) == (24, 6)
    assert [one["participant"] for one in found["people"]["left_out"]] == [f"p{i:03d}" for i in range(19, 25)]
    assert found["people"]["reasons"][0] == {"reason": "failed more attention checks than allowed", "people": 6}
    for measure in found["measures"]:
        (test,) = measure["tests"]["people"]
        assert (test["first"], test["second"], test["better"]) == ("ours", "rival", "ours"), measure["name"]
        assert test["result"]["p_holm"] < 0.05
        low, high = test["difference"]["over_people"]
        assert low * high > 0  # zero is outside
    json.dumps(found, allow_nan=False)


def test_a_mixed_model_recovers_a_difference_of_sheets() -> None:
    truth = Truth(quality={"ours": 0.5, "rival": -0.5}, contents=0.2, pictures=0.1)
    found = analysed("rate-sets", truth, options=AnalysisOptions(samples=100, methods=METHODS), contents=9)
    fit = found["measures"][0]["mixed"]["fit"]
    rival = fit["effects"][1]
    assert rival["name"] == "rival"
    assert rival["low"] < -1.0 < rival["high"]
    assert rival["p"] < 0.01
    assert set(fit["deviations"]) == {"people", "items", "people by method", "items by method", "rest"}


def test_strengths_of_three_methods() -> None:
    study = imagined_study("compare")
    truth = Truth(quality={"a": 1.0, "b": 0.0, "c": -1.0}, contents=0.0, pictures=0.0)
    responses, wanted = answered(study, 24, truth, contents=9, methods=("a", "b", "c"))
    found = analyse(responses, study.exclusion, wanted, AnalysisOptions(samples=100, methods=("a", "b", "c")))
    feeling = found["strengths"][0]
    assert [one["method"] for one in feeling["methods"]] == ["a", "b", "c"]
    strengths = [one["strength"] for one in feeling["methods"]]
    assert strengths[0] > strengths[1] > strengths[2]
    assert sum(strengths) == pytest.approx(0)
    for one in feeling["methods"]:
        assert one["low"] < one["strength"] < one["high"]
        assert one["shown"] == 24 * 8 * 2
    # Two differences of quality 1 with noise 0.9 and tastes on each side: a normal choice of about 78%.
    assert feeling["preference"][0][1] == pytest.approx(0.78, abs=0.06)


def test_agreement_rises_with_less_noise() -> None:
    clear, noisy = (analysed("rate", Truth(), noise=noise)["agreement"][0] for noise in (0.3, 1.8))
    assert clear["alpha"] > 0.8 > noisy["alpha"]
    assert clear["icc"]["mean"] > noisy["icc"]["mean"]
    assert clear["ceiling"][0] > noisy["ceiling"][0]
    assert clear["alpha_interval"][0] < clear["alpha"] < clear["alpha_interval"][1]


def test_norms_are_means_of_pictures() -> None:
    study = imagined_study("rate")
    responses, wanted = answered(study, 6)
    norms = analyse(responses, study.exclusion, wanted, QUICK)["norms"]
    one = norms[0]
    own = [
        float(r.on_plane or 0)
        for r in responses
        if r.part == "main" and r.pictures == [one["picture"]] and r.question == "valence"
    ]
    assert one["valence_mean"] == pytest.approx(sum(own) / len(own))
    assert one["valence_people"] == len(own) == 6
    assert (one["method"], one["valence_asked"]) == (responses[-1].method, one["valence_asked"])


def test_nothing_was_answered() -> None:
    study = imagined_study("rate")
    found = analyse([], study.exclusion, {"p001": 4}, QUICK)
    assert found["people"]["analysed"] == 0
    assert (found["measures"], found["agreement"], found["strengths"], found["norms"]) == ([], [], [], [])


def test_false_alarms_of_studies_in_which_nothing_differs() -> None:
    """A small one of `benchmarks/panel_null.py`: 5% within what chance allows for so many studies."""
    study = imagined_study("rate-sets", rate_sets={"questions": ("consistency",)})
    alarms = 0
    for number in range(60):
        truth = Truth(contents=0.3, pictures=0.0, seed=number)
        responses, wanted = answered(study, 12, truth, contents=5, seed=number)
        (measure,) = analyse(responses, study.exclusion, wanted, AnalysisOptions(samples=2, mixed=False))["measures"]
        alarms += measure["tests"]["people"][0]["result"]["p_holm"] < 0.05
    assert alarms <= binom.ppf(0.999, 60, 0.05)
