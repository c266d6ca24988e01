from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from emoticrafter.data.density import DensityConfig, weigh
from emoticrafter.features.store import FeatureStore
from emoticrafter.training.baselines import baselines
from emoticrafter.training.material import PairReader
from emoticrafter.training.probe import fit_probe, load_probe, save_probe
from tests.tiny_features import make_features

ALPHA = 1.5
TRAIN, VAL = np.arange(48), np.arange(48, 64)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> PairReader:
    store = FeatureStore.open(make_features(tmp_path_factory.mktemp("features"), tokens=3, channels=4))
    weights = weigh(DensityConfig(clip=5), store.pairs[["valence", "arousal"]].to_numpy(), TRAIN)
    return PairReader(store, weights, torch.device("cpu"))


def tokens(reader: PairReader, name: str, rows: np.ndarray) -> np.ndarray:
    return reader.features(name, rows).tokens.double().numpy()


def test_neutral_is_the_loss_of_changing_nothing(reader: PairReader) -> None:
    target = ALPHA * (tokens(reader, "emotional", VAL) - tokens(reader, "neutral", VAL))
    expected = (reader.weights[VAL] * (target**2).mean(axis=(1, 2))).mean()
    found = baselines(reader, TRAIN, VAL, alpha=ALPHA, ridge_pairs=0, seed=0)
    assert found == {"neutral": pytest.approx(expected, rel=1e-5)}


def inputs(reader: PairReader, rows: np.ndarray) -> np.ndarray:
    """The inputs of the regression written out: the token, and six terms at the token's own place."""
    neutral, found = tokens(reader, "neutral", rows), []
    for pair, (v, a) in zip(neutral, reader.points[rows], strict=True):
        for place, token in enumerate(pair):
            at_place = np.zeros((3, 6))
            at_place[place] = [1, v, a, v * v, v * a, a * a]
            found.append(np.concatenate([token, at_place.ravel()]))
    return np.array(found)


def test_ridge_is_scikit_learns_at_the_best_penalty(reader: PairReader) -> None:
    found = baselines(reader, TRAIN, VAL, alpha=ALPHA, ridge_pairs=1000, seed=0)
    x, weights = inputs(reader, TRAIN), np.repeat(reader.weights[TRAIN].astype(float), 3)
    y = ALPHA * (tokens(reader, "emotional", TRAIN) - tokens(reader, "neutral", TRAIN)).reshape(-1, 4)
    scale = ((x**2) * weights[:, None]).sum(axis=0).mean()
    model = Ridge(alpha=found["ridge_penalty"] * scale, fit_intercept=False).fit(x, y, sample_weight=weights)
    target = ALPHA * (tokens(reader, "emotional", VAL) - tokens(reader, "neutral", VAL))
    error = model.predict(inputs(reader, VAL)).reshape(target.shape) - target
    expected = (reader.weights[VAL] * (error**2).mean(axis=(1, 2))).mean()
    assert found["ridge"] == pytest.approx(expected, rel=1e-3)
    assert found["ridge"] < 0.2 * found["neutral"]  # these features are made to be nearly linear


def test_without_held_out_pairs_there_is_nothing_to_compare(reader: PairReader) -> None:
    assert baselines(reader, TRAIN, VAL[:0], alpha=ALPHA, ridge_pairs=10, seed=0) == {}


def test_the_probe_reads_emotions_it_was_not_trained_on_and_is_frozen(tmp_path: Path) -> None:
    store = FeatureStore.open(make_features(tmp_path / "features", pairs=240, tokens=2, channels=32))
    train, val = np.arange(200), np.arange(200, 240)
    weights = weigh(DensityConfig(clip=5), store.pairs[["valence", "arousal"]].to_numpy(), train)
    reader = PairReader(store, weights, torch.device("cpu"))
    state = torch.get_rng_state()
    probe, figures = fit_probe(reader, train, val, steps=100, seed=0)
    assert figures["probe_valence_r2"] > 0.5
    assert figures["probe_arousal_r2"] > 0.5
    assert not any(parameter.requires_grad for parameter in probe.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    save_probe(probe, tmp_path / "probe.safetensors")
    loaded = load_probe(tmp_path / "probe.safetensors", torch.device("cpu"))
    features = reader.features("emotional", val).tokens.float()
    assert torch.equal(loaded(features), probe(features))
    assert not loaded.out.weight.requires_grad
