from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.judges.importing import import_head

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(0, 1, (4, 512))
WEIGHT, BIAS = torch.from_numpy(RNG.normal(0, 0.02, (2, 512))).float(), torch.tensor([0.25, -0.5])


def write(path: Path, weight: torch.Tensor = WEIGHT, bias: torch.Tensor = BIAS, prefix: str = "", **more: Any) -> Path:
    state = {f"{prefix}classifier.0.weight": weight.contiguous(), f"{prefix}classifier.0.bias": bias.contiguous(), **more}
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    return path


EXPECTED = FEATURES @ WEIGHT.numpy().T + BIAS.numpy()


@pytest.mark.parametrize("name", ["head.pth", "head.safetensors"])
def test_a_head_with_two_outputs(tmp_path: Path, name: str) -> None:
    made = import_head(write(tmp_path / name), "none")
    assert made(FEATURES) == pytest.approx(EXPECTED, abs=1e-5)
    assert made.trust.pictures == 0
    assert made.about == {"imported from": name}


def test_sigmoid_order_unit_and_the_prefix_of_parallel_training(tmp_path: Path) -> None:
    path = write(tmp_path / "head.pth", prefix="module.")
    stretched = 6 / (1 + np.exp(-EXPECTED)) - 3
    assert import_head(path, "sigmoid")(FEATURES) == pytest.approx(stretched, abs=1e-5)
    assert import_head(path, "none", order="arousal,valence")(FEATURES) == pytest.approx(EXPECTED[:, ::-1], abs=1e-5)
    scaled = FEATURES / np.linalg.norm(FEATURES, axis=1, keepdims=True)
    assert import_head(path, "none", unit=True)(FEATURES) == pytest.approx(import_head(path, "none")(scaled), abs=1e-5)
    with pytest.raises(InputError, match="order"):
        import_head(path, "none", order="both")


@pytest.mark.parametrize("name", ["head.pth", "head.safetensors"])
@pytest.mark.parametrize("prefix", ["_orig_mod.", "model.", "model._orig_mod."])
def test_the_prefixes_of_other_wrappers_are_taken_off(tmp_path: Path, name: str, prefix: str) -> None:
    assert import_head(write(tmp_path / name, prefix=prefix), "none")(FEATURES) == pytest.approx(EXPECTED, abs=1e-5)


def test_two_heads_with_one_output_each(tmp_path: Path) -> None:
    valence, arousal = (write(tmp_path / f"{i}.pth", WEIGHT[i : i + 1], BIAS[i : i + 1]) for i in range(2))
    assert import_head(valence, "none", arousal=arousal)(FEATURES) == pytest.approx(EXPECTED, abs=1e-5)
    with pytest.raises(InputError, match="--arousal"):
        import_head(valence, "none")
    with pytest.raises(InputError, match="2 and 1 outputs"):
        import_head(write(tmp_path / "both.pth"), "none", arousal=arousal)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"extra": torch.zeros(1)}, "also holds extra"),
        ({"prefix": "head."}, "lacks classifier.0.bias"),
        ({"weight": torch.zeros(2, 768)}, r"\(2, 768\)"),
        ({"weight": torch.zeros(512)}, r"\(512,\)"),
        ({"bias": torch.zeros(3)}, r"\(3,\)"),
        ({"weight": torch.full((2, 512), torch.nan)}, "not finite"),
    ],
)
def test_every_key_and_shape_is_accounted_for(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(CheckpointError, match=says):
        import_head(write(tmp_path / "head.pth", **changes), "none")


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("harmed"),)  # type: ignore[return-value]


def test_no_code_is_run_and_damage_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"classifier.0.weight": Harmful()}, "bad.pth")
    with pytest.raises(CheckpointError, match="nothing was run"):
        import_head(Path("bad.pth"), "none")
    assert not Path("harmed").exists()
    for name in ("cut.pth", "cut.safetensors"):
        whole = write(tmp_path / f"whole{Path(name).suffix}")
        Path(name).write_bytes(whole.read_bytes()[:-300])
        with pytest.raises(CheckpointError):
            import_head(Path(name), "none")
    with pytest.raises(MissingError):
        import_head(Path("none.pth"), "none")
    torch.save([1, 2], "list.pth")
    with pytest.raises(CheckpointError, match="state dict"):
        import_head(Path("list.pth"), "none")
