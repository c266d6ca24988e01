"""Measure the storybook judges on freshly rendered scenes of held-out contents, and write into their files how far to trust them.

    python tools/measure_judges.py src/emoticrafter/storybook/judges --scenes 2000

Neither contents nor scenes were in any training. The statement replaces an older one; the weights stay as they are.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emoticrafter.emotion import Emotion
from emoticrafter.judges.storybook import ContentJudge, storybook_judges
from emoticrafter.judges.trust import Trust, measure_trust
from emoticrafter.storybook.judge import SIZE, save_judge
from emoticrafter.storybook.scenes import sample_scene
from emoticrafter.storybook.world import Scene, render
from emoticrafter.storybook.world.scene import PEOPLE
from emoticrafter.storybook.world.sprites import SpriteSource

CHUNK = 100
Drawn = tuple[list[Scene], np.ndarray, np.ndarray]


def drawn(number: int, seed: int, sprites: SpriteSource | None = None) -> Iterator[Drawn]:
    """Scenes, their emotions (n, 2), spread evenly, and their pictures, some at a time."""
    for start in range(0, number, CHUNK):
        scenes, points, pictures = [], [], []
        for i in range(start, min(start + CHUNK, number)):
            rng = random.Random(f"{seed}/measure-judges/{i}")
            scene, emotion = sample_scene(rng, held_out=True), Emotion(valence=rng.uniform(-3, 3), arousal=rng.uniform(-3, 3))
            scenes.append(scene)
            points.append((emotion.valence, emotion.arousal))
            pictures.append(render(scene, emotion, SIZE, sprites))
        yield scenes, np.array(points), np.stack(pictures)


def content_figures(judge: ContentJudge, parts: list[Drawn]) -> dict[str, float]:
    """Shares: the place is right; the kinds there rank first, all of them; somebody is seen where somebody is, and only there."""
    place, subjects, people = [], [], []
    for scenes, _, pictures in parts:
        for scene, seen in zip(scenes, judge.contents(list(pictures)), strict=True):
            kinds = {subject.kind for subject in scene.subjects}
            place.append(seen.place == scene.place)
            subjects.append(set(seen.subjects[: len(kinds)]) == kinds)
            people.append((seen.people > 0.5) == bool(kinds & set(PEOPLE)))
    return {name: float(np.mean(x)) for name, x in (("place", place), ("subjects", subjects), ("people", people))}


def measure(folder: Path, number: int, seed: int = 0, sprites: SpriteSource | None = None) -> dict[str, Any]:
    """Measure both judges of a folder and write the statements into their files."""
    judges = storybook_judges(folder)
    parts = list(drawn(number, seed, sprites))
    true = np.concatenate([points for _, points, _ in parts])
    read = np.concatenate([judges.emotion.emotions(list(pictures)) for *_, pictures in parts])
    trust: Trust = measure_trust(true, read, f"{number} rendered scenes of contents that no training has seen")
    content = {"scenes": number, **content_figures(judges.content, parts)}
    for name, judge, found in (
        ("emotion", judges.emotion, {"trust": trust.as_dict()}),
        ("content", judges.content, {"held_out": content}),
    ):
        network = judge.network
        save_judge(network, folder / f"{name}.safetensors", {**network.figures, **found}, torch.float16)
    return {"emotion": trust, "content": content}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--scenes", type=int, default=2000)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    found = measure(given.folder, given.scenes, given.seed)
    for axis in ("valence", "arousal"):
        one = getattr(found["emotion"], axis)
        print(
            f"{axis}: R2 {one.r2:.4f}, error {one.error:.3f}, calibration slope {one.slope:.3f}, intercept {one.intercept:+.3f}"
        )
    print(f"content: {found['content']}")


if __name__ == "__main__":
    main()
