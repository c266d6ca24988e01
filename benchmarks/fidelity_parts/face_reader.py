"""A finder and a reader of faces, both trained on rendered people only.

They learn from scenes whose faces are drawn at another emotion than all else, so a smile is read from the mouth and not from the
sunshine. The finder says where heads are; the reader sees a crop around one and gives the `faces.NUMBERS` of it.
"""

# n pictures, f faces, k numbers of one face

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.fidelity_parts.faces import NUMBERS, face_numbers, people_of
from benchmarks.fidelity_parts.truth import Cache, blocks
from emoticrafter.emotion import Emotion
from emoticrafter.storybook import scenes
from emoticrafter.storybook.judge import SIZE, JudgeConfig, JudgeNetwork
from emoticrafter.storybook.training.common import Losses, Training, autocast, kept_torch_seed, pictures_to_tensor
from emoticrafter.storybook.training.presets import BuildRecipe
from emoticrafter.storybook.training.progress import Meter
from emoticrafter.storybook.versions import renderer_version
from emoticrafter.storybook.world.render import render_with_heads
from emoticrafter.storybook.world.scene import Scene
from emoticrafter.storybook.world.sprites import SpriteSource

CELLS = 16  # of a side, each of which says whether the middle of a head is in it
CROP = 48  # pixels of a side
AROUND = 1.3  # half a crop, in radii of a head
TYPICAL = 0.15  # radius of a head, in units of the picture
SLIP = 0.06  # deviation of the finder's place and size, in radii
FOUND = 0.1  # the chance from which on a head counts as found: how many there are to be is known
FINDER = BuildRecipe(steps=500, batch=32, rate=2e-3, warmup=20, average=0.99, muon=True)
READER = BuildRecipe(steps=1500, batch=96, rate=2e-3, warmup=20, average=0.995, muon=True)
PICTURES = 6000  # that both learn from


@dataclass(frozen=True)
class Portraits:
    """Rendered scenes, uint8 (n, h, w, 3); heads: middle x, y and radius in units of the picture, float32 (n, 2, 3), zeros where
    there is nobody; numbers: those of all faces of a picture, float32 (n, k).
    """

    pictures: np.ndarray
    heads: np.ndarray
    numbers: np.ndarray


def portraits(kept: Cache, count: int, sprites: SpriteSource, size: int = SIZE) -> Portraits:
    """Random scenes of the training's contents, three of four with people, at one emotion and with faces of another."""
    described = [_described(number) for number in range(count)]

    @cache
    def drawn() -> tuple[np.ndarray, np.ndarray]:
        pictures, heads = [], np.zeros((count, 2, 3), np.float32)
        with Meter("portraits", count, 0, "pictures") as meter:
            for number, (scene, emotion, expression) in enumerate(described):
                picture, found = render_with_heads(scene, emotion, size, sprites, expression)
                pictures.append(picture)
                for place, head in enumerate(found):
                    heads[number, place] = head.ox, head.oy, (head.across * head.along) ** 0.5
                meter.update(number + 1)
        return np.stack(pictures), heads

    told = {"renderer": renderer_version(), "sprites": type(sprites).__name__, "size": str(size), "count": str(count)}
    return Portraits(
        kept.array("portraits", told, lambda: drawn()[0]),
        kept.array("portraits-heads", told, lambda: drawn()[1]),
        np.stack([face_numbers(expression) for _, _, expression in described]),
    )


def _described(number: int) -> tuple[Scene, Emotion, Emotion]:
    rng = random.Random(f"portraits/{number}")
    scene = scenes.sample_scene(rng)
    while number % 4 and not people_of(scene):
        scene = scenes.sample_scene(rng)
    return scene, scenes.sample_emotion(rng), scenes.sample_emotion(rng)


