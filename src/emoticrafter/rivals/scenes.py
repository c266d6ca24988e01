"""Material of the storybook: the annotated scenes that its emotion transformer learns from, drawn by the renderer and encoded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoticrafter.emotion import Emotion
from emoticrafter.prompts.writer import Pair, PairTask
from emoticrafter.rivals.material import Material, cached_latents
from emoticrafter.storybook.annotated import CaptionWriter, annotated_scene
from emoticrafter.storybook.versions import renderer_version, scenes_version
from emoticrafter.storybook.world import render

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Backbone

__all__ = ["SCENES", "storybook_material"]

SCENES = 16_000  # as many as the shipped emotion transformer was trained on


def storybook_material(
    backbone: Backbone,
    count: int = SCENES,
    *,
    seed: int = 0,
    pictures: bool = True,
    cache: Path | None = None,
    quiet: bool = False,
) -> Material:
    """The scenes of `storybook annotate --count --seed` that are no held-out contents, with pairs in the storybook's own words.

    pictures: False leaves these out, for methods that learn from prompts. cache: where latents are kept.
    """
    found = [(number, *annotated_scene(number, seed)) for number in range(count)]
    kept = [(number, scene, emotion, caption) for number, scene, emotion, caption, held_out in found if not held_out]
    # Rounded as in the table of annotations, so that the same words are written.
    feelings = [Emotion(valence=round(e.valence, 4), arousal=round(e.arousal, 4)) for _, _, e, _ in kept]
    tasks = [
        PairTask(id=f"storybook/{number}", emotion=emotion, caption=caption)
        for (number, _, _, caption), emotion in zip(kept, feelings, strict=True)
    ]
    pairs = [pair for pair in CaptionWriter(seed=seed).write(tasks, lambda progress: None) if isinstance(pair, Pair)]
    assert len(pairs) == len(kept)  # every scene has a caption
    size = backbone.defaults.size
    about: dict[str, Any] = {"storybook": count, "seed": seed, "rows": len(kept)}

    def drawn() -> Iterator[np.ndarray]:
        for (_, scene, _, _), emotion in zip(kept, feelings, strict=True):
            yield render(scene, emotion, size[0])

    latents = None
    if pictures:
        made_by = {"renderer": renderer_version(), "scenes": scenes_version()}
        latents = cached_latents(backbone, drawn(), len(kept), {**about, **made_by, "size": size}, cache, quiet=quiet)
    return Material(
        neutral=[pair.neutral for pair in pairs],
        emotional=[pair.emotional for pair in pairs],
        emotions=np.array([(e.valence, e.arousal) for e in feelings], dtype=np.float32).reshape(-1, 2),
        latents=latents,
        size=size,
        about=about | ({"pictures": len(kept)} if pictures else {}),
    )
