"""Linear heads that others trained: `classifier.0.weight` and `classifier.0.bias` on features of 512 channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emoticrafter.errors import CheckpointError, InputError
from emoticrafter.judges.clip import CLIP
from emoticrafter.judges.head import Activation, Head
from emoticrafter.judges.trust import Trust

__all__ = ["CHANNELS", "import_head"]

CHANNELS = 512
_KEYS = ("classifier.0.weight", "classifier.0.bias")
_ORDERS = {"valence,arousal": (0, 1), "arousal,valence": (1, 0)}


def import_head(
    path: Path,
    activation: Activation,
    *,
    arousal: Path | None = None,
    order: str = "valence,arousal",
    unit: bool = False,
    clip: str = CLIP,
) -> Head:
    """The head of a .pth or .safetensors file, which holds the two tensors above and nothing else.

    activation: what its author's code does with the outputs: none takes them as -3 to 3, sigmoid maps them there. A file with two
    outputs holds both axes, in `order`; one with a single output is that of valence, and `arousal` names the file of the other.
    unit: whether features were brought to length 1. Only tensors are unpickled. Raises MissingError, CheckpointError and
    InputError.
    """
    if order not in _ORDERS:
        raise InputError(f"The order of the outputs is {order[:40]!r}.", f"Give one of: {'; '.join(_ORDERS)}.")
    parts = [_layer(path), *([_layer(arousal)] if arousal is not None else [])]
    rows = [len(bias) for _, bias in parts]
    if rows not in ([2], [1, 1]):
        raise InputError(
            f"{' and '.join(str(one) for one in (path, arousal) if one)} have {' and '.join(map(str, rows))} outputs.",
            "Give one file with two outputs, or one with a single output and that of arousal with --arousal.",
        )
    weight, bias = (np.concatenate([part[i] for part in parts]) for i in range(2))
    if len(parts) == 1:
        weight, bias = weight[list(_ORDERS[order])], bias[list(_ORDERS[order])]
    return Head(
        layers=[(weight, bias)],
        activation=activation,
        unit=unit,
        clip=clip,
        fingerprint=None,
        trust=Trust(validated_on="nothing", pictures=0),
        about={"imported from": ", ".join(one.name for one in (path, arousal) if one)},
    )


def _layer(path: Path) -> tuple[np.ndarray, np.ndarray]:
    found = _state(path)
    missing, unknown = sorted(set(_KEYS) - set(found)), sorted(set(found) - set(_KEYS))
    if missing or unknown:
        says = [
            f"it {word} {', '.join(k[:60] for k in keys[:5])}"
            for word, keys in (("lacks", missing), ("also holds", unknown))
            if keys
        ]
        raise CheckpointError(
            f"{str(path)!r} is not a linear head: {'; '.join(says)}.", f"It must hold {' and '.join(_KEYS)} alone."
        )
    weight, bias = (found[name] for name in _KEYS)
    if weight.ndim != 2 or weight.shape[1] != CHANNELS or bias.shape != weight.shape[:1] or not len(bias):
        raise CheckpointError(
            f"In {str(path)!r} the weight is {weight.shape} and the bias {bias.shape}, not (outputs, {CHANNELS}) and (outputs,).",
            "Give a head on features of 512 channels.",
        )
    return weight, bias


def _state(path: Path) -> dict[str, np.ndarray]:
    from emoticrafter.pickles import plain_names, read_pickle

    if path.suffix == ".safetensors":
        from emoticrafter.tensors import read_tensors

        state = plain_names(read_tensors(path, "file", "Give a head, a .pth or .safetensors file."), path)
    else:
        state = read_pickle(path)
    return {name: tensor.float().numpy() for name, tensor in state.items()}
