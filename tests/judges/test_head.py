from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emoticrafter.errors import CheckpointError, MissingError, OutputError
from emoticrafter.judges import open_judge
from emoticrafter.judges.card import card_of
from emoticrafter.judges.clip import ClipModel
from emoticrafter.judges.folder import load_head, save_head
from emoticrafter.judges.head import Head, hash_of
from emoticrafter.judges.trust import Trust, measure_trust
from tests.tiny_clip import build_tiny_clip

RNG = np.random.default_rng(0)
NEVER = Trust(validated_on="nothing", pictures=0)
REGION = {"pictures": 1.0, "valence_error": 0.5, "arousal_error": 0.5}
PICTURES = list(RNG.integers(0, 256, (3, 40, 40, 3)).astype(np.uint8))


def head(clip: Path | str = "", layers: Any = None, **changes: Any) -> Head:
    made = layers if layers is not None else [(RNG.normal(0, 1, (2, 16)), np.array([0.5, -0.5]))]
    settings: dict[str, Any] = {"activation": "none", "unit": True, "clip": str(clip), "fingerprint": None, "trust": NEVER}
    return Head(layers=made, **{**settings, **changes})


def test_layers_by_hand() -> None:
    features = np.array([[3.0, 4.0], [0.0, -10.0]])
    linear = head(layers=[(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0.25, 0.0]))], unit=False)
    assert linear(features).tolist() == [[3, 3], [0.25, -3]]  # 3.25 and 8 are cut off at 3, -20 at -3
    unit = replace(linear, unit=True)
    assert unit(features) == pytest.approx(np.array([[0.85, 1.6], [0.25, -2]]))
    deep = head(layers=[(-np.eye(2), np.zeros(2)), (np.eye(2), np.array([1.0, 0.0]))])
    assert deep(features) == pytest.approx(np.array([[1, 0], [1, 1]]))  # what is below 0 in the middle is lost


def test_a_sigmoid_is_stretched_over_the_plane() -> None:
    made = head(layers=[(np.eye(2), np.zeros(2))], activation="sigmoid", unit=False)
    found = made(np.array([[0.0, np.log(3)], [-1e9, 1e9]]))
    assert found == pytest.approx(np.array([[0, 1.5], [-3, 3]]))  # 6 * 3/4 - 3 = 1.5


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [(np.zeros((3, 4)), np.zeros(3))],
        [(np.zeros((2, 4)), np.zeros(3))],
        [(np.zeros((5, 4)), np.zeros(5)), (np.zeros((2, 4)), np.zeros(2))],
        [(np.full((2, 4), np.nan), np.zeros(2))],
    ],
)
def test_layers_that_do_not_fit_are_refused(layers: Any) -> None:
    with pytest.raises(CheckpointError, match=r"[Hh]ead"):
        head(layers=layers)


def test_a_saved_judge_is_the_same_judge(tmp_path: Path, tiny_clip: Path) -> None:
    tower = ClipModel(tiny_clip, vision_only=True)
    trust = measure_trust(RNG.uniform(-3, 3, (30, 2)), RNG.uniform(-3, 3, (30, 2)), "noise")
    made = head(tiny_clip, fingerprint=tower.fingerprint, trust=trust, about={"annotations": "mine.parquet"})
    paths = save_head(made, tmp_path / "judge")
    assert [path.name for path in paths] == ["head.safetensors", "card.md", "config.json"]
    judge = open_judge(tmp_path / "judge")
    assert judge.name == "judge"
    assert judge.trust == trust
    assert judge.emotions(PICTURES) == pytest.approx(made(tower.pictures(PICTURES)), abs=1e-5)
    assert judge.describe()["sha256"] == hash_of(made) == hash_of(load_head(tmp_path / "judge"))
    card = (tmp_path / "judge" / "card.md").read_text()
    assert "| valence |" in card
    assert "noise" in card
    assert "annotations: mine.parquet" in card
    assert "| valence low, arousal high |" in card


