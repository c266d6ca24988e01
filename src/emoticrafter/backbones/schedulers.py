"""Schedulers by name, with settings that are read by their kind and tried before any work."""

from __future__ import annotations

import inspect
import json
import math
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import numpy as np
import torch

from emoticrafter.backbones.loading import quiet_libraries
from emoticrafter.backbones.outline import read_json
from emoticrafter.errors import InputError, reason_of

__all__ = ["check_steps", "make_scheduler", "own_scheduler", "read_scheduler", "schedulers_for"]

_TRIAL_STEPS = 4  # enough for every order of solver to be at work
_WORDS: dict[str, Any] = {"true": True, "false": False, "none": None}
_LEAST = {"steps_offset": 0}  # the other whole numbers count something that there must be
_ORDERS = {"solver_order": 3}  # that the solvers have; they take a higher one for this one, without a word
_OF_EDM = {"EDMEulerScheduler"}  # they scale what the network sees, and tell it the time, in another way
_BETAS = {"beta_start", "beta_end"}  # variances
_ANY_ORDER = "UniPCMultistepScheduler"


def read_scheduler(text: str, *, flow: bool | None = None, edm: bool | None = None) -> tuple[Any, dict[str, Any]]:
    """The class and the settings of "Euler", "EulerDiscreteScheduler", or with settings "Euler,timestep_spacing=trailing".

    Each setting is read as what its default is, a truth value in upper and lower case. flow: whether the model follows a flow;
    None where that is not known yet. edm: the same of EDM's scaling. Raises InputError for a scheduler or
    setting that fits no such model.
    """
    name, *settings = (part.strip() for part in re.split(r",(?![^\[]*\])", text))
    fitting = {cls.__name__: cls for cls in schedulers_for(flow, edm=edm is not False)}
    short = {full.removesuffix("Scheduler").removesuffix("Discrete").lower(): cls for full, cls in reversed(fitting.items())}
    cls = fitting.get(name) or short.get(name.lower().removesuffix("scheduler").removesuffix("discrete"))
    if cls is None:
        known = ", ".join(sorted(full.removesuffix("Scheduler") for full in fitting if edm or full not in _OF_EDM))
        raise InputError(f"The scheduler is {name[:60]!r}, which does not fit this model.", f"Known ones: {known}.")
    accepted = {key: one for key, one in inspect.signature(cls.__init__).parameters.items() if key != "self"}
    values: dict[str, Any] = {}
    for setting in settings:
        key, sign, value = (part.strip() for part in setting.partition("="))
        if not sign or key not in accepted:
            names = ", ".join(sorted(accepted))
            raise InputError(f"{setting[:60]!r} is no setting of {cls.__name__}.", f"Write NAME=VALUE; names: {names}.")
        if key in values:
            raise InputError(f"The scheduler {text[:100]!r} gives {key} twice.", "Give each setting once.")
        values[key] = _value(accepted[key], value, None if cls.__name__ == _ANY_ORDER else _ORDERS.get(key))
    return cls, values


def make_scheduler(text: str, own: Any) -> Any:
    """The scheduler of a text, with the settings of the model's own where these are not overruled; tried over a few steps.

    Raises InputError as `read_scheduler` does, and for settings with which it cannot go.
    """
    if text.strip() == type(own).__name__:
        return own
    cls, values = read_scheduler(text, flow=_follows_flow(own), edm="sigma_data" in own.config)
    try:
        with quiet_libraries():
            made = cls.from_config(own.config, **values)
            _try(_copy(made))
    except Exception as error:  # a value that makes no sense fails anywhere
        raise InputError(
            f"The scheduler {text[:100]!r} cannot go with its settings: {reason_of(error)}.", "Change them, or leave them out."
        ) from error
    return made


def own_scheduler(folder: Path) -> Any | None:
    """The scheduler in the folder of a pipeline; None where there is none that can be made, which loading it will tell."""
    import diffusers
    from diffusers.schedulers.scheduling_utils import SchedulerMixin

    try:
        config = read_json(folder / "scheduler" / "scheduler_config.json") or {}
        cls = getattr(diffusers, config["_class_name"])
        with quiet_libraries():
            return cls.from_config(config) if issubclass(cls, SchedulerMixin) else None
    except Exception:
        return None


def check_steps(scheduler: Any, steps: int) -> None:
    """Raise InputError for a number of steps that a scheduler cannot make."""
    try:
        with quiet_libraries():
            _copy(scheduler).set_timesteps(steps)
    except Exception as error:
        raise InputError(
            f"The number of steps is {steps}, which {type(scheduler).__name__} cannot make: {reason_of(error)}.",
            "Give another number, or another scheduler.",
            field="steps",
            value=steps,
        ) from error


