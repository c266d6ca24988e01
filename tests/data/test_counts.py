from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emoticrafter.data.counts import CELLS, cell_counts, count, quadrant, rare_cells, read_any
from emoticrafter.data.tables import write_table
from emoticrafter.errors import InputError, MissingError

ROWS = pd.DataFrame(
    {
        "id": ["a/1", "a/2", "b/1", "b/2"],
        "picture": ["1.jpg", "2.jpg", None, None],
        "valence": [3.0, -1.0, 0.0, 2.0],
        "arousal": [3.0, 1.0, 2.0, -3.0],
        "dataset": ["a", "a", "b", "a"],
        "tag": ["Joy; Peace", "Peace", None, "Joy"],
        "split": ["train", None, "val", "train"],
    }
)


def test_counts() -> None:
    counts = count(ROWS)
    assert counts["rows"] == 4
    assert counts["datasets"] == {"a": 3, "b": 1}
    assert counts["splits"] == {"train": 2, "none": 1, "val": 1}
    assert counts["tags"] == {"Joy": 2, "Peace": 2}
    assert counts["quadrants"] == {
        "pleasant, excited": 1, "unpleasant, excited": 1, "unpleasant, calm": 0, "pleasant, calm": 1, "on an axis": 1,
    }  # fmt: skip
    assert counts["axes"]["valence"] == {"mean": 1.0, "deviation": pytest.approx(1.5811)}


def test_whole_ratings_lie_inside_the_squares_and_the_borders_count() -> None:
    grid = pd.DataFrame([(v, a) for v in range(-3, 4) for a in range(-3, 4)], columns=["valence", "arousal"])
    assert (cell_counts(grid) == 1).all()
    assert cell_counts(grid).shape == (CELLS, CELLS)
    corner = cell_counts(pd.DataFrame({"valence": [3.0], "arousal": [-3.0]}))
    assert corner[0, -1] == 1


def test_the_rarest_squares() -> None:
    cells = np.full((CELLS, CELLS), 100)
    cells[0, 6], cells[3, 4], cells[2, 2], cells[5, 5] = 0, 0, 9, 11
    assert rare_cells(cells) == [
        {"valence": [0.43, 1.29], "arousal": [-0.43, 0.43], "rows": 0},
        {"valence": [2.14, 3.0], "arousal": [-3.0, -2.14], "rows": 0},
        {"valence": [-1.29, -0.43], "arousal": [-1.29, -0.43], "rows": 9},
    ]
    assert rare_cells(np.ones((CELLS, CELLS), int)) == []


@pytest.mark.parametrize(("point", "name"), [((0, 0), "on an axis"), ((1, 0), "on an axis"), ((0.1, -0.1), "pleasant, calm")])
def test_quadrants(point: tuple[float, float], name: str) -> None:
    assert quadrant(*point) == name


def test_both_kinds_of_tables_are_read(tmp_path: Path) -> None:
    write_table(ROWS, tmp_path / "a.parquet", "annotations", {"importer": "a"})
    pairs = ROWS.assign(content="x", neutral_prompt="a", emotional_prompt="b", doubts="")
    write_table(pairs, tmp_path / "p.parquet", "pairs", {})
    table, kind, about = read_any(tmp_path / "a.parquet")
    assert (len(table), kind, about["importer"]) == (4, "annotations", "a")
    assert read_any(tmp_path / "p.parquet")[1] == "pairs"
    assert count(table) == count(read_any(tmp_path / "p.parquet")[0]) == count(ROWS)


def test_tables_that_cannot_be_shown(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="There is no file"):
        read_any(tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_text("id,valence\n")
    with pytest.raises(InputError, match=r"The file .* is damaged"):
        read_any(tmp_path / "a.parquet")
    ROWS.to_parquet(tmp_path / "b.parquet")
    with pytest.raises(InputError, match="is not a table of annotations"):
        read_any(tmp_path / "b.parquet")
    write_table(ROWS.iloc[:0], tmp_path / "c.parquet", "annotations", {})
    with pytest.raises(InputError, match="holds no rows"):
        read_any(tmp_path / "c.parquet")
    for value in (3.5, float("nan")):
        write_table(ROWS.assign(valence=[0.0, value, 0, 0]), tmp_path / "d.parquet", "annotations", {}, force=True)
        with pytest.raises(InputError, match=r"1 rows outside -3 to 3; the first is 'a/2'"):
            read_any(tmp_path / "d.parquet")
