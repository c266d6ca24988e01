"""What this machine offers: versions, devices and models."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from emoticrafter.backbones.outline import read_class
from emoticrafter.backbones.registry import NAMES, is_known
from emoticrafter.errors import EmotiCrafterError

__all__ = ["describe_system"]

_LIBRARIES = ("emoticrafter", "torch", "diffusers", "transformers", "safetensors", "huggingface_hub", "pillow", "numpy")
_EXTRAS = ("opencv-python-headless", "scipy", "scikit-learn", "tokenizers", "accelerate", "peft")
STORYBOOK = Path(NAMES["storybook"])


def describe_system() -> dict[str, Any]:
    """`versions` by package (None where absent), `devices` and `models` as lists of objects. Nothing is downloaded."""
    packages = {name: _version(name) for name in (*_LIBRARIES, *_EXTRAS)}
    return {"versions": {"python": platform.python_version(), **packages}, "devices": _devices(), "models": _models()}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _devices() -> list[dict[str, Any]]:
    import torch

    devices: list[dict[str, Any]] = [{"name": "cpu", "about": f"{torch.get_num_threads()} threads"}]
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        devices.append({"name": f"cuda:{index}", "about": f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"})
    if torch.backends.mps.is_available():
        devices.append({"name": "mps", "about": "Apple GPU"})
    return devices


def _models() -> list[dict[str, Any]]:
    models = []
    if (STORYBOOK / "model_index.json").is_file():
        models.append({"name": "storybook", "path": str(STORYBOOK), "megabytes": _megabytes(STORYBOOK)})
    return models + _hub_models()


def _hub_models() -> list[dict[str, Any]]:
    """Models in the hub's cache that a backbone runs."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return []
    found = []
    for repository in sorted(repositories, key=lambda one: one.repo_id):
        newest = max(repository.revisions, key=lambda one: one.last_modified, default=None)
        if newest is not None and _is_model(newest.snapshot_path):
            found.append(
                {"name": repository.repo_id, "path": str(newest.snapshot_path), "megabytes": repository.size_on_disk // 10**6}
            )
    return found


def _is_model(folder: Path) -> bool:
    try:
        return is_known(read_class(folder))
    except EmotiCrafterError:
        return False


def _megabytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) // 10**6
