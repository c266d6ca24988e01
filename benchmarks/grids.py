"""Held-out prompts drawn all over the plane of emotions: what the emotion and the content benchmark both look at.

# n prompts, 25 points in the order of `emotion.grid`: row by row, the highest arousal first
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import checked
from emoticrafter.crafter import EmotiCrafter
from emoticrafter.emotion import Emotion, grid
from emoticrafter.evaluation.cases import held_out_cases
from emoticrafter.guidance import GuidanceRange
from emoticrafter.judges.storybook import SHIPPED
from emoticrafter.storybook.judge import CONTENT_HEADS, EMOTION_HEADS, JudgeConfig, JudgeNetwork, load_judge
from emoticrafter.storybook.world import render
from emoticrafter.storybook.world.sprites import SpriteSource

AXIS = (-3.0, -1.5, 0.0, 1.5, 3.0)
POINTS = grid(AXIS, AXIS)
ASKED = np.array([(point.valence, point.arousal) for point in POINTS], np.float32)


def add_model_options(options: argparse.ArgumentParser) -> None:
    """The options of the model, of how it samples and of the judges."""
    options.add_argument("--backbone", default="storybook", help="storybook, or a pipeline folder with its emotion checkpoint")
    options.add_argument("--emotion", help="the emotion checkpoint; by default the backbone's own")
    options.add_argument("--judges", type=Path, default=SHIPPED, help="folder of emotion.safetensors, content.safetensors")
    options.add_argument("--steps", type=int, help="by default the backbone's own")
    options.add_argument("--guidance", type=float, help="by default the backbone's own")
    options.add_argument("--guidance-range", type=checked(GuidanceRange.parse), help="LOW:HIGH; by default the backbone's own")
    options.add_argument("--device", help="by default the best there is")


def sampling(given: Any) -> dict[str, Any]:
    """How these options have pictures sampled, as `EmotiCrafter.generate` takes it."""
    settings = {"steps": given.steps, "guidance": given.guidance}
    return settings if given.guidance_range is None else {**settings, "guidance_range": given.guidance_range}


def add_options(options: argparse.ArgumentParser) -> None:
    add_model_options(options)
    options.add_argument("--prompts", type=int, default=40)
    options.add_argument("--prompt-seed", type=int, default=0)
    options.add_argument("--seed", type=int, default=0, help="of the noise of the first prompt's pictures; the others follow")
    options.add_argument("--pictures", type=Path, help="an .npz that keeps the pictures, used again if they would be the same")


class Drawer:
    """A model, its prompts and the judges, opened as the options ask; with --smoke, all tiny and random."""

    def __init__(self, given: Any) -> None:
        self.given = given
        self.folder = tempfile.TemporaryDirectory()
        if given.smoke:
            from tests.tiny import build_tiny_sdxl

            given.backbone, given.device = str(build_tiny_sdxl(Path(self.folder.name) / "tiny")), "cpu"
        self.crafter = EmotiCrafter.from_pretrained(given.backbone, given.emotion, device=given.device)
        self.cases = held_out_cases(given.prompts, given.prompt_seed)
        self.settings = sampling(given)

    def judge(self, kind: str) -> JudgeNetwork:
        if self.given.smoke:
            return JudgeNetwork(JudgeConfig(width=4, heads=EMOTION_HEADS if kind == "emotion" else CONTENT_HEADS)).eval()
        return load_judge(self.given.judges / f"{kind}.safetensors")

    def emotional(self, strength: float | None = None) -> np.ndarray:
        """Every prompt at every point, uint8 (n, 25, h, w, 3)."""
        return np.stack(
            [
                stacked(self.crafter.generate(case.prompt, POINTS, seed=seed, strength=strength, **self.settings))
                for seed, case in enumerate(self.cases, start=self.given.seed)
            ]
        )

    def neutral(self) -> np.ndarray:
        """Every prompt without emotion, uint8 (n, h, w, 3)."""
        return np.concatenate([self.texts([case.prompt], seed) for seed, case in enumerate(self.cases, start=self.given.seed)])

    def several(self, neutral: np.ndarray, number: int) -> np.ndarray:
        """`neutral` and as many from other noises that each prompt has `number` pictures, one prompt after the other."""
        prompts = [case.prompt for case in self.cases]
        more = [self.texts(prompts, self.given.seed + 1000 * other) for other in range(1, number)]
        return np.stack([neutral, *more], axis=1).reshape(-1, *neutral.shape[1:])

    def texts(self, prompts: Sequence[str], seed: int) -> np.ndarray:
        """Some prompts as plain text to image, with one noise, uint8 (len(prompts), h, w, 3)."""
        nothing = Emotion.neutral()
        return stacked(self.crafter.generate(prompts, nothing, seed=seed, strength=0, **self.settings))

    def kept(self, strength: float | None = None) -> tuple[np.ndarray, np.ndarray]:
        """`emotional` and `neutral`, from the file of --pictures if it holds those of the same model, prompts and settings."""
        prompts = [case.prompt for case in self.cases]
        key = [prompts, strength, self.given.seed, self.settings, self.crafter.describe()]
        text, path = json.dumps(key, default=str), self.given.pictures
        if path is not None and path.exists():
            with np.load(path) as file:
                if str(file["key"]) == text:
                    return file["emotional"], file["neutral"]
        made = self.emotional(strength), self.neutral()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, key=text, emotional=made[0], neutral=made[1])
        return made

    def rendered(self, sprites: SpriteSource) -> np.ndarray:
        """The scenes of the prompts as the world draws them at the model's own size, uint8 (n, 25, h, w, 3)."""
        size = self.crafter.backbone.defaults.size[0]
        return np.stack([[render(case.scene, point, size, sprites) for point in POINTS] for case in self.cases])

    def strength(self, given: float | None = None) -> float:
        return float(self.crafter.describe()["defaults"]["strength"] if given is None else given)


def stacked(pictures: Sequence[Any]) -> np.ndarray:
    return np.stack([np.asarray(picture.image.convert("RGB")) for picture in pictures])


def flat(grids: np.ndarray) -> np.ndarray:
    """(n, 25, h, w, 3) as (25 n, h, w, 3)."""
    return grids.reshape(-1, *grids.shape[2:])
