"""The stages on painted pictures, whose judged values are known: figures, resuming, the page, the JSON."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emoticrafter import checkpoint
from emoticrafter.errors import InputError, OutputError, StoppedError
from emoticrafter.evaluation.comparing import in_short
from emoticrafter.evaluation.pictures import find_pictures
from emoticrafter.evaluation.run import Elsewhere, Evaluated, evaluate
from emoticrafter.evaluation.suite import Bars, ComparedMethod, Suite, read_suite
from emoticrafter.watch import Watch
from tests.painted import CASES, ColourJudge, Studio, painted_judges
from tests.tiny_features import make_features
from tests.training.tiny_runs import SMALL

SETTINGS = """
[emotions]
valences = [-3, 0, 3]
arousals = [-3, 3]
[metrics]
samples = 20
diversity_prompts = 1
step_prompts = 1
[sweep]
factors = [0.5]
prompts = 2
[show]
grids = 1
worst = 2
[bars]
error = 0.35
slope_low = 0.9
slope_high = 1.1
retention = 0.97
people = true
beats_rivals = true
smoother_than = "half"
[[methods]]
source = "ours"
[[methods]]
source = "half"
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    path = tmp_path_factory.mktemp("suite") / "suite.toml"
    path.write_text(SETTINGS)
    return read_suite(path)[0]


