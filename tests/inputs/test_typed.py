"""Values of JSON in the types that are declared for them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from emoticrafter.errors import InputError
from emoticrafter.inputs.typed import rule_of, shown, typed


@dataclass(frozen=True, kw_only=True)
class Inner:
    name: str
    share: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Outer:
    count: int
    inner: tuple[Inner, ...] = ()
    rows: dict[str, list[float]] = field(default_factory=dict)
    pair: tuple[str, int] | None = None


@pytest.mark.parametrize(
    ("value", "hint", "made"),
    [
        (3, int, 3),
        (3, float, 3.0),
        (None, float | None, None),
        ("a", Literal["a", "b"], "a"),
        ([1, 2.5], list[float], [1.0, 2.5]),
        ([1, 2], tuple[int, ...], (1, 2)),
        (["a", 1], tuple[str, int], ("a", 1)),
        ({"a": [1]}, dict[str, list[float]], {"a": [1.0]}),
        ({"anything": [None, {}]}, Any, {"anything": [None, {}]}),
        ({"anything": None}, dict[str, Any], {"anything": None}),
        ({"name": "x", "of later": 1}, Inner, Inner(name="x")),
        (
            {"count": 1, "inner": [{"name": "x", "share": 1}], "rows": {"r": []}, "pair": ["p", 2]},
            Outer,
            Outer(count=1, inner=(Inner(name="x", share=1.0),), rows={"r": []}, pair=("p", 2)),
        ),
    ],
)
def test_what_fits_is_taken(value: Any, hint: Any, made: Any) -> None:
    found = typed("x", value, hint)
    assert found == made
    assert type(found) is type(made)


@pytest.mark.parametrize(
    ("value", "hint", "says"),
    [
        (None, int, "x is None; it must be a whole number."),
        (True, int, "x is True; it must be a whole number."),
        (1.0, int, "x is 1.0; it must be a whole number."),
        ("1", float, "x is '1'; it must be a number."),
        (math.nan, float, "x is nan; it must be a number."),
        (10**400, float, "x is 1000"),
        (1, bool, "x is 1; it must be true or false."),
        ("c", Literal["a", "b"], "x is 'c'; it must be one of a, b."),
        ({}, list[int], "x is {}; it must be a list, each a whole number."),
        ("ab", list[str], "x is 'ab'; it must be a list, each text."),
        ([1, "a"], list[int], "x is 'a'; it must be a whole number."),
        (["a"], tuple[str, int], "x is ['a']; it must be a list"),
        ([], dict[str, float], "x is []; it must be an object."),
        ({"a": None}, dict[str, float], "x.a is None; it must be a number."),
        ([], Inner, "x is []; it must be an object."),
        ({}, Inner, "x has no name."),
        ({"count": 1, "inner": [{"name": 3}]}, Outer, "x.inner.name is 3; it must be text."),
        ({"count": 1, "rows": {"r": [None]}}, Outer, "x.rows.r is None; it must be a number."),
    ],
)
def test_what_does_not_fit_is_named_with_the_rule(value: Any, hint: Any, says: str) -> None:
    with pytest.raises(InputError) as error:
        typed("x", value, hint)
    assert error.value.problem.startswith(says)
    assert len(error.value.problem) < 150


def test_a_file_as_a_whole_has_no_name() -> None:
    with pytest.raises(InputError, match=r"^it is \[\]; it must be an object\.$"):
        typed("", [], dict[str, Any])
    with pytest.raises(InputError, match=r"^count is '1'; it must be a whole number\.$"):
        typed("", {"count": "1"}, Outer)


def test_bounds_are_told_with_the_rule() -> None:
    assert typed("x", 1, float, {"from": 1}) == 1.0
    with pytest.raises(InputError, match="x is 0; it must be a whole number from 1 to 3"):
        typed("x", 0, int, {"from": 1, "to": 3})
    assert rule_of(tuple[float, ...], {"above": 0.5}) == "a list, each a number above 0.5"


def test_a_number_that_python_does_not_print_is_shown_all_the_same() -> None:
    assert shown(int("f" * 5000, 16)) == shown([int("f" * 5000, 16)]) == "a number of thousands of digits"
