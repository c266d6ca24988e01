"""Stores without padding: only the tokens that are a prompt's own are written, and read back under masks."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from benchmarks.ragged import IgnoringPadding
from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.registry import open_encoder
from emoticrafter.cluster import features as on_ray
from emoticrafter.errors import InputError
from emoticrafter.features.encoding import Written, write_features
from emoticrafter.features.index import prompts_of
from emoticrafter.features.manifest import Manifest
from emoticrafter.features.shards import ShardTask, encode_shard, in_process
from emoticrafter.features.store import FeatureStore
from tests.cli.data.test_encode import pairs_of_words
from tests.contents import contents
from tests.tiny_features import TinyEncoder, make_features, make_pairs

T, C = 8, 16  # of the tiny encoder; neutral prompts have 4 tokens, emotional ones 8
PROMPTS, OWN = 80, 16 * 4 + 64 * 8


def ignoring(**settings: Any) -> TinyEncoder:
    return TinyEncoder(ignores_padding=True, **settings)


def write(folder: Path, encoder: TinyEncoder | None = None, **settings: Any) -> Written:
    settings = {"batch": 8, "shard_rows": 24, "long": "cut", **settings}
    return write_features(make_pairs(), folder, encoder or ignoring(), **settings)


@pytest.fixture(scope="module")
def ragged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to."""
    return make_features(tmp_path_factory.mktemp("ragged") / "made", ignores_padding=True)


@pytest.fixture
def copy(ragged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ragged, tmp_path / "copy"))


