"""The results as a paper tells them: sentences to start from, with every figure that a reviewer asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["p_text", "paper_sentences", "people_text"]


def paper_sentences(report: Mapping[str, Any]) -> list[str]:
    """One paragraph each: who took part, each measure with its tests, agreement, the rules."""
    return [_people(report), *_measures(report), *_agreements(report), _methods(report)]


def p_text(p: float | None) -> str:
    """A p-value as papers print it: p = .012, p < .001; n/a where there is none."""
    if p is None:
        return "p not defined"
    digits = 4 if f"{p:.3f}" == "0.050" else 3  # on which side of 5%
    return "p < .001" if p < 0.001 else f"p = {p:.{digits}f}".replace("0.", ".", 1)


def people_text(count: int) -> str:
    return f"{count:,} person" if count == 1 else f"{count:,} people"


def _people(report: Mapping[str, Any]) -> str:
    people = report["people"]
    text = f"{people_text(people['took_part']).capitalize()} took part"
    text = f"Simulated participants: {people['took_part']:,}" if report["simulated"] else text
    if people["withdrawn"]:
        text += f" ({people['withdrawn']:,} more withdrew, and their answers were deleted)"
    if people["excluded"]:
        reasons = "; ".join(f"{one['reason']}: {one['people']}" for one in people["reasons"])
        text += f"; {people['excluded']:,} were left out by rules that were fixed beforehand ({reasons}; one may have several)"
    return f"{text}. Analysed were the answers of {people_text(people['analysed'])}."


def _measures(report: Mapping[str, Any]) -> Iterator[str]:
    for measure in report["measures"]:
        told = [
            f"{_named(one['method'])} {one['value']:.2f} (95% interval over people {_interval(one['over_people'])}, over people"
            f" and contents {_interval(one['over_both'])})"
            for one in measure["methods"]
        ]
        text = f"{measure['title'].capitalize()}: {', '.join(told)}."
        yield " ".join([text, *(_test(one) for one in measure["tests"]["people"]), *_mixed(measure)])


def _test(test: Mapping[str, Any]) -> str:
    found = test["result"]
    if found["p"] is None:
        return f"{test['first']} and {test['second']} were judged by too few people for a test."
    t, signed = found["chosen"] == "paired t", f"W = {found['wilcoxon']:g}"
    statistic = f"t({found['pairs'] - 1}) = {found['t']:.2f}" if t else signed
    effect = f"d_z = {found['dz']['value']:.2f}" if t and found["dz"]["value"] is not None else None
    if effect is None and found["rank_biserial"]["value"] is not None:
        effect = f"rank-biserial r = {found['rank_biserial']['value']:.2f}"
    name = "the paired t test" if t else "Wilcoxon's signed-rank test"
    says = (
        f"{test['better']} did better than {test['first'] if test['better'] == test['second'] else test['second']}"
        if test["better"] and found["p_holm"] < 0.05
        else f"{test['first']} and {test['second']} were not shown to differ"
    )
    figures = ", ".join(one for one in (statistic, p_text(found["p"]), f"after Holm {p_text(found['p_holm'])}", effect) if one)
    difference = test["difference"]
    return (
        f"By {name}, {says} (difference {difference['value']:+.2f}, 95% interval {_interval(difference['over_people'])};"
        f" {figures})."
    )


def _mixed(measure: Mapping[str, Any]) -> Iterator[str]:
    fit = (measure["mixed"] or {}).get("fit")
    if fit is None or len(fit["effects"]) < 2:
        return
    told = ", ".join(
        f"{one['name']} {one['value']:+.2f} [{one['low']:.2f}, {one['high']:.2f}], t({one['freedom']:.0f}), {p_text(one['p'])}"
        for one in fit["effects"][1:]
    )
    reference = measure["methods"][0]["method"]
    yield f"In a mixed model with people and contents at random, against {reference}: {told}."


def _agreements(report: Mapping[str, Any]) -> Iterator[str]:
    told = []
    for one in report["agreement"]:
        if one["alpha"] is None:
            continue
        text = f"{one['title']} Krippendorff's alpha ({one['level']}) {one['alpha']:.2f}"
        if one["icc"] is not None:
            text += f", ICC(2,k) {one['icc']['mean']:.2f} of the mean of {one['icc']['raters']} people"
        if one["kappa"] is not None and one["kappa"]["kappa"] is not None:
            text += f", Fleiss' kappa {one['kappa']['kappa']:.2f}"
        told.append(text)
    if told:
        yield f"Agreement: {'; '.join(told)}."


def _methods(report: Mapping[str, Any]) -> str:
    return (
        "Tests are two-sided on each person's mean, by the paired t test where Shapiro and Wilk's test does not reject normality"
        " at 5%, else by Wilcoxon's signed-rank test with its exact distribution; p-values of all tests over people are corrected"
        " together after Holm. Intervals are percentile bootstraps."
    )


def _interval(ends: list[float | None]) -> str:
    return "not defined" if None in ends else f"[{ends[0]:.2f}, {ends[1]:.2f}]"


def _named(method: str) -> str:
    return method or "all"
