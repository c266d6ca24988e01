"""Lay the shipped storybook model out as a build whose UNet can be trained on, with the optimizer's memory empty.

python tools/reopen_storybook.py runs/storybook
emoticrafter storybook build --out runs/storybook --stage unet --steps 16000

With --unet and --double it takes what `benchmarks.gpu_storybook` has left in its folder instead of the shipped ones.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from emoticrafter.errors import EmotiCrafterError, OutputError
from emoticrafter.storybook import training
from emoticrafter.storybook.training import eit
from emoticrafter.storybook.training.common import Training, Workshop
from emoticrafter.storybook.training.double import encode_drawn, load_doubled
from emoticrafter.storybook.training.presets import CPU, Preset
from emoticrafter.storybook.training.render import SPLITS
from emoticrafter.storybook.training.vae import encode_pictures, load_vae

ROOT = Path(__file__).parents[1]
WEIGHTS = Path("src/emoticrafter/storybook/weights")
JUDGES = Path("src/emoticrafter/storybook/judges")


def reopen(
    out: Path, root: Path = ROOT, preset: Preset = CPU, quiet: bool = False, unet: Path | None = None, double: Path | None = None
) -> Path:
    """Fill `out` with the shipped model's stages, and with its pictures, drawn again; `out`.

    unet: the folder of another denoiser of its shape. double: that of an autoencoder of the finished pictures; without one,
    the stage `double` is left to be run. Raises OutputError where `out` has a UNet already.
    """
    weights = root / WEIGHTS
    stages = json.loads((weights / "card.json").read_text(encoding="utf-8"))["stages"]
    work = Workshop(preset=preset, out=out, quiet=quiet)
    if work.folder("unet").exists():
        raise OutputError(f"{out} holds a UNet already.", "Name another folder, or train that one on.")
    training.run(preset, out, ["render"], quiet=quiet)
    shipped_vae = json.loads((weights / "vae" / "config.json").read_text(encoding="utf-8"))
    coarse = len(shipped_vae["block_out_channels"]) == len(preset.vae["block_out_channels"])  # not yet the finished pictures' own
    for kind, name, place in (  # shipped in float16, trained in float32
        (AutoencoderKL, "vae", work.folder("vae" if coarse else "double") / "model"),
        (CLIPTextModel, "text_encoder", work.folder("text") / "first"),
        (CLIPTextModelWithProjection, "text_encoder_2", work.folder("text") / "second"),
    ):
        kind.from_pretrained(weights / name, dtype=torch.float32).save_pretrained(place)
    for source, place in (
        (weights / "tokenizer", work.folder("tokenizer") / "model"),
        (weights / "emotion", work.folder("eit") / eit.RUN / eit.CHECKPOINT),
        (root / JUDGES, work.folder("judge")),
    ):
        shutil.copytree(source, place, dirs_exist_ok=True)
    if double is not None:
        AutoencoderKL.from_pretrained(double, dtype=torch.float32).save_pretrained(work.folder("double") / "model")
    for split in SPLITS:
        if coarse:
            encode_pictures(work, load_vae(work), split)
        else:
            encode_drawn(work, load_doubled(work), split)
    network = UNet2DConditionModel.from_pretrained(unet or weights / "unet", dtype=torch.float32)
    steps = stages["unet"]["steps"]
    begun: Training = work.training("unet", network, preset.unet_recipe, lambda step, rng: {})
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    begun.descent.optimizers.step(0.0)
    begun.descent.step, begun.descent.seconds = steps, stages["unet"]["seconds"]
    begun.save()
    for stage in ("tokenizer", "vae", "text", "eit", "judge"):
        work.finish(stage, **stages[stage])
    if double is not None or not coarse:
        work.finish("double", **stages.get("double", {}))
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="a new folder")
    parser.add_argument("--unet", type=Path, help="go on from this denoiser")
    parser.add_argument("--double", type=Path, help="take this autoencoder for the finished pictures")
    given = parser.parse_args()
    try:
        print(reopen(given.out, unet=given.unet, double=given.double))
    except EmotiCrafterError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