class Finder(nn.Module):
    """Pictures (n, 3, 128, 128) in [-1, 1] to 4 numbers of each of 16 x 16 cells: the log odds that the middle of a head is
    in it, where in it, x and y from -0.5 to 0.5, and the log of the radius over a typical one.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        w = width
        self.layers = nn.Sequential(
            nn.Conv2d(3, w, 5, 2, 2), nn.SiLU(),
            nn.Conv2d(w, 2 * w, 3, 2, 1), nn.GroupNorm(4, 2 * w), nn.SiLU(),
            nn.Conv2d(2 * w, 4 * w, 3, 2, 1), nn.GroupNorm(4, 4 * w), nn.SiLU(),
            nn.Conv2d(4 * w, 4 * w, 3, 1, 2, dilation=2), nn.GroupNorm(4, 4 * w), nn.SiLU(),
            nn.Conv2d(4 * w, 4 * w, 3, 1, 3, dilation=3), nn.SiLU(),
            nn.Conv2d(4 * w, 4, 1),
        )  # fmt: skip

    def forward(self, pictures: Tensor) -> Tensor:
        return self.layers(pictures)

    @torch.no_grad()
    def find(self, pictures: Tensor, people: Sequence[int]) -> Tensor:
        """The likeliest heads of each picture, as many as there are people: (n, 2, 3), NaN for none."""
        maps = self(pictures).float().cpu()
        chances = maps[:, 0].sigmoid()
        heads = torch.full((len(maps), 2, 3), torch.nan)
        for row, number in enumerate(people):
            left = chances[row].clone()
            for place in range(number):
                best = int(left.argmax())
                if float(left.view(-1)[best]) < FOUND:
                    break
                y, x = divmod(best, CELLS)
                dx, dy, size = (float(value) for value in maps[row, 1:, y, x])
                heads[row, place] = torch.tensor([(x + 0.5 + dx) / CELLS, (y + 0.5 + dy) / CELLS, np.exp(size) * TYPICAL])
                left[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = 0
        return heads


def crops(pictures: Tensor, rows: Tensor, heads: Tensor) -> Tensor:
    """The surroundings of heads (f, 3) in the pictures of these rows (f,): (f, 3, CROP, CROP)."""
    scale = 2 * AROUND * heads[:, 2]
    turn = torch.zeros(len(heads), 2, 3, device=pictures.device)
    turn[:, 0, 0] = turn[:, 1, 1] = scale
    turn[:, :, 2] = 2 * heads[:, :2] - 1
    grid = F.affine_grid(turn, [len(heads), 3, CROP, CROP], align_corners=False)
    return F.grid_sample(pictures[rows], grid, padding_mode="border", align_corners=False)


class FaceReader:
    """A trained finder and reader."""

    def __init__(self, finder: Finder, reader: JudgeNetwork, device: str | torch.device = "cpu") -> None:
        self.device = torch.device(device)
        self.finder, self.reader = finder.to(self.device).eval(), reader.to(self.device).eval()

    @torch.no_grad()
    def read(self, pictures: np.ndarray, people: Sequence[int]) -> np.ndarray:
        """The NUMBERS of each picture's people, float32 (n, 2, k); NaN for those who were not found, or are not there."""
        numbers = np.full((len(pictures), 2, len(NUMBERS)), np.nan, np.float32)
        for some in blocks(len(pictures), 128):
            x = pictures_to_tensor(np.array(pictures[some]), self.device)
            heads = self.finder.find(x, people[some])
            rows, places = torch.nonzero(~heads[..., 0].isnan(), as_tuple=True)
            if len(rows):
                around = crops(x, rows.to(self.device), heads[rows, places].to(self.device))
                numbers[some.start + rows.numpy(), places.numpy()] = self.reader(around)["face"].float().cpu().numpy()
        return numbers


# -- training ---------------------------------------------------------------------------------------------------------