@pytest.fixture(scope="module")
def first(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """A report; not to be written to."""
    return run(suite, tmp_path_factory.mktemp("first") / "report", Studio(), doubt="The judge is <weak>.")


@pytest.fixture
def begun(first: Evaluated, tmp_path: Path) -> Path:
    """A copy of its folder."""
    return Path(shutil.copytree(first.html.parent, tmp_path / "report"))


def run(suite: Suite, out: Path, studio: Studio | None, judge: ColourJudge | None = None, **more: Any) -> Evaluated:
    return evaluate(suite, CASES, out, painted_judges(judge), studio, name="painted", command="emoticrafter <evaluate>", **more)


def rows(done: Evaluated) -> dict[str, dict[str, Any]]:
    return {row["label"]: row for row in done.report["rows"]}


def value(row: dict[str, Any], figure: str) -> float:
    return row["figures"][figure]["value"]


def test_figures_are_those_of_what_was_painted(first: Evaluated) -> None:
    found = rows(first)
    assert list(found) == ["always 0", "no emotion", "truth", "ours", "half"]
    assert [found[name]["method"] for name in found] == [False, False, False, True, True]
    for name, v, a in (
        ("always 0", 2.0, 3.0),
        ("no emotion", 2.0, 3.0),
        ("truth", 0.0, 0.0),
        ("ours", 0.0, 0.0),
        ("half", 1.0, 1.5),
    ):
        assert value(found[name], "valence_error") == pytest.approx(v, abs=1e-4)
        assert value(found[name], "arousal_error") == pytest.approx(a, abs=1e-4)
    assert value(found["half"], "valence_slope") == pytest.approx(0.5, abs=1e-4)
    assert value(found["ours"], "arousal_ranking") == 1
    assert value(found["always 0"], "arousal_ranking") == 0
    assert found["always 0"]["pictures"] == 0
    assert found["ours"]["pictures"] == len(CASES) * 6
    assert value(found["ours"], "retention") == 1  # the judge sees the same in every picture
    assert value(found["ours"], "content") == pytest.approx((1 + 0.0 + 0.0) / 3)
    assert value(found["no emotion"], "continuous") == 0
    assert 0 < value(found["half"], "continuous") < value(found["ours"], "continuous")
    assert value(found["ours"], "diversity") > 0
    assert value(found["ours"], "valence_perceptible") == 1
    assert [point["strength"] for point in found["half"]["curve"]] == [0.5, 1.0]
    assert found["half"]["curve"][0]["error"]["value"] > found["half"]["curve"][1]["error"]["value"]
    assert found["half"]["cells"]["valence_error"] == [[1.5, 0, 1.5]] * 2
    assert first.report["best"]["valence_error"] == "ours"


def test_bars_and_tests(suite: Suite, tmp_path: Path) -> None:
    done = run(suite, tmp_path / "report", Studio(ours=0.8))
    bars = {one["bar"]: one for one in done.report["verdicts"]}
    assert bars["V-Error"]["met"] is False  # 0.4
    assert bars["V slope"]["met"] is False
    assert bars["content retention"]["met"] is True
    assert bars["unprompted people"]["met"] is True
    assert bars["smoothness"]["met"] is False
    pairs = {(one["first"], one["second"]) for one in done.report["comparisons"]["valence"]}
    assert len(pairs) == 10
    other = replace(suite, methods=(*suite.methods, ComparedMethod(label="otherwise set", source="ours", calibrated=False)))
    again = {one["bar"]: one for one in run(other, tmp_path / "other", Studio()).report["verdicts"]}
    assert again["rivals with a significantly higher V-Error"]["wanted"].startswith("all of 1")  # half, and not ours itself
    assert bars["rivals with a significantly higher V-Error"]["met"] is False  # three prompts show nothing
    assert "half" in bars["rivals with a significantly higher V-Error"]["wanted"]


def test_bars_that_nothing_was_measured_for_are_counted_apart() -> None:
    one, two, unknown = ({"bar": "x", "met": met} for met in (True, False, None))
    assert in_short([one, two]) == "1 of 2 bars are met"
    assert in_short([one, unknown]) == "1 of 1 bars are met; 1 could not be measured with these methods"


def test_the_second_run_does_nothing(suite: Suite, first: Evaluated, begun: Path) -> None:
    page = first.html.read_bytes()
    studio, judge = Studio(), ColourJudge()
    again = run(suite, begun, studio, judge, doubt="The judge is <weak>.")
    assert sum(painter.drawn for painter in studio.painters.values()) == judge.seen == 0
    assert all(one["unchanged"] for one in again.stages if one["stage"] != "compare")
    assert again.html.read_bytes() == page
    assert again.report == first.report


def _entry(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda found: {"figures": {**found["figures"], "valence_error": change(found["figures"]["valence_error"])}}


@pytest.mark.parametrize(
    ("spoil", "again"),
    [
        (lambda found: {}, None),
        (lambda found: {"figures": None}, None),
        (lambda found: {"figures": {}}, None),
        (lambda found: [], None),
        (lambda found: "cut", None),
        (lambda found: {"key": "that of an older report", "found": {"figures": {}}}, None),
        (_entry(lambda entry: 3), ["valence_error"]),
        (_entry(lambda entry: {**entry, "found": {"value": 1}}), ["valence_error"]),
        (_entry(lambda entry: {**entry, "key": "another"}), ["valence_error"]),
        (_entry(lambda entry: {**entry, "by_prompt": [1]}), ["valence_error"]),
        (_entry(lambda entry: {"key": entry["key"]}), ["valence_error"]),
    ],
)
def test_a_measured_file_without_its_entries_is_measured_again(
    suite: Suite, first: Evaluated, begun: Path, spoil: Callable[[dict[str, Any]], object], again: list[str] | None
) -> None:
    path = begun / "work" / "measured" / "half.json"
    whole = json.loads(path.read_text())
    path.write_text(json.dumps(spoil(whole)))
    done = run(suite, begun, Studio(), doubt="The judge is <weak>.")
    redone = {one["method"]: one["figures"] for one in done.stages if one["stage"] == "measure" and not one["unchanged"]}
    assert redone == {"half": list(whole["figures"]) if again is None else again}
    assert done.report["rows"] == first.report["rows"]
    assert json.loads(path.read_text()) == whole


@pytest.mark.parametrize("content", [b"", b"[]", b'{"rows": []}', b"\xff\xfe"])
def test_a_report_that_is_none_is_written_again(suite: Suite, first: Evaluated, begun: Path, content: bytes) -> None:
    (begun / "report.json").write_bytes(content)
    done = run(suite, begun, Studio(), doubt="The judge is <weak>.")
    assert done.report["rows"] == first.report["rows"]
    assert json.loads((begun / "report.json").read_text())["rows"] == first.report["rows"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda table: table.drop_columns(["valence"]),
        lambda table: table.set_column(1, "valence", pa.nulls(len(table), pa.float64())),
        lambda table: table.set_column(1, "valence", pa.array(["high"] * len(table))),
        lambda table: table.set_column(table.column_names.index("subjects"), "subjects", pa.array([3] * len(table))),
        lambda table: pa.table({"other": [1]}),
    ],
)
def test_readings_that_cannot_be_read_are_read_again(
    suite: Suite, first: Evaluated, begun: Path, spoil: Callable[[pa.Table], pa.Table]
) -> None:
    (path,) = (begun / "work" / "read").iterdir()
    pq.write_table(spoil(pq.read_table(path)), path)
    judge = ColourJudge()
    done = run(suite, begun, Studio(), judge, doubt="The judge is <weak>.")
    assert judge.seen > 0
    assert done.report["rows"] == first.report["rows"]


def test_a_changed_method_reruns_only_what_depends_on_it(suite: Suite, begun: Path) -> None:
    studio, judge = Studio(half=0.25), ColourJudge()
    done = run(suite, begun, studio, judge)
    assert {name for name, painter in studio.painters.items() if painter.drawn} == {"half"}
    assert judge.seen > 0
    redone = {one["method"] for one in done.stages if one["stage"] == "measure" and not one["unchanged"]}
    assert redone == {"half"}
    assert value(rows(done)["half"], "valence_slope") == pytest.approx(0.25, abs=0.01)


def test_another_judge_reads_all_and_draws_nothing(suite: Suite, begun: Path) -> None:
    studio, judge = Studio(), ColourJudge(name="other")
    done = run(suite, begun, studio, judge)
    assert sum(painter.drawn for painter in studio.painters.values()) == 0
    assert judge.seen > 0
    assert not any(one["unchanged"] for one in done.stages if one["stage"] == "measure")


def test_other_bars_measure_nothing_and_write_the_report(suite: Suite, begun: Path) -> None:
    done = run(replace(suite, bars=replace(suite.bars, error=5.0)), begun, Studio())
    assert all(one["unchanged"] for one in done.stages if one["stage"] == "measure")
    assert [one["unchanged"] for one in done.stages if one["stage"] == "report"] == [False]


def test_a_killed_generation_goes_on(suite: Suite, first: Evaluated, tmp_path: Path) -> None:
    studio = Studio()
    studio.dies["half"] = 1
    with pytest.raises(KeyboardInterrupt):
        run(suite, tmp_path / "report", studio)
    assert not (tmp_path / "report" / "report.html").exists()
    studio = Studio()
    done = run(suite, tmp_path / "report", studio)
    assert {name for name, painter in studio.painters.items() if painter.drawn} == {"half"}
    figures = [[row["figures"] for row in one.report["rows"]] for one in (done, first)]
    assert figures[0] == figures[1]


def test_a_stop_is_no_report(suite: Suite, tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        run(suite, tmp_path / "report", Studio(), watch=Watch(stop=lambda: True))
    assert not (tmp_path / "report" / "report.html").exists()


def test_pictures_made_elsewhere_are_scored_without_drawing(suite: Suite, first: Evaluated, tmp_path: Path) -> None:
    folders = (first.html.parent / "work" / "pictures").glob("half-*")
    found = [find_pictures(folder / "index.parquet", None, CASES, 0) for folder in folders]
    index = max(found, key=len)
    done = run(suite, tmp_path / "report", None, elsewhere=Elsewhere(label="mine", pictures=index))
    assert list(rows(done)) == ["always 0", "mine"]
    assert "retention" not in rows(done)["mine"]["figures"]  # there are no neutral pictures
    assert rows(done)["mine"]["figures"]["valence_slope"] == rows(first)["half"]["figures"]["valence_slope"]
    with pytest.raises(InputError, match="Two rows"):
        run(suite, tmp_path / "other", None, elsewhere=Elsewhere(label="always 0", pictures=index))


def test_a_folder_with_other_files_is_refused(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(OutputError, match="other files"):
        run(suite, tmp_path, Studio())


class Links(HTMLParser):
    """Everything that a page would fetch, and the text that it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []
        self.shown: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value or "" for name, value in attributes if name in ("src", "srcset", "href", "data", "action", "poster")]

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def test_the_page_needs_nothing_else(first: Evaluated) -> None:
    text = first.html.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert len(links.found) > 15
    assert all(link.startswith("data:image/webp;base64,") for link in links.found)
    assert not {"script", "link", "iframe", "object", "embed"} & set(links.tags)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "The judge is &lt;weak&gt;." in text
    assert "emoticrafter &lt;evaluate&gt;" in text
    for heading in ("The bars", "All figures", "Asked for and read", "Emotion against content", "The worst pictures"):
        assert f"<h2>{heading}</h2>" in text
    for case in CASES:
        assert case.prompt in text


def test_names_mean_nothing_in_the_report(suite: Suite, tmp_path: Path) -> None:
    name = "$x_{ <script>alert('1')</script> & \"q\" | {{ 7 * 1111111 }} $"
    odd = replace(
        suite,
        about=replace(suite.about, title=name),
        methods=(ComparedMethod(label=name, source="half"),),
        bars=Bars(of=name, error=1.0),
    )
    done = run(odd, tmp_path / "report", Studio(), doubt=name)
    text, links = done.html.read_text(encoding="utf-8"), Links()
    links.feed(text)
    assert "script" not in links.tags
    assert "7777777" not in re.sub(r"base64,[^\"]*", "", text)
    assert [word for word in "".join(links.shown).split("\n") if word == name]  # the heading
    assert text.count("<td>$x_{ &lt;script&gt;alert(") > 3
    assert rows(done)[name]["label"] == name


REPORT = {
    "format", "version", "suite", "made", "judges", "distance", "prompts", "columns", "rows", "best", "comparisons", "verdicts",
}  # fmt: skip
ROW = {
    "label", "source", "method", "describe", "budget", "pictures", "prompts", "figures", "cells", "threshold", "curve", "worst",
}  # fmt: skip


def test_the_json_is_a_contract(first: Evaluated) -> None:
    report = json.loads(first.json.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(name))
    assert set(report) == REPORT
    assert (report["format"], report["version"]) == ("emoticrafter-evaluation", 1)
    assert set(report["suite"]) == {"name", "title", "text", "settings"}
    assert set(report["made"]) == {"command", "time", "versions", "machine"}
    assert set(report["judges"]) == {"emotion", "content", "clip", "doubt", "trust", "content_figures"}
    assert all(set(one) == {"id", "prompt"} for one in report["prompts"])
    assert all(set(one) == {"group", "figure", "title", "direction", "about", "digits"} for one in report["columns"])
    for row in report["rows"]:
        assert set(row) == ROW
        for figure in row["figures"].values():
            assert set(figure) == {"value", "low", "high", "clusters"}
    keys = {"first", "second", "difference", "pairs", "statistic", "p", "p_holm", "lower"}
    assert all(set(one) == keys for pairs in report["comparisons"].values() for one in pairs)
    assert all(set(one) == {"bar", "value", "wanted", "met"} for one in report["verdicts"])
    assert str(first.html.parent) not in first.json.read_text(encoding="utf-8")


def test_methods_with_a_recipe_are_trained_first_and_alike_ones_once(suite: Suite, tmp_path: Path) -> None:
    features = make_features(tmp_path / "features")
    methods = [
        ComparedMethod(label="one", recipe="smoke", set=SMALL),
        ComparedMethod(label="the same", recipe="smoke", set=SMALL),
        ComparedMethod(label="another", recipe="smoke", set=(*SMALL, "train.seed=1")),
    ]
    trained = replace(suite, methods=tuple(methods), training=replace(suite.training, features=str(features)), bars=Bars())
    studio = Studio()
    done = run(trained, tmp_path / "report", studio)
    assert list(rows(done))[3:] == ["one", "the same", "another"]
    one, same, another = studio.opened[2:]
    assert one == same != another
    for path in (one, another):
        assert Path(path).is_relative_to(tmp_path / "report" / "work" / "trained")
        assert checkpoint.load(path).metadata["pairs"] > 0
    assert [stage["method"] for stage in done.stages if stage["stage"] == "train"] == ["one", "the same", "another"]
    assert len(list((tmp_path / "report" / "work" / "trained").iterdir())) == 2
    with pytest.raises(InputError, match=r"no features 'nowhere'.*storybook\.sh"):
        run(replace(trained, training=replace(suite.training, features="nowhere")), tmp_path / "other", Studio())
