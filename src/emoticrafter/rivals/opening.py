"""Methods by name: opened from a folder, the cache or the hub, trained into a folder."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.backbones.hub import is_hub_id
from emoticrafter.backbones.registry import open_backbone, read_outline
from emoticrafter.errors import CheckpointError, EmotiCrafterError, InputError, MissingError
from emoticrafter.files import cache_directory, user_path
from emoticrafter.inputs.records import damaged
from emoticrafter.inputs.typed import typed
from emoticrafter.locks import LOCK, busy, hold
from emoticrafter.rivals.budget import Budget, Learned
from emoticrafter.rivals.controls import CONTROLS
from emoticrafter.rivals.folder import AGAIN, CONFIG, WHAT, is_method_folder, read_config
from emoticrafter.rivals.rival import METHODS, Rival, check_belongs, misfit, plain

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Backbone
    from emoticrafter.backbones.outline import Outline
    from emoticrafter.crafter import EmotiCrafter
    from emoticrafter.rivals.material import RivalMaterial

__all__ = ["OURS", "check_method", "method_class", "open_method", "train_method"]

OURS, FORMERLY = "emoticrafter", "ours"  # the latter in older suites and reports


def method_class(name: str) -> type[Rival]:
    """The class of a method in METHODS. Raises InputError for an unknown name."""
    if name not in METHODS:
        raise InputError(f"There is no method {name[:60]!r}.", f"Known ones: {', '.join(METHODS)}.")
    module, _, attribute = METHODS[name].origin.partition(":")
    found: type[Rival] = getattr(importlib.import_module(module), attribute)
    return found


def open_method(
    source: str | os.PathLike[str] = OURS,
    backbone: Backbone | str | os.PathLike[str] = "storybook",
    *,
    calibrated: bool = True,
    **options: Any,
) -> EmotiCrafter | Rival:
    """The method of a name or a folder, upon a backbone that is open or to be opened.

    source: "emoticrafter"; an emotion checkpoint, a folder or hub id; the folder of a rival; a name in METHODS, which is looked
    for in the cache, below rivals/FAMILY/NAME, where it needs training; one of CONTROLS. calibrated: use the calibration beside
    an emotion checkpoint, if there is one; rivals have none. options: those of `open_backbone`, of one that is to be opened.
    Raises InputError, MissingError and CheckpointError, before a model is loaded where that is known.
    """
    if isinstance(backbone, str | os.PathLike):
        check_method(source, read_outline(backbone, **options))
        backbone = open_backbone(backbone, **options)
    else:
        assert not options, "an open backbone takes no options"
    text = _name(source)
    if text in CONTROLS:
        return CONTROLS[text](backbone)
    if _is_ours(text):
        from emoticrafter.crafter import EmotiCrafter

        return EmotiCrafter.upon(backbone, None if text == OURS else text, calibrated=calibrated)
    folder = _folder_of(text, backbone)
    if folder is None:
        return method_class(text)(backbone)
    return method_class(read_config(folder)["method"]).load(folder, backbone)


def check_method(source: str | os.PathLike[str], outline: Outline) -> None:
    """Raise the error with which `open_method` would refuse a method upon a model that is not loaded, where that is known."""
    text = _name(source)
    if text in CONTROLS:
        return
    if _is_ours(text):
        from emoticrafter.crafter import check_checkpoint

        check_checkpoint(outline, None if text == OURS else text)
        return
    folder = _folder_of(text, outline)
    if folder is not None:
        entries = read_config(folder)
        try:
            method_class(entries["method"]).check_settings(entries["config"], folder)
        except EmotiCrafterError as error:
            raise misfit(folder, error) from error
        if outline.family is not None and outline.prompt_channels is not None:
            check_belongs(entries, folder, outline)


def _check_begun(folder: Path, name: str, config: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Raise InputError for a folder of a method that was trained otherwise, as far as `about` says."""
    if not is_method_folder(folder):
        from emoticrafter.rivals.learning import check_begun

        origin = {key: value for key, value in about.items() if key != "seed"}
        check_begun(folder, {"method": name, "config": dict(config), **origin}, about["seed"])
        return
    entries = read_config(folder)
    before = {key: entries.get("training", {}).get(key) for key in about}
    if (entries["method"], entries["config"], before) != (name, config, dict(about)):
        raise InputError(f"{str(folder)!r} holds a method that was trained otherwise.", "Give another --out.")


def _name(source: str | os.PathLike[str]) -> str:
    """A source by the name that it has now."""
    text = os.fspath(source)
    return OURS if text == FORMERLY else text


def _is_ours(text: str) -> bool:
    if text == OURS or text in METHODS:
        return text == OURS
    folder = user_path(text)
    return not is_method_folder(folder) if folder.is_dir() else is_hub_id(text) and not folder.exists()


def _folder_of(text: str, backbone: Backbone | Outline) -> Path | None:
    """The folder of a method; None for one that needs none. Raises InputError and MissingError."""
    if (folder := user_path(text)).is_dir():
        return folder
    method_class(text)
    kept = cache_directory() / "rivals" / str(backbone.family) / text
    if is_method_folder(kept):
        return kept
    if METHODS[text].learns == "nothing" or backbone.family is None:
        return None
    raise MissingError(
        f"The method {text} is not trained for the backbone {backbone.name}.",
        f"`emoticrafter rival train {text} --backbone {backbone.name} --out FOLDER` makes a folder to give instead of the name.",
    )


def train_method(
    name: str,
    material: RivalMaterial | Callable[[], RivalMaterial] | None,
    out: str | os.PathLike[str],
    budget: Budget,
    *,
    backbone: Backbone,
    config: Mapping[str, Any] | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> tuple[Rival, Learned]:
    """Train a method into the folder `out`, or go on with what was begun there; a finished one is only opened.

    material: None for a method that learns nothing; or what makes it, called when all else is known to be right. config: settings
    that differ from the method's defaults. seed: decides the order of the examples and every noise.
    SIGTERM and Ctrl-C save and return early, with `Learned.signal` set and no method in the folder yet. What was really used
    (seconds, steps, examples) is written into the config. Raises EmotiCrafterError; OutputError where another run is writing to
    the folder.
    """
    folder = user_path(out)
    rival = method_class(name)(backbone, config, folder=folder)
    rival.check_trainable()
    _check_begun(folder, name, plain(rival.config), {"seed": seed, "budget": budget.as_dict()})
    if METHODS[name].learns != "nothing" and material is None:
        raise InputError(f"The method {name} must be given something to learn from.", "Give it material.")
    with hold(folder / LOCK, *busy(folder), passing=True):
        return _trained(rival, material() if callable(material) else material, folder, budget, seed, quiet)


def _trained(
    rival: Rival, material: RivalMaterial | None, folder: Path, budget: Budget, seed: int, quiet: bool
) -> tuple[Rival, Learned]:
    from emoticrafter.descent import STATE

    name, backbone = rival.name, rival.backbone
    learns = METHODS[name].learns
    if learns == "pictures" and material is not None and material.latents is None:
        raise InputError(f"The method {name} learns from pictures, and the material has none.", "Give a table with pictures.")
    about = {"material": dict(material.about) if material else {}, "seed": seed, "budget": budget.as_dict()}
    if is_method_folder(folder):
        _check_begun(folder, name, plain(rival.config), about)
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
    (folder / STATE).unlink(missing_ok=True)
    return type(rival).load(folder, backbone), learned
