from __future__ import annotations

import pytest

from emoticrafter.errors import InputError
from emoticrafter.panel.analysis.power import Spreads, people_needed, power_of


def test_the_number_of_people_is_that_of_the_tables() -> None:
    """d_z = 0.5 at 5% two-sided: 34 people have a power of 80% (Cohen 1988; G*Power 3.1, paired t), 0.808."""
    spreads = Spreads(noise=0.5**0.5, taste=0.0, contents=0.0)  # the difference of two answers has a deviation of 1
    found = power_of("rate-sets", 0.5, 34, 1, spreads, studies=2000)
    assert found.low < 0.808 < found.high
    assert 31 <= people_needed("rate-sets", 0.5, 1, spreads, studies=500)[-1].people <= 37


def test_no_effect_is_found_as_often_as_allowed() -> None:
    spreads = Spreads(noise=1.0, taste=0.3, contents=0.0)
    found = power_of("rate", 0.0, 20, 8, spreads, studies=2000)
    assert found.low < 0.05 < found.high


def test_more_contents_need_fewer_people_and_a_share_is_met() -> None:
    few, many = (people_needed("compare", 0.1, contents, studies=150)[-1] for contents in (6, 24))
    assert many.people < few.people
    assert many.power >= 0.8


def test_what_no_number_of_people_finds() -> None:
    with pytest.raises(InputError, match=r"Even 40 people would find an effect of 0\.001 only") as caught:
        people_needed("rate-sets", 0.001, 4, studies=100, most=40)
    assert (caught.value.field, caught.value.value) == ("effect", 0.001)
    with pytest.raises(InputError, match="preferred 110% of the time"):
        power_of("compare", 0.6, 10, 4)
