"""Checkpoints for others: gathered into a folder with a model card, and uploaded to the Hugging Face hub."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emoticrafter import checkpoint
from emoticrafter.backbones.hub import is_hub_id
from emoticrafter.errors import CheckpointError, InputError, MissingError, OutputError, reason_of
from emoticrafter.escapes import code, markdown, plain
from emoticrafter.files import atomic_folder, disk_errors, names_in, user_path
from emoticrafter.inputs.records import read_record
from emoticrafter.inputs.typed import typed
from emoticrafter.objective import switched_on
from emoticrafter.training.job import CHECKPOINT, CURVES, RUN

__all__ = ["FILES", "gather", "upload"]

FILES = ("README.md", "config.json", "eit.safetensors", RUN, CURVES)
MAX_RECORD = 1 << 24  # bytes of run.json
MESSAGE = "Upload an emotion checkpoint"
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}")
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


def gather(source: str | os.PathLike[str], name: str, folder: Path, *, licence: str | None = None) -> list[Path]:
    """Write what a hub repository `name` should hold into an empty or new folder; the paths of its files.

    source: the folder of a run, or of a checkpoint alone. licence: of the weights, as the hub names it; by default "other", or
    "cc-by-nc-sa-4.0" where data allow no commercial use. Paths of this machine are left out of the record. Raises
    CheckpointError, MissingError, InputError, OutputError.
    """
    source = user_path(source)
    if not is_hub_id(name):
        raise InputError(f"{name[:100]!r} is not the name of a hub repository.", "Give OWNER/NAME.")
    if licence is not None and not _LICENCE.fullmatch(licence):
        raise InputError(f"The licence is {licence[:60]!r}.", "Give the hub's name for it: apache-2.0, cc-by-nc-sa-4.0, other.")
    kept = source / CHECKPOINT if (source / CHECKPOINT).is_dir() else source
    about = checkpoint.describe(kept)  # reads and checks all of it
    run = _record(source / RUN)
    data = run.get("data") if run else None
    datasets = data.get("datasets") if isinstance(data, dict) else None
    bound = isinstance(datasets, dict) and bool(NON_COMMERCIAL & set(datasets))
    if folder.exists() and (not folder.is_dir() or names_in(folder)):
        raise OutputError(f"The output {str(folder)!r} exists.", "Choose another folder.")
    card = write_card(name, about, run, licence or ("cc-by-nc-sa-4.0" if bound else "other"))
    with disk_errors(f"the folder {str(folder)!r}", "Choose another folder."), atomic_folder(folder) as made:
        for part in ("config.json", "eit.safetensors"):
            shutil.copyfile(kept / part, made / part)
        if run is not None:
            text = json.dumps(without_paths(run), indent=1, ensure_ascii=False)
            (made / RUN).write_text(text + "\n", encoding="utf-8")
            if (source / CURVES).is_file():
                shutil.copyfile(source / CURVES, made / CURVES)
        (made / "README.md").write_text(card, encoding="utf-8")
    return [folder / name for name in FILES if (folder / name).is_file()]


def upload(folder: Path, name: str, *, private: bool = False, api: Any = None) -> str:
    """Upload what `gather` wrote as one commit, into a repository that is made if it is not there; its address.

    api: an HfApi; by default one with the token of `hf auth login` or $HF_TOKEN. Raises OutputError with the hub's reason.
    """
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi(library_name="emoticrafter")
    with _hub_errors(name):
        address = api.create_repo(name, private=private, exist_ok=True)
        api.upload_folder(repo_id=name, folder_path=folder, allow_patterns=list(FILES), commit_message=MESSAGE)
    return str(address)


def _record(path: Path) -> dict[str, Any] | None:
    again = "Run the training's command again."
    try:
        return dict(read_record(path, dict[str, Any], "record", again, most=MAX_RECORD, error=CheckpointError))
    except MissingError:
        return None


@contextmanager
def _hub_errors(name: str) -> Iterator[None]:
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    try:
        yield
    except LocalTokenNotFoundError as error:
        raise MissingError("No token for the hub was found.", "Run `hf auth login`, or set HF_TOKEN.") from error
    except (HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        login = "Run `hf auth login` with a token that may write there." if status in (401, 403) else "Check name and connection."
        raise OutputError(f"{name} could not be uploaded ({type(error).__name__}: {reason_of(error)}).", login) from error


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
    versions = ", ".join(f"{name} {number}" for name, number in _dict(run.get("versions")).items() if number)
    rows = {
        "steps": f"{_said(run, '{} of {}', 'step', 'steps')}, {_said(train, '{} pairs each', 'batch')}",
        "loss": ", ".join(
            [_said(objective, "alpha {}", "alpha"), f"weights {code(density.get('preset'))}", *switched_on(objective)]
        ),
        "rate": _said(train, "{}, {}; weight decay {}", "rate", "schedule", "weight_decay"),
        "validation loss, weighted": f"{_figure(best.get('loss'))} at {_said(best, 'step {}', 'step')}",
        **{f"baseline: {name}": _figure(compared[name]) for name in ("neutral", "ridge") if name in compared},
        "time": f"{_figure(run.get('seconds'), 1 / 3600, '.2f')} hours on {_said(run, '{} x {}', 'processes', 'device')}",
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


def _figure(value: Any, times: float = 1.0, form: str = ".5g") -> str:
    try:
        return format(typed("figure", value, float) * times, form)
    except InputError:
        return "not measured"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
