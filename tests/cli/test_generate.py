from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from emoticrafter import picture
from emoticrafter.cli import outputs
from emoticrafter.emotion import MOODS, Emotion
from emoticrafter.recipe import read_recipe
from tests.cli.conftest import Done, FakeCrafter

Cli = Callable[..., Done]
Fake = type[FakeCrafter]


def test_generate_writes_a_picture_named_after_the_prompt(cli: Cli, crafter: Fake, tmp_path: Path) -> None:
    done = cli("generate", "a children's playground", "--valence", "-2", "--arousal", "1", "--seed", "7")
    assert done.code == 0, done.err
    name = "a-childrens-playground_v-2_a+1.png"
    assert done.out == f"{name}\n"
    assert read_recipe(tmp_path / name) == {"prompt": "a children's playground", "valence": -2.0, "arousal": 1.0, "seed": 7}
    assert crafter.opened == {"backbone": "storybook"}


@pytest.mark.parametrize("written", [["--valence", "-2.5"], ["--valence=-2.5"], ["--valence", "-25e-1"]])
def test_negative_numbers_are_values(cli: Cli, crafter: Fake, written: list[str]) -> None:
    assert cli("generate", "a", *written).code == 0
    assert crafter.asked is not None
    assert crafter.asked["points"] == [(Emotion(valence=-2.5, arousal=0), 0)]


def test_generate_several(cli: Cli, crafter: Fake, tmp_path: Path) -> None:
    done = cli("generate", "a", "--count", "3", "--out", "deep/a.png")
    assert done.out.split() == [f"deep/a-{i}.png" for i in (1, 2, 3)]
    assert [read_recipe(tmp_path / name)["seed"] for name in done.out.split()] == [0, 1, 2]


