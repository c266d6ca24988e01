"""Pictures made elsewhere, found by name or by index."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from emoticrafter.errors import InputError, MissingError
from emoticrafter.evaluation.pictures import PictureRow, find_pictures
from tests.painted import CASES


def save(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (number, 0, 0)).save(folder / name)
    return folder


def points(rows: list[PictureRow]) -> list[tuple[object, ...]]:
    return [(row.case.prompt, row.valence, row.arousal, row.seed) for row in rows]


def test_names_with_ids_or_numbers_in_folders_too(tmp_path: Path) -> None:
    first = CASES[0].id
    folder = save(tmp_path, f"{first}_-1.5_3_7.png", "sub/1_+2_-0.25_0.png", "002_0_0_1.png", "99_0_0_0.png", "notes_0.png")
    found = find_pictures(folder, None, CASES, 0)
    assert sorted(points(found)) == sorted(
        [
            (CASES[0].prompt, -1.5, 3.0, 7),
            (CASES[1].prompt, 2.0, -0.25, 0),
            (CASES[2].prompt, 0.0, 0.0, 1),
        ]
    )
    assert len({row.sha256 for row in found}) == 3


def test_files_of_the_system_are_no_pictures(tmp_path: Path) -> None:
    folder = save(tmp_path, "0_1_1_0.png", ".trash/0_2_2_0.png", "in/0_1_2_0.png")
    for name in ("._0_1_1_0.png", "in/._0_1_2_0.png", ".DS_Store"):
        (folder / name).write_bytes(b"\0\5\x16\7")
    found = find_pictures(folder, "{prompt_id}_{valence}_{arousal}_{seed}.png", CASES, 0)
    assert points(found) == [(CASES[0].prompt, 1.0, 1.0, 0), (CASES[0].prompt, 1.0, 2.0, 0)]


def test_a_picture_that_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "mine", "0_1_1_0.png")
    save(tmp_path, "secret.png")
    (folder / "0_2_2_0.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(InputError, match=r"0_2_2_0\.png' does not lie below"):
        find_pictures(folder, None, CASES, 0)
    for name in ("../secret.png", str(tmp_path / "secret.png"), "0_2_2_0.png"):
        (folder / "index.csv").write_text(f"prompt_id,valence,arousal,file\n0,1,1,{name}\n")
        with pytest.raises(InputError, match=r"'index\.csv', line 2: The picture .* does not lie below .*above the pictures"):
            find_pictures(folder / "index.csv", None, CASES, 0)
    for name in ("0_1_1_0.png", str(folder / "0_1_1_0.png"), "../mine/0_1_1_0.png"):
        (folder / "index.csv").write_text(f"prompt_id,valence,arousal,file\n0,1,1,{name}\n")
        assert points(find_pictures(folder / "index.csv", None, CASES, 0)) == [(CASES[0].prompt, 1.0, 1.0, 0)]


def test_a_pattern_without_seed_takes_the_suites(tmp_path: Path) -> None:
    folder = save(tmp_path, "p0 v-3 a3.png")
    found = find_pictures(folder, "p{prompt_id} v{valence} a{arousal}.png", CASES, 5)
    assert points(found) == [(CASES[0].prompt, -3.0, 3.0, 5)]


@pytest.mark.parametrize("pattern", ["{prompt_id}.png", "{prompt_id}_{valence}_{arousal}_{x}.png", "{valence}{valence}"])
def test_a_pattern_that_is_none(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(InputError, match="is not one"):
        find_pictures(save(tmp_path, "0_0_0_0.png"), pattern, CASES, 0)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["0_4_0_0.png"], "valence 4"),
        (["0_1_1_0.png", "00_1.0_1_0.png"], "second picture"),
        (["77_1_1_0.png"], "None of the pictures"),
        (["cat.png"], "No picture"),
    ],
)
def test_what_cannot_be_scored_is_said(tmp_path: Path, names: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        find_pictures(save(tmp_path, *names), None, CASES, 0)


def test_an_index_by_prompt_or_id(tmp_path: Path) -> None:
    save(tmp_path, "x/a.png", "x/b.png")
    (tmp_path / "index.csv").write_text(f"prompt_id,valence,arousal,seed,file\n{CASES[0].id},1,2,3,x/a.png\n1,-1,-2,,x/b.png\n")
    found = find_pictures(tmp_path / "index.csv", None, CASES, 9)
    assert points(found) == [(CASES[0].prompt, 1.0, 2.0, 3), (CASES[1].prompt, -1.0, -2.0, 9)]


@pytest.mark.parametrize("line", ["a horse,x,0,a.png", "a horse,0,0,nowhere.png"])
def test_a_broken_line_of_an_index_is_named(tmp_path: Path, line: str) -> None:
    save(tmp_path, "a.png")
    (tmp_path / "index.csv").write_text(f"prompt,valence,arousal,file\n{line}\n")
    with pytest.raises(InputError, match="line 2"):
        find_pictures(tmp_path / "index.csv", None, CASES, 0)
    with pytest.raises(InputError, match="--pattern goes with a folder"):
        find_pictures(tmp_path / "index.csv", "{prompt_id}", CASES, 0)
    with pytest.raises(MissingError):
        find_pictures(tmp_path / "other.csv", None, CASES, 0)