def change_manifest(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change_index(folder: Path, column: str, change: Any) -> None:
    """Another value in the first row, under a checksum that fits."""
    path = folder / "index.parquet"
    table = pq.read_table(path)
    values = [change, *table.column(column).to_pylist()[1:]]
    pq.write_table(table.set_column(table.column_names.index(column), column, pa.array(values, pa.int64())), path)
    change_manifest(folder, index=hashlib.sha256(path.read_bytes()).hexdigest())


# Written and read


def test_only_own_tokens_are_written_one_prompt_after_the_other(ragged: Path) -> None:
    encoder, prompts = TinyEncoder(), prompts_of(make_pairs())
    lengths = [min(length, T) for length in encoder.lengths(prompts)]
    expected = torch.cat([encoder.encode([text]).tokens[0, :length] for text, length in zip(prompts, lengths, strict=True)])
    files = sorted((ragged / "shards").iterdir())
    assert torch.equal(torch.cat([load_file(file)["tokens"] for file in files]), expected.half())
    assert len(expected) == OWN


def test_the_manifest_and_the_index_say_so(ragged: Path) -> None:
    entries = json.loads((ragged / "manifest.json").read_text())
    saved = 2 * C * (PROMPTS * T - OWN)
    assert (entries["version"], entries["own_tokens"], entries["saved_bytes"]) == (2, OWN, saved)
    manifest = Manifest.read(ragged / "manifest.json")
    assert (manifest.saved_bytes, manifest.feature_bytes, manifest.as_dict()) == (saved, 2 * C * OWN, entries)
    pairs = FeatureStore.open(ragged).pairs
    assert pairs["neutral_tokens"].tolist() == [4] * 64
    assert pairs["emotional_tokens"].tolist() == [8] * 64


def test_a_store_with_padding_is_what_it_was(features: Path) -> None:
    entries = json.loads((features / "manifest.json").read_text())
    assert entries["version"] == 1
    assert not {"own_tokens", "saved_bytes"} & set(entries)
    store = FeatureStore.open(features)
    assert not store.ragged
    assert (store.manifest.saved_bytes, store.stream([0, 1]).mask) == (0, None)
    assert "neutral_tokens" not in store.pairs


def test_a_store_that_an_older_program_wrote_is_read() -> None:
    store = FeatureStore.open(Path(__file__).parent / "version-1")
    store.check()
    expected = TinyEncoder(4, 3).encode(prompts_of(make_pairs(6))).tokens.half()
    assert torch.equal(store.rows(range(8)), expected)
    assert store.lengths([0, 7]).tolist() == [4, 4]


def test_rows_are_filled_up_with_zeros_to_the_longest_that_is_asked_for(ragged: Path, features: Path) -> None:
    store, whole = FeatureStore.open(ragged), FeatureStore.open(features)
    neutral, emotional = (store.pairs[name].to_numpy() for name in ("neutral", "emotional"))
    some = [int(emotional[63]), int(neutral[0]), int(neutral[40]), int(emotional[23]), int(neutral[0])]  # of all shards
    for numbers in (some, np.array(some), torch.tensor(some)):
        stream = store.stream(numbers)
        assert stream.tokens.shape == (5, 8, C)
        assert stream.lengths() == store.lengths(numbers).tolist() == [8, 4, 4, 8, 4]
        for row, length in enumerate(stream.lengths()):
            assert torch.equal(stream.tokens[row, :length], whole.rows(some)[row, :length])
            assert not stream.tokens[row, length:].any()
    short = store.stream(neutral)
    assert short.tokens.shape == (64, 4, C)
    assert short.mask is None  # all are of one length
    assert store.rows(neutral[:1], 6).shape == (1, 6, C)
    assert store.rows([]).shape == (0, 0, C)
    with pytest.raises(InputError, match="no prompt 80 among 80"):
        store.lengths([80])


def test_real_text_encoders_lose_nothing_but_padding(tmp_path: Path, tiny_sdxl: Path) -> None:
    encoder, pairs = open_encoder(tiny_sdxl, device="cpu"), pairs_of_words()
    write_features(pairs, tmp_path / "whole", encoder, batch=4)
    written = write_features(pairs, tmp_path / "ragged", IgnoringPadding(encoder), batch=4)  # type: ignore[arg-type]
    whole, store = FeatureStore.open(tmp_path / "whole"), FeatureStore.open(tmp_path / "ragged")
    counted = encoder.lengths(prompts_of(pairs))
    assert store.lengths(range(16)).tolist() == counted
    assert min(counted) < max(counted) == encoder.section
    for number, length in enumerate(counted):
        assert torch.equal(store.rows([number])[0], whole.rows([number])[0, :length])
    assert written.manifest.saved_bytes == 2 * 32 * (16 * 12 - sum(counted))


# Stopped, damaged, mended


class Stops(TinyEncoder):
    """Raises KeyboardInterrupt instead of its sixth batch."""

    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        if len(self.calls) == 5:
            raise KeyboardInterrupt
        return super().encode(prompts)


def test_a_run_that_was_stopped_ends_in_the_same_bytes(ragged: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "made", Stops(ignores_padding=True))
    encoder = ignoring()
    encoder.threads = 3
    assert write(tmp_path / "made", encoder, shard_rows=None).encoded == 56
    assert contents(tmp_path / "made") == contents(ragged)
    assert write(tmp_path / "made").encoded == 0


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: os.truncate(path, 200), lambda path: path.write_bytes(b"\0" * 9)])
def test_a_damaged_shard_is_named_and_made_again(ragged: Path, copy: Path, damage: Any) -> None:
    damage(copy / "shards" / "tokens-00001.safetensors")
    with pytest.raises(InputError, match="tokens-00001"):
        FeatureStore.open(copy)
    with pytest.raises(InputError, match=r"tokens-00001.*--repair"):
        write(copy)
    assert write(copy, repair=True).encoded == 24
    assert contents(copy) == contents(ragged)


def test_damaged_bytes_are_found_by_the_check(copy: Path) -> None:
    path = copy / "shards" / "tokens-00002.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    with pytest.raises(InputError, match=r"tokens-00002\S+ is damaged: its checksum"):
        FeatureStore.open(copy).check()


