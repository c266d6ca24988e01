"""Writing encoded prompts: each once, whole or not at all, the same bytes however often it is stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import safetensors.torch
import torch

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.errors import InputError, MissingError, OutputError
from emoticrafter.features import encoding, index
from emoticrafter.features.encoding import Written, write_features
from emoticrafter.features.shards import ShardTask
from emoticrafter.features.store import FeatureStore
from tests.contents import contents
from tests.tiny_features import TinyEncoder, make_features, make_pairs

ROOT = Path(__file__).parents[2]
SETTINGS: dict[str, Any] = {"batch": 8, "shard_rows": 24, "long": "cut"}  # as in make_features: 80 prompts in 4 shards


def write(folder: Path, encoder: TinyEncoder | None = None, pairs: pd.DataFrame | None = None, **settings: Any) -> Written:
    pairs = make_pairs() if pairs is None else pairs
    return write_features(pairs, folder, encoder or TinyEncoder(), **{**SETTINGS, **settings})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a store that was written in one go."""
    return contents(make_features(tmp_path_factory.mktemp("whole") / "made"))


class Stops(TinyEncoder):
    """Raises something instead of the batch of that number."""

    def __init__(self, batch: int, reason: BaseException) -> None:
        super().__init__()
        self.batch, self.reason = batch, reason

    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        if len(self.calls) == self.batch:
            raise self.reason
        return super().encode(prompts)


# What is encoded


def test_each_distinct_prompt_is_encoded_once_and_nothing_else(tmp_path: Path) -> None:
    encoder, pairs = TinyEncoder(), make_pairs()
    written = write(tmp_path / "made", encoder)
    prompts = [prompt for call in encoder.calls for prompt in call]
    assert len(prompts) == len(set(prompts)) == 80
    assert set(prompts) == {*pairs["neutral_prompt"], *pairs["emotional_prompt"]}  # no empty, no negative prompt
    assert (written.encoded, written.dropped, written.manifest.prompts, written.manifest.pairs) == (80, 0, 80, 64)
    assert written.bytes == sum(map(len, contents(tmp_path / "made").values()))


def test_batches_begin_anew_with_each_shard(tmp_path: Path) -> None:
    encoder = TinyEncoder()
    write(tmp_path / "made", encoder, batch=10)
    assert [len(call) for call in encoder.calls] == [10, 10, 4] * 3 + [8]


def test_the_folder_holds_the_store_and_nothing_else(whole: dict[str, bytes]) -> None:
    assert set(whole) == {"manifest.json", "index.parquet", *(f"shards/tokens-0000{number}.safetensors" for number in range(4))}


def test_threads_do_not_show_in_the_bytes(tmp_path: Path, whole: dict[str, bytes]) -> None:
    encoder = TinyEncoder()
    encoder.threads = 3
    write(tmp_path / "made", encoder)
    assert contents(tmp_path / "made") == whole


def test_shards_are_readable_by_whoever_may_read_the_index(tmp_path: Path) -> None:
    write(tmp_path / "made")
    modes = {path.stat().st_mode for path in (tmp_path / "made").rglob("*") if path.is_file()}
    assert len(modes) == 1


def test_progress_counts_prompts(tmp_path: Path) -> None:
    steps: dict[str, list[tuple[int, int]]] = {}

    def stage(name: str) -> Callable[[int, int], None]:
        return lambda done, total: steps.setdefault(name, []).append((done, total))

    write(tmp_path / "made", progress=stage)
    assert steps == {"encoding": [(done, 80) for done in range(8, 81, 8)]}
    write(tmp_path / "made", progress=stage)
    assert steps["checking"] == [(24, 80), (48, 80), (72, 80), (80, 80)]


def test_sizes_that_are_not_given_are_chosen(tmp_path: Path) -> None:
    manifest = write(tmp_path / "made", batch=None, shard_rows=None).manifest
    assert manifest.batch == 64
    assert manifest.shard_rows % 64 == 0
    assert manifest.shard_rows * manifest.row_bytes == pytest.approx(encoding.SHARD_BYTES, rel=0.01)


