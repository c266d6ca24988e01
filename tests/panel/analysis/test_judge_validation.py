from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emoticrafter.errors import InputError, MissingError
from emoticrafter.panel.analysis.judge_validation import read_ratings, validate_axis


def pictures(folder: Path, count: int = 4) -> list[str]:
    names = [f"{i}.png" for i in range(count)]
    for name in names:
        Image.new("RGB", (8, 8)).save(folder / name)
    return names


def test_a_judge_between_noise_and_the_ceiling() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 1.2, 300)
    ratings = truth[:, None] + rng.normal(0, 1, (300, 12))
    good, poor = validate_axis(truth, ratings, samples=200), validate_axis(rng.normal(0, 1, 300), ratings, samples=200)
    assert good.ceiling is not None
    assert good.correlation.value > good.ceiling[0] > 0.7  # the truth itself agrees better than any single person
    assert good.correlation.low < good.correlation.value < good.correlation.high
    assert good.error < 0.3
    assert good.r2 > 0.9
    assert (good.mean_icc or 0) > (good.alpha or 0) > 0.5
    assert abs(poor.correlation.value) < 0.15


def test_means_have_no_ceiling() -> None:
    found = validate_axis(np.array([1.0, 2, 3]), np.array([[1.0], [2], [2]]), samples=100)
    assert (found.ceiling, found.alpha, found.mean_icc) == (None, None, None)
    assert found.error == pytest.approx(1 / 3)


def test_ratings_are_read_by_person_and_picture(tmp_path: Path) -> None:
    pictures(tmp_path)
    text = "File,Participant,valence,arousal\n0.png,a,1,-1\n1.png,a,2,0\n2.png,a,3,1\n0.png,b,2,\n3.png,b,0,0\n"
    (tmp_path / "ratings.csv").write_text(text)
    found = read_ratings(tmp_path / "ratings.csv")
    assert [path.name for path in found.files] == ["0.png", "1.png", "2.png", "3.png"]
    assert found.raters == 2
    known = np.array([[1, 2], [2, np.nan], [3, np.nan], [np.nan, 0]])
    assert np.array_equal(found.ratings["valence"], known, equal_nan=True)
    assert np.isnan(found.ratings["arousal"][0, 1])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("file,valence\n0.png,1\n", "has no column for arousal"),
        ("name,valence,arousal\n0.png,1,1\n", "has no column for file"),
        ("file,valence,arousal\n0.png,4,1\n", "Line 2 of 'ratings.csv' has the valence '4'; it must be a number from -3 to 3"),
        ("file,valence,arousal\n0.png,x,1\n", "has the valence 'x'"),
        ("file,valence,arousal\n,1,1\n", "Line 2 of 'ratings.csv' names no picture"),
        ("file,valence,arousal\n0.png,1,1\n1.png,1,1\n", "has 2 pictures; at least 3 are needed"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    pictures(tmp_path)
    (tmp_path / "ratings.csv").write_text(text)
    with pytest.raises(InputError, match=problem):
        read_ratings(tmp_path / "ratings.csv")


def test_a_picture_that_is_not_there(tmp_path: Path) -> None:
    pictures(tmp_path, 2)
    (tmp_path / "ratings.csv").write_text("file,valence,arousal\n0.png,1,1\n1.png,1,1\ngone.png,1,1\n")
    with pytest.raises(MissingError, match=r"gone\.png"):
        read_ratings(tmp_path / "ratings.csv")
    (tmp_path / "away.csv").write_text("file,valence,arousal\n0.png,1,1\n1.png,1,1\n../x.png,1,1\n")
    with pytest.raises(InputError, match=r"\.\./x\.png"):
        read_ratings(tmp_path / "away.csv", tmp_path)
