"""Saving, loading, importing; and every way in which a checkpoint can be wrong."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from emoticrafter import checkpoint
from emoticrafter.errors import CheckpointError, MissingError, OutputError
from emoticrafter.inputs.named import file_hash
from tests.tiny import SECTION, tiny_eit

DATA = Path(__file__).parent / "data"
SAMPLE = DATA / "released-checkpoint-sample.pth"
METADATA = {"backbone": "tiny", "prompt_tokens": SECTION, "strength": 0.7, "note": "trained on nothing"}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return checkpoint.save(tiny_eit(), tmp_path / "eit", METADATA)


def edit_config(folder: Path, **changes: Any) -> None:
    entries = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**entries, **changes}))


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    state = load_file(folder / "eit.safetensors")
    change(state)
    save_file(state, folder / "eit.safetensors")
    edit_config(folder, sha256=file_hash(folder / "eit.safetensors"))


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path, variant: Any) -> None:
    eit = tiny_eit(variant=variant)
    loaded = checkpoint.load(checkpoint.save(eit, tmp_path / "eit", METADATA))
    assert loaded.config == eit.config
    assert METADATA.items() <= loaded.metadata.items()
    assert not loaded.training
    for name, tensor in eit.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    # Saved again without metadata it keeps its own.
    again = checkpoint.load(checkpoint.save(loaded, tmp_path / "again"))
    assert again.metadata == loaded.metadata


def test_half_precision_at_rest_is_float32_in_memory(tmp_path: Path, saved: Path) -> None:
    half = checkpoint.save(tiny_eit(), tmp_path / "half", METADATA, dtype=torch.float16)
    assert (half / "eit.safetensors").stat().st_size < 0.6 * (saved / "eit.safetensors").stat().st_size
    assert {tensor.dtype for tensor in checkpoint.load(half).state_dict().values()} == {torch.float32}


def test_describe_says_what_it_holds(saved: Path) -> None:
    about = checkpoint.describe(saved)
    assert about["parameters"] == tiny_eit().parameter_count
    assert (about["variant"], about["backbone"], about["strength"], about["width"]) == ("paper", "tiny", 0.7, 24)
    assert checkpoint.describe(SAMPLE)["format"] == "released"
    json.dumps(about)


def test_the_released_sample_is_reproduced() -> None:
    recorded = torch.load(DATA / "released-checkpoint-sample.io.pt", weights_only=True)
    eit = checkpoint.import_released(SAMPLE)
    assert (eit.config.width, eit.config.heads, eit.config.blocks, eit.config.prompt_channels) == (32, 4, 2, 48)
    with torch.no_grad():
        outputs = eit(recorded["inputs"], recorded["valence"][:, 0], recorded["arousal"][:, 0])
    assert (outputs - recorded["outputs"]).abs().max() < 1e-5


def test_an_imported_checkpoint_survives_saving(tmp_path: Path) -> None:
    eit = checkpoint.import_released(SAMPLE)
    loaded = checkpoint.load(checkpoint.save(eit, tmp_path / "imported"))
    prompt, emotion = torch.randn(2, 77, 48), torch.tensor([1.0, -2.0])
    with torch.no_grad():
        assert torch.equal(loaded(prompt, emotion, emotion), eit(prompt, emotion, emotion))


def released_state() -> dict[str, torch.Tensor]:
    return torch.load(SAMPLE, weights_only=True)


def test_what_is_dead_is_dropped(tmp_path: Path) -> None:
    state = released_state()
    state["module.wte.weight"].fill_(torch.nan)
    for name, tensor in state.items():
        if ".c_attn." in name:
            tensor[..., 32:] = torch.nan
    torch.save(state, tmp_path / "poisoned.pth")
    imported, original = checkpoint.import_released(tmp_path / "poisoned.pth"), checkpoint.import_released(SAMPLE)
    assert all(torch.equal(a, b) for a, b in zip(imported.parameters(), original.parameters(), strict=True))
    assert original.parameter_count < sum(tensor.numel() for tensor in state.values())


def test_other_sizes_heads_and_prefixes_are_imported(tmp_path: Path) -> None:
    plain = {name.removeprefix("module."): tensor for name, tensor in released_state().items() if ".h.1." not in name}
    torch.save({"state_dict": plain}, tmp_path / "plain.pth")
    eit = checkpoint.import_released(tmp_path / "plain.pth", heads=8)
    assert (eit.config.blocks, eit.config.heads) == (1, 8)
    with pytest.raises(CheckpointError, match="cannot be shared by 5 heads"):
        checkpoint.import_released(SAMPLE, heads=5)


def inside(name: str, mark: str) -> str:
    """A name as torch.compile leaves it where blocks were compiled one by one."""
    return name.replace("h.0.", f"h.0.{mark}")


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda s: s,
        lambda s: {f"module.{name}": tensor for name, tensor in s.items()},
        lambda s: {f"_orig_mod.{name}": tensor for name, tensor in s.items()},
        lambda s: {f"_orig_mod.module.{name}": tensor for name, tensor in s.items()},
        lambda s: {inside(name, "_orig_mod."): tensor for name, tensor in s.items()},
        lambda s: {"model": s, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}, "epoch": 3},
        lambda s: {"model_state_dict": {f"module.{name}": tensor for name, tensor in s.items()}, "loss": 0.5},
        lambda s: {"state_dict": {f"model.{name}": tensor for name, tensor in s.items()}, "global_step": 7, "loops": {}},
        lambda s: {"state_dict": {f"model._orig_mod.{name}": tensor for name, tensor in s.items()}},
        lambda s: {"model": {"state_dict": s}},
    ],
    ids=[
        "plain",
        "parallel",
        "compiled",
        "both",
        "blocks",
        "model",
        "model_state_dict",
        "Lightning",
        "Lightning compiled",
        "twice",
    ],
)
def test_what_wrappers_put_around_a_state_dict_is_taken_off(tmp_path: Path, wrapped: Callable[[Any], Any]) -> None:
    plain = {name.removeprefix("module."): tensor for name, tensor in released_state().items()}
    torch.save(wrapped(plain), tmp_path / "wrapped.pth")
    imported, original = checkpoint.import_released(tmp_path / "wrapped.pth"), checkpoint.import_released(SAMPLE)
    assert all(torch.equal(a, b) for a, b in zip(imported.parameters(), original.parameters(), strict=True))


@pytest.mark.parametrize(
    ("wrapped", "message"),
    [
        (lambda s: {"state_dict": {**s, "criterion.weight": torch.zeros(1)}}, r"unknown keys criterion\.weight"),
        (
            lambda s: {"network": s, "epoch": 3},
            r"It holds network \(a dict\), epoch \(a int\).*under one of state_dict, model",
        ),
        (lambda s: {**s, "step": 3}, r"It holds step \(a int\)"),
        (lambda s: {"model": {"encoder": s}}, r"It holds encoder \(a dict\)"),
        (lambda s: {**s, "model.wpe.weight": torch.zeros(1)}, r"holds 'wpe\.weight' twice, as 'model\.wpe\.weight'"),
    ],
)
def test_what_is_not_known_around_a_state_dict_is_named(tmp_path: Path, wrapped: Callable[[Any], Any], message: str) -> None:
    torch.save(wrapped(released_state()), tmp_path / "wrapped.pth")
    with pytest.raises(CheckpointError, match=message):
        checkpoint.import_released(tmp_path / "wrapped.pth")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("module.h.1.ln_v.bias"), r"missing keys h\.1\.ln_v\.bias"),
        (lambda s: s.update({"module.extra": torch.zeros(1)}), "unknown keys extra"),
        (lambda s: s.pop("module.gpt_feature2xl_feature.weight"), "missing keys gpt_feature2xl_feature.weight"),
        (lambda s: s.update({"module.h.0.attn.c_attn.weight": torch.zeros(32, 90)}), "not query, key and value"),
        (lambda s: s.update({"module.h.0.attn.c_proj.weight": torch.zeros(30, 32)}), r"self_attention\.out\.weight is .*32, 30"),
        (lambda s: s.update({"module.ln_f.bias": torch.full((32,), torch.nan)}), "norm.bias holds values that are not finite"),
    ],
)
def test_a_released_file_that_is_not_whole_is_refused(tmp_path: Path, change: Callable[[Any], Any], message: str) -> None:
    state = released_state()
    change(state)
    torch.save(state, tmp_path / "broken.pth")
    with pytest.raises(CheckpointError, match=message):
        checkpoint.import_released(tmp_path / "broken.pth")


class Bomb:
    """A pickle that creates a file when it is loaded with the plain loader."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    "write", [lambda value, path: torch.save(value, path), lambda value, path: path.write_bytes(pickle.dumps(value))]
)
def test_code_in_a_pickle_is_refused_and_not_run(tmp_path: Path, write: Callable[[Any, Path], Any]) -> None:
    write({"module.wte.weight": Bomb(tmp_path / "exploded")}, tmp_path / "bomb.pth")
    with pytest.raises(CheckpointError, match=r"nothing was run.*Fetch it again"):
        checkpoint.import_released(tmp_path / "bomb.pth")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"not a checkpoint", SAMPLE.read_bytes()[:100_000], SAMPLE.read_bytes()[:-1000]],
    ids=["empty", "text", "cut", "end"],
)
def test_a_damaged_released_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "damaged.pth").write_bytes(content)
    with pytest.raises(CheckpointError):
        checkpoint.import_released(tmp_path / "damaged.pth")


