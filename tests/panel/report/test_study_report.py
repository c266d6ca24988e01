"""A study on the disk, answered by programs, to its report."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from emoticrafter.errors import InputError, MissingError
from emoticrafter.panel.analysis.simulated import Truth
from emoticrafter.panel.report.study_report import report_study
from emoticrafter.panel.store import Store
from emoticrafter.panel.study import StudyKind
from tests.panel.imagined import kept_study


class Seen(HTMLParser):
    """What a page would fetch, the tags that it has, and the text that it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "srcset", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def written(folder: Path, kind: StudyKind, people: int = 8, more: str = "", **about: Any) -> tuple[dict[str, Any], Seen, Path]:
    kept = kept_study(folder, kind, people, Truth(slopes={"rival": 0.3}, quality={"ours": 1.0}), more=more, **about)
    out = folder / "report"
    report_study(kept, out, samples=200, mixed=False)
    seen = Seen()
    seen.feed((out / "report.html").read_text("utf-8"))
    return json.loads((out / "report.json").read_text("utf-8")), seen, out


def test_a_study_of_single_pictures(tmp_path: Path) -> None:
    more = "[design]\nchecks = 3\ncontents = 6\nrepeats = 2\n"
    report, seen, out = written(tmp_path, "rate", 8, more, inattentive=0.25)
    assert sorted(path.name for path in out.iterdir()) == ["norms.csv", "ratings.csv", "report.html", "report.json"]
    assert (report["format"], report["version"], report["simulated"]) == ("emoticrafter-panel", 1, True)
    assert (report["people"]["took_part"], report["people"]["excluded"], report["people"]["withdrawn"]) == (8, 2, 0)
    assert [one["method"] for one in report["measures"][0]["methods"]] == ["ours", "rival"]
    assert "Simulated: programs answered, not people" in seen.text
    assert all(fetched.startswith("data:image/webp;base64,") for fetched in seen.fetched)
    assert not seen.tags & {"script", "b", "link"} - {"b"}
    norms = list(csv.DictReader(io.StringIO((out / "norms.csv").read_text("utf-8"))))
    assert (out / norms[0]["file"]).resolve().is_file()
    assert norms[0]["prompt"].startswith("prompt <b>")
    ratings = list(csv.DictReader(io.StringIO((out / "ratings.csv").read_text("utf-8"))))
    assert list(ratings[0]) == ["file", "rater", "valence", "arousal"]
    assert {one["rater"] for one in ratings} == {f"p{i:03d}" for i in range(1, 7)}  # those left out are not in it
    assert len(ratings) == 6 * 6 * 2  # people, contents, methods


@pytest.mark.parametrize("kind", ["rank", "rate-sets", "compare"])
def test_a_page_of_every_kind_says_it_is_simulated(tmp_path: Path, kind: StudyKind) -> None:
    report, seen, _ = written(tmp_path, kind, 5)
    assert "Simulated: programs answered, not people" in seen.text
    assert "Simulated participants: 5" in seen.text
    assert report["study"]["kind"] == kind
    for measure in report["measures"]:
        assert measure["title"] in seen.text
    better = [test["better"] for measure in report["measures"] for test in measure["tests"]["people"]]
    assert set(better) == {"ours"}


def test_the_same_answers_give_the_same_report(tmp_path: Path) -> None:
    kept = kept_study(tmp_path, "rate-sets", 5)
    first, again = (report_study(kept, tmp_path / name, samples=100, mixed=False).report for name in ("a", "b"))
    assert {**first, "made": None} == {**again, "made": None}


def test_who_withdrew_is_counted_and_nothing_else_of_them(tmp_path: Path) -> None:
    kept = kept_study(tmp_path, "rate-sets", 5)
    with Store.open(kept) as store:
        store.withdraw("p002")
    done = report_study(kept, tmp_path / "report", samples=100, mixed=False)
    assert (done.report["people"]["took_part"], done.report["people"]["withdrawn"]) == (4, 1)
    assert "p002" not in (tmp_path / "report" / "report.json").read_text("utf-8")


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        report_study(tmp_path / "nothing", tmp_path / "report")
    kept = kept_study(tmp_path, "rate-sets", [])
    with pytest.raises(InputError, match="Nobody has answered the study"):
        report_study(kept, tmp_path / "report")
    assert not (tmp_path / "report").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    with pytest.raises(InputError, match=re.escape("holds other files: 'mine.txt'")):
        report_study(kept, tmp_path / "full", force=True)


def test_a_report_is_replaced_only_when_forced(tmp_path: Path) -> None:
    kept = kept_study(tmp_path, "rate-sets", 5)
    report_study(kept, tmp_path / "report", samples=100, mixed=False)
    with pytest.raises(InputError, match="holds a report"):
        report_study(kept, tmp_path / "report", samples=100, mixed=False)
    report_study(kept, tmp_path / "report", samples=100, mixed=False, force=True)
