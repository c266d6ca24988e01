"""Emotion checkpoints: a folder with `eit.safetensors` and `config.json`; and the import of the authors' released form."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emoticrafter.backbones.hub import fetch, is_hub_id
from emoticrafter.calibration import CALIBRATION, Calibration
from emoticrafter.eit import EITConfig, EmotionInjectionTransformer
from emoticrafter.errors import CheckpointError, EmotiCrafterError, MissingError, OutputError, reason_of
from emoticrafter.files import atomic_folder, check_writable, disk_errors, names_in, user_path
from emoticrafter.inputs.named import file_hash
from emoticrafter.inputs.records import damaged, read_marked
from emoticrafter.inputs.typed import typed
from emoticrafter.locks import beside, busy, hold
from emoticrafter.pickles import read_pickle
from emoticrafter.tensors import read_tensors

__all__ = ["describe", "holding", "import_released", "load", "load_calibration", "peek", "save"]

WEIGHTS, CONFIG = "eit.safetensors", "config.json"
FORMAT, VERSION = "emoticrafter-eit", 1
AGAIN = "Fetch the checkpoint again."

StateDict = dict[str, Tensor]


def save(
    eit: EmotionInjectionTransformer,
    directory: str | os.PathLike[str],
    metadata: Mapping[str, Any] | None = None,
    *,
    dtype: torch.dtype | None = None,
    force: bool = False,
) -> Path:
    """Write a checkpoint folder, whole or not at all. Returns its path.

    metadata: JSON values, by default the model's own. Three have a meaning: `backbone`, the family that it belongs to;
    `prompt_tokens`, the length of a prompt section; `strength`, the default strength. dtype: of the weights at rest.
    force: replace a checkpoint that is there. Raises OutputError; a folder that holds other files is never replaced.
    """
    from safetensors.torch import save_file

    directory = user_path(directory)
    _check_replaceable(directory, force)
    check_writable(directory / WEIGHTS, force=True)
    check = partial(_check_replaceable, directory, force)
    with (
        holding(directory),
        disk_errors(f"the checkpoint {str(directory)!r}", "Choose another folder."),
        atomic_folder(directory, check) as folder,
    ):
        state = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in eit.state_dict().items()}
        save_file(state, folder / WEIGHTS)
        about = eit.metadata if metadata is None else metadata
        config = {
            "format": FORMAT,
            "version": VERSION,
            "eit": eit.config.as_dict(),
            "metadata": {name: value for name, value in about.items() if name != "sha256"},
            "sha256": file_hash(folder / WEIGHTS),
        }
        (folder / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        (folder / WEIGHTS).chmod((folder / CONFIG).stat().st_mode)  # safetensors makes it private
    return directory


@contextmanager
def holding(directory: str | os.PathLike[str]) -> Iterator[None]:
    """Keep other writers off a checkpoint's folder as long as the block runs. Raises OutputError where one is at work.

    The lock lies beside the folder, because `save` exchanges the folder for a new one. Where nobody may write beside it,
    the lock lies inside.
    """
    directory = user_path(directory).absolute()
    lock = beside(directory)
    if directory.exists() and not os.access(directory.parent, os.W_OK):
        lock = directory / lock.name
    with hold(lock, *busy(directory), passing=True):
        yield


def load(source: str | os.PathLike[str], device: str | torch.device = "cpu") -> EmotionInjectionTransformer:
    """The EIT of a checkpoint folder or hub id, in float32 and for inference, with its `metadata`.

    Its metadata also holds `sha256`, of the weights. Raises MissingError if there is none, and CheckpointError if it is
    corrupt, cut short, not of our form, or if its tensors are not those that its config asks for.
    """
    config, metadata = peek(source)
    path = _locate(source) / WEIGHTS
    if not os.path.lexists(path):
        raise CheckpointError(f"{str(path.parent)!r} has a {CONFIG} but no {WEIGHTS}.", "Copy the whole folder.")
    state = read_tensors(path, "file of weights", AGAIN)
    if metadata["sha256"] != file_hash(path):
        raise CheckpointError(
            f"The weights {str(path)!r} are not those that {CONFIG} was written for.", "Fetch both files again, from one place."
        )
    eit = _assemble(config, state, str(path)).to(device)
    eit.metadata = metadata
    return eit


def peek(source: str | os.PathLike[str]) -> tuple[EITConfig, dict[str, Any]]:
    """The sizes and the metadata of a checkpoint. Its weights must be there, but are not read. Errors are those of `load`."""
    directory = _locate(source)
    config, metadata = _read_config(directory)
    if not (directory / WEIGHTS).is_file():
        raise CheckpointError(f"{str(directory)!r} has a {CONFIG} but no {WEIGHTS}.", "Copy the whole folder.")
    return config, metadata


def load_calibration(source: str | os.PathLike[str], eit: EmotionInjectionTransformer) -> Calibration | None:
    """The calibration that lies beside a checkpoint, which `eit` was loaded from; None if there is none.

    Raises CheckpointError if it is broken or was fitted for other weights.
    """
    return Calibration.beside(_locate(source), eit.metadata["sha256"])


def import_released(path: str | os.PathLike[str], heads: int | None = None) -> EmotionInjectionTransformer:
    """The EIT of a state dict in the form in which the paper's authors released theirs (`.pth`).

    Sizes are read from the tensors. The number of heads is not in the file: as in every GPT-2 it is taken as one per 64
    channels, or four where 64 does not divide the width; `heads` overrules. Every key is accounted for: those that do
    nothing (`wte`, the key and value thirds of each `c_attn`) are dropped, and `attn_proj` is multiplied into the last
    layers of the V-A encoder, whose outputs it maps. Only tensors are unpickled; `pickles.read_pickle` says where they may
    stand in the file, and which prefixes of names it removes. Raises MissingError and CheckpointError.
    """
    path = user_path(path)
    found = read_pickle(path)
    config = _released_config(found, heads, path)
    expected = _released_keys(config.blocks)
    missing, unknown = sorted(expected - set(found)), sorted(set(found) - expected)
    if missing or unknown:
        raise CheckpointError(
            f"{str(path)!r} is not a released EmotiCrafter checkpoint: {_differences(missing, unknown)}.",
            "Give the state dict as its authors published it.",
        )
    try:
        state = _converted(found, config)
    except (RuntimeError, IndexError) as error:
        raise CheckpointError(
            f"Tensors of {str(path)!r} do not fit together: {reason_of(error)}.", "Fetch the file again."
        ) from error
    eit = _assemble(config, state, str(path))
    fits_sdxl = config.prompt_channels == 2048
    eit.metadata = {"source": path.name, **({"backbone": "sdxl", "prompt_tokens": 77, "strength": 1.0} if fits_sdxl else {})}
    return eit


def describe(source: str | os.PathLike[str]) -> dict[str, Any]:
    """What a checkpoint folder, a hub id or a released `.pth` holds, as JSON values. Errors are those of reading it."""
    path = user_path(source)
    if path.exists() and not path.is_dir():
        eit, kind = import_released(source), "released"
    else:
        eit, kind = load(source), f"{FORMAT} {VERSION}"
    return {"format": kind, "parameters": eit.parameter_count, **eit.config.as_dict(), **eit.metadata}


def _locate(source: str | os.PathLike[str]) -> Path:
    directory = user_path(source)
    if directory.is_dir():
        return directory
    if directory.exists():
        raise CheckpointError(
            f"{str(source)!r} is a file; an emotion checkpoint is a folder.",
            "Turn a released .pth into one with `emoticrafter checkpoint import FILE --out FOLDER`.",
        )
    if is_hub_id(str(source)):
        return fetch(str(source), [CONFIG, WEIGHTS, CALIBRATION])
    raise MissingError(
        f"There is no emotion checkpoint {str(directory)[:200]!r}.",
        "Give a folder, or a hub id OWNER/NAME; `emoticrafter checkpoint import` makes a folder from a released file.",
    )


def _read_config(directory: Path) -> tuple[EITConfig, dict[str, Any]]:
    path, what = directory / CONFIG, "emotion checkpoint"
    if not os.path.lexists(path):
        raise MissingError(f"{str(directory)!r} holds no {CONFIG}.", "Give the folder of an emotion checkpoint.")
    entries = read_marked(path, FORMAT, VERSION, what, AGAIN, error=CheckpointError)
    try:
        config: _Config = typed("", entries, _Config)
        for name, kind in _MEANT.items():
            if name in config.metadata:
                typed(f"metadata.{name}", config.metadata[name], kind)
        return EITConfig.from_dict(config.eit), {**config.metadata, "sha256": config.sha256}
    except EmotiCrafterError as error:
        raise damaged(path, what, AGAIN, error, CheckpointError) from error


@dataclass(frozen=True, kw_only=True)
class _Config:
    """What config.json says beside its form."""

    eit: dict[str, Any]
    metadata: dict[str, Any]
    sha256: str


_MEANT: dict[str, Any] = {"backbone": str, "prompt_tokens": int, "strength": float}  # of the metadata


def _assemble(config: EITConfig, state: StateDict, where: str) -> EmotionInjectionTransformer:
    """The model with these weights; its own are never allocated, so that a lying config costs no memory."""
    with torch.device("meta"):
        eit = EmotionInjectionTransformer(config)
    expected = {name: tuple(tensor.shape) for name, tensor in eit.state_dict().items()}
    missing, unknown = sorted(set(expected) - set(state)), sorted(set(state) - set(expected))
    if missing or unknown:
        raise CheckpointError(
            f"The weights {where!r} do not match their config: {_differences(missing, unknown)}.", "Fetch them again."
        )
    for name, shape in expected.items():
        if tuple(state[name].shape) != shape or not state[name].is_floating_point():
            raise CheckpointError(
                f"In {where!r} {name} is {state[name].dtype} {tuple(state[name].shape)}; its config asks for floats {shape}.",
                "Fetch it again.",
            )
        if not bool(torch.isfinite(state[name]).all()):
            raise CheckpointError(f"In {where!r} the tensor {name} holds values that are not finite.", "Fetch or train it again.")
    eit.load_state_dict({name: tensor.float() for name, tensor in state.items()}, assign=True)
    return eit.requires_grad_(True).eval()


def _released_config(found: StateDict, heads: int | None, path: Path) -> EITConfig:
    try:
        channels, width = found["gpt_feature2xl_feature.weight"].shape
        blocks = {int(number.group(1)) for name in found if (number := re.match(r"h\.(\d{1,4})\.", name))}
        return EITConfig(
            prompt_channels=channels,
            width=width,
            heads=heads or (width // 64 if width % 64 == 0 else 4),
            blocks=max(blocks, default=0) + 1,
            emotion_tokens=found["v_f.2.bias"].numel() // width,
            encoder_width=found["v_f.0.bias"].numel(),
            feed_forward=found["h.0.mlp.c_fc.bias"].numel(),
            positions=len(found["wpe.weight"]),
            variant="released",
        )
    except KeyError as error:
        unknown = sorted(name for name in found if name not in _released_keys(1) and not re.match(r"h\.\d", name))
        raise CheckpointError(
            f"{str(path)!r} is not a released EmotiCrafter checkpoint: {_differences([error.args[0]], unknown)}.",
            "Give the state dict as its authors published it.",
        ) from error
    except (EmotiCrafterError, ValueError, ZeroDivisionError, TypeError) as error:
        raise CheckpointError(
            f"{str(path)!r} has sizes that make no EIT: {error}", "Give the number of heads, or another file."
        ) from error


# Their names, ours. A matrix marked with * is stored input by output.
_OUTER = {
    "xl_feature2gpt_feature.weight": "project_in.weight",
    "wpe.weight": "positions",
    "gpt_feature2xl_feature.weight": "project_out.weight",
    "ln_f.weight": "norm.weight",
    "ln_f.bias": "norm.bias",
    "ln_xl_feature.weight": "residual_norm.weight",
    "ln_xl_feature.bias": "residual_norm.bias",
}
_AXES = {"v_f": "encoder.valence", "a_f": "encoder.arousal"}
_NORMS = {"ln_1": "self_norm", "ln_v": "valence_norm", "ln_a": "arousal_norm", "ln_2": "feed_norm"}
_ATTENTIONS = {"attn": "self_attention", "attn_v": "valence_attention", "attn_a": "arousal_attention"}
_MATRICES = {"c_attn": "query", "c_z": "key_value", "c_proj": "out"}  # *
_FEEDS = {"mlp.c_fc": "feed_in", "mlp.c_proj": "feed_out"}  # *
_ENDS = ("weight", "bias")


def _released_keys(blocks: int) -> set[str]:
    parts = [*_NORMS, *(f"{a}.{m}" for a in _ATTENTIONS for m in _MATRICES), *_FEEDS]
    inner = {f"h.{i}.{part}.{end}" for i in range(blocks) for part in parts for end in _ENDS}
    encoder = {f"{axis}.{layer}.{end}" for axis in _AXES for layer in (0, 2) for end in _ENDS}
    return {*_OUTER, *inner, *encoder, "attn_proj.weight", "wte.weight"}


def _converted(found: StateDict, config: EITConfig) -> StateDict:
    """Their tensors under our names, in float32."""
    state = {ours: found[theirs] for theirs, ours in _OUTER.items()}
    for theirs, ours in _AXES.items():
        state |= {f"{ours}.0.{end}": found[f"{theirs}.0.{end}"] for end in _ENDS}
        # tokens = attn_proj (W h + b), token by token
        for end in _ENDS:
            last = found[f"{theirs}.2.{end}"].double().reshape(config.emotion_tokens, config.width, -1)
            state[f"{ours}.2.{end}"] = (found["attn_proj.weight"].double() @ last).reshape(found[f"{theirs}.2.{end}"].shape)
    for i in range(config.blocks):
        state |= {f"blocks.{i}.{ours}.{end}": found[f"h.{i}.{norm}.{end}"] for norm, ours in _NORMS.items() for end in _ENDS}
        matrices = {f"{a}.{m}": f"{ours}.{our_m}" for a, ours in _ATTENTIONS.items() for m, our_m in _MATRICES.items()}
        for theirs, ours in {**matrices, **_FEEDS}.items():
            weight, bias = (found[f"h.{i}.{theirs}.{end}"] for end in _ENDS)
            if theirs.endswith("c_attn"):
                if weight.shape[1] != 3 * config.width or len(bias) != 3 * config.width:
                    raise IndexError(f"h.{i}.{theirs} is {tuple(weight.shape)}, not query, key and value of width {config.width}")
                weight, bias = weight[:, : config.width], bias[: config.width]
            state[f"blocks.{i}.{ours}.weight"], state[f"blocks.{i}.{ours}.bias"] = weight.T, bias
    return {name: tensor.float().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}


def _differences(missing: list[str], unknown: list[str]) -> str:
    def some(names: list[str]) -> str:
        return ", ".join(name[:80] for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

    parts = [f"{word} keys {some(names)}" for word, names in (("missing", missing), ("unknown", unknown)) if names]
    return "; ".join(parts)


def _check_replaceable(directory: Path, force: bool) -> None:
    if not directory.exists() and not directory.is_symlink():
        return
    if not directory.is_dir():
        raise OutputError(f"{str(directory)!r} is not a folder.", "Choose another place.")
    names = names_in(directory)
    if names and not force:
        raise OutputError(
            f"The output {str(directory)!r} exists.", "Choose another folder, or pass --force (force=True) to replace it."
        )
    if not names <= {WEIGHTS, CONFIG, CALIBRATION}:  # one that was fitted for the old weights goes with them
        raise OutputError(
            f"{str(directory)!r} holds files that are no checkpoint; they are not replaced.", "Choose another folder."
        )
