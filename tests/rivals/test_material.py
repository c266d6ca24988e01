"""Material: tables with pictures, the storybook's scenes, and latents that are encoded once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from emoticrafter.backbones.devices import Precision
from emoticrafter.backbones.registry import open_backbone
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.backbones.sdxl.loading import load_pipeline
from emoticrafter.data.tables import write_table
from emoticrafter.errors import DeviceError, InputError, MissingError
from emoticrafter.rivals import scenes as storybook_scenes
from emoticrafter.rivals.material import Material, cached_latents, from_pairs
from emoticrafter.rivals.scenes import storybook_material
from emoticrafter.storybook.annotated import annotated_scenes
from emoticrafter.storybook.world import render
from emoticrafter.storybook.world.scene import Scene
from tests.tiny import SIZE, build_tiny_sdxl


def write_pairs(folder: Path, **columns: Any) -> Path:
    rows = {
        "id": list("abcd"), "valence": [1.0, -2.0, 0.5, 0.0], "arousal": [0.0, 1.0, 2.0, 0.0], "content": list("abcd"),
        "neutral_prompt": ["cat", "dog", "ball", "berry"], "emotional_prompt": ["a cat", "a dog", "a ball", "a berry"],
        "picture": ["a.png", "in/b.png", "c.png", None], "split": ["train", None, "val", "train"], "doubts": [""] * 4,
    }  # fmt: skip
    for number, name in enumerate(("a.png", "in/b.png", "c.png")):
        path = folder / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 40), (80 * number, 50, 200 - 80 * number)).save(path)
    return write_table(pd.DataFrame(rows | columns), folder / "pairs.parquet", "pairs", {}, force=True)


def test_a_table_gives_its_training_rows_with_pictures(backbone: SDXLBackbone, tmp_path: Path) -> None:
    table = write_pairs(tmp_path)
    found = from_pairs(table, backbone, pictures=tmp_path / "pictures", cache=tmp_path / "cache", quiet=True)
    assert (list(found.neutral), list(found.emotional)) == (["cat", "dog"], ["a cat", "a dog"])
    assert found.emotions.tolist() == [[1, 0], [-2, 1]]
    assert found.latents is not None
    assert found.latents.shape == (2, 4, SIZE // 2, SIZE // 2)
    assert not np.array_equal(found.latents[0], found.latents[1])
    blind = from_pairs(table, backbone)
    assert (len(blind), blind.latents) == (3, None)
    assert len(from_pairs(table, backbone, limit=1)) == 1


def test_bad_tables_are_refused(backbone: SDXLBackbone, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"

    def material(**columns: Any) -> Material:
        return from_pairs(write_pairs(tmp_path, **columns), backbone, pictures=pictures, cache=tmp_path, quiet=True)

    with pytest.raises(InputError, match="does not lie below"):
        material(picture=["../secret.png", None, None, None])
    (pictures / "link.png").symlink_to(write_pairs(tmp_path))
    with pytest.raises(InputError, match=r"link\.png' does not lie below"):
        material(picture=["link.png", None, None, None])
    with pytest.raises(MissingError, match="no picture"):
        material(picture=["gone.png", None, None, None])
    with pytest.raises(InputError, match="nothing to learn from"):
        material(split=["val"] * 4)
    write_pairs(tmp_path)
    (pictures / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot be decoded"):
        from_pairs(tmp_path / "pairs.parquet", backbone, pictures=pictures, cache=tmp_path, quiet=True)


def test_pictures_are_encoded_once_and_anew_for_another_model(
    backbone: SDXLBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []

    def pictures() -> Any:
        for number in range(20):  # more than a batch
            drawn.append(number)
            yield np.full((SIZE, SIZE, 3), 12 * number, np.uint8)

    first = cached_latents(backbone, pictures(), 20, {"a": 1}, tmp_path, quiet=True)
    again = cached_latents(backbone, pictures(), 20, {"a": 1}, tmp_path, quiet=True)
    assert np.array_equal(first, again)
    assert len(first) == len(drawn) == 20
    cached_latents(backbone, pictures(), 20, {"a": 2}, tmp_path, quiet=True)
    assert len(drawn) == 40
    monkeypatch.setitem(backbone._about, "backbone_hash", "another")
    cached_latents(backbone, pictures(), 20, {"a": 1}, tmp_path, quiet=True)
    assert len(drawn) == 60


def test_damaged_latents_are_made_again(backbone: SDXLBackbone, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)
    first = np.array(cached_latents(backbone, iter([picture]), 1, {}, tmp_path, quiet=True))
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    for content in (b"", whole[:-8], b"nonsense"):
        kept.write_bytes(content)
        assert np.array_equal(cached_latents(backbone, iter([picture]), 1, {}, tmp_path, quiet=True), first)
        assert kept.read_bytes() == whole
    np.save(kept, np.zeros((3, 3)))
    assert np.array_equal(cached_latents(backbone, iter([picture]), 1, {}, tmp_path, quiet=True), first)


def test_latents_are_what_the_backbone_decodes(tmp_path: Path) -> None:
    """With a mean and a deviation by channel in the VAE's config, decoding undoes what encoding did."""
    backbone = open_backbone(build_tiny_sdxl(tmp_path / "sdxl", normalised=True), device="cpu", dtype="float32")
    assert isinstance(backbone, SDXLBackbone)
    picture = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)
    latents = torch.from_numpy(cached_latents(backbone, iter([picture]), 1, {}, tmp_path, quiet=True)[:].copy()).float()
    vae = backbone.pipeline.vae
    with torch.no_grad():
        plain = vae.encode(torch.from_numpy(picture)[None].permute(0, 3, 1, 2) / 127.5 - 1).latent_dist.mean
        expected = backbone.pipeline.image_processor.postprocess(vae.decode(plain).sample, output_type="pil")[0]
        found = backbone.denoiser.decode_latents(latents)[0]
    assert np.abs(np.asarray(found, float) - np.asarray(expected, float)).max() <= 2


