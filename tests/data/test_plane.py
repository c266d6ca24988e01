from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from emoticrafter.data.plane import BINS, density, draw, levels
from emoticrafter.errors import OutputError


def rows(count: int, seed: int = 0, names: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    points = rng.normal((1, 0.5), (0.8, 0.6), (count, 2)).clip(-3, 3)
    return pd.DataFrame({"valence": points[:, 0], "arousal": points[:, 1], "dataset": [f"set {i % names}" for i in range(count)]})


def test_the_density_integrates_to_one_and_peaks_where_the_rows_are() -> None:
    filled = density(rows(5000))
    assert filled.shape == (BINS, BINS)
    assert filled.sum() * (6 / BINS) ** 2 == pytest.approx(1)
    arousal, valence = (np.array(np.unravel_index(filled.argmax(), filled.shape)) + 0.5) * 6 / BINS - 3
    assert (valence, arousal) == (pytest.approx(1, abs=0.3), pytest.approx(0.5, abs=0.3))


def test_the_density_is_that_of_the_normal_distribution_it_came_from() -> None:
    points = np.random.default_rng(1).normal(0, 0.7, (40_000, 2)).clip(-3, 3)
    filled = density(pd.DataFrame(points, columns=["valence", "arousal"]))
    assert filled[BINS // 2, BINS // 2] == pytest.approx(1 / (2 * np.pi * 0.7**2), rel=0.08)


def test_contours_hold_their_share() -> None:
    table = rows(20_000)
    filled = density(table)
    index = ((table[["arousal", "valence"]].to_numpy() + 3) * BINS / 6).astype(int).clip(0, BINS - 1)
    at_rows = filled[index[:, 0], index[:, 1]]
    for share, level in zip((0.95, 0.75, 0.5, 0.25), levels(filled), strict=True):
        assert (at_rows >= level).mean() == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(
    "table",
    [
        rows(2000, names=9),
        rows(1),
        pd.DataFrame({"valence": [3.0] * 50, "arousal": [-3.0] * 50, "dataset": ["$a^$\x1b 海"] * 50}),
        pd.DataFrame({"valence": [-3.0, 0, 3], "arousal": [0.0] * 3, "dataset": ["a" * 300, None, "b"]}),
    ],
    ids=["many sets", "one row", "one point", "odd names"],
)
def test_any_table_is_drawn(tmp_path: Path, table: pd.DataFrame) -> None:
    path = draw(table, tmp_path / "new" / "plane.png", title="rows of $x_1$\x07" * 9)
    with Image.open(path) as image:
        assert (image.format, image.size) == ("PNG", (1380, 1380))
        assert len(image.convert("RGB").getcolors(1 << 24) or []) > 200
    assert [file.name for file in path.parent.iterdir()] == ["plane.png"]


def test_an_existing_picture_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "plane.png"
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists"):
        draw(rows(3), path, title="x")
    assert path.read_text() == "precious"
    draw(rows(3), path, title="x", force=True)
    assert path.read_bytes()[:4] == b"\x89PNG"


def test_drawing_leaves_matplotlib_as_it_was(tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    draw(rows(3), tmp_path / "plane.png", title="x")
    assert dict(matplotlib.rcParams) == before
