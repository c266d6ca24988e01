"""A study's responses to one document of results: who counts, what they said, how far they agree, what differs, how surely."""

# p people, c contents

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from emoticrafter.inputs.records import plain_json
from emoticrafter.metrics.statistics import bootstrap
from emoticrafter.panel.analysis.agreement import complete_block, intraclass_correlation, krippendorff_alpha, noise_ceiling
from emoticrafter.panel.analysis.bradley_terry import bradley_terry, strengths_over_people, tables_of
from emoticrafter.panel.analysis.crossed import crossed_mean
from emoticrafter.panel.analysis.exclusions import REASONS, Screening, screen
from emoticrafter.panel.analysis.measures import Ratings, StudyMeasure, measures_of, ratings_of
from emoticrafter.panel.analysis.mixed import fit_crossed, too_few
from emoticrafter.panel.analysis.paired import corrected, paired_test
from emoticrafter.panel.analysis.repeats import retests
from emoticrafter.panel.responses import Response
from emoticrafter.panel.study import Exclusion
from emoticrafter.prompts.votes import fleiss_kappa

__all__ = ["AnalysisOptions", "analyse"]

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class AnalysisOptions:
    """How thorough: samples of the bootstraps, whether mixed models are fitted, the seed of all that is random.

    methods: their order in the tables, the first of two being the one that the other is taken from; by default the alphabet's.
    """

    methods: tuple[str, ...] = ()
    samples: int = 2000
    mixed: bool = True
    seed: int = 0


