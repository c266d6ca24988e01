"""The range of guidance as it is written and read."""

from __future__ import annotations

from typing import Any

import pytest

from emoticrafter.errors import InputError
from emoticrafter.guidance import EVERYWHERE, GuidanceRange


@pytest.mark.parametrize(
    ("text", "pair"), [(".3:.85", (0.3, 0.85)), ("0:1", (0, 1)), (" 0.25 : 1 ", (0.25, 1)), ("1e-1:0.5", (0.1, 0.5))]
)
def test_reads_and_writes_low_and_high(text: str, pair: tuple[float, float]) -> None:
    found = GuidanceRange.parse(text)
    assert found == pair == GuidanceRange.of(list(pair))
    assert GuidanceRange.parse(str(found)) == found
    assert str(GuidanceRange.of((0.3, 0.85))) == "0.3:0.85"
    assert str(GuidanceRange.of((0, 1))) == "0.0:1.0"


@pytest.mark.parametrize("text", ["", "0.3", ":", "0.3:", "0.3:0.5:0.8", "low:high", "0.3-0.85", "0,3:0,85"])
def test_a_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"guidance range .*0\.3:0\.85"):
        GuidanceRange.parse(text)


@pytest.mark.parametrize(
    "given",
    [
        (0.85, 0.3), (0.5, 0.5), (-0.1, 0.5), (0.5, 1.01), (float("nan"), 1), (0, float("nan")), (0, float("inf")), (0.3,),
        (0, 0.5, 1), (True, 1), ("0", "1"), "0:1", 0.3, None, {"low": 0, "high": 1},
    ],
)  # fmt: skip
def test_numbers_that_do_not_rise_within_0_and_1_are_refused(given: Any) -> None:
    with pytest.raises(InputError, match="two numbers that rise, from 0 to 1"):
        GuidanceRange.of(given)


def test_the_message_holds_the_numbers() -> None:
    with pytest.raises(InputError, match=r"The guidance range is 0\.85:0\.3; it must be"):
        GuidanceRange.parse(".85:.3")


def test_both_ends_are_within() -> None:
    middle = GuidanceRange(0.3, 0.85)
    assert [middle.covers(time, 1000) for time in (1000, 851, 850, 500, 300, 299, 0)] == [0, 0, 1, 1, 1, 0, 0]
    assert middle.covers(150, 500)
    assert all(EVERYWHERE.covers(time, 1000) for time in (0, 1, 999, 1000))
