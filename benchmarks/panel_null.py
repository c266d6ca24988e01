"""How often the analysis of a study raises a false alarm: 1,000 studies of each kind in which the methods do not differ.

People who do not exist answer, some of them carelessly. Tests at 5% must find something in 5% of the studies, within what chance
allows for so many: the central 95% of the binomial distribution. The test over people holds for the pictures shown; where
pictures of a method differ by chance (`varied`), only the mixed model holds for others, too, and that test is too bold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.common import Report, parser, table
from emoticrafter.panel.analysis.results import AnalysisOptions, analyse
from emoticrafter.panel.analysis.simulated import (
    Truth,
    imagined_study,
    imagined_units,
    laid_out,
    simulated_people,
    simulated_responses,
)
from emoticrafter.panel.study import StudyKind

METHODS = ("first", "second")
PEOPLE, CONTENTS, CARELESS = 16, 9, 2
LEVEL = 0.05
STUDIES: tuple[tuple[StudyKind, float, bool], ...] = (  # kind, deviation of each method's own pictures, whether a model is fitted
    ("rank", 0.0, False),
    ("rate", 0.0, False),
    ("compare", 0.0, False),
    ("rate-sets", 0.0, True),
    ("rate-sets", 0.5, True),
)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("panel_null", __doc__)
    options.add_argument("--studies", type=int, default=1000)
    given = options.parse_args(arguments)
    if given.smoke:
        given.studies = 4
    report = Report("panel-null", given)
    rows = []
    for kind, varied, mixed in STUDIES:
        counts = _run(kind, varied, mixed, given.studies)
        rows.append({"kind": kind, "varied": varied, **counts})
        report.figures = {"people": PEOPLE, "careless": CARELESS, "contents": CONTENTS, "studies": given.studies, "rows": rows}
        report.save()
    least, most = _allowed(given.studies)
    report.figures["allowed"] = [least, most]
    for row in rows:
        name = f"{row['kind']}{', varied' if row['varied'] else ''}"
        if not row["varied"]:
            _hold(report, f"{name}: alarms over people", row["people"], least, most)
        if row["mixed"] is not None:
            report.bar(f"{name}: alarms of the mixed model", row["mixed"], most=most)
        report.bar(f"{name}: careless people thrown out", row["thrown_out"], least=0.99)
        report.bar(f"{name}: attentive people thrown out", row["lost"], most=0.01)
    shown = [
        (f"{one['kind']}{', varied' if one['varied'] else ''}", one["people"], one["contents"], one["family"], one["mixed"])
        for one in rows
    ]
    report.finish(
        table(f"false alarms of {given.studies} studies", ("kind", "over people", "over contents", "any, Holm", "mixed"), shown)
    )


def _hold(report: Report, name: str, share: float, least: float, most: float) -> None:
    report.bar(f"{name}, at least", share, least=least)
    report.bar(f"{name}, at most", share, most=most)


def _allowed(studies: int) -> tuple[float, float]:
    """The central 95% of the share of alarms where each study raises one with 5%."""
    from scipy.stats import binom

    return float(binom.ppf(0.025, studies, LEVEL)) / studies, float(binom.ppf(0.975, studies, LEVEL)) / studies


def _run(kind: StudyKind, varied: float, mixed: bool, studies: int) -> dict[str, Any]:
    """Shares of the studies with an alarm: of the first measure's tests, of any test after Holm, of the mixed model."""
    study = imagined_study(kind, design={"practice": 1, "checks": 3}, rank={"rate": False})
    trials = laid_out(study, imagined_units(study, METHODS, CONTENTS), PEOPLE)
    wanted = {f"p{i + 1:03d}": sum(one.part == "main" for one in own) for i, own in enumerate(trials)}
    careless = {f"p{i + 1:03d}" for i in range(PEOPLE - CARELESS, PEOPLE)}
    alarms = {"people": 0, "contents": 0, "family": 0, "mixed": 0}
    thrown_out = lost = 0
    for number in range(studies):
        people = simulated_people(PEOPLE, METHODS, inattentive=CARELESS / PEOPLE, seed=number)
        responses = simulated_responses(study, trials, people, Truth(pictures=varied, seed=number))
        found = analyse(responses, study.exclusion, wanted, AnalysisOptions(samples=2, mixed=mixed, methods=METHODS))
        first = found["measures"][0]
        for over in ("people", "contents"):
            alarms[over] += first["tests"][over][0]["result"]["p"] < LEVEL
        alarms["family"] += any(one["tests"]["people"][0]["result"]["p_holm"] < LEVEL for one in found["measures"])
        if mixed and first["mixed"]["fit"]:
            alarms["mixed"] += first["mixed"]["fit"]["effects"][1]["p"] < LEVEL
        left = {one["participant"] for one in found["people"]["left_out"]}
        thrown_out += len(left & careless)
        lost += len(left - careless)
    shares: dict[str, Any] = {name: count / studies for name, count in alarms.items()}
    shares["mixed"] = shares["mixed"] if mixed else None
    return {**shares, "thrown_out": thrown_out / (studies * CARELESS), "lost": lost / (studies * (PEOPLE - CARELESS))}


if __name__ == "__main__":
    main()
