"""CLIP from a local folder, without torchvision: its pictures as transformers prepares them, and the two metrics by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from emoticrafter.errors import CheckpointError, MissingError
from emoticrafter.judges.clip import ClipModel, PictureSettings, locate_clip
from emoticrafter.metrics.clip import clip_iqa, clip_score
from tests.tiny_clip import SIDE, build_tiny_clip

RNG = np.random.default_rng(0)
WIDE, HIGH = (RNG.integers(0, 256, size).astype(np.uint8) for size in ((40, 77, 3), (91, 33, 3)))


@pytest.fixture(scope="module")
def clip(tiny_clip: Path) -> ClipModel:
    return ClipModel(tiny_clip)


@pytest.mark.parametrize("picture", [WIDE, HIGH])
def test_pictures_are_prepared_as_transformers_does(picture: np.ndarray, tiny_clip: Path) -> None:
    processors = pytest.importorskip("transformers.models.clip.image_processing_pil_clip")
    theirs = processors.CLIPImageProcessorPil.from_pretrained(tiny_clip)(Image.fromarray(picture), return_tensors="np")
    ours = PictureSettings.of(tiny_clip, SIDE).apply(picture)
    assert ours.shape == (3, SIDE, SIDE)
    assert np.abs(ours - theirs["pixel_values"][0]).max() < 1e-5


def test_settings_of_a_folder_without_any_are_clips_own(tmp_path: Path) -> None:
    settings = PictureSettings.of(tmp_path, 24)
    assert (settings.shortest, settings.side) == (24, 24)
    white = settings.apply(np.full((24, 24, 3), 255, np.uint8))
    assert white[0, 0, 0] == pytest.approx((1 - 0.48145466) / 0.26862954, rel=1e-5)


def test_features_are_those_of_the_whole_model(clip: ClipModel) -> None:
    pixels = torch.from_numpy(np.stack([clip.settings.apply(p) for p in (WIDE, HIGH)]))
    words = clip.tokenizer(["a cat", "a dog on the beach"], padding=True, return_tensors="pt")
    with torch.no_grad():
        whole = clip.both(pixel_values=pixels, **words)
    pictures, texts = clip.pictures([WIDE, HIGH]), clip.texts(["a cat", "a dog on the beach"])
    cosines = np.array([[clip_score(p[None], t[None])[0] for t in texts] for p in pictures])
    logits = whole.logits_per_image.numpy() / clip.scale * 100
    assert cosines == pytest.approx(np.maximum(logits, 0), abs=1e-3)
    assert clip.scale == pytest.approx(float(clip.both.logit_scale.exp()))


def test_the_image_tower_alone_reads_the_same_and_has_the_same_name(clip: ClipModel, tiny_clip: Path, tmp_path: Path) -> None:
    tower = ClipModel(tiny_clip, vision_only=True)
    assert np.array_equal(tower.pictures([WIDE]), clip.pictures([WIDE]))
    assert tower.fingerprint == clip.fingerprint
    other = ClipModel(build_tiny_clip(tmp_path / "other", seed=1), vision_only=True)
    assert other.fingerprint != clip.fingerprint


def test_texts_past_the_end_are_cut_and_nothing_gives_nothing(clip: ClipModel) -> None:
    assert clip.texts(["a cat " * 50]).shape == (1, clip.channels)
    assert clip.texts([]).shape == clip.pictures([]).shape == (0, clip.channels)


def test_clip_score_by_hand() -> None:
    pictures, texts = np.array([[3.0, 4.0], [1.0, 0.0], [1.0, 0.0]]), np.array([[2.0, 0.0], [-1.0, 0.0], [0.0, 0.5]])
    assert clip_score(pictures, texts) == pytest.approx([60, 0, 0])


def test_clip_iqa_by_hand() -> None:
    good, bad = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    found = clip_iqa(np.array([[1.0, 1.0], [3.0, 4.0], [1.0, 0.0]]), good, bad, scale=5)
    assert found == pytest.approx([0.5, 1 / (1 + np.exp(1)), 1 / (1 + np.exp(-5))])  # cosines 0.6 and 0.8: 5 (0.8 - 0.6) = 1
    assert clip_iqa(np.array([[1.0, 0.0]]), bad, good, scale=1e6).tolist() == [pytest.approx(0)]


def test_without_a_connection_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(MissingError, match=r"hf download openai/clip-vit-base-patch32 --local-dir"):
        locate_clip()
    for strange in ("no such place", str(tmp_path)):
        with pytest.raises(MissingError):
            locate_clip(strange)


def test_a_folder_that_holds_no_clip(tiny_clip: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_clip, tmp_path / "clip")
    config = json.loads((tmp_path / "clip" / "config.json").read_text())
    config["projection_dim"] = 24
    (tmp_path / "clip" / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError):  # never weights that were made up
        ClipModel(tmp_path / "clip", vision_only=True)
    weights = tmp_path / "clip" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="does not hold a CLIP"):
        ClipModel(tmp_path / "clip", vision_only=True)


def test_a_clip_with_broken_weights_is_refused(tmp_path: Path) -> None:
    folder = build_tiny_clip(tmp_path / "clip")
    file = folder / "model.safetensors"
    tensors = load_file(file)
    tensors["visual_projection.weight"][0] = torch.nan
    save_file(tensors, file, {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"the tensor visual_projection\.weight holds values that are not finite"):
        ClipModel(folder)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("config.json", "[]", r"config\.json' is damaged: it is \[\]; it must be an object"),
        ("config.json", "", r"config\.json' is damaged: Expecting value"),
        ("preprocessor_config.json", "nothing", "is damaged: Expecting value"),
        ("preprocessor_config.json", '{"size": "large"}', "size is 'large'; it must be a whole number from 1 to 4096"),
        ("preprocessor_config.json", '{"crop_size": {"height": 0}}', "crop_size is 0; it must be a whole number from 1 to 4096"),
        ("preprocessor_config.json", '{"image_mean": [0.5]}', r"image_mean is \[0\.5\]; it must be a list, each a number"),
        ("preprocessor_config.json", '{"image_std": [1, 1, 0]}', "image_std is 0.0; it must be a number above 0"),
    ],
)
def test_a_folder_with_strange_settings(tiny_clip: Path, tmp_path: Path, name: str, content: str, says: str) -> None:
    shutil.copytree(tiny_clip, tmp_path / "clip")
    (tmp_path / "clip" / name).write_text(content)
    with pytest.raises(CheckpointError, match=says):
        ClipModel(tmp_path / "clip", vision_only=True)


def test_a_link_to_a_device_in_a_folder_is_not_read(tiny_clip: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_clip, tmp_path / "clip")
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        (tmp_path / "clip" / name).unlink(missing_ok=True)
        (tmp_path / "clip" / name).symlink_to("/dev/zero")
        with pytest.raises(CheckpointError, match=rf"{name}' cannot be read: it is a device"):
            ClipModel(tmp_path / "clip", vision_only=True)
        (tmp_path / "clip" / name).unlink()
        shutil.copytree(tiny_clip, tmp_path / "clip", dirs_exist_ok=True)
