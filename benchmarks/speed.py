"""How long a user waits, and how much is installed: from a cold start, warm, a preview, a grid, the import, the help page."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, Report, clocked, parser, spread, table, tracked_bytes
from benchmarks.grids import AXIS

PROMPT = "a dog running on a beach"
PACKAGE = ROOT / "src" / "emoticrafter"
# (name, what, bar); seconds unless the name says otherwise
BARS = {
    "cold": ("generate from a cold start, s", 8.0),
    "warm": ("a warm picture, s", 0.6),
    "preview": ("a preview, s", 0.25),
    "grid": ("a 5x5 grid, s", 8.0),
    "injection_share": ("injection, share of a picture", 0.05),
    "import": ("import emoticrafter, s", 0.3),
    "help": ("emoticrafter --help, s", 0.5),
}
IMPORT = """
import sys, time
began = time.perf_counter()
import emoticrafter
print(time.perf_counter() - began, "torch" in sys.modules)
"""


def run(*arguments: str) -> str:
    """A new Python process; what it prints."""
    paths = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return done.stdout


def start_times(backbone: str, runs: int, folder: Path) -> dict[str, Any]:
    """Times of new processes, the first run of each apart: it reads the files from the disk."""
    generate = ["-m", "emoticrafter", "generate", PROMPT, "--valence=-2", "--arousal=1", "--backbone", backbone, "--force"]
    cold = clocked(lambda: run(*generate, "--out", str(folder / "cold.png")), runs)
    imports = [run("-c", IMPORT).split() for _ in range(runs)]
    return {
        "cold": spread(cold),
        "cold_first": cold[0],
        "import": spread([float(seconds) for seconds, _ in imports]),
        "import_loads_torch": any(torch == "True" for _, torch in imports),
        "help": spread(clocked(lambda: run("-m", "emoticrafter", "--help"), runs, warm_up=1)),
    }


def warm_times(backbone: str, device: str | None, runs: int) -> dict[str, Any]:
    """Times inside one process, after a picture that is not counted. Each prompt is new: features of old ones are kept."""
    from emoticrafter.crafter import EmotiCrafter, inject
    from emoticrafter.emotion import Emotion

    crafter = EmotiCrafter.from_pretrained(backbone, device=device)
    defaults, feeling = crafter.backbone.defaults, Emotion(valence=-2.0, arousal=1.0)
    preview = min(defaults.preview_steps or 8, defaults.steps)
    prompts = (f"{PROMPT} {number}" for number in count())
    neutral, section = crafter.backbone.encode([next(prompts)]), crafter.backbone.section
    times = {
        "warm": spread(clocked(lambda: crafter.generate(next(prompts), feeling), runs, warm_up=2)),
        "preview": spread(clocked(lambda: crafter.generate(next(prompts), feeling, steps=preview), runs, warm_up=1)),
        "grid": spread(clocked(lambda: crafter.grid(next(prompts), valences=AXIS, arousals=AXIS), max(runs // 2, 1), warm_up=1)),
        "injection": spread(clocked(lambda: inject(crafter.eit, neutral, [feeling], 1.0, section), 4 * runs, warm_up=2)),
    }
    about = {"steps": defaults.steps, "preview_steps": preview, "guidance": defaults.guidance, "size": defaults.size}
    return {**times, "injection_share": times["injection"]["median"] / times["warm"]["median"], **about}


ONE_PICTURE = """
import sys, time
from statistics import median
from emoticrafter.threads import limit_spinning
way = sys.argv[1]
if way != "as torch is":
    limit_spinning()
import torch
from emoticrafter.backbones.sdxl import network
if way != "suited":
    network.suit_threads = lambda: None
if way == "one thread":
    torch.set_num_threads(1)
from emoticrafter import EmotiCrafter, Emotion
crafter = EmotiCrafter.from_pretrained(sys.argv[2], device="cpu")
times = []
for number in range(2 + int(sys.argv[3])):
    began = time.perf_counter()
    crafter.generate(f"a dog on a beach {number}", Emotion(valence=-2.0, arousal=1.0))
    times.append(time.perf_counter() - began)
print(median(times[2:]))
"""
WAYS = ("suited", "one thread", "all threads, that sleep soon", "as torch is")
HOG = "while True: pass"


def thread_times(backbone: str, runs: int) -> dict[str, dict[str, float]]:
    """Seconds of a warm picture for each way to use threads: on this machine as it is, and beside a program that takes a core."""

    def of(ways: Sequence[str]) -> dict[str, float]:
        return {way: float(run("-c", ONE_PICTURE, way, backbone, str(runs)).split()[-1]) for way in ways}

    idle = of(WAYS)
    hog = subprocess.Popen([sys.executable, "-c", HOG])
    try:
        return {"idle": idle, "busy": of(WAYS)}
    finally:
        hog.kill()
        hog.wait()


def installed_bytes() -> dict[str, int]:
    """What the wheel holds, unpacked: all files of the package, and the weights among them."""
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    weights = [path for path in files if path.suffix == ".safetensors"]
    return {"package": sum(path.stat().st_size for path in files), "weights": sum(path.stat().st_size for path in weights)}


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("speed", __doc__)
    options.add_argument("--backbone", default="storybook", help="storybook, or a pipeline folder with its emotion checkpoint")
    options.add_argument("--device", help="of the warm pictures; by default the best there is")
    options.add_argument("--runs", type=int, default=7, help="of each; the median counts")
    given = options.parse_args(arguments)
    report = Report("speed", given)
    with tempfile.TemporaryDirectory() as name:
        if given.smoke:
            from tests.tiny import build_tiny_sdxl

            given.backbone, given.device, given.runs = str(build_tiny_sdxl(Path(name) / "tiny")), "cpu", 1
        figures: dict[str, Any] = {"warm": warm_times(given.backbone, given.device, given.runs)}
        figures["start"] = start_times(given.backbone, given.runs, Path(name))
        figures["threads"] = thread_times(given.backbone, given.runs)
    figures["bytes"] = {**installed_bytes(), "tracked": tracked_bytes()}
    report.figures = figures
    both = {**figures["start"], **figures["warm"]}
    for key, (label, most) in BARS.items():
        value = both[key]
        report.bar(label, value["median"] if isinstance(value, dict) else value, most=most)
    idle, busy = figures["threads"]["idle"], figures["threads"]["busy"]
    report.bar("a picture beside a busy core, against the best way", busy["suited"] / min(busy.values()), most=1.5)
    report.bar("a picture on an idle machine, against torch as it is", idle["suited"] / idle["as torch is"], most=1.1)
    report.bar("import emoticrafter loads torch", float(figures["start"]["import_loads_torch"]), most=0)
    report.bar("installed package, MB", figures["bytes"]["package"] / 1e6, most=150)
    report.bar("shipped weights, MB", figures["bytes"]["weights"] / 1e6, most=60)
    tracked = figures["bytes"]["tracked"]
    report.bar("tracked files, MB", None if tracked is None else tracked / 1e6, most=70)
    rows = [(name, time["median"], time["min"], time["max"]) for name, time in both.items() if isinstance(time, dict)]
    ways = [(way, idle[way], busy[way]) for way in WAYS]
    report.finish(
        table("seconds", ("", "median", "min", "max"), rows),
        table("seconds of a warm picture", ("threads", "idle", "one core busy"), ways),
    )


if __name__ == "__main__":
    main()
