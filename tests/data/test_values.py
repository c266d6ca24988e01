from __future__ import annotations

import math

import pytest

from emoticrafter.data.values import folder_path, number, on_scale


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.5", 1.5), (" -2 ", -2), ("1,5", 1.5), ("−0.5", -0.5), (".5", 0.5), ("1e-1", 0.1), ("+3.", 3), ("1e999", math.inf)],
)
def test_numbers_as_people_write_them(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", " ", "NA", "nan", "inf", "1_0", "1,234.5", "3 of 7", "０", "True", "0x1"])
def test_no_numbers(text: str) -> None:
    assert math.isnan(number(text))


@pytest.mark.parametrize(
    ("text", "centre", "step", "value"),
    [("5.09", 4, 1, 1.09), ("1", 4, 1, -3), ("10", 5.5, 1.5, 3), ("1", 5.5, 1.5, -3), ("0", 3, 1, -3), ("4", 4, 1, 0)],
)
def test_scales_of_the_data_sets(text: str, centre: float, step: float, value: float) -> None:
    scaled = on_scale(text, centre, step)
    assert scaled == (value, "", "")
    assert math.copysign(1, scaled.value) == (1 if value >= 0 else -1)


@pytest.mark.parametrize(
    ("text", "fault"),
    [("7.2", "is outside 1 to 7"), ("0", "is outside 1 to 7"), ("1e999", "is outside 1 to 7"), ("five", "is not a number")],
)
def test_faults_of_a_rating(text: str, fault: str) -> None:
    assert on_scale(text, 4.0).fault == fault


def test_what_is_read_another_way_is_said() -> None:
    assert on_scale("3.0000002") == (3.0, "", "rounded into the range")
    assert on_scale("−1,5") == (-1.5, "", "number written another way")
    assert on_scale("3.1").fault == "is outside -3 to 3"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/Run_2/a b.jpg", "Run_2/a b.jpg"),
        ("mscoco\\images\\1.jpg", "mscoco/images/1.jpg"),
        ("./a//b.png", "a/b.png"),
        (" a.jpg ", "a.jpg"),
        ("", None),
        ("/", None),
        ("../secret", None),
        ("a/../../secret", None),
        ("C:\\Users\\me.jpg", None),
        ("a\n.jpg", None),
        ("..hidden.jpg", "..hidden.jpg"),
    ],
)
def test_paths_stay_in_the_folder(text: str, path: str | None) -> None:
    assert folder_path(text) == path
