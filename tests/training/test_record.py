from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from emoticrafter.errors import OutputError
from emoticrafter.training.record import Display, Metrics, draw_curves, memory_gib, read_metrics, versions


def test_metrics_are_lines_of_json_and_what_is_no_number_is_null(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.add(1, {"loss": 0.123456789, "val": float("nan"), "rate": float("inf")})
    metrics.add(2, {"loss": 1})
    lines = [json.loads(line, parse_constant=pytest.fail) for line in metrics.path.read_text().splitlines()]
    assert lines == [{"step": 1, "loss": 0.1234568, "val": None, "rate": None}, {"step": 2, "loss": 1}]


def test_going_on_from_a_step_drops_later_lines_and_one_cut_short(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.jsonl")
    for step in (2, 4, 6):
        metrics.add(step, {"loss": step})
    with metrics.path.open("a") as file:
        file.write('[]\n{"step": 8, "lo')
    metrics.cut(4)
    assert [line["step"] for line in read_metrics(metrics.path)] == [2, 4]
    metrics.add(6, {"loss": 0})
    assert len(metrics.path.read_text().splitlines()) == 3


def test_metrics_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(OutputError, match=r"metrics\.jsonl"):
        Metrics(tmp_path / "metrics.jsonl").add(1, {})


@pytest.mark.parametrize(
    "lines", [[], [{"step": 1, "loss": 100.0}, {"step": 2, "loss": 0.1, "val": None}, {"step": 2, "val": 1.0}]]
)
def test_curves_are_drawn_from_whatever_there_is(tmp_path: Path, lines: list[dict[str, float]]) -> None:
    draw_curves(lines, {"neutral": 1.2, "ridge": 0.9} if lines else {}, tmp_path / "curves.png")
    assert Image.open(tmp_path / "curves.png").format == "PNG"


def test_versions_are_those_that_matter() -> None:
    assert versions()["torch"] == torch.__version__
    assert versions()["python"]


def test_the_display_tells_rate_time_and_memory(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with Display("one", 100, 8, torch.device("cpu")) as display:
        rates = []
        for step in range(1, 60):
            now[0] += 0.5
            rates.append(display.samples_per_second(step))
            display.update(step, rates[-1], {"loss": 0.5})
        display.say("something")
    assert rates[0] == 0
    assert rates[-1] == pytest.approx(16)
    printed = capsys.readouterr()
    assert printed.out == ""
    line, said = printed.err.splitlines()
    assert line.startswith("one: 40/100 loss 0.5, 16 pairs/s, 0:00:30 left, ")
    assert line.endswith("GiB")
    assert said == "something"
    quiet = Display("", 100, 8, torch.device("cpu"), quiet=True)
    quiet.say("nothing")
    assert capsys.readouterr().err == ""


def test_memory() -> None:
    assert 0.01 < memory_gib(torch.device("cpu")) < 64
