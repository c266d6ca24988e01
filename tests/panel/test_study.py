"""A study's file is read strictly, and says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from emoticrafter.errors import InputError, MissingError, OutputError
from emoticrafter.panel.frozen import draft
from emoticrafter.panel.study import copy_example, find_study, read_study
from emoticrafter.panel.summary import summary
from tests.panel.studies import write_pictures, write_study


@pytest.mark.parametrize("kind", ["validate-pairs", "rank", "rate-sets", "rate", "compare"])
def test_each_kind_is_read_with_its_defaults(tmp_path: Path, kind: str) -> None:
    study, path = read_study(write_study(tmp_path, kind))
    assert (study.kind, study.name, path) == (kind, "tiny", tmp_path / "tiny.toml")
    assert (study.people.wanted, study.people.entry, study.design.practice) == (20, "links", 1)


@pytest.mark.parametrize(
    ("kind", "more", "told"),
    [
        (
            "rate",
            '[rate]\ninstrument = "emoji"',
            "instrument is 'emoji'; it must be one of affect-grid, affective-slider, sam, likert",
        ),
        ("rate", "[rank]\nsize = 4", "[rank] is of another kind of study than 'rate'"),
        ("rank", "[rank]\nsiez = 4", "Unknown key rank.siez"),
        ("rank", "[ranks]\nsize = 4", "Unknown section [ranks]"),
        ("rank", '[rank]\naxes = ["valence", "valence"]', "axes is ['valence', 'valence']: an entry occurs twice"),
        ("rank", "[rank]\naxes = []", "axes is []: it is empty"),
        ("rate", '[rate]\nscales = ["valence", "arousal", "dominance"]', "affect-grid has no dominance"),
        ("rate", '[rate]\nscales = ["valence"]', "the affect grid asks for valence and arousal"),
        ("rate", '[people]\nreturn_address = "http://x.org"', "it must begin with https://"),
        ("rate", '[people]\nreturn_address = "javascript:alert(1)"', "it must begin with https://"),
        ("rate", '[people]\nentry = "open"\nparameters = []', "open entry needs at least one"),
        ("rate", "[people]\nwanted = 0", "wanted is 0; it must be a whole number from 1 to 10000"),
        ("rate", "[people]\nsmallest_window = [320]", "it must be two numbers"),
        ("rate", "[exclusion]\nquick_share = 2.0", "quick_share is 2.0; it must be a number from 0 to 1"),
        ("rate", "[design]\npractice = true", "practice is True; it must be a whole number"),
    ],
)
def test_what_breaks_a_rule_is_named(tmp_path: Path, kind: str, more: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read_study(write_study(tmp_path, kind, more))
    assert told in str(caught.value)
    assert "tiny.toml" in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", "ünder", "a_b", "x" * 41])
def test_a_name_goes_into_file_names(tmp_path: Path, name: str) -> None:
    path = write_study(tmp_path, "rate")
    path.write_text(path.read_text(encoding="utf-8").replace('name = "tiny"', f'name = "{name}"'), encoding="utf-8")
    with pytest.raises(InputError, match=r"study\.name is .*letters, digits and hyphens"):
        read_study(path)


def test_pictures_and_pairs_do_not_mix(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\[\[pictures\]\] is of no use"):
        read_study(write_study(tmp_path, "validate-pairs", '[[pictures]]\nsource = "x"'))
    (tmp_path / "none.toml").write_text('[study]\nkind = "rate"\n', encoding="utf-8")
    with pytest.raises(InputError, match="The study has no pictures"):
        read_study(tmp_path / "none.toml")


@pytest.mark.parametrize(("name", "kind", "people"), [("paper-1", "rank", 20), ("paper-2", "rate-sets", 20)])
def test_the_papers_studies_ship(name: str, kind: str, people: int) -> None:
    study, path = read_study(name)
    assert (study.kind, study.name, study.people.wanted, path.stem) == (kind, name, people, name)
    assert [one.method for one in study.pictures] == ["ours", "rewriting"]


@pytest.mark.parametrize(("name", "trials", "minutes"), [("paper-1", 29, 20), ("paper-2", 28, 10)])
def test_the_papers_studies_are_laid_out_from_their_prompts(tmp_path: Path, name: str, trials: int, minutes: int) -> None:
    prompts = copy_example(name, tmp_path)[1].read_text(encoding="utf-8").split("\n")[:-1]
    for method in ("ours", "rewriting"):
        write_pictures(tmp_path / "pictures" / method, [method], prompts)
    text = (tmp_path / f"{name}.toml").read_text(encoding="utf-8")
    for method in ("ours", "rewriting"):
        text = text.replace(f'"pictures/{method}"', f'"pictures/{method}/pictures.csv"')
    (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    told = summary(draft(tmp_path / f"{name}.toml"))
    assert (told["balance"]["contents"], told["balance"]["trials"], told["minutes"]) == (12, trials, minutes)
    assert told["notes"] == []


def test_an_unknown_name_lists_those_that_ship() -> None:
    with pytest.raises(MissingError, match=r"There is no study 'paper-3'.*paper-1, paper-2"):
        find_study("paper-3")


def test_an_example_is_copied_once(tmp_path: Path) -> None:
    files = copy_example("paper-1", tmp_path / "mine")
    assert [path.name for path in files] == ["paper-1.toml", "prompts.txt"]
    assert read_study(files[0])[0] == read_study("paper-1")[0]
    with pytest.raises(OutputError, match="exists"):
        copy_example("paper-1", tmp_path / "mine")
    with pytest.raises(MissingError, match=r"Known ones: paper-1, paper-2"):
        copy_example("paper", tmp_path / "mine")
