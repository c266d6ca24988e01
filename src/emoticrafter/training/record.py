"""What a run tells: metrics.jsonl and a line of progress as it goes, run.json and curves.png at its end."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from emoticrafter.errors import MissingError
from emoticrafter.files import atomic_path, disk_errors
from emoticrafter.inputs.lines import cut_lines
from emoticrafter.inputs.named import read_file
from emoticrafter.inputs.records import parse_json
from emoticrafter.progress import Progress, clock

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None

__all__ = ["Display", "Metrics", "draw_curves", "memory_gib", "read_metrics", "revision", "versions", "write_json"]

_MAX_BYTES = 1 << 30  # of a metrics.jsonl
_HISTORY = 20.0  # seconds over which the rate is measured
_LIBRARIES = ("emoticrafter", "torch", "accelerate", "numpy", "safetensors", "pandas", "pyarrow", "scipy")


class Metrics:
    """metrics.jsonl: one JSON object per line with `step` and figures by name. NaN and infinity are written as null."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def cut(self, step: int) -> None:
        """Drop the lines of later steps, which a run that goes on from this step will write again, and a line cut short."""
        kept = [line for line in read_metrics(self.path) if line["step"] <= step]
        with atomic_path(self.path, force=True) as temporary:
            temporary.write_text("".join(map(_line, kept)), encoding="utf-8")

    def add(self, step: int, figures: Mapping[str, Any]) -> None:
        """Append a line."""
        with (
            disk_errors(f"{str(self.path)!r}", "Free some space, and run the same command again: it goes on."),
            self.path.open("a", encoding="utf-8") as file,
        ):
            file.write(_line({"step": step, **figures}))


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl; those that are none are passed over, as a run that was killed may leave one."""
    return list(_lines(path))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        content = read_file(path, _MAX_BYTES, cure="Remove it: the run writes another.")
    except MissingError:
        return
    for text in cut_lines(content.decode("utf-8", "replace")):
        try:
            line = parse_json(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            yield line


def _line(figures: Mapping[str, Any]) -> str:
    return json.dumps({name: _rounded(value) for name, value in figures.items()}, ensure_ascii=False, allow_nan=False) + "\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return value


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """A JSON file, whole or not at all."""
    with atomic_path(path, force=True) as temporary:
        temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def versions() -> dict[str, str | None]:
    """Of Python and of the libraries that the result depends on; None where absent."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def revision() -> str | None:
    """The commit of this package's checkout, with a mark if files were changed since; $GIT_REVISION where there is none."""
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    if not commit:
        return os.environ.get("GIT_REVISION")
    return commit.strip() + (" with changes" if changes else "")


def _git(*arguments: str) -> str | None:
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():  # installed below some other repository
        return None
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def draw_curves(metrics: list[dict[str, Any]], baselines: Mapping[str, float], path: Path) -> None:
    """Losses over steps as a PNG: training and validation, with the baselines as level lines."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    styles: dict[str, dict[str, Any]] = {
        "loss": {"label": "training", "color": "#9ab", "linewidth": 1.0},
        "val": {"label": "validation, weighted", "color": "#c33", "marker": ".", "linewidth": 1.5},
    }
    for name, style in styles.items():
        points = [(line["step"], line[name]) for line in metrics if isinstance(line.get(name), int | float)]
        if points:
            axes.plot(*zip(*points, strict=True), **style)
    for name, dashes in (("neutral", "--"), ("ridge", ":")):
        if baselines.get(name) is not None:
            axes.axhline(baselines[name], label=f"baseline: {name}", color="#555", linestyle=dashes, linewidth=1.0)
    axes.set(xlabel="step", ylabel="loss")
    values = [line[name] for line in metrics for name in ("loss", "val") if isinstance(line.get(name), int | float)]
    if values and min(values) > 0 and max(values) > 20 * min(values):
        axes.set_yscale("log")
    if values:
        axes.legend()
    with atomic_path(path, force=True) as temporary:
        figure.savefig(temporary, dpi=120)


class Display(Progress):
    """Progress of `steps` updates of `batch` pairs."""

    def __init__(self, title: str, steps: int, batch: int, device: torch.device, quiet: bool = False) -> None:
        super().__init__(title, steps, quiet=quiet)
        self.batch, self.device = batch, device
        self._seen: deque[tuple[float, int]] = deque()

    def samples_per_second(self, step: int) -> float:
        """The rate over the last seconds; to be called once an update."""
        now = time.monotonic()
        self._seen.append((now, step))
        while len(self._seen) > 2 and now - self._seen[1][0] > _HISTORY:
            self._seen.popleft()
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return self.batch * (last - first) / max(ended - began, 1e-9) if last > first else 0.0

    def update(self, step: int, rate: float, figures: Mapping[str, float]) -> None:
        """Show loss and other figures beside rate, time left and memory. rate: pairs per second."""
        if not self.due():
            return
        left = clock((self.total - step) * self.batch / rate) if rate else "?"
        shown = " ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.tell(step, f"{step}/{self.total} {shown}, {rate:.4g} pairs/s, {left} left, {memory_gib(self.device):.2f} GiB")


def memory_gib(device: torch.device) -> float:
    """The most memory used so far: of the GPU, where there is one, else resident memory of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    if resource is None:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)
