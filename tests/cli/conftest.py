"""The program run in this process, in an empty folder, with a crafter that needs no model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from emoticrafter.cli.main import run
from emoticrafter.emotion import Emotion, grid, path
from emoticrafter.picture import Picture
from emoticrafter.recipe import joint_recipe
from emoticrafter.sheet import contact_sheet
from emoticrafter.watch import SILENT, Watch


@dataclass
class Done:
    """How the program ended."""

    code: int
    out: str
    err: str


class FakeGrid(SimpleNamespace):
    def image(self) -> Image.Image:
        return contact_sheet(self.pictures, self.valences, self.arousals)

    def save(self, path: Path, force: bool = False) -> Path:
        return Picture(image=self.image(), recipe=self.recipe).save(path, force=force)


class FakeCrafter:
    """Pictures of one colour that depends on emotion and seed; keeps what it was asked for."""

    opened: dict[str, Any] | None = None
    asked: dict[str, Any] | None = None
    failure: BaseException | None = None
    surprise: str = ""

    @classmethod
    def from_pretrained(cls, backbone: str = "storybook", **settings: Any) -> FakeCrafter:
        cls.opened = {"backbone": backbone, **settings}
        return cls()

    def generate(
        self, prompt: str, emotion: Emotion, *, count: int = 1, seed: int = 0, watch: Watch = SILENT, **settings: Any
    ) -> list[Picture]:
        return self._draw(prompt, [(emotion, seed + i) for i in range(count)], watch, {"count": count, "seed": seed, **settings})

    def grid(
        self, prompt: str, *, valences: Any, arousals: Any, seed: int = 0, watch: Watch = SILENT, **settings: Any
    ) -> FakeGrid:
        points = [(emotion, seed) for emotion in grid(valences, arousals)]
        pictures = self._draw(prompt, points, watch, {"seed": seed, **settings})
        recipe = joint_recipe([picture.recipe for picture in pictures])
        return FakeGrid(pictures=pictures, valences=valences, arousals=arousals, recipe=recipe)

    def sweep(
        self,
        prompt: str,
        begin: Emotion,
        end: Emotion,
        *,
        frames: int = 16,
        seed: int = 0,
        watch: Watch = SILENT,
        **settings: Any,
    ) -> list[Picture]:
        return self._draw(prompt, [(emotion, seed) for emotion in path(begin, end, frames)], watch, {"seed": seed, **settings})

    def _draw(self, prompt: str, points: list[tuple[Emotion, int]], watch: Watch, settings: dict[str, Any]) -> list[Picture]:
        type(self).asked = {"prompt": prompt, "points": points, **settings}
        if self.failure is not None:
            raise self.failure
        if self.surprise:
            watch.warn(self.surprise)
        pictures, step = [], watch.stage("drawing")
        for done, (emotion, seed) in enumerate(points):
            colour = (round(40 * (emotion.valence + 3)), round(40 * (emotion.arousal + 3)), seed % 256)
            recipe = {"prompt": prompt, "valence": emotion.valence, "arousal": emotion.arousal, "seed": seed}
            pictures.append(Picture(image=Image.new("RGB", (16, 16), colour), recipe=recipe))
            step(done + 1, len(points))
        return pictures


@pytest.fixture
def crafter(monkeypatch: pytest.MonkeyPatch) -> type[FakeCrafter]:
    """A fresh fake in the place of the real crafter."""
    fake = type("FakeCrafter", (FakeCrafter,), {})
    monkeypatch.setitem(sys.modules, "emoticrafter.crafter", SimpleNamespace(EmotiCrafter=fake))
    return fake


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the program with these arguments in `tmp_path`."""
    monkeypatch.chdir(tmp_path)

    def run_cli(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as end:
            run(list(arguments))
        printed = capsys.readouterr()
        return Done(code=int(end.value.code or 0), out=printed.out, err=printed.err)

    return run_cli
