"""Write docs/storybook-card.md from the shipped card and the recorded benchmarks; `--check` only says whether it is current."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from emoticrafter.escapes import markdown
from tools.markdown import table

ROOT = Path(__file__).parents[1]
CARD = Path("src/emoticrafter/storybook/weights/card.json")
RESULTS = Path("benchmarks/results")
MEASURED = ("content", "emotion", "speed", "world")  # the benchmarks of the shipped model
PAGE = Path("docs/storybook-card.md")
HEADER = """# Storybook: the card

<!-- Written by tools/write_card.py from the shipped card.json and benchmarks/results/: run it again, do not edit. -->

This page describes the shipped weights: what they consist of, how each stage of their training went, and what was measured.
[storybook.md](storybook.md) says how the model works.
"""
NOT_YET = """
This checkout ships no weights yet. `emoticrafter storybook build` makes them, `tools/install_storybook.py` puts them in their
place.
"""
ABOUT = {
    "render": "drawn pictures",
    "tokenizer": "byte-pair vocabulary",
    "vae": "autoencoder",
    "text": "text encoders",
    "unet": "denoiser",
    "eit": "emotion injection transformer",
    "judge": "judges, for measuring only",
    "calibrate": "the default strength",
}
MOST_FIGURES = 12  # of a stage; the rest is in card.json


def page(root: Path = ROOT) -> str:
    """The whole text of the page."""
    path = root / CARD
    parts = [HEADER]
    if path.is_file():
        parts.append(_model(json.loads(path.read_text(encoding="utf-8"))))
    else:
        parts.append(NOT_YET)
    paths = [path for name in MEASURED if (path := root / RESULTS / f"{name}.json").is_file()]
    records = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    parts += [_record(record) for record in records if not record.get("smoke")]
    return "".join(parts)


def _model(card: dict[str, Any]) -> str:
    recipe, weights = card["recipe"], card["weights"]
    hours = sum(_seconds(done) for done in card["stages"].values() if done) / 3600
    rows = [
        ("preset, seed", f"`{recipe['name']}`, {card['seed']}"),
        (
            "pictures",
            f"{recipe['size']} x {recipe['size']} pixels, {2 * recipe['scenes']:,} for training; sprites: {card['sprites']}",
        ),
        ("networks", _networks(recipe, card.get("eit") or recipe["eit"])),
        ("weights", f"{weights['bytes'] / 1e6:.1f} MB, the largest file {max(weights['files'].values()) / 1e6:.1f} MB"),
        ("training", f"{card['device']}, {hours:.1f} hours"),
        ("versions", ", ".join(f"{name} {number}" for name, number in card["versions"].items())),
    ]
    text = "\n## What it is\n\n" + table(("", ""), rows)
    stages = [(f"`{name}`", ABOUT.get(name, ""), _figures(done)) for name, done in card["stages"].items() if done]
    text += "\n## Its stages\n\n" + table(("stage", "makes", "figures"), stages)
    errors = (card["stages"].get("calibrate") or {}).get("errors")
    if errors:
        rows = [(tried, *(_number(row[f"{axis}_error"]) for axis in ("valence", "arousal"))) for tried, row in errors.items()]
        text += "\nThe judge reads this mean absolute error at each strength, on training contents:\n\n"
        text += table(("strength", "valence", "arousal"), rows)
    return text


def _networks(recipe: dict[str, Any], eit: dict[str, Any]) -> str:
    channels = {name: " ".join(map(str, recipe[name]["block_out_channels"])) for name in ("unet", "vae")}
    text = " and ".join(f"{sizes['layers']} layers of {sizes['width']}" for sizes in recipe["text"])
    return f"UNet {channels['unet']}; VAE {channels['vae']}; text encoders {text}; EIT {eit['blocks']} blocks of {eit['width']}"


def _record(record: dict[str, Any]) -> str:
    machine = record["machine"]
    devices = ", ".join(device["about"] for device in machine["devices"])
    where = f"{devices or machine['cpu']} ({machine['cores']} cores)"
    text = f"\n## Measured: {record['benchmark']}\n\n"
    text += f"`{record['command']}`, {record['date'][:10]}, revision {record['revision'][:12]}, on {where}.\n"
    if record["bars"]:
        rows = [
            (markdown(bar["name"]), _number(bar["value"]), markdown(bar["bar"]), "met" if bar["met"] else "**missed**")
            for bar in record["bars"]
        ]
        text += "\n" + table(("figure", "measured", "bar", ""), rows)
    return text


def _seconds(done: dict[str, Any]) -> float:
    return float(done.get("seconds", 0)) + sum(_seconds(part) for part in done.values() if isinstance(part, dict))


def _figures(done: dict[str, Any]) -> str:
    """The single numbers of a stage, also those one level down."""
    found = {name: value for name, value in done.items() if _is_number(value)}
    for name, part in done.items():
        if isinstance(part, dict) and name != "errors":
            found |= {f"{name} {key}": value for key, value in part.items() if _is_number(value)}
    shown = [f"{name.replace('_', ' ')} {_number(value)}" for name, value in list(found.items())[:MOST_FIGURES]]
    return ", ".join(shown)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def main() -> int:
    current = (ROOT / PAGE).read_text(encoding="utf-8") if (ROOT / PAGE).exists() else ""
    if sys.argv[1:] == ["--check"]:
        if current != page():
            print(f"{PAGE} is not current: run `make docs`", file=sys.stderr)
            return 1
        return 0
    (ROOT / PAGE).write_text(page(), encoding="utf-8")
    print(ROOT / PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