@pytest.mark.parametrize(("column", "value"), [("neutral_tokens", 5), ("emotional_tokens", 9), ("emotional_tokens", -1)])
def test_an_index_whose_lengths_do_not_fit_is_named(copy: Path, column: str, value: int) -> None:
    change_index(copy, column, value)
    with pytest.raises(InputError, match=r"index\.parquet' is damaged: its numbers of tokens do not fit"):
        FeatureStore.open(copy)


@pytest.mark.parametrize("changes", [{"own_tokens": value} for value in (None, 641, -1, "9")] + [{"version": 1}])
def test_a_manifest_whose_tokens_cannot_be_is_an_error(copy: Path, changes: dict[str, Any]) -> None:
    change_manifest(copy, **changes)
    with pytest.raises(InputError, match=r"manifest\.json' is damaged"):
        FeatureStore.open(copy)


def test_a_folder_with_padding_is_not_gone_on_with_without_it(tmp_path: Path) -> None:
    folder = make_features(tmp_path / "made")
    before = contents(folder)
    with pytest.raises(InputError, match=r"a number of tokens, padding left out, of None; now it is 576"):
        write(folder)
    assert contents(folder) == before


# What an encoder may give


def task(prompts: list[str], lengths: list[int] | None) -> ShardTask:
    return ShardTask(folder="", number=0, prompts=prompts, batch=8, dtype="float16", lengths=lengths)


def test_overflow_is_looked_for_in_own_tokens_alone() -> None:
    """In the tiny encoder's padding stands infinity."""
    assert encode_shard(task(["content 1", "a"], [4, 3]), ignoring()).shape == (7, C)

    class Loud(TinyEncoder):
        def encode(self, prompts: Sequence[str]) -> PromptFeatures:
            made = super().encode(prompts)
            made.tokens[1, 2] = 1e6
            return made

    with pytest.raises(InputError, match="the prompt 'a' overflow in float16"):
        encode_shard(task(["content 1", "a"], [4, 3]), Loud(ignores_padding=True))


def test_other_tokens_than_were_counted_are_an_error_that_names_the_prompt() -> None:
    with pytest.raises(InputError, match="gives 4 tokens for the prompt 'content 2', in which 5 were counted") as caught:
        encode_shard(task(["content 1", "content 2"], [4, 5]), ignoring())
    assert "tokenizer" in caught.value.hint


def test_the_disk_needs_room_for_own_tokens_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from emoticrafter.features import encoding

    free = 2 * C * OWN
    monkeypatch.setattr(encoding.shutil, "disk_usage", lambda path: type("Usage", (), {"free": free, "total": 10**9})())
    assert write(tmp_path / "made").encoded == 80


def test_a_worker_of_ray_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, made = ignoring(), []
    monkeypatch.setattr(on_ray, "_open", lambda settings: encoder)

    def engine(tasks: Sequence[ShardTask], step: Any) -> Any:
        worker = on_ray.ShardMaker()
        for one in tasks:
            row = worker({"task": json.dumps({"task": asdict(one), "settings": {}})})
            assert row == {"number": one.number, "error": ""}
            made.append(one.lengths)
            yield one.number

    write(tmp_path / "ray", encoder, engine=engine)
    assert [len(lengths or []) for lengths in made] == [24, 24, 24, 8]
    write(tmp_path / "here", encoder, engine=in_process(encoder))
    assert contents(tmp_path / "ray") == contents(tmp_path / "here")


def test_shards_are_as_large_as_they_would_be_with_padding(tmp_path: Path) -> None:
    manifests = [
        write(tmp_path / name, encoder, batch=None, shard_rows=None).manifest
        for name, encoder in (("whole", TinyEncoder(channels=64)), ("ragged", ignoring(channels=64)))
    ]
    sizes = [manifest.shard_rows * manifest.feature_bytes / PROMPTS for manifest in manifests]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)
    assert manifests[0].shard_rows < manifests[1].shard_rows
