"""Pictures of a study from a batch, an evaluation's report, or a CSV."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from emoticrafter.batch.index import write_index
from emoticrafter.errors import InputError, MissingError
from emoticrafter.inputs.named import file_hash
from emoticrafter.panel.images import find_pictures
from emoticrafter.panel.study import PictureSource

HEADER = "file,method,prompt,valence,arousal,seed"


def batch(folder: Path, method: str, colour: str) -> None:
    """A folder as `emoticrafter batch` leaves it, with two pictures."""
    (folder / "pictures").mkdir(parents=True)
    entries = []
    for valence in (-3.0, 3.0):
        file = f"pictures/{valence:g}.png"
        Image.new("RGB", (8, 8), colour).save(folder / file)
        entries.append(
            {
                "id": f"{int(valence + 3):016x}", "prompt": "a dog", "prompt_id": "0123456789", "valence": valence,
                "arousal": 0.0, "seed": 4, "method": method, "file": file, "sha256": file_hash(folder / file),
            }
        )  # fmt: skip
    write_index(folder, entries, 2)


def table(folder: Path, *lines: str) -> PictureSource:
    for name, colour in (("a.png", "red"), ("b.png", "blue")):
        Image.new("RGB", (8, 8), colour).save(folder / name)
    (folder / "t.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return PictureSource(source="t.csv")


def test_a_batch_gives_what_its_index_says(tmp_path: Path) -> None:
    batch(tmp_path / "drawn", "emoticrafter", "red")
    found = find_pictures([PictureSource(source="drawn")], tmp_path)
    assert [(one.method, one.prompt, one.prompt_id, one.valence, one.arousal, one.seed, one.file) for one in found] == [
        ("emoticrafter", "a dog", "0123456789", -3.0, 0.0, 4, "pictures/-3.png"),
        ("emoticrafter", "a dog", "0123456789", 3.0, 0.0, 4, "pictures/3.png"),
    ]
    assert [Path(one.path).is_file() for one in found] == [True, True]
    named = find_pictures(
        [PictureSource(source="drawn", method="ours"), PictureSource(source=str(tmp_path / "drawn"), method="copy")], tmp_path
    )
    assert [one.method for one in named] == ["ours", "ours", "copy", "copy"]
    assert len({one.id for one in named}) == 4


def test_a_report_gives_what_its_methods_drew(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.mkdir()
    (report / "report.json").write_text("{}", encoding="utf-8")
    batch(report / "work" / "pictures" / "ours-0a1b2c3d", "emoticrafter", "red")
    batch(report / "work" / "pictures" / "time_embedding-0a1b2c3e", "time_embedding", "blue")
    found = find_pictures([PictureSource(source="report")], tmp_path)
    assert [one.method for one in found] == ["ours", "ours", "time_embedding", "time_embedding"]
    assert [one.method for one in find_pictures([PictureSource(source="report", method="ours")], tmp_path)] == ["ours", "ours"]
    with pytest.raises(InputError, match=r"no pictures of 'theirs'. It has those of ours, time_embedding"):
        find_pictures([PictureSource(source="report", method="theirs")], tmp_path)


def test_a_table_may_leave_columns_empty(tmp_path: Path) -> None:
    found = find_pictures([table(tmp_path, "a.png,,,,,", "b.png,mine,a cat,1.5,-3,7")], tmp_path)
    assert [(one.method, one.prompt, one.valence, one.arousal, one.seed) for one in found] == [
        ("", "", None, None, None),
        ("mine", "a cat", 1.5, -3.0, 7),
    ]


@pytest.mark.parametrize(
    ("line", "error", "told"),
    [
        ("a.png,m,a dog,4,0,0", InputError, "'t.csv', line 2 has the valence '4'; it goes from -3 to 3"),
        ("a.png,m,a dog,1,x,0", InputError, "has the arousal 'x'"),
        ("a.png,m,a dog,1,0,first", InputError, "has the seed 'first'"),
        ("c.png,m,a dog,1,0,0", MissingError, "c.png"),
        ("../a.png,m,a dog,1,0,0", InputError, "does not lie below"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, line: str, error: type[Exception], told: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(error) as caught:
        find_pictures([table(folder, line)], folder)
    assert told in str(caught.value)


def test_two_pictures_of_one_cell_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'b.png' and 'a.png' are of one method, 'm', one prompt, emotion and seed"):
        find_pictures([table(tmp_path, "a.png,m,a dog,1,0,0", "b.png,m,a dog,1,0,0")], tmp_path)


def test_a_source_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="There are no pictures at 'nowhere'"):
        find_pictures([PictureSource(source="nowhere")], tmp_path)
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match=r"'notes.txt' is no source of pictures"):
        find_pictures([PictureSource(source="notes.txt")], tmp_path)
