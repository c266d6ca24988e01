from __future__ import annotations

from pathlib import Path

import pytest

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError, MissingError
from emoticrafter.stimuli.candidates import candidate_rows
from emoticrafter.stimuli.design import read_design

DESIGN = """
[set]
name = "tiny"
per_cell = 2
seed = 5
[plane]
valences = [-2, 2]
arousals = [0]
[drawing]
candidates = 3
[balance]
people = 0.5
[[contents]]
prompt = "a dog on a beach"
[[contents]]
prompt = "a girl in a park"
people = true
"""


def written(tmp_path: Path, text: str = DESIGN) -> Path:
    path = tmp_path / "design.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_design_and_its_candidates(tmp_path: Path) -> None:
    design, path = read_design(written(tmp_path), ["drawing.strength=1.2"])
    assert path == tmp_path / "design.toml"
    assert design.cells == [Emotion(valence=-2, arousal=0), Emotion(valence=2, arousal=0)]
    assert design.size == 4
    rows = candidate_rows(design)
    assert len(rows) == 2 * 2 * 3
    assert [(row.prompt, row.valence, row.seed) for row in rows[:4]] == [
        ("a dog on a beach", -2, 5), ("a dog on a beach", -2, 6), ("a dog on a beach", -2, 7), ("a girl in a park", -2, 5),
    ]  # fmt: skip
    assert {row.seed for row in rows if row.valence == 2} == {8, 9, 10}  # no layout comes twice
    assert {row.strength for row in rows} == {1.2}


def test_the_design_that_ships() -> None:
    design, _ = read_design("storybook")
    assert (design.size, len(design.contents)) == (36, 4)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('name = "tiny"', 'name = "two words"', "set.name is 'two words'"),
        ("per_cell = 2", "per_cell = 7", "a cell has 6 candidates for 7 places"),
        ("candidates = 3", "candidates = 100000", "candidates"),
        ("people = true", "people = false", "no content is with people"),
        ("a girl in a park", "a dog on a  beach", "it comes twice"),
        ('prompt = "a girl in a park"', 'prompt = " "', "it is empty"),
        ("valences = [-2, 2]", "valences = [-4, 2]", "valences"),
        ("[plane]", "[plan]", "section [plan]"),
        ("seed = 5", "sede = 5", "Did you mean seed?"),
    ],
)
def test_designs_that_are_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read_design(written(tmp_path, DESIGN.replace(old, new)))
    assert problem in str(caught.value)


def test_no_design_and_no_contents(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="one that ships: storybook"):
        read_design("nothing")
    with pytest.raises(InputError, match="The design has no contents"):
        read_design(written(tmp_path, "[set]\nname = 'x'\n"))