@pytest.mark.parametrize("value", [torch.zeros(3), {"a": 1}, {}, [torch.zeros(1)]], ids=["tensor", "number", "empty", "list"])
def test_what_is_no_state_dict_is_refused(tmp_path: Path, value: Any) -> None:
    torch.save(value, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="not a state dict"):
        checkpoint.import_released(tmp_path / "other.pth")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.update({"extra": torch.zeros(1)}), "unknown keys extra"),
        (lambda s: s.pop("norm.bias"), "missing keys norm.bias"),
        (
            lambda s: s.update({"positions": torch.zeros(5, 24)}),
            r"positions is .*\(5, 24\); its config asks for floats \(12, 24\)",
        ),
        (lambda s: s.update({"norm.bias": torch.zeros(24, dtype=torch.int64)}), "norm.bias is torch.int64"),
        (lambda s: s.update({"norm.bias": torch.full((24,), torch.inf)}), "not finite"),
    ],
)
def test_weights_that_do_not_match_the_config_are_refused(saved: Path, change: Callable[[Any], Any], message: str) -> None:
    edit_weights(saved, change)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(saved)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_truncated_weights_are_refused(saved: Path, share: float) -> None:
    weights = (saved / "eit.safetensors").read_bytes()
    (saved / "eit.safetensors").write_bytes(weights[: int(share * len(weights))])
    with pytest.raises(CheckpointError, match="corrupt or cut short"):
        checkpoint.load(saved)


