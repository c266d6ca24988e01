"""Opening an SDXL pipeline: from a folder, the hub or a single file; its scheduler by name; LoRA; its fingerprint.

Nothing here unpickles: only safetensors are read.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from emoticrafter.backbones.devices import is_out_of_memory
from emoticrafter.backbones.hub import fetch_error
from emoticrafter.errors import CheckpointError, DeviceError, EmotiCrafterError, InputError, MissingError, reason_of
from emoticrafter.inputs.folders import MAX_TEXT, check_model_folder
from emoticrafter.inputs.named import check_file, open_file
from emoticrafter.inputs.records import read_record

__all__ = ["add_loras", "fingerprint", "load_pipeline", "locate", "read_json", "set_scheduler"]

PIPELINE = "StableDiffusionXLPipeline"
_SAMPLE = 65_536  # bytes of each weights file that go into a fingerprint
_FETCH_AGAIN = "Fetch the whole model again."
# In a model's folder, and nothing that decides its pixels: the settings that a picture was made with are in its recipe.
_BESIDE = {"emotion", "card.json", "defaults.json", "vocabulary.json"}


def locate(source: str, dtype: torch.dtype) -> Path:
    """The local folder or file of a source; a hub id is downloaded unless it is in the hub's cache.

    Raises MissingError, which says how to fetch it, if it cannot be had.
    """
    path = Path(source)
    if path.exists():
        return path
    with quiet_libraries():
        try:
            return Path(_pipeline_class().download(source, use_safetensors=True, variant=_wanted_variant(dtype)))
        except Exception as error:  # connection, permission, an unknown name: the next step is the same
            raise fetch_error(source, error) from error


def load_pipeline(
    path: Path, dtype: torch.dtype, *, watermark: bool = False, config: str | None = None, text_only: bool = False
) -> Any:
    """The pipeline in a folder or single .safetensors file, on the CPU, its weights in `dtype`.

    config: for a single file, a pipeline folder (the weights may be absent) or a hub id that describes its components.
    text_only: without UNet and VAE, which need not be there. Raises MissingError and CheckpointError.
    """
    if watermark and importlib.util.find_spec("imwatermark") is None:
        raise MissingError("A watermark was asked for; its package is not installed.", "pip install invisible-watermark")
    options: dict[str, Any] = {"dtype": dtype, "add_watermarker": watermark}
    parts: tuple[str, ...] = ("tokenizer", "tokenizer_2", "text_encoder", "text_encoder_2", "unet", "vae")
    if text_only:
        parts = parts[:4]
        options |= {"unet": None, "vae": None}
    if not path.is_dir():
        check_file(path, "model")
        if path.suffix != ".safetensors":
            raise CheckpointError(f"{str(path)!r} is not a .safetensors file; other forms can hold code.", "Convert it first.")
        if config is not None:
            options["config"] = config
    else:
        _check_index(path)
        check_model_folder(path)
        options |= {
            "variant": _variant_in(path / ("text_encoder" if text_only else "unet"), dtype),
            "use_safetensors": True,
            "local_files_only": True,
        }
    if importlib.util.find_spec("accelerate") is None and path.is_dir():
        options["low_cpu_mem_usage"] = False
    with quiet_libraries():
        cls = _pipeline_class()
        try:
            pipeline = cls.from_single_file(str(path), **options) if path.is_file() else cls.from_pretrained(path, **options)
        except EmotiCrafterError:
            raise
        except Exception as error:  # damaged files fail anywhere in the readers
            raise _loading_error(path, error) from error
    if absent := [part for part in parts if getattr(pipeline, part, None) is None]:
        raise CheckpointError(f"{str(path)!r} has no {', '.join(absent)}, as the refiner, for one.", "Give a base model.")
    return pipeline


def set_scheduler(pipeline: Any, text: str) -> None:
    """Exchange the scheduler: "Euler", "EulerDiscreteScheduler", or with settings "Euler,timestep_spacing=trailing".

    The model's own settings stay where not overruled. Raises InputError for a scheduler or setting that does not fit.
    """
    name, *settings = (part.strip() for part in text.split(","))
    if name == type(pipeline.scheduler).__name__ and not settings:
        return
    flow = pipeline.scheduler.config.get("prediction_type") == "flow_prediction"
    fitting = {cls.__name__: cls for cls in _schedulers(flow)}
    short = {full.removesuffix("Scheduler").removesuffix("Discrete").lower(): cls for full, cls in reversed(fitting.items())}
    cls = fitting.get(name) or short.get(name.lower().removesuffix("scheduler").removesuffix("discrete"))
    if cls is None:
        known = ", ".join(sorted(full.removesuffix("Scheduler") for full in fitting))
        raise InputError(f"The scheduler is {name[:60]!r}, which does not fit this model.", f"Known ones: {known}.")
    accepted = set(inspect.signature(cls.__init__).parameters) - {"self"}
    overrules: dict[str, Any] = {}
    for setting in settings:
        key, sign, value = (part.strip() for part in setting.partition("="))
        if not sign or key not in accepted:
            names = ", ".join(sorted(accepted))
            raise InputError(f"{setting[:60]!r} is no setting of {cls.__name__}.", f"Write NAME=VALUE; names: {names}.")
        try:
            overrules[key] = json.loads(value)
        except ValueError:
            overrules[key] = value
    try:
        with quiet_libraries():
            pipeline.scheduler = cls.from_config(pipeline.scheduler.config, **overrules)
    except (ValueError, NotImplementedError, TypeError, ImportError) as error:
        raise InputError(f"The scheduler {text[:60]!r} refuses its settings: {error}.", "Leave them out.") from error


def add_loras(pipeline: Any, loras: Sequence[str]) -> None:
    """Melt LoRA weights into the pipeline: each "PATH", "HUB-ID", or with a scale "PATH:0.8".

    Raises MissingError, InputError and CheckpointError.
    """
    if not loras:
        return
    if importlib.util.find_spec("peft") is None:
        raise MissingError("LoRA needs the package peft.", "pip install 'emoticrafter[sdxl]'")
    names: list[str] = []
    scales: list[float] = []
    with quiet_libraries():
        for index, text in enumerate(loras):
            source, scale = _split_scale(text)
            names.append(f"lora_{index}")
            scales.append(scale)
            _add_lora(pipeline, source, names[-1])
        try:
            pipeline.set_adapters(names, scales)
        except ValueError as error:  # nothing in the file fitted, so the adapter is not there
            raise CheckpointError(f"LoRA weights do not fit this model: {error}.", "Take those made for SDXL.") from error
        pipeline.fuse_lora(adapter_names=names)
        pipeline.unload_lora_weights()


def fingerprint(path: Path) -> str:
    """A short hash of a model: names and sizes of its weights, a sample of each, and the configs that decide its pixels."""
    digest = hashlib.sha256()
    root = path if path.is_dir() else path.parent
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        name = file.relative_to(root)
        if file.suffix not in {".json", ".safetensors", ".txt"} or name.parts[0] in _BESIDE or not file.is_file():
            continue
        size = file.stat().st_size
        digest.update(f"{name.as_posix()}\0{size}\0".encode())
        with open_file(file, "model's file", _FETCH_AGAIN, error=CheckpointError) as stream:
            digest.update(stream.read(_SAMPLE))
            stream.seek(max(size - _SAMPLE, size // 2))
            digest.update(stream.read(_SAMPLE))
    return digest.hexdigest()[:16]


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a small JSON file, None where there is no file; raises CheckpointError for anything else in it."""
    if not os.path.lexists(path):
        return None
    return dict(read_record(path, dict[str, Any], "model's file", _FETCH_AGAIN, most=MAX_TEXT, error=CheckpointError))


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Without the progress bars and remarks of transformers and diffusers, which mean nothing to a user of this program."""
    import diffusers.utils.logging as diffusers_logging
    import transformers.utils.logging as transformers_logging

    both = (diffusers_logging, transformers_logging)
    before = [(logging.get_verbosity(), logging.is_progress_bar_enabled()) for logging in both]
    try:
        for logging in both:
            logging.set_verbosity_error()
            logging.disable_progress_bar()
        yield
    finally:
        for logging, (verbosity, bars) in zip(both, before, strict=True):
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()


def _pipeline_class() -> Any:
    # The module itself: the package's own name for the class would import it through two more lazy layers.
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline

    return StableDiffusionXLPipeline


def _check_index(folder: Path) -> None:
    index = read_json(folder / "model_index.json")
    if index is None:
        raise MissingError(f"{str(folder)!r} holds no model_index.json.", "Give the folder of a diffusers SDXL pipeline.")
    if index.get("_class_name") != PIPELINE:
        raise CheckpointError(
            f"{str(folder)!r} is a {str(index.get('_class_name'))[:60]}; this backbone runs {PIPELINE}.", "Give an SDXL model."
        )


def _wanted_variant(dtype: torch.dtype) -> str | None:
    return None if dtype == torch.float32 else "fp16"


def _variant_in(folder: Path, dtype: torch.dtype) -> str | None:
    """Half precision files where they are wanted or alone."""
    names = [file.name for file in folder.glob("*.safetensors")]
    half = any(".fp16." in name or ".fp16-" in name for name in names)
    whole = any(".fp16" not in name for name in names)
    return "fp16" if half and (not whole or _wanted_variant(dtype)) else None


def _schedulers(flow: bool) -> list[Any]:
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


def _add_lora(pipeline: Any, source: str, name: str) -> None:
    path, folder = Path(source), source
    options: dict[str, Any] = {"adapter_name": name, "use_safetensors": True}
    if path.is_file():
        if path.suffix != ".safetensors":
            raise CheckpointError(
                f"The LoRA {source!r} is not a .safetensors file; other forms can hold code.", "Convert it first."
            )
        folder = str(path.parent)
        options |= {"weight_name": path.name, "local_files_only": True}
    try:
        pipeline.load_lora_weights(folder, **options)
    except Exception as error:  # damaged files fail anywhere in the readers
        raise _loading_error(path, error) if path.exists() else fetch_error(source, error) from error


def _split_scale(text: str) -> tuple[str, float]:
    source, colon, scale = text.rpartition(":")
    if not colon or Path(text).exists():
        return text, 1.0
    try:
        number = float(scale)
    except ValueError:
        return text, 1.0
    if not -10 <= number <= 10:
        raise InputError(f"The scale of the LoRA {text[:200]!r} is {scale}.", "Give a number from -10 to 10.")
    return source, number


def _loading_error(path: Path, error: Exception) -> EmotiCrafterError:
    reason = reason_of(error, 300)
    if is_out_of_memory(error):
        return DeviceError(f"The memory does not suffice to load {str(path)!r}.", "Close other programs, or use a smaller dtype.")
    if path.is_file() and isinstance(error, OSError) and "Unable to load weights" not in reason:
        return MissingError(
            f"{str(path)!r} holds weights only, and the configs of its components could not be fetched ({reason}).",
            "Fetch stabilityai/stable-diffusion-xl-base-1.0 once while online, or give a pipeline folder as `config`.",
        )
    return CheckpointError(f"{str(path)!r} cannot be loaded as {PIPELINE}: {type(error).__name__}: {reason}.", _FETCH_AGAIN)
