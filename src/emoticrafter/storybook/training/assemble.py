"""The finished model as a folder that diffusers opens: every part in float16, and what emoticrafter adds to it."""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel

from emoticrafter import checkpoint
from emoticrafter.eit import EmotionInjectionTransformer
from emoticrafter.storybook import captions
from emoticrafter.storybook.training.common import Workshop, load_part
from emoticrafter.storybook.training.double import load_doubled
from emoticrafter.storybook.training.eit import FAMILY, load_eit
from emoticrafter.storybook.training.presets import STAGES
from emoticrafter.storybook.training.text import load_text_encoders
from emoticrafter.storybook.training.unet import GUIDANCE, STEPS, scheduler
from emoticrafter.storybook.world import sprites

PREVIEW_STEPS = 5
SHARD = "15MB"


def run(work: Workshop) -> None:
    folder = work.folder("assemble")
    model, fresh = folder / "model", folder / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    encoders, eit = load_text_encoders(work), load_eit(work)
    pipeline = StableDiffusionXLPipeline(
        vae=load_doubled(work),
        text_encoder=encoders.first,
        text_encoder_2=encoders.second,
        tokenizer=encoders.tokenizer,
        tokenizer_2=encoders.tokenizer,
        unet=load_part(UNet2DConditionModel, work.folder("unet") / "model"),
        scheduler=scheduler(),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )
    for part in (pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2, pipeline.unet):
        part.half()
    pipeline.save_pretrained(fresh, max_shard_size=SHARD)
    for name in ("tokenizer", "tokenizer_2"):  # as learned, with the classic files that other programs read
        shutil.rmtree(fresh / name)
        shutil.copytree(work.folder("tokenizer") / "model", fresh / name)
    calibration = work.done("calibrate") or {}
    about = eit.metadata | {"strength": calibration["strength"]}
    about.pop("sha256", None)
    checkpoint.save(eit, fresh / "emotion", about, dtype=torch.float16)
    settings = {
        "family": FAMILY,
        "steps": STEPS,
        "guidance": GUIDANCE,
        "size": work.preset.pixels,
        "prompt_tokens": work.preset.prompt_tokens,
        "preview_steps": PREVIEW_STEPS,
    }
    _write(fresh / "defaults.json", settings)
    _write(fresh / "vocabulary.json", {"words": list(captions.vocabulary())})
    sizes = {path.relative_to(fresh).as_posix(): path.stat().st_size for path in sorted(fresh.rglob("*.safetensors"))}
    _write(fresh / "card.json", _card(work, eit, sizes))
    for path in fresh.rglob("*.safetensors"):
        path.chmod((fresh / "card.json").stat().st_mode)  # safetensors makes them private
    shutil.rmtree(model, ignore_errors=True)
    fresh.rename(model)
    total = sum(sizes.values())
    work.say(f"assemble: {model}, {total / 1e6:.1f} MB of weights, the largest file {max(sizes.values()) / 1e6:.1f} MB")
    work.finish("assemble", bytes=total, largest_file=max(sizes.values()))


def _card(work: Workshop, eit: EmotionInjectionTransformer, sizes: dict[str, int]) -> dict[str, Any]:
    """What the model was made from, and how well each stage did."""
    packages = ("torch", "diffusers", "transformers", "tokenizers", "safetensors", "numpy", "opencv-python-headless", "scipy")
    return {
        "model": "storybook",
        "recipe": asdict(work.preset),
        "eit": eit.config.as_dict(),
        "seed": work.seed,
        "device": work.device.type,
        "stages": {stage: work.done(stage) for stage in STAGES if stage != "assemble"},
        "sprites": f"{sprites.PACKAGE}@{sprites.VERSION}" if not work.preset.code_sprites else "drawn in code",
        "weights": {"bytes": sum(sizes.values()), "files": sizes},
        "versions": {"python": platform.python_version(), **{package: version(package) for package in packages}},
    }


def _write(path: Path, entries: dict[str, Any]) -> None:
    path.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
