"""Methods by name: opened from a folder or the cache, trained into a folder."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.backbones.registry import open_backbone
from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.files import cache_directory
from emoticrafter.inputs.records import damaged
from emoticrafter.inputs.typed import typed
from emoticrafter.rivals.base import METHODS, Rival, plain
from emoticrafter.rivals.budget import Budget, Learned
from emoticrafter.rivals.folder import AGAIN, CONFIG, WHAT, is_method_folder, read_config

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Backbone
    from emoticrafter.crafter import EmotiCrafter
    from emoticrafter.rivals.material import Material

__all__ = ["method_class", "open_maker", "open_method", "train_method"]


def method_class(name: str) -> type[Rival]:
    """The class of a method in METHODS. Raises InputError for an unknown name."""
    if name not in METHODS:
        raise InputError(f"There is no method {name[:60]!r}.", f"Known ones: {', '.join(METHODS)}.")
    module, _, attribute = METHODS[name].origin.partition(":")
    found: type[Rival] = getattr(importlib.import_module(module), attribute)
    return found


def open_method(
    name_or_folder: str | os.PathLike[str],
    backbone: Backbone,
    *,
    calibrated: bool = True,
    warn: Callable[[str], None] | None = None,
) -> EmotiCrafter | Rival:
    """A maker upon an open backbone: the method of a folder; a name in METHODS; "emoticrafter", or an emotion checkpoint.

    calibrated: use the calibration beside an emotion checkpoint, if there is one; rivals have none.
    A name that needs training is looked for in the cache, below rivals/FAMILY/NAME. Raises InputError, MissingError and
    CheckpointError.
    """
    text = os.fspath(name_or_folder)
    if text == "emoticrafter" or (Path(text).is_dir() and not is_method_folder(text)):
        from emoticrafter.crafter import EmotiCrafter

        return EmotiCrafter.upon(backbone, None if text == "emoticrafter" else text, calibrated=calibrated, warn=warn)
    if Path(text).is_dir():
        return method_class(read_config(Path(text))["method"]).load(text, backbone, warn)
    cls = method_class(text)
    kept = cache_directory() / "rivals" / backbone.family / text
    if is_method_folder(kept):
        return cls.load(kept, backbone, warn)
    if METHODS[text].learns == "nothing":
        return cls(backbone, warn=warn)
    raise MissingError(
        f"The method {text} is not trained for the backbone {backbone.name}.",
        f"`emoticrafter rival train {text} --backbone {backbone.name} --out FOLDER` makes a folder to give instead of the name.",
    )


def open_maker(
    backbone: str | os.PathLike[str],
    method: str | os.PathLike[str],
    *,
    calibrated: bool = True,
    warn: Callable[[str], None] | None = None,
    **options: Any,
) -> EmotiCrafter | Rival:
    """The same upon a backbone that is opened by name. options: those of `open_backbone`."""
    return open_method(method, open_backbone(backbone, **options), calibrated=calibrated, warn=warn)


def train_method(
    name: str,
    material: Material | None,
    out: str | os.PathLike[str],
    budget: Budget,
    *,
    backbone: Backbone,
    config: Mapping[str, Any] | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> tuple[Rival, Learned]:
    """Train a method into the folder `out`, or go on with what was begun there; a finished one is only opened.

    material: may be None for a method that learns nothing. config: settings that differ from the method's defaults. seed:
    decides the order of the examples and every noise.
    SIGTERM and Ctrl-C save and return early, with `Learned.signal` set and no method in the folder yet. What was really used
    (seconds, steps, examples) is written into the config. Raises EmotiCrafterError.
    """
    folder = Path(out)
    rival = method_class(name)(backbone, config, folder=folder)
    learns = METHODS[name].learns
    if learns != "nothing" and material is None:
        raise InputError(f"The method {name} must be given something to learn from.", "Give it material.")
    if learns == "pictures" and material is not None and material.latents is None:
        raise InputError(f"The method {name} learns from pictures, and the material has none.", "Give a table with pictures.")
    about = {"material": dict(material.about) if material else {}, "seed": seed, "budget": budget.as_dict()}
    if is_method_folder(folder):
        entries = read_config(folder)
        before = {key: (entries.get("training") or {}).get(key) for key in about}
        if (entries["method"], entries["config"], before) != (name, plain(rival.config), about):
            raise InputError(f"{str(folder)!r} holds a method that was trained otherwise.", "Give another --out.")
        done = type(rival).load(folder, backbone)
        try:
            return done, typed("training", done.trained, Learned)
        except InputError as error:
            raise damaged(folder / CONFIG, WHAT, AGAIN, error, CheckpointError) from error
    if material is None:
        learned = Learned(steps=0, seconds=0.0, examples=0, figures={})
    else:
        learned = rival.learn(material, budget, folder, seed=seed, quiet=quiet)
    if learned.signal is not None:
        return rival, learned
    rival.trained = {
        **about,
        "steps": learned.steps,
        "seconds": round(learned.seconds, 1),
        "examples": learned.examples,
        "figures": dict(learned.figures),
    }
    rival.save(folder)
    (folder / "state.safetensors").unlink(missing_ok=True)
    return type(rival).load(folder, backbone), learned
