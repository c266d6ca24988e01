from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from emoticrafter.data.density import DensityConfig, weigh
from emoticrafter.errors import InputError
from emoticrafter.features.store import FeatureStore
from emoticrafter.training.material import PairReader, Partners
from emoticrafter.training.order import Draws, PairOrder
from tests.tiny_features import make_features

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def store(features: Path) -> FeatureStore:
    return FeatureStore.open(features)


def reader(store: FeatureStore, **options: object) -> PairReader:
    points = store.pairs[["valence", "arousal"]].to_numpy()
    return PairReader(store, weigh(DensityConfig(), points), CPU, **options)  # type: ignore[arg-type]


def plain(rows: list[int]) -> Draws:
    return Draws(rows=np.array(rows), empty=np.zeros(len(rows), dtype=bool), partner=np.full(len(rows), 0.5))


def test_a_draw_becomes_the_pairs_of_these_rows(store: FeatureStore) -> None:
    rows = [5, 0, 63, 5]
    pairs, frame = reader(store).read(plain(rows)), store.pairs.iloc[rows]
    assert torch.equal(pairs.neutral, store.rows(frame["neutral"].tolist()))
    assert torch.equal(pairs.emotional, store.rows(frame["emotional"].tolist()))
    assert pairs.valence.tolist() == pytest.approx(frame["valence"].tolist(), abs=1e-6)
    assert pairs.arousal.tolist() == pytest.approx(frame["arousal"].tolist(), abs=1e-6)
    assert pairs.neutral.dtype == torch.float16
    assert pairs.weight.dtype == torch.float32
    assert pairs.empty is None


def test_features_kept_on_the_device_are_the_same(store: FeatureStore) -> None:
    one, other = reader(store).read(plain([1, 2, 40])), reader(store, on_device=True).read(plain([1, 2, 40]))
    assert torch.equal(one.neutral, other.neutral)
    assert torch.equal(one.emotional, other.emotional)


def test_the_stream_keeps_the_order_whatever_the_threads(store: FeatureStore) -> None:
    order = PairOrder(np.arange(64), batch=6, seed=0)
    draws = [order.draws(step) for step in range(30)]
    for threads in (1, 5):
        found = list(reader(store, threads=threads).stream(iter(draws)))
        assert [a.rows.tolist() for a, _ in found] == [one.rows.tolist() for one in draws]
        wanted = store.rows(store.pairs["emotional"].to_numpy()[draws[17].rows])
        assert torch.equal(found[17][1].emotional, wanted)


def test_it_reads_only_a_few_batches_ahead_and_its_threads_end(store: FeatureStore) -> None:
    asked = []

    def draws():  # type: ignore[no-untyped-def]
        for number in range(1000):
            asked.append(number)
            yield plain([number % 64])

    stream = reader(store, threads=3).stream(draws())
    next(stream)
    assert len(asked) <= 5
    stream.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader") and thread.is_alive()]


def test_an_error_of_a_thread_reaches_the_reader(tmp_path: Path) -> None:
    folder = make_features(tmp_path / "features", pairs=16)
    store = FeatureStore.open(folder)
    made = reader(store)
    for shard in (folder / "shards").iterdir():
        shard.unlink()
    with pytest.raises(InputError, match="tokens-00000"):
        next(made.stream(iter([plain([0])])))


def test_partners_are_other_pairs_of_the_same_content_among_those_allowed() -> None:
    contents = np.array(["a", "b", "a", "c", "a", "b", "d", "a"])
    rows = np.array([0, 1, 2, 3, 4, 5])  # 7 is held out
    partners = Partners(contents, rows)
    seen: dict[int, set[int]] = {row: set() for row in rows.tolist()}
    for chance in np.linspace(0, 0.999, 50):
        for row, partner in zip(rows.tolist(), partners.of(rows, np.full(6, chance)).tolist(), strict=True):
            seen[row].add(partner)
    assert seen == {0: {2, 4}, 2: {0, 4}, 4: {0, 2}, 1: {5}, 5: {1}, 3: {3}}
    assert partners.pairs == 5


def test_counterfactual_pairs_bring_the_other_emotion_with_them(store: FeatureStore) -> None:
    partners = Partners(store.pairs["content"].to_numpy(), np.arange(62))
    pairs = reader(store, partners=partners).read(plain([0, 62]))
    other = int(partners.of(np.array([0]), np.array([0.5]))[0])
    frame = store.pairs
    assert pairs.has_other is not None
    assert pairs.has_other.tolist() == [True, False]
    assert pairs.other_valence is not None
    assert float(pairs.other_valence[0]) == pytest.approx(frame["valence"][other])
    assert torch.equal(pairs.other_emotional[0], store.rows([frame["emotional"][other]])[0])  # type: ignore[index]
    assert frame["content"][other] == frame["content"][0]
