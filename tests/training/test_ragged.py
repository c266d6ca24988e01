"""Trainings on features without padding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emoticrafter import checkpoint
from emoticrafter.data.density import DensityConfig, weigh
from emoticrafter.errors import CheckpointError
from emoticrafter.features.encoding import write_features
from emoticrafter.features.store import FeatureStore
from emoticrafter.training import train
from emoticrafter.training.material import PairReader, Partners, read_empty_prompt
from emoticrafter.training.order import Draws
from emoticrafter.training.record import read_metrics
from tests.tiny_features import TinyEncoder, make_features, make_pairs
from tests.training.tiny_runs import numbers, small_recipe

EVERYTHING = (
    "objective.semantic=0.1", "objective.identity=0.1", "objective.affect=0.1", "objective.probe_steps=20",
    "objective.prompt_dropout=0.5", "objective.counterfactual=0.1", "log.ridge_pairs=50",
)  # fmt: skip
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No curves; and the empty prompt by the tiny encoder."""
    monkeypatch.setattr("emoticrafter.training.run.draw_curves", lambda *_: None)
    monkeypatch.setattr("emoticrafter.training.material.open_encoder", lambda *_, **__: TinyEncoder(ignores_padding=True))


@pytest.fixture(scope="module")
def ragged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_features(tmp_path_factory.mktemp("ragged") / "features", ignores_padding=True)


class Full(TinyEncoder):
    """Every prompt has all 8 tokens."""

    def lengths(self, prompts: Any) -> list[int]:
        return [self.section] * len(prompts)


def assert_same_numbers(one: Path, other: Path) -> None:
    mine, theirs = numbers(one), numbers(other)
    assert [name for name, tensor in mine["tensors"].items() if not torch.equal(tensor, theirs["tensors"][name])] == []
    assert mine["metrics"] == theirs["metrics"]


def test_where_no_prompt_has_padding_no_bit_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, encoder in (("whole", Full()), ("ragged", Full(ignores_padding=True))):
        monkeypatch.setattr("emoticrafter.training.material.open_encoder", lambda *_, encoder=encoder, **__: encoder)
        write_features(make_pairs(), tmp_path / name, encoder, batch=8, shard_rows=24)
        train(small_recipe(tmp_path / name, *EVERYTHING), tmp_path / f"run-{name}", quiet=True)
    assert FeatureStore.open(tmp_path / "ragged").ragged
    assert_same_numbers(tmp_path / "run-whole", tmp_path / "run-ragged")


@pytest.mark.parametrize("changes", [(), EVERYTHING])
def test_features_on_the_device_and_from_the_disk_give_the_same_bits(ragged: Path, tmp_path: Path, changes: Any) -> None:
    for name in ("false", "true"):
        train(small_recipe(ragged, *changes, f"data.on_device={name}"), tmp_path / name, quiet=True)
    assert_same_numbers(tmp_path / "false", tmp_path / "true")


def test_every_term_and_baseline_takes_masks(ragged: Path, tmp_path: Path) -> None:
    train(small_recipe(ragged, *EVERYTHING, "train.steps=3"), tmp_path, quiet=True)
    line = next(line for line in read_metrics(tmp_path / "metrics.jsonl") if line["step"] == 3)
    terms = [line[name] for name in ("paper", "semantic", "identity", "affect", "counterfactual")]
    assert all(value > 0 for value in terms)
    assert sum(terms) == pytest.approx(line["loss"], rel=1e-4)
    about = json.loads((tmp_path / "run.json").read_text())
    assert about["data"]["own_tokens"] == 576
    assert 0 < about["baselines"]["ridge"] < about["baselines"]["neutral"]
    store = FeatureStore.open(ragged)
    assert read_empty_prompt(store, tmp_path / "empty_prompt.safetensors", CPU).shape == (2, 16)  # its start and end
    assert checkpoint.load(tmp_path / "checkpoint").config.positions == 8


def test_an_empty_prompt_of_another_shape_is_damaged(ragged: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"tokens": torch.zeros(9, 16)}, tmp_path / "empty.safetensors")
    with pytest.raises(CheckpointError, match="damaged"):
        read_empty_prompt(FeatureStore.open(ragged), tmp_path / "empty.safetensors", CPU)


def test_it_learns_what_the_pairs_teach(ragged: Path, tmp_path: Path) -> None:
    sizes = ("train.steps=300", "train.rate=1e-2", "train.batch=32", "model.width=32")
    more = ("train.validate_every=50", "train.save_every=500", "log.every=50")
    train(small_recipe(ragged, *sizes, *more), tmp_path / "run", quiet=True)
    losses = [line["loss"] for line in read_metrics(tmp_path / "run" / "metrics.jsonl") if "loss" in line]
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("on_device", [False, True])
def test_pairs_are_filled_up_to_the_longest_of_their_batch_under_masks(ragged: Path, on_device: bool) -> None:
    store = FeatureStore.open(ragged)
    weights = weigh(DensityConfig(), store.pairs[["valence", "arousal"]].to_numpy())
    partners = Partners(store.pairs["content"].to_numpy(), np.arange(64))
    reader = PairReader(store, weights, CPU, partners=partners, on_device=on_device)
    rows = np.array([5, 0, 63])
    pairs = reader.read(Draws(rows=rows, empty=np.zeros(3, dtype=bool), partner=np.full(3, 0.5)))
    assert pairs.neutral.shape == pairs.emotional.shape == (3, 8, 16)
    assert pairs.neutral_mask is not None
    assert pairs.neutral_mask.sum(dim=1).tolist() == [4, 4, 4]
    assert (pairs.emotional_mask, pairs.other_mask) == (None, None)  # all of them have 8
    assert not pairs.neutral[:, 4:].any()
    assert torch.equal(pairs.neutral[:, :4], store.rows(store.pairs["neutral"].to_numpy()[rows]))
    assert reader.features("neutral", rows).tokens.shape == (3, 4, 16)
