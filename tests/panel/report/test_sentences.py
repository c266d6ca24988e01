from __future__ import annotations

import pytest

from emoticrafter.panel.analysis.results import AnalysisOptions, analyse
from emoticrafter.panel.analysis.simulated import Truth, imagined_study
from emoticrafter.panel.report.document import assemble
from emoticrafter.panel.report.sentences import p_text, paper_sentences
from tests.panel.imagined import METHODS, answered


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0004, "p < .001"),
        (0.0123, "p = .012"),
        (0.0496, "p = .0496"),
        (0.2, "p = .200"),
        (1.0, "p = 1.000"),
        (None, "p not defined"),
    ],
)
def test_p_values_as_papers_print_them(p: float | None, text: str) -> None:
    assert p_text(p) == text


def test_the_sentences_hold_the_figures() -> None:
    study = imagined_study("rate-sets", design={"checks": 3})
    responses, wanted = answered(study, 12, Truth(quality={"ours": 1.0}), inattentive=0.25)
    results = analyse(responses, study.exclusion, wanted, AnalysisOptions(samples=100, mixed=False, methods=METHODS))
    report = assemble(study, "0" * 16, results, simulated=False, withdrawn=2, command="", seed=0)
    people, consistency, *_, rules = paper_sentences(report)
    assert people.startswith("12 people took part (2 more withdrew, and their answers were deleted); 3 were left out by rules")
    assert people.endswith("Analysed were the answers of 9 people.")
    test = report["measures"][0]["tests"]["people"][0]
    assert f"ours {report['measures'][0]['methods'][0]['value']:.2f} (95% interval over people [" in consistency
    assert f"difference {test['difference']['value']:+.2f}" in consistency
    assert ("ours did better than rival" in consistency) == (test["result"]["p_holm"] < 0.05)
    assert "Shapiro and Wilk" in rules