def schedulers_for(flow: bool | None, *, edm: bool = False) -> list[Any]:
    """The schedulers that fit: those of the same mathematics as SDXL's own, or those that also follow a flow.

    edm: with those of EDM, which only models of EDM's scaling can use.
    """
    import diffusers
    from diffusers.schedulers.scheduling_utils import KarrasDiffusionSchedulers

    names = [*(member.name for member in KarrasDiffusionSchedulers), "LCMScheduler", "TCDScheduler", "DDPMScheduler"]
    with quiet_libraries():
        classes = [getattr(diffusers, name) for name in dict.fromkeys(names) if hasattr(diffusers, name)]
    classes = [cls for cls in classes if "_backends" not in vars(cls)]  # a stand-in for one whose package is not installed
    if not edm:
        classes = [cls for cls in classes if cls.__name__ not in _OF_EDM]
    if flow:
        classes = [cls for cls in classes if "use_flow_sigmas" in inspect.signature(cls.__init__).parameters]
    return classes


def _follows_flow(scheduler: Any) -> bool:
    return bool(scheduler.config.get("prediction_type") == "flow_prediction")


def _value(setting: inspect.Parameter, text: str, most: int | None) -> Any:
    """A setting of the kind of its default, or of the words that it is declared with. most: of a whole number."""
    if choices := _choices(setting):
        if text.lower() in choices:
            return choices[text.lower()]
        rule = f"one of {', '.join(choices)}"
    else:
        read, rule = _LIST_OR_NONE if _may_be_list(setting) else _KINDS.get(type(setting.default), _KINDS[NoneType])
        with suppress(ValueError, KeyError):
            value = read(text)
            broken = _broken_rule(setting, value, most)
            if broken is None:
                return value
            rule = broken
    raise InputError(f"The scheduler's {setting.name} is {text[:60]!r}; it must be {rule}.", f"Its default is {setting.default}.")


def _broken_rule(setting: inspect.Parameter, value: Any, most: int | None) -> str | None:
    """What a value of the right kind should be, None where it is so."""
    if isinstance(value, float) and math.isnan(value):
        return "a number that is finite"
    if setting.name in _BETAS and value < 0:
        return "a number from 0"
    least = _LEAST.get(setting.name, 1)
    if type(setting.default) is not int or least <= value <= (value if most is None else most):
        return None
    return f"a whole number from {least}" + ("" if most is None else f" to {most}")


def _choices(setting: inspect.Parameter) -> dict[str, str | None]:
    """The words that a setting is declared with, by their lower case; none, too, where that is its default.

    A text without declared words has those that the setting of its name has in any scheduler.
    """
    words: dict[str, str | None] = {word.lower(): word for word in _declared(setting)}
    if not words and isinstance(setting.default, str):
        words = {word.lower(): word for word in _words_anywhere().get(setting.name, ())}
    return {**words, "none": None} if words and setting.default is None else words


def _declared(setting: inspect.Parameter) -> list[str]:
    literals = [one for one in (setting.annotation, *get_args(setting.annotation)) if get_origin(one) is Literal]
    return [word for one in literals for word in get_args(one)]


@cache
def _words_anywhere() -> dict[str, dict[str, None]]:
    words: dict[str, dict[str, None]] = {"interpolation_type": {"linear": None, "log_linear": None}}
    for cls in schedulers_for(None):
        for name, setting in inspect.signature(cls.__init__).parameters.items():
            words.setdefault(name, {}).update(dict.fromkeys(_declared(setting)))
    return words


def _may_be_list(setting: inspect.Parameter) -> bool:
    """Whether a setting that is none by default is otherwise a list."""
    return setting.default is None and any(get_origin(one) is list or one is np.ndarray for one in get_args(setting.annotation))


def _truth(text: str) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[text.lower()]


def _numbers(text: str) -> list[Any]:
    found = json.loads(text)
    if not isinstance(found, list) or any(type(one) not in (int, float) for one in found):
        raise ValueError(text)
    return found


def _numbers_or_none(text: str) -> list[Any] | None:
    return None if text.lower() == "none" else _numbers(text)


def _anything(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    return _numbers(text) if text.startswith("[") else float(text)


_KINDS: dict[type, tuple[Any, str]] = {
    bool: (_truth, "true or false"),
    int: (int, "a whole number"),
    float: (float, "a number"),
    str: (str, "a text"),
    list: (_numbers, "a list of numbers, such as [0,1]"),
    NoneType: (_anything, "a number, true, false or none"),
}

_LIST_OR_NONE = (_numbers_or_none, "a list of numbers, such as [0,1], or none")


def _copy(scheduler: Any) -> Any:
    return type(scheduler).from_config(scheduler.config)


def _try(scheduler: Any) -> None:
    """A few steps of tiny latents, as the pipeline makes them. Whatever goes wrong is raised."""
    scheduler.set_timesteps(min(_TRIAL_STEPS, scheduler.config.get("original_inference_steps") or _TRIAL_STEPS))
    latents = torch.linspace(-1, 1, 4 * 8 * 8).reshape(1, 4, 8, 8) * scheduler.init_noise_sigma
    draws = "generator" in inspect.signature(scheduler.step).parameters
    options = {"generator": torch.Generator("cpu").manual_seed(0)} if draws else {}
    for time in scheduler.timesteps:
        seen = scheduler.scale_model_input(latents, time)
        latents = scheduler.step(0.1 * seen, time, latents, **options).prev_sample
    if not bool(torch.isfinite(latents).all()):
        raise ValueError("they lead to values that are not finite")
