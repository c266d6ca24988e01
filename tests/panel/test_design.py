"""The design is counterbalanced: proven by counting over whole cycles."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from emoticrafter.errors import InputError
from emoticrafter.panel.design import balance, lay_out, williams_row, williams_rows
from emoticrafter.panel.images import StudyPicture
from emoticrafter.panel.study import Study, read_study
from emoticrafter.panel.trials import Trial
from emoticrafter.panel.units import Units, find_units
from tests.panel.studies import AXIS, write_pairs, write_pictures, write_study

LETTERS = "abcdefghijkl"


def laid(folder: Path, kind: str, more: str, methods: int = 2, prompts: int = 5) -> tuple[Study, Units]:
    values = (0.0,) if kind in ("rate", "compare") else AXIS
    write_pictures(folder, LETTERS[:methods], [f"prompt {one}" for one in range(prompts)], values)
    write_pairs(folder)
    study, path = read_study(write_study(folder, kind, more))
    return study, find_units(study, path.parent)


def cycle(study: Study, units: Units) -> list[tuple[Trial, ...]]:
    return [lay_out(study, units, sequence) for sequence in range(balance(study, units).cycle)]


def main(trials: tuple[Trial, ...]) -> list[Trial]:
    return [one for one in trials if one.part == "main"]


@pytest.mark.parametrize("n", range(1, 12))
def test_williams_square_is_balanced_for_places_and_neighbours(n: int) -> None:
    rows = [williams_row(n, row) for row in range(williams_rows(n))]
    assert len(rows) == (n if n % 2 == 0 or n == 1 else 2 * n)
    assert all(sorted(row) == list(range(n)) for row in rows)
    for place in range(n):
        assert set(Counter(row[place] for row in rows).values()) == {len(rows) // n}
    if n > 1:
        after = Counter(pair for row in rows for pair in pairwise(row))
        assert len(after) == n * (n - 1)
        assert set(after.values()) == {len(rows) // n}


def test_williams_square_of_four_is_the_known_one() -> None:
    assert [williams_row(4, row) for row in range(4)] == [[0, 1, 3, 2], [1, 2, 0, 3], [2, 3, 1, 0], [3, 0, 2, 1]]


@pytest.mark.parametrize("methods", [2, 3])
def test_within_each_person_sees_every_content_by_every_method(tmp_path: Path, methods: int) -> None:
    study, units = laid(tmp_path, "rate", "[rate]\ninstrument = 'likert'", methods)
    people = cycle(study, units)
    told = balance(study, units)
    assert (told.contents, told.seen, told.trials) == (4, 4, 1 + 4 * methods)
    for trials in people:
        assert Counter((one.content, one.methods[0]) for one in main(trials)) == {
            (content, method): 1 for content in {one.content for one in main(trials)} for method in LETTERS[:methods]
        }
    # Of each content, the methods come in every order of Williams' square equally often.
    orders: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for trials in people:
        by_content = defaultdict(list)
        for one in main(trials):
            by_content[one.content].append(one.methods[0])
        for content, order in by_content.items():
            orders[content][tuple(order)] += 1
    wanted = {tuple(LETTERS[i] for i in williams_row(methods, row)) for row in range(williams_rows(methods))}
    for counted in orders.values():
        assert set(counted) == wanted
        assert len(set(counted.values())) == 1
    # Each content stands at each place equally often.
    for place in range(4 * methods):
        assert len(set(Counter(main(trials)[place].content for trials in people).values())) == 1


def test_a_content_comes_again_only_after_all_others(tmp_path: Path) -> None:
    study, units = laid(tmp_path, "rate", "[rate]\ninstrument = 'likert'")
    for trials in cycle(study, units):
        contents = [one.content for one in main(trials)]
        assert contents[:4] == contents[4:]
        assert len(set(contents[:4])) == 4


def test_split_shows_each_content_once_and_by_each_method_equally_often(tmp_path: Path) -> None:
    study, units = laid(tmp_path, "rate", "[rate]\ninstrument = 'likert'\n[design]\nmethods = 'split'", 3, 7)
    seen: Counter[tuple[str, str]] = Counter()
    for trials in cycle(study, units):
        contents = [one.content for one in main(trials)]
        assert len(set(contents)) == len(contents) == 6
        seen.update((one.content, one.methods[0]) for one in main(trials))
    assert len(seen) == 6 * 3
    assert len(set(seen.values())) == 1


def test_windows_of_contents_are_seen_equally_often_by_every_method(tmp_path: Path) -> None:
    study, units = laid(tmp_path, "rate", "[rate]\ninstrument = 'likert'\n[design]\nmethods = 'split'\ncontents = 2", 2, 7)
    told = balance(study, units)
    assert (told.contents, told.seen, told.whole, told.covered) == (6, 2, 2, 6)
    seen: Counter[tuple[str, str]] = Counter()
    for sequence in range(told.covered):
        seen.update((one.content, one.methods[0]) for one in main(lay_out(study, units, sequence)))
    assert len(seen) == 6 * 2
    assert set(seen.values()) == {1}


def test_axes_are_blocks_whose_order_crosses_with_that_of_the_methods(tmp_path: Path) -> None:
    study, units = laid(tmp_path, "rank", "")
    told = balance(study, units)
    assert told.whole == 4
    met: Counter[tuple[str | None, str]] = Counter()
    for sequence in range(told.whole):
        trials = main(lay_out(study, units, sequence))
        assert [one.block for one in trials] == [0] * 8 + [1] * 8
        assert len({one.axis for one in trials[:8]}) == len({one.axis for one in trials[8:]}) == 1
        content = min(one.content for one in trials)
        first = next(one for one in trials if one.content == content)
        met[first.axis, first.methods[0]] += 1
    assert len(met) == 4


def test_a_set_is_never_shown_in_its_order_nor_reversed(tmp_path: Path) -> None:
    study, units = laid(tmp_path, "rank", "[design]\nrepeats = 4")
    orders = set()
    for sequence in range(12):
        for trial in lay_out(study, units, sequence):
            values = list(trial.valences if trial.axis == "valence" else trial.arousals)
            assert sorted(v for v in values if v is not None) == list(AXIS)
            assert values not in (list(AXIS), list(AXIS)[::-1])
            orders.add(tuple(values))
            assert [one.picture for one in trial.questions[1:]] == list(trial.pictures)
    assert len(orders) > 60


def test_each_picture_of_a_comparison_stands_left_equally_often(tmp_path: Path) -> None:
    study, units = laid(tmp_path, "compare", "", 3)
    left: Counter[tuple[str, str]] = Counter()
    whole = balance(study, units).whole
    assert whole == williams_rows(3) * 2
    for sequence in range(whole):
        for one in main(lay_out(study, units, sequence)):
            assert one.methods[0] != one.methods[1]
            left[one.unit, one.methods[0]] += 1
    assert len(left) == 4 * 3 * 2
    assert set(left.values()) == {whole // 2}


def test_practice_is_on_contents_of_its_own(tmp_path: Path) -> None:
    study, units = laid(tmp_path, "rate", "[rate]\ninstrument = 'likert'\n[design]\npractice = 2")
    practised, counted = set(), set()
    for trials in cycle(study, units):
        assert [one.part for one in trials[:3]] == ["practice", "practice", "main"]
        practised |= {one.content for one in trials if one.part == "practice"}
        counted |= {one.content for one in main(trials)}
    assert (len(practised), len(counted), practised & counted) == (2, 3, set())


def test_repeats_and_checks_stand_where_they_should(tmp_path: Path) -> None:
    more = "[rate]\ninstrument = 'likert'\n[design]\nrepeats = 3\nchecks = 2\npractice = 1"
    study, units = laid(tmp_path, "rate", more, 2, 9)
    expected: Counter[float] = Counter()
    for sequence in range(30):
        trials = lay_out(study, units, sequence)
        assert [one.trial for one in trials] == list(range(1, len(trials) + 1))
        parts = Counter(one.part for one in trials)
        assert parts == {"practice": 1, "main": 16, "repeat": 3, "check": 2}
        assert trials[1].part == "main"  # no check before anything counts
        by_number = {one.trial: one for one in trials}
        for one in trials:
            if one.part == "repeat":
                first = by_number[one.repeat_of or 0]
                assert (first.part, first.unit, first.pictures) == ("main", one.unit, one.pictures)
                assert one.trial - first.trial >= 8
            else:
                assert one.repeat_of is None
            if one.part == "check":
                (asked,) = one.questions
                assert (asked.question, asked.low, asked.high, asked.points) == ("check", 1, 5, 5)
                expected[asked.expected] += 1
    assert set(expected) == {1, 2, 4, 5}


def test_the_same_sequence_gives_the_same_trials_and_another_seed_others(tmp_path: Path) -> None:
    study, units = laid(tmp_path, "rank", "[design]\nrepeats = 2\nchecks = 1")
    assert lay_out(study, units, 3) == lay_out(study, units, 3)
    assert lay_out(study, units, 3) != lay_out(study, units, 4)
    other = read_study(tmp_path / "tiny.toml", ["study.seed=1"])[0]
    assert lay_out(other, units, 3) != lay_out(study, units, 3)


def test_a_cycle_begins_anew(tmp_path: Path) -> None:
    study, units = laid(tmp_path, "rate", "[rate]\ninstrument = 'likert'")
    n = balance(study, units).cycle
    assert [one.unit for one in lay_out(study, units, n + 1)] == [one.unit for one in lay_out(study, units, 1)]


def test_pairs_of_prompts_need_no_pictures(tmp_path: Path) -> None:
    study, units = laid(tmp_path, "validate-pairs", "[design]\npractice = 0")
    trials = lay_out(study, units, 0)
    assert {(one.prompt_id, one.neutral) for one in trials} == {
        ("a", "A dog on a beach."), ("b", "A <b>house</b> & a tree."), ("c", "A boat on a lake."), ("d", "A man in a street."),
    }  # fmt: skip
    assert [one.question for one in trials[0].questions] == ["content", "feeling", "fluent"]
    assert {one.pictures for one in trials} == {()}


def test_a_sheet_has_arousal_from_top_to_bottom(tmp_path: Path) -> None:
    study, units = laid(tmp_path, "rate-sets", "")
    trial = lay_out(study, units, 0)[1]
    assert trial.valences[:6] == (-3, -1.5, 0, 1.5, 3, -3)
    assert trial.arousals[:6] == (3, 3, 3, 3, 3, 1.5)
    assert [(one.question, one.low, one.high) for one in trial.questions] == [("consistency", 1, 5), ("smoothness", 1, 5)]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("[design]\npractice = 5", "has 5 contents, of which design.practice keeps 5"),
        ("[design]\ncontents = 5", "design.contents is 5; the study has 4"),
        ("[design]\nrepeats = 5", "design.repeats is 5; of 8 trials at most 4"),
    ],
)
def test_more_than_there_is_is_refused(tmp_path: Path, more: str, told: str) -> None:
    study, units = laid(tmp_path, "rate", f"[rate]\ninstrument = 'likert'\n{more}")
    with pytest.raises(InputError, match=told):
        balance(study, units)


def test_contents_that_one_method_lacks_are_left_out_and_told(tmp_path: Path) -> None:
    table = write_pictures(tmp_path, ("a", "b"), ("one", "two", "three"))
    lines = table.read_text(encoding="utf-8").split("\n")
    table.write_text("\n".join(line for line in lines if ",b,three,0.0,3.0," not in line), encoding="utf-8")
    study, path = read_study(write_study(tmp_path, "rank"))
    units = find_units(study, path.parent)
    assert len(units.contents) == 2
    assert units.left_out[0].startswith("1 of 3 contents are left out")


def test_an_id_of_a_picture_tells_nothing(tmp_path: Path) -> None:
    _, units = laid(tmp_path, "rank", "")
    for name, picture in units.pictures.items():
        assert isinstance(picture, StudyPicture)
        assert len(name) == 12
        assert int(name, 16) >= 0
