"""Each figure of the fidelity benchmark on a truth that is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from PIL import Image

from benchmarks import fidelity
from benchmarks.fidelity_parts import apart, distances, face_reader, faces, seen, truth
from benchmarks.fidelity_parts.distances import Gaussian
from benchmarks.fidelity_parts.model import WAYS, Model, with_unet
from emoticrafter.crafter import EmotiCrafter
from emoticrafter.emotion import Emotion
from emoticrafter.errors import CheckpointError, MissingError
from emoticrafter.evaluation.cases import Expected
from emoticrafter.storybook.judge import CONTENT_HEADS, EMOTION_HEADS, JudgeConfig, JudgeNetwork
from emoticrafter.storybook.scenes import is_held_out
from emoticrafter.storybook.training.common import Training
from emoticrafter.storybook.training.presets import BuildRecipe
from emoticrafter.storybook.world.scene import SUBJECTS, Scene, Subject
from emoticrafter.storybook.world.sprites import CodeSprites

SPRITES = CodeSprites()
JUDGES = {"emotion": EMOTION_HEADS, "content": CONTENT_HEADS}


def points(count: int, width: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn((count, width), generator=torch.Generator().manual_seed(seed))


def case(*kinds: str, emotion: Emotion | None = None, expected: tuple[frozenset[str], ...] | None = None) -> truth.Case:
    subjects = tuple(Subject(kind=kind) for kind in kinds)
    return truth.Case(
        scene=Scene(place="beach", subjects=subjects),
        emotion=emotion or Emotion.neutral(),
        neutral="",
        emotional="",
        expected=Expected(places=frozenset({"beach"}), subjects=expected or tuple(frozenset({k}) for k in dict.fromkeys(kinds))),
    )


# -- distances --------------------------------------------------------------------------------------------------------


def test_the_frechet_distance_is_0_of_a_set_from_itself_and_the_square_of_a_shift() -> None:
    some = points(400)
    shift = torch.tensor([3.0, 4.0, 0, 0, 0])
    assert distances.frechet(Gaussian.of(some), Gaussian.of(some)) == pytest.approx(0, abs=1e-6)
    assert distances.frechet(Gaussian.of(some), Gaussian.of(some + shift)) == pytest.approx(25, abs=1e-4)


def test_the_frechet_distance_of_known_gaussians() -> None:
    first = Gaussian(torch.zeros(2).double(), torch.diag(torch.tensor([1.0, 9.0])).double())
    second = Gaussian(torch.tensor([1.0, 0.0]).double(), torch.diag(torch.tensor([4.0, 1.0])).double())
    assert distances.frechet(first, second) == pytest.approx(1 + (1 - 2) ** 2 + (3 - 1) ** 2)


def test_precision_and_recall_of_the_same_and_of_disjoint_sets() -> None:
    some = points(300)
    assert distances.precision_recall(some, some) == (1, 1)
    assert distances.precision_recall(some, some + 100) == (0, 0)


def test_what_is_drawn_of_one_cluster_of_two_is_precise_and_half_recalled() -> None:
    two = torch.cat([points(300), points(300, seed=1) + 100])
    precision, recall = distances.precision_recall(points(300, seed=2), two)
    assert precision == pytest.approx(0.9, abs=0.1)
    assert recall == pytest.approx(0.5, abs=0.06)


def test_neighbourhoods_are_3_x_3_latents_of_the_middle() -> None:
    latents = torch.arange(2 * 16 * 16, dtype=torch.float32).view(1, 2, 16, 16)
    around = distances.neighbourhoods(latents)
    assert around.shape == (1, 36, 18)
    assert around[0, 0].tolist() == latents[0, :, 4:7, 4:7].flatten().tolist()
    assert around[0, -1].tolist() == latents[0, :, 9:12, 9:12].flatten().tolist()


def test_the_nearest_of_others() -> None:
    others = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    assert distances.nearest(torch.tensor([[3.0, 4.0], [9.0, 0.0]]), others).tolist() == pytest.approx([5, 1])


def test_local_figures_of_the_same_latents_are_0_and_of_blurred_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    latents = torch.randn((40, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(seen, "NEAREST", 36)  # all there are
    reference = seen.LocalReference(latents)
    same, blurred = reference(latents), reference(torch.nn.functional.avg_pool2d(latents, 3, 1, 1))
    assert same["local_frechet"] == pytest.approx(0, abs=1e-6)
    assert same["nearest"] == pytest.approx(0, abs=0.02)
    assert blurred["local_frechet"] > 5
    assert blurred["nearest"] > 1


def test_figures_are_means_over_blocks_and_the_whole_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "BLOCK", 2)
    found = seen.by_blocks(torch.tensor([1.0, 3.0, 5.0, 7.0, 100.0]), lambda part: {"sum": float(part.sum())})
    assert found == {"sum": 8.0, "spread": {"sum": pytest.approx(np.sqrt(32))}, "whole": {"sum": 116.0}}
    assert seen.by_blocks(torch.tensor([1.0]), lambda part: {"sum": float(part.sum())})["spread"] is None


# -- scenes and their cache -------------------------------------------------------------------------------------------


def test_cases_are_held_out_and_the_first_ones_of_any_number() -> None:
    some = truth.cases("asked", 6)
    assert some == truth.cases("asked", 8)[:6]
    assert some != truth.cases("asked", 6, seed=1)
    assert not {one.scene for one in some} & {one.scene for one in truth.cases("other", 6)}
    for one in some:
        assert is_held_out(*one.scene.content())
        assert one.emotional.startswith(one.neutral.rstrip("."))
        assert len(one.emotional) > len(one.neutral)
        assert one.scene.place in one.expected.places


def test_pictures_of_256_pixels_are_judged_as_means_of_four() -> None:
    large = np.random.default_rng(0).integers(0, 256, (3, 256, 256, 3), dtype=np.uint8)
    means = large.reshape(3, 128, 2, 128, 2, 3).astype(np.float64).mean(axis=(2, 4))
    assert np.abs(truth.judged(large) - means).max() <= 0.5
    small = large[:, :128, :128]
    assert np.array_equal(truth.judged(small), small)


def test_what_is_rendered_is_kept_until_the_renderer_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, some = truth.Cache(tmp_path), truth.cases("asked", 2)
    first = np.array(truth.rendered(cache, "asked", some, 32, SPRITES))
    monkeypatch.setattr(truth, "render", lambda *_: np.zeros((32, 32, 3), np.uint8))
    assert np.array_equal(truth.rendered(cache, "asked", some, 32, SPRITES), first)
    monkeypatch.setattr(truth, "renderer_version", lambda: "another")
    assert not truth.rendered(cache, "asked", some, 32, SPRITES).any()
    monkeypatch.undo()
    assert len(truth.renderer_version()) == 16


# -- figures ----------------------------------------------------------------------------------------------------------


def test_judges_features_are_what_their_heads_read() -> None:
    judges = [JudgeNetwork(JudgeConfig(width=4, heads=heads)).eval() for heads in JUDGES.values()]
    pictures = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), dtype=np.uint8)
    found = seen.features(judges, pictures)
    assert found.shape == (3, 2 * 48)
    read = judges[1].heads["place"](found[:, 48:]).detach().numpy()
    assert read == pytest.approx(judges[1].read(pictures)["place"], abs=1e-5)


def test_a_subject_is_missing_where_no_kind_that_its_word_can_mean_is_found() -> None:
    cases = [
        case("dog"),
        case("dog"),
        case("girl", expected=(frozenset({"girl", "boy"}),)),
        case("dog", "ball"),
        case("cat", "cat"),
    ]
    odds = np.full((5, len(SUBJECTS)), -5.0)
    odds[0, SUBJECTS.index("dog")] = 2
    odds[2, SUBJECTS.index("boy")] = 1
    odds[3, SUBJECTS.index("ball")] = 1
    assert seen.missing(odds, SUBJECTS, cases) == {"one": pytest.approx(1 / 3), "two": 0.5, "subjects": {"one": 3, "two": 2}}


def test_a_yardstick_measures_what_it_has_parts_for() -> None:
    torch.manual_seed(0)
    judges = {kind: JudgeNetwork(JudgeConfig(width=4, heads=heads)).eval() for kind, heads in JUDGES.items()}
    cases = truth.cases("asked", 6)
    pictures = np.random.default_rng(0).integers(0, 256, (6, 256, 256, 3), dtype=np.uint8)
    latents = torch.randn((6, 16, 16, 16))
    some = seen.look(judges, pictures, latents)
    assert some.pictures.shape == (6, 128, 128, 3)
    both = seen.Yardstick(features=seen.SeenReference(some.features), latents=seen.LocalReference(latents))
    found = both.figures(some, cases)
    assert set(found) == {"features", "local", "missing"}
    assert found["features"]["frechet"] == pytest.approx(0, abs=1e-3)
    assert found["features"]["precision"] == found["features"]["recall_5"] == 1
    assert set(seen.Yardstick().figures(some, cases)) == {"missing"}


def test_equal_pictures_are_not_told_apart_and_different_ones_are() -> None:
    rng = np.random.default_rng(0)
    recipe = BuildRecipe(steps=30, batch=16, rate=3e-3, warmup=2, average=0.9, muon=True)
    noise = rng.integers(0, 256, (2, 160, 32, 32, 3), dtype=np.uint8)
    same = apart.told_apart(noise[0], noise[1], recipe=recipe)
    assert 0.3 <= same["error"] <= 0.7
    assert (same["learned_from"], same["tested_on"]) == (240, 80)
    darker = apart.told_apart(noise[0] // 2, noise[1], recipe=recipe)
    assert darker["error"] <= 0.05
    assert darker["loss"] < 0.5


def test_a_smile_tears_and_closed_eyes_belong_to_their_emotions() -> None:
    named = list(faces.NUMBERS)
    elated, sad, serene = (
        dict(zip(named, faces.face_numbers(Emotion(valence=v, arousal=a)), strict=True)) for v, a in ((3, 3), (-3, -3), (3, -3))
    )
    assert elated["smile"] == 1
    assert elated["gape"] > 0.9
    assert elated["tears"] == 0
    assert sad["tears"] == 1
    assert sad["smile"] < 0.1
    assert serene["opening"] == 0
    corners = [faces.face_numbers(Emotion(valence=v, arousal=a)) for v in (-3, 0, 3) for a in (-3, 0, 3)]
    assert np.min(corners) >= 0
    assert np.max(corners) <= 1


def test_agreement_counts_faces_as_asked_and_those_that_are_not_found_as_wrong() -> None:
    corners = [Emotion(valence=v, arousal=a) for v in (-3, 3) for a in (-3, 3)]
    cases = [case("girl", emotion=emotion) for emotion in corners] + [case("boy", "man", emotion=corners[0]), case("dog")]
    read = np.full((6, 2, len(faces.NUMBERS)), np.nan, np.float32)
    for row, one in enumerate(cases[:5]):
        read[row, : faces.people_of(one.scene)] = faces.face_numbers(one.emotion)
    perfect = faces.agreement(read, cases)
    assert (perfect["people"], perfect["found"], perfect["agree"]) == (6, 1, 1)
    assert perfect["chance"] < 0.7
    assert perfect["correlation"]["smile"] == pytest.approx(1)
    read[0] = np.nan
    read[1, 0, list(faces.NUMBERS).index("tears")] += 0.3
    worse = faces.agreement(read, cases)
    assert (worse["found"], worse["agree"]) == (pytest.approx(5 / 6), pytest.approx(4 / 6))
    assert (worse["eyes"], worse["tears"]) == (pytest.approx(5 / 6), pytest.approx(4 / 6))
    assert faces.agreement(read[5:], cases[5:]) == {"people": 0, "agree": None}


def test_crops_hold_the_head_in_their_middle() -> None:
    picture = torch.zeros(1, 3, 128, 128)
    picture[..., 32:64, 64:96] = 1  # a head of radius 1/8 around (80, 48)
    around = face_reader.crops(picture, torch.tensor([0]), torch.tensor([[80 / 128, 48 / 128, 1 / 8]]))
    inside = around[0, 0] > 0.5
    assert inside.shape == (face_reader.CROP, face_reader.CROP)
    assert float(inside.float().mean()) == pytest.approx(1 / face_reader.AROUND**2, abs=0.03)
    middle = inside.nonzero().float().mean(dim=0)
    assert middle.tolist() == pytest.approx([(face_reader.CROP - 1) / 2] * 2, abs=0.6)


def test_portraits_have_faces_of_another_emotion_and_know_where_heads_are(tmp_path: Path) -> None:
    made = face_reader.portraits(truth.Cache(tmp_path), 12, SPRITES)
    people = [faces.people_of(face_reader._described(number)[0]) for number in range(12)]
    assert (made.heads[..., 2] > 0).sum(axis=1).tolist() == people
    assert all(people[number] for number in range(12) if number % 4)
    heads = made.heads[made.heads[..., 2] > 0]
    assert (heads[:, 2] > 0.08).all()
    assert (heads[:, 2] < 0.2).all()
    again = face_reader.portraits(truth.Cache(tmp_path), 12, SPRITES)
    assert np.array_equal(made.heads, again.heads)
    _, emotion, expression = face_reader._described(1)
    assert emotion != expression
    assert made.numbers[1] == pytest.approx(faces.face_numbers(expression))


@pytest.mark.slow
def test_the_face_reader_beats_chance_on_rendered_faces_and_is_kept(tmp_path: Path) -> None:
    learned = face_reader.portraits(truth.Cache(tmp_path), 500, SPRITES)
    recipes: dict[str, Any] = {
        "finder": BuildRecipe(steps=120, batch=16, rate=3e-3, warmup=5, average=0.9, muon=True),
        "reader": BuildRecipe(steps=150, batch=32, rate=3e-3, warmup=5, average=0.9, muon=True),
    }
    reader = face_reader.train_face_reader(learned, tmp_path, **recipes)
    cases = truth.cases("asked", 120)
    pictures = truth.rendered(truth.Cache(None), "asked", cases, 128, SPRITES)
    people = [faces.people_of(one.scene) for one in cases]
    read = reader.read(pictures, people)
    found = faces.agreement(read, cases)
    assert found["found"] > 0.8
    assert found["agree"] > found["chance"] + 0.2
    assert found["correlation"]["smile"] > 0.8
    again = face_reader.train_face_reader(learned, tmp_path, **recipes)
    assert np.array_equal(again.read(pictures, people), read, equal_nan=True)


# -- the model --------------------------------------------------------------------------------------------------------


def test_latents_are_as_the_denoiser_has_them_and_come_back_as_the_backbone_decodes_them(tmp_path: Path) -> None:
    from emoticrafter.backbones.sdxl import SDXLBackbone
    from tests.tiny import build_tiny_sdxl

    crafter = EmotiCrafter.from_pretrained(build_tiny_sdxl(tmp_path / "tiny", normalised=True), device="cpu", dtype="float32")
    model = Model(crafter)
    assert isinstance(crafter.backbone, SDXLBackbone)
    latents = torch.randn((2, 4, 16, 16), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = np.stack([np.asarray(image) for image in crafter.backbone.denoiser.decode_latents(latents)])
    assert np.abs(model.pictures(latents).astype(int) - expected).max() <= 1
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    raw = model.vae.encode(torch.from_numpy(pictures).permute(0, 3, 1, 2) / 127.5 - 1).latent_dist.mode()
    assert torch.allclose(model.latents(pictures), (raw - 0.1) / 0.8 * model.vae.config.scaling_factor, atol=1e-4)


def test_another_unet_takes_the_place_of_the_backbones_own(tiny_sdxl: Path, tmp_path: Path) -> None:
    unet = UNet2DConditionModel.from_pretrained(tiny_sdxl / "unet")
    with torch.no_grad():
        unet.conv_out.bias.add_(0.5)
    unet.save_pretrained(tmp_path / "unet")
    recipe = BuildRecipe(steps=1, batch=1, rate=1e-3)
    Training(name="unet", folder=tmp_path / "training", model=unet, recipe=recipe, loss=lambda step, rng: {}).save()
    sources = [
        str(tiny_sdxl),
        *(with_unet(str(tiny_sdxl), tmp_path / name, tmp_path / f"with-{name}") for name in ("unet", "training")),
    ]
    crafters = [EmotiCrafter.from_pretrained(source, device="cpu") for source in sources]
    own, exchanged, trained = [np.asarray(one.generate("a cat", Emotion.neutral(), steps=2)[0].image) for one in crafters]
    assert not np.array_equal(own, exchanged)
    assert np.array_equal(exchanged, trained)
    assert crafters[0].describe()["backbone_hash"] != crafters[1].describe()["backbone_hash"]


def test_a_unet_that_is_not_there_or_does_not_fit_is_refused(tiny_sdxl: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"config.json or state.safetensors"):
        with_unet(str(tiny_sdxl), tmp_path, tmp_path / "one")
    recipe = BuildRecipe(steps=1, batch=1, rate=1e-3)
    Training(name="unet", folder=tmp_path, model=torch.nn.Linear(2, 2), recipe=recipe, loss=lambda step, rng: {}).save()
    with pytest.raises(CheckpointError, match="of the sizes"):
        with_unet(str(tiny_sdxl), tmp_path, tmp_path / "two")
    with pytest.raises(MissingError, match="owner/name"):
        with_unet("owner/name", tmp_path, tmp_path / "three")


def test_drawn_pictures_are_kept_for_the_same_model_settings_and_cases_only(tiny_sdxl: Path, tmp_path: Path) -> None:
    crafter = EmotiCrafter.from_pretrained(tiny_sdxl, device="cpu")
    cache, cases = truth.Cache(tmp_path), truth.cases("asked", 2)
    model = Model(crafter, {"steps": 1})
    made = {way: np.array(model.drawn(cache, way, way, cases, 0)) for way in WAYS}
    assert made["eit"].shape == (2, 32, 32, 3)
    assert not np.array_equal(made["eit"], made["words"])
    alone = model.crafter.generate(cases[1].neutral, cases[1].emotion, seed=1, steps=1)[0]
    assert np.abs(np.asarray(alone.image).astype(int) - made["eit"][1]).max() <= 2
    model.draw = lambda *_: pytest.fail("drawn again")  # type: ignore[method-assign]
    assert np.array_equal(model.drawn(cache, "eit", "eit", cases, 0), made["eit"])
    other = Model(crafter, {"steps": 2})
    assert not np.array_equal(other.drawn(cache, "eit", "eit", cases, 0), made["eit"])


# -- the command ------------------------------------------------------------------------------------------------------


def test_a_smoke_run_has_every_figure_of_every_set_and_a_sheet(tmp_path: Path) -> None:
    path = tmp_path / "fidelity.json"
    fidelity.main(["--smoke", "--out", str(path), "--set", "strength=0.5"])
    record = json.loads(path.read_text(), parse_constant=pytest.fail)
    rows = record["figures"]["rows"]
    assert list(rows) == ["rendered", "autoencoder", "words", "eit"]
    for row in rows.values():
        assert {"frechet", "precision", "recall", "whole"} <= set(row["features"])
        assert {"local_frechet", "nearest", "whole"} <= set(row["local"])
        assert {"found", "agree", "chance", "of_ceiling"} <= set(row["faces"])
        assert {"one", "two"} <= set(row["missing"])
    assert [name for name, row in rows.items() if "told_apart" in row] == ["autoencoder", "words", "eit"]
    assert record["figures"]["model"]["settings"] == {"steps": 1, "strength": 0.5}
    assert len(record["figures"]["shown"]) == 8
    with Image.open(tmp_path / "fidelity.webp") as sheet:
        assert sheet.size == (8 * 34, 34)


def test_figures_and_sets_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "fidelity.json"
    fidelity.main(["--smoke", "--out", str(path), "--sets", "words", "--skip", "told_apart,faces,local,sheet"])
    record = json.loads(path.read_text())
    assert list(record["figures"]["rows"]) == ["words"]
    assert set(record["figures"]["rows"]["words"]) == {"features", "missing"}
    assert not path.with_suffix(".webp").exists()
    assert record["bars"] == []


def test_a_model_of_256_pixels_is_held_against_scenes_of_256_pixels(
    tiny_storybook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fidelity, "find_sprites", lambda code: SPRITES)
    path, cache = tmp_path / "fidelity.json", tmp_path / "cache"
    options = {"--backbone": tiny_storybook, "--out": path, "--cache": cache, "--pictures": 4, "--reference": 6, "--steps": 1}
    given = [str(part) for pair in options.items() for part in pair]
    fidelity.main([*given, "--skip", "faces,told_apart", "--device", "cpu", "--guidance-range", "0.3:0.85"])
    figures = json.loads(path.read_text())["figures"]
    assert figures["size"] == 256
    assert figures["model"]["settings"] == {"steps": 1, "guidance_range": [0.3, 0.85]}
    assert sorted(file.name for file in cache.glob("*.npy")) == ["asked-00000-256.npy", "other-00000-256.npy"]
    assert np.load(cache / "asked-00000-256.npy").shape == (4, 256, 256, 3)
    with Image.open(path.with_suffix(".webp")) as sheet:
        assert sheet.size == (4 * 258, 258)
    assert figures["rows"]["rendered"]["missing"]["one"] is not None
    assert figures["rows"]["eit"]["local"]["nearest"] > 0


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--set", "guidence=3", "guidence"),
        ("--set", "steps", "NAME=VALUE"),
        ("--skip", "face", "told_apart"),
        ("--sets", "drawn", "autoencoder"),
        ("--guidance-range", "0.9:0.1", "must be two numbers that rise"),
    ],
)
def test_unknown_settings_sets_and_figures_are_refused_with_what_is_known(
    option: str, value: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        fidelity.main([option, value])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_a_value_that_is_not_json_is_text() -> None:
    assert fidelity.setting("steps=4") == ("steps", 4)
    assert fidelity.setting("negative=rain, fog") == ("negative", "rain, fog")
    assert fidelity.setting("calibrated=false") == ("calibrated", False)