def train_face_reader(
    learned: Portraits,
    folder: Path,
    *,
    device: str | torch.device = "cpu",
    finder: BuildRecipe = FINDER,
    reader: BuildRecipe = READER,
) -> FaceReader:
    """Both networks, trained; `folder` keeps them, and a training that was stopped, for these very portraits and recipes."""
    device = torch.device(device)
    source = Path(__file__).read_bytes() + repr((finder, reader)).encode() + np.ascontiguousarray(learned.heads).tobytes()
    folder = folder / f"faces-{hashlib.sha256(source).hexdigest()[:12]}"
    with kept_torch_seed():
        torch.manual_seed(0)
        networks = Finder().to(device), JudgeNetwork(JudgeConfig(heads={"face": len(NUMBERS)})).to(device)
    losses = _finder_loss(networks[0], learned, finder.batch, device), _reader_loss(networks[1], learned, reader.batch, device)
    trained: list[Any] = []
    for name, network, recipe, loss in zip(("finder", "reader"), networks, (finder, reader), losses, strict=True):
        training = Training(name=f"faces: {name}", folder=folder / name, model=network, recipe=recipe, loss=loss)
        with kept_torch_seed():
            trained.append(training.run())
    return FaceReader(trained[0], trained[1], device)


def _finder_loss(finder: Finder, learned: Portraits, batch: int, device: torch.device) -> Callable[..., Losses]:
    def loss(step: int, rng: np.random.Generator) -> Losses:
        some = np.sort(rng.integers(len(learned.pictures), size=batch))
        pictures = disturbed(pictures_to_tensor(learned.pictures[some], device), rng)
        with autocast(device):
            maps = finder(pictures).float()
        there, where = (torch.from_numpy(part).to(device) for part in _targets(learned.heads[some]))
        odds = F.binary_cross_entropy_with_logits(maps[:, 0], there, reduction="sum") / batch
        away = (F.smooth_l1_loss(maps[:, 1:], where, beta=0.1, reduction="none") * there[:, None]).sum() / batch
        return {"loss": odds + away}

    return loss


def _targets(heads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which cells hold the middle of a head (n, CELLS, CELLS), and what the finder says there, (n, 3, CELLS, CELLS)."""
    there = np.zeros((len(heads), CELLS, CELLS), np.float32)
    where = np.zeros((len(heads), 3, CELLS, CELLS), np.float32)
    for row, place in zip(*np.nonzero(heads[..., 2]), strict=True):
        x, y, radius = heads[row, place]
        column, line = (int(min(max(value * CELLS, 0), CELLS - 1)) for value in (x, y))
        there[row, line, column] = 1
        where[row, :, line, column] = x * CELLS - column - 0.5, y * CELLS - line - 0.5, np.log(radius / TYPICAL)
    return there, where


def _reader_loss(reader: JudgeNetwork, learned: Portraits, batch: int, device: torch.device) -> Callable[..., Losses]:
    rows, places = np.nonzero(learned.heads[..., 2])

    def loss(step: int, rng: np.random.Generator) -> Losses:
        some = np.sort(rng.integers(len(rows), size=batch))
        pictures, row = np.unique(rows[some], return_inverse=True)
        heads = learned.heads[rows[some], places[some]].copy()
        heads[:, :2] += heads[:, 2:] * rng.normal(0, SLIP, (batch, 2))  # as the finder errs, and a little more
        heads[:, 2] *= np.exp(rng.normal(0, SLIP, batch))
        x = pictures_to_tensor(learned.pictures[pictures], device)
        around = crops(x, torch.from_numpy(row).to(device), torch.from_numpy(heads.astype(np.float32)).to(device))
        around = around.flip(-1) if rng.random() < 0.5 else around
        with autocast(device):
            found = reader(disturbed(around, rng))["face"].float()
        asked = torch.from_numpy(learned.numbers[rows[some]]).to(device)
        return {"loss": F.smooth_l1_loss(found, asked, beta=0.05)}

    return loss


def disturbed(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """A little blurred, in one batch of two, and a little noisy: what is read must not hang on the last bit of sharpness."""
    side = pictures.shape[-1]
    if rng.random() < 0.5:
        small = int(side * rng.uniform(0.6, 0.95))
        pictures = F.interpolate(pictures, size=(small, small), mode="bilinear", antialias=True, align_corners=False)
        pictures = F.interpolate(pictures, size=(side, side), mode="bilinear", align_corners=False)
    return pictures + torch.randn_like(pictures) * float(rng.uniform(0, 0.04))