def test_a_changed_byte_is_noticed(saved: Path) -> None:
    weights = bytearray((saved / "eit.safetensors").read_bytes())
    weights[-5] ^= 1
    (saved / "eit.safetensors").write_bytes(weights)
    with pytest.raises(CheckpointError, match=r"not those that config\.json was written for"):
        checkpoint.load(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "is not an emotion checkpoint"),
        ({"version": 2}, r"version 2.*Update emoticrafter"),
        ({"eit": {"width": 24, "depth": 1}}, "Unknown EIT settings: depth"),
        ({"eit": {"width": 10**9}}, "width is '1000000000'"),
        ({"eit": None}, "eit is None; it must be an object"),
        ({"sha256": 1}, "sha256 is 1; it must be text"),
        ({"metadata": {"strength": "strong"}}, "strength is 'strong'"),
        ({"metadata": {"strength": float("nan")}}, "strength is nan"),
        ({"metadata": {"strength": 10**400}}, "strength is 1000"),
        ({"metadata": []}, r"metadata is \[\]; it must be an object"),
        ({"metadata": {"prompt_tokens": True}}, "prompt_tokens is True; it must be a whole number"),
    ],
)
def test_a_config_that_is_not_ours_is_refused(saved: Path, changes: dict[str, Any], message: str) -> None:
    edit_config(saved, **changes)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(saved)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '"text"'], ids=["empty", "cut", "deep", "string"])
def test_a_config_that_is_no_object_is_refused(saved: Path, text: str) -> None:
    (saved / "config.json").write_text(text)
    with pytest.raises(CheckpointError):
        checkpoint.load(saved)


def test_what_is_missing_is_named_with_the_next_step(tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingError, match="There is no emotion checkpoint 'nowhere'"):
        checkpoint.load("nowhere")
    with pytest.raises(CheckpointError, match="emoticrafter checkpoint import"):
        checkpoint.load(SAMPLE)
    with pytest.raises(MissingError, match=r"holds no config\.json"):
        checkpoint.load(tmp_path)
    with pytest.raises(MissingError, match="There is no file"):
        checkpoint.import_released(tmp_path / "none.pth")
    (saved / "eit.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no eit\.safetensors"):
        checkpoint.load(saved)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingError, match=r"someone/some-checkpoint is not in the cache.*hf download someone/some-checkpoint"):
        checkpoint.load("someone/some-checkpoint")


def test_an_existing_checkpoint_is_replaced_only_by_force(saved: Path) -> None:
    before = (saved / "eit.safetensors").read_bytes()
    with pytest.raises(OutputError, match="exists"):
        checkpoint.save(tiny_eit(seed=5), saved)
    assert (saved / "eit.safetensors").read_bytes() == before
    checkpoint.save(tiny_eit(seed=5), saved, force=True)
    assert (saved / "eit.safetensors").read_bytes() != before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_folder_of_other_files_is_never_replaced(saved: Path) -> None:
    (saved / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="holds files that are no checkpoint"):
        checkpoint.save(tiny_eit(), saved, force=True)
    assert (saved / "thesis.tex").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")], ids=["ctrl-c", "disk full"])
def test_an_interrupted_save_leaves_nothing(
    tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(state: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr("safetensors.torch.save_file", fail)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OutputError):
        checkpoint.save(tiny_eit(seed=5), saved, METADATA, force=True)
    assert sorted(tmp_path.rglob("*")) == before
    monkeypatch.undo()
    assert checkpoint.load(saved).metadata["strength"] == 0.7


def test_a_prefix_that_is_not_known_is_named(tmp_path: Path) -> None:
    state = {f"foo.{name}": tensor for name, tensor in torch.load(SAMPLE, weights_only=True).items()}
    torch.save(state, tmp_path / "foo.pth")
    with pytest.raises(CheckpointError, match=r"unknown keys foo\."):
        checkpoint.import_released(tmp_path / "foo.pth")
