"""Suites as files: strict, with methods of their own, and prompts of two kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emoticrafter.errors import InputError, MissingError
from emoticrafter.evaluation.cases import held_out_cases, prompt_id
from emoticrafter.evaluation.pictures import neutral_rows, suite_rows, sweep_rows
from emoticrafter.evaluation.suite import Suite, read_suite
from emoticrafter.settings import as_dict, as_toml, read_settings


def write(folder: Path, text: str) -> Path:
    (folder / "suite.toml").write_text(text)
    return folder / "suite.toml"


def test_several_methods_are_read_and_written_back(tmp_path: Path) -> None:
    text = '[[methods]]\nlabel = "a"\nstrength = 1\n[[methods]]\nsource = "runs/rivals/discrete/"\nset = ["x.y=1"]\n'
    suite, path = read_suite(write(tmp_path, text))
    assert [(one.name, one.source, one.strength) for one in suite.methods] == [
        ("a", "ours", 1.0),
        ("discrete", "runs/rivals/discrete/", None),
    ]
    path.write_text(as_toml(suite))
    assert read_settings(Suite, path) == suite
    methods: Any = as_dict(suite)["methods"]
    assert methods[1]["set"] == ["x.y=1"]


def test_a_range_of_guidance_reaches_every_row_that_is_drawn(tmp_path: Path) -> None:
    suite, path = read_suite(write(tmp_path, "[model]\nguidance_range = [0.3, 0.85]\n[prompts]\ncount = 1\n"))
    cases = suite.cases(tmp_path)
    rows = [*suite_rows(cases, suite, None), *neutral_rows(cases, suite), *sweep_rows(cases, suite, 1.0)]
    assert len(rows) == 51
    assert {row.guidance_range for row in rows} == {(0.3, 0.85)}
    path.write_text(as_toml(suite))
    assert read_suite(path)[0] == suite


def test_a_suite_without_methods_compares_ours(tmp_path: Path) -> None:
    assert [one.name for one in read_suite(write(tmp_path, ""))[0].methods] == ["ours"]


def test_methods_are_chosen_by_label_source_or_both(tmp_path: Path) -> None:
    suite, _ = read_suite(write(tmp_path, '[[methods]]\nlabel = "strong"\nstrength = 2\n'))
    found = suite.with_methods(["strong", "rewriting", "mine=runs/x"]).methods
    assert [(one.name, one.source, one.strength) for one in found] == [
        ("strong", "ours", 2.0),
        ("rewriting", "rewriting", None),
        ("mine", "runs/x", None),
    ]
    with pytest.raises(InputError, match="Two methods are called 'x'"):
        suite.with_methods(["a/x", "b/x"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[methods]]\nsorce = "ours"', "methods.sorce"),
        ('[methods]\nsource = "ours"', "no section \\[\\[methods\\]\\]"),
        ('[[methods]]\nstrength = "much"', "strength is 'much'"),
        ("[metric]\nsamples = 20", r"section \[metric\]"),
        ("[emotions]\nvalences = [3, -3]", "rising values"),
        ("[emotions]\narousals = [-4, 3]", "arousals is"),
        ("[emotions]\nseeds = []", "emotions.seeds is empty"),
        ("[model]\nguidance_range = [0.85, 0.3]", r"guidance range is 0\.85:0\.3"),
        ("[model]\nguidance_range = [0.3]", "two numbers that rise"),
        ("[model]\nguidance_range = [0.3, 1.5]", "guidance_range is 1.5"),
        ('[prompts]\nsource = "file"\nfile = "x.txt"', "content judge"),
        ('[[methods]]\nlabel = "a"\n[[methods]]\nlabel = "a"', "Two methods are called 'a'"),
    ],
)
def test_what_breaks_a_rule_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_suite(write(tmp_path, text))


def test_several_tables_cannot_be_set_from_outside(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="methods"):
        read_suite(write(tmp_path, ""), ["methods.source=x"])


def test_prompts_of_a_file_lie_beside_the_suite(tmp_path: Path) -> None:
    text = '[prompts]\nsource = "file"\nfile = "p.txt"\ncount = 2\n[judge]\ncontent = "none"\n'
    suite, path = read_suite(write(tmp_path, text))
    with pytest.raises(MissingError):
        suite.cases(path.parent)
    (tmp_path / "p.txt").write_text("a  cat\na cat\na dog\na horse\n")
    cases = suite.cases(path.parent)
    assert [case.prompt for case in cases] == ["a cat", "a dog"]
    assert [case.id for case in cases] == [prompt_id("a cat"), prompt_id("a dog")]
    assert all(case.expected is None for case in cases)
    (tmp_path / "p.txt").write_text("a cat\n")
    with pytest.raises(InputError, match="holds 1 prompts; 2 were asked for"):
        suite.cases(path.parent)


def test_storybook_cases_are_held_out_and_each_its_own() -> None:
    cases = held_out_cases(40)
    assert len({case.id for case in cases}) == len({case.scene.content() for case in cases}) == 40
    assert held_out_cases(12) == cases[:12]
    assert held_out_cases(12, seed=1) != cases[:12]
    assert all(case.expected.places for case in cases)
    assert {case.own_valence > 0 for case in cases} == {True, False}
