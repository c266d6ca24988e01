"""`panel analyse`, `panel plan` and `judge validate`, on a study that programs have answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Done
from tests.panel.imagined import kept_study

Cli = Callable[..., Done]


def test_from_answers_to_a_judge_s_test(cli: Cli, tmp_path: Path) -> None:
    kept_study(tmp_path, "rate", 6, more="[design]\ncontents = 8\n")
    done = cli("panel", "analyse", "kept", "--out", "report", "--samples", "100", "--no-mixed")
    assert done.code == 0, done.err
    assert done.out.split() == ["report/report.html", "report/report.json", "report/norms.csv", "report/ratings.csv"]
    assert "6 of 6 people analysed, 0 left out" in done.err
    assert "the participants are programs" in done.err
    again = cli("panel", "analyse", "kept", "--out", "report")
    assert again.code == 2
    assert "--force" in again.err
    judged = cli("judge", "validate", "--ratings", "report/ratings.csv", "--json")
    assert judged.code == 0, judged.err
    found = json.loads(judged.out)
    assert (found["raters"], found["judge"]["judge"]) == (6, "storybook")
    assert set(found["axes"]) == {"valence", "arousal"}
    assert found["axes"]["valence"]["ceiling"][0] > 0.5
    shown = cli("judge", "validate", "--ratings", "report/ratings.csv")
    assert shown.code == 0
    assert shown.out.splitlines()[0].split() == ["r", "95%", "ceiling", "R2", "error", "alpha", "of", "people"]


def test_a_report_as_json(cli: Cli, tmp_path: Path) -> None:
    kept_study(tmp_path, "rate-sets", 5)
    done = cli("panel", "analyse", "kept", "--out", "report", "--samples", "100", "--no-mixed", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["report"] == json.loads((tmp_path / "report" / "report.json").read_text("utf-8"))


def test_plan_says_how_many_people(cli: Cli) -> None:
    done = cli("panel", "plan", "paper-2", "--effect", "1", "--contents", "6", "--studies", "100")
    assert done.code == 0, done.err
    last = done.out.splitlines()[-1].split()
    assert last[1] == "people"
    assert f"{last[0]} people find it at least 80% of the time" in done.err
    told = cli("panel", "plan", "paper-2", "--effect", "1", "--contents", "6", "--studies", "100", "--people", "20", "--json")
    assert json.loads(told.out)["people"] == 20
    assert json.loads(told.out)["spreads"] == {"noise": 0.8, "taste": 0.3, "contents": 0.3}


def test_a_pilot_says_how_people_differ(cli: Cli, tmp_path: Path) -> None:
    kept_study(tmp_path, "rate-sets", 8, contents=7)
    assert cli("panel", "analyse", "kept", "--out", "report", "--samples", "100").code == 0
    options = ("panel", "plan", "kept.toml", "--effect", "0.5", "--contents", "4", "--studies", "100", "--people", "20", "--json")
    done = cli(*options, "--pilot", "report/report.json")
    report = json.loads((tmp_path / "report" / "report.json").read_text("utf-8"))
    deviations = report["measures"][0]["mixed"]["fit"]["deviations"]
    assert json.loads(done.out)["spreads"]["noise"] == pytest.approx(deviations["rest"])
    assert json.loads(done.out)["spreads"]["taste"] == pytest.approx(2**0.5 * deviations["people by method"])
    other = cli(*options, "--pilot", "report/report.json", "--measure", "feeling")
    assert other.code == 2
    assert "has no mixed model of feeling. It has: consistency, smoothness." in " ".join(other.err.split())
    (tmp_path / "broken.json").write_text("{}")
    broken = cli(*options, "--pilot", "broken.json")
    assert broken.code == 2
    assert "broken.json" in broken.err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--effect", "0.5"), "does not say how many contents each person sees"),
        (("--effect", "0", "--contents", "4"), "The effect is 0; it must be above 0"),
        (("--effect", "1", "--contents", "4", "--power", "1"), "The power is 1; it must be between 0 and 1"),
        (("--effect", "1", "--contents", "4", "--measure", "x"), "--measure was given without --pilot"),
        (("--effect", "1", "--contents", "4", "--pilot", "no.json"), "no.json"),
    ],
)
def test_plans_that_are_refused(cli: Cli, options: tuple[str, ...], problem: str) -> None:
    done = cli("panel", "plan", "paper-2", *options)
    assert done.code == 2
    assert problem in done.err
    assert "Traceback" not in done.err


def test_ratings_that_are_not_there(cli: Cli) -> None:
    done = cli("judge", "validate", "--ratings", "none.csv")
    assert (done.code, "none.csv" in done.err) == (2, True)
