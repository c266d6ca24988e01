"""Heads are fitted and cross-validated on features of which the truth is known; pictures go through a tiny CLIP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from emoticrafter.data.tables import write_table
from emoticrafter.errors import InputError, MissingError
from emoticrafter.judges.clip import ClipModel
from emoticrafter.judges.head import ClipJudge
from emoticrafter.judges.training import (
    HeadKind,
    cached_features,
    cross_validate,
    fit_head,
    read_annotated,
    train_judge,
)  # fmt: skip
from emoticrafter.judges.trust import require_trust
from emoticrafter.watch import Watch


def known(rows: int = 300, channels: int = 24, noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Features of length 1, and emotions that are linear in them."""
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (rows, channels))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    emotions = features @ rng.normal(0, 1, (channels, 2)) + [0.5, -0.5] + rng.normal(0, noise, (rows, 2))
    return features, np.clip(emotions, -3, 3)


@pytest.mark.parametrize(("kind", "least"), [("linear", 0.97), ("mlp", 0.8)])
def test_what_is_there_is_found_whatever_the_length_of_the_features(kind: HeadKind, least: float) -> None:
    features, emotions = known()
    found = cross_validate(7 * features, emotions, np.arange(300), kind)
    assert found.valence is not None
    assert found.arousal is not None
    assert min(found.valence.r2, found.arousal.r2) > least
    assert found.pictures == 300
    assert "300 pictures, each read in 5-fold" in found.validated_on


def test_an_mlp_finds_what_no_line_can() -> None:
    features, _ = known(400, 4)
    bent = np.stack([4 * np.abs(features[:, 0]) - 1.5, 4 * np.abs(features[:, 1]) - 1.5], axis=1)
    scores = {}
    for kind in ("linear", "mlp"):
        trust = cross_validate(features, bent, np.arange(400), kind, folds=2)
        assert trust.valence is not None
        scores[kind] = trust.valence.r2
    assert scores["linear"] < 0.2
    assert scores["mlp"] > 0.7


def test_noise_is_not_learned_and_not_trusted() -> None:
    features, _ = known()
    emotions = np.random.default_rng(1).uniform(-3, 3, (300, 2))
    trust = cross_validate(features, emotions, np.arange(300), "linear")
    assert trust.valence is not None
    assert trust.valence.r2 < 0.1


def test_rows_of_a_picture_stay_in_one_fold() -> None:
    """Noise with every row given twice could be learned by heart, if the second row were in another fold."""
    rng = np.random.default_rng(1)
    features = np.repeat(rng.normal(0, 1, (40, 60)), 4, axis=0)
    emotions = np.repeat(rng.uniform(-3, 3, (40, 2)), 4, axis=0)
    apart = cross_validate(features, emotions, np.arange(160), "linear")
    together = cross_validate(features, emotions, np.repeat(np.arange(40), 4), "linear")
    assert apart.valence is not None
    assert together.valence is not None
    assert apart.valence.r2 > 0.5
    assert together.valence.r2 < 0.1


def test_the_same_seed_gives_the_same_head() -> None:
    features, emotions = known(120)
    for kind in ("linear", "mlp"):
        one, other = fit_head(features, emotions, kind, 3), fit_head(features, emotions, kind, 3)
        assert all(np.array_equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))


def test_too_few_pictures() -> None:
    features, emotions = known(8)
    with pytest.raises(InputError, match="fewer --folds"):
        cross_validate(features, emotions, np.arange(8), "linear")


def coloured(folder: Path, number: int = 60, **changes: Any) -> Path:
    """A table of pictures whose colour is their emotion, and the pictures."""
    rng = np.random.default_rng(0)
    emotions = rng.uniform(-3, 3, (number, 2))
    for i, (v, a) in enumerate(emotions):
        colour = (round(40 * (v + 3)), round(40 * (a + 3)), 128)
        Image.new("RGB", (40, 40), colour).save(folder / f"{i}.png")
    rows = {
        "id": [f"mine/{i}" for i in range(number)],
        "picture": [f"{i}.png" for i in range(number)],
        "valence": emotions[:, 0],
        "arousal": emotions[:, 1],
        "dataset": "mine",
    }
    return write_table(pd.DataFrame({**rows, **changes}), folder / "mine.parquet", "annotations", {}, force=True)


def test_a_judge_of_colours(tmp_path: Path, tiny_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTICRAFTER_CACHE", str(tmp_path / "cache"))
    steps: list[tuple[int, int]] = []
    watch = Watch(stage=lambda name: lambda *step: steps.append(step))
    head = train_judge(coloured(tmp_path), tmp_path, clip=str(tiny_clip), watch=watch)
    judge = ClipJudge(head, "colours")
    assert require_trust(judge) is None
    assert "of mine" in judge.trust.validated_on
    assert head.about["pictures"] == 60
    assert steps[-1] == (60, 60)
    read = judge.emotions([Image.new("RGB", (40, 40), (220, 40, 128)), Image.new("RGB", (40, 40), (20, 200, 128))])
    assert read == pytest.approx(np.array([[2.5, -2], [-2.5, 2]]), abs=1)
    assert list((tmp_path / "cache" / "clip-features").iterdir())


def test_features_are_computed_once(tmp_path: Path, tiny_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    coloured(tmp_path, 5)
    tower, pictures = ClipModel(tiny_clip, vision_only=True), [tmp_path / f"{i}.png" for i in range(5)]
    first = cached_features(tower, pictures, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()

    def refuse(_: object) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as patched:
        patched.setattr(tower, "pictures", refuse)
        assert np.array_equal(cached_features(tower, pictures, tmp_path / "cache"), first)
        Image.new("RGB", (9, 9)).save(pictures[2])
        with pytest.raises(AssertionError, match="computed again"):  # other content under the same name
            cached_features(tower, pictures, tmp_path / "cache")
    coloured(tmp_path, 5)
    kept.write_bytes(kept.read_bytes()[:50])  # a damaged file is not believed
    assert np.array_equal(cached_features(tower, pictures, tmp_path / "cache"), first)


def test_several_rows_of_a_picture_share_it(tmp_path: Path) -> None:
    table = coloured(tmp_path, 4, picture=["0.png", "1.png", "0.png", None])
    found = read_annotated(table, tmp_path)
    assert [path.name for path in found.pictures] == ["0.png", "1.png"]
    assert found.picture_of.tolist() == [0, 1, 0]
    assert found.left_out == 1


def test_missing_pictures_are_an_error_or_left_out(tmp_path: Path) -> None:
    table = coloured(tmp_path, 4)
    (tmp_path / "2.png").unlink()
    with pytest.raises(MissingError, match=r"1 of 4 .*2\.png"):
        read_annotated(table, tmp_path)
    found = read_annotated(table, tmp_path, skip_missing=True)
    assert (len(found.pictures), found.left_out) == (3, 1)
    with pytest.raises(InputError, match="no row with a picture"):
        read_annotated(table, tmp_path / "elsewhere", skip_missing=True)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "link.png"])
def test_pictures_outside_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "link.png").symlink_to(tmp_path / "0.png")
    table = coloured(tmp_path, 2, picture=["0.png", name])
    with pytest.raises(InputError, match="does not lie below"):
        read_annotated(table, tmp_path / "pictures", skip_missing=True)
