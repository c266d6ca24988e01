from __future__ import annotations

import numpy as np
import pytest

from emoticrafter.panel.analysis.measures import measures_of, ratings_of
from emoticrafter.panel.analysis.repeats import retests
from emoticrafter.panel.analysis.simulated import SimulatedPerson, Truth, imagined_study
from emoticrafter.panel.study import StudyKind
from tests.panel.imagined import answered

EXACT = [
    SimulatedPerson(number=i, bias={}, gain=1.0, noise=0.0, taste={}, careless=None, seed=0) for i in range(3)
]  # people without a fault
CLEAR = Truth(slopes={"rival": -1.0}, quality={"ours": 1.0, "rival": -1.0}, contents=0.0, pictures=0.0)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        # The rival shows the reverse of what was asked: tau -1; errors 6, 2.5, 0, 2.5, 6 at seven points.
        (
            "rank",
            {
                "valence_order": {"ours": 1.0, "rival": -1.0},
                "valence_error": {"ours": 0.2, "rival": 3.4},
                "arousal_order": {"ours": 1.0, "rival": -1.0},
                "arousal_error": {"ours": 0.2, "rival": 3.4},
            },
        ),
        ("rate-sets", {"consistency": {"ours": 4.0, "rival": 2.0}, "smoothness": {"ours": 4.0, "rival": 2.0}}),
        ("compare", {"feeling_preferred": {"ours": 1.0, "rival": 0.0}, "words_preferred": {"ours": 1.0, "rival": 0.0}}),
        ("validate-pairs", {"content": {"": 1.0}, "feeling": {"": 1.0}, "fluent": {"": 1.0}, "keep": {"": 1.0}}),
    ],
)
def test_measures_of_people_without_a_fault(kind: StudyKind, values: dict[str, dict[str, float]]) -> None:
    responses, _ = answered(imagined_study(kind), EXACT, CLEAR)
    found = {
        one.name: {method: float(np.nanmean(table)) for method, table in one.tables().items()} for one in measures_of(responses)
    }
    assert {name: {m: pytest.approx(v, abs=1e-9) for m, v in own.items()} for name, own in values.items()} == found


def test_the_affect_grid_is_read_on_the_plane() -> None:
    responses, _ = answered(imagined_study("rate"), EXACT, CLEAR)
    main = [one for one in responses if one.part == "main" and one.method == "ours"]
    assert {one.instrument for one in main} == {"affect-grid"}
    errors = next(one for one in measures_of(responses) if one.name == "valence_error").of("ours")[0]
    assert errors.max() <= 0.375  # half of a cell of 0.75
    asked = [one.valence or 0 for one in main if one.question == "valence"]
    assert np.corrcoef(asked, [one.on_plane or 0 for one in main if one.question == "valence"])[0, 1] > 0.99


def test_practice_repeats_and_checks_are_no_measures() -> None:
    study = imagined_study("rate-sets", design={"checks": 2, "repeats": 2, "practice": 1})
    responses, wanted = answered(study, 3, contents=5)
    (consistency, _) = measures_of(responses)
    assert len(consistency.values) == sum(wanted.values()) == 3 * 4 * 2


def test_ratings_by_item_and_person() -> None:
    responses, _ = answered(imagined_study("rank"), 4, contents=4)
    found = {one.name: one for one in ratings_of(responses)}
    assert list(found) == ["valence_places", "valence", "arousal_places", "arousal"] or len(found) == 4
    places = found["valence_places"]
    assert places.table.shape == (3 * 2 * 5, 4)  # contents but one for practice, methods, pictures; people
    assert places.level == "ordinal"
    assert set(np.unique(places.table)) == {0, 1, 2, 3, 4}
    assert found["valence"].people == ("p001", "p002", "p003", "p004")


def test_who_answers_the_same_twice_agrees_with_themselves() -> None:
    study = imagined_study("rank", design={"repeats": 2})
    responses, _ = answered(study, EXACT, CLEAR)
    found = {one.question: one for one in retests(responses)}
    assert found["rank by valence"].order == 1.0
    assert found["rank by valence"].same == 1.0
    assert (found["valence"].difference, found["valence"].correlation) == (0.0, pytest.approx(1.0))
    noisy, _ = answered(study, 10)
    again = {one.question: one for one in retests(noisy)}
    assert 0.4 < again["rank by valence"].order < 1.0  # type: ignore[operator]
    assert 0.3 < again["valence"].difference < 1.5  # type: ignore[operator]