def analyse(
    responses: Sequence[Response],
    rules: Exclusion,
    main_trials: Mapping[str, int],
    options: AnalysisOptions | None = None,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """The results as JSON values; docs/panel-analysis.md lists the keys.

    main_trials: how many main trials each participant who took part was to answer. Answers of practice are left out, those of
    people that the rules exclude too, everywhere but in their count.
    """
    options = options or AnalysisOptions()
    screening = screen(responses, rules, main_trials)
    kept = set(screening.kept)
    own = [one for one in responses if one.participant in kept]
    measures = measures_of(own)
    found = []
    for number, measure in enumerate(measures):
        found.append(_measured(measure, options))
        step(number + 1, len(measures))
    tests = [test for one in found for test in one["tests"]["people"]]
    for test, again in zip(tests, corrected([test["result"] for test in tests]), strict=True):
        test["result"] = again
    return plain_json(
        {
            "people": _people(screening, main_trials),
            "answers": _answers(responses, own),
            "measures": found,
            "strengths": list(_strengths(own, options)),
            "agreement": [_agreement(one, options) for one in ratings_of(own)],
            "retest": [asdict(one) for one in retests(own)],
            "norms": norms(own),
        }
    )


def norms(responses: Sequence[Response]) -> list[dict[str, Any]]:
    """Of each picture that was rated, in the order shown first: what it was asked for, and each scale's mean, sd and number.

    On the plane, -3 to 3. Empty where single pictures were not rated.
    """
    rated = [one for one in responses if one.part == "main" and one.on_plane is not None and len(_about(one)) == 1]
    rated = [one for one in rated if one.kind in ("rate", "rank")]
    found: dict[str, dict[str, Any]] = {}
    values: dict[tuple[str, str], list[float]] = {}
    for one in rated:
        picture = _about(one)[0]
        place = one.pictures.index(picture)
        found.setdefault(
            picture,
            {
                "picture": picture,
                "prompt": one.prompt,
                "method": one.methods[place],
                "seed": one.seed,
                "valence_asked": one.valences[place],
                "arousal_asked": one.arousals[place],
            },
        )
        values.setdefault((picture, one.question), []).append(float(one.on_plane or 0.0))
    for (picture, question), some in values.items():
        spread = float(np.std(some, ddof=1)) if len(some) > 1 else None
        found[picture] |= {f"{question}_mean": float(np.mean(some)), f"{question}_sd": spread, f"{question}_people": len(some)}
    return list(found.values())


def _about(one: Response) -> list[str]:
    return [one.picture] if one.picture else one.pictures


def _people(screening: Screening, main_trials: Mapping[str, int]) -> dict[str, Any]:
    return {
        "took_part": len(screening.kept) + len(screening.left_out),
        "analysed": len(screening.kept),
        "excluded": len(screening.left_out),
        "reasons": [{"reason": REASONS[name], "people": count} for name, count in screening.counts().items()],
        "left_out": [
            {"participant": person, "reasons": [REASONS[name] for name in reasons]}
            for person, reasons in screening.left_out.items()
        ],
    }


def _answers(every: Sequence[Response], own: Sequence[Response]) -> dict[str, Any]:
    times = [one.rt_ms for one in own if one.part == "main"]
    middle = np.quantile(times, [0.25, 0.5, 0.75]).tolist() if times else [None] * 3
    return {
        "all": len(every),
        "analysed": sum(one.part == "main" for one in own),
        "parts": dict(Counter(one.part for one in every)),
        "milliseconds": dict(zip(("lower", "median", "upper"), middle, strict=True)),
        "touch": len({one.participant for one in own if one.touch}),
    }


def _measured(measure: StudyMeasure, options: AnalysisOptions) -> dict[str, Any]:
    tables = _ordered(measure.tables(), options)
    people, contents = {}, {}
    for first, second in combinations(tables, 2):
        difference = _differences(tables[first], tables[second])
        people[first, second] = (_row_means(tables[first], tables[second]), difference)
        contents[first, second] = (_row_means(tables[first].T, tables[second].T), difference)
    return {
        "name": measure.name,
        "title": measure.title,
        "about": measure.about,
        "better": measure.better,
        "chance": measure.chance,
        "methods": [_method(measure, method, table, options) for method, table in tables.items()],
        "tests": {
            "people": [_test(pair, *given, measure, options) for pair, given in people.items()],
            "contents": [_test(pair, *given, measure, options) for pair, given in contents.items()],
        },
        "mixed": _mixed(measure, tables) if options.mixed else None,
    }


def _method(measure: StudyMeasure, method: str, table: np.ndarray, options: AnalysisOptions) -> dict[str, Any]:
    by_person = np.array([np.nanmean(row) for row in table if not np.isnan(row).all()])
    return {
        "method": method,
        "answers": measure.methods.count(method),
        "sd": float(by_person.std(ddof=1)) if len(by_person) > 1 else None,
        **asdict(crossed_mean(table, samples=options.samples, seed=options.seed)),
    }


def _test(
    pair: tuple[str, str], means: np.ndarray, difference: np.ndarray, measure: StudyMeasure, options: AnalysisOptions
) -> dict[str, Any]:
    """One comparison of two methods. difference: of each person and content, where both were seen."""
    first, second = pair
    result = paired_test(means, samples=options.samples, seed=options.seed)
    return {
        "first": first,
        "second": second,
        "better": _better(pair, result.mean, measure.better),
        "difference": asdict(crossed_mean(difference, samples=options.samples, seed=options.seed)),
        "result": result,
    }


def _better(pair: tuple[str, str], mean: float, better: str) -> str | None:
    """Whom the mean difference speaks for."""
    if not better or not mean or math.isnan(mean):
        return None
    return pair[0] if (mean > 0) == (better == "higher") else pair[1]


def _differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of each person and content; where a person saw a content by one method only, of that person's means."""
    both = first - second
    if not np.isnan(both).all():
        return both
    return _row_means(first, second)[:, None]


def _row_means(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The difference of each row's means (n,), NaN where a row lacks either."""
    with np.errstate(invalid="ignore"):
        sums = [
            np.nansum(table, axis=1) / np.where((count := (~np.isnan(table)).sum(axis=1)) > 0, count, np.nan)
            for table in (first, second)
        ]
    return sums[0] - sums[1]


def _ordered(tables: Mapping[str, np.ndarray], options: AnalysisOptions) -> dict[str, np.ndarray]:
    known = {method: place for place, method in enumerate(options.methods)}
    return {method: tables[method] for method in sorted(tables, key=lambda one: (known.get(one, len(known)), one))}


def _mixed(measure: StudyMeasure, tables: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """A fit to the mean of each person, content and method; None for answers of yes or no, which no linear model fits."""
    if measure.binary:
        return None
    cells = [(method, *cell, table[tuple(cell)]) for method, table in tables.items() for cell in np.argwhere(~np.isnan(table))]
    methods, people, contents, values = zip(*cells, strict=True)
    lacking = too_few(people, contents)
    if lacking:
        return {"fit": None, "note": lacking}
    try:
        fit = fit_crossed(np.array(values), people, contents, methods if len(tables) > 1 else None)
    except (ValueError, np.linalg.LinAlgError):  # what statsmodels raises for a model that has no solution
        return {"fit": None, "note": "the model could not be fitted to these answers"}
    return {"fit": asdict(fit), "note": fit.note}


def _strengths(own: Sequence[Response], options: AnalysisOptions) -> Iterator[dict[str, Any]]:
    """Bradley-Terry strengths, for each question of a study that compares."""
    main = [one for one in own if one.part == "main" and one.kind == "compare"]
    for question in dict.fromkeys(one.question for one in main):
        asked = [one for one in main if one.question == question]
        methods = list(_ordered({method: np.empty(0) for one in asked for method in one.methods}, options))
        people = list(dict.fromkeys(one.participant for one in asked))
        tables = tables_of(
            [methods.index(one.methods[0]) for one in asked],
            [methods.index(one.methods[1]) for one in asked],
            [float(one.answer == one.pictures[0]) for one in asked],
            [people.index(one.participant) for one in asked],
            len(methods),
            len(people),
        )
        wins = tables.sum(axis=0)
        fitted = bradley_terry(wins)
        drawn = strengths_over_people(tables, samples=min(options.samples, 500), seed=options.seed)
        ends = np.quantile(drawn, [(1 - 0.95) / 2, (1 + 0.95) / 2], axis=0)
        yield {
            "question": question,
            "methods": [
                {
                    "method": method,
                    "strength": fitted.b[i],
                    "error": math.sqrt(max(fitted.covariance[i, i], 0.0)),
                    "low": ends[0, i],
                    "high": ends[1, i],
                    "won": wins[i].sum(),
                    "shown": wins[i].sum() + wins[:, i].sum(),
                }
                for i, method in enumerate(methods)
            ],
            "wins": wins.tolist(),
            "preference": fitted.preference().tolist(),
            "ridged": fitted.ridged,
            "people": len(people),
            "answers": len(asked),
        }


def _agreement(ratings: Ratings, options: AnalysisOptions) -> dict[str, Any]:
    table = ratings.table
    alpha = krippendorff_alpha(table, ratings.level)
    interval = None
    if alpha is not None:
        found = bootstrap(
            lambda rows: value if (value := krippendorff_alpha(rows, ratings.level)) is not None else math.nan,
            table,
            clusters=range(len(table)),
            samples=min(options.samples, 500),
            seed=options.seed,
        )
        interval = (found.low, found.high)
    rows, columns = complete_block(table)
    block = table[np.ix_(rows, columns)]
    icc = intraclass_correlation(block) if ratings.level != "nominal" else None
    return {
        "name": ratings.name,
        "title": ratings.title,
        "level": ratings.level,
        "items": len(ratings.items),
        "people": len(ratings.people),
        "alpha": alpha,
        "alpha_interval": interval,
        "icc": asdict(icc) if icc is not None else None,
        "kappa": _kappa(table) if ratings.level == "nominal" else None,
        "ceiling": noise_ceiling(table) if ratings.level == "interval" else None,
    }


def _kappa(table: np.ndarray) -> dict[str, Any] | None:
    """Fleiss' kappa of the items that most of the same number of people answered."""
    numbers = Counter(int(count) for count in (~np.isnan(table)).sum(axis=1) if count > 1)
    if not numbers:
        return None
    raters = max(numbers, key=lambda number: (numbers[number], number))
    values = np.unique(table[~np.isnan(table)])
    rows = [row for row in table if (~np.isnan(row)).sum() == raters]
    counts = [[int((row == value).sum()) for value in values] for row in rows]
    return {"kappa": fleiss_kappa(counts), "items": len(rows), "raters": raters}
