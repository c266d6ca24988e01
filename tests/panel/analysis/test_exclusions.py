from __future__ import annotations

from dataclasses import replace

from emoticrafter.panel.analysis.exclusions import screen
from emoticrafter.panel.analysis.simulated import imagined_study
from emoticrafter.panel.study import Exclusion
from tests.panel.imagined import answered


def test_the_inattentive_are_thrown_out_and_nobody_else() -> None:
    study = imagined_study("rate", design={"checks": 3})
    responses, wanted = answered(study, 20, inattentive=0.2)
    found = screen(responses, study.exclusion, wanted)
    assert sorted(found.left_out) == ["p017", "p018", "p019", "p020"]
    assert len(found.kept) == 16
    assert all({"checks", "quick"} <= set(reasons) for reasons in found.left_out.values())
    assert found.left_out["p018"] == ("checks", "quick", "same")  # answers ever the same
    assert found.counts() == {"checks": 4, "quick": 4, "same": 2}


def test_each_rule_by_itself() -> None:
    study = imagined_study("rate-sets", design={"checks": 2})
    responses, wanted = answered(study, 4)
    assert screen(responses, Exclusion(), wanted).left_out == {}
    wrong = [replace(one, answer=3.0) if one.part == "check" and one.participant == "p001" else one for one in responses]
    assert screen(wrong, Exclusion(), wanted).left_out == {"p001": ("checks",)}
    assert screen(wrong, Exclusion(failed_checks=2), wanted).left_out == {}
    last = max(one.trial for one in responses if one.part == "main")
    gone = [one for one in responses if (one.participant, one.trial) != ("p002", last)]
    assert screen(gone, Exclusion(), wanted).left_out == {"p002": ("incomplete",)}
    assert screen(gone, Exclusion(complete=0.9), wanted).left_out == {}
    fast = [replace(one, rt_ms=200.0) if one.participant == "p003" and one.trial % 3 else one for one in responses]
    assert screen(fast, Exclusion(), wanted).left_out == {"p003": ("quick",)}
    assert screen(fast, Exclusion(quick_ms=150), wanted).left_out == {}
    flat = [replace(one, answer=4.0) if one.participant == "p004" and one.part == "main" else one for one in responses]
    assert screen(flat, Exclusion(), wanted).left_out == {"p004": ("same",)}
    assert screen(flat, Exclusion(same_share=1.0), wanted).left_out == {}


def test_who_never_answered_is_incomplete() -> None:
    found = screen([], Exclusion(), {"p001": 10})
    assert found.left_out == {"p001": ("incomplete",)}
    assert found.kept == ()
