"""A set from painted candidates, whose feelings are known: chosen, written, made again, taken up after a kill."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from emoticrafter.errors import InputError, StoppedError
from emoticrafter.panel.frozen import draft
from emoticrafter.recipe import read_recipe
from emoticrafter.stimuli.design import StimulusDesign, read_design
from emoticrafter.stimuli.making import make_set
from emoticrafter.watch import Watch
from tests.painted import Painter, painted_judges
from tests.stimuli.test_design import DESIGN, written

COLOURED = DESIGN + "[matching]\napart = 0\n[[contents]]\nprompt = '=a <b>cat</b> & more'\n"


@pytest.fixture
def design(tmp_path: Path) -> StimulusDesign:
    return read_design(written(tmp_path, COLOURED))[0]


@pytest.fixture
def no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take most of a set's time."""
    monkeypatch.setattr("emoticrafter.stimuli.making.write_page", lambda *given: "page")


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_set_and_all_that_lies_beside_it(design: StimulusDesign, tmp_path: Path) -> None:
    done = make_set(design, Painter(), painted_judges(), tmp_path / "set", command="emoticrafter stimuli")
    folder = tmp_path / "set"
    assert done.folder == folder
    rows = table(folder / "norms.csv")
    assert [row["file"] for row in rows] == [
        "pictures/v-2_a+0_01.png", "pictures/v-2_a+0_02.png", "pictures/v+2_a+0_01.png", "pictures/v+2_a+0_02.png",
    ]  # fmt: skip
    for row in rows:
        recipe = read_recipe(folder / row["file"])
        assert (recipe["seed"], recipe["valence"]) == (int(row["seed"]), float(row["valence_asked"]))
        assert float(row["valence_judged"]) == float(row["valence_asked"])  # the painter paints what is asked for
        assert row["valence_rated"] == ""
    assert sorted(row["people"] for row in rows) == ["no", "no", "yes", "yes"]
    wishes = {one["wish"]: one for one in done.report["wishes"]}
    assert wishes["valence as asked for"]["found"] == "100% of the pictures; 0.00 off on average, 0.00 at most"
    assert wishes["pictures with people in each cell"]["held"]
    assert not wishes["people seen where asked for, and nowhere else"]["held"]  # the judge sees nobody
    assert json.loads((folder / "set.json").read_text("utf-8"))["candidates"] == 2 * 3 * 3
    page = (folder / "set.html").read_text("utf-8")
    assert "=a &lt;b&gt;cat&lt;/b&gt; &amp; more" in page or all("cat" not in row["prompt"] for row in rows)
    assert "<script" not in page
    conditions = table(folder / "psychopy" / "conditions.csv")
    assert [row["image"] for row in conditions] == [f"../{row['file']}" for row in rows]
    text = (folder / "jspsych" / "stimuli.js").read_text("utf-8")
    variables = json.loads(text.split("const stimuli = ")[1].removesuffix(";\n"))
    assert variables[0]["stimulus"] == "../pictures/v-2_a+0_01.png"
    assert "4 pictures, 2 in each of 2 cells" in (folder / "methods.md").read_text("utf-8")
    assert "Apache License" in (folder / "LICENSE.md").read_text("utf-8")


@pytest.mark.usefixtures("no_page")
def test_the_set_can_be_rated_by_the_panel(design: StimulusDesign, tmp_path: Path) -> None:
    make_set(design, Painter(), painted_judges(), tmp_path / "set")
    study = (tmp_path / "set" / "study.toml").read_text("utf-8")
    assert tomllib.loads(study)["study"] == {"kind": "rate", "name": "tiny", "seed": 5}
    small = study.replace("practice = 2", "practice = 1").replace("repeats = 4", "repeats = 1")
    (tmp_path / "set" / "small.toml").write_text(small)
    frozen = draft(tmp_path / "set" / "small.toml")
    assert len(frozen.units.pictures) == 4
    assert {one.question for one in frozen.trials(0)[0].questions} == {"valence", "arousal"}


@pytest.mark.usefixtures("no_page")
def test_the_same_call_makes_the_same_bytes_and_draws_nothing(design: StimulusDesign, tmp_path: Path) -> None:
    make_set(design, Painter(), painted_judges(), tmp_path / "set")
    before = contents(tmp_path / "set")
    painter = Painter()
    make_set(design, painter, painted_judges(), tmp_path / "set")
    assert painter.calls == 0
    assert contents(tmp_path / "set") == before


