from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from emoticrafter.errors import InputError
from emoticrafter.training.order import PairOrder, Split, split_pairs


def frame(contents: list[str], pictures: list[str | None] | None = None, splits: list[str | None] | None = None) -> pd.DataFrame:
    size = len(contents)
    return pd.DataFrame({"content": contents, "picture": pictures or [None] * size, "split": splits or [None] * size})


def split(table: pd.DataFrame, share: float = 0.2, given: bool = True, seed: int = 0) -> Split:
    return split_pairs(table, val_share=share, given=given, seed=seed)


def test_one_contents_and_one_pictures_pairs_lie_on_one_side() -> None:
    rng = np.random.default_rng(0)
    contents = [f"c{n}" for n in rng.integers(0, 120, 400)]
    pictures = [f"p{n}" if n < 150 else None for n in rng.integers(0, 300, 400)]
    for seed in range(5):
        table = frame(contents, pictures)
        made = split(table, seed=seed)
        both = sorted([*made.train, *made.val, *made.test])
        assert both == list(range(400))
        for column in ("content", "picture"):
            sides = [set(table[column].iloc[rows].dropna()) for rows in (made.train, made.val)]
            assert not sides[0] & sides[1]
        assert 0 < len(made.val) <= 80


def test_pairs_that_are_linked_by_way_of_a_third_stay_together() -> None:
    table = frame(["a", "a", "b", "c", "d", "e"], ["1", "2", "2", "3", None, None])  # 0-1 by content, 1-2 by picture
    for seed in range(20):
        made = split(table, share=0.5, seed=seed)
        assert len({row in made.val for row in (0, 1, 2)}) == 1


def test_absent_pictures_link_nothing() -> None:
    made = split(frame([f"c{n}" for n in range(10)], [None] * 5 + [""] * 5), share=0.3)
    assert len(made.val) == 3


def test_the_share_is_met_where_contents_are_small_and_depends_on_the_seed_alone() -> None:
    table = frame([f"c{n // 2}" for n in range(200)])
    made = split(table, share=0.1)
    assert len(made.val) == 20
    assert np.array_equal(made.val, split(table, share=0.1).val)
    assert not np.array_equal(made.val, split(table, share=0.1, seed=1).val)
    shuffled = np.random.default_rng(0).permutation(200)
    other = split(table.iloc[shuffled].reset_index(drop=True), share=0.1)
    assert set(shuffled[other.val]) == set(made.val)


def test_added_pairs_leave_the_held_out_contents_held_out() -> None:
    few, many = frame([f"c{n}" for n in range(300)]), frame([f"c{n}" for n in range(330)])
    before, after = set(split(few, 0.1).val), set(split(many, 0.1).val)
    assert len(before & after) >= 25


def test_marks_of_the_data_set_are_kept_for_the_whole_group_and_the_strictest_counts() -> None:
    contents = ["a", "a", "b", "b", "c", "d", "e", "f"]
    marks = [None, "test", "train", "val", "train", None, None, None]
    made = split(frame(contents, splits=marks), share=0.25)
    assert set(made.test) == {0, 1}
    assert {2, 3} <= set(made.val)
    assert 4 in made.train
    assert set(made.val) == {2, 3}  # a quarter is marked already
    loose = split(frame(contents, splits=marks), share=0.25, given=False)
    assert len(loose.test) == 0
    assert len(loose.val) == 2


def test_marked_training_pairs_are_never_held_out() -> None:
    marks = ["train"] * 8 + [None] * 2
    for seed in range(10):
        assert set(split(frame([f"c{n}" for n in range(10)], splits=marks), share=0.5, seed=seed).val) <= {8, 9}


def test_no_share_holds_nothing_out() -> None:
    made = split(frame(["a", "b"]), share=0.0)
    assert (len(made.train), len(made.val)) == (2, 0)


def test_contents_larger_than_the_share_still_give_a_validation_set_and_leave_something_to_train_on() -> None:
    made = split(frame(["a"] * 50 + ["b"] * 60), share=0.02)
    assert (len(made.train), len(made.val)) == (60, 50)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (frame(["a"] * 5), "No pair can be held out"),
        (frame(["a", "b"], splits=["test", "val"]), "left to train on"),
        (frame([]), "left to train on"),
    ],
)
def test_what_cannot_be_split_is_an_error(table: pd.DataFrame, told: str) -> None:
    with pytest.raises(InputError, match=told):
        split(table)


def test_every_pair_comes_once_an_epoch_and_batches_are_full() -> None:
    rows = np.arange(100, 123)
    order = PairOrder(rows, batch=5, seed=3)
    stream = np.concatenate([order.draws(step).rows for step in range(23)])  # five epochs
    assert all(len(order.draws(step).rows) == 5 for step in range(23))
    epochs = stream.reshape(5, 23)
    for epoch in epochs:
        assert sorted(epoch) == sorted(rows)
    assert len({tuple(epoch) for epoch in epochs}) == 5
    assert [order.place(step) for step in (0, 4, 5)] == [(0, 0), (0, 20), (1, 2)]


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    rows = np.arange(50)
    order = PairOrder(rows, batch=7, seed=1)
    forwards = [order.draws(step) for step in range(20)]
    for step in (19, 0, 7, 3):  # asked for in any order, by another object
        again = PairOrder(rows, batch=7, seed=1).draws(step)
        assert np.array_equal(again.rows, forwards[step].rows)
        assert np.array_equal(again.partner, forwards[step].partner)
    assert not np.array_equal(PairOrder(rows, batch=7, seed=2).draws(0).rows, forwards[0].rows)
    assert np.array_equal(order.epoch(2), np.random.default_rng((1, 2)).permutation(rows))


def test_a_batch_larger_than_the_data_goes_through_several_epochs() -> None:
    drawn = PairOrder(np.arange(4), batch=10, seed=0).draws(0).rows
    assert [sorted(drawn[:4]), sorted(drawn[4:8])] == [[0, 1, 2, 3]] * 2


def test_about_the_asked_share_of_prompts_is_taken_away() -> None:
    order = PairOrder(np.arange(50), batch=50, seed=0, dropout=0.2)
    share = np.mean([order.draws(step).empty.mean() for step in range(40)])
    assert share == pytest.approx(0.2, abs=0.04)
    assert not PairOrder(np.arange(50), batch=50, seed=0).draws(0).empty.any()
