"""Reading encoded prompts: the right rows, little memory, and no damaged or foreign file taken for a sound one."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from emoticrafter.errors import InputError, MissingError
from emoticrafter.features.manifest import shard_offset
from emoticrafter.features.store import FeatureStore, Manifest, Shard
from tests.tiny_features import TinyEncoder, make_features, make_pairs


@pytest.fixture
def copy(features: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(features, tmp_path / "copy"))


def change_manifest(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# Rows


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_rows_are_those_that_safetensors_reads(tmp_path: Path, dtype: str) -> None:
    store = FeatureStore.open(make_features(tmp_path / "made", dtype=dtype))
    files = [store.folder / shard.file for shard in store.manifest.shards]
    expected = torch.cat([load_file(file)["tokens"] for file in files])
    assert expected.dtype == getattr(torch, dtype)
    assert len(store) == len(expected) == 80
    assert torch.equal(store.rows(range(80)), expected)
    some = [79, 0, 24, 23, 23, 5, 79]  # unordered, repeated, at the ends of shards
    for numbers in (some, np.array(some), torch.tensor(some)):
        assert torch.equal(store.rows(numbers), expected[some])
    assert store.rows([]).shape == (0, 8, 16)
    with safe_open(files[0], "pt") as file:
        assert list(file.keys()) == ["tokens"]


def test_a_pair_s_rows_are_the_features_of_its_prompts(features: Path) -> None:
    store, pairs, encoder = FeatureStore.open(features), make_pairs(), TinyEncoder()
    assert list(store.pairs) == [
        "id", "valence", "arousal", "dataset", "tag", "split", "content", "picture", "neutral", "emotional",
    ]  # fmt: skip
    assert store.pairs["id"].tolist() == pairs["id"].tolist()
    assert store.pairs["valence"].tolist() == pairs["valence"].tolist()
    assert store.pairs["tag"].isna().sum() == 64 - 22
    assert store.pairs["neutral"].dtype == np.int64
    for column in ("neutral", "emotional"):
        expected = encoder.encode(pairs[f"{column}_prompt"].tolist()).tokens.half()
        assert torch.equal(store.rows(store.pairs[column].to_numpy()), expected)
    assert store.pairs["neutral"].nunique() == 16


@pytest.mark.parametrize("wrong", [[80], [0, -1], [2**62]])
def test_a_number_that_no_prompt_has_is_refused(features: Path, wrong: list[int]) -> None:
    with pytest.raises(InputError, match=rf"no prompt {wrong[-1]} among 80"):
        FeatureStore.open(features).rows(wrong)


def test_a_store_is_read_by_threads_and_by_other_processes(features: Path) -> None:
    store = FeatureStore.open(features)
    expected = store.rows(range(80))
    with ThreadPoolExecutor(4) as pool:
        assert all(torch.equal(rows, expected) for rows in pool.map(store.rows, [range(80)] * 16))
    assert torch.equal(pickle.loads(pickle.dumps(store)).rows([7]), expected[[7]])


def test_random_rows_of_a_store_of_many_gigabytes_take_little_memory(tmp_path: Path) -> None:
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("needs /proc")
    rows, tokens, channels = 26_000, 77, 2048
    header = {"tokens": {"dtype": "F16", "shape": [rows, tokens, channels], "data_offsets": [0, 2 * rows * tokens * channels]}}
    text = json.dumps(header).encode()
    shard = Shard(file="shards/tokens-00000.safetensors", rows=rows, sha256="0" * 64)
    (tmp_path / "shards").mkdir()
    with (tmp_path / shard.file).open("wb") as file:  # sparse: it takes no room on the disk
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + 2 * rows * tokens * channels)
    assert (tmp_path / shard.file).stat().st_size > 8e9
    store = store_of(tmp_path, [shard], prompts=rows, tokens=tokens, channels=channels, shard_rows=rows)
    rng = np.random.default_rng(0)

    def resident() -> int:
        return int(status.read_text().split()[1]) * 4096

    before, most, read = resident(), 0, 0
    for _ in range(40):
        found = store.rows(rng.integers(0, rows, 64))
        read += found.nbytes
        most = max(most, resident() - before)
        assert not found[0, 0].any()
    assert read > 800e6
    assert most < 100e6, f"{most / 1e6:.0f} MB more"


def store_of(folder: Path, shards: list[Shard], **sizes: int) -> FeatureStore:
    """A store without an index."""
    texts = {"backbone": "tiny", "dtype": "float16", "computed": "float32", "long": "refuse"}
    hashes = dict.fromkeys(("encoder", "source", "index"), "0" * 64)
    manifest = Manifest(**texts, **hashes, batch=1, cut=0, pairs=0, shards=tuple(shards), **sizes)  # type: ignore[arg-type]
    return FeatureStore(folder, manifest, make_pairs(1), [shard_offset(folder, shard, manifest) for shard in shards])


# Fitting the model


def test_features_that_fit_are_accepted(features: Path) -> None:
    store = FeatureStore.open(features)
    store.require(prompt_channels=16, positions=8, backbone="tiny", encoder=store.manifest.encoder)
    store.require(positions=77)
    store.require()


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ({"backbone": "sdxl"}, ("'tiny'", "'sdxl'")),
        ({"prompt_channels": 2048}, ("16 channels", "2048")),
        ({"positions": 7}, ("8 tokens", "7 positions")),
        ({"encoder": "f" * 64}, ("f" * 16, TinyEncoder().fingerprint[:16])),
    ],
)
def test_features_that_do_not_fit_are_refused_with_both_values(
    features: Path, asked: dict[str, Any], values: tuple[str, str]
) -> None:
    with pytest.raises(InputError) as caught:
        FeatureStore.open(features).require(**asked)
    assert all(value in caught.value.problem for value in values)
    assert str(features) in caught.value.problem
    assert "data encode" in caught.value.hint


# Damage


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_sound_store_passes_the_check_and_reports_its_progress(features: Path) -> None:
    steps: list[tuple[int, int]] = []
    FeatureStore.open(features).check(lambda done, total: steps.append((done, total)))
    assert steps == [(24, 80), (48, 80), (72, 80), (80, 80)]


def test_damaged_bytes_are_found_by_the_check_and_named(copy: Path) -> None:
    for number in (1, 3):
        flip(copy / f"shards/tokens-0000{number}.safetensors")
    store = FeatureStore.open(copy)
    with pytest.raises(InputError, match="checksum is another") as caught:
        store.check()
    assert "tokens-00001" in str(caught.value)
    assert "tokens-00003" in str(caught.value)
    assert "tokens-00000" not in str(caught.value)
    assert "--repair" in caught.value.hint


def other_dtype(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"F16"', b'"I16"'))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "missing"),
        (lambda path: path.write_bytes(b""), "damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "bytes of"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\0"), "bytes of"),
        (lambda path: path.write_bytes(b"\xff" * 100), "header"),
        (lambda path: flip(path, 9), "damaged"),
        (other_dtype, "header"),
    ],
)
def test_a_shard_that_is_not_as_written_is_named_on_opening(copy: Path, damage: Callable[[Path], Any], words: str) -> None:
    damage(copy / "shards" / "tokens-00002.safetensors")
    with pytest.raises(InputError, match=r"tokens-00002\.safetensors") as caught:
        FeatureStore.open(copy)
    assert words in str(caught.value)
    assert "tokens-00001" not in str(caught.value)


def test_many_faults_are_counted_not_all_told(tmp_path: Path) -> None:
    folder = make_features(tmp_path / "made", shard_rows=5)
    shutil.rmtree(folder / "shards")
    with pytest.raises(InputError, match=r"tokens-00009\S+ is missing\. So are 6 more\."):
        FeatureStore.open(folder)


def test_a_shard_cut_short_while_it_is_read_is_an_error_not_a_crash(copy: Path) -> None:
    store = FeatureStore.open(copy)
    path = copy / "shards" / "tokens-00000.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"tokens-00000.*cut short"):
        store.rows([23])
    path.unlink()
    with pytest.raises(InputError, match=r"There is no shard .*tokens-00000"):
        store.rows([0])
    assert store.rows([24]).any()


def test_no_store_and_an_unfinished_one_are_told_apart(features: Path, copy: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no features") as caught:
        FeatureStore.open(tmp_path / "nowhere")
    assert "data encode" in caught.value.hint
    (copy / "manifest.json").unlink()
    with pytest.raises(MissingError, match="not finished") as caught:
        FeatureStore.open(copy)
    assert "goes on" in caught.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "other"}', "[" * 100_000, "\xff"])
def test_a_manifest_that_cannot_be_read_is_an_error(copy: Path, text: str) -> None:
    (copy / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"manifest\.json' is (damaged: |not a manifest: )"):
        FeatureStore.open(copy)


def test_a_manifest_of_another_version_is_an_error_with_both(copy: Path) -> None:
    change_manifest(copy, version=3)
    with pytest.raises(InputError, match="version 3; this program reads versions 1 and 2"):
        FeatureStore.open(copy)


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": "8"}, {"tokens": True}, {"tokens": 0}, {"tokens": None}, {"channels": 1e3}, {"dtype": "float32"},
        {"long": "maybe"}, {"prompts": 81}, {"shard_rows": 0}, {"shards": {}}, {"shards": [1]}, {"encoder": "abc"},
        {"index": "z" * 64}, {"backbone": 3},
    ],
)  # fmt: skip
def test_a_manifest_with_a_wrong_value_is_an_error(copy: Path, changes: dict[str, Any]) -> None:
    change_manifest(copy, **changes)
    with pytest.raises(InputError, match="damaged"):
        FeatureStore.open(copy)


def test_a_manifest_cannot_lead_out_of_its_folder(copy: Path) -> None:
    shards = json.loads((copy / "manifest.json").read_text())["shards"]
    shards[1]["file"] = "../../secret.safetensors"
    change_manifest(copy, shards=shards)
    with pytest.raises(InputError, match="names a shard"):
        FeatureStore.open(copy)


def test_entries_of_later_programs_are_left_alone(copy: Path) -> None:
    change_manifest(copy, remark="made on a Tuesday")
    assert FeatureStore.open(copy).manifest.backbone == "tiny"


def test_a_manifest_says_what_the_file_says(features: Path) -> None:
    manifest = FeatureStore.open(features).manifest
    entries = json.loads((features / "manifest.json").read_text())
    stated = {name: value for name, value in asdict(manifest).items() if name != "own_tokens"}  # it has its padding
    assert manifest.own_tokens is None
    assert entries == {"format": "emoticrafter-features", "version": 1, **json.loads(json.dumps(stated))}
    assert manifest.as_dict() == entries
    assert manifest.row_bytes == 2 * 8 * 16


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), flip, lambda path: path.write_bytes(b"PAR1")])
def test_an_index_that_is_not_as_written_is_named(copy: Path, damage: Callable[[Path], Any]) -> None:
    damage(copy / "index.parquet")
    with pytest.raises(InputError, match=r"index\.parquet"):
        FeatureStore.open(copy)


def test_an_index_that_does_not_fit_the_manifest_is_refused(copy: Path, tmp_path: Path) -> None:
    other = make_features(tmp_path / "other", pairs=8)
    shutil.copy(other / "index.parquet", copy / "index.parquet")
    change_manifest(copy, index=json.loads((other / "manifest.json").read_text())["index"])
    with pytest.raises(InputError, match="does not fit the manifest"):
        FeatureStore.open(copy)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("name", ["manifest.json", "index.parquet", "shards/tokens-00001.safetensors"])
def test_what_is_no_file_in_a_store_is_named_at_once(copy: Path, name: str) -> None:
    (copy / name).unlink()
    (copy / name).symlink_to("/dev/zero")
    with pytest.raises(InputError, match=rf"{Path(name).name}' cannot be read: it is a device"):
        FeatureStore.open(copy)
    (copy / name).unlink()
    os.mkfifo(copy / name)
    with pytest.raises(InputError, match=rf"{Path(name).name}' cannot be read: it is a named pipe"):
        FeatureStore.open(copy)


def test_a_manifest_that_must_not_be_read_is_named(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: Any, *rest: Any, **named: Any) -> int:
        if str(path).endswith("manifest.json"):
            raise PermissionError(13, "Permission denied")
        return real(path, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)  # root may read everything, so the mode bits prove nothing
    with pytest.raises(InputError, match=r"manifest\.json' cannot be read: Permission denied.*--repair"):
        FeatureStore.open(copy)


@pytest.mark.parametrize(("column", "says"), [("neutral", "neutral is null in row 1"), ("valence", "valence is null in row 1")])
def test_an_index_with_nulls_is_named(copy: Path, column: str, says: str) -> None:
    table = pq.read_table(copy / "index.parquet")
    values = [None, *table.column(column).to_pylist()[1:]]
    at = table.column_names.index(column)
    pq.write_table(table.set_column(at, column, pa.array(values, table.schema.field(column).type)), copy / "index.parquet")
    change_manifest(copy, index=hashlib.sha256((copy / "index.parquet").read_bytes()).hexdigest())
    with pytest.raises(InputError, match=rf"index\.parquet' is damaged: {says}.*--repair"):
        FeatureStore.open(copy)
