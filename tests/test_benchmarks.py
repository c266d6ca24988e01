"""The benchmarks run at a tiny size, write sound records, and compute the figures that they claim."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import common, content, emotion, grids, models
from emoticrafter.evaluation.cases import Expected, StorybookCase
from emoticrafter.judges.storybook import Seen
from emoticrafter.storybook.world.scene import PLACES, SUBJECTS, Scene, Subject


@pytest.mark.parametrize(
    "name",
    [
        "emotion",
        "content",
        "fidelity",
        "world",
        "import_pairs",
        "encoding",
        "ragged",
        "density",
        "panel_null",
        pytest.param("eit_memory", marks=pytest.mark.slow),
        pytest.param("chain", marks=pytest.mark.slow),
        "gpu_sdxl",
        "gpu_encoding",
        "unet_shapes",
        pytest.param("speed", marks=pytest.mark.slow),
    ],
)
def test_a_smoke_run_writes_a_sound_record(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "records" / "one.json"
    importlib.import_module(f"benchmarks.{name}").main(["--smoke", "--out", str(path)])
    record = json.loads(
        path.read_text(encoding="utf-8"), parse_constant=lambda constant: pytest.fail(f"{constant} in the record")
    )
    assert record["smoke"] is True
    assert record["command"].startswith(f"python -m benchmarks.{name}")
    assert {"date", "revision", "machine", "versions", "options", "bars", "figures", "seconds"} <= set(record)
    assert record["machine"]["cores"] >= 1
    assert record["versions"]["torch"]
    assert record["figures"]
    assert str(common.ROOT) not in json.dumps({**record, "options": None, "command": None})
    assert str(path) in capsys.readouterr().out.replace("\n", "")
    assert [file.name for file in path.parent.iterdir() if file.suffix == ".json"] == ["one.json"]


def test_the_gpu_benchmark_measures_every_setup_and_the_cost_of_injection(tmp_path: Path) -> None:
    from benchmarks import gpu_sdxl

    path = tmp_path / "record.json"
    gpu_sdxl.main(["--smoke", "--out", str(path)])
    figures = json.loads(path.read_text())["figures"]
    assert {row["setup"] for row in figures["rows"]} == {"eager", "channels_last", "fused_qkv"}
    assert not [row["error"] for row in figures["rows"] if "error" in row]
    assert figures["injection_seconds"] > 0
    assert figures["flops_per_picture"]["unet"] > figures["flops_per_picture"]["vae"] / 100 > 0


def test_an_unknown_option_of_the_gpu_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import gpu_sdxl

    with pytest.raises(SystemExit):
        gpu_sdxl.main(["--options", "faster"])
    assert "channels_last" in capsys.readouterr().err


def test_a_perfect_reading_scores_perfectly_and_always_0_scores_as_the_paper_says() -> None:
    perfect = emotion.agreement(np.stack([grids.ASKED] * 3))
    silent = emotion.agreement(np.zeros((3, 25, 2)))
    half = emotion.agreement(np.stack([0.5 * grids.ASKED] * 3))
    for axis in emotion.AXES:
        assert perfect[axis]["spearman"] == pytest.approx(1)
        assert perfect[axis]["slope"] == pytest.approx(1)
        assert perfect[axis]["error"] == 0
        assert silent[axis]["error"] == pytest.approx(1.8)
        assert np.isnan(silent[axis]["spearman"])
        assert half[axis]["slope"] == pytest.approx(0.5)
        assert half[axis]["spearman"] == pytest.approx(1)


def test_cells_lie_with_arousal_upwards_and_valence_to_the_right() -> None:
    read = grids.ASKED[None].copy()
    corner = next(i for i, point in enumerate(grids.POINTS) if (point.valence, point.arousal) == (3, 3))
    read[0, corner] = (1, 2)
    figures = emotion.agreement(read)
    assert figures["valence"]["cells"][0, 4] == 2
    assert figures["arousal"]["cells"][0, 4] == 1
    assert figures["valence"]["cells"].sum() == 2


def test_held_out_prompts_are_the_same_every_time_and_name_place_and_subjects() -> None:
    cases = grids.held_out_cases(12)
    assert cases == grids.held_out_cases(12)
    assert cases != grids.held_out_cases(12, seed=1)
    assert len({case.scene.content() for case in cases}) == 12
    for case in cases:
        assert case.scene.place in case.expected.places <= set(PLACES)
        for kind in {subject.kind for subject in case.scene.subjects}:
            assert any(kind in kinds for kinds in case.expected.subjects)
        assert all(kinds <= set(SUBJECTS) for kinds in case.expected.subjects)


def test_content_agreement_counts_each_subject_among_as_many_likeliest() -> None:
    scene = Scene(place="beach", subjects=(Subject(kind="dog"), Subject(kind="ball")), relation="chasing")
    case = StorybookCase(
        prompt="a dog chasing a ball on a beach",
        scene=scene,
        expected=Expected(places=frozenset({"beach"}), subjects=(frozenset({"dog"}), frozenset({"ball"}))),
    )
    right = Seen(place="beach", subjects=("ball", "dog", "cat"), people=0.0)
    wrong = Seen(place="desert", subjects=("cat", "dog", "ball"), people=0.0)
    figures = content.agreement([case], [right, wrong])
    assert (figures["place"], figures["subject"], figures["all_subjects"]) == (0.5, 0.75, 0.5)
    assert {(one["prompt"], one["picture"]) for one in figures["mistaken"]} == {("beach", "desert"), ("ball", "cat")}


def test_a_bar_is_met_from_the_right_side_and_missed_without_a_figure(tmp_path: Path) -> None:
    report = common.Report("none", argparse.Namespace(smoke=True, out=tmp_path / "none.json", threads=None))
    report.bar("high enough", 0.95, least=0.95)
    report.bar("too high", 0.51, most=0.5)
    report.bar("not measured", None, most=0.5)
    report.bar("not a number", float("nan"), least=0.5)
    report.figures = {"nan": float("nan"), "array": np.ones((1, 2)), "here": common.RESULTS}
    report.save()
    record = json.loads((tmp_path / "none.json").read_text())
    assert [bar["met"] for bar in record["bars"]] == [True, False, False, False]
    assert record["figures"] == {"nan": None, "array": [[1.0, 1.0]], "here": "benchmarks/results"}


def test_random_models_have_the_sizes_of_sdxl() -> None:
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    sizes = models.SIZES["full"]
    with torch.device("meta"):
        parts = (
            UNet2DConditionModel(**sizes["unet"]),
            AutoencoderKL(**models._vae_settings(sizes["vae"])),
            CLIPTextModel(models._text_config(sizes["text"])),
            CLIPTextModelWithProjection(models._text_config(sizes["text_2"])),
        )
    # As published with SDXL base 1.0.
    assert [sum(p.numel() for p in part.parameters()) for part in parts] == [2_567_463_684, 83_653_863, 123_060_480, 694_659_840]
    assert max(models.byte_tokenizer("!")("a red house").input_ids) < 514


def test_kept_pictures_are_used_again_only_for_the_same_settings(tmp_path: Path) -> None:
    options = common.parser("none", None)
    grids.add_options(options)
    given = options.parse_args(["--smoke", "--prompts", "1", "--steps", "1", "--pictures", str(tmp_path / "kept.npz")])
    drawer = grids.Drawer(given)
    emotional, neutral = drawer.kept(1.0)
    assert emotional.shape == (1, 25, *neutral.shape[1:])
    drawer.emotional = drawer.neutral = lambda *_: pytest.fail("drawn again")  # type: ignore[method-assign,assignment]
    again, _ = drawer.kept(1.0)
    assert np.array_equal(again, emotional)
    del drawer.emotional, drawer.neutral
    other, _ = drawer.kept(0.0)
    assert not np.array_equal(other, emotional)


def test_each_prompt_has_its_neutral_pictures_side_by_side() -> None:
    options = common.parser("none", None)
    grids.add_options(options)
    drawer = grids.Drawer(options.parse_args(["--smoke", "--prompts", "2", "--steps", "1"]))
    first = drawer.neutral()
    pictures = drawer.several(first, 3)
    assert pictures.shape == (6, *first.shape[1:])
    assert np.array_equal(pictures[[0, 3]], first)
    assert np.array_equal(pictures[4], drawer.texts([drawer.cases[1].prompt], 1000)[0])
