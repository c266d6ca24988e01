"""Schedulers by name, with settings that are read by their kind and tried before any work."""

from __future__ import annotations

import inspect
import json
import math
import re
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import torch

from emoticrafter.backbones.loading import quiet_libraries
from emoticrafter.backbones.outline import read_json
from emoticrafter.errors import InputError, reason_of

__all__ = ["check_steps", "make_scheduler", "own_scheduler", "read_scheduler", "schedulers_for"]

_TRIAL_STEPS = 4  # enough for every order of solver to be at work
_WORDS: dict[str, Any] = {"true": True, "false": False, "none": None}


def read_scheduler(text: str, *, flow: bool | None = None) -> tuple[Any, dict[str, Any]]:
    """The class and the settings of "Euler", "EulerDiscreteScheduler", or with settings "Euler,timestep_spacing=trailing".

    Each setting is read as what its default is, a truth value in upper and lower case. flow: whether the model follows a flow;
    None where that is not known yet. Raises InputError for a scheduler or setting that fits no such model.
    """
    name, *settings = (part.strip() for part in re.split(r",(?![^\[]*\])", text))
    fitting = {cls.__name__: cls for cls in schedulers_for(flow)}
    short = {full.removesuffix("Scheduler").removesuffix("Discrete").lower(): cls for full, cls in reversed(fitting.items())}
    cls = fitting.get(name) or short.get(name.lower().removesuffix("scheduler").removesuffix("discrete"))
    if cls is None:
        known = ", ".join(sorted(full.removesuffix("Scheduler") for full in fitting))
        raise InputError(f"The scheduler is {name[:60]!r}, which does not fit this model.", f"Known ones: {known}.")
    accepted = {key: one for key, one in inspect.signature(cls.__init__).parameters.items() if key != "self"}
    values: dict[str, Any] = {}
    for setting in settings:
        key, sign, value = (part.strip() for part in setting.partition("="))
        if not sign or key not in accepted:
            names = ", ".join(sorted(accepted))
            raise InputError(f"{setting[:60]!r} is no setting of {cls.__name__}.", f"Write NAME=VALUE; names: {names}.")
        values[key] = _value(accepted[key], value)
    return cls, values


def make_scheduler(text: str, own: Any) -> Any:
    """The scheduler of a text, with the settings of the model's own where these are not overruled; tried over a few steps.

    Raises InputError as `read_scheduler` does, and for settings with which it cannot go.
    """
    if text.strip() == type(own).__name__:
        return own
    cls, values = read_scheduler(text, flow=_follows_flow(own))
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


def schedulers_for(flow: bool | None) -> list[Any]:
    """The schedulers that fit: those of the same mathematics as SDXL's own, or those that also follow a flow."""
    import diffusers
    from diffusers.schedulers.scheduling_utils import KarrasDiffusionSchedulers

    names = [*(member.name for member in KarrasDiffusionSchedulers), "LCMScheduler", "TCDScheduler", "DDPMScheduler"]
    with quiet_libraries():
        classes = [getattr(diffusers, name) for name in dict.fromkeys(names) if hasattr(diffusers, name)]
    classes = [cls for cls in classes if "_backends" not in vars(cls)]  # a stand-in for one whose package is not installed
    if flow:
        classes = [cls for cls in classes if "use_flow_sigmas" in inspect.signature(cls.__init__).parameters]
    return classes


def _follows_flow(scheduler: Any) -> bool:
    return bool(scheduler.config.get("prediction_type") == "flow_prediction")


def _value(setting: inspect.Parameter, text: str) -> Any:
    """A setting of the kind of its default, or of the words that it is declared with."""
    if choices := _choices(setting):
        rule = f"one of {', '.join(choices)}"
        if text.lower() in choices:
            return choices[text.lower()]
    else:
        read, rule = _KINDS.get(type(setting.default), _KINDS[NoneType])
        try:
            return read(text)
        except (ValueError, KeyError):
            pass
    raise InputError(f"The scheduler's {setting.name} is {text[:60]!r}; it must be {rule}.", f"Its default is {setting.default}.")


def _choices(setting: inspect.Parameter) -> dict[str, str | None]:
    """The words that a setting is declared with, by their lower case; none, too, where that is its default."""
    literals = [one for one in (setting.annotation, *get_args(setting.annotation)) if get_origin(one) is Literal]
    words: dict[str, str | None] = {word.lower(): word for one in literals for word in get_args(one)}
    return {**words, "none": None} if words and setting.default is None else words


def _truth(text: str) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[text.lower()]


def _number(text: str) -> float:
    number = float(text)
    if math.isnan(number):
        raise ValueError(text)
    return number


def _numbers(text: str) -> list[Any]:
    found = json.loads(text)
    if not isinstance(found, list) or any(type(one) not in (int, float) for one in found):
        raise ValueError(text)
    return found


def _anything(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    return _numbers(text) if text.startswith("[") else _number(text)


_KINDS: dict[type, tuple[Any, str]] = {
    bool: (_truth, "true or false"),
    int: (int, "a whole number"),
    float: (_number, "a number"),
    str: (str, "a text"),
    list: (_numbers, "a list of numbers, such as [0,1]"),
    NoneType: (_anything, "a number, true, false or none"),
}


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
