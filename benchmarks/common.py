"""What every benchmark shares: its options, clocks, the bars, the table printed last, and the record in JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from emoticrafter.errors import EmotiCrafterError
from emoticrafter.files import atomic_path
from emoticrafter.system import describe_system

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"


def parser(name: str, about: str | None) -> argparse.ArgumentParser:
    """The options that all benchmarks have; `name` is that of the module and of its record."""
    made = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    made.add_argument("--smoke", action="store_true", help="tiny random models and counts: only shows that the script runs")
    made.add_argument("--out", type=Path, help="the record; by default in benchmarks/results, with --smoke a temporary file")
    made.add_argument("--threads", type=int, help="CPU threads of torch")
    return made


def numbers(text: str) -> list[float]:
    """An option that holds values split by commas."""
    return [float(part) for part in text.split(",")]


def whole_numbers(text: str) -> list[int]:
    """An option that holds whole numbers split by commas."""
    return [int(part) for part in text.split(",")]


def checked(read: Callable[[str], T]) -> Callable[[str], T]:
    """An option read by a function of the package, whose errors are told as those of all options are."""

    def option(text: str) -> T:
        try:
            return read(text)
        except EmotiCrafterError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return option


class Report:
    """What one run measured, under the name of its module. `figures` may be filled, and `save` called, as it goes."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        smoke, system = bool(options.smoke), describe_system()
        self.name = name
        self.path: Path = options.out or (_smoke_folder() if smoke else RESULTS) / f"{name}.json"
        self.figures: dict[str, Any] = {}
        self.bars: list[dict[str, Any]] = []
        self._head = {
            "benchmark": name,
            "command": shlex.join(["python", "-m", f"benchmarks.{name.replace('-', '_')}", *sys.argv[1:]]),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "revision": revision(),
            "smoke": smoke,
            "options": {key: _plain(value) for key, value in vars(options).items() if key not in ("smoke", "out")},
            "machine": machine([device for device in system["devices"] if device["name"] != "cpu"]),
            "versions": system["versions"],
        }
        self._began = time.perf_counter()
        if options.threads:
            import torch

            torch.set_num_threads(options.threads)

    def bar(self, name: str, value: float | None, *, least: float | None = None, most: float | None = None) -> None:
        """Hold a figure against the number that it must reach (`least`) or stay under (`most`)."""
        assert (least is None) != (most is None)
        met = value is not None and (value >= least if least is not None else value <= most)  # type: ignore[operator]
        bound = f"at least {least:g}" if least is not None else f"at most {most:g}"
        self.bars.append({"name": name, "value": value, "bar": bound, "met": bool(met)})

    def save(self) -> None:
        """Write the record, whole or not at all; an older one is replaced."""
        taken = round(time.perf_counter() - self._began, 1)
        record = {**self._head, "seconds": taken, "bars": self.bars, "figures": self.figures}
        with atomic_path(self.path, force=True) as temporary:
            temporary.write_text(json.dumps(_plain(record), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def finish(self, *tables: Table) -> None:
        """Save, then print the tables, the bars and where the record is."""
        self.save()
        console = Console() if sys.stdout.isatty() else Console(width=120)
        shown = list(tables)
        if self.bars:
            rows = [(b["name"], number(b["value"]), b["bar"], "met" if b["met"] else "MISSED") for b in self.bars]
            shown.append(table("bars", ("figure", "value", "bar", ""), rows))
        for one in shown:
            console.print(one)
        print(f"{self.path}{'  (smoke: the figures mean nothing)' if self._head['smoke'] else ''}")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A short table; numbers are rounded to what can be read."""
    made = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        made.add_column(column, justify="left" if i == 0 else "right")
    for row in rows:
        made.add_row(*(number(cell) if not isinstance(cell, str) else cell for cell in row))
    return made


def number(value: float | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def clocked(function: Callable[[], object], repeats: int = 1, warm_up: int = 0) -> list[float]:
    """Wall seconds of each call, after some that are not counted; waits for the GPU where there is one in use."""
    for _ in range(warm_up):
        function()
    taken = []
    for _ in range(repeats):
        wait_for_gpu()
        began = time.perf_counter()
        function()
        wait_for_gpu()
        taken.append(time.perf_counter() - began)
    return taken


def spread(seconds: Sequence[float]) -> dict[str, Any]:
    """Median, ends and number of some times."""
    return {"median": statistics.median(seconds), "min": min(seconds), "max": max(seconds), "runs": len(seconds)}


def wait_for_gpu() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def machine(devices: list[dict[str, Any]]) -> dict[str, Any]:
    """Where it was measured. `load` is the load average before the run: much above 0, the times are of no use."""
    try:
        cores = len(os.sched_getaffinity(0))  # type: ignore[attr-defined]
    except AttributeError:
        cores = os.cpu_count() or 1
    memory = None
    with contextlib.suppress(AttributeError, OSError, ValueError):
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    system = f"{platform.system()} {platform.machine()}"
    return {"cpu": _cpu(), "cores": cores, "memory_gib": memory, "system": system, "devices": devices, "load": load}


def revision() -> str:
    """The commit that was measured, with a mark if files were changed since; $GIT_REVISION where there is no repository."""
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    if not commit:
        return os.environ.get("GIT_REVISION", "unknown")
    return commit.strip() + (" with changes" if changes else "")


def tracked_bytes() -> int | None:
    """The size of all files under version control; None outside a repository."""
    names = _git("ls-files", "-z")
    if not names:
        return None
    paths = [ROOT / name for name in names.split("\0") if name]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _smoke_folder() -> Path:
    return Path(tempfile.gettempdir()) / "emoticrafter-smoke"


def _plain(value: Any) -> Any:
    """JSON values: floats to six figures, NaN as null, arrays as lists, anything else as its text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, Path):
        return value.relative_to(ROOT).as_posix() if value.is_relative_to(ROOT) else value.as_posix()
    if hasattr(value, "tolist"):  # numpy
        return _plain(value.tolist())
    return str(value)
