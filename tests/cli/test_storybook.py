from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from emoticrafter import system
from emoticrafter.cli.storybook import parse_subject
from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.recipe import read_recipe
from emoticrafter.storybook import training, world
from emoticrafter.storybook.training import common
from emoticrafter.storybook.world import Scene, Subject
from emoticrafter.storybook.world.scene import PLACES, SUBJECTS
from emoticrafter.storybook.world.sprites import CodeSprites
from tests.cli.conftest import Done

Cli = Callable[..., Done]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Scene, Emotion]]:
    """What the world was asked to draw; it draws with the sprites made in code."""
    asked = []
    real = world.render

    def render(scene: Scene, emotion: Emotion, size: int) -> Any:
        asked.append((scene, emotion))
        return real(scene, emotion, size, CodeSprites())

    monkeypatch.setattr(world, "render", render)
    return asked


def test_render_draws_the_described_scene(cli: Cli, drawn: list[Any], tmp_path: Path) -> None:
    done = cli(
        "storybook", "render", "--place", "beach",
        "--subject", "girl:flying kite:red", "--subject", "dog", "--relation", "beside",
        "--time", "evening", "--valence", "-2", "--arousal", "1", "--size", "64", "--seed", "5",
    )  # fmt: skip
    assert done.code == 0, done.err
    girl = Subject(kind="girl", action="flying_kite", clothes="red")
    scene = Scene(place="beach", time="evening", subjects=(girl, Subject(kind="dog")), relation="beside", seed=5)
    assert drawn == [(scene, Emotion(valence=-2, arousal=1))]
    assert done.out == "beach_girl_dog_v-2_a+1.png\n"
    with Image.open(tmp_path / done.out.strip()) as image:
        assert image.size == (64, 64)
    assert read_recipe(tmp_path / done.out.strip())["scene"]["relation"] == "beside"


def test_render_json(cli: Cli, drawn: list[Any]) -> None:
    result = json.loads(cli("storybook", "render", "--mood", "calm", "--size", "32", "--out", "a.png", "--json").out)
    assert result["paths"] == ["a.png"]
    assert result["recipe"]["scene"]["place"] == "meadow"


def test_the_list_holds_every_word(cli: Cli) -> None:
    known = json.loads(cli("storybook", "render", "--list", "--json").out)
    assert known["places"] == list(PLACES)
    assert tuple(known["people"] + known["animals"] + known["vehicles"] + known["things"]) == SUBJECTS
    assert "playground" in cli("storybook", "render", "--list").out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--place", "moon"], "playground"),
        (["--subject", "unicorn"], "horse"),
        (["--subject", "dog:reading"], "running"),
        (["--subject", "girl:walking:red:blue"], "KIND"),
        (["--subject", ""], "KIND"),
        (["--subject", "dog", "--subject", "cat", "--subject", "cow"], "at most 2"),
        (["--relation", "chasing"], "two subjects"),
        (["--time", "dawn"], "evening"),
        (["--size", "8"], "16 to 4096"),
        (["--size", "100000"], "16 to 4096"),
        (["--valence", "9"], "-3 to 3"),
        (["--out", "a.tiff"], ".png"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_scenes(cli: Cli, drawn: list[Any], tmp_path: Path, arguments: list[str], word: str) -> None:
    done = cli("storybook", "render", *arguments)
    assert done.code == 2
    assert word in done.err
    assert drawn == []
    assert list(tmp_path.iterdir()) == []


def test_render_keeps_an_existing_file(cli: Cli, drawn: list[Any], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("precious")
    assert cli("storybook", "render", "--out", "a.png").code == 2
    assert drawn == []
    assert (tmp_path / "a.png").read_text() == "precious"


def test_parse_subject() -> None:
    assert parse_subject("Fire Engine:driving") == Subject(kind="fire_engine", action="driving")
    assert parse_subject("boy::blue") == Subject(kind="boy", clothes="blue")
    with pytest.raises(InputError):
        parse_subject(":running")


def test_build_hands_over_what_was_asked(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, Any] = {}

    def run(preset: Any, out: Path, **settings: Any) -> Path:
        asked.update(preset=preset.name, out=out, **settings)
        (out / "model").mkdir(parents=True, exist_ok=True)
        if not settings["stages"]:
            (out / "model" / "model_index.json").touch()
        return out / "model"

    monkeypatch.setattr(training, "run", run)
    monkeypatch.setattr(common, "restart_with_steady_memory", lambda: None)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    toy = ("storybook", "build", "--preset", "smoke", "--out", "runs")
    done = cli(*toy, "--stage", "vae", "--stage", "unet", "--steps", "9", "--json")
    assert (json.loads(done.out)["paths"], json.loads(done.out)["finished"]) == (["runs"], False)
    assert asked == {
        "preset": "smoke", "out": Path("runs"), "stages": ["vae", "unet"], "seed": 0, "device": None, "steps": 9,
        "minutes": None, "quiet": True,
    }  # fmt: skip
    done = cli(*toy, "--seed", "5", "--device", "cuda:1", "--minutes", "0.5")
    assert (asked["seed"], asked["device"], asked["steps"], asked["minutes"]) == (5, "cuda:1", None, 0.5)
    assert done.out == "runs/model\n"
    assert "--backbone runs/model" in done.err
    assert "tools/install_storybook.py runs\n" in done.err


def test_build_starts_anew_with_the_threads_asked_for(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """glibc and OpenMP read their settings only when a process starts."""
    started: list[list[str]] = []

    def execv(program: str, words: list[str]) -> None:
        started.append(words)
        assert os.environ["OMP_NUM_THREADS"] == "3"
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "orig_argv", ["python", "emoticrafter", "storybook", "build", "--out", "runs"])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(os, "environ", {name: value for name, value in os.environ.items() if "MALLOC" not in name})
    cli("storybook", "build", "--preset", "smoke", "--out", "runs", "--threads", "3")
    assert started == [[sys.executable, "emoticrafter", "storybook", "build", "--out", "runs"]]


def test_build_refuses_unknown_presets_and_stages(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(common, "restart_with_steady_memory", lambda: None)
    done = cli("storybook", "build", "--preset", "huge", "--out", "runs")
    assert (done.code, "smoke" in done.err) == (2, True)
    done = cli("storybook", "build", "--preset", "smoke", "--out", "runs", "--stage", "polish")
    assert (done.code, "unet" in done.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_names_the_command_that_installs_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = cli("storybook", "render")
    assert done.code == 2
    assert "pip install 'emoticrafter[storybook]'" in done.err


def test_card(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    card = {"name": "storybook", "judge": {"mae": {"valence": 0.4}}, "seeds": [0, 1]}
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert json.loads(cli("storybook", "card", ".", "--json").out) == card
    assert cli("storybook", "card", ".").out == "name: storybook\njudge\n  mae\n    valence: 0.4\nseeds: [0, 1]\n"
    monkeypatch.setattr(system, "STORYBOOK", tmp_path)
    assert json.loads(cli("storybook", "card", "--json").out) == card


@pytest.mark.parametrize("content", [None, "not json", "[1]"])
def test_card_that_is_none(cli: Cli, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "card.json").write_text(content)
    done = cli("storybook", "card", ".")
    assert done.code == 2
    assert "card" in done.err
