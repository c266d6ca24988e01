"""The strength at which injected emotions arrive as asked for, measured with the judge on contents of the training set."""

from __future__ import annotations

import random

import numpy as np
import torch
from diffusers import UNet2DConditionModel

from emoticrafter.storybook import captions, scenes
from emoticrafter.storybook.judge import load_judge
from emoticrafter.storybook.training.captioning import Told
from emoticrafter.storybook.training.common import Workshop, load_part, save_sheet
from emoticrafter.storybook.training.double import load_doubled
from emoticrafter.storybook.training.eit import load_eit
from emoticrafter.storybook.training.progress import Meter
from emoticrafter.storybook.training.text import load_text_encoders
from emoticrafter.storybook.training.unet import sample

STRENGTHS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
AXIS = (-3.0, -1.5, 0.0, 1.5, 3.0)


@torch.no_grad()
def run(work: Workshop) -> None:
    device = work.device
    encoders, vae, eit = load_text_encoders(work), load_doubled(work), load_eit(work)
    unet = load_part(UNet2DConditionModel, work.folder("unet") / "model").to(device).eval()
    judge = load_judge(work.folder("judge") / "emotion.safetensors", device)
    rng = random.Random(f"{work.seed}/calibrate")
    prompts = [captions.neutral_caption(scenes.sample_scene(rng), rng) for _ in range(work.preset.calibration_prompts)]
    tokens, pooled = encoders.encode(prompts)
    asked = np.array([(v, a) for a in reversed(AXIS) for v in AXIS], np.float32)
    valence, arousal = torch.from_numpy(asked).to(device).unbind(dim=1)
    residuals = [eit.residual(token[None], valence, arousal) for token in tokens]
    errors: dict[float, list[float]] = {}
    with Meter("calibrate", len(STRENGTHS) * len(prompts), 0, "grids", work.quiet) as meter:
        for strength in STRENGTHS:
            found = []
            for number, residual in enumerate(residuals):
                told = Told(tokens[number] + strength * residual, pooled[number].expand(len(asked), -1))
                pictures = sample(unet, vae, told, work.preset, seed=number)
                found.append(judge.emotions(pictures) - asked)
                if number == 0:
                    save_sheet([pictures[i : i + 5] for i in range(0, 25, 5)], work.sheet(f"calibrate-{strength:.1f}"))
                meter.update(STRENGTHS.index(strength) * len(prompts) + number + 1)
            errors[strength] = [float(x) for x in np.abs(np.concatenate(found)).mean(axis=0)]
    best = min(errors, key=lambda strength: sum(errors[strength]))
    table = {f"{strength:.1f}": {"valence_error": e[0], "arousal_error": e[1]} for strength, e in errors.items()}
    for tried, row in table.items():
        work.say(f"calibrate: strength {tried}: error {row['valence_error']:.2f} valence, {row['arousal_error']:.2f} arousal")
    work.finish("calibrate", strength=best, prompts=len(prompts), errors=table)