def test_names_mean_nothing_in_the_card() -> None:
    trust = replace(measure_trust(RNG.uniform(-3, 3, (30, 2)), RNG.uniform(-3, 3, (30, 2)), "x | *y*"), regions={"<b>|": REGION})
    made = head("me/[clip](http://x)", trust=trust, about={"annotations": "a_b.parquet <script>\n# more"})
    card = card_of("$judge$\n# `one`", {"sha256": "0"}, made)
    lines = card.splitlines()
    assert lines[0] == "# \\$judge\\$ # \\`one\\`"
    assert "- annotations: a_b.parquet &lt;script> # more" in lines
    assert any("tower of me/\\[clip\\](http://x), features" in line for line in lines)
    assert any(line.startswith("Validated on x \\| \\*y\\*. Comparisons") for line in lines)
    assert "| &lt;b>\\| | 1 | 0.50 | 0.50 |" in lines


def test_what_decides_the_readings_decides_the_hash() -> None:
    made = head()
    weight, bias = made.layers[0]
    others = [replace(made, unit=False), replace(made, activation="sigmoid"), replace(made, layers=[(weight, bias + 1)])]
    assert len({hash_of(one) for one in (made, *others)}) == 4
    assert hash_of(replace(made, about={"seed": 3})) == hash_of(made)


def test_a_head_refuses_another_tower(tmp_path: Path, tiny_clip: Path) -> None:
    fingerprint = ClipModel(tiny_clip, vision_only=True).fingerprint
    save_head(head(tiny_clip, fingerprint=fingerprint), tmp_path / "judge")
    other, wide = build_tiny_clip(tmp_path / "other", seed=1), build_tiny_clip(tmp_path / "wide", channels=24)
    with pytest.raises(CheckpointError, match="other weights"):
        open_judge(tmp_path / "judge", clip=str(other)).emotions(PICTURES)
    with pytest.raises(CheckpointError, match="16 channels"):
        open_judge(tmp_path / "judge", clip=str(wide)).emotions(PICTURES)
    assert open_judge(tmp_path / "judge").emotions(PICTURES).shape == (3, 2)


def test_a_judge_is_replaced_only_when_forced(tmp_path: Path) -> None:
    save_head(head(), tmp_path / "judge")
    with pytest.raises(OutputError, match="exists"):
        save_head(head(), tmp_path / "judge")
    save_head(head(unit=False), tmp_path / "judge", force=True)
    assert not load_head(tmp_path / "judge").unit
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="not a folder"):
        save_head(head(), tmp_path / "file")


def test_a_judge_that_could_not_be_written_is_written_by_the_same_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, made = Path.write_bytes, head()

    def full(self: Path, data: bytes) -> int:
        if self.suffix == ".md":
            raise OSError(28, "No space left on device")
        return write(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OutputError, match=r"disk is full.*card\.md"):
            save_head(made, tmp_path / "judge")
    assert list((tmp_path / "judge").iterdir()) == []
    save_head(made, tmp_path / "judge")
    assert hash_of(load_head(tmp_path / "judge")) == hash_of(made)


def change(name: str, value: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, name: value}))

    return edit


@pytest.mark.parametrize(
    "spoil",
    [
        change("format", "other"),
        change("version", 2),
        change("activation", "relu"),
        change("trust", None),
        change("trust", {"validated_on": "a", "pictures": 1, "regions": {"here": {}}}),
        change("about", ["a"]),
        change("unit", "yes"),
        change("clip", None),
        change("fingerprint", 3),
        change("sha256", "0" * 64),
        lambda folder: (folder / "head.safetensors").write_bytes(b"short"),
        lambda folder: (folder / "head.safetensors").unlink(),
        lambda folder: (folder / "config.json").write_text("["),
        lambda folder: (folder / "config.json").write_text("[]"),
        lambda folder: (folder / "config.json").write_text("[" * 200_000),
    ],
)
def test_a_broken_folder_is_refused(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    save_head(head(), tmp_path / "judge")
    spoil(tmp_path / "judge")
    with pytest.raises(CheckpointError, match="judge"):
        load_head(tmp_path / "judge")


def test_a_folder_without_a_judge(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="judge train"):
        load_head(tmp_path)