def test_latents_of_a_broken_vae_are_not_kept(tmp_path: Path) -> None:
    backbone = open_backbone(build_tiny_sdxl(tmp_path / "sdxl"), device="cpu", dtype="float32")
    assert isinstance(backbone, SDXLBackbone)
    with torch.no_grad():
        backbone.pipeline.vae.encoder.conv_in.weight[0] = torch.nan
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    with pytest.raises(DeviceError, match=r"The weights of the vae overflowed in float32, in encoder\.conv_in\.weight"):
        cached_latents(backbone, iter([picture]), 1, {}, tmp_path / "cache", quiet=True)
    assert not (tmp_path / "cache").exists()


def test_a_vae_that_overflows_encodes_in_float32(tmp_path: Path) -> None:
    folder = build_tiny_sdxl(tmp_path / "sdxl")
    whole = open_backbone(folder, device="cpu", dtype="float32")
    half = SDXLBackbone(load_pipeline(folder, torch.float16), precision=Precision(weights=torch.float16))
    assert isinstance(whole, SDXLBackbone)
    for backbone in (whole, half):
        with torch.no_grad():
            backbone.pipeline.vae.encoder.conv_in.weight.mul_(100_000)
    picture = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)
    first, second = (
        np.array(cached_latents(backbone, iter([picture]), 1, {}, tmp_path / name, quiet=True), np.float32)
        for name, backbone in (("whole", whole), ("half", half))
    )
    assert np.isfinite(second).all()
    np.testing.assert_allclose(first, second, atol=0.01)
    assert half.pipeline.vae.dtype == torch.float16


def test_the_storybook_gives_the_scenes_of_its_annotations(backbone: SDXLBackbone, tmp_path: Path) -> None:
    found = storybook_material(backbone, 12, seed=3, cache=tmp_path, quiet=True)
    rows = [row for row in annotated_scenes(12, 3) if row["split"] == "train"]
    assert 0 < len(rows) <= 12
    assert list(found.neutral) == [" ".join(str(row["caption"]).split()) for row in rows]
    np.testing.assert_allclose(found.emotions, np.array([(row["valence"], row["arousal"]) for row in rows], float), atol=1e-6)
    assert all(told.startswith(plain) and told != plain for told, plain in zip(found.emotional, found.neutral, strict=True))
    assert found.latents is not None
    assert len(found.latents) == len(rows)
    assert storybook_material(backbone, 12, seed=3, pictures=False).latents is None


def test_what_is_held_out_is_not_learned_from(backbone: SDXLBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Scene] = []

    def watched(scene: Scene, *rest: Any) -> np.ndarray:
        drawn.append(scene)
        return render(scene, *rest)

    monkeypatch.setattr("emoticrafter.rivals.scenes.render", watched)
    storybook_material(backbone, 60, seed=1, cache=tmp_path, quiet=True)
    from emoticrafter.storybook.scenes import holds_held_out

    assert any(row["split"] == "val" for row in annotated_scenes(60, 1))
    assert drawn
    assert not any(map(holds_held_out, drawn))


def test_scenes_that_another_renderer_drew_are_encoded_anew(
    backbone: SDXLBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storybook_material(backbone, 4, seed=3, cache=tmp_path, quiet=True)
    storybook_material(backbone, 4, seed=3, cache=tmp_path, quiet=True)
    assert len(list(tmp_path.glob("*.npy"))) == 1
    monkeypatch.setattr(storybook_scenes, "renderer_version", lambda: "another")
    storybook_material(backbone, 4, seed=3, cache=tmp_path, quiet=True)
    assert len(list(tmp_path.glob("*.npy"))) == 2
