"""Give a model folder another autoencoder of the same latents, and say in its defaults.json what sizes follow.

python tools/exchange_autoencoder.py src/emoticrafter/storybook/weights runs/storybook/vae/model --sizes 256,384,512

The network, the text encoders and the emotion checkpoint stay as they are: the network is told the sizes of its own training.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL

from emoticrafter.backbones.sizes import Sizes
from emoticrafter.errors import CheckpointError, EmotiCrafterError, MissingError
from emoticrafter.files import atomic_path


def exchange(model: Path, autoencoder: Path, sides: Sequence[int] = ()) -> dict[str, Any]:
    """Put the autoencoder, in float16, into the folder of a diffusers pipeline; what defaults.json says then.

    sides: those that it draws well, for `sizes`. Raises MissingError, and CheckpointError where the latents are others or no
    size is among these.
    """
    configs = [folder / "config.json" for folder in (model / "vae", model / "unet", autoencoder)]
    for path in (*configs, model / "defaults.json"):
        if not path.is_file():
            raise MissingError(f"There is no {str(path)!r}.", "Give the folders of a model and of an AutoencoderKL.")
    old, unet, new = (json.loads(path.read_text(encoding="utf-8")) for path in configs)
    if old["latent_channels"] != new["latent_channels"]:
        raise CheckpointError(
            f"The autoencoder {str(autoencoder)!r} has {new['latent_channels']} latent channels; the model has"
            f" {old['latent_channels']}.",
            "Train one upon the model's own latents.",
        )
    settings = json.loads((model / "defaults.json").read_text(encoding="utf-8"))
    told, before, after = settings.get("told_size", settings["size"]), _cell(old), _cell(new)
    settings |= {"size": settings["size"] * after // before, "told_size": told, "sizes": sorted(sides)}
    if not sides:
        del settings["sizes"]
    if settings["told_size"] == settings["size"]:
        del settings["told_size"]
    Sizes.of(after, len(unet["block_out_channels"]), settings["size"], settings, str(model))
    vae = AutoencoderKL.from_pretrained(autoencoder, dtype=torch.float16)
    vae.register_to_config(_name_or_path="")
    fresh = model / "vae.new"
    shutil.rmtree(fresh, ignore_errors=True)
    vae.save_pretrained(fresh)
    shutil.rmtree(model / "vae")
    fresh.rename(model / "vae")
    for path in (model / "vae").glob("*.safetensors"):
        path.chmod((model / "defaults.json").stat().st_mode)  # safetensors makes them private
    with atomic_path(model / "defaults.json", force=True) as temporary:
        temporary.write_text(json.dumps(settings, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return settings


def _cell(config: dict[str, Any]) -> int:
    """Pixels of a side to one number of the latents."""
    return int(2 ** (len(config["block_out_channels"]) - 1))


def _sides(text: str) -> list[int]:
    return [int(side) for side in text.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the folder of a diffusers pipeline with a defaults.json")
    parser.add_argument("autoencoder", type=Path, help="the folder of an AutoencoderKL")
    parser.add_argument("--sizes", type=_sides, default=[], help="sides that it draws well, split by commas; any where left out")
    given = parser.parse_args()
    try:
        settings = exchange(given.model, given.autoencoder, given.sizes)
    except EmotiCrafterError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