@pytest.mark.parametrize("settings", [{"batch": 0}, {"batch": -3}, {"shard_rows": 0}, {"batch": 1 << 21}])
@pytest.mark.parametrize("begun", [False, True])
def test_sizes_out_of_range_are_refused(tmp_path: Path, settings: dict[str, Any], begun: bool) -> None:
    if begun:
        make_features(tmp_path / "made")
    with pytest.raises(InputError, match=rf"is {next(iter(settings.values()))}; it must be from 1 to"):
        write(tmp_path / "made", **settings)
    assert (tmp_path / "made").exists() is begun


# Stopped and gone on with

KILLED = """
import json, os, signal, sys
from pathlib import Path
from tests.contents import contents
from tests.tiny_features import make_features

folder, found = Path(sys.argv[1]), []

def run_until(call, at):
    real = getattr(os, call)

    def deadly(*arguments):
        nonlocal at
        at -= 1
        if at < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)

    setattr(os, call, deadly)
    make_features(folder)

for call, at in json.loads(sys.argv[2]):
    child = os.fork()
    if not child:
        run_until(call, at)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    found.append([str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()])
print(json.dumps(found))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_point_it_goes_on_and_ends_in_the_same_bytes(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """One run after the other is killed (SIGKILL) instead of its n-th call of fsync or replace."""
    folder, kills = tmp_path / "made", [("fsync", 0), ("replace", 2), ("fsync", 5), ("replace", 7), ("replace", 1), ("fsync", 2)]
    arguments = [sys.executable, "-c", KILLED, str(folder), json.dumps(kills)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    half_written = [[name for name in names if ".tmp" in name] for names in found]
    assert [len(names) for names in half_written] == [1] * len(kills)  # what was killed before leaves nothing behind
    checksums = [sum(name.startswith("unfinished/0") for name in names) for names in found]
    assert checksums == [0, 0, 1, 3, 3, 3]  # killed in the plan, a shard, a checksum, the last one, the index, the last shard
    assert not any("manifest.json" in names for names in found)
    encoder = TinyEncoder()
    assert write(folder, encoder).encoded == 80 - 3 * 24
    assert [prompt for call in encoder.calls for prompt in call] == index.prompts_of(make_pairs())[72:]
    assert contents(folder) == whole


@pytest.mark.parametrize("reason", [KeyboardInterrupt(), RuntimeError("a fault")])
@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_leaves_nothing_half_written(
    tmp_path: Path, whole: dict[str, bytes], reason: BaseException, threads: int
) -> None:
    encoder = Stops(5, reason)
    encoder.threads = threads
    with pytest.raises(type(reason)):
        write(tmp_path / "made", encoder)
    shards = sorted(path.name for path in (tmp_path / "made" / "shards").iterdir())
    assert shards == ["tokens-00000.safetensors"]
    assert write(tmp_path / "made").encoded == 56
    assert contents(tmp_path / "made") == whole


def test_a_full_disk_is_an_error_and_what_was_written_stays(
    tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = safetensors.torch.save_file, []

    def full(tensors: dict[str, torch.Tensor], path: Path) -> None:
        calls.append(path)
        if len(calls) == 3:
            path.write_bytes(b"half")
            raise safetensors.SafetensorError("I/O error: No space left on device (os error 28)")
        real(tensors, path)

    with monkeypatch.context() as patch:
        patch.setattr(safetensors.torch, "save_file", full)
        with pytest.raises(OutputError, match="disk is full"):
            write(tmp_path / "made")
    assert len(list((tmp_path / "made" / "shards").iterdir())) == 2
    assert write(tmp_path / "made").encoded == 32
    assert contents(tmp_path / "made") == whole


def test_too_little_room_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = TinyEncoder()
    monkeypatch.setattr(encoding.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 20_000, "total": 10**9})())
    with pytest.raises(OutputError, match=r"take 0\.0 GB"):
        write(tmp_path / "made", encoder)
    assert encoder.calls == []
    assert not (tmp_path / "made").exists()


def test_a_finished_store_is_left_alone(tmp_path: Path, whole: dict[str, bytes]) -> None:
    folder = make_features(tmp_path / "made")
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    encoder = TinyEncoder()
    assert write(folder, encoder, batch=None, shard_rows=None).encoded == 0
    assert encoder.calls == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == times


def test_a_second_run_is_refused_while_the_first_one_works(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")

    class Nosy(TinyEncoder):
        def encode(self, prompts: Sequence[str]) -> PromptFeatures:
            with pytest.raises(OutputError, match="Another run is writing"):
                write(tmp_path / "made")
            return super().encode(prompts)

    assert write(tmp_path / "made", Nosy()).encoded == 80


# Damage


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    "damage", [flip, lambda path: path.unlink(), lambda path: path.write_bytes(b""), lambda path: os.truncate(path, 100)]
)
def test_a_damaged_shard_is_named_and_made_again_by_repair(
    tmp_path: Path, whole: dict[str, bytes], damage: Callable[[Path], Any], finished: bool
) -> None:
    folder = tmp_path / "made"
    if finished:
        write(folder)
    else:
        with pytest.raises(KeyboardInterrupt):
            write(folder, Stops(9, KeyboardInterrupt()))
        assert not (folder / "manifest.json").exists()
    damage(folder / "shards" / "tokens-00001.safetensors")
    before = contents(folder)
    with pytest.raises(InputError, match="tokens-00001") as caught:
        write(folder)
    assert "tokens-00000" not in str(caught.value)
    assert "--repair" in caught.value.hint
    assert contents(folder) == before
    assert write(folder, repair=True).encoded == 24 + (0 if finished else 8)
    assert contents(folder) == whole


def test_a_repair_that_is_stopped_is_gone_on_with(tmp_path: Path, whole: dict[str, bytes]) -> None:
    folder = make_features(tmp_path / "made")
    for number in (0, 2):
        flip(folder / f"shards/tokens-0000{number}.safetensors")
    with pytest.raises(KeyboardInterrupt):
        write(folder, Stops(5, KeyboardInterrupt()), repair=True)
    with pytest.raises(InputError, match="tokens-00002"):
        FeatureStore.open(folder).check()
    assert write(folder, repair=True).encoded == 24
    assert contents(folder) == whole


def test_a_repair_on_a_machine_that_rounds_otherwise_renews_the_checksum(tmp_path: Path) -> None:
    class Other(TinyEncoder):
        def encode(self, prompts: Sequence[str]) -> PromptFeatures:
            return super().encode(prompts).map(lambda tokens: tokens * (1 + 2**-9))

    folder = make_features(tmp_path / "made")
    before = FeatureStore.open(folder).manifest.shards
    flip(folder / "shards" / "tokens-00001.safetensors")
    write(folder, Other(), repair=True)
    store = FeatureStore.open(folder)
    store.check()
    assert [a == b for a, b in zip(before, store.manifest.shards, strict=True)] == [True, False, True, True]


@pytest.mark.parametrize("name", ["manifest.json", "index.parquet"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_damaged_manifest_or_index_is_named_and_repaired(
    tmp_path: Path, whole: dict[str, bytes], name: str, gone: bool
) -> None:
    folder = make_features(tmp_path / "made")
    (folder / name).unlink() if gone else (folder / name).write_text("{")
    with pytest.raises(InputError, match=name.replace(".", r"\.")) as caught:
        write(folder)
    assert "--repair" in caught.value.hint
    written = write(folder, repair=True)
    assert written.encoded == (80 if name == "manifest.json" else 0)  # nothing says any more what the shards are
    assert contents(folder) == whole


def test_a_repair_with_larger_shards_removes_those_of_before(tmp_path: Path) -> None:
    folder = make_features(tmp_path / "made", shard_rows=10)
    (folder / "manifest.json").write_text("")
    write(folder, repair=True)
    assert len(list((folder / "shards").iterdir())) == 4
    FeatureStore.open(folder).check()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"backbone": 1}'])
def test_a_damaged_plan_is_named_and_repaired(tmp_path: Path, whole: dict[str, bytes], text: str) -> None:
    folder = tmp_path / "made"
    with pytest.raises(KeyboardInterrupt):
        write(folder, Stops(5, KeyboardInterrupt()))
    (folder / "unfinished" / "plan.json").write_text(text)
    with pytest.raises(InputError, match=r"plan\.json.*damaged"):
        write(folder)
    write(folder, repair=True)
    assert contents(folder) == whole


# Other pairs, other encoders, other files


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("changes", "values"),
    [
        ({"encoder": TinyEncoder(family="sdxl")}, ("'tiny'", "'sdxl'")),
        ({"encoder": TinyEncoder(seed=1)}, (TinyEncoder().fingerprint[:16], TinyEncoder(seed=1).fingerprint[:16])),
        ({"encoder": TinyEncoder(computed="bfloat16")}, ("'float32'", "'bfloat16'")),
        ({"dtype": "bfloat16"}, ("'float16'", "'bfloat16'")),
        ({"batch": 16}, ("8", "16")),
        ({"shard_rows": 40}, ("24", "40")),
        ({"long": "drop"}, ("'cut'", "'drop'")),
        ({"pairs": make_pairs(seed=1)}, (index.source_of(make_pairs())[:16], index.source_of(make_pairs(seed=1))[:16])),
    ],
)
def test_a_folder_of_something_else_is_refused_with_both_values(
    tmp_path: Path, changes: dict[str, Any], values: tuple[str, str], finished: bool
) -> None:
    folder = tmp_path / "made"
    if finished:
        write(folder)
    else:
        with pytest.raises(KeyboardInterrupt):
            write(folder, Stops(5, KeyboardInterrupt()))
    before = contents(folder)
    for repair in (False, True):
        with pytest.raises(InputError) as caught:
            write(folder, repair=repair, **changes)
        assert all(value in caught.value.problem for value in values)
        assert "--out" in caught.value.hint
    assert contents(folder) == before


def test_the_hash_of_pairs_sees_every_value_and_not_how_they_are_stored(tmp_path: Path) -> None:
    pairs, hashes = make_pairs(4), set()
    for column in (
        "id",
        "valence",
        "arousal",
        "dataset",
        "tag",
        "split",
        "content",
        "picture",
        "neutral_prompt",
        "emotional_prompt",
    ):
        changed = pairs.astype({"split": object})
        changed.loc[2, column] = 0.125 if column in ("valence", "arousal") else "other"
        hashes.add(index.source_of(changed))
    hashes.add(index.source_of(pairs.iloc[::-1]))
    assert len(hashes - {index.source_of(pairs)}) == 11
    pairs.to_parquet(tmp_path / "pairs.parquet")
    stored = pd.read_parquet(tmp_path / "pairs.parquet")[[*reversed(pairs.columns)]]
    assert index.source_of(stored.assign(remark="new")) == index.source_of(pairs)


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("never to be lost")
    with pytest.raises(OutputError, match=r"other files, as 'thesis\.tex'"):
        write(tmp_path)
    with pytest.raises(OutputError, match="is no folder"):
        write(tmp_path / "thesis.tex")
    assert contents(tmp_path) == {"thesis.tex": b"never to be lost"}


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        with pytest.raises(OutputError, match="Cannot write"):
            write(Path("/proc/nothing/here"))
        return
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Cannot write"):
        write(tmp_path / "made")


# Pairs that cannot be encoded


def wordy(*rows: int) -> pd.DataFrame:
    pairs = make_pairs(8)
    for row in rows:
        pairs.loc[row, "emotional_prompt"] = f"number {row} and more and more words"  # 7 words and two ends: 9 tokens of 8
    return pairs


def test_long_prompts_are_refused_by_id_with_the_cure(tmp_path: Path) -> None:
    encoder = TinyEncoder()
    with pytest.raises(InputError) as caught:
        write(tmp_path / "made", encoder, wordy(3), long="refuse")
    assert "A prompt is longer than the encoder's 8 tokens: emotional of 'tiny/3' (9)" in caught.value.problem
    assert "--long cut" in caught.value.hint
    assert "--long drop" in caught.value.hint
    with pytest.raises(InputError, match=r"7 prompts are longer .* 'tiny/0' \(9\).*'tiny/4' \(9\) and others\.") as caught:
        write(tmp_path / "made", encoder, wordy(*range(7)), long="refuse")
    assert "tiny/6" not in str(caught.value)
    assert encoder.calls == []
    assert not (tmp_path / "made").exists()


def test_long_prompts_are_cut_when_asked_and_counted(tmp_path: Path) -> None:
    written = write(tmp_path / "made", pairs=wordy(3, 5), long="cut")
    assert (written.manifest.cut, written.manifest.long, written.manifest.pairs, written.dropped) == (2, "cut", 8, 0)


def test_pairs_with_long_prompts_are_dropped_when_asked_and_counted(tmp_path: Path) -> None:
    written = write(tmp_path / "made", pairs=wordy(3, 5), long="drop")
    assert (written.manifest.cut, written.manifest.pairs, written.dropped) == (0, 6, 2)
    assert FeatureStore.open(tmp_path / "made").pairs["id"].tolist() == [f"tiny/{number}" for number in (0, 1, 2, 4, 6, 7)]
    with pytest.raises(InputError, match="All pairs"):
        write(tmp_path / "none", pairs=wordy(*range(8)), long="drop")


@pytest.mark.parametrize("value", [1e6, float("inf"), float("nan")])
def test_features_that_overflow_are_an_error_that_names_the_prompt(tmp_path: Path, value: float) -> None:
    class Loud(TinyEncoder):
        def encode(self, prompts: Sequence[str]) -> PromptFeatures:
            made = super().encode(prompts)
            if "content 7" in prompts:
                made.tokens[prompts.index("content 7"), 1, 2] = value
            return made

    with pytest.raises(InputError, match="prompt 'content 7' overflow in float16") as caught:
        write(tmp_path / "made", Loud())
    assert "bfloat16" in caught.value.hint
    if value == 1e6:
        write(tmp_path / "other", Loud(), dtype="bfloat16")
        return
    with pytest.raises(InputError, match="overflow in bfloat16") as caught:
        write(tmp_path / "other", Loud(), dtype="bfloat16")
    assert caught.value.hint == "Leave that prompt out."  # what is in use is no cure


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("neutral_prompt", None, "neutral_prompt of the pair 'tiny/2'"),
        ("emotional_prompt", 7, "must be a text"),
        ("content", None, "content of the pair 'tiny/2'"),
        ("valence", float("nan"), "valence of the pair 'tiny/2' is 'nan'; it must be a number from -3 to 3"),
        ("arousal", 3.01, "arousal of the pair 'tiny/2' is '3.01'"),
        ("valence", "high", "'high'"),
        ("id", "tiny/1", "'tiny/1' stands for several pairs"),
    ],
)
def test_a_pair_that_cannot_be_learned_from_is_named(tmp_path: Path, column: str, value: Any, words: str) -> None:
    pairs = make_pairs(4).astype(object)
    pairs.loc[2, column] = value
    with pytest.raises(InputError) as caught:
        write(tmp_path / "made", pairs=pairs)
    assert words in str(caught.value)


def test_no_pairs_or_no_columns_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pairs"):
        write(tmp_path / "made", pairs=make_pairs(4)[:0])
    with pytest.raises(InputError, match="lack valence, emotional_prompt"):
        write(tmp_path / "made", pairs=make_pairs(4).drop(columns=["valence", "emotional_prompt"]))


@pytest.mark.parametrize("settings", [{"dtype": "float32"}, {"dtype": ""}, {"long": "shorten"}])
def test_unknown_settings_are_refused_with_the_known_ones(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"Known ones: (float16, bfloat16|refuse, cut, drop)\."):
        write(tmp_path / "made", **settings)


def test_prompts_of_any_script_are_encoded(tmp_path: Path) -> None:
    pairs = make_pairs(4)
    pairs.loc[0, "neutral_prompt"] = "海 \N{GRINNING FACE} \r\n naïve \x00"
    pairs.loc[1, "neutral_prompt"] = ""
    store = FeatureStore.open(Path(tmp_path / "made") if write(tmp_path / "made", pairs=pairs) else "")
    expected = TinyEncoder().encode(pairs["neutral_prompt"].tolist()).tokens.half()
    assert torch.equal(store.rows(store.pairs["neutral"].to_numpy()), expected)


def test_a_run_of_another_engine_is_taken_at_its_word_only_for_shards_that_are_there(tmp_path: Path) -> None:
    def idle(tasks: Sequence[ShardTask], step: Any) -> Iterator[int]:
        yield tasks[0].number

    with pytest.raises(MissingError, match=r"There is no checksum .*00000\.sha256"):
        write(tmp_path / "made", engine=idle)
    assert not (tmp_path / "made" / "manifest.json").exists()
    assert json.loads((tmp_path / "made" / "unfinished" / "plan.json").read_text())["prompts"] == 80
