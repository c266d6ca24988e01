from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks import eit_training
from benchmarks.released_eit import ReleasedEIT
from emoticrafter.eit import EITConfig, EmotionInjectionTransformer

SAMPLE = Path(__file__).parents[1] / "data"


def test_the_plain_form_computes_what_the_authors_recorded() -> None:
    state = torch.load(SAMPLE / "released-checkpoint-sample.pth", weights_only=True)
    state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    recorded = torch.load(SAMPLE / "released-checkpoint-sample.io.pt", weights_only=True)
    sizes = {
        "channels": 48, "width": 32, "heads": 4, "blocks": 2, "positions": 128, "encoder_width": len(state["v_f.0.bias"]),
        "emotion_tokens": len(state["v_f.2.bias"]) // 32, "vocabulary": len(state["wte.weight"]),
    }  # fmt: skip
    eit = ReleasedEIT(**sizes)
    eit.load_state_dict(state)
    with torch.no_grad():
        outputs = eit(recorded["inputs"], recorded["valence"].flatten(), recorded["arousal"].flatten())
    assert torch.allclose(outputs, recorded["outputs"], atol=1e-5)


def test_at_full_size_it_has_the_released_parameters_dead_ones_included_and_ours_stay_below_150_million() -> None:
    with torch.device("meta"):
        released, ours = ReleasedEIT(), EmotionInjectionTransformer(EITConfig())
    assert eit_training.count(released) == pytest.approx(233.8e6, abs=0.1e6)
    unused = [weights for name, weights in released.named_parameters() if name.endswith("c_attn.weight")]
    assert len(unused) == 3 * len(released.h)
    dead = released.wte.weight.numel() + sum(2 * weights.numel() // 3 for weights in unused)
    assert dead == pytest.approx(81e6, abs=0.2e6)
    assert eit_training.count(ours) <= 150e6


def test_a_smoke_run_writes_a_sound_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "record.json"
    eit_training.main(["--smoke", "--out", str(path)])
    record = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert record["smoke"] is True
    names = [row["name"] for row in record["figures"]["rows"]]
    assert names[:2] == ["training, released, float32", "training, ours"]
    assert all(row["seconds"] > 0 for row in record["figures"]["rows"])
    assert record["figures"]["flops_per_pair"] > 0
    bars = [bar["name"].split(",")[0] for bar in record["bars"]]
    assert bars == ["training", "forward of one", "3 emotions of one prompt", "parameters"]
    assert "mean nothing" in capsys.readouterr().out.replace("\n", " ")


def test_what_does_not_fit_is_tried_at_half_the_batch(tmp_path: Path) -> None:
    given = eit_training._options(["--smoke"])
    report = eit_training.Report("eit-training", argparse.Namespace(smoke=True, out=tmp_path / "a.json", threads=None))
    asked: list[int] = []

    def make(size: int) -> Callable[[], object]:
        asked.append(size)
        if size > 1:
            raise torch.OutOfMemoryError("out of memory")
        return lambda: None

    assert eit_training.largest(eit_training.Bench(given), report, "x", make) > 0
    assert asked == [4, 2, 1]
