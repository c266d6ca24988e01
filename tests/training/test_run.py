"""Whole trainings of a second: what they write, what they learn, what they refuse."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from emoticrafter import checkpoint
from emoticrafter.errors import CheckpointError, DeviceError, EmotiCrafterError, InputError, MissingError, OutputError
from emoticrafter.features.store import FeatureStore
from emoticrafter.training import Outcome, train
from emoticrafter.training.learner import Learner
from emoticrafter.training.material import read_empty_prompt
from emoticrafter.training.probe import load_probe
from emoticrafter.training.record import read_metrics
from tests.tiny_features import TinyEncoder, make_features
from tests.training.tiny_runs import assert_same, small_recipe


@pytest.fixture(autouse=True)
def _no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than these trainings; `finished` is drawn before this."""
    monkeypatch.setattr("emoticrafter.training.run.draw_curves", lambda *_: None)


def run(features: Path, out: Path, *changes: str) -> Outcome:
    return train(small_recipe(features, *changes), out, quiet=True)


@pytest.fixture(scope="module")
def finished(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with baselines and every record; not to be written to."""
    out = tmp_path_factory.mktemp("finished") / "run"
    run(features, out, "log.ridge_pairs=50", 'log.trackers=["tensorboard"]', "train.average=0.5")
    return out


def test_the_result_is_a_checkpoint_that_knows_its_backbone(finished: Path, features: Path) -> None:
    eit = checkpoint.load(finished / "checkpoint")
    about = json.loads((finished / "run.json").read_text())
    assert eit.metadata["backbone"] == "tiny"
    assert (eit.metadata["prompt_tokens"], eit.metadata["strength"], eit.metadata["alpha"]) == (8, 1.0, 1.5)
    assert eit.metadata["step"] == about["best"]["step"]
    assert eit.config.prompt_channels == 16
    assert eit.metadata["encoder"] == FeatureStore.open(features).manifest.encoder


def test_run_json_says_how_it_came_to_be(finished: Path) -> None:
    about = json.loads((finished / "run.json").read_text())
    assert about["finished"] is True
    assert (about["step"], about["steps"]) == (6, 6)
    assert about["recipe"]["train"]["batch"] == 8
    assert about["data"]["pairs"]["train"] + about["data"]["pairs"]["val"] == 64
    assert about["data"]["datasets"] == {"tiny": 64}
    assert len(about["data"]["hash"]) == 64
    assert about["versions"]["torch"] == torch.__version__
    assert set(about["baselines"]) == {"neutral", "ridge", "ridge_penalty"}
    assert about["parameters"] == checkpoint.load(finished / "checkpoint").parameter_count
    assert (about["device"], about["processes"], about["precision"]) == ("cpu", 1, "no")


def test_every_figure_is_in_the_metrics_and_both_losses_stand_beside_the_baselines(finished: Path) -> None:
    lines = read_metrics(finished / "metrics.jsonl")
    training = [line for line in lines if "loss" in line]
    validation = [line for line in lines if "val" in line]
    assert [line["step"] for line in training] == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in validation] == [0, 3, 6]
    assert {"loss", "norm", "rate", "epoch", "pairs_per_second", "memory_gib", "seconds"} <= set(training[0])
    assert {"val", "val_plain", "val_neutral", "val_ridge"} <= set(validation[0])
    # A new transformer hardly changes anything, so it begins at the neutral baseline.
    assert validation[0]["val"] == pytest.approx(validation[0]["val_neutral"], rel=0.01)


def test_curves_and_tensorboard_are_written(finished: Path) -> None:
    assert Image.open(finished / "curves.png").size[0] > 400
    assert list((finished / "trackers").rglob("events.out.tfevents.*"))


def test_the_kept_weights_are_the_averaged_ones(features: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    run(features, tmp_path, "train.average=0.5", "data.val_share=0")
    kept = load_file(tmp_path / "checkpoint" / "eit.safetensors")
    last = tmp_path / "states" / "step-00000006"
    assert all(torch.equal(tensor, kept[name]) for name, tensor in load_file(last / "average.safetensors").items())
    assert any(not torch.equal(tensor, kept[name]) for name, tensor in load_file(last / "model.safetensors").items())


def test_it_learns_what_the_pairs_teach(features: Path, tmp_path: Path) -> None:
    sizes = ("train.steps=300", "train.rate=1e-2", "train.batch=32", "model.width=32")
    outcome = run(features, tmp_path / "run", *sizes, "train.validate_every=50", "train.save_every=500", "log.every=50")
    assert outcome.best_loss is not None
    assert outcome.best_loss < 0.65 * outcome.baselines["neutral"]


def test_a_finished_run_is_not_trained_again(finished: Path, features: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    outcome = run(features, out, "log.ridge_pairs=50", 'log.trackers=["tensorboard"]', "train.average=0.5")
    assert outcome.step == outcome.steps == 6
    assert_same(finished, out)


def test_a_run_can_be_lengthened_and_gives_what_the_long_run_gives(features: Path, tmp_path: Path) -> None:
    run(features, tmp_path / "whole", "train.steps=9")
    run(features, tmp_path / "parts", "train.steps=4")
    run(features, tmp_path / "parts", "train.steps=9")
    one, other = (checkpoint.load(tmp_path / name / "checkpoint") for name in ("whole", "parts"))
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())


def test_pieces_of_a_batch_give_the_whole_batchs_gradient(features: Path, tmp_path: Path) -> None:
    for name, piece in (("whole", 8), ("pieces", 3)):  # 3 does not divide 8: pieces of 2
        run(features, tmp_path / name, f"train.micro_batch={piece}", "objective.identity=0.5")
    one, other = (checkpoint.load(tmp_path / name / "checkpoint").state_dict() for name in ("whole", "pieces"))
    for name, tensor in one.items():
        assert torch.allclose(tensor, other[name], atol=2e-5), name


def test_every_term_beyond_the_paper_can_be_trained_with(features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = TinyEncoder()
    monkeypatch.setattr("emoticrafter.training.material.open_encoder", lambda name, device: encoder)
    changes = [
        "objective.semantic=0.1", "objective.identity=0.1", "objective.affect=0.1", "objective.probe_steps=20",
        "objective.prompt_dropout=0.5", "objective.counterfactual=0.1",
    ]  # fmt: skip
    run(features, tmp_path / "run", *changes, "train.steps=3")
    line = next(line for line in read_metrics(tmp_path / "run" / "metrics.jsonl") if line["step"] == 3)
    terms = [line[name] for name in ("paper", "semantic", "identity", "affect", "counterfactual")]
    assert all(value > 0 for value in terms)
    assert sum(terms) == pytest.approx(line["loss"], rel=1e-4)
    assert encoder.calls == [[""]]
    assert {"probe_valence_r2", "probe_arousal_r2"} <= set(json.loads((tmp_path / "run" / "run.json").read_text())["probe"])
    run(features, tmp_path / "run", *changes, "train.steps=4")  # probe and empty prompt are read back, not made again
    assert encoder.calls == [[""]]
    encoder.fingerprint = "0" * 64
    with pytest.raises(InputError, match="hash"):  # other text encoders than those of the features
        run(features, tmp_path / "other", *changes)


def test_without_held_out_pairs_the_last_weights_are_kept(features: Path, tmp_path: Path) -> None:
    outcome = run(features, tmp_path / "run", "data.val_share=0")
    assert outcome.best_loss is None
    assert outcome.best_step == 6
    assert checkpoint.load(tmp_path / "run" / "checkpoint").metadata["pairs"] == 64


def test_a_training_can_begin_with_a_checkpoint(finished: Path, features: Path, tmp_path: Path) -> None:
    begin = f"model.begin={finished / 'checkpoint'}"
    run(features, tmp_path / "run", begin, "train.steps=1", "train.rate=1e-9", "train.validate_every=1")
    lines = [line for line in read_metrics(tmp_path / "run" / "metrics.jsonl") if "val" in line]
    best = json.loads((finished / "run.json").read_text())["best"]["loss"]
    assert lines[0]["val"] == pytest.approx(best, rel=1e-5)
    with pytest.raises(InputError, match="width 16, not 8"):
        run(features, tmp_path / "other", begin, "model.width=8")


# -- what is refused --------------------------------------------------------------------------------------------------


def test_another_recipe_in_the_same_folder_is_refused_with_both_values(features: Path, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(features, out, "train.steps=1")
    with pytest.raises(InputError) as error:
        run(features, out, "train.steps=1", "train.rate=0.5", "model.width=8")
    assert "train.rate 0.5, not 0.002" in str(error.value)
    assert "model.width 8, not 16" in str(error.value)


def test_other_data_in_the_same_folder_is_refused(features: Path, tmp_path: Path) -> None:
    run(features, tmp_path / "run", "train.steps=1")
    other = make_features(tmp_path / "other", seed=1)
    with pytest.raises(InputError, match="other' has"):
        run(other, tmp_path / "run", "train.steps=2")
    moved = tmp_path / "moved"
    shutil.copytree(features, moved)
    assert run(moved, tmp_path / "run", "train.steps=2").step == 2  # the same data elsewhere


def test_a_damaged_state_stops_the_run_and_the_advice_helps(features: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(features, out)
    whole = tmp_path / "whole"
    shutil.copytree(out, whole)
    (out / "states" / "step-00000006" / "optimizer.safetensors").unlink()
    with pytest.raises(CheckpointError, match="last good one is step-00000004"):
        run(features, out)
    shutil.rmtree(out / "states" / "step-00000006")
    run(features, out)
    assert_same(whole, out)


def test_a_run_that_lost_its_states_does_not_begin_anew_silently(features: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(features, out, "train.steps=1")
    shutil.rmtree(out / "states")
    with pytest.raises(CheckpointError, match="none of its states is left"):
        run(features, out, "train.steps=1")


def test_a_lost_checkpoint_is_told_and_made_again(features: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(features, out)
    shutil.rmtree(out / "checkpoint")
    assert run(features, out).checkpoint == out / "checkpoint"
    assert checkpoint.load(out / "checkpoint").metadata["step"] == 6


def test_what_a_killed_beginning_left_is_made_again(features: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / ".lock").touch()
    (out / ".0123456789abcdef.tmp.toml").write_text("[tra")  # it had not even kept its recipe
    assert run(features, out, "train.steps=1").step == 1
    shutil.rmtree(out)
    out.mkdir()
    (out / "recipe.toml").write_text("")
    (out / "baselines.json").write_text('{"neutral": -1}')
    assert run(features, out, "train.steps=1").baselines["neutral"] > 0


def test_what_was_being_written_when_a_run_was_killed_is_put_right(features: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(features, out)
    whole = tmp_path / "whole"
    shutil.copytree(out, whole)
    (out / "checkpoint").rename(out / ".checkpoint.0123456789abcdef.old")  # killed between the two renames
    (out / ".checkpoint.0123456789abcdef.tmp").mkdir()
    (out / ".0123456789abcdef.tmp.json").write_text("{")
    (out / "states" / ".step-00000008.0123456789abcdef.tmp").mkdir()
    run(features, out)
    assert_same(whole, out)
    assert sorted(path.name for path in out.rglob(".*")) == [".lock"]


def test_a_folder_of_other_files_is_not_touched(features: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("precious")
    with pytest.raises(OutputError, match="no training run"):
        run(features, tmp_path / "letters")
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["dear.txt"]


def test_two_runs_do_not_share_a_folder(features: Path, tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    out = tmp_path / "run"
    run(features, out, "train.steps=1")
    with (out / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="Another run is writing to"):
            run(features, out, "train.steps=2")
    assert run(features, out, "train.steps=2").step == 2


@pytest.mark.parametrize("where", ["loss", "gradients"])
def test_what_is_not_finite_stops_before_the_update_and_names_the_pairs(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    out = tmp_path / "run"
    run(features, out, "train.steps=2", "train.validate_every=1000")
    before = (out / "states" / "step-00000002" / "model.safetensors").read_bytes()
    store = FeatureStore.open(features)
    if where == "loss":
        bad = int(store.pairs["emotional"][17])
        real = FeatureStore.rows

        def rows(self: FeatureStore, numbers: Any, tokens: int | None = None) -> torch.Tensor:
            found = real(self, numbers, tokens)
            found[torch.from_numpy(np.asarray(numbers) == bad)] = float("inf")
            return found

        monkeypatch.setattr(FeatureStore, "rows", rows)
    else:
        monkeypatch.setattr(torch.nn.utils, "get_total_norm", lambda *_: torch.tensor(float("nan")))
    with pytest.raises(EmotiCrafterError) as error:
        run(features, out, "train.steps=40", "train.validate_every=1000")
    told = json.loads((out / "not_finite.json").read_text())
    if where == "loss":
        assert told["ids"] == ["tiny/17"]
        assert "tiny/17" in error.value.problem
    else:
        assert len(told["ids"]) == 8
        assert "norm is nan" in error.value.problem
    step = told["step"]
    assert f"step {step}" in error.value.problem
    state = out / "states" / f"step-{step:08d}" / "model.safetensors"  # saved as it was before that step
    if where == "gradients":
        assert state.read_bytes() == before
    from safetensors.torch import load_file

    assert all(torch.isfinite(tensor).all() for tensor in load_file(state).values())


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        ('log.trackers=["tensorbored"]', InputError, "tensorbored"),
        ('log.trackers=["clearml"]', MissingError, "clearml"),
        ("data.features=nowhere", MissingError, "nowhere"),
        ("model.heads=3", InputError, "heads"),
        ("model.begin=nowhere", MissingError, "nowhere"),
    ],
)
def test_other_mistakes(features: Path, tmp_path: Path, change: str, kind: type[EmotiCrafterError], told: str) -> None:
    with pytest.raises(kind, match=told):
        run(features, tmp_path / "run", change)


def test_counterfactual_pairs_need_contents_that_occur_twice(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FeatureStore.open

    def single(folder: Any) -> FeatureStore:
        store = real(folder)
        store.pairs["content"] = [f"content {number}" for number in range(len(store.pairs))]
        return store

    monkeypatch.setattr(FeatureStore, "open", single)
    with pytest.raises(InputError, match="no content occurs at two emotions"):
        run(features, tmp_path / "run", "objective.counterfactual=1")


@pytest.mark.parametrize("value", [float("nan"), 3.2, 1e300])
def test_emotions_out_of_range_are_refused_by_id(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    real = FeatureStore.open

    def broken(folder: Any) -> FeatureStore:
        store = real(folder)
        store.pairs.loc[5, "valence"] = value
        return store

    monkeypatch.setattr(FeatureStore, "open", broken)
    with pytest.raises(InputError, match="'tiny/5'"):
        run(features, tmp_path / "run")


def test_a_batch_that_the_processes_cannot_share_is_refused(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(InputError, match="8 pairs cannot be shared by 3"):
        run(features, tmp_path / "run")


def test_one_process_may_train_twice_in_different_precisions(features: Path, tmp_path: Path) -> None:
    for name in ("float32", "bfloat16"):
        recipe = small_recipe(features, "train.steps=1")
        train(replace(recipe, train=replace(recipe.train, precision=name)), tmp_path / name, quiet=True)  # type: ignore[arg-type]
        assert json.loads((tmp_path / name / "run.json").read_text())["precision"] == {"float32": "no"}.get(name, "bf16")


def test_the_gain_learns_at_its_own_pace(features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[list[float]] = []
    real = Learner.update

    def watched(self: Learner, *arguments: Any) -> Any:
        done = real(self, *arguments)
        rates.append([group["lr"] for group in self.optimizer.param_groups])
        return done

    monkeypatch.setattr(Learner, "update", watched)
    run(features, tmp_path / "run", "train.steps=1", "train.gain_pace=10", "train.rate=0.001")
    assert rates == [[0.001, pytest.approx(0.01)]]


def test_a_batch_that_no_memory_holds_is_refused_before_any_work(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emoticrafter.training.run.total_memory", lambda device: 1 << 30)
    with pytest.raises(
        DeviceError, match=r"pass of 1,000,000 pairs .* takes 1 GiB at least; there are 1 in all.*train\.micro_batch=64"
    ):
        run(features, tmp_path / "run", "train.batch=1000000")


@pytest.mark.parametrize("error", [RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), MemoryError()])
def test_a_memory_that_does_not_suffice_is_told(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(FeatureStore, "rows", refuse)
    with pytest.raises(DeviceError, match=r"memory does not suffice for 8 pairs in one pass.*train\.micro_batch=64"):
        run(features, tmp_path / "run", "train.steps=1")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("baselines.json", "", "Expecting value"),
        ("baselines.json", "[]", r"it is \[\]; it must be an object"),
        ("baselines.json", '{"neutral": null}', "neutral is None; it must be a number"),
    ],
)
def test_a_damaged_file_of_a_run_is_named_and_deleted_made_again(
    features: Path, tmp_path: Path, name: str, content: str, says: str
) -> None:
    out = tmp_path / "run"
    run(features, out, "train.steps=1")
    (out / name).write_text(content)
    with pytest.raises(CheckpointError, match=rf"{name}' is damaged: {says}.* Delete the file: it is made again"):
        run(features, out, "train.steps=2")
    (out / name).unlink()
    assert run(features, out, "train.steps=2").step == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"progress": None}, "progress is None; it must be an object"),
        ({"progress": {"step": "one", "pending": {}}}, "progress.step is 'one'; it must be a whole number"),
        ({"recipe": ["train"]}, r"recipe is \['train'\]; it must be an object"),
        ({"data": None}, "data is None; it must be text"),
    ],
)
def test_a_state_with_strange_entries_is_named(features: Path, tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    out = tmp_path / "run"
    run(features, out, "train.steps=1")
    path = out / "states" / "step-00000001" / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(CheckpointError, match=rf"state\.json' is damaged: {says}.* Delete its folder"):
        run(features, out, "train.steps=2")


def test_a_damaged_probe_or_empty_prompt_is_named(features: Path, tmp_path: Path) -> None:
    store, cpu = FeatureStore.open(features), torch.device("cpu")
    path = tmp_path / "x.safetensors"
    for tensors in ({}, {"norm.weight": torch.ones(4)}, {"tokens": torch.ones(2, 3)}):
        save_file(tensors, path)
        with pytest.raises(CheckpointError, match=r"The probe .*x\.safetensors' is of another network.* Delete the file"):
            load_probe(path, cpu)
        with pytest.raises(
            CheckpointError, match=r"The empty prompt .*x\.safetensors' is damaged: it holds no tokens of the shape"
        ):
            read_empty_prompt(store, path, cpu)
    path.write_bytes(b"cut")
    with pytest.raises(CheckpointError, match=r"The probe .*x\.safetensors' is corrupt or cut short"):
        load_probe(path, cpu)
    with pytest.raises(CheckpointError, match=r"The empty prompt .*x\.safetensors' is corrupt or cut short"):
        read_empty_prompt(store, path, cpu)