def test_all_common_options_reach_the_crafter(cli: Cli, crafter: Fake) -> None:
    done = cli(
        "generate", "a", "--backbone", "sdxl",
        "--emotion", "here", "--device", "cpu", "--dtype", "float16", "--offload", "model",
        "--strength", "0.5", "--start", "0.2", "--steps", "9", "--guidance", "4",
        "--size", "64x32", "--negative", "fog", "--seed", "3",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert crafter.opened == {"backbone": "sdxl", "emotion": "here", "device": "cpu", "dtype": "float16", "offload": "model"}
    assert crafter.asked == {
        "prompt": "a", "points": [(Emotion.neutral(), 3)], "count": 1, "seed": 3, "strength": 0.5, "start": 0.2, "steps": 9,
        "guidance": 4.0, "size": (64, 32), "negative": "fog",
    }  # fmt: skip


def test_json_has_paths_recipes_and_seconds_and_nothing_else_is_on_stdout(cli: Cli, crafter: Fake) -> None:
    done = cli("generate", "a", "--mood", "sad", "--count", "2", "--out", "a.png", "--json")
    result = json.loads(done.out)
    assert result["paths"] == ["a-1.png", "a-2.png"]
    assert [recipe["seed"] for recipe in result["recipes"]] == [0, 1]
    assert result["seconds"] >= 0
    assert done.err == ""


def test_the_empty_prompt_has_a_name_too(cli: Cli, crafter: Fake, tmp_path: Path) -> None:
    assert cli("generate", "", "--mood", "calm").code == 0
    assert len(list(tmp_path.glob("untitled_*.png"))) == 1


def test_a_prompt_with_a_path_stays_in_this_folder(cli: Cli, crafter: Fake, tmp_path: Path) -> None:
    done = cli("generate", "../../etc/passwd;rm -rf /")
    assert done.code == 0, done.err
    assert [file.parent for file in tmp_path.rglob("*.png")] == [tmp_path]
    assert not list(tmp_path.parent.glob("*.png"))


def test_grid_with_cells(cli: Cli, crafter: Fake, tmp_path: Path) -> None:
    done = cli("grid", "a dog", "--valence=-3:3:3", "--arousal", "-1,2", "--out", "grid.png", "--cells", "cells")
    assert done.code == 0, done.err
    assert len(read_recipe(tmp_path / "grid.png")["pictures"]) == 6
    assert sorted(file.name for file in (tmp_path / "cells").iterdir()) == sorted(
        f"v{v}_a{a}.png" for v in ("-3", "+0", "+3") for a in ("-1", "+2")
    )
    recipe = read_recipe(tmp_path / "cells" / "v-3_a+2.png")
    assert (recipe["valence"], recipe["arousal"]) == (-3, 2)


def test_grid_of_twenty_five_by_default(cli: Cli, crafter: Fake) -> None:
    done = cli("grid", "a dog on a beach", "--json")
    result = json.loads(done.out)
    assert result["paths"] == ["a-dog-on-a-beach_grid.png"]
    assert len(result["recipe"]["pictures"]) == 25


@pytest.mark.parametrize(("name", "frames"), [("sweep.webp", 4), ("sweep.gif", 4), ("sweep.png", 1)])
def test_sweep(cli: Cli, crafter: Fake, tmp_path: Path, name: str, frames: int) -> None:
    done = cli("sweep", "a harbour", "--from=-3,2", "--to", "3,-1", "--frames", "4", "--out", name)
    assert done.code == 0, done.err
    with Image.open(tmp_path / name) as image:
        assert getattr(image, "n_frames", 1) == frames
    assert [entry["valence"] for entry in read_recipe(tmp_path / name)["pictures"]] == [-3, -1, 1, 3]


def test_sweep_between_moods(cli: Cli, crafter: Fake) -> None:
    assert cli("sweep", "a", "--from", "sad", "--to", "at ease", "--frames", "2").code == 0
    assert crafter.asked is not None
    assert [emotion for emotion, _ in crafter.asked["points"]] == [Emotion.named("sad"), Emotion.named("at ease")]


def test_info_about_a_picture(cli: Cli, crafter: Fake) -> None:
    cli("generate", "a dog", "--valence", "1.5", "--out", "a.png")
    done = cli("info", "a.png")
    assert "a dog" in done.out
    assert "1.5" in done.out
    assert json.loads(cli("info", "a.png", "--json").out)["prompt"] == "a dog"


def test_info_about_this_machine(cli: Cli) -> None:
    found = json.loads(cli("info", "--json").out)
    assert found["versions"]["torch"]
    assert found["devices"][0]["name"] == "cpu"
    assert isinstance(found["models"], list)
    assert "cpu" in cli("info").out


def test_moods_are_all_listed_with_their_source(cli: Cli) -> None:
    assert len(cli("moods").out.splitlines()) == 1 + len(MOODS)
    listed = json.loads(cli("moods", "--json").out)
    assert {entry["name"]: Emotion(valence=entry["valence"], arousal=entry["arousal"]) for entry in listed} == {
        name: mood.emotion for name, mood in MOODS.items()
    }
    assert all(entry["source"] for entry in listed)


def test_the_suffixes_checked_early_are_those_that_can_be_written() -> None:
    assert tuple(picture._STILLS) == outputs.STILLS
    assert tuple(picture._ANIMATIONS) == outputs.ANIMATIONS


@pytest.mark.parametrize("method", ["from_pretrained", "generate", "grid", "sweep"])
def test_the_fake_takes_its_arguments_as_the_real_crafter_does(method: str) -> None:
    from emoticrafter.crafter import EmotiCrafter

    real = inspect.signature(getattr(EmotiCrafter, method)).parameters
    fake = inspect.signature(getattr(FakeCrafter, method)).parameters
    named = {
        name: parameter for name, parameter in fake.items() if parameter.kind is not parameter.VAR_KEYWORD and name != "progress"
    }
    assert [(name, one.kind) for name, one in named.items()] == [(name, real[name].kind) for name in named]
