"""The model card of a checkpoint: what it is, how it was trained, on whose data and under which terms."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from emoticrafter.errors import InputError
from emoticrafter.escapes import code, markdown, plain
from emoticrafter.inputs.typed import typed

__all__ = ["NON_COMMERCIAL", "TERMS", "without_paths", "write_card"]

# What is known of the data sets' terms. Others are named with the request to look.
TERMS = {
    "oasis": "OASIS (Kurdi et al. 2017): see the terms under which its authors publish it.",
    "emotic": "EMOTIC (Kosti et al.): access is granted on request, on terms of its own; see whether they cover your use.",
    "findingemo": "FindingEmo (Mertens et al. 2024): annotations under CC BY-NC-SA 4.0, which allows no commercial use.",
    "storybook": "Storybook: this package made its scenes and captions; they hold no data of others.",
}
NON_COMMERCIAL = {"findingemo"}
BASES = {"sdxl": "stabilityai/stable-diffusion-xl-base-1.0"}
UNKNOWN = "unknown to this program; its terms are for the publisher to name."
_PATHS = (("data", "features"), ("recipe", "data", "features"), ("recipe", "model", "begin"))


def without_paths(run: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a run without the paths of the machine that it ran on."""
    copy: dict[str, Any] = json.loads(json.dumps(run))
    for *above, name in _PATHS:
        inner: Any = copy
        for step in above:
            inner = inner.get(step) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner.pop(name, None)
    return copy


def write_card(name: str, about: Mapping[str, Any], run: Mapping[str, Any] | None, licence: str) -> str:
    """README.md of a hub repository `name`. about: as `checkpoint.describe` tells. run: run.json, where there is one."""
    backbone = str(about.get("backbone", "unknown"))
    head = {"library_name": "emoticrafter", "license": licence, "pipeline_tag": "text-to-image"}
    if backbone in BASES:
        head["base_model"] = BASES[backbone]
    lines = ["---", *(f"{key}: {json.dumps(value)}" for key, value in head.items())]
    lines += ["tags:", *(f"- {tag}" for tag in ("emotion", "valence-arousal", "affective-computing", "text-to-image")), "---", ""]
    lines += [f"# {markdown(name.rpartition('/')[2])}", ""]
    lines += [
        "This is an emotion injection transformer. It moves the prompt features of a frozen text-to-image model to a point of",
        "the valence-arousal plane. It follows Dang et al., *EmotiCrafter* (ICCV 2025, arXiv 2501.05710). The Python package",
        "`emoticrafter`, written anew from the paper, made it.",
        "",
        "```",
        'emoticrafter generate "a quiet street" --valence -2 --arousal 1'
        f" --backbone {shlex.quote(plain(backbone))} --emotion {shlex.quote(plain(name))}",
        "```",
        "",
        "## What it is",
        "",
        *_rows(
            {
                "backbone": markdown(backbone),
                "block": f"variant {code(about.get('variant'))}, {_said(about, 'width {}, {} blocks', 'width', 'blocks')}",
                "parameters": f"{int(about['parameters']):,}",
                "prompt section": f"{markdown(about.get('prompt_tokens', 'unknown'))} tokens",
                "default strength": markdown(about.get("strength", 1.0)),
                "sha256 of the weights": code(about.get("sha256", "")),
            }
        ),
    ]
    if run is None:
        lines += ["", "How it was trained is not recorded.", "", "## Data", ""]
        lines += ["Not recorded. The publisher has to name the data and their terms."]
    else:
        lines += ["", *_training(run), "", *_data(run)]
    lines += [
        "",
        "## Limits",
        "",
        "Emotions are what raters of the data felt on average; nobody else need feel the same. Arousal is harder to convey",
        "than valence, people may appear unasked, and contents drift at strong emotions. Do not judge people's feelings by it.",
    ]
    return "\n".join(lines) + "\n"


def _training(run: Mapping[str, Any]) -> list[str]:
    recipe, best, compared = (_dict(run.get(name)) for name in ("recipe", "best", "baselines"))
    train, density, objective = (_dict(recipe.get(name)) for name in ("train", "density", "objective"))
    extra = [name for name in ("semantic", "identity", "affect", "prompt_dropout", "counterfactual") if objective.get(name)]
    versions = ", ".join(f"{name} {number}" for name, number in _dict(run.get("versions")).items() if number)
    rows = {
        "steps": f"{_said(run, '{} of {}', 'step', 'steps')}, {_said(train, '{} pairs each', 'batch')}",
        "loss": ", ".join([_said(objective, "alpha {}", "alpha"), f"weights {code(density.get('preset'))}", *extra]),
        "rate": _said(train, "{}, {}; weight decay {}", "rate", "schedule", "weight_decay"),
        "validation loss, weighted": f"{_number(best.get('loss'))} at {_said(best, 'step {}', 'step')}",
        **{f"baseline: {name}": _number(compared[name]) for name in ("neutral", "ridge") if name in compared},
        "time": f"{_number(run.get('seconds'), 1 / 3600, '.2f')} hours on {_said(run, '{} x {}', 'processes', 'device')}",
        "commit": markdown(run.get("revision") or "unknown"),
        "versions": markdown(versions),
    }
    return ["## How it was trained", "", *_rows(rows), "", "The whole record is in `run.json`; `curves.png` shows the losses."]


def _data(run: Mapping[str, Any]) -> list[str]:
    data = _dict(run.get("data"))
    pairs = _dict(data.get("pairs"))
    lines = ["## Data", ""]
    lines += [_said(pairs, "Pairs of prompts: {} for training, {} held out by content and picture.", "train", "val"), ""]
    for name, count in _dict(data.get("datasets")).items():
        lines.append(f"- **{markdown(name)}**, {markdown(count)} pairs. {TERMS.get(name, f'Its licence is {UNKNOWN}')}")
    if NON_COMMERCIAL & set(_dict(data.get("datasets"))):
        lines += [
            "",
            "Because of these terms, use the weights for research only, unless the data's owners allow more.",
        ]
    return lines


def _rows(rows: Mapping[str, str]) -> list[str]:
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]


def _said(entries: Mapping[str, Any], sentence: str, *names: str) -> str:
    """The sentence with the entries of these names in its gaps."""
    return sentence.format(*(markdown(entries.get(name)) for name in names))


def _number(value: Any, times: float = 1.0, form: str = ".5g") -> str:
    try:
        return format(typed("figure", value, float) * times, form)
    except InputError:
        return "not measured"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