@pytest.mark.usefixtures("no_page")
def test_a_killed_call_goes_on(design: StimulusDesign, tmp_path: Path) -> None:
    whole = make_set(design, Painter(), painted_judges(), tmp_path / "whole")
    dying = Painter(dies_after=1)
    with pytest.raises(KeyboardInterrupt):
        make_set(design, dying, painted_judges(), tmp_path / "set")
    assert not (tmp_path / "set" / "set.html").exists()
    after = Painter()
    done = make_set(design, after, painted_judges(), tmp_path / "set")
    assert done.report == whole.report
    assert {**contents(tmp_path / "set")} == {**contents(tmp_path / "whole")}


@pytest.mark.usefixtures("no_page")
def test_a_stop_leaves_no_set(design: StimulusDesign, tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        make_set(design, Painter(), painted_judges(), tmp_path / "set", watch=Watch(stop=lambda: True))
    assert not (tmp_path / "set" / "pictures").exists()


@pytest.mark.usefixtures("no_page")
def test_people_s_ratings_go_into_the_norms(design: StimulusDesign, tmp_path: Path) -> None:
    first = make_set(design, Painter(), painted_judges(), tmp_path / "set").report["pictures"]
    head = "prompt,method,seed,valence_asked,arousal_asked,valence_mean,valence_sd,valence_people,arousal_mean,arousal_sd\n"
    one = first[0]
    prompt = one["prompt"].replace("=", "'=")
    row = f'"{prompt}",painter,{one["seed"]},{one["valence_asked"]},{one["arousal_asked"]},-1.5,0.7,20,0.25,0.9\n'
    (tmp_path / "norms.csv").write_text(head + row)
    done = make_set(design, Painter(), painted_judges(), tmp_path / "set", norms=tmp_path / "norms.csv")
    assert done.report["rated"] == 1
    rated = table(tmp_path / "set" / "norms.csv")[0]
    assert (rated["valence_rated"], rated["arousal_rated"], rated["raters"]) == ("-1.5", "0.25", "20.0")
    (tmp_path / "other.csv").write_text(head + "a house,painter,1,0,0,1,1,20,1,1\n")
    with pytest.raises(InputError, match="None of the 1 pictures of"):
        make_set(design, Painter(), painted_judges(), tmp_path / "set", norms=tmp_path / "other.csv")


@pytest.mark.usefixtures("no_page")
def test_two_pictures_alike_are_not_both_taken(tmp_path: Path) -> None:
    text = COLOURED.replace("apart = 0", "apart = 3").replace("per_cell = 2", "per_cell = 2")
    design, _ = read_design(written(tmp_path, text))
    report = make_set(design, Painter(), painted_judges(), tmp_path / "set").report
    nearest = [row["nearest"] for row in report["pictures"]]
    assert min(nearest) >= 3
    far = read_design(written(tmp_path, COLOURED.replace("apart = 0", "apart = 150")))[0]
    with pytest.raises(InputError, match="No choice of the candidates"):
        make_set(far, Painter(), painted_judges(), tmp_path / "set")


@pytest.mark.usefixtures("no_page")
def test_a_folder_of_other_things(design: StimulusDesign, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").touch()
    with pytest.raises(InputError, match=r"holds other files: 'mine\.txt'"):
        make_set(design, Painter(), painted_judges(), tmp_path / "set")


@pytest.mark.usefixtures("no_page")
def test_luminance_that_goes_with_feeling_is_told(design: StimulusDesign, tmp_path: Path) -> None:
    """Painted red is valence, so it cannot be matched; the page says so, and by how much."""
    report: Any = make_set(design, Painter(), painted_judges(), tmp_path / "set").report
    wish = next(one for one in report["wishes"] if one["wish"] == "matched in luminance")
    assert not wish["held"]
    luminance = next(one for one in report["confounds"] if one["property"] == "luminance")
    assert luminance["valence"] > 0.9
    assert luminance["arousal"] is None  # all were asked for one arousal
    assert "Not held: " in (tmp_path / "set" / "methods.md").read_text("utf-8")
