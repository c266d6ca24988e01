"""The command: suites, pictures made elsewhere, what it refuses; and once in earnest with the shipped weights."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emoticrafter.evaluation import figures, run
from emoticrafter.evaluation.report import page
from emoticrafter.evaluation.report.document import lasting
from emoticrafter.evaluation.suite import find_suite, read_suite
from tests.cli.conftest import Done
from tests.painted import CODE, ColourJudge

Cli = Callable[..., Done]
SHIPPED = (
    "storybook",
    "quick",
    "sdxl",
    "ablation-alpha",
    "ablation-density",
    "ablation-order",
    "ablation-target",
    "ablation-blocks",
    "ablation-losses",
)
SUITE = """
[prompts]
source = "file"
file = "prompts.txt"
[emotions]
valences = [-3, 3]
arousals = [-3, 3]
[judge]
emotion = "colours"
content = "none"
[metrics]
samples = 20
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def judge(name: str, **options: object) -> ColourJudge:
        return ColourJudge(r2=0.1 if name == "weak" else 0.99)

    monkeypatch.setattr(run, "open_judge", judge)
    (tmp_path / "prompts.txt").write_text("a cat\na dog\n")
    (tmp_path / "suite.toml").write_text(SUITE)
    return tmp_path


def painted(v: float, a: float) -> Image.Image:
    """A picture with the emotion as its colour."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = round((v + 3) * CODE), round((a + 3) * CODE)
    return Image.fromarray(pixels)


def paint(folder: Path, names: list[str]) -> None:
    """Pictures by those names, PROMPT_VALENCE_AROUSAL_SEED."""
    folder.mkdir(exist_ok=True)
    for name in names:
        painted(*(float(part) for part in name.split("_")[1:3])).save(folder / f"{name}.png")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_suites_that_ship_can_be_read(name: str) -> None:
    suite, path = read_suite(name)
    assert path == find_suite(name)
    assert suite.about.title
    if name == "sdxl":
        assert len(suite.cases(path.parent)) == 132
    if name == "storybook":
        assert (suite.prompts.count, len(suite.emotions.valences) * len(suite.emotions.arousals)) == (132, 25)
    if name.startswith("ablation"):
        from emoticrafter.training import read_recipe

        assert suite.bars.of in [method.name for method in suite.methods]
        recipes = [read_recipe(str(method.recipe), method.set) for method in suite.methods]
        assert all(one != other for i, one in enumerate(recipes) for other in recipes[:i])


def test_a_method_of_ones_own_is_scored_by_its_requests(cli: Cli, small: Path) -> None:
    """As docs/evaluation.md shows it."""
    done = cli("evaluate", "--suite", "suite.toml", "--requests", "wanted.csv")
    assert done.code == 0, done.err
    wanted = list(csv.DictReader(Path("wanted.csv").read_text().splitlines()))
    assert len(wanted) == 8
    assert {row["prompt"] for row in wanted} == {"a cat", "a dog"}
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert example is not None
    exec(example[1], {"my_method": lambda prompt, v, a, seed: painted(v / 2, a / 2)})
    command = ("evaluate", "--suite", "suite.toml", "--images", "mine", "--name", "mine", "--no-draw", "--out", "report")
    done = cli(*command, "--json")
    assert done.code == 0, done.err
    row = json.loads(done.out)["report"]["rows"][1]
    assert (row["label"], row["pictures"]) == ("mine", 8)
    assert row["figures"]["valence_slope"]["value"] == pytest.approx(0.5, abs=1e-3)
    assert row["figures"]["arousal_error"]["value"] == pytest.approx(1.5, abs=1e-3)
    assert "report/report.html" in cli(*command).out


def test_an_index_and_another_pattern_do_as_well(cli: Cli, small: Path) -> None:
    names = [f"{i:03d}_{v}_{a}_0" for i in range(2) for v in (-3, 3) for a in (-3, 3)]
    paint(small / "mine", names)
    for name in names:
        number, v, a, _ = name.split("_")
        (small / "other").mkdir(exist_ok=True)
        (small / "other" / f"v{v}a{a}-p{number}.png").write_bytes((small / "mine" / f"{name}.png").read_bytes())
    lines = [
        "prompt,valence,arousal,file",
        *(f"{'a cat' if n[:3] == '000' else 'a dog'},{n.split('_')[1]},{n.split('_')[2]},mine/{n}.png" for n in names),
    ]
    (small / "index.csv").write_text("\n".join(lines))
    common = ("evaluate", "--suite", "suite.toml", "--no-draw", "--json")
    first = cli(*common, "--images", "index.csv", "--out", "one")
    second = cli(*common, "--images", "other", "--pattern", "v{valence}a{arousal}-p{prompt_id}.png", "--out", "two")
    assert (first.code, second.code) == (0, 0), first.err + second.err
    found = [json.loads(done.out)["report"]["rows"][1]["figures"] for done in (first, second)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--out", "r", "--suite", "nowhere"), "There is no suite"),
        ((), "Either --out or --requests"),
        (("--out", "r", "--requests", "w.csv"), "Either --out or --requests"),
        (("--out", "r", "--pattern", "x"), "without --images"),
        (("--out", "r", "--no-draw"), "nothing would be compared"),
        (("--out", "r", "--suite", "suite.toml", "--set", "metrics.sample=3"), "samples"),
        (("--out", "r", "--suite", "suite.toml", "--set", "emotions.valences=[1]"), "rising values"),
        (("--out", "r", "--suite", "suite.toml", "--methods", "ours,ours"), "Two methods are called"),
        (("--out", "r", "--suite", "suite.toml", "--images", "empty"), "No picture"),
        (("--out", "r", "--suite", "suite.toml", "--images", "nowhere"), "There is no"),
        (("--out", "r", "--suite", "suite.toml", "--images", "empty", "--pattern", "{valence}.png"), "pattern"),
        (("--out", "prompts.txt", "--suite", "suite.toml", "--images", "one", "--no-draw"), "is a file"),
    ],
)
def test_bad_input(cli: Cli, small: Path, given: tuple[str, ...], words: str) -> None:
    (small / "empty").mkdir()
    paint(small / "one", ["0_-3_-3_0"])
    done = cli("evaluate", *given)
    assert done.code == 2
    assert words in done.err


def test_a_bad_judge_is_refused_unless_forced(cli: Cli, small: Path) -> None:
    paint(small / "one", [f"{i}_{v}_{a}_0" for i in (0, 1) for v in (-3, 3) for a in (-3, 3)])
    command = ("evaluate", "--suite", "suite.toml", "--set", "judge.emotion=weak", "--images", "one", "--no-draw", "--out", "r")
    done = cli(*command)
    assert done.code == 2
    assert "R2 below" in done.err
    done = cli(*command, "--force-judge", "--json")
    assert done.code == 0, done.err
    assert "R2 below" in json.loads(done.out)["report"]["judges"]["doubt"]
    assert "Beware." in Path("r/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_page_is_written_is_not_swallowed(
    cli: Cli, small: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    def signalled(*arguments: Any) -> str:
        signal.raise_signal(number)
        return write_page(*arguments)

    write_page = page.write_page
    paint(small / "one", [f"{i}_{v}_{a}_0" for i in (0, 1) for v in (-3, 3) for a in (-3, 3)])
    monkeypatch.setattr(page, "write_page", signalled)
    command = ("evaluate", "--suite", "suite.toml", "--images", "one", "--no-draw", "--out", "r")
    done = cli(*command)
    assert done.code == code
    assert done.out == f"{Path('r/report.html')}\n{Path('r/report.json')}\n"
    assert json.loads(Path("r/report.json").read_text(encoding="utf-8"))["rows"][1]["label"] == "yours"


def test_a_signal_before_the_report_stops_it(cli: Cli, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def signalled(*arguments: Any, **more: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return measure(*arguments, **more)

    measure = figures.measure
    paint(small / "one", [f"{i}_{v}_{a}_0" for i in (0, 1) for v in (-3, 3) for a in (-3, 3)])
    monkeypatch.setattr(figures, "measure", signalled)
    command = ("evaluate", "--suite", "suite.toml", "--images", "one", "--no-draw", "--out", "r")
    done = cli(*command)
    assert (done.code, done.out) == (130, "")
    assert "stopped; the same command goes on from there" in done.err
    assert not Path("r/report.html").exists()
    monkeypatch.setattr(figures, "measure", measure)
    assert cli(*command).code == 0


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")
def test_a_cluster_finds_what_one_process_finds(cli: Cli, small: Path, tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    command = ("evaluate", "--suite", "suite.toml", "--methods", "rewriting", "--device", "cpu", "--dtype", "float32", "--json")
    options = [part for text in (f"model.backbone={tiny_sdxl}", "model.steps=2") for part in ("--set", text)]
    found = []
    for engine in (("--engine", "local"), ("--engine", "ray", "--ray-workers", "2")):
        done = cli(*command, *options, *engine, "--out", engine[1])
        assert done.code == 0, done.err
        found.append(lasting(json.loads(done.out)["report"]))
    assert [row["label"] for row in found[0]["rows"]] == ["always 0", "no emotion", "rules writer", "rewriting"]
    assert found[0] == found[1]


@pytest.mark.slow
def test_the_shipped_weights_and_judges(cli: Cli) -> None:
    settings = ("prompts.count=2", "emotions.valences=[-3,3]", "emotions.arousals=[-3,3]", "metrics.samples=20")
    off = ("metrics.diversity_prompts=0", "metrics.step_prompts=0", "sweep.factors=[]", "show.grids=1")
    options = [part for text in (*settings, *off) for part in ("--set", text)]
    done = cli("evaluate", "--suite", "quick", *options, "--out", "report", "--device", "cpu", "--json")
    assert done.code == 0, done.err
    found = {row["label"]: row["figures"] for row in json.loads(done.out)["report"]["rows"]}
    assert list(found) == ["always 0", "no emotion", "truth", "ours"]
    for axis in ("valence", "arousal"):
        assert found["always 0"][f"{axis}_error"]["value"] == 3
        assert found["ours"][f"{axis}_error"]["value"] < 2
        assert found["truth"][f"{axis}_error"]["value"] < 2
        assert found["ours"][f"{axis}_slope"]["value"] > 0.4
    assert found["no emotion"]["retention"]["value"] == 1
    assert Path("report/report.html").stat().st_size > 100_000
